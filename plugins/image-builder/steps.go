package imagebuilder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// run carries out one step. Each kind may be carried out again without harm.
func (s step) run(ctx context.Context, g *guest) error {
	switch s.kind {
	case "file":
		return s.writeFile(ctx, g)
	case "http":
		return s.probe(ctx, g)
	}
	script, err := s.script()
	if err != nil {
		return err
	}
	_, err = g.run(ctx, script, nil)
	return err
}

// script is what a step does, as a POSIX shell script.
func (s step) script() (string, error) {
	switch s.kind {
	case "package":
		return s.packageScript(), nil
	case "firewall":
		return s.firewallScript(), nil
	case "service":
		return s.serviceScript(), nil
	case "shell":
		return s.shellScript()
	}
	return "", fmt.Errorf("no step of this kind is known; there are file, firewall, http, package, service and shell")
}

func (s step) packageScript() string {
	names := quoteAll(s.list("names"))
	install := s.textOr("state", "present") == "present"
	verb := func(add, remove string) string {
		if install {
			return add + " " + names
		}
		return remove + " " + names
	}
	return `if command -v dnf >/dev/null 2>&1; then ` + verb("dnf install -y", "dnf remove -y") + `
elif command -v yum >/dev/null 2>&1; then ` + verb("yum install -y", "yum remove -y") + `
elif command -v apt-get >/dev/null 2>&1; then export DEBIAN_FRONTEND=noninteractive; ` + verb("apt-get update -q && apt-get install -y", "apt-get remove -y") + `
elif command -v zypper >/dev/null 2>&1; then ` + verb("zypper --non-interactive install", "zypper --non-interactive remove") + `
elif command -v apk >/dev/null 2>&1; then ` + verb("apk add", "apk del") + `
else echo 'no package manager is known here (dnf, yum, apt-get, zypper, apk)' >&2; exit 69
fi
`
}

func (s step) firewallScript() string {
	var firewalld, ufw []string
	for _, service := range s.list("services") {
		firewalld = append(firewalld, "--add-service="+quote(service))
		ufw = append(ufw, "ufw allow "+quote(service))
	}
	for _, port := range s.list("ports") {
		if !strings.Contains(port, "/") {
			port += "/tcp"
		}
		firewalld = append(firewalld, "--add-port="+quote(port))
		ufw = append(ufw, "ufw allow "+quote(port))
	}
	if len(firewalld) == 0 {
		return "true\n"
	}
	permanent := make([]string, len(firewalld))
	for i, change := range firewalld {
		permanent[i] = "firewall-cmd --permanent " + change
	}
	return `if command -v firewall-cmd >/dev/null 2>&1 && firewall-cmd --state >/dev/null 2>&1; then
  ` + strings.Join(permanent, " && ") + ` && firewall-cmd --reload
elif command -v firewall-offline-cmd >/dev/null 2>&1; then
  firewall-offline-cmd ` + strings.Join(firewalld, " ") + `
elif command -v ufw >/dev/null 2>&1; then
  ` + strings.Join(ufw, " && ") + `
else echo 'the guest has no firewall of its own'
fi
`
}

func (s step) serviceScript() string {
	unit := quote(s.text("name"))
	enable, start := "systemctl disable "+unit, "systemctl stop "+unit
	if s.flag("enabled", true) {
		enable = "systemctl enable " + unit
	}
	if s.flag("started", true) {
		start = "systemctl start " + unit + " && systemctl is-active " + unit
	}
	return enable + " && " + start + "\n"
}

func (s step) shellScript() (string, error) {
	script := s.text("script")
	if source := s.text("source"); source != "" {
		data, err := os.ReadFile(source)
		if err != nil {
			return "", fmt.Errorf("read the script: %w", err)
		}
		script = string(data)
	}
	if script == "" {
		return "", errors.New("the step has neither script nor source")
	}
	var b strings.Builder
	if made := s.text("creates"); made != "" {
		b.WriteString("if [ -e " + quote(made) + " ]; then exit 0; fi\n")
	}
	env := s.pairs("env")
	for _, name := range slices.Sorted(maps.Keys(env)) {
		b.WriteString("export " + name + "=" + quote(env[name]) + "\n")
	}
	b.WriteString("set -e\n" + script + "\n")
	return b.String(), nil
}

// writeFile puts a file in place as a whole: a reader sees the old one or the new one.
func (s step) writeFile(ctx context.Context, g *guest) error {
	var content io.Reader = strings.NewReader(s.text("content"))
	if source := s.text("source"); source != "" {
		f, err := os.Open(source)
		if err != nil {
			return fmt.Errorf("read the file to copy: %w", err)
		}
		defer f.Close()
		content = f
	}
	target := s.text("path")
	temporary := quote(target + ".moldctl-new")
	lines := []string{"set -e", "mkdir -p " + quote(path.Dir(target)), "cat > " + temporary, "chmod " + quote(s.textOr("mode", "0644")) + " " + temporary}
	if owner := s.text("owner"); owner != "" {
		lines = append(lines, "chown "+quote(owner)+" "+temporary)
	}
	if group := s.text("group"); group != "" {
		lines = append(lines, "chgrp "+quote(group)+" "+temporary)
	}
	lines = append(lines, "mv -f "+temporary+" "+quote(target))
	_, err := g.run(ctx, strings.Join(lines, "\n")+"\n", content)
	return err
}

// probe asks the machine's own service, through the connection if the guest allows that, else with the guest's curl.
func (s step) probe(ctx context.Context, g *guest) error {
	limit, err := time.ParseDuration(s.textOr("timeout", "30s"))
	if err != nil {
		return fmt.Errorf("timeout: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ask := s.askThroughSSH
	var last error
	err = cloudstack.Poll(ctx, time.Second, func(ctx context.Context) (bool, error) {
		status, body, err := ask(ctx, g)
		var refused *ssh.OpenChannelError
		if errors.As(err, &refused) && refused.Reason != ssh.ConnectionFailed {
			ask = s.askWithCurl
			status, body, err = ask(ctx, g)
		}
		last = s.judge(status, body, err)
		return last == nil, nil
	})
	if err != nil && last != nil {
		return last
	}
	return err
}

func (s step) judge(status int, body string, err error) error {
	where := fmt.Sprintf("http://localhost:%d%s", s.number("port", 80), s.textOr("path", "/"))
	want := s.number("expect_status", 200)
	switch {
	case err != nil:
		return fmt.Errorf("%s does not answer: %w", where, err)
	case status != want:
		return fmt.Errorf("%s answers %d, expected %d:\n%s", where, status, want, tail(body, 10))
	case !strings.Contains(body, s.text("expect_body")):
		return fmt.Errorf("%s answers without %q:\n%s", where, s.text("expect_body"), tail(body, 10))
	}
	return nil
}

func (s step) askThroughSSH(ctx context.Context, g *guest) (int, string, error) {
	port := strconv.Itoa(s.number("port", 80))
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return g.client.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost:"+port+s.textOr("path", "/"), nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, keptOutput))
	return resp.StatusCode, string(body), err
}

func (s step) askWithCurl(ctx context.Context, g *guest) (int, string, error) {
	url := fmt.Sprintf("http://127.0.0.1:%d%s", s.number("port", 80), s.textOr("path", "/"))
	out, err := g.run(ctx, "curl -s -w '\\n%{http_code}' --max-time 10 "+quote(url), nil)
	if err != nil {
		return 0, "", err
	}
	body, code, _ := cutLast(strings.TrimSpace(out), "\n")
	status, err := strconv.Atoi(strings.TrimSpace(code))
	if err != nil {
		return 0, "", fmt.Errorf("curl on the machine does not tell the status: %w", err)
	}
	return status, body, nil
}

func cutLast(text, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(text, sep); i >= 0 {
		return text[:i], text[i+len(sep):], true
	}
	return "", text, false
}

func quoteAll(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = quote(w)
	}
	return strings.Join(out, " ")
}

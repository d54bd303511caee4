package guest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

func netPrograms() map[string]program {
	return map[string]program{"curl": cmdCurl, "wget": cmdWget, "ping": cmdPing, "ip": cmdIP}
}

// resolve finds the address of a name that the guest knows by itself.
func (m *Machine) resolve(host string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap(), true
	}
	short, _, _ := strings.Cut(m.hostname(), ".")
	switch host {
	case "localhost", "localhost.localdomain":
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), true
	case m.hostname(), short:
		return m.cfg.Address, true
	}
	for _, line := range m.lines("/etc/hosts") {
		f := strings.Fields(line)
		for _, name := range f[min(1, len(f)):] {
			if addr, err := netip.ParseAddr(f[0]); err == nil && name == host {
				return addr, true
			}
		}
	}
	if r, ok := m.cfg.Network.(Resolver); ok {
		return r.Lookup(host)
	}
	return netip.Addr{}, false
}

// connectTimeout is what curl waits for a connection by default here.
const connectTimeout = 130 * time.Second

// fetch does one HTTP request from inside the guest.
func (p *proc) fetch(ctx context.Context, req *http.Request, follow bool, timeout time.Duration) (*http.Response, error) {
	transport := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			host, portText, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			port, err := strconv.Atoi(portText)
			if err != nil {
				return nil, err
			}
			c, err := p.m.dialOut(ctx, host, port)
			var unknown *resolveError
			if err != nil && !errors.Is(err, ErrRefused) && !errors.Is(err, ErrFiltered) && !errors.As(err, &unknown) {
				// Not let out: packets vanish, so the caller waits.
				if sleepErr := p.m.clock.Sleep(ctx, timeout); sleepErr != nil {
					return nil, sleepErr
				}
				return nil, errTimeout
			}
			return c, err
		},
	}
	client := &http.Client{Transport: transport}
	if !follow {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return client.Do(req.WithContext(ctx))
}

var errTimeout = errors.New("connection timed out")

// curlProblem gives curl's exit code and words.
func curlProblem(err error, target *url.URL) (int, string) {
	port := target.Port()
	if port == "" {
		port = map[string]string{"https": "443"}[target.Scheme]
	}
	if port == "" {
		port = "80"
	}
	var unknown *resolveError
	switch {
	case errors.As(err, &unknown):
		return 6, "Could not resolve host: " + unknown.host
	case errors.Is(err, ErrRefused):
		return 7, fmt.Sprintf("Failed to connect to %s port %s: Connection refused", target.Hostname(), port)
	case errors.Is(err, ErrFiltered):
		return 7, fmt.Sprintf("Failed to connect to %s port %s: No route to host", target.Hostname(), port)
	case errors.Is(err, errTimeout), errors.Is(err, context.DeadlineExceeded):
		return 28, fmt.Sprintf("Failed to connect to %s port %s: Connection timed out", target.Hostname(), port)
	}
	return 56, "Recv failure: " + err.Error()
}

func cmdCurl(ctx context.Context, p *proc) int {
	o, headers, data := curlArgs(p.args[1:])
	if len(o.args) == 0 {
		fmt.Fprintln(p.err, "curl: no URL specified!\ncurl: try 'curl --help' for more information")
		return 2
	}
	status := 0
	for _, arg := range o.args {
		if s := p.curlOne(ctx, o, headers, data, arg); s != 0 {
			status = s
		}
	}
	return status
}

func curlArgs(args []string) (o options, headers []string, data string) {
	o = options{set: map[string]string{}}
	long := map[string]string{"output": "o", "silent": "s", "fail": "f", "location": "L", "write-out": "w", "max-time": "m", "header": "H", "request": "X", "data": "d", "data-raw": "d", "insecure": "k", "head": "I", "include": "i", "user": "u", "show-error": "S", "user-agent": "A", "verbose": "v", "remote-name": "O", "cookie": "b", "retry": "retry", "connect-timeout": "connect-timeout", "retry-delay": "retry-delay", "max-redirs": "max-redirs", "retry-connrefused": "retry-connrefused"}
	const takes = " o w m H X d u A b retry connect-timeout retry-delay max-redirs "
	put := func(name, value string) {
		switch name {
		case "H":
			headers = append(headers, value)
		case "d":
			data = value
		}
		o.set[name] = value
	}
	for i := 0; i < len(args); i++ {
		a := args[i]
		value := func() string {
			if i+1 < len(args) {
				i++
				return args[i]
			}
			return ""
		}
		switch {
		case strings.HasPrefix(a, "--"):
			name, v, given := strings.Cut(a[2:], "=")
			if l, ok := long[name]; ok {
				name = l
			}
			if !given && strings.Contains(takes, " "+name+" ") {
				v = value()
			}
			put(name, v)
		case len(a) > 1 && a[0] == '-':
			for j := 1; j < len(a); j++ {
				name := a[j : j+1]
				if !strings.Contains(takes, " "+name+" ") {
					put(name, "")
					continue
				}
				v := a[j+1:]
				if v == "" {
					v = value()
				}
				put(name, v)
				break
			}
		default:
			o.args = append(o.args, a)
		}
	}
	return o, headers, data
}

func (p *proc) curlOne(ctx context.Context, o options, headers []string, data, arg string) int {
	if !strings.Contains(arg, "://") {
		arg = "http://" + arg
	}
	target, err := url.Parse(arg)
	if err != nil || target.Host == "" {
		fmt.Fprintln(p.err, "curl: (3) URL using bad/illegal format or missing URL")
		return 3
	}
	method := http.MethodGet
	switch {
	case o.has("X"):
		method = o.value("X")
	case o.has("I"):
		method = http.MethodHead
	case o.has("d"):
		method = http.MethodPost
	}
	req, err := http.NewRequest(method, arg, strings.NewReader(data))
	if err != nil {
		fmt.Fprintf(p.err, "curl: (3) %v\n", err)
		return 3
	}
	req.Header.Set("User-Agent", "curl/7.76.1")
	if data != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, h := range headers {
		name, v, _ := strings.Cut(h, ":")
		if strings.EqualFold(name, "host") {
			req.Host = strings.TrimSpace(v)
			continue
		}
		req.Header.Set(name, strings.TrimSpace(v))
	}
	timeout := connectTimeout
	for _, name := range []string{"m", "connect-timeout"} {
		if d, err := duration(o.value(name)); err == nil && d > 0 {
			timeout = min(timeout, d)
		}
	}
	tries, err := strconv.Atoi(o.value("retry"))
	if err != nil {
		tries = 0
	}
	for {
		resp, err := p.fetch(ctx, req, o.has("L"), timeout)
		if err == nil {
			return p.curlAnswer(o, resp, target)
		}
		if tries--; tries >= 0 && ctx.Err() == nil {
			if p.m.clock.Sleep(ctx, time.Second) == nil {
				continue
			}
		}
		code, words := curlProblem(err, target)
		if !o.has("s") || o.has("S") {
			fmt.Fprintf(p.err, "curl: (%d) %s\n", code, words)
		}
		p.writeOut(o.value("w"), nil, 0)
		return code
	}
}

func (p *proc) curlAnswer(o options, resp *http.Response, target *url.URL) int {
	defer func() { _ = resp.Body.Close() }() // read to its end or of no interest
	if o.has("f") && resp.StatusCode >= 400 {
		if !o.has("s") || o.has("S") {
			fmt.Fprintf(p.err, "curl: (22) The requested URL returned error: %d\n", resp.StatusCode)
		}
		p.writeOut(o.value("w"), resp, 0)
		return 22
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		fmt.Fprintf(p.err, "curl: (18) transfer closed: %v\n", err)
		return 18
	}
	var text strings.Builder
	if o.has("i", "I") {
		fmt.Fprintf(&text, "%s %s\r\n", resp.Proto, resp.Status)
		if err := resp.Header.Write(&text); err != nil {
			return 23
		}
		text.WriteString("\r\n")
	}
	text.Write(body)
	name := o.value("o")
	if o.has("O") {
		name = path.Base(target.Path)
	}
	if name == "" || name == "-" {
		p.printf("%s", text.String())
	} else if err := p.m.disk.WriteFile(p.s.cred, p.path(name), []byte(text.String()), 0o644); err != nil {
		fmt.Fprintf(p.err, "curl: (23) Failure writing output to destination: %s\n", reason(err))
		return 23
	}
	p.writeOut(o.value("w"), resp, len(body))
	return 0
}

func (p *proc) writeOut(format string, resp *http.Response, size int) {
	if format == "" {
		return
	}
	code, kind := "000", ""
	if resp != nil {
		code, kind = fmt.Sprintf("%03d", resp.StatusCode), resp.Header.Get("Content-Type")
	}
	p.printf("%s", strings.NewReplacer("%{http_code}", code, "%{response_code}", code, "%{size_download}", strconv.Itoa(size), "%{content_type}", kind,
		"%{time_total}", "0.002", "%{num_redirects}", "0", `\n`, "\n", `\t`, "\t", "%%", "%").Replace(format))
}

func cmdWget(ctx context.Context, p *proc) int {
	o := parse(p.args[1:], "O P T t output-document timeout tries")
	status := 0
	for _, arg := range o.args {
		if !strings.Contains(arg, "://") {
			arg = "http://" + arg
		}
		target, err := url.Parse(arg)
		if err != nil {
			return p.fail("%v", err)
		}
		req, err := http.NewRequest(http.MethodGet, arg, nil)
		if err != nil {
			return p.fail("%v", err)
		}
		resp, err := p.fetch(ctx, req, true, connectTimeout)
		if err != nil {
			_, words := curlProblem(err, target)
			fmt.Fprintf(p.err, "wget: %s\n", words)
			status = 4
			continue
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode >= 400 {
			fmt.Fprintf(p.err, "%s ERROR %s.\n", p.m.clock.Now().UTC().Format("2006-01-02 15:04:05"), resp.Status)
			status = 8
			continue
		}
		name := o.value("O", "output-document")
		if name == "-" {
			_, _ = p.out.Write(body)
			continue
		}
		if name == "" {
			if name = path.Base(target.Path); name == "/" || name == "." {
				name = "index.html"
			}
			name = path.Join(o.value("P"), name)
		}
		if err := p.m.disk.WriteFile(p.s.cred, p.path(name), body, 0o644); err != nil {
			status = p.fail("%s: %s", name, reason(err))
		}
	}
	return status
}

func cmdPing(ctx context.Context, p *proc) int {
	o := parse(p.args[1:], "c i W w")
	if len(o.args) == 0 {
		return p.fail("usage error: Destination address required")
	}
	host := o.args[0]
	addr, known := p.m.resolve(host)
	if !known {
		fmt.Fprintf(p.err, "ping: %s: Name or service not known\n", host)
		return 2
	}
	if !addr.IsLoopback() && addr != p.m.cfg.Address && p.m.cfg.Network != nil {
		c, err := p.m.cfg.Network.Dial(ctx, netip.AddrPortFrom(addr, 22))
		if err == nil {
			_ = c.Close()
		}
		if err != nil && !errors.Is(err, ErrRefused) {
			p.printf("PING %s (%s) 56(84) bytes of data.\n\n--- %s ping statistics ---\n1 packets transmitted, 0 received, 100%% packet loss, time 0ms\n", host, addr, host)
			return 1
		}
	}
	p.printf("PING %s (%s) 56(84) bytes of data.\n64 bytes from %s: icmp_seq=1 ttl=64 time=0.3 ms\n\n--- %s ping statistics ---\n1 packets transmitted, 1 received, 0%% packet loss, time 0ms\n", host, addr, addr, host)
	return 0
}

func cmdIP(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	what := strings.Join(o.args, " ")
	switch {
	case strings.HasPrefix(what, "r"):
		if p.m.cfg.Gateway.IsValid() {
			p.printf("default via %s dev eth0 proto dhcp src %s metric 100\n", p.m.cfg.Gateway, p.m.cfg.Address)
		}
	case o.has("br", "brief") || o.has("b"):
		p.printf("lo    UNKNOWN  127.0.0.1/8\neth0  UP       %s/24\n", p.m.cfg.Address)
	case strings.HasPrefix(what, "a"):
		p.printf("1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536\n    inet 127.0.0.1/8 scope host lo\n2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500\n    inet %s/24 brd %s scope global dynamic eth0\n", p.m.cfg.Address, broadcast(p.m.cfg.Address))
	default:
		p.printf("1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536\n2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500\n")
	}
	return 0
}

func broadcast(a netip.Addr) string {
	if !a.Is4() {
		return a.String()
	}
	b := a.As4()
	b[3] = 255
	return netip.AddrFrom4(b).String()
}

// writeRuntimeFiles fills what the kernel and the boot would provide.
func (m *Machine) writeRuntimeFiles() error {
	root := vfs.Root()
	dns := "127.0.0.53"
	if m.cfg.Gateway.IsValid() {
		dns = m.cfg.Gateway.String()
	}
	resolv := "nameserver " + dns + "\n"
	if m.cfg.Domain != "" {
		resolv = "search " + m.cfg.Domain + "\n" + resolv
	}
	files := map[string]string{
		"/etc/resolv.conf":          "# Generated by NetworkManager\n" + resolv,
		"/proc/uptime":              "1.00 1.00\n",
		"/proc/loadavg":             "0.00 0.00 0.00 1/120 600\n",
		"/proc/version":             "Linux version " + m.os.kernel + " (x86_64)\n",
		"/proc/meminfo":             fmt.Sprintf("MemTotal:       %8d kB\nMemFree:        %8d kB\n", m.cfg.MemoryMB*1024, m.cfg.MemoryMB*700),
		"/proc/cpuinfo":             strings.Repeat("processor\t: 0\nmodel name\t: QEMU Virtual CPU\n\n", m.cfg.CPUs),
		"/proc/sys/kernel/hostname": m.hostname() + "\n",
		"/proc/mounts":              "/dev/vda1 / xfs rw 0 0\n",
	}
	if m.os.family == debian {
		files["/etc/resolv.conf"] = resolv
	}
	for name, text := range files {
		dir := path.Dir(name)
		if err := m.disk.MkdirAll(root, dir, 0o755); err != nil {
			return err
		}
		if err := m.disk.WriteFile(root, name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	// A template has had its machine id emptied; each machine makes its own.
	if id, err := m.disk.ReadFile(root, "/etc/machine-id"); err != nil || len(strings.TrimSpace(string(id))) != 32 {
		if err := m.disk.WriteFile(root, "/etc/machine-id", []byte(newMachineID()), 0o444); err != nil {
			return err
		}
	}
	return nil
}

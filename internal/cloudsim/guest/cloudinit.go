package guest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

// Where cloud-init keeps its memory: a folder per instance id.
const (
	instancesDir = "/var/lib/cloud/instances"
	initLog      = "/var/log/cloud-init-output.log"
	initResult   = "/run/cloud-init/status"
)

// initPlan is what the first boot still has to do once SSH answers.
type initPlan struct {
	first   bool
	configs []*cloudConfig
	scripts []string
	hooks   []string // run at every boot, before everything else
	log     io.Writer
}

// cloudInitLocal does the early part: names, keys, users, files of bootcmd. It
// runs at every boot, the first-boot parts once per instance id.
func (m *Machine) cloudInitLocal() (*initPlan, error) {
	root := vfs.Root()
	plan := &initPlan{log: io.Discard}
	if !m.hasFile("/usr/bin/cloud-init") {
		return plan, nil
	}
	if err := m.disk.MkdirAll(root, path.Dir(initLog), 0o755); err != nil {
		return nil, err
	}
	log, err := m.disk.OpenFile(root, initLog, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return nil, err
	}
	plan.log = log
	id := m.cfg.InstanceID
	if id == "" {
		id = m.cfg.ID
	}
	dir := instancesDir + "/" + path.Base("/"+id)
	plan.first = !m.hasFile(dir)
	parts, err := splitUserData(m.cfg.UserData)
	if err != nil {
		fmt.Fprintf(log, "cloud-init: %v\n", err)
		m.setInitError(err)
	}
	for _, part := range parts {
		switch {
		case strings.HasPrefix(part, "#!"):
			plan.scripts = append(plan.scripts, part)
		case strings.HasPrefix(part, "#cloud-boothook"):
			plan.hooks = append(plan.hooks, part)
		case strings.HasPrefix(part, "#cloud-config") && !strings.HasPrefix(part, "#cloud-config-archive"):
			c, err := parseCloudConfig(part)
			if err != nil {
				fmt.Fprintf(log, "cloud-init: Failed loading yaml blob. Invalid format: %v\n", err)
				m.setInitError(err)
				continue
			}
			plan.configs = append(plan.configs, c)
		default:
			reason := unhandled(part)
			fmt.Fprintf(log, "cloud-init: %s\n", reason)
			m.setInitError(errors.New(reason))
		}
	}
	fmt.Fprintf(log, "Cloud-init v. 24.4 running 'init-local' at %s.\n", m.clock.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 +0000"))
	if !plan.first {
		return plan, m.applyAccess()
	}
	if err := m.disk.MkdirAll(root, dir, 0o755); err != nil {
		return nil, err
	}
	if err := m.disk.WriteFile(root, dir+"/user-data.txt", m.cfg.UserData, 0o600); err != nil {
		return nil, err
	}
	if err := m.disk.WriteFile(root, "/var/lib/cloud/data-instance-id", []byte(id+"\n"), 0o644); err != nil {
		return nil, err
	}
	return plan, m.firstBoot(plan)
}

// unhandled says why a part of the user data is not carried out.
func unhandled(part string) string {
	for prefix, reason := range map[string]string{
		"#include":              "#include is refused: an embedded guest has no world to fetch user data from, put the included text into the user data itself",
		"#part-handler":         "#part-handler is refused: an embedded guest runs no Python, use #cloud-config or a shell script",
		"## template:":          "templated user data (## template: jinja) is refused: an embedded guest renders no templates, send the rendered text",
		"#cloud-config-archive": "#cloud-config-archive is refused: send the parts as multipart MIME",
	} {
		if strings.HasPrefix(part, prefix) {
			return reason
		}
	}
	return fmt.Sprintf("Unhandled non-multipart (text/x-not-multipart) userdata: '%.24s...'", part)
}

// firstBoot sets what makes this machine itself.
func (m *Machine) firstBoot(plan *initPlan) error {
	root := vfs.Root()
	name := m.cfg.Hostname
	for _, c := range plan.configs {
		if h := c.first("fqdn", "hostname"); h != "" {
			name = h
		}
	}
	if name != "" {
		if err := m.setHostname(name); err != nil {
			return err
		}
	}
	for _, key := range []string{hostKeyFile, hostKeyFile + ".pub"} {
		if err := m.disk.RemoveAll(root, key); err != nil {
			return err
		}
	}
	user, err := m.defaultUser()
	if err != nil {
		return err
	}
	admin, err := m.userNamed("root")
	if err != nil {
		return err
	}
	if err := m.applyAccess(); err != nil {
		return err
	}
	for _, c := range plan.configs {
		for _, a := range []account{user, admin} {
			if err := m.addKeys(a, c.list("ssh_authorized_keys")); err != nil {
				return err
			}
		}
	}
	for _, c := range plan.configs {
		if err := m.applyEarly(c, user, plan.log); err != nil {
			m.setInitError(err)
			fmt.Fprintf(plan.log, "cloud-init: %v\n", err)
		}
	}
	return nil
}

// accessMark remembers which password and keys of the cloud were set, so that a
// reset in the cloud takes effect at the next boot and a change made in the
// guest stays.
const accessMark = "/var/lib/cloud/access-applied"

// applyAccess sets the cloud's password and keys for root and the default user.
func (m *Machine) applyAccess() error {
	sum := sha256.Sum256([]byte(m.cfg.InstanceID + "\x00" + m.cfg.Password + "\x00" + strings.Join(m.cfg.SSHKeys, "\n")))
	mark := hex.EncodeToString(sum[:])
	if slices.Contains(m.lines(accessMark), mark) {
		return nil
	}
	for _, name := range []string{"root", m.os.user} {
		a, err := m.userNamed(name)
		if err != nil {
			continue // removed by the image
		}
		if err := m.addKeys(a, m.cfg.SSHKeys); err != nil {
			return err
		}
		if m.cfg.Password == "" {
			continue
		}
		if err := m.setPassword(name, newHash(m.cfg.Password)); err != nil {
			return err
		}
		if err := m.sshdSetting("PermitRootLogin", "yes"); err != nil {
			return err
		}
	}
	return m.disk.WriteFile(vfs.Root(), accessMark, []byte(mark+"\n"), 0o600)
}

// defaultUser makes the account of the image (rocky, ubuntu, …) with sudo.
func (m *Machine) defaultUser() (account, error) {
	if a, err := m.userNamed(m.os.user); err == nil {
		return a, nil
	}
	a, err := m.addUser(newUser{name: m.os.user, gecos: "Cloud User", groups: []string{"adm", "systemd-journal", m.os.group}})
	if err != nil {
		return account{}, err
	}
	return a, m.allowSudo(m.os.user, "ALL=(ALL) NOPASSWD:ALL")
}

func (m *Machine) allowSudo(user, rule string) error {
	const file = "/etc/sudoers.d/90-cloud-init-users"
	text := strings.Join(append(m.lines(file), user+" "+rule), "\n") + "\n"
	return m.disk.WriteFile(vfs.Root(), file, []byte(text), 0o440)
}

// sshdSetting writes a line that comes before sshd_config.
func (m *Machine) sshdSetting(key, value string) error {
	const file = "/etc/ssh/sshd_config.d/50-cloud-init.conf"
	lines := slices.DeleteFunc(m.lines(file), func(l string) bool { return strings.HasPrefix(l, key+" ") })
	return m.disk.WriteFile(vfs.Root(), file, []byte(strings.Join(append(lines, key+" "+value), "\n")+"\n"), 0o600)
}

// cloudInitFinal runs bootcmd at every boot, then packages, commands and scripts
// at the first one.
func (m *Machine) cloudInitFinal(ctx context.Context, plan *initPlan) {
	who, err := m.userNamed("root")
	if err != nil {
		m.setInitError(err)
		return
	}
	s := m.login(who)
	s.dir = "/"
	if plan.first {
		s.env["INSTANCE_ID"] = m.cfg.InstanceID
	}
	run := func(name, text string) {
		if ctx.Err() != nil {
			return
		}
		if status := m.shell(ctx, s, script{text: text, name: name}, stdio{out: plan.log, err: plan.log}); status != 0 && ctx.Err() == nil {
			m.setInitError(fmt.Errorf("%s: exit status %d", name, status))
			fmt.Fprintf(plan.log, "cloud-init: Failed to run module scripts_user (%s): exit status %d\n", name, status)
		}
	}
	for _, text := range plan.hooks {
		run("boothook", text)
	}
	for _, c := range plan.configs {
		if text := c.commands("bootcmd"); text != "" {
			run("bootcmd", text)
		}
	}
	if plan.first {
		for _, c := range plan.configs {
			m.installPackages(ctx, c, run)
		}
		for _, c := range plan.configs {
			if text := c.commands("runcmd"); text != "" {
				run("runcmd", text)
			}
		}
		for i, text := range plan.scripts {
			m.runUserScript(fmt.Sprintf("part-%03d", i+1), text, run)
		}
	}
	if ctx.Err() != nil {
		return
	}
	fmt.Fprintf(plan.log, "Cloud-init v. 24.4 finished at %s. Datasource DataSourceCloudStack.\n", m.clock.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 +0000"))
	if err := m.disk.Sync(); err != nil {
		m.setInitError(err)
	}
	if plan.first {
		m.applyPowerState(ctx, plan, run)
	}
}

// runUserScript stores a script where cloud-init does and runs it.
func (m *Machine) runUserScript(name, text string, run func(name, text string)) {
	id := m.cfg.InstanceID
	if id == "" {
		id = m.cfg.ID
	}
	file := instancesDir + "/" + path.Base("/"+id) + "/scripts/" + name
	root := vfs.Root()
	err := m.disk.MkdirAll(root, path.Dir(file), 0o755)
	if err == nil {
		err = m.disk.WriteFile(root, file, []byte(text), 0o700)
	}
	if err != nil {
		m.setInitError(err)
		return
	}
	run(name, file)
}

func (m *Machine) installPackages(ctx context.Context, c *cloudConfig, run func(name, text string)) {
	names := c.list("packages")
	tool := map[family]string{rhel: "dnf -y", debian: "apt-get -y"}[m.os.family]
	if c.truth("package_update") && m.os.family == debian {
		run("package_update", tool+" update")
	}
	if c.truth("package_upgrade") {
		run("package_upgrade", tool+" upgrade")
	}
	if len(names) > 0 && ctx.Err() == nil {
		run("package_install", tool+" install "+strings.Join(names, " "))
	}
}

func (m *Machine) setInitError(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.initError == nil {
		m.initError = fmt.Errorf("user data of %s: %w", m.cfg.ID, err)
	}
}

// splitUserData unpacks gzip and MIME and returns the parts as text.
func splitUserData(data []byte) ([]string, error) {
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		out, err := gunzip(data)
		if err != nil {
			return nil, fmt.Errorf("unpack user data: %w", err)
		}
		data = out
	}
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	head := strings.ToLower(text[:min(len(text), 400)])
	if !strings.HasPrefix(head, "content-type: multipart") && !strings.HasPrefix(head, "mime-version:") {
		return []string{text}, nil
	}
	msg, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read MIME user data: %w", err)
	}
	_, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		return nil, fmt.Errorf("read MIME user data: %w", err)
	}
	var parts []string
	r := multipart.NewReader(msg.Body, params["boundary"])
	for {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts, nil
		}
		if err != nil {
			return parts, fmt.Errorf("read MIME user data: %w", err)
		}
		body, err := io.ReadAll(p)
		if err != nil {
			return parts, fmt.Errorf("read MIME user data: %w", err)
		}
		if strings.EqualFold(p.Header.Get("Content-Transfer-Encoding"), "base64") {
			if body, err = decodeBase64(string(body)); err != nil {
				return parts, fmt.Errorf("read MIME user data: %w", err)
			}
		}
		inner, err := splitUserData(body)
		if err != nil {
			return parts, err
		}
		parts = append(parts, inner...)
	}
}

// cmdCloudInit knows status, clean and query instance_id.
func cmdCloudInit(ctx context.Context, p *proc) int {
	o := parse(p.args[1:], "c")
	if len(o.args) == 0 {
		if o.has("version", "v") {
			p.printf("/usr/bin/cloud-init 24.4\n")
			return 0
		}
		p.printf("usage: cloud-init [-h] {init,modules,single,query,features,analyze,devel,collect-logs,clean,status}\n")
		return 2
	}
	switch o.args[0] {
	case "status":
		p.m.mu.Lock()
		done := p.m.initDone
		p.m.mu.Unlock()
		if o.has("wait", "w") {
			select {
			case <-done:
			case <-ctx.Done():
				return 130
			}
		}
		state := "running"
		select {
		case <-done:
			state = "done"
			p.m.mu.Lock()
			failed := p.m.initError
			p.m.mu.Unlock()
			if failed != nil {
				state = "error"
			}
		default:
		}
		p.printf("status: %s\n", state)
		if state == "error" {
			return 1
		}
		return 0
	case "clean":
		if !p.needRoot("Error: must be root to run cloud-init clean") {
			return 1
		}
		gone := []string{instancesDir, "/var/lib/cloud/data-instance-id"}
		if o.has("l", "logs") {
			gone = append(gone, initLog)
		}
		if o.has("machine-id") {
			if err := p.m.disk.WriteFile(vfs.Root(), "/etc/machine-id", []byte("uninitialized\n"), 0o444); err != nil {
				return p.fail("%v", err)
			}
		}
		for _, name := range gone {
			if err := p.m.disk.RemoveAll(vfs.Root(), name); err != nil {
				return p.fail("%v", err)
			}
		}
		if o.has("r", "reboot") {
			p.m.powerSelf(true)
		}
		return 0
	case "query":
		p.printf("%s\n", p.m.cfg.InstanceID)
		return 0
	}
	return 0
}

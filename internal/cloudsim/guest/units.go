package guest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

// unit is a service file of systemd.
type unit struct {
	name        string // with .service
	file        string
	description string
	settings    map[string][]string // of [Service]
	wantedBy    bool
}

func (u unit) get(key string) string {
	if v := u.settings[key]; len(v) > 0 {
		return v[len(v)-1]
	}
	return ""
}

func (u unit) oneshot() bool { return u.get("Type") == "oneshot" }

// running is a started unit.
type running struct {
	unit   unit
	daemon string
	stop   func()
	failed bool
	exited bool // a oneshot that is over
}

// unitDirs are searched in this order.
var unitDirs = []string{"/etc/systemd/system", "/usr/lib/systemd/system"}

func unitName(name string) string {
	if strings.HasSuffix(name, ".service") || strings.HasSuffix(name, ".target") || strings.HasSuffix(name, ".timer") || strings.HasSuffix(name, ".socket") {
		return name
	}
	return name + ".service"
}

// errNoUnit has the words of systemctl.
type errNoUnit struct{ name string }

func (e errNoUnit) Error() string { return "Unit " + e.name + " could not be found." }

// loadUnit finds and reads a unit file; an alias is followed.
func (m *Machine) loadUnit(name string) (unit, error) {
	name = unitName(name)
	for _, dir := range unitDirs {
		file, err := m.disk.Real(vfs.Root(), dir+"/"+name)
		if err != nil {
			continue
		}
		data, err := m.disk.ReadFile(vfs.Root(), file)
		if err != nil {
			continue
		}
		u := unit{name: path.Base(file), file: file, settings: map[string][]string{}}
		section := ""
		for line := range strings.Lines(strings.ReplaceAll(string(data), "\\\n", " ")) {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "[") {
				section = line
			}
			key, value, ok := strings.Cut(line, "=")
			if !ok || strings.HasPrefix(line, "#") {
				continue
			}
			key, value = strings.TrimSpace(key), strings.TrimSpace(value)
			switch section {
			case "[Unit]":
				if key == "Description" {
					u.description = value
				}
			case "[Service]":
				u.settings[key] = append(u.settings[key], value)
			case "[Install]":
				u.wantedBy = u.wantedBy || key == "WantedBy"
			}
		}
		return u, nil
	}
	return unit{}, errNoUnit{name}
}

// startEnabledUnits starts what is linked for multi-user, the firewall first.
func (m *Machine) startEnabledUnits(ctx context.Context) {
	list, err := m.disk.ReadDir(vfs.Root(), wantsDir)
	if err != nil {
		return
	}
	var names []string
	for _, l := range list {
		names = append(names, l.Name())
	}
	order := func(name string) int {
		return slices.Index([]string{"firewalld.service", "ufw.service", "sshd.service", "ssh.service"}, name)
	}
	slices.SortStableFunc(names, func(a, b string) int {
		x, y := order(a), order(b)
		if x < 0 {
			x = 99
		}
		if y < 0 {
			y = 99
		}
		return x - y
	})
	for _, name := range names {
		if err := m.startUnit(ctx, name); err != nil {
			m.journal("systemd", "Failed to start "+name+": "+err.Error())
		}
	}
}

// startUnit starts a service; one that runs is left alone.
func (m *Machine) startUnit(ctx context.Context, name string) error {
	u, err := m.loadUnit(name)
	if err != nil {
		return err
	}
	m.mu.Lock()
	old := m.units[u.name]
	run := m.ctx
	off := m.listeners == nil
	m.mu.Unlock()
	if off {
		return errors.New("the machine is going down")
	}
	if old != nil && !old.failed && !old.exited {
		return nil
	}
	r, err := m.launch(run, u)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.units[u.name] = &running{unit: u, failed: true, stop: func() {}}
		return err
	}
	m.units[u.name] = r
	return nil
}

// launch starts what ExecStart names: a daemon that is built in, or a command.
func (m *Machine) launch(ctx context.Context, u unit) (*running, error) {
	line := strings.TrimLeft(u.get("ExecStart"), "-@!+")
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil, errors.New("service has no ExecStart= setting, refusing")
	}
	r := &running{unit: u, stop: func() {}}
	if data, err := m.disk.ReadFile(vfs.Root(), words[0]); err == nil && bytes.HasPrefix(data, []byte(programMark)) {
		r.daemon = strings.TrimSpace(strings.TrimPrefix(string(data), programMark))
		if start, ok := daemons()[r.daemon]; ok {
			stop, err := start(ctx, m, u)
			if err != nil {
				return nil, err
			}
			m.journal(u.name, "Started "+u.description+".")
			r.stop = stop
			return r, nil
		}
		r.daemon = ""
	}
	who := account{name: "root", home: "/root"}
	if name := u.get("User"); name != "" {
		a, err := m.userNamed(name)
		if err != nil {
			return nil, fmt.Errorf("failed to determine user credentials: %w", err)
		}
		who = a
	}
	s := m.login(who)
	if dir := u.get("WorkingDirectory"); dir != "" {
		s.dir = dir
	}
	for _, line := range u.settings["Environment"] {
		for _, kv := range strings.Fields(strings.Trim(line, `"`)) {
			k, v, _ := strings.Cut(kv, "=")
			s.env[k] = v
		}
	}
	if u.oneshot() {
		status := 0
		for _, cmd := range u.settings["ExecStart"] {
			if status = m.unitCommand(ctx, u, s, cmd); status != 0 && !strings.HasPrefix(cmd, "-") {
				return nil, fmt.Errorf("the control process exited with error code %d", status)
			}
		}
		r.exited = u.get("RemainAfterExit") != "yes"
		return r, nil
	}
	if _, err := m.disk.Stat(s.cred, words[0], true); strings.HasPrefix(words[0], "/") && err != nil {
		return nil, fmt.Errorf("failed to execute %s: No such file or directory", words[0])
	}
	r.stop = m.background(ctx, u, s, line, r)
	return r, nil
}

// background runs the command of a simple service until it is stopped.
func (m *Machine) background(ctx context.Context, u unit, s session, line string, r *running) func() {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Add(1)
	m.spawn(func() {
		defer done.Done()
		status := m.unitCommand(ctx, u, s, line)
		if ctx.Err() != nil {
			return
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		r.exited, r.failed = true, status != 0
	})
	return func() { cancel(); done.Wait() }
}

func (m *Machine) unitCommand(ctx context.Context, u unit, s session, line string) int {
	log := &journalWriter{m: m, unit: u.name}
	return m.shell(ctx, s, script{text: strings.TrimLeft(line, "-@!+"), name: u.name}, stdio{out: log, err: log})
}

// stopUnit stops a service if it runs.
func (m *Machine) stopUnit(name string) {
	u, err := m.loadUnit(name)
	if err != nil {
		u.name = unitName(name)
	}
	m.mu.Lock()
	r := m.units[u.name]
	delete(m.units, u.name)
	m.mu.Unlock()
	if r != nil {
		r.stop()
		m.journal(u.name, "Stopped "+u.description+".")
	}
}

func (m *Machine) stopAllUnits() {
	m.mu.Lock()
	var names []string
	for name := range m.units {
		names = append(names, name)
	}
	m.mu.Unlock()
	slices.Sort(names)
	for _, name := range names {
		m.stopUnit(name)
	}
}

// active is the state of a unit as is-active prints it.
func (m *Machine) active(name string) string {
	u, err := m.loadUnit(name)
	if err != nil {
		return "inactive"
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.units[u.name]
	switch {
	case r == nil, r.exited && !r.failed:
		return "inactive"
	case r.failed:
		return "failed"
	}
	return "active"
}

// enabled is the state as is-enabled prints it.
func (m *Machine) enabled(name string) (string, error) {
	u, err := m.loadUnit(name)
	if err != nil {
		return "", err
	}
	if target, err := m.disk.Readlink(vfs.Root(), "/etc/systemd/system/"+u.name); err == nil && target == "/dev/null" {
		return "masked", nil
	}
	if _, err := m.disk.Stat(vfs.Root(), wantsDir+"/"+u.name, false); err == nil {
		return "enabled", nil
	}
	if !u.wantedBy {
		return "static", nil
	}
	return "disabled", nil
}

// enableUnit links a unit for boot; the text is what systemctl prints.
func (m *Machine) enableUnit(name string) (string, error) {
	u, err := m.loadUnit(name)
	if err != nil {
		return "", err
	}
	link := wantsDir + "/" + u.name
	if _, err := m.disk.Stat(vfs.Root(), link, false); err == nil {
		return "", nil
	}
	if err := m.disk.MkdirAll(vfs.Root(), wantsDir, 0o755); err != nil {
		return "", err
	}
	return fmt.Sprintf("Created symlink %s → %s.\n", link, u.file), m.disk.Symlink(vfs.Root(), u.file, link)
}

// disableUnit removes the link; a unit that is not linked is fine.
func (m *Machine) disableUnit(name string) (string, error) {
	u, err := m.loadUnit(name)
	if err != nil {
		u.name = unitName(name)
	}
	link := wantsDir + "/" + u.name
	err = m.disk.Remove(vfs.Root(), link)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return fmt.Sprintf("Removed %q.\n", link), err
}

// daemons are the services that are built in. Starting one returns how to stop
// it.
func daemons() map[string]func(context.Context, *Machine, unit) (func(), error) {
	return map[string]func(context.Context, *Machine, unit) (func(), error){
		"daemon":       func(context.Context, *Machine, unit) (func(), error) { return func() {}, nil },
		"cloud-init":   func(context.Context, *Machine, unit) (func(), error) { return func() {}, nil },
		"php-fpm":      func(context.Context, *Machine, unit) (func(), error) { return func() {}, nil },
		"sshd":         startSSHD,
		"httpd":        startWeb,
		"apache2":      startWeb,
		"nginx":        startWeb,
		"firewalld":    startFirewalld,
		"ufw-init":     startUfw,
		"mariadbd":     listenOnly(3306, "5.5.5-10.5.27-MariaDB"),
		"redis-server": listenOnly(6379, ""),
		"memcached":    listenOnly(11211, ""),
	}
}

// listenOnly is a service whose port is open but whose protocol is not spoken.
func listenOnly(port uint16, banner string) func(context.Context, *Machine, unit) (func(), error) {
	return func(_ context.Context, m *Machine, _ unit) (func(), error) {
		err := m.listen(port, func(c net.Conn) {
			// Small enough for the buffer of the connection: this cannot block.
			_, _ = c.Write([]byte(banner))
			_ = c.Close()
		})
		return func() { m.unlisten(port) }, err
	}
}

// journal notes a line for journalctl.
func (m *Machine) journal(unit, line string) {
	at := m.clock.Now().UTC().Format("Jan 02 15:04:05")
	name := strings.TrimSuffix(unit, ".service")
	host, _, _ := strings.Cut(m.hostname(), ".")
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.logs) >= 2000 {
		m.logs = m.logs[1000:]
	}
	m.logs = append(m.logs, fmt.Sprintf("%s %s %s[1]: %s", at, host, name, line))
}

type journalWriter struct {
	m    *Machine
	unit string
}

func (w *journalWriter) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		w.m.journal(w.unit, strings.TrimRight(line, "\n"))
	}
	return len(p), nil
}

package guest

import (
	"context"
	"fmt"
	"path"
	"strings"

	"mvdan.cc/sh/v3/interp"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

// hostname is the guest's name as /etc/hostname has it.
func (m *Machine) hostname() string {
	data, err := m.disk.ReadFile(vfs.Root(), "/etc/hostname")
	if err != nil {
		return "localhost"
	}
	return strings.TrimSpace(string(data))
}

func (m *Machine) setHostname(name string) error {
	return m.disk.WriteFile(vfs.Root(), "/etc/hostname", []byte(name+"\n"), 0o644)
}

func cmdHostname(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	name := p.m.hostname()
	switch {
	case o.has("I", "i", "all-ip-addresses"):
		name = p.m.cfg.Address.String()
	case o.has("s"):
		name, _, _ = strings.Cut(name, ".")
	case o.has("f", "fqdn"):
		if d := p.m.cfg.Domain; d != "" && !strings.Contains(name, ".") {
			name += "." + d
		}
	case o.has("d"):
		name = p.m.cfg.Domain
	case len(o.args) > 0:
		if !p.needRoot("hostname: you must be root to change the host name") {
			return 1
		}
		if err := p.m.setHostname(o.args[0]); err != nil {
			return p.fail("%v", err)
		}
		return 0
	}
	p.printf("%s\n", name)
	return 0
}

func cmdHostnamectl(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	if len(o.args) > 1 && (o.args[0] == "set-hostname" || o.args[0] == "hostname") {
		if !p.needRoot("Could not set static hostname: Interactive authentication required.") {
			return 1
		}
		if err := p.m.setHostname(o.args[1]); err != nil {
			return p.fail("%v", err)
		}
		return 0
	}
	if len(o.args) == 1 && o.args[0] == "hostname" || o.has("static") {
		p.printf("%s\n", p.m.hostname())
		return 0
	}
	p.printf(" Static hostname: %s\n       Chassis: vm\n    Virtualization: kvm\nOperating System: %s\n          Kernel: Linux %s\n    Architecture: x86-64\n", p.m.hostname(), p.m.os.pretty, p.m.os.kernel)
	return 0
}

func cmdUname(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	var parts []string
	for _, f := range []struct{ flag, text string }{
		{"s", "Linux"}, {"n", p.m.hostname()}, {"r", p.m.os.kernel}, {"v", "#1 SMP PREEMPT_DYNAMIC"}, {"m", "x86_64"}, {"o", "GNU/Linux"},
	} {
		if o.has(f.flag, "a") || f.flag == "s" && len(o.set) == 0 {
			parts = append(parts, f.text)
		}
	}
	p.printf("%s\n", strings.Join(parts, " "))
	return 0
}

func cmdUptime(_ context.Context, p *proc) int {
	p.m.mu.Lock()
	up := p.m.clock.Now().Sub(p.m.bootedAt)
	p.m.mu.Unlock()
	if parse(p.args[1:], "").has("s") {
		p.printf("%s\n", p.m.clock.Now().Add(-up).UTC().Format("2006-01-02 15:04:05"))
		return 0
	}
	p.printf(" %s up %d min,  0 users,  load average: %.2f, 0.00, 0.00\n", p.m.clock.Now().UTC().Format("15:04:05"), int(up.Minutes()), p.m.CPU()/100)
	return 0
}

// cmdWhich serves which, command -v and type.
func cmdWhich(ctx context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	kind := path.Base(p.args[0])
	if kind == "command" && !o.has("v", "V") {
		return p.run(ctx, o.args...)
	}
	status := 0
	for _, name := range o.args {
		file := ""
		if strings.Contains(name, "/") {
			if p.m.disk.Access(p.s.cred, p.path(name), 1) == nil {
				file = name
			}
		} else {
			file = p.m.lookPath(p, name)
		}
		builtin := kind != "which" && interp.IsBuiltin(name) && !o.has("p", "P")
		switch {
		case builtin && kind == "type" && !o.has("t"):
			p.printf("%s is a shell builtin\n", name)
		case builtin && kind == "type":
			p.printf("builtin\n")
		case builtin:
			p.printf("%s\n", name)
		case file == "" && kind == "which":
			fmt.Fprintf(p.err, "which: no %s in (%s)\n", name, p.s.env["PATH"])
			status = 1
		case file == "" && kind == "type" && !o.has("t", "p", "P"):
			fmt.Fprintf(p.err, "bash: type: %s: not found\n", name)
			status = 1
		case file == "":
			status = 1
		case kind == "type" && o.has("t"):
			p.printf("file\n")
		case kind == "type" && !o.has("p", "P"):
			p.printf("%s is %s\n", name, file)
		default:
			p.printf("%s\n", file)
		}
	}
	return status
}

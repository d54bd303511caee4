package guest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

func servicePrograms() map[string]program {
	return map[string]program{
		"systemctl": cmdSystemctl, "service": cmdService, "journalctl": cmdJournalctl, "apachectl": cmdApachectl,
		"httpd": cmdApachectl, "apache2": cmdApachectl, "nginx": cmdApachectl, "a2enmod": cmdA2enmod, "a2dismod": cmdA2enmod,
		"firewall-cmd": cmdFirewall, "firewall-offline-cmd": cmdFirewall, "ufw": cmdUfw, "ss": cmdSs, "php": cmdPhp, "php-fpm": cmdNothing,
	}
}

func cmdSystemctl(ctx context.Context, p *proc) int {
	o := parse(p.args[1:], "p property t type n lines")
	if len(o.args) == 0 {
		o.args = []string{"list-units"}
	}
	action, names := o.args[0], o.args[1:]
	if slices.Contains(strings.Fields("start stop restart reload enable disable mask unmask try-restart reload-or-restart reenable daemon-reload set-default"), action) &&
		!p.needRoot("Failed to "+action+" "+strings.Join(names, " ")+": Interactive authentication required.") {
		return 1
	}
	switch action {
	case "daemon-reload", "daemon-reexec", "reset-failed", "set-default", "preset":
		return 0
	case "is-system-running":
		p.printf("running\n")
		return 0
	case "poweroff", "reboot", "halt":
		next := *p
		next.args = []string{action}
		return cmdPower(ctx, &next)
	case "list-units", "list-unit-files":
		return p.listUnits(action == "list-unit-files")
	}
	if len(names) == 0 {
		fmt.Fprintf(p.err, "Too few arguments.\n")
		return 1
	}
	status := 0
	for _, name := range names {
		if s := p.systemctl(ctx, action, name, o); s != 0 {
			status = s
		}
	}
	return status
}

func (p *proc) systemctl(ctx context.Context, action, name string, o options) int {
	now := o.has("now")
	switch action {
	case "is-active", "is-failed":
		state := p.m.active(name)
		if !o.has("q", "quiet") {
			p.printf("%s\n", state)
		}
		if state == "active" && action == "is-active" || state == "failed" && action == "is-failed" {
			return 0
		}
		return 3
	case "is-enabled":
		state, err := p.m.enabled(name)
		if err != nil {
			fmt.Fprintf(p.err, "Failed to get unit file state for %s: No such file or directory\n", unitName(name))
			return 1
		}
		if !o.has("q", "quiet") {
			p.printf("%s\n", state)
		}
		if state == "disabled" || state == "masked" {
			return 1
		}
		return 0
	case "status", "show", "cat":
		return p.unitStatus(action, name, o)
	}
	if _, err := p.m.loadUnit(name); err != nil {
		switch action {
		case "enable", "disable", "mask", "unmask", "reenable":
			fmt.Fprintf(p.err, "Failed to %s unit: Unit file %s does not exist.\n", action, unitName(name))
			return 1
		case "stop":
			fmt.Fprintf(p.err, "Failed to stop %s: Unit %s not loaded.\n", unitName(name), unitName(name))
		default:
			fmt.Fprintf(p.err, "Failed to %s %s: Unit %s not found.\n", action, unitName(name), unitName(name))
		}
		return 5
	}
	return p.changeUnit(ctx, action, name, now)
}

func (p *proc) changeUnit(ctx context.Context, action, name string, now bool) int {
	start := func() int {
		if err := p.m.startUnit(ctx, name); err != nil {
			fmt.Fprintf(p.err, "Job for %s failed because the control process exited with error code.\nSee \"systemctl status %s\" and \"journalctl -xeu %s\" for details.\n", unitName(name), unitName(name), unitName(name))
			p.m.journal(name, err.Error())
			return 1
		}
		return 0
	}
	switch action {
	case "start":
		return start()
	case "stop":
		p.m.stopUnit(name)
	case "restart", "reload", "reload-or-restart", "try-restart":
		state := p.m.active(name)
		if action == "try-restart" && state != "active" {
			return 0
		}
		if action == "reload" && state != "active" {
			fmt.Fprintf(p.err, "%s is not active, cannot reload.\n", unitName(name))
			return 1
		}
		p.m.stopUnit(name)
		return start()
	case "enable", "reenable":
		text, err := p.m.enableUnit(name)
		if err != nil {
			return p.fail("%v", err)
		}
		fmt.Fprint(p.err, text)
		if now {
			return start()
		}
	case "disable":
		text, err := p.m.disableUnit(name)
		if err != nil {
			return p.fail("%v", err)
		}
		fmt.Fprint(p.err, text)
		if now {
			p.m.stopUnit(name)
		}
	case "mask":
		if _, err := p.m.disableUnit(name); err != nil {
			return p.fail("%v", err)
		}
		if now {
			p.m.stopUnit(name)
		}
		if err := p.m.disk.Symlink(vfs.Root(), "/dev/null", "/etc/systemd/system/"+unitName(name)); err != nil {
			return p.fail("%v", err)
		}
	case "unmask":
		if err := p.m.disk.RemoveAll(vfs.Root(), "/etc/systemd/system/"+unitName(name)); err != nil {
			return p.fail("%v", err)
		}
	default:
		fmt.Fprintf(p.err, "Unknown command verb %s.\n", action)
		return 1
	}
	return 0
}

func (p *proc) unitStatus(action, name string, o options) int {
	u, err := p.m.loadUnit(name)
	if err != nil {
		if action == "show" {
			p.printf("LoadState=not-found\nActiveState=inactive\n")
			return 0
		}
		fmt.Fprintln(p.err, err)
		return 4
	}
	state := p.m.active(name)
	enabled, err := p.m.enabled(name)
	if err != nil {
		enabled = "disabled"
	}
	switch action {
	case "cat":
		data, err := p.m.disk.ReadFile(vfs.Root(), u.file)
		if err != nil {
			return p.fail("%v", err)
		}
		p.printf("# %s\n%s", u.file, data)
		return 0
	case "show":
		values := map[string]string{"ActiveState": state, "SubState": map[string]string{"active": "running", "inactive": "dead", "failed": "failed"}[state], "UnitFileState": enabled, "LoadState": "loaded", "Id": u.name}
		for _, key := range slices.Sorted(maps.Keys(values)) {
			wanted := o.value("p", "property")
			switch {
			case wanted != "" && !slices.Contains(strings.Split(wanted, ","), key):
			case o.has("value"):
				p.printf("%s\n", values[key])
			default:
				p.printf("%s=%s\n", key, values[key])
			}
		}
		return 0
	}
	mark, sub := "●", map[string]string{"active": "active (running)", "inactive": "inactive (dead)", "failed": "failed (Result: exit-code)"}[state]
	if state != "active" {
		mark = "○"
	}
	p.printf("%s %s - %s\n     Loaded: loaded (%s; %s)\n     Active: %s\n", mark, u.name, u.description, u.file, enabled, sub)
	if state != "active" {
		return 3
	}
	return 0
}

func (p *proc) listUnits(files bool) int {
	seen := map[string]bool{}
	for _, dir := range unitDirs {
		list, err := p.m.disk.ReadDir(vfs.Root(), dir)
		if err != nil {
			continue
		}
		for _, f := range list {
			if !strings.HasSuffix(f.Name(), ".service") || seen[f.Name()] {
				continue
			}
			seen[f.Name()] = true
			if files {
				state, err := p.m.enabled(f.Name())
				if err == nil {
					p.printf("%-40s %s\n", f.Name(), state)
				}
				continue
			}
			if state := p.m.active(f.Name()); state != "inactive" {
				p.printf("  %-40s loaded %s running\n", f.Name(), state)
			}
		}
	}
	return 0
}

func cmdService(ctx context.Context, p *proc) int {
	if len(p.args) < 3 {
		p.printf("Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]\n")
		return 1
	}
	return p.run(ctx, "systemctl", p.args[2], p.args[1])
}

func cmdJournalctl(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "u unit n lines S since o p")
	unit := strings.TrimSuffix(o.value("u", "unit"), ".service")
	p.m.mu.Lock()
	lines := slices.Clone(p.m.logs)
	p.m.mu.Unlock()
	if unit != "" {
		lines = slices.DeleteFunc(lines, func(l string) bool { return !strings.Contains(l, " "+unit+"[") })
	}
	if n := o.value("n", "lines"); n != "" {
		part, err := someLines(lines, n, true)
		if err != nil {
			return p.fail("Failed to parse lines '%s'", n)
		}
		lines = part
	}
	if len(lines) == 0 {
		p.printf("-- No entries --\n")
	}
	for _, l := range lines {
		p.printf("%s\n", l)
	}
	return 0
}

// cmdApachectl is a web server called by hand.
func cmdApachectl(ctx context.Context, p *proc) int {
	unit := "httpd"
	switch base := path.Base(p.args[0]); {
	case base == "nginx":
		unit = "nginx"
	case p.m.os.family == debian:
		unit = "apache2"
	}
	o := parse(p.args[1:], "k s c D")
	verb := o.value("k", "s")
	if len(o.args) > 0 {
		verb = o.args[0]
	}
	switch {
	case o.has("t"), verb == "configtest":
		_, err := p.m.webConfig(unit)
		if err != nil {
			fmt.Fprintf(p.err, "%v\n", err)
			return 1
		}
		fmt.Fprintln(p.err, "Syntax OK")
		return 0
	case o.has("v", "V"):
		p.printf("Server version: Apache/2.4.62 (%s)\n", p.m.os.name)
		return 0
	case verb == "graceful", verb == "reload", verb == "restart":
		return p.run(ctx, "systemctl", "restart", unit)
	case verb == "stop", verb == "quit":
		return p.run(ctx, "systemctl", "stop", unit)
	}
	return p.run(ctx, "systemctl", "start", unit)
}

func cmdA2enmod(_ context.Context, p *proc) int {
	for _, name := range p.args[1:] {
		file := "/etc/apache2/mods-enabled/" + name + ".load"
		var err error
		if path.Base(p.args[0]) == "a2dismod" {
			err = p.m.disk.RemoveAll(vfs.Root(), file)
		} else {
			err = p.m.disk.WriteFile(p.s.cred, file, []byte("# "+name+"\n"), 0o644)
		}
		if err != nil {
			return p.fail("%s", fileProblem(err))
		}
		p.printf("Module %s changed.\nTo activate the new configuration, you need to run:\n  systemctl restart apache2\n", name)
	}
	return 0
}

func cmdSs(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	p.printf("State  Recv-Q Send-Q Local Address:Port Peer Address:Port\n")
	if o.has("u") && !o.has("t") {
		return 0
	}
	for _, port := range p.m.Listening() {
		p.printf("LISTEN 0      511          0.0.0.0:%d        0.0.0.0:*\n", port)
	}
	return 0
}

// errNotRunning is what firewall-cmd says without its daemon.
var errNotRunning = errors.New("FirewallD is not running")

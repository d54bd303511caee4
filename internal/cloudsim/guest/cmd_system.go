package guest

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

func systemPrograms() map[string]program {
	all := map[string]program{
		"sh": cmdShell, "bash": cmdShell, "env": cmdEnv, "sudo": cmdSudo, "su": cmdSu, "nohup": cmdPrefix, "nice": cmdPrefix, "timeout": cmdTimeout, "time": cmdPrefix,
		"sleep": cmdSleep, "date": cmdDate, "hostname": cmdHostname, "hostnamectl": cmdHostnamectl, "uname": cmdUname, "uptime": cmdUptime,
		"which": cmdWhich, "command": cmdWhich, "type": cmdWhich, "poweroff": cmdPower, "reboot": cmdPower, "halt": cmdPower, "shutdown": cmdPower,
		"free": cmdFree, "nproc": cmdNproc, "ps": cmdPs, "pgrep": cmdPs, "kill": cmdNothing, "killall": cmdNothing, "pkill": cmdNothing,
		"cloud-init": cmdCloudInit, "openssl": cmdOpenssl, "ssh-keygen": cmdSSHKeygen, "getenforce": cmdGetenforce, "pwd": cmdPwd, "tty": cmdTty,
		"systemd-detect-virt": func(_ context.Context, p *proc) int { p.printf("kvm\n"); return 0 },
		"umask":               func(_ context.Context, p *proc) int { p.printf("0022\n"); return 0 },
		"lsb_release":         cmdLsbRelease,
	}
	for _, name := range strings.Fields("setenforce restorecon semanage setsebool chcon timedatectl localectl loginctl clear wait jobs ulimit update-crypto-policies add-apt-repository netplan sysctl logger systemd-cat mount umount nmcli a2ensite a2dissite daemon update-rc.d deb-systemd-helper") {
		all[name] = cmdNothing
	}
	return all
}

// cmdNothing is for programs whose effect a guest without hardware cannot have.
func cmdNothing(context.Context, *proc) int { return 0 }

func cmdShell(ctx context.Context, p *proc) int {
	var flags []string
	args := p.args[1:]
	command, fromInput := false, false
	for len(args) > 0 && (strings.HasPrefix(args[0], "-") || strings.HasPrefix(args[0], "+")) && len(args[0]) > 1 {
		a := args[0]
		args = args[1:]
		if a == "--" {
			break
		}
		if strings.HasPrefix(a, "--") {
			continue // --login, --norc
		}
		if a == "-o" && len(args) > 0 {
			flags, args = append(flags, "-o", args[0]), args[1:]
			continue
		}
		for _, c := range a[1:] {
			switch c {
			case 'c':
				command = true
			case 's':
				fromInput = true
			case 'l', 'i':
			default:
				flags = append(flags, a[:1]+string(c))
			}
		}
	}
	switch {
	case command && len(args) == 0:
		p.fail("-c: option requires an argument")
		return 2
	case command:
		name := p.args[0]
		if len(args) > 1 {
			name = args[1]
		}
		return p.m.shell(ctx, p.s, script{text: args[0], name: name, args: args[min(2, len(args)):], flags: flags}, p.stdio)
	case fromInput || len(args) == 0:
		text, err := readAll(p.in)
		if err != nil {
			return p.fail("%v", err)
		}
		io := p.stdio
		io.in = nil
		return p.m.shell(ctx, p.s, script{text: string(text), name: p.args[0], args: args, flags: flags}, io)
	}
	text, err := p.m.disk.ReadFile(p.s.cred, p.path(args[0]))
	if err != nil {
		p.fail("%s: %s", args[0], reason(err))
		return 127
	}
	return p.m.shell(ctx, p.s, script{text: string(text), name: args[0], args: args[1:], flags: flags}, p.stdio)
}

func cmdEnv(ctx context.Context, p *proc) int {
	args := p.args[1:]
	next := *p
	next.s.env = maps.Clone(p.s.env)
	for len(args) > 0 {
		name, value, assign := strings.Cut(args[0], "=")
		switch {
		case args[0] == "-i":
			next.s.env = map[string]string{}
		case args[0] == "-u" && len(args) > 1:
			delete(next.s.env, args[1])
			args = args[1:]
		case assign:
			next.s.env[name] = value
		default:
			return next.run(ctx, args...)
		}
		args = args[1:]
	}
	for _, name := range slices.Sorted(maps.Keys(next.s.env)) {
		p.printf("%s=%s\n", name, next.s.env[name])
	}
	return 0
}

// cmdSudo runs a command as another user. Members of the sudo group need no
// password, as cloud images have it.
func cmdSudo(ctx context.Context, p *proc) int {
	args := p.args[1:]
	target, loginShell, keepEnv := "root", false, false
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		a := args[0]
		args = args[1:]
		switch {
		case a == "-u" && len(args) > 0:
			target, args = args[0], args[1:]
		case strings.HasPrefix(a, "--user="):
			target = strings.TrimPrefix(a, "--user=")
		case a == "-i" || a == "-s":
			loginShell = true
		case a == "-E":
			keepEnv = true
		case a == "-g" || a == "-p" || a == "-h":
			args = args[min(1, len(args)):]
		case a == "-v" || a == "-k" || a == "-l":
			return 0
		case a == "--":
		}
	}
	if p.s.cred.UID != 0 && !p.m.maySudo(p.s.user) {
		fmt.Fprintf(p.err, "%s is not in the sudoers file.\n", p.s.user.name)
		return 1
	}
	who, err := p.m.userNamed(target)
	if err != nil {
		fmt.Fprintf(p.err, "sudo: unknown user %s\n", target)
		return 1
	}
	next := *p
	next.s = p.m.login(who)
	next.s.env["SUDO_USER"] = p.s.user.name
	if keepEnv {
		for k, v := range p.s.env {
			if _, ok := next.s.env[k]; !ok {
				next.s.env[k] = v
			}
		}
	}
	if !loginShell {
		next.s.dir = p.s.dir
	}
	for len(args) > 0 {
		name, value, ok := strings.Cut(args[0], "=")
		if !ok || strings.ContainsAny(name, "/. ") {
			break
		}
		next.s.env[name] = value
		args = args[1:]
	}
	if len(args) == 0 {
		args = []string{"bash"}
	}
	return next.run(ctx, args...)
}

func (m *Machine) maySudo(a account) bool {
	if a.uid == 0 || slices.ContainsFunc(m.groupsOf(a), func(g group) bool { return g.name == m.os.group || g.name == "wheel" || g.name == "sudo" }) {
		return true
	}
	list, err := m.disk.ReadDir(vfs.Root(), "/etc/sudoers.d")
	if err != nil {
		return false
	}
	for _, f := range list {
		for _, line := range m.lines("/etc/sudoers.d/" + f.Name()) {
			if strings.HasPrefix(line, a.name+" ") || strings.HasPrefix(line, a.name+"\t") {
				return true
			}
		}
	}
	return false
}

func cmdSu(ctx context.Context, p *proc) int {
	o := parse(p.args[1:], "c command s")
	args := slices.DeleteFunc(o.args, func(s string) bool { return s == "-" })
	name := "root"
	if len(args) > 0 {
		name = args[0]
	}
	if p.s.cred.UID != 0 {
		return p.fail("Authentication failure")
	}
	who, err := p.m.userNamed(name)
	if err != nil {
		return p.fail("user %s does not exist", name)
	}
	next := *p
	next.s = p.m.login(who)
	if c := o.value("c", "command"); c != "" {
		return next.run(ctx, "bash", "-c", c)
	}
	return next.run(ctx, "bash")
}

func cmdPrefix(ctx context.Context, p *proc) int {
	args := p.args[1:]
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		if args[0] == "-n" && len(args) > 1 {
			args = args[1:]
		}
		args = args[1:]
	}
	return p.run(ctx, args...)
}

func cmdTimeout(ctx context.Context, p *proc) int {
	args := p.args[1:]
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		if (args[0] == "-s" || args[0] == "-k") && len(args) > 1 {
			args = args[1:]
		}
		args = args[1:]
	}
	if len(args) < 2 {
		p.fail("missing operand")
		return 125
	}
	limit, err := duration(args[0])
	if err != nil {
		p.fail("invalid time interval '%s'", args[0])
		return 125
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	timer := make(chan bool, 1)
	go func() {
		err := p.m.clock.Sleep(ctx, limit)
		timer <- err == nil
		cancel()
	}()
	status := p.run(ctx, args[1:]...)
	cancel()
	if <-timer {
		return 124
	}
	return status
}

// duration reads what sleep accepts: 5, 0.5, 2m, 1h.
func duration(text string) (time.Duration, error) {
	unit := time.Second
	switch {
	case strings.HasSuffix(text, "s"):
		text = text[:len(text)-1]
	case strings.HasSuffix(text, "m"):
		text, unit = text[:len(text)-1], time.Minute
	case strings.HasSuffix(text, "h"):
		text, unit = text[:len(text)-1], time.Hour
	case strings.HasSuffix(text, "d"):
		text, unit = text[:len(text)-1], 24*time.Hour
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("invalid time interval %q", text)
	}
	return time.Duration(n * float64(unit)), nil
}

func cmdSleep(ctx context.Context, p *proc) int {
	if len(p.args) < 2 {
		return p.fail("missing operand")
	}
	for _, a := range p.args[1:] {
		d, err := duration(a)
		if err != nil {
			return p.fail("invalid time interval '%s'", a)
		}
		if p.m.clock.Sleep(ctx, d) != nil {
			return 130
		}
	}
	return 0
}

func cmdDate(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "d date r I")
	now := p.m.clock.Now().UTC()
	if d := o.value("d", "date"); d != "" {
		t, err := parseDate(d, now)
		if err != nil {
			return p.fail("invalid date '%s'", d)
		}
		now = t
	}
	format := "%a %b %e %H:%M:%S UTC %Y"
	for _, a := range o.args {
		if strings.HasPrefix(a, "+") {
			format = a[1:]
		}
	}
	if o.has("I", "iso-8601") {
		format = "%Y-%m-%d"
	}
	p.printf("%s\n", strftime(now, format))
	return 0
}

func strftime(t time.Time, format string) string {
	pairs := map[byte]string{
		'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday",
		'e': "_2", 'I': "03", 'p': "PM", 'Z': "MST", 'z': "-0700", 'j': "002", 'F': "2006-01-02", 'T': "15:04:05", 'D': "01/02/06", 'R': "15:04", 'N': "000000000",
	}
	var out strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			out.WriteByte(format[i])
			continue
		}
		i++
		switch c := format[i]; {
		case c == 's':
			out.WriteString(strconv.FormatInt(t.Unix(), 10))
		case c == 'N':
			fmt.Fprintf(&out, "%09d", t.Nanosecond())
		case c == 'n':
			out.WriteByte('\n')
		case c == '%':
			out.WriteByte('%')
		case c == 'u':
			out.WriteString(strconv.Itoa((int(t.Weekday())+6)%7 + 1))
		case pairs[c] != "":
			out.WriteString(t.Format(pairs[c]))
		default:
			out.WriteString("%" + string(c))
		}
	}
	return out.String()
}

func cmdPower(_ context.Context, p *proc) int {
	if !p.needRoot("Call to PowerOff failed: Interactive authentication required.") {
		return 1
	}
	name := path.Base(p.args[0])
	o := parse(p.args[1:], "")
	if o.has("c") {
		return 0
	}
	p.m.powerSelf(name == "reboot" || name == "shutdown" && o.has("r"))
	return 0
}

func cmdFree(_ context.Context, p *proc) int {
	scale := 1024
	if parse(p.args[1:], "").has("m") {
		scale = 1
	}
	total := p.m.cfg.MemoryMB * scale
	p.printf("               total        used        free      shared  buff/cache   available\nMem:    %12d%12d%12d%12d%12d%12d\nSwap:              0           0           0\n",
		total, total/5, total/2, 0, total*3/10, total*4/5)
	return 0
}

func cmdNproc(_ context.Context, p *proc) int {
	p.printf("%d\n", p.m.cfg.CPUs)
	return 0
}

func cmdPs(_ context.Context, p *proc) int {
	p.m.mu.Lock()
	names := slices.Sorted(maps.Keys(p.m.units))
	p.m.mu.Unlock()
	if path.Base(p.args[0]) == "pgrep" {
		o := parse(p.args[1:], "u")
		status := 1
		for i, n := range names {
			if len(o.args) > 0 && strings.Contains(n, o.args[0]) {
				p.printf("%d\n", 600+i)
				status = 0
			}
		}
		return status
	}
	p.printf("    PID TTY          TIME CMD\n      1 ?        00:00:01 systemd\n")
	for i, n := range names {
		p.printf("%7d ?        00:00:00 %s\n", 600+i, strings.TrimSuffix(n, ".service"))
	}
	return 0
}

func cmdGetenforce(_ context.Context, p *proc) int {
	if p.m.os.family == debian {
		fmt.Fprintln(p.err, "bash: getenforce: command not found")
		return 127
	}
	p.printf("Enforcing\n")
	return 0
}

func cmdPwd(_ context.Context, p *proc) int {
	dir, err := p.m.disk.Real(p.s.cred, p.s.dir)
	if err != nil {
		dir = p.s.dir
	}
	p.printf("%s\n", dir)
	return 0
}

func cmdTty(_ context.Context, p *proc) int {
	p.printf("not a tty\n")
	return 1
}

func cmdLsbRelease(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	text := map[bool]string{true: "", false: "Codename:\t"}[o.has("s")]
	switch {
	case o.has("c"):
		p.printf("%snoble\n", text)
	case o.has("r"):
		p.printf("%s%s\n", strings.Replace(text, "Codename", "Release", 1), p.m.os.version)
	case o.has("i"):
		p.printf("%s%s\n", strings.Replace(text, "Codename", "Distributor ID", 1), p.m.os.name)
	default:
		p.printf("%s%s\n", strings.Replace(text, "Codename", "Description", 1), p.m.os.pretty)
	}
	return 0
}

package guest

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

func userPrograms() map[string]program {
	return map[string]program{
		"id": cmdID, "whoami": cmdWhoami, "groups": cmdGroups, "who": cmdNothing, "getent": cmdGetent,
		"useradd": cmdUseradd, "userdel": cmdUserdel, "usermod": cmdUsermod, "groupadd": cmdGroupadd, "groupdel": cmdGroupdel,
		"passwd": cmdPasswd, "chpasswd": cmdChpasswd,
	}
}

// subject is the user a command is about: its operand, or who runs it.
func (p *proc) subject(args []string) (account, error) {
	if len(args) == 0 {
		return p.s.user, nil
	}
	return p.m.userNamed(args[0])
}

func cmdID(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	a, err := p.subject(o.args)
	if err != nil {
		return p.fail("'%s': no such user", o.args[0])
	}
	var names, full []string
	for _, g := range p.m.groupsOf(a) {
		names = append(names, g.name)
		full = append(full, fmt.Sprintf("%d(%s)", g.gid, g.name))
	}
	switch {
	case o.has("u") && o.has("n"):
		p.printf("%s\n", a.name)
	case o.has("u"):
		p.printf("%d\n", a.uid)
	case o.has("g") && o.has("n"):
		p.printf("%s\n", p.m.groupName(a.gid))
	case o.has("g"):
		p.printf("%d\n", a.gid)
	case o.has("G"), o.has("n"):
		p.printf("%s\n", strings.Join(names, " "))
	default:
		p.printf("uid=%d(%s) gid=%d(%s) groups=%s\n", a.uid, a.name, a.gid, p.m.groupName(a.gid), strings.Join(full, ","))
	}
	return 0
}

func cmdWhoami(_ context.Context, p *proc) int {
	p.printf("%s\n", p.s.user.name)
	return 0
}

func cmdGroups(_ context.Context, p *proc) int {
	a, err := p.subject(p.args[1:])
	if err != nil {
		return p.fail("'%s': no such user", p.args[1])
	}
	var names []string
	for _, g := range p.m.groupsOf(a) {
		names = append(names, g.name)
	}
	p.printf("%s\n", strings.Join(names, " "))
	return 0
}

func cmdGetent(_ context.Context, p *proc) int {
	if len(p.args) < 2 {
		return p.fail("wrong number of arguments")
	}
	file := map[string]string{"passwd": "/etc/passwd", "group": "/etc/group", "shadow": "/etc/shadow", "hosts": "/etc/hosts"}[p.args[1]]
	if file == "" {
		return p.fail("Unknown database: %s", p.args[1])
	}
	status := 0
	if len(p.args) > 2 {
		status = 2
	}
	for _, line := range p.m.lines(file) {
		if len(p.args) == 2 {
			p.printf("%s\n", line)
			continue
		}
		f := strings.Split(line, ":")
		if f[0] == p.args[2] || len(f) > 2 && f[2] == p.args[2] || file == "/etc/hosts" && strings.Contains(line, p.args[2]) {
			p.printf("%s\n", line)
			status = 0
		}
	}
	return status
}

func cmdUseradd(_ context.Context, p *proc) int {
	if !p.needRoot("useradd: Permission denied.") {
		return 1
	}
	o := parse(p.args[1:], "u d s c G g p k home-dir shell comment groups uid home")
	if len(o.args) != 1 {
		p.fail("usage: useradd [options] LOGIN")
		return 2
	}
	u := newUser{
		name: o.args[0], home: o.value("d", "home-dir", "home"), shell: o.value("s", "shell"), gecos: o.value("c", "comment"),
		password: o.value("p"), system: o.has("r", "system"), noHome: o.has("M", "no-create-home"),
	}
	if p.m.os.family == debian && !o.has("m", "create-home") {
		u.noHome = true
	}
	if g := o.value("G", "groups"); g != "" {
		u.groups = strings.Split(g, ",")
		for _, name := range u.groups {
			if _, err := p.m.groupNamed(name); err != nil {
				p.fail("%v", err)
				return 6
			}
		}
	}
	if id := o.value("u", "uid"); id != "" {
		n, err := strconv.Atoi(id)
		if err != nil {
			p.fail("invalid user ID '%s'", id)
			return 3
		}
		u.uid = n
	}
	a, err := p.m.addUser(u)
	if err != nil {
		p.fail("%v", err)
		return 9
	}
	if u.system && o.has("m", "create-home") {
		if err := p.m.makeHome(a); err != nil {
			return p.fail("%v", err)
		}
	}
	return 0
}

func cmdUserdel(_ context.Context, p *proc) int {
	if !p.needRoot("userdel: Permission denied.") {
		return 1
	}
	o := parse(p.args[1:], "")
	if len(o.args) != 1 {
		return p.fail("usage: userdel [options] LOGIN")
	}
	a, err := p.m.userNamed(o.args[0])
	if err != nil {
		p.fail("user '%s' does not exist", o.args[0])
		return 6
	}
	for _, file := range []string{"/etc/passwd", "/etc/shadow", "/etc/group"} {
		if err := p.m.replaceLine(file, a.name, ""); err != nil {
			return p.fail("%v", err)
		}
	}
	if o.has("r", "remove") {
		if err := p.m.disk.RemoveAll(vfs.Root(), a.home); err != nil {
			return p.fail("%v", err)
		}
	}
	return 0
}

func cmdUsermod(_ context.Context, p *proc) int {
	if !p.needRoot("usermod: Permission denied.") {
		return 1
	}
	o := parse(p.args[1:], "G groups s shell d home p c")
	if len(o.args) != 1 {
		return p.fail("usage: usermod [options] LOGIN")
	}
	a, err := p.m.userNamed(o.args[0])
	if err != nil {
		p.fail("user '%s' does not exist", o.args[0])
		return 6
	}
	if g := o.value("G", "groups"); g != "" {
		for name := range strings.SplitSeq(g, ",") {
			if err := p.m.joinGroup(a.name, name); err != nil {
				p.fail("%v", err)
				return 6
			}
		}
	}
	if s := o.value("s", "shell"); s != "" {
		a.shell = s
	}
	if d := o.value("d", "home"); d != "" {
		a.home = d
	}
	if err := p.m.replaceLine("/etc/passwd", a.name, a.line()); err != nil {
		return p.fail("%v", err)
	}
	hash := o.value("p")
	if o.has("L") {
		hash = "!"
	}
	if hash != "" {
		if err := p.m.setPassword(a.name, hash); err != nil {
			return p.fail("%v", err)
		}
	}
	return 0
}

func cmdGroupadd(_ context.Context, p *proc) int {
	if !p.needRoot("groupadd: Permission denied.") {
		return 1
	}
	o := parse(p.args[1:], "g gid")
	if len(o.args) != 1 {
		return p.fail("usage: groupadd [options] GROUP")
	}
	gid := p.m.freeID(o.has("r"))
	if id := o.value("g", "gid"); id != "" {
		n, err := strconv.Atoi(id)
		if err != nil {
			return p.fail("invalid group ID '%s'", id)
		}
		gid = n
	}
	if err := p.m.addGroup(o.args[0], gid); err != nil {
		if o.has("f") {
			return 0
		}
		p.fail("%v", err)
		return 9
	}
	return 0
}

func cmdGroupdel(_ context.Context, p *proc) int {
	if !p.needRoot("groupdel: Permission denied.") {
		return 1
	}
	if len(p.args) != 2 {
		return p.fail("usage: groupdel GROUP")
	}
	if _, err := p.m.groupNamed(p.args[1]); err != nil {
		p.fail("%v", err)
		return 6
	}
	if err := p.m.replaceLine("/etc/group", p.args[1], ""); err != nil {
		return p.fail("%v", err)
	}
	return 0
}

func cmdPasswd(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	a, err := p.subject(o.args)
	if err != nil {
		return p.fail("Unknown user name '%s'.", o.args[0])
	}
	if a.uid != p.s.cred.UID && !p.needRoot("passwd: Only root can specify a user name.") {
		return 1
	}
	hash := ""
	switch {
	case o.has("l"):
		hash = "!!"
	case o.has("d"):
		hash = ""
	case o.has("S"):
		p.printf("%s PS 2026-10-01 0 99999 7 -1\n", a.name)
		return 0
	default:
		data, err := readAll(p.in)
		lines := input{data: data}.lines()
		if err != nil || len(lines) == 0 || lines[0] == "" {
			return p.fail("Authentication token manipulation error")
		}
		hash = newHash(lines[0])
	}
	if err := p.m.setPassword(a.name, hash); err != nil {
		return p.fail("%v", err)
	}
	return 0
}

func cmdChpasswd(_ context.Context, p *proc) int {
	if !p.needRoot("chpasswd: cannot lock /etc/passwd; try again later.") {
		return 1
	}
	data, err := readAll(p.in)
	if err != nil {
		return p.fail("%v", err)
	}
	status := 0
	for i, line := range (input{data: data}).lines() {
		user, password, ok := strings.Cut(line, ":")
		if !ok {
			status = p.fail("line %d: missing new password", i+1)
			continue
		}
		hash := newHash(password)
		if parse(p.args[1:], "").has("e") {
			hash = password
		}
		if err := p.m.setPassword(user, hash); err != nil {
			status = p.fail("(user %s) %v", user, err)
		}
	}
	return status
}

// addKeys appends keys to the authorized_keys of a user.
func (m *Machine) addKeys(a account, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	dir := path.Join(a.home, ".ssh")
	root := vfs.Root()
	if err := m.disk.MkdirAll(root, dir, 0o700); err != nil {
		return err
	}
	if err := m.disk.Chown(root, dir, a.uid, a.gid, true); err != nil {
		return err
	}
	file := path.Join(dir, "authorized_keys")
	have := m.lines(file)
	for _, k := range keys {
		k = strings.TrimSpace(k)
		if k == "" || strings.Contains("\n"+strings.Join(have, "\n")+"\n", "\n"+k+"\n") {
			continue
		}
		have = append(have, k)
	}
	if err := m.disk.WriteFile(root, file, []byte(strings.Join(have, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	return m.disk.Chown(root, file, a.uid, a.gid, true)
}

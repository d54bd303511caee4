package guest

import (
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

// account is a line of /etc/passwd.
type account struct {
	name     string
	uid, gid int
	gecos    string
	home     string
	shell    string
}

func (a account) line() string {
	return fmt.Sprintf("%s:x:%d:%d:%s:%s:%s\n", a.name, a.uid, a.gid, a.gecos, a.home, a.shell)
}

// lines returns the lines of a file of the guest, none if it is not there.
func (m *Machine) lines(name string) []string {
	data, err := m.disk.ReadFile(vfs.Root(), name)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(strings.Split(string(data), "\n"), func(s string) bool { return s == "" })
}

func (m *Machine) accounts() []account {
	var list []account
	for _, line := range m.lines("/etc/passwd") {
		f := strings.Split(line, ":")
		if len(f) < 7 {
			continue
		}
		uid, err1 := strconv.Atoi(f[2])
		gid, err2 := strconv.Atoi(f[3])
		if err1 == nil && err2 == nil {
			list = append(list, account{name: f[0], uid: uid, gid: gid, gecos: f[4], home: f[5], shell: f[6]})
		}
	}
	return list
}

// userNamed finds an account by name or number.
func (m *Machine) userNamed(name string) (account, error) {
	for _, a := range m.accounts() {
		if a.name == name || strconv.Itoa(a.uid) == name {
			return a, nil
		}
	}
	return account{}, fmt.Errorf("user %s does not exist", name)
}

type group struct {
	name    string
	gid     int
	members []string
}

func (g group) line() string {
	return fmt.Sprintf("%s:x:%d:%s\n", g.name, g.gid, strings.Join(g.members, ","))
}

func (m *Machine) groups() []group {
	var list []group
	for _, line := range m.lines("/etc/group") {
		f := strings.Split(line, ":")
		if len(f) < 4 {
			continue
		}
		if gid, err := strconv.Atoi(f[2]); err == nil {
			list = append(list, group{f[0], gid, slices.DeleteFunc(strings.Split(f[3], ","), func(s string) bool { return s == "" })})
		}
	}
	return list
}

func (m *Machine) groupNamed(name string) (group, error) {
	for _, g := range m.groups() {
		if g.name == name || strconv.Itoa(g.gid) == name {
			return g, nil
		}
	}
	return group{}, fmt.Errorf("group '%s' does not exist", name)
}

// groupsOf lists the groups of an account, its own first.
func (m *Machine) groupsOf(a account) []group {
	var own, more []group
	for _, g := range m.groups() {
		switch {
		case g.gid == a.gid:
			own = append(own, g)
		case slices.Contains(g.members, a.name):
			more = append(more, g)
		}
	}
	return append(own, more...)
}

func (m *Machine) credOf(a account) vfs.Cred {
	c := vfs.Cred{UID: a.uid, GID: a.gid}
	for _, g := range m.groupsOf(a) {
		c.Groups = append(c.Groups, g.gid)
	}
	return c
}

func (m *Machine) userName(uid int) string {
	if a, err := m.userNamed(strconv.Itoa(uid)); err == nil {
		return a.name
	}
	return strconv.Itoa(uid)
}

func (m *Machine) groupName(gid int) string {
	if g, err := m.groupNamed(strconv.Itoa(gid)); err == nil {
		return g.name
	}
	return strconv.Itoa(gid)
}

// newUser is what useradd is told.
type newUser struct {
	name, home, shell, gecos, password string
	uid                                int // 0: the next free
	system, noHome                     bool
	groups                             []string
}

// addUser makes an account with its own group and home directory.
func (m *Machine) addUser(u newUser) (account, error) {
	if _, err := m.userNamed(u.name); err == nil {
		return account{}, fmt.Errorf("user '%s' already exists", u.name)
	}
	a := account{name: u.name, uid: u.uid, gecos: u.gecos, home: u.home, shell: u.shell}
	if a.uid == 0 {
		a.uid = m.freeID(u.system)
	}
	a.gid = a.uid
	if g, err := m.groupNamed(u.name); err == nil {
		a.gid = g.gid
	} else if err := m.addGroup(u.name, a.gid); err != nil {
		return account{}, err
	}
	if a.home == "" {
		a.home = "/home/" + u.name
	}
	if a.shell == "" {
		a.shell = "/bin/bash"
	}
	if err := m.appendTo("/etc/passwd", a.line()); err != nil {
		return account{}, err
	}
	password := u.password
	if password == "" {
		password = "!!"
	}
	if err := m.appendTo("/etc/shadow", u.name+":"+password+":20000:0:99999:7:::\n"); err != nil {
		return account{}, err
	}
	for _, g := range u.groups {
		if err := m.joinGroup(u.name, g); err != nil {
			return account{}, err
		}
	}
	if u.noHome || u.system {
		return a, nil
	}
	return a, m.makeHome(a)
}

func (m *Machine) makeHome(a account) error {
	root := vfs.Root()
	if _, err := m.disk.Stat(root, a.home, true); err == nil {
		return nil
	}
	if err := m.disk.MkdirAll(root, path.Dir(a.home), 0o755); err != nil {
		return err
	}
	owner := vfs.Cred{UID: a.uid, GID: a.gid}
	if err := m.disk.Mkdir(root, a.home, 0o700); err != nil {
		return err
	}
	if err := m.disk.Chown(root, a.home, a.uid, a.gid, true); err != nil {
		return err
	}
	list, err := m.disk.ReadDir(root, "/etc/skel")
	if err != nil {
		return nil // an image without a skeleton
	}
	for _, f := range list {
		if err := m.disk.Copy(owner, "/etc/skel/"+f.Name(), path.Join(a.home, f.Name()), false); err != nil {
			return err
		}
	}
	return nil
}

// freeID is the next free number for a user or group.
func (m *Machine) freeID(system bool) int {
	taken := map[int]bool{}
	for _, a := range m.accounts() {
		taken[a.uid] = true
	}
	for _, g := range m.groups() {
		taken[g.gid] = true
	}
	if system {
		for id := 999; ; id-- {
			if !taken[id] {
				return id
			}
		}
	}
	for id := 1000; ; id++ {
		if !taken[id] {
			return id
		}
	}
}

func (m *Machine) addGroup(name string, gid int) error {
	if _, err := m.groupNamed(name); err == nil {
		return fmt.Errorf("group '%s' already exists", name)
	}
	return m.appendTo("/etc/group", group{name: name, gid: gid}.line())
}

// joinGroup adds a user to a group.
func (m *Machine) joinGroup(user, name string) error {
	g, err := m.groupNamed(name)
	if err != nil {
		return err
	}
	if slices.Contains(g.members, user) {
		return nil
	}
	g.members = append(g.members, user)
	return m.replaceLine("/etc/group", g.name, g.line())
}

func (m *Machine) appendTo(name, line string) error {
	data, err := m.disk.ReadFile(vfs.Root(), name)
	if err != nil {
		return err
	}
	return m.disk.WriteFile(vfs.Root(), name, append(slices.Clip(data), line...), 0o644)
}

// replaceLine replaces the entry of a colon file; an empty line removes it.
func (m *Machine) replaceLine(name, key, line string) error {
	var out strings.Builder
	for _, old := range m.lines(name) {
		if strings.HasPrefix(old, key+":") {
			out.WriteString(line)
			continue
		}
		out.WriteString(old + "\n")
	}
	return m.disk.WriteFile(vfs.Root(), name, []byte(out.String()), 0o644)
}

// setPassword stores a crypt hash (or "!" to lock) for a user.
func (m *Machine) setPassword(user, hash string) error {
	if _, err := m.userNamed(user); err != nil {
		return err
	}
	line := user + ":" + hash + ":20000:0:99999:7:::\n"
	for _, old := range m.lines("/etc/shadow") {
		if strings.HasPrefix(old, user+":") {
			return m.replaceLine("/etc/shadow", user, line)
		}
	}
	return m.appendTo("/etc/shadow", line)
}

// checkPassword compares a password with the stored hash.
func (m *Machine) checkPassword(user, password string) bool {
	for _, line := range m.lines("/etc/shadow") {
		f := strings.Split(line, ":")
		if len(f) < 2 || f[0] != user {
			continue
		}
		parts := strings.Split(f[1], "$")
		if len(parts) < 4 || parts[1] != "6" {
			return false
		}
		want := sha512Crypt(password, parts[2])
		return subtle.ConstantTimeCompare([]byte(want), []byte(f[1])) == 1
	}
	return false
}

// cryptAlphabet is crypt's own order of base 64.
const cryptAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// newHash hashes a password with a new salt.
func newHash(password string) string {
	salt := make([]byte, 16)
	// crypto/rand.Read never fails.
	_, _ = rand.Read(salt)
	for i := range salt {
		salt[i] = cryptAlphabet[salt[i]%64]
	}
	return sha512Crypt(password, string(salt))
}

// sha512Crypt is the $6$ scheme of crypt(3) with its default 5000 rounds.
func sha512Crypt(password, salt string) string {
	key, s := []byte(password), []byte(salt[:min(len(salt), 16)])
	b := sha512.Sum512([]byte(password + string(s) + password))
	a := sha512.New()
	a.Write(key)
	a.Write(s)
	a.Write(stretch(b[:], len(key)))
	for n := len(key); n > 0; n >>= 1 {
		if n&1 != 0 {
			a.Write(b[:])
		} else {
			a.Write(key)
		}
	}
	sum := a.Sum(nil)
	dp := sha512.New()
	for range len(key) {
		dp.Write(key)
	}
	p := stretch(dp.Sum(nil), len(key))
	ds := sha512.New()
	for range 16 + int(sum[0]) {
		ds.Write(s)
	}
	sq := stretch(ds.Sum(nil), len(s))
	for i := range 5000 {
		c := sha512.New()
		if i&1 != 0 {
			c.Write(p)
		} else {
			c.Write(sum)
		}
		if i%3 != 0 {
			c.Write(sq)
		}
		if i%7 != 0 {
			c.Write(p)
		}
		if i&1 != 0 {
			c.Write(sum)
		} else {
			c.Write(p)
		}
		sum = c.Sum(nil)
	}
	return "$6$" + string(s) + "$" + crypt64(sum)
}

func stretch(b []byte, n int) []byte {
	out := make([]byte, 0, n)
	for len(out) < n {
		out = append(out, b[:min(len(b), n-len(out))]...)
	}
	return out
}

// crypt64 encodes a digest in crypt's shuffled order.
func crypt64(d []byte) string {
	var out strings.Builder
	put := func(v uint, n int) {
		for range n {
			out.WriteByte(cryptAlphabet[v&63])
			v >>= 6
		}
	}
	i, j, k := 0, 21, 42
	for range 21 {
		put(uint(d[i])<<16|uint(d[j])<<8|uint(d[k]), 4)
		i, j, k = j+1, k+1, i+1
	}
	put(uint(d[63]), 2)
	return out.String()
}

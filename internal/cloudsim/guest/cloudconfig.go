package guest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

// cloudConfig is a #cloud-config document. Values keep the text they were
// written with, so that permissions such as 0644 stay octal.
type cloudConfig struct{ root *yaml.Node }

func parseCloudConfig(text string) (*cloudConfig, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return &cloudConfig{root: &yaml.Node{Kind: yaml.MappingNode}}, nil
	}
	if doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("a cloud-config must be a mapping")
	}
	return &cloudConfig{root: doc.Content[0]}, nil
}

// field finds a value of a mapping; nil if it is not there.
func field(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			v := n.Content[i+1]
			for v.Kind == yaml.AliasNode {
				v = v.Alias
			}
			return v
		}
	}
	return nil
}

func scalar(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	return n.Value
}

func yes(n *yaml.Node) bool {
	switch strings.ToLower(scalar(n)) {
	case "true", "yes", "on", "1":
		return true
	}
	return false
}

// texts reads a list of scalars, or one scalar.
func texts(n *yaml.Node) []string {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		if s := scalar(n); s != "" {
			return []string{s}
		}
		return nil
	}
	var list []string
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			switch {
			case item.Kind == yaml.SequenceNode && len(item.Content) > 0:
				list = append(list, item.Content[0].Value) // [name, version]
			case scalar(item) != "":
				list = append(list, scalar(item))
			}
		}
	}
	return list
}

func (c *cloudConfig) list(name string) []string { return texts(field(c.root, name)) }

func (c *cloudConfig) truth(name string) bool { return yes(field(c.root, name)) }

func (c *cloudConfig) first(names ...string) string {
	for _, n := range names {
		if s := scalar(field(c.root, n)); s != "" {
			return s
		}
	}
	return ""
}

// commands turns runcmd or bootcmd into one shell script. A list item is quoted
// word by word, a string is a line for the shell.
func (c *cloudConfig) commands(name string) string {
	n := field(c.root, name)
	if n == nil {
		return ""
	}
	if n.Kind == yaml.ScalarNode {
		return scalar(n) + "\n"
	}
	var out strings.Builder
	for _, item := range n.Content {
		if item.Kind != yaml.SequenceNode {
			out.WriteString(scalar(item) + "\n")
			continue
		}
		out.WriteString(quoted(item) + "\n")
	}
	return out.String()
}

// applyEarly does what comes before SSH answers: users, passwords, files.
func (m *Machine) applyEarly(c *cloudConfig, user account, log io.Writer) error {
	var errs []error
	errs = append(errs, m.configGroups(field(c.root, "groups")))
	users := field(c.root, "users")
	if users != nil && users.Kind == yaml.SequenceNode {
		for _, u := range users.Content {
			errs = append(errs, m.configUser(u))
		}
	}
	if p := c.first("password"); p != "" {
		errs = append(errs, m.setPlainOrHash(user.name, p))
	}
	if chpasswd := field(c.root, "chpasswd"); chpasswd != nil {
		errs = append(errs, m.configPasswords(chpasswd)...)
	}
	if n := field(c.root, "ssh_pwauth"); n != nil {
		value := "no"
		if yes(n) {
			value = "yes"
		}
		errs = append(errs, m.sshdSetting("PasswordAuthentication", value))
	}
	if n := field(c.root, "disable_root"); n != nil && !yes(n) {
		errs = append(errs, m.sshdSetting("PermitRootLogin", "yes"))
	}
	if files := field(c.root, "write_files"); files != nil {
		for _, f := range files.Content {
			if err := m.configFile(f); err != nil {
				errs = append(errs, fmt.Errorf("write_files %s: %w", scalar(field(f, "path")), err))
			}
		}
	}
	for _, known := range []string{"mounts", "disk_setup", "fs_setup", "apt", "yum_repos", "ntp", "swap"} {
		if field(c.root, known) != nil {
			fmt.Fprintf(log, "cloud-init: module %s has no effect in an embedded guest\n", known)
		}
	}
	return errors.Join(errs...)
}

func (m *Machine) setPlainOrHash(user, password string) error {
	if !strings.HasPrefix(password, "$6$") {
		password = newHash(password)
	}
	return m.setPassword(user, password)
}

func (m *Machine) configPasswords(n *yaml.Node) []error {
	var errs []error
	list := field(n, "list")
	if list == nil && n.Kind == yaml.ScalarNode {
		list = n
	}
	var lines []string
	if list != nil && list.Kind == yaml.ScalarNode {
		lines = strings.Split(list.Value, "\n")
	} else {
		lines = texts(list)
	}
	for _, line := range lines {
		if user, password, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			errs = append(errs, m.setPlainOrHash(user, password))
		}
	}
	if users := field(n, "users"); users != nil {
		for _, u := range users.Content {
			errs = append(errs, m.setPlainOrHash(scalar(field(u, "name")), scalar(field(u, "password"))))
		}
	}
	return errs
}

// configGroups makes the groups of the top level: a list of names, or of names with their members.
func (m *Machine) configGroups(n *yaml.Node) error {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	for _, item := range n.Content {
		name := scalar(item)
		if item.Kind == yaml.MappingNode && len(item.Content) > 0 {
			name = item.Content[0].Value // members are made with their own entries
		}
		if _, err := m.groupNamed(name); err == nil {
			continue
		}
		if err := m.addGroup(name, m.freeID(false)); err != nil {
			return fmt.Errorf("groups: %w", err)
		}
	}
	return nil
}

func (m *Machine) configUser(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return nil // "default", which is there already
	}
	u := newUser{
		name: scalar(field(n, "name")), gecos: scalar(field(n, "gecos")), shell: scalar(field(n, "shell")), home: scalar(field(n, "homedir")),
		password: scalar(field(n, "passwd")), system: yes(field(n, "system")), noHome: yes(field(n, "no_create_home")),
	}
	if u.name == "" {
		return errors.New("users: an entry without a name")
	}
	for _, g := range texts(field(n, "groups")) {
		for name := range strings.SplitSeq(g, ",") {
			name = strings.TrimSpace(name)
			if _, err := m.groupNamed(name); err != nil {
				if err := m.addGroup(name, m.freeID(false)); err != nil {
					return err
				}
			}
			u.groups = append(u.groups, name)
		}
	}
	if uid, err := strconv.Atoi(scalar(field(n, "uid"))); err == nil {
		u.uid = uid
	}
	a, err := m.userNamed(u.name)
	if err != nil {
		if a, err = m.addUser(u); err != nil {
			return err
		}
	}
	if plain := scalar(field(n, "plain_text_passwd")); plain != "" {
		if err := m.setPassword(a.name, newHash(plain)); err != nil {
			return err
		}
	}
	for _, rule := range texts(field(n, "sudo")) {
		if strings.EqualFold(rule, "false") {
			continue
		}
		if err := m.allowSudo(a.name, rule); err != nil {
			return err
		}
	}
	return m.addKeys(a, append(texts(field(n, "ssh_authorized_keys")), texts(field(n, "ssh-authorized-keys"))...))
}

func (m *Machine) configFile(n *yaml.Node) error {
	name := scalar(field(n, "path"))
	if !strings.HasPrefix(name, "/") {
		return errors.New("the path must be absolute")
	}
	content := ""
	if c := field(n, "content"); c != nil {
		content = c.Value
		if c.Tag == "!!binary" {
			data, err := decodeBase64(c.Value)
			if err != nil {
				return err
			}
			content = string(data)
		}
	}
	data, err := decodeContent(content, scalar(field(n, "encoding")))
	if err != nil {
		return err
	}
	root := vfs.Root()
	if err := m.disk.MkdirAll(root, path.Dir(name), 0o755); err != nil {
		return err
	}
	if yes(field(n, "append")) {
		if old, err := m.disk.ReadFile(root, name); err == nil {
			data = append(append([]byte(nil), old...), data...)
		}
	}
	if err := m.disk.WriteFile(root, name, data, 0o644); err != nil {
		return err
	}
	mode := scalar(field(n, "permissions"))
	if mode == "" {
		mode = "0644"
	}
	bits, err := strconv.ParseUint(strings.TrimPrefix(mode, "0o"), 8, 16)
	if err != nil {
		return fmt.Errorf("permissions %q are not octal", mode)
	}
	if err := m.disk.Chmod(root, name, unixMode(uint32(bits))); err != nil {
		return err
	}
	if owner := scalar(field(n, "owner")); owner != "" {
		uid, gid, err := m.owner(owner)
		if err != nil {
			return err
		}
		return m.disk.Chown(root, name, uid, gid, true)
	}
	return nil
}

// decodeContent undoes the encodings of write_files.
func decodeContent(content, encoding string) ([]byte, error) {
	data := []byte(content)
	var err error
	for part := range strings.SplitSeq(strings.ToLower(encoding), "+") {
		switch part {
		case "", "text/plain":
		case "b64", "base64", "gz+base64", "gzip+base64":
		case "gz", "gzip":
		default:
			return nil, fmt.Errorf("unknown encoding %q", encoding)
		}
	}
	if strings.Contains(encoding, "b64") || strings.Contains(encoding, "base64") {
		if data, err = decodeBase64(content); err != nil {
			return nil, err
		}
	}
	if strings.HasPrefix(encoding, "gz") {
		return gunzip(data)
	}
	return data, nil
}

func decodeBase64(text string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
}

package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tree writes a folder from entries that nobody vouches for. It writes regular
// files and folders only, each name once, and nothing outside: names are
// checked as text, and os.Root makes sure of it once more. A link to a file of
// the tree becomes a copy of the file.
type tree struct {
	root    *os.Root
	limits  Limits
	files   map[string]bool   // by name; true: may be executed
	folders map[string]bool   // by name
	spelled map[string]string // folded name → name
	links   map[string]string // name → name it means
	order   []string          // of the links
	entries int
	total   int64
	allowed int64 // bytes that may still come before the ratio is too high; <0: any
}

// newTree begins a tree in an empty folder. packed is how large the archive
// is, 0 if there is none.
func newTree(dir string, limits Limits, packed int64) (*tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open folder for unpacking: %w", err)
	}
	t := &tree{
		root: root, limits: limits, allowed: -1,
		files: map[string]bool{}, folders: map[string]bool{}, spelled: map[string]string{}, links: map[string]string{},
	}
	if packed > 0 {
		t.allowed = packed*limits.Ratio + limits.Slack
	}
	return t, nil
}

// name checks the name of an entry and brings it to its one form. "" stands
// for the root itself.
func (t *tree) name(entry string) (string, error) {
	switch {
	case len(entry) > t.limits.Name:
		return "", refuse(entry, "its name is longer than %d bytes", t.limits.Name)
	case !utf8.ValidString(entry):
		return "", refuse(entry, "its name is not UTF-8")
	case strings.ContainsFunc(entry, unicode.IsControl):
		return "", refuse(entry, "its name holds a control character")
	case strings.ContainsAny(entry, `\:`):
		return "", refuse(entry, `its name holds \ or :, which lead elsewhere on some systems`)
	case strings.HasPrefix(entry, "/"):
		return "", refuse(entry, "its name is absolute")
	}
	name := strings.TrimSuffix(strings.TrimPrefix(entry, "./"), "/")
	if name == "" || name == "." {
		return "", nil
	}
	parts := strings.Split(name, "/")
	if len(parts) > t.limits.Depth {
		return "", refuse(entry, "it lies more than %d folders deep", t.limits.Depth)
	}
	for _, part := range parts {
		if why := badPart(part); why != "" {
			return "", refuse(entry, "%s", why)
		}
	}
	return name, nil
}

func badPart(part string) string {
	stem, _, _ := strings.Cut(strings.ToLower(part), ".")
	switch {
	case part == "" || part == "." || part == "..":
		return "its name holds an empty part, . or .."
	case len(part) > 255:
		return "a part of its name is longer than 255 bytes"
	case strings.HasSuffix(part, ".") || strings.HasSuffix(part, " "):
		return "a part of its name ends with a dot or a blank, which some systems drop"
	case stem == "con" || stem == "prn" || stem == "aux" || stem == "nul",
		len(stem) == 4 && (strings.HasPrefix(stem, "com") || strings.HasPrefix(stem, "lpt")) && stem[3] >= '0' && stem[3] <= '9':
		return "its name is a device on some systems"
	}
	return ""
}

// book takes a name and those of the folders above it.
func (t *tree) book(entry, name string, folder bool) error {
	if t.entries++; t.entries > t.limits.Entries {
		return refuse("", "it holds more than %d files and folders", t.limits.Entries)
	}
	for i, r := range name {
		if r != '/' {
			continue
		}
		if err := t.bookFolder(entry, name[:i]); err != nil {
			return err
		}
	}
	if folder {
		return t.bookFolder(entry, name)
	}
	if other, taken := t.spelled[fold(name)]; taken {
		return refuse(entry, "the name is taken by %q; names that differ in case only are one name on some systems", other)
	}
	t.spelled[fold(name)] = name
	return nil
}

func (t *tree) bookFolder(entry, name string) error {
	if t.folders[name] {
		return nil
	}
	if other, taken := t.spelled[fold(name)]; taken {
		return refuse(entry, "its folder %q is taken by %q", name, other)
	}
	t.spelled[fold(name)], t.folders[name] = name, true
	if err := t.root.Mkdir(name, 0o755); err != nil {
		return fmt.Errorf("make folder %q: %w", name, err)
	}
	return nil
}

// fold brings names that differ in case only to one form.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, name)
}

// folder makes a folder.
func (t *tree) folder(entry string) error {
	name, err := t.name(entry)
	if err != nil || name == "" {
		return err
	}
	return t.book(entry, name, true)
}

// file writes a file. Of its mode only whether it may be executed is kept.
func (t *tree) file(entry string, mode fs.FileMode, content io.Reader) error {
	name, err := t.name(entry)
	if err != nil {
		return err
	}
	if name == "" || strings.HasSuffix(entry, "/") {
		return refuse(entry, "it is a file with the name of a folder")
	}
	if err := t.book(entry, name, false); err != nil {
		return err
	}
	return t.write(entry, name, mode&0o111 != 0, content)
}

func (t *tree) write(entry, name string, program bool, content io.Reader) error {
	perm := fs.FileMode(0o644)
	if program {
		perm = 0o755
	}
	f, err := t.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
	if err != nil {
		return fmt.Errorf("write %q: %w", name, err)
	}
	t.files[name] = program
	_, err = io.Copy(&counted{w: f, t: t, entry: entry, left: t.limits.File}, content)
	return errors.Join(err, f.Close())
}

// counted writes a file until a limit is reached.
type counted struct {
	w     io.Writer
	t     *tree
	entry string
	left  int64
}

func (c *counted) Write(p []byte) (int, error) {
	n := int64(len(p))
	if c.left -= n; c.left < 0 {
		return 0, refuse(c.entry, "it is larger than %s", size(c.t.limits.File))
	}
	if c.t.total += n; c.t.total > c.t.limits.Total {
		return 0, refuse("", "its files are larger than %s together", size(c.t.limits.Total))
	}
	if c.t.allowed >= 0 && c.t.total > c.t.allowed {
		return 0, refuse("", "its files are more than %d times as large as the archive", c.t.limits.Ratio)
	}
	return c.w.Write(p)
}

// link takes a link; base is the folder that the target is relative to.
func (t *tree) link(entry, base, target string) error {
	name, err := t.name(entry)
	if err != nil {
		return err
	}
	if name == "" {
		return refuse(entry, "it is a link with the name of a folder")
	}
	// path.Join would hide where a target leads on its way.
	if target == "" || path.IsAbs(target) || strings.ContainsAny(target, "\\:\x00") {
		return refuse(entry, "it is a link that leads out of the folder")
	}
	means := path.Join(base, target)
	if means == ".." || strings.HasPrefix(means, "../") {
		return refuse(entry, "it is a link that leads out of the folder")
	}
	if err := t.book(entry, name, false); err != nil {
		return err
	}
	t.links[name] = means
	t.order = append(t.order, name)
	return nil
}

// close writes the links as copies and ends the tree.
func (t *tree) close() error {
	for _, name := range t.order {
		if err := t.copyLink(name); err != nil {
			return errors.Join(err, t.root.Close())
		}
	}
	return t.root.Close()
}

// copyLink follows a link within the tree: to a file, or to links to one.
func (t *tree) copyLink(name string) error {
	target := t.links[name]
	for range t.links {
		next, more := t.links[target]
		if !more {
			break
		}
		target = next
	}
	program, ok := t.files[target]
	if !ok {
		return refuse(name, "it is a link to %.200q, which is no file of the archive", target)
	}
	f, err := t.root.Open(target)
	if err != nil {
		return fmt.Errorf("copy %q: %w", target, err)
	}
	defer func() { _ = f.Close() }() // only read from
	return t.write(name, name, program, f)
}

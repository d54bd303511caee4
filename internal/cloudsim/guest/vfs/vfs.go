// Package vfs is the file system of an embedded guest: an immutable tree of
// nodes behind a mutable root, so that a clone, a snapshot or the difference
// between two moments costs nothing but a pointer comparison.
//
// A Disk adds durability: it appends the difference to what was last written to
// one file of the host. Nothing else of the host is ever touched.
//
// It imports the standard library only.
package vfs

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// maxLinks bounds symbolic links followed in one lookup, as Linux does.
const maxLinks = 40

// Node is a file, directory, symbolic link or device. A node in a tree never
// changes; changing a file makes new nodes from there up to the root.
type Node struct {
	mode   fs.FileMode
	uid    int
	gid    int
	mtime  time.Time
	data   []byte
	target string
	kids   map[string]*Node
}

// Cred is who acts. UID 0 may do everything.
type Cred struct {
	UID, GID int
	Groups   []int
}

// Root is the super-user.
func Root() Cred { return Cred{} }

// FS is a mutable view of a tree. It is safe for concurrent use. All paths are
// absolute.
type FS struct {
	mu   sync.RWMutex
	root *Node
	now  func() time.Time
}

// New makes a file system over a tree; now stamps changes.
func New(root *Node, now func() time.Time) *FS { return &FS{root: root, now: now} }

// NewRoot is an empty root directory.
func NewRoot(at time.Time) *Node {
	return &Node{mode: fs.ModeDir | 0o755, mtime: at, kids: map[string]*Node{}}
}

// Tree is the present tree; it will not change.
func (f *FS) Tree() *Node {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.root
}

// Revert replaces the whole tree.
func (f *FS) Revert(root *Node) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.root = root
}

// SetClock replaces the clock that stamps changes.
func (f *FS) SetClock(now func() time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = now
}

func pathError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}

func split(name string) []string {
	name = path.Clean("/" + name)
	if name == "/" {
		return nil
	}
	return strings.Split(name[1:], "/")
}

// may reports whether the bits (4 read, 2 write, 1 execute) are granted.
func (n *Node) may(c Cred, bits fs.FileMode) bool {
	if c.UID == 0 {
		return true
	}
	perm := n.mode.Perm()
	switch {
	case n.uid == c.UID:
		perm >>= 6
	case n.gid == c.GID || slices.Contains(c.Groups, n.gid):
		perm >>= 3
	}
	return perm&bits == bits
}

// walk resolves name to its canonical parts and node. With a missing last part
// it returns the parts, a nil node and ENOENT, so that a caller can create it.
func (f *FS) walk(c Cred, name string, follow bool) ([]string, *Node, error) {
	todo := split(name)
	var done []string
	nodes := []*Node{f.root}
	for links := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		if part == "." || part == "" {
			continue
		}
		if part == ".." {
			if len(done) > 0 {
				done, nodes = done[:len(done)-1], nodes[:len(nodes)-1]
			}
			continue
		}
		dir := nodes[len(nodes)-1]
		if !dir.mode.IsDir() {
			return nil, nil, syscall.ENOTDIR
		}
		if !dir.may(c, 1) {
			return nil, nil, syscall.EACCES
		}
		kid := dir.kids[part]
		if kid == nil {
			if len(todo) > 0 {
				return nil, nil, syscall.ENOENT
			}
			return append(slices.Clip(done), part), nil, syscall.ENOENT
		}
		if kid.mode&fs.ModeSymlink != 0 && (follow || len(todo) > 0) {
			if links++; links > maxLinks {
				return nil, nil, syscall.ELOOP
			}
			target := rawSplit(kid.target)
			if strings.HasPrefix(kid.target, "/") {
				done, nodes = nil, nodes[:1]
			}
			todo = append(target, todo...)
			continue
		}
		done, nodes = append(slices.Clip(done), part), append(slices.Clip(nodes), kid)
	}
	return done, nodes[len(nodes)-1], nil
}

// rawSplit keeps ".." parts, which must be applied after links are followed.
func rawSplit(target string) []string {
	return slices.DeleteFunc(strings.Split(target, "/"), func(s string) bool { return s == "" })
}

func (f *FS) at(parts []string) *Node {
	n := f.root
	for _, p := range parts {
		if n = n.kids[p]; n == nil {
			return nil
		}
	}
	return n
}

// put stores n (nil removes) at canonical parts, copying the nodes above it.
func (f *FS) put(parts []string, n *Node) {
	if len(parts) == 0 {
		f.root = n
		return
	}
	f.root = with(f.root, parts, n, f.now())
}

func with(dir *Node, parts []string, n *Node, now time.Time) *Node {
	next := *dir
	next.kids = maps.Clone(dir.kids)
	if len(parts) > 1 {
		next.kids[parts[0]] = with(dir.kids[parts[0]], parts[1:], n, now)
		return &next
	}
	if n == nil {
		delete(next.kids, parts[0])
		if !now.IsZero() {
			next.mtime = now
		}
		return &next
	}
	if dir.kids[parts[0]] == nil && !now.IsZero() {
		next.mtime = now
	}
	next.kids[parts[0]] = n
	return &next
}

// parentFor checks that c may add to or remove from the directory of parts.
func (f *FS) parentFor(c Cred, parts []string) (*Node, error) {
	if len(parts) == 0 {
		return nil, syscall.EBUSY
	}
	dir := f.at(parts[:len(parts)-1])
	if dir == nil {
		return nil, syscall.ENOENT
	}
	if !dir.mode.IsDir() {
		return nil, syscall.ENOTDIR
	}
	if !dir.may(c, 3) {
		return nil, syscall.EACCES
	}
	return dir, nil
}

// mayRemove adds the rule of the sticky bit.
func mayRemove(c Cred, dir, kid *Node) bool {
	return dir.mode&fs.ModeSticky == 0 || c.UID == 0 || kid.uid == c.UID || dir.uid == c.UID
}

// Stat describes a file; follow decides about a symbolic link as last part.
func (f *FS) Stat(c Cred, name string, follow bool) (Info, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	_, n, err := f.walk(c, name, follow)
	if err != nil {
		return Info{}, pathError("stat", name, err)
	}
	return Info{name: path.Base(path.Clean("/" + name)), node: n}, nil
}

// Access checks permission bits (4 read, 2 write, 1 execute).
func (f *FS) Access(c Cred, name string, bits fs.FileMode) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	_, n, err := f.walk(c, name, true)
	if err != nil {
		return pathError("access", name, err)
	}
	if bits&1 != 0 && c.UID == 0 && !n.mode.IsDir() && n.mode.Perm()&0o111 == 0 {
		return pathError("access", name, syscall.EACCES)
	}
	if !n.may(c, bits) {
		return pathError("access", name, syscall.EACCES)
	}
	return nil
}

// ReadFile returns a file's content; the caller must not change it.
func (f *FS) ReadFile(c Cred, name string) ([]byte, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	_, n, err := f.walk(c, name, true)
	switch {
	case err != nil:
		return nil, pathError("open", name, err)
	case n.mode.IsDir():
		return nil, pathError("read", name, syscall.EISDIR)
	case !n.may(c, 4):
		return nil, pathError("open", name, syscall.EACCES)
	}
	return n.data, nil
}

// WriteFile creates or replaces a file; perm counts only for a new one.
func (f *FS) WriteFile(c Cred, name string, data []byte, perm fs.FileMode) error {
	file, err := f.OpenFile(c, name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return err
	}
	return file.Close()
}

// ReadDir lists a directory in name order.
func (f *FS) ReadDir(c Cred, name string) ([]Info, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	_, n, err := f.walk(c, name, true)
	switch {
	case err != nil:
		return nil, pathError("open", name, err)
	case !n.mode.IsDir():
		return nil, pathError("open", name, syscall.ENOTDIR)
	case !n.may(c, 4):
		return nil, pathError("open", name, syscall.EACCES)
	}
	list := make([]Info, 0, len(n.kids))
	for _, kid := range slices.Sorted(maps.Keys(n.kids)) {
		list = append(list, Info{name: kid, node: n.kids[kid]})
	}
	return list, nil
}

// Readlink returns where a symbolic link points.
func (f *FS) Readlink(c Cred, name string) (string, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	_, n, err := f.walk(c, name, false)
	if err != nil {
		return "", pathError("readlink", name, err)
	}
	if n.mode&fs.ModeSymlink == 0 {
		return "", pathError("readlink", name, syscall.EINVAL)
	}
	return n.target, nil
}

// Real returns the canonical path; only the last part may be missing.
func (f *FS) Real(c Cred, name string) (string, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	parts, _, err := f.walk(c, name, true)
	if parts == nil && err != nil {
		return "", pathError("realpath", name, err)
	}
	return "/" + strings.Join(parts, "/"), nil
}

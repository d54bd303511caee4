package vfs

import (
	"io/fs"
	"path"
	"strings"
	"syscall"
	"time"
)

// Mkdir makes one directory.
func (f *FS) Mkdir(c Cred, name string, perm fs.FileMode) error {
	return f.create("mkdir", c, name, &Node{mode: fs.ModeDir | perm.Perm(), kids: map[string]*Node{}})
}

// Symlink makes a symbolic link at name that points to target.
func (f *FS) Symlink(c Cred, target, name string) error {
	return f.create("symlink", c, name, &Node{mode: fs.ModeSymlink | 0o777, target: target})
}

// Device makes a character device; its name decides how it behaves.
func (f *FS) Device(c Cred, name string, perm fs.FileMode) error {
	return f.create("mknod", c, name, &Node{mode: fs.ModeDevice | fs.ModeCharDevice | perm.Perm()})
}

func (f *FS) create(op string, c Cred, name string, n *Node) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	parts, old, err := f.walk(c, name, false)
	if old != nil {
		return pathError(op, name, syscall.EEXIST)
	}
	if parts == nil {
		return pathError(op, name, err)
	}
	if _, err := f.parentFor(c, parts); err != nil {
		return pathError(op, name, err)
	}
	n.uid, n.gid, n.mtime = c.UID, c.GID, f.now()
	f.put(parts, n)
	return nil
}

// MkdirAll makes a directory and those above it; existing ones are fine.
func (f *FS) MkdirAll(c Cred, name string, perm fs.FileMode) error {
	parts := split(name)
	for i := range parts {
		at := "/" + strings.Join(parts[:i+1], "/")
		info, err := f.Stat(c, at, true)
		switch {
		case err == nil && info.IsDir():
			continue
		case err == nil:
			return pathError("mkdir", at, syscall.ENOTDIR)
		}
		if err := f.Mkdir(c, at, perm); err != nil {
			return err
		}
	}
	return nil
}

// Remove deletes a file, a link or an empty directory.
func (f *FS) Remove(c Cred, name string) error { return f.remove(c, name, false) }

// RemoveAll deletes a file or a whole directory; a missing one is fine.
func (f *FS) RemoveAll(c Cred, name string) error { return f.remove(c, name, true) }

func (f *FS) remove(c Cred, name string, all bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	parts, n, err := f.walk(c, name, false)
	if err == syscall.ENOENT && all {
		return nil
	}
	if err != nil {
		return pathError("remove", name, err)
	}
	dir, err := f.parentFor(c, parts)
	switch {
	case err != nil:
		return pathError("remove", name, err)
	case !mayRemove(c, dir, n):
		return pathError("remove", name, syscall.EPERM)
	case len(n.kids) > 0 && !all:
		return pathError("remove", name, syscall.ENOTEMPTY)
	case len(n.kids) > 0 && !n.may(c, 3):
		return pathError("remove", name, syscall.EACCES)
	}
	f.put(parts, nil)
	return nil
}

// Rename moves a file or directory, replacing a file or an empty directory.
func (f *FS) Rename(c Cred, from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	src, n, err := f.walk(c, from, false)
	if err != nil {
		return pathError("rename", from, err)
	}
	dst, old, err := f.walk(c, to, false)
	if dst == nil && err != nil {
		return pathError("rename", to, err)
	}
	srcDir, err := f.parentFor(c, src)
	if err != nil {
		return pathError("rename", from, err)
	}
	if _, err := f.parentFor(c, dst); err != nil {
		return pathError("rename", to, err)
	}
	a, b := strings.Join(src, "/"), strings.Join(dst, "/")
	switch {
	case a == b:
		return nil
	case strings.HasPrefix(b, a+"/"):
		return pathError("rename", to, syscall.EINVAL)
	case !mayRemove(c, srcDir, n):
		return pathError("rename", from, syscall.EPERM)
	case old != nil && old.mode.IsDir() && !n.mode.IsDir():
		return pathError("rename", to, syscall.EISDIR)
	case old != nil && len(old.kids) > 0:
		return pathError("rename", to, syscall.ENOTEMPTY)
	}
	f.put(src, nil)
	f.put(dst, n)
	return nil
}

// Chmod sets permission, set-id and sticky bits.
func (f *FS) Chmod(c Cred, name string, mode fs.FileMode) error {
	return f.amend("chmod", c, name, true, func(n *Node) error {
		if c.UID != 0 && c.UID != n.uid {
			return syscall.EPERM
		}
		const bits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
		n.mode = n.mode&^bits | mode&bits
		return nil
	})
}

// Chown sets owner and group; -1 keeps one. Only root may give files away.
func (f *FS) Chown(c Cred, name string, uid, gid int, follow bool) error {
	return f.amend("chown", c, name, follow, func(n *Node) error {
		if c.UID != 0 && (c.UID != n.uid || (uid >= 0 && uid != n.uid)) {
			return syscall.EPERM
		}
		if uid >= 0 {
			n.uid = uid
		}
		if gid >= 0 {
			n.gid = gid
		}
		return nil
	})
}

// Chtimes sets the time of the last change.
func (f *FS) Chtimes(c Cred, name string, at time.Time) error {
	return f.amend("chtimes", c, name, true, func(n *Node) error {
		if c.UID != n.uid && !n.may(c, 2) {
			return syscall.EACCES
		}
		n.mtime = at
		return nil
	})
}

func (f *FS) amend(op string, c Cred, name string, follow bool, change func(*Node) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	parts, n, err := f.walk(c, name, follow)
	if err != nil {
		return pathError(op, name, err)
	}
	next := *n
	if err := change(&next); err != nil {
		return pathError(op, name, err)
	}
	f.put(parts, &next)
	return nil
}

// Copy puts a copy of a file or of a whole tree at a path that does not exist
// or is a file; it costs one pointer, whatever the size.
func (f *FS) Copy(c Cred, from, to string, keepOwner bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, n, err := f.walk(c, from, true)
	if err != nil {
		return pathError("open", from, err)
	}
	if !n.may(c, 4) {
		return pathError("open", from, syscall.EACCES)
	}
	parts, old, err := f.walk(c, to, true)
	if parts == nil {
		return pathError("open", to, err)
	}
	next := *n
	switch {
	case old != nil && old.mode.IsDir():
		return pathError("open", to, syscall.EISDIR)
	case old != nil && !old.may(c, 2):
		return pathError("open", to, syscall.EACCES)
	case old != nil && !keepOwner:
		next.uid, next.gid, next.mode, next.mtime = old.uid, old.gid, old.mode, f.now()
	case old == nil:
		if _, err := f.parentFor(c, parts); err != nil {
			return pathError("open", to, err)
		}
		if !keepOwner {
			next = *owned(n, c, f.now())
		}
	}
	f.put(parts, &next)
	return nil
}

// owned copies a tree with a new owner and time, as cp without -p does.
func owned(n *Node, c Cred, at time.Time) *Node {
	next := *n
	next.uid, next.gid, next.mtime = c.UID, c.GID, at
	if n.kids != nil {
		next.kids = make(map[string]*Node, len(n.kids))
		for name, kid := range n.kids {
			next.kids[name] = owned(kid, c, at)
		}
	}
	return &next
}

// Walk visits a tree in name order, links not followed. visit may return
// fs.SkipDir for a directory.
func (f *FS) Walk(c Cred, name string, visit func(name string, info Info) error) error {
	info, err := f.Stat(c, name, false)
	if err != nil {
		return err
	}
	err = visit(name, info)
	if err == fs.SkipDir {
		return nil
	}
	if err != nil || !info.IsDir() {
		return err
	}
	list, err := f.ReadDir(c, name)
	if err != nil {
		return err
	}
	for _, kid := range list {
		if err := f.Walk(c, path.Join(name, kid.Name()), visit); err != nil {
			return err
		}
	}
	return nil
}

package vfs

import (
	"crypto/rand"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
)

// maxSize bounds one file: its bytes are held in memory.
const maxSize = 512 << 20

// Info describes a node; it implements fs.FileInfo and fs.DirEntry.
type Info struct {
	name string
	node *Node
}

// Name is the last part of the path.
func (i Info) Name() string { return i.name }

// Size is the length of the content, or of the target of a link.
func (i Info) Size() int64 {
	switch {
	case i.node.mode.IsDir():
		return 4096
	case i.node.mode&fs.ModeSymlink != 0:
		return int64(len(i.node.target))
	}
	return int64(len(i.node.data))
}

// Mode is type and permission.
func (i Info) Mode() fs.FileMode { return i.node.mode }

// ModTime is the time of the last change.
func (i Info) ModTime() time.Time { return i.node.mtime }

// IsDir tells a directory.
func (i Info) IsDir() bool { return i.node.mode.IsDir() }

// Type is the type part of the mode.
func (i Info) Type() fs.FileMode { return i.node.mode.Type() }

// Info makes it a directory entry.
func (i Info) Info() (fs.FileInfo, error) { return i, nil }

// UID is the owner.
func (i Info) UID() int { return i.node.uid }

// GID is the group.
func (i Info) GID() int { return i.node.gid }

// Target is where a symbolic link points.
func (i Info) Target() string { return i.node.target }

// Sys is a stat record, which the shell interpreter insists on. It carries ids
// of the host only to answer "is it mine" without asking the host's user base.
func (i Info) Sys() any {
	return &syscall.Stat_t{Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid())}
}

// File is an open file.
type File struct {
	fs    *FS
	parts []string
	flag  int
	pos   int
	last  *Node // the node this handle wrote last: only its bytes may grow in place
	mine  bool
	read  bool
	write bool
	dev   string
}

// OpenFile opens or creates a file with the flags of package os.
func (f *FS) OpenFile(c Cred, name string, flag int, perm fs.FileMode) (*File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	mode := flag & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR)
	file := &File{fs: f, flag: flag, read: mode != os.O_WRONLY, write: mode != os.O_RDONLY}
	parts, n, err := f.walk(c, name, true)
	switch {
	case n == nil && parts == nil:
		return nil, pathError("open", name, err)
	case n == nil && flag&os.O_CREATE == 0:
		return nil, pathError("open", name, syscall.ENOENT)
	case n == nil:
		if _, err := f.parentFor(c, parts); err != nil {
			return nil, pathError("open", name, err)
		}
		n = &Node{mode: perm.Perm(), uid: c.UID, gid: c.GID, mtime: f.now()}
		f.put(parts, n)
	case flag&os.O_EXCL != 0 && flag&os.O_CREATE != 0:
		return nil, pathError("open", name, syscall.EEXIST)
	case n.mode.IsDir() && file.write:
		return nil, pathError("open", name, syscall.EISDIR)
	case file.read && !n.may(c, 4), file.write && !n.may(c, 2):
		return nil, pathError("open", name, syscall.EACCES)
	}
	file.parts = parts
	if n.mode&fs.ModeDevice != 0 {
		file.dev = path.Base("/" + strings.Join(parts, "/"))
		return file, nil
	}
	if flag&os.O_TRUNC != 0 && file.write {
		next := *n
		next.data, next.mtime = nil, f.now()
		f.put(parts, &next)
	}
	return file, nil
}

// Read implements io.Reader.
func (f *File) Read(p []byte) (int, error) {
	if !f.read {
		return 0, syscall.EBADF
	}
	switch f.dev {
	case "":
	case "zero":
		clear(p)
		return len(p), nil
	case "urandom", "random":
		return rand.Read(p)
	default:
		return 0, io.EOF
	}
	f.fs.mu.RLock()
	defer f.fs.mu.RUnlock()
	n := f.fs.at(f.parts)
	if n == nil || f.pos >= len(n.data) {
		return 0, io.EOF
	}
	count := copy(p, n.data[f.pos:])
	f.pos += count
	return count, nil
}

// Write implements io.Writer. Writing to a removed file goes nowhere.
func (f *File) Write(p []byte) (int, error) {
	if !f.write {
		return 0, syscall.EBADF
	}
	if f.dev != "" {
		return len(p), nil
	}
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	n := f.fs.at(f.parts)
	if n == nil {
		return len(p), nil
	}
	next := *n
	if f.flag&os.O_APPEND != 0 {
		f.pos = len(n.data)
	}
	if f.pos+len(p) > maxSize {
		return 0, syscall.ENOSPC
	}
	next.data = f.spliced(n, p)
	f.pos += len(p)
	next.mtime = f.fs.now()
	f.fs.put(f.parts, &next)
	f.last, f.mine = &next, true
	return len(p), nil
}

// spliced is the content after writing p at the position. Bytes grow in place
// only behind what this handle wrote itself: a slice shared with a snapshot or
// another handle is copied first.
func (f *File) spliced(n *Node, p []byte) []byte {
	if f.mine && n == f.last && f.pos == len(n.data) {
		return append(n.data, p...)
	}
	size := max(len(n.data), f.pos+len(p))
	data := slices.Grow([]byte(nil), size)[:size]
	copy(data, n.data)
	copy(data[f.pos:], p)
	return data
}

// Close implements io.Closer.
func (f *File) Close() error { return nil }

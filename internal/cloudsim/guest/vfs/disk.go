package vfs

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// diskFile is the one file of a disk's folder.
const diskFile = "disk.log"

// magic opens that file; the name of the built-in base image follows it.
const magic = "guest-disk 1 "

// compactOver is the size of the log beyond which opening rewrites it when it
// holds much more than the disk itself.
const compactOver = 4 << 20

// Bases finds the tree of a built-in image by name.
type Bases func(name string) (*Node, error)

// Disk is a durable file system. With an empty folder it lives in memory only.
type Disk struct {
	*FS
	base     string
	baseTree *Node

	mu     sync.Mutex // guards the fields below: one writer of the file at a time
	dir    string
	file   *os.File
	synced *Node
}

// CreateDisk makes a new disk in dir (empty: in memory) from a built-in image.
func CreateDisk(dir, base string, bases Bases, now func() time.Time) (*Disk, error) {
	tree, err := bases(base)
	if err != nil {
		return nil, err
	}
	d := &Disk{FS: New(tree, now), base: base, baseTree: tree, dir: dir}
	if err := d.rewrite(); err != nil {
		return nil, fmt.Errorf("create disk %s: %w", dir, err)
	}
	return d, nil
}

// OpenDisk opens the disk in dir. A change whose writing was cut short by a
// crash is dropped as a whole.
func OpenDisk(dir string, bases Bases, now func() time.Time) (*Disk, error) {
	raw, err := os.ReadFile(filepath.Join(dir, diskFile))
	if err != nil {
		return nil, fmt.Errorf("open disk: %w", err)
	}
	line, _, ok := strings.Cut(string(raw[:min(len(raw), 256)]), "\n")
	if !ok || !strings.HasPrefix(line, magic) {
		return nil, fmt.Errorf("open disk %s: not a disk of a guest", dir)
	}
	base := strings.TrimPrefix(line, magic)
	tree, err := bases(base)
	if err != nil {
		return nil, fmt.Errorf("open disk %s: %w", dir, err)
	}
	d := &Disk{FS: New(tree, now), base: base, baseTree: tree, dir: dir}
	good, err := d.replay(raw, len(line)+1)
	if err != nil {
		return nil, fmt.Errorf("open disk %s: %w", dir, err)
	}
	d.synced = d.root
	if good > compactOver && good > 3*sizeOf(d.baseTree, d.root) {
		if err := d.rewrite(); err != nil {
			return nil, fmt.Errorf("compact disk %s: %w", dir, err)
		}
		return d, nil
	}
	if d.file, err = os.OpenFile(filepath.Join(dir, diskFile), os.O_RDWR, 0o600); err != nil {
		return nil, fmt.Errorf("open disk: %w", err)
	}
	if err := d.file.Truncate(int64(good)); err != nil {
		return nil, errors.Join(fmt.Errorf("open disk %s: %w", dir, err), d.file.Close())
	}
	if _, err := d.file.Seek(int64(good), io.SeekStart); err != nil {
		return nil, errors.Join(fmt.Errorf("open disk %s: %w", dir, err), d.file.Close())
	}
	return d, nil
}

// replay applies whole batches from at on and returns where the good part ends.
func (d *Disk) replay(raw []byte, at int) (int, error) {
	for len(raw)-at >= 8 {
		size := int(binary.LittleEndian.Uint32(raw[at:]))
		sum := binary.LittleEndian.Uint32(raw[at+4:])
		if size > len(raw)-at-8 {
			break
		}
		batch := raw[at+8 : at+8+size]
		if crc32.ChecksumIEEE(batch) != sum {
			break
		}
		if err := apply(d.FS, batch); err != nil {
			return 0, err
		}
		at += 8 + size
	}
	return at, nil
}

// Base is the name of the built-in image below.
func (d *Disk) Base() string { return d.base }

// Sync makes everything written so far durable.
func (d *Disk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.Tree()
	if d.file == nil || now == d.synced {
		return nil
	}
	if err := writeBatch(d.file, diff(d.synced, now)); err != nil {
		return fmt.Errorf("write disk %s: %w", d.dir, err)
	}
	if err := d.file.Sync(); err != nil {
		return fmt.Errorf("write disk %s: %w", d.dir, err)
	}
	d.synced = now
	return nil
}

// Close syncs and closes; the disk may not be written to afterwards.
func (d *Disk) Close() error {
	err := d.Sync()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file != nil {
		err = errors.Join(err, d.file.Close())
		d.file = nil
	}
	return err
}

// Clone makes an independent disk with the present content. The new one is
// durable when Clone returns.
func (d *Disk) Clone(dir string) (*Disk, error) {
	return d.CloneAt(dir, d.Tree())
}

// CloneAt is Clone of an earlier tree of this disk.
func (d *Disk) CloneAt(dir string, tree *Node) (*Disk, error) {
	c := &Disk{FS: New(tree, d.now), base: d.base, baseTree: d.baseTree, dir: dir}
	if err := c.rewrite(); err != nil {
		return nil, fmt.Errorf("clone disk to %s: %w", dir, err)
	}
	return c, nil
}

// Size is the number of bytes that differ from the built-in image.
func (d *Disk) Size() int64 { return int64(sizeOf(d.baseTree, d.Tree())) }

// rewrite stores the whole difference to the base image as one batch.
func (d *Disk) rewrite() (err error) {
	d.synced = d.Tree()
	if d.dir == "" {
		return nil
	}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return err
	}
	name := filepath.Join(d.dir, diskFile)
	file, err := os.OpenFile(name+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	if _, err := io.WriteString(file, magic+d.base+"\n"); err != nil {
		return err
	}
	if err := writeBatch(file, diff(d.baseTree, d.synced)); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return err
	}
	if err := syncDir(d.dir); err != nil {
		return err
	}
	d.file = file
	return nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func writeBatch(w io.Writer, batch []byte) error {
	if len(batch) == 0 {
		return nil
	}
	var head [8]byte
	binary.LittleEndian.PutUint32(head[:], uint32(len(batch)))
	binary.LittleEndian.PutUint32(head[4:], crc32.ChecksumIEEE(batch))
	buf := bufio.NewWriter(w)
	if _, err := buf.Write(head[:]); err != nil {
		return err
	}
	if _, err := buf.Write(batch); err != nil {
		return err
	}
	return buf.Flush()
}

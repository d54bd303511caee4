// Package faultydisk is a file system for SQLite that does to a database what
// disks and power cuts do: it fails from a chosen write on, or tells a test of
// each write so that it can end the process there. It wraps SQLite's own, and is
// real but for that.
//
// Only tests import it; it imports nothing of this project.
package faultydisk

import (
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// Fault is what a disk does at a write.
type Fault string

// The faults of disks.
const (
	Full   Fault = "full"   // nothing is written: ENOSPC
	Broken Fault = "broken" // nothing is written: EIO
	Short  Fault = "short"  // half of it is written, then ENOSPC
)

// Moment is when a test hears of a write.
type Moment string

// The moments of a durable write: many pages may be written in it, and they are
// flushed at its end.
const (
	Begins  Moment = "begins"  // nothing of it is in the file
	Flushed Moment = "flushed" // all of it is durable, and nobody knows yet
)

// Disk is one such file system.
type Disk struct {
	name  string
	tls   *libc.TLS
	vfs   uintptr
	cname uintptr
	inner *sqlite3.Tsqlite3_vfs

	mu      sync.Mutex
	writes  int   // writes, flushes and truncations so far
	failAt  int   // number of the first that fails, 0 = none does
	fault   Fault // how
	flushes int   // flushes so far
	between bool  // nothing was written since the last flush
	watch   func(Moment, int)

	open  func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32
	write func(*libc.TLS, uintptr, uintptr, int32, int64) int32
	sync  func(*libc.TLS, uintptr, int32) int32
	trunc func(*libc.TLS, uintptr, int64) int32
	orig  *sqlite3.Tsqlite3_io_methods
	meths map[uintptr]uintptr // each kind of file's methods, and a copy with ours in place
}

var diskNumber atomic.Int64 // names are global in SQLite

// pointer makes an address in SQLite's memory usable.
func pointer[T any](address uintptr) *T {
	return (*T)(*(*unsafe.Pointer)(unsafe.Pointer(&address)))
}

// entry is how SQLite's code calls a function.
func entry[F any](f *F) uintptr { return *(*uintptr)(unsafe.Pointer(f)) }

// called is the inverse of entry.
func called[F any](address uintptr) F { return *(*F)(unsafe.Pointer(&address)) }

// New registers a disk that works, under its Name; as the usual one if all
// databases of this process are to lie on it.
func New(usual bool) (*Disk, error) {
	tls := libc.NewTLS()
	d := &Disk{name: fmt.Sprintf("faulty%d", diskNumber.Add(1)), tls: tls, between: true, meths: map[uintptr]uintptr{}}
	inner := sqlite3.Xsqlite3_vfs_find(tls, 0)
	var err error
	if d.cname, err = libc.CString(d.name); err != nil {
		return nil, fmt.Errorf("register a file system: %w", err)
	}
	d.vfs = libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_vfs{})))
	d.inner = pointer[sqlite3.Tsqlite3_vfs](inner)
	d.open, d.write, d.sync, d.trunc = d.xOpen, d.xWrite, d.xSync, d.xTruncate
	ours := pointer[sqlite3.Tsqlite3_vfs](d.vfs)
	*ours = *d.inner
	ours.FpNext, ours.FzName, ours.FxOpen = 0, d.cname, entry(&d.open)
	var first int32
	if usual {
		first = 1
	}
	if rc := sqlite3.Xsqlite3_vfs_register(tls, d.vfs, first); rc != sqlite3.SQLITE_OK {
		return nil, fmt.Errorf("register a file system: code %d", rc)
	}
	return d, nil
}

// Name is what SQLite calls the disk.
func (d *Disk) Name() string { return d.name }

// Close forgets the disk, on which no database may be open any more.
func (d *Disk) Close() {
	sqlite3.Xsqlite3_vfs_unregister(d.tls, d.vfs)
	libc.Xfree(d.tls, d.vfs)
	libc.Xfree(d.tls, d.cname)
	for _, m := range d.meths {
		libc.Xfree(d.tls, m)
	}
	d.tls.Close()
}

// Fail lets write number n and all after it fail.
func (d *Disk) Fail(n int, how Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes, d.failAt, d.fault = 0, n, how
}

// Repair lets everything succeed again and returns how many writes there were.
func (d *Disk) Repair() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failAt = 0
	return d.writes
}

// Watch calls a function at each durable write, with its number from 1.
func (d *Disk) Watch(f func(m Moment, n int)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watch = f
}

// Flushes is how many durable writes there were.
func (d *Disk) Flushes() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.flushes
}

// failing counts a write and tells whether it fails.
func (d *Disk) failing() (Fault, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes++
	return d.fault, d.failAt > 0 && d.writes >= d.failAt
}

// begins notes that pages are about to be written.
func (d *Disk) begins() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.between && d.watch != nil {
		d.watch(Begins, d.flushes+1)
	}
	d.between = false
}

// flushed notes that they are durable.
func (d *Disk) flushed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flushes++
	d.between = true
	if d.watch != nil {
		d.watch(Flushed, d.flushes)
	}
}

func (d *Disk) xOpen(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32 {
	rc := called[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](d.inner.FxOpen)(tls, vfs, name, file, flags, out)
	f := pointer[sqlite3.Tsqlite3_file](file)
	if rc != sqlite3.SQLITE_OK || f.FpMethods == 0 {
		return rc
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	ours, ok := d.meths[f.FpMethods]
	if !ok {
		if d.orig == nil { // all kinds write in the same way
			d.orig = pointer[sqlite3.Tsqlite3_io_methods](f.FpMethods)
		}
		ours = libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_io_methods{})))
		m := pointer[sqlite3.Tsqlite3_io_methods](ours)
		*m = *pointer[sqlite3.Tsqlite3_io_methods](f.FpMethods)
		m.FxWrite, m.FxSync, m.FxTruncate = entry(&d.write), entry(&d.sync), entry(&d.trunc)
		d.meths[f.FpMethods] = ours
	}
	f.FpMethods = ours
	return rc
}

func (d *Disk) xWrite(tls *libc.TLS, file, text uintptr, n int32, at int64) int32 {
	d.begins()
	write := called[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](d.orig.FxWrite)
	fault, fails := d.failing()
	switch {
	case !fails:
		return write(tls, file, text, n, at)
	case fault == Broken:
		return sqlite3.SQLITE_IOERR_WRITE
	case fault == Short:
		if rc := write(tls, file, text, n/2, at); rc != sqlite3.SQLITE_OK {
			return rc
		}
	}
	return sqlite3.SQLITE_FULL
}

func (d *Disk) xSync(tls *libc.TLS, file uintptr, flags int32) int32 {
	if _, fails := d.failing(); fails {
		return sqlite3.SQLITE_IOERR_FSYNC
	}
	rc := called[func(*libc.TLS, uintptr, int32) int32](d.orig.FxSync)(tls, file, flags)
	if rc == sqlite3.SQLITE_OK {
		d.flushed()
	}
	return rc
}

func (d *Disk) xTruncate(tls *libc.TLS, file uintptr, size int64) int32 {
	if _, fails := d.failing(); fails {
		return sqlite3.SQLITE_IOERR_TRUNCATE
	}
	return called[func(*libc.TLS, uintptr, int64) int32](d.orig.FxTruncate)(tls, file, size)
}

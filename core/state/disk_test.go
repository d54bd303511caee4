package state

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// Fault is what a disk does at a write.
type Fault string

// The faults of disks.
const (
	DiskFull   Fault = "full"   // nothing is written: ENOSPC
	DiskBroken Fault = "broken" // nothing is written: EIO
	DiskShort  Fault = "short"  // half of it is written, then ENOSPC
)

// Disk is a file system for SQLite that fails from a chosen write, flush or
// truncation on until it is repaired. It wraps SQLite's own, and is real but
// for the failing.
type Disk struct {
	name  string
	inner *sqlite3.Tsqlite3_vfs

	mu     sync.Mutex
	writes int   // writes, flushes and truncations so far
	failAt int   // number of the first that fails, 0 = none does
	fault  Fault // how

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

// NewDisk registers a disk that works.
func NewDisk(t *testing.T) *Disk {
	t.Helper()
	tls := libc.NewTLS()
	d := &Disk{name: fmt.Sprintf("faulty%d", diskNumber.Add(1)), meths: map[uintptr]uintptr{}}
	usual := sqlite3.Xsqlite3_vfs_find(tls, 0)
	name, err := libc.CString(d.name)
	if err != nil {
		t.Fatal(err)
	}
	vfs := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_vfs{})))
	d.inner = pointer[sqlite3.Tsqlite3_vfs](usual)
	d.open, d.write, d.sync, d.trunc = d.xOpen, d.xWrite, d.xSync, d.xTruncate
	ours := pointer[sqlite3.Tsqlite3_vfs](vfs)
	*ours = *d.inner
	ours.FpNext, ours.FzName, ours.FxOpen = 0, name, entry(&d.open)
	if rc := sqlite3.Xsqlite3_vfs_register(tls, vfs, 0); rc != sqlite3.SQLITE_OK {
		t.Fatalf("register a file system: code %d", rc)
	}
	t.Cleanup(func() {
		sqlite3.Xsqlite3_vfs_unregister(tls, vfs)
		libc.Xfree(tls, vfs)
		libc.Xfree(tls, name)
		for _, m := range d.meths {
			libc.Xfree(tls, m)
		}
		tls.Close()
	})
	return d
}

// Use makes a state lie on the disk.
func (d *Disk) Use(o *Options) { o.vfs = d.name }

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

// failing counts a write and tells whether it fails.
func (d *Disk) failing() (Fault, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes++
	return d.fault, d.failAt > 0 && d.writes >= d.failAt
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
	write := called[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](d.orig.FxWrite)
	fault, fails := d.failing()
	switch {
	case !fails:
		return write(tls, file, text, n, at)
	case fault == DiskBroken:
		return sqlite3.SQLITE_IOERR_WRITE
	case fault == DiskShort:
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
	return called[func(*libc.TLS, uintptr, int32) int32](d.orig.FxSync)(tls, file, flags)
}

func (d *Disk) xTruncate(tls *libc.TLS, file uintptr, size int64) int32 {
	if _, fails := d.failing(); fails {
		return sqlite3.SQLITE_IOERR_TRUNCATE
	}
	return called[func(*libc.TLS, uintptr, int64) int32](d.orig.FxTruncate)(tls, file, size)
}

package vfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func fixed() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func bases(name string) (*Node, error) {
	if name != "test" {
		return nil, errors.New("no image " + name)
	}
	f := New(NewRoot(fixed()), fixed)
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	must(f.MkdirAll(Root(), "/etc", 0o755))
	must(f.MkdirAll(Root(), "/home", 0o755))
	must(f.Mkdir(Root(), "/home/u", 0o700))
	must(f.Chown(Root(), "/home/u", 1000, 1000, true))
	must(f.WriteFile(Root(), "/etc/base", []byte("base"), 0o644))
	return f.Tree(), nil
}

// listing is every path with mode and content, to compare whole trees.
func listing(t *testing.T, f *FS) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := f.Walk(Root(), "/", func(name string, info Info) error {
		got[name] = info.Mode().String() + " " + info.ModTime().UTC().Format(time.RFC3339Nano) + " " + info.Target()
		if info.Mode().IsRegular() {
			data, err := f.ReadFile(Root(), name)
			if err != nil {
				return err
			}
			got[name] += string(data)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func change(t *testing.T, steps ...error) {
	t.Helper()
	for i, err := range steps {
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
}

func TestDiskSurvivesReopen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := CreateDisk(dir, "test", bases, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	change(t,
		d.WriteFile(Root(), "/etc/new", []byte("one"), 0o600),
		d.Sync(),
		d.Symlink(Root(), "/etc/new", "/link"),
		d.Remove(Root(), "/etc/base"),
		d.MkdirAll(Root(), "/a/b/c", 0o755),
		d.Rename(Root(), "/a/b", "/a/d"),
		d.Sync(),
	)
	log, err := d.OpenFile(Root(), "/etc/new", os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := log.Write([]byte("+")); err != nil {
			t.Fatal(err)
		}
	}
	change(t, d.Sync())
	want := listing(t, d.FS)
	// No Close: a killed process leaves the file as it is.
	again, err := OpenDisk(dir, bases, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if diff := cmp.Diff(want, listing(t, again.FS)); diff != "" {
		t.Errorf("after reopening (-want +got):\n%s", diff)
	}
	change(t, d.Close())
}

func TestTornTailIsDropped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := CreateDisk(dir, "test", bases, fixed)
	if err != nil {
		t.Fatal(err)
	}
	change(t, d.WriteFile(Root(), "/one", []byte("1"), 0o644), d.Sync())
	want := listing(t, d.FS)
	change(t, d.WriteFile(Root(), "/two", []byte("2"), 0o644), d.Close())
	name := filepath.Join(dir, diskFile)
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	change(t, os.WriteFile(name, raw[:len(raw)-3], 0o600))
	again, err := OpenDisk(dir, bases, fixed)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, listing(t, again.FS)); diff != "" {
		t.Errorf("after a torn write (-want +got):\n%s", diff)
	}
	// Writing goes on behind the good part.
	change(t, again.WriteFile(Root(), "/three", []byte("3"), 0o644), again.Close())
	third, err := OpenDisk(dir, bases, fixed)
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	if _, err := third.ReadFile(Root(), "/three"); err != nil {
		t.Error(err)
	}
}

func TestCloneIsIndependent(t *testing.T) {
	t.Parallel()
	d, err := CreateDisk("", "test", bases, fixed)
	if err != nil {
		t.Fatal(err)
	}
	f, err := d.OpenFile(Root(), "/log", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	write := func(s string) {
		if _, err := f.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	c, err := d.Clone(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	write("two")
	change(t, c.WriteFile(Root(), "/only-clone", nil, 0o644))
	data, err := c.ReadFile(Root(), "/log")
	if err != nil || string(data) != "one" {
		t.Errorf("clone sees %q, %v; want one", data, err)
	}
	if _, err := d.Stat(Root(), "/only-clone", true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("original sees the clone's file: %v", err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	user := Cred{UID: 1000, GID: 1000}
	tests := map[string]struct {
		do   func(*FS) error
		want error
	}{
		"write into root's directory": {func(f *FS) error { return f.WriteFile(user, "/etc/x", nil, 0o644) }, syscall.EACCES},
		"overwrite root's file":       {func(f *FS) error { return f.WriteFile(user, "/etc/base", nil, 0o644) }, syscall.EACCES},
		"other's home":                {func(f *FS) error { _, err := f.ReadDir(Cred{UID: 2, GID: 2}, "/home/u"); return err }, syscall.EACCES},
		"own home":                    {func(f *FS) error { return f.WriteFile(user, "/home/u/x", nil, 0o644) }, nil},
		"missing directory":           {func(f *FS) error { return f.WriteFile(Root(), "/no/x", nil, 0o644) }, syscall.ENOENT},
		"file as directory":           {func(f *FS) error { _, err := f.Stat(Root(), "/etc/base/x", true); return err }, syscall.ENOTDIR},
		"full directory":              {func(f *FS) error { return f.Remove(Root(), "/etc") }, syscall.ENOTEMPTY},
		"loop of links": {func(f *FS) error {
			_ = f.Symlink(Root(), "/l", "/l")
			_, err := f.ReadFile(Root(), "/l")
			return err
		}, syscall.ELOOP},
		"dots stay inside":    {func(f *FS) error { _, err := f.ReadFile(Root(), "/../../etc/base"); return err }, nil},
		"into itself":         {func(f *FS) error { return f.Rename(Root(), "/home", "/home/u/home") }, syscall.EINVAL},
		"remove the root":     {func(f *FS) error { return f.RemoveAll(Root(), "/") }, syscall.EBUSY},
		"chown by a user":     {func(f *FS) error { return f.Chown(user, "/home/u", 0, 0, true) }, syscall.EPERM},
		"directory as a file": {func(f *FS) error { _, err := f.ReadFile(Root(), "/etc"); return err }, syscall.EISDIR},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, err := bases("test")
			if err != nil {
				t.Fatal(err)
			}
			if err := tc.do(New(root, fixed)); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestDevices(t *testing.T) {
	t.Parallel()
	f := New(NewRoot(fixed()), fixed)
	change(t, f.MkdirAll(Root(), "/dev", 0o755), f.Device(Root(), "/dev/null", 0o666), f.Device(Root(), "/dev/zero", 0o666))
	change(t, f.WriteFile(Root(), "/dev/null", []byte("gone"), 0o644))
	zero, err := f.OpenFile(Root(), "/dev/zero", os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	buf := []byte{1, 2}
	if n, err := zero.Read(buf); n != 2 || err != nil || buf[0] != 0 {
		t.Errorf("read %v %d %v", buf, n, err)
	}
}

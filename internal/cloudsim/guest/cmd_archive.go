package guest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

func archivePrograms() map[string]program {
	return map[string]program{"tar": cmdTar, "gzip": cmdGzip, "gunzip": cmdGzip, "zcat": cmdGzip}
}

// maxUnpacked bounds what a compressed file may become in memory.
const maxUnpacked = 512 << 20

func gunzip(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(r, maxUnpacked+1))
	if err != nil {
		return nil, err
	}
	if len(out) > maxUnpacked {
		return nil, errors.New("the unpacked data is too large")
	}
	return out, r.Close()
}

func cmdGzip(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	name := path.Base(p.args[0])
	unpack := name != "gzip" || o.has("d")
	list, status := p.inputs(o.args)
	for _, in := range list {
		var out []byte
		to := in.name + ".gz"
		if unpack {
			data, err := gunzip(in.data)
			if err != nil {
				return p.fail("%s: not in gzip format", in.name)
			}
			out, to = data, strings.TrimSuffix(in.name, ".gz")
		} else {
			var buf bytes.Buffer
			w := gzip.NewWriter(&buf)
			if _, err := w.Write(in.data); err != nil {
				return p.fail("%v", err)
			}
			if err := w.Close(); err != nil {
				return p.fail("%v", err)
			}
			out = buf.Bytes()
		}
		if in.name == "-" || o.has("c") || name == "zcat" {
			_, _ = p.out.Write(out)
			continue
		}
		if err := p.m.disk.WriteFile(p.s.cred, p.path(to), out, 0o644); err != nil {
			return p.fail("%s: %s", to, reason(err))
		}
		if !o.has("k") {
			if err := p.m.disk.Remove(p.s.cred, p.path(in.name)); err != nil {
				return p.fail("%s: %s", in.name, reason(err))
			}
		}
	}
	return status
}

// cmdTar knows c, x and t with -f, -C, -z, -v, --strip-components.
func cmdTar(_ context.Context, p *proc) int {
	args := append([]string(nil), p.args[1:]...)
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		args[0] = "-" + args[0]
	}
	o := parse(args, "f C file directory strip-components exclude")
	dir := p.s.dir
	if d := o.value("C", "directory"); d != "" {
		dir = p.path(d)
	}
	file := o.value("f", "file")
	switch {
	case o.has("c", "create"):
		return p.tarCreate(o, dir, file)
	case o.has("x", "t", "extract", "list"):
		return p.tarRead(o, dir, file)
	}
	p.fail("You must specify one of the '-Acdtrux', '--delete' or '--test-label' options")
	return 2
}

func (p *proc) tarCreate(o options, dir, file string) int {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, name := range o.args {
		base := absolute(dir, name)
		err := p.m.disk.Walk(p.s.cred, base, func(at string, info vfs.Info) error {
			head, err := tar.FileInfoHeader(plainInfo{info}, info.Target())
			if err != nil {
				return err
			}
			head.Name = strings.TrimPrefix(path.Join(name, strings.TrimPrefix(at, base)), "/")
			head.Uid, head.Gid = info.UID(), info.GID()
			if err := w.WriteHeader(head); err != nil || !info.Mode().IsRegular() {
				return err
			}
			data, err := p.m.disk.ReadFile(p.s.cred, at)
			if err != nil {
				return err
			}
			_, err = w.Write(data)
			return err
		})
		if err != nil {
			p.fail("%s: Cannot stat: %s", name, reason(err))
			return 2
		}
	}
	if err := w.Close(); err != nil {
		return p.fail("%v", err)
	}
	out := buf.Bytes()
	if o.has("z") || strings.HasSuffix(file, "gz") {
		var packed bytes.Buffer
		g := gzip.NewWriter(&packed)
		if _, err := g.Write(out); err != nil {
			return p.fail("%v", err)
		}
		if err := g.Close(); err != nil {
			return p.fail("%v", err)
		}
		out = packed.Bytes()
	}
	if file == "" || file == "-" {
		_, _ = p.out.Write(out)
		return 0
	}
	if err := p.m.disk.WriteFile(p.s.cred, p.path(file), out, 0o644); err != nil {
		p.fail("%s: Cannot open: %s", file, reason(err))
		return 2
	}
	return 0
}

// plainInfo hides Sys, from which tar would take ids of the host.
type plainInfo struct{ vfs.Info }

func (plainInfo) Sys() any { return nil }

func (p *proc) tarRead(o options, dir, file string) int {
	if file == "" {
		file = "-"
	}
	data, err := p.read(file)
	if err != nil {
		p.fail("%s: Cannot open: %s", file, reason(err))
		return 2
	}
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		if data, err = gunzip(data); err != nil {
			return p.fail("%v", err)
		}
	}
	strip := 0
	if s := o.value("strip-components"); s != "" {
		if _, err := fmt.Sscan(s, &strip); err != nil {
			return p.fail("invalid number of elements: %s", s)
		}
	}
	r := tar.NewReader(bytes.NewReader(data))
	for {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return 0
		}
		if err != nil {
			p.fail("This does not look like a tar archive")
			return 2
		}
		if o.has("t", "list") {
			p.printf("%s\n", head.Name)
			continue
		}
		parts := strings.Split(strings.Trim(path.Clean("/"+head.Name), "/"), "/")
		if len(parts) <= strip {
			continue
		}
		if err := p.untar(r, head, path.Join(dir, path.Join(parts[strip:]...))); err != nil {
			p.fail("%s: Cannot open: %s", head.Name, reason(err))
			return 2
		}
	}
}

func (p *proc) untar(r io.Reader, head *tar.Header, to string) error {
	if err := p.m.disk.MkdirAll(p.s.cred, path.Dir(to), 0o755); err != nil {
		return err
	}
	mode := unixMode(uint32(head.Mode))
	switch head.Typeflag {
	case tar.TypeDir:
		return p.m.disk.MkdirAll(p.s.cred, to, mode)
	case tar.TypeSymlink:
		if err := p.m.disk.Remove(p.s.cred, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return p.m.disk.Symlink(p.s.cred, head.Linkname, to)
	case tar.TypeReg:
		f, err := p.m.disk.OpenFile(p.s.cred, to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
		if err != nil {
			return err
		}
		if _, err := io.Copy(f, r); err != nil {
			return err
		}
		return p.m.disk.Chmod(p.s.cred, to, mode)
	}
	return nil
}

// newMachineID is a random /etc/machine-id.
func newMachineID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	return hex.EncodeToString(id) + "\n"
}

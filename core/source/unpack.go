package source

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

// maxTarget bounds the target of a link.
const maxTarget = 4096

// Unpack writes the content of an archive (zip or tar.gz, told by its first
// bytes) into dir, an empty folder. It refuses, with a RefusedError, what
// would lead out of the folder, is no plain file, or exceeds the limits; what
// it had written till then is left there for the caller to remove.
func Unpack(ctx context.Context, archive *os.File, dir string, limits Limits) error {
	info, err := archive.Stat()
	if err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	if info.Size() > limits.Packed {
		return refuse("", "the archive is larger than %s", size(limits.Packed))
	}
	magic := make([]byte, 4)
	if n, err := archive.ReadAt(magic, 0); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read archive: %w", err)
	} else if n < len(magic) {
		return refuse("", "the file is too short for an archive")
	}
	t, err := newTree(dir, limits, info.Size())
	if err != nil {
		return err
	}
	switch {
	case bytes.HasPrefix(magic, []byte("PK")):
		err = unpackZip(ctx, t, archive, info.Size())
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		err = unpackGzip(ctx, t, io.NewSectionReader(archive, 0, info.Size()))
	default:
		err = refuse("", "the file is neither a zip nor a tar.gz archive")
	}
	if err != nil {
		return errors.Join(damaged(err), t.root.Close())
	}
	return t.close()
}

// damaged puts what the libraries say of broken archives into words. What the
// system or the caller said stays as it is.
func damaged(err error) error {
	var refused *RefusedError
	var path *fs.PathError
	var number syscall.Errno
	switch {
	case err == nil, errors.As(err, &refused), errors.As(err, &path), errors.As(err, &number),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return refuse("", "the archive is cut off")
	case errors.Is(err, zip.ErrChecksum), errors.Is(err, gzip.ErrChecksum):
		return refuse("", "the archive is damaged: a checksum does not fit")
	}
	return refuse("", "the archive is damaged (%v)", err)
}

func unpackGzip(ctx context.Context, t *tree, r io.Reader) error {
	z, err := gzip.NewReader(bufio.NewReaderSize(r, 64<<10))
	if err != nil {
		return err
	}
	// Headers and padding count too: they are no files, but take their time.
	all := &bounded{ctx: ctx, r: z, left: t.limits.Total + t.limits.Slack, what: "it holds more than " + size(t.limits.Total)}
	if t.allowed >= 0 && t.allowed+t.limits.Slack < all.left {
		all.left = t.allowed + t.limits.Slack
		all.what = fmt.Sprintf("its content is more than %d times as large as the archive", t.limits.Ratio)
	}
	if err := unpackTar(t, all); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, all) // the checksum comes last
	return err
}

func unpackTar(t *tree, r io.Reader) error {
	for entries := tar.NewReader(r); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := t.tarEntry(h, entries); err != nil {
			return err
		}
	}
}

func (t *tree) tarEntry(h *tar.Header, content io.Reader) error {
	switch h.Typeflag {
	case tar.TypeReg:
		if h.Size > t.limits.File {
			return refuse(h.Name, "it is larger than %s", size(t.limits.File))
		}
		return t.file(h.Name, fs.FileMode(h.Mode&0o777), content)
	case tar.TypeDir:
		return t.folder(h.Name)
	case tar.TypeSymlink:
		return t.link(h.Name, path.Dir(strings.TrimPrefix(h.Name, "./")), h.Linkname)
	case tar.TypeLink:
		return t.link(h.Name, "", h.Linkname)
	case tar.TypeXGlobalHeader: // git archive writes the commit here
		return nil
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		return refuse(h.Name, "it is a device or a pipe")
	}
	return refuse(h.Name, "it is of the unknown type %q", h.Typeflag)
}

func unpackZip(ctx context.Context, t *tree, r io.ReaderAt, length int64) error {
	directory := &frugal{r: r, left: t.limits.Directory, limit: t.limits.Directory}
	z, err := zip.NewReader(directory, length)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are checked below
		return err
	}
	directory.left = -1
	if len(z.File) > t.limits.Entries {
		return refuse("", "it holds more than %d files and folders", t.limits.Entries)
	}
	for _, f := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := t.zipEntry(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) zipEntry(ctx context.Context, f *zip.File) error {
	mode := f.Mode()
	switch {
	case f.Flags&1 != 0:
		return refuse(f.Name, "it is encrypted")
	case f.UncompressedSize64 > uint64(t.limits.File):
		return refuse(f.Name, "it is larger than %s", size(t.limits.File))
	case mode.IsDir() && f.UncompressedSize64 > 0:
		return refuse(f.Name, "it is a folder with content")
	case mode.IsDir():
		return t.folder(f.Name)
	case !mode.IsRegular() && mode.Type() != fs.ModeSymlink:
		return refuse(f.Name, "it is a device or a pipe")
	}
	r, err := f.Open()
	if err != nil {
		if errors.Is(err, zip.ErrAlgorithm) {
			return refuse(f.Name, "it is compressed in a way that is not known here")
		}
		return err
	}
	defer func() { _ = r.Close() }() // only read from
	if mode.Type() == fs.ModeSymlink {
		target, err := io.ReadAll(io.LimitReader(r, maxTarget+1))
		if err != nil {
			return err
		}
		if len(target) > maxTarget {
			return refuse(f.Name, "it is a link with a target longer than %d bytes", maxTarget)
		}
		return t.link(f.Name, path.Dir(strings.TrimPrefix(f.Name, "./")), string(target))
	}
	return t.file(f.Name, mode, &bounded{ctx: ctx, r: r, left: t.limits.File + 1, what: "a file is larger than " + size(t.limits.File)})
}

// frugal reads until its budget is used up; a negative budget has no end.
type frugal struct {
	r           io.ReaderAt
	left, limit int64
}

func (f *frugal) ReadAt(p []byte, at int64) (int, error) {
	n, err := f.r.ReadAt(p, at)
	if f.left >= 0 {
		if f.left -= int64(n); f.left < 0 {
			return 0, refuse("", "its list of entries is larger than %s", size(f.limit))
		}
	}
	return n, err
}

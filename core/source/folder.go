package source

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/dirhash"
)

// leftOut are the names in a folder of the user's that are no content of it.
func leftOut(name string) bool { return name == ".git" || name == ".moldctl" || name == ".DS_Store" }

// Hash returns the hash of a folder's files and their names, as go.sum has it:
// "h1:" and base64. Everything in it must be a regular file or a folder.
func Hash(dir string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", fmt.Errorf("hash folder: %w", err)
	}
	defer func() { _ = root.Close() }() // only read from
	var names []string
	err = fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if !e.Type().IsRegular() {
			return fmt.Errorf("%s is no regular file", name)
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("hash folder: %w", err)
	}
	hash, err := dirhash.Hash1(names, func(name string) (io.ReadCloser, error) { return root.Open(filepath.FromSlash(name)) })
	if err != nil {
		return "", fmt.Errorf("hash folder: %w", err)
	}
	return hash, nil
}

// copyFolder writes a folder of the user's into a tree, under the same rules
// as an archive.
func copyFolder(ctx context.Context, t *tree, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("read folder: %w", err)
	}
	defer func() { _ = root.Close() }() // only read from
	return fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case leftOut(e.Name()) && e.IsDir():
			return fs.SkipDir
		case leftOut(e.Name()):
			return nil
		case e.IsDir():
			return t.folder(name)
		case e.Type() == fs.ModeSymlink:
			target, err := root.Readlink(filepath.FromSlash(name))
			if err != nil {
				return err
			}
			return t.link(name, path.Dir(name), filepath.ToSlash(target))
		}
		f, err := root.Open(filepath.FromSlash(name))
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // only read from
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return refuse(name, "it is no regular file")
		}
		return t.file(name, info.Mode(), f)
	})
}

// Pack writes a folder as a tar.gz archive: the same bytes for the same
// content, whoever packs it and when.
func Pack(ctx context.Context, dir string, w io.Writer) error {
	return copied(ctx, dir, func(copy string, t *tree) error { return writeArchive(copy, t, w) })
}

// HashFolder is the hash that a folder of the user's has once it is fetched.
func HashFolder(ctx context.Context, dir string) (hash string, err error) {
	err = copied(ctx, dir, func(copy string, _ *tree) error {
		hash, err = Hash(copy)
		return err
	})
	return hash, err
}

// copied hands a copy of a folder on, made under the rules of archives.
func copied(ctx context.Context, dir string, use func(copy string, t *tree) error) error {
	scratch, err := os.MkdirTemp("", "moldctl-pack-")
	if err != nil {
		return fmt.Errorf("pack %s: %w", dir, err)
	}
	defer func() { _ = os.RemoveAll(scratch) }() // temporary
	t, err := newTree(scratch, DefaultLimits(), 0)
	if err != nil {
		return err
	}
	if err := copyFolder(ctx, t, dir); err != nil {
		return errors.Join(fmt.Errorf("pack %s: %w", dir, err), t.root.Close())
	}
	if err := t.close(); err != nil {
		return fmt.Errorf("pack %s: %w", dir, err)
	}
	if err := use(scratch, t); err != nil {
		return fmt.Errorf("pack %s: %w", dir, err)
	}
	return nil
}

func writeArchive(dir string, t *tree, w io.Writer) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(z)
	var names []string
	for name := range t.files {
		names = append(names, name)
	}
	slices.SortFunc(names, strings.Compare)
	for _, name := range names {
		if err := packFile(archive, dir, name, t.files[name]); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), z.Close())
}

func packFile(archive *tar.Writer, dir, name string, program bool) error {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read from
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: info.Size(), Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
	if program {
		h.Mode = 0o755
	}
	if err := archive.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.Copy(archive, f)
	return err
}

package source

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/moldctl/moldctl/core/spec"
)

// Options set up a Store.
type Options struct {
	Folder   string       // of the stack, where the lock file lies; absolute
	Cache    string       // where fetched content lies, shared by all stacks
	Platform string       // "" is this one
	Limits   Limits       // the zero value is DefaultLimits
	Client   *http.Client // nil is a usual one
	Logins   string       // path of docker's config.json, "" for none
}

// Store is the cache of fetched content and the lock file of one stack.
type Store struct {
	Lock   *Lock
	opts   Options
	client *http.Client
}

// Platform is what this program runs on, as plugins and lock files name it.
func Platform() string { return runtime.GOOS + "_" + runtime.GOARCH }

// Open reads the lock file of a stack. The cache is made when it is first
// written to. The Store is never nil: with an error nothing is locked in it.
func Open(o Options) (*Store, error) {
	if o.Platform == "" {
		o.Platform = Platform()
	}
	if o.Limits == (Limits{}) {
		o.Limits = DefaultLimits()
	}
	s := &Store{Lock: newLock(o.Folder), opts: o, client: careful(o.Client)}
	lock, err := ReadLock(o.Folder)
	if err != nil {
		return s, err
	}
	s.Lock = lock
	return s, nil
}

// Folder is where the lock file lies.
func (s *Store) Folder() string { return s.opts.Folder }

// Platform is the platform that the store fetches for.
func (s *Store) Platform() string { return s.opts.Platform }

// Package is content that lies in the cache.
type Package struct {
	Source   Source
	Dir      string // what the source names: its folder inside, if it has one
	Root     string // all that was fetched
	Hash     string // of all that was fetched
	Version  string // that of the tag it was taken from; "" if there is none
	Ref      string // the tag, if a constraint chose it
	Revision string // commit or digest
	Platform string // AnyPlatform unless it is for one platform only
}

// Errors of content that should lie in the cache.
var (
	ErrAbsent  = errors.New("its content is not in the cache of this machine")
	ErrChanged = errors.New("its content in the cache of this machine was changed")
)

// place is where content with a hash lies.
func (s *Store) place(hash string) (string, error) {
	sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(hash, "h1:"))
	if err != nil || !hashForm.MatchString(hash) {
		return "", fmt.Errorf("%q is no hash", hash)
	}
	return filepath.Join(s.opts.Cache, hex.EncodeToString(sum)), nil
}

// Cached returns the folder with the content of a hash, after it was compared
// with the hash.
func (s *Store) Cached(hash string) (string, error) {
	if s.opts.Cache == "" {
		return "", ErrAbsent
	}
	dir, err := s.place(hash)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return "", ErrAbsent
	}
	got, err := Hash(dir)
	if err != nil {
		return "", fmt.Errorf("%w (%w)", ErrChanged, err)
	}
	if got != hash {
		return "", fmt.Errorf("%w: %s", ErrChanged, dir)
	}
	return dir, nil
}

// Fetch brings what a source names into the cache. Without a tag of its own,
// the newest version that the constraint allows is taken. src must have been
// made absolute with In.
func (s *Store) Fetch(ctx context.Context, src Source, allowed spec.Constraint) (Package, error) {
	p := Package{Source: src, Platform: AnyPlatform}
	from := src.on(s.opts.Platform)
	if src.PerPlatform() {
		p.Platform = s.opts.Platform
	}
	if src.Ref == "" && allowed.String() != "" && (src.Kind == Git || src.Kind == OCI) {
		tag, err := s.newest(ctx, src, allowed)
		if err != nil {
			return p, err
		}
		from.Ref, p.Ref = tag, tag
	}
	p.Version = versionOf(from.Ref)
	if err := os.MkdirAll(s.opts.Cache, 0o755); err != nil {
		return p, fmt.Errorf("make the cache: %w", err)
	}
	sweep(s.opts.Cache, time.Now().Add(-abandoned))
	scratch, err := os.MkdirTemp(s.opts.Cache, "fetch-")
	if err != nil {
		return p, fmt.Errorf("make a folder in the cache: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }() // what is left there is of no use
	if err := s.bring(ctx, from, scratch, &p); err != nil {
		return p, err
	}
	if err := s.keep(filepath.Join(scratch, "content"), &p); err != nil {
		return p, err
	}
	p.Dir, err = Inside(p.Root, src)
	return p, err
}

// abandoned is the age at which the folder of a fetch belongs to nobody: a run
// that was killed leaves it behind.
const abandoned = 24 * time.Hour

// sweep removes what killed runs left in the cache. What cannot be removed is
// tried again next time.
func sweep(cache string, before time.Time) {
	left, err := filepath.Glob(filepath.Join(cache, "fetch-*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		if info, err := os.Stat(dir); err == nil && info.ModTime().Before(before) {
			_ = os.RemoveAll(dir)
		}
	}
}

// FetchLocked brings what an entry of the lock file names, and nothing else.
func (s *Store) FetchLocked(ctx context.Context, src Source, e Entry) (Package, error) {
	if e.Ref != "" {
		src.Ref = e.Ref
	}
	want, ok := e.Hash(s.opts.Platform)
	p, err := s.Fetch(ctx, src, spec.Constraint{})
	if err != nil {
		return p, err
	}
	if ok && p.Hash != want {
		return p, fmt.Errorf("%s: what is there now has the hash %s, and the lock file has %s: it was changed under its name%s. If the change is wanted, lock it anew",
			src, p.Hash, want, moved(e, p))
	}
	return p, nil
}

func moved(e Entry, p Package) string {
	if e.Revision == "" || e.Revision == p.Revision {
		return ""
	}
	return fmt.Sprintf(" (%s before, %s now)", e.Revision, p.Revision)
}

// bring writes the content of a source into a new folder of scratch.
func (s *Store) bring(ctx context.Context, from Source, scratch string, p *Package) error {
	content := filepath.Join(scratch, "content")
	if err := os.Mkdir(content, 0o755); err != nil {
		return fmt.Errorf("make a folder in the cache: %w", err)
	}
	switch from.Kind {
	case Folder, Git:
		t, err := newTree(content, s.opts.Limits, 0)
		if err != nil {
			return err
		}
		if from.Kind == Git {
			p.Revision, err = fetchGit(ctx, from, scratch, t)
		} else {
			err = copyFolder(ctx, t, from.Location)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", from, err), t.root.Close())
		}
		if err := t.close(); err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		return nil
	}
	archive, err := s.archive(ctx, from, scratch, p)
	if err != nil {
		return err
	}
	defer func() { _ = archive.Close() }() // only read from here on
	if err := Unpack(ctx, archive, content, s.opts.Limits); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return nil
}

// archive opens the archive of a source, fetched if it is not on this machine.
func (s *Store) archive(ctx context.Context, from Source, scratch string, p *Package) (*os.File, error) {
	if from.isPath() {
		f, err := os.Open(from.Location)
		if err != nil {
			return nil, fmt.Errorf("open archive: %w", err)
		}
		if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
			return nil, errors.Join(fmt.Errorf("open archive: %s is no regular file", from.Location), err, f.Close())
		}
		return f, nil
	}
	f, err := os.Create(filepath.Join(scratch, "archive"))
	if err != nil {
		return nil, fmt.Errorf("write archive: %w", err)
	}
	if from.Kind == OCI {
		r := &registry{client: s.client, source: from, logins: logins{s.opts.Logins}}
		var got pulled
		if got, err = r.pull(ctx, s.opts.Platform, s.opts.Limits, f); got.perPlatform {
			p.Platform = s.opts.Platform
		}
		p.Revision = got.digest
	} else {
		err = download(ctx, s.client, from, s.opts.Limits, f)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// keep moves new content to its place in the cache.
func (s *Store) keep(content string, p *Package) error {
	hash, err := Hash(content)
	if err != nil {
		return err
	}
	p.Hash = hash
	if p.Root, err = s.place(hash); err != nil {
		return err
	}
	if _, err := s.Cached(hash); err == nil {
		return nil
	} else if !errors.Is(err, ErrAbsent) {
		if err := os.RemoveAll(p.Root); err != nil {
			return fmt.Errorf("replace changed content of the cache: %w", err)
		}
	}
	if err := os.Rename(content, p.Root); err != nil {
		// Another run may have been quicker: its content is as good as ours.
		if _, cachedErr := s.Cached(hash); cachedErr != nil {
			return fmt.Errorf("keep in the cache: %w", err)
		}
	}
	return nil
}

// Inside finds the folder that a source names in what was fetched. An archive
// that holds nothing but one folder stands for that folder.
func Inside(root string, src Source) (string, error) {
	dir := filepath.Join(root, filepath.FromSlash(src.Sub))
	if only := onlyFolder(root); only != "" && (src.Kind == Archive || src.Kind == OCI) && (src.Sub == "" || !isFolder(dir)) {
		dir = filepath.Join(only, filepath.FromSlash(src.Sub))
	}
	if !isFolder(dir) {
		return "", fmt.Errorf("%s: there is no folder %q in it", src, src.Sub)
	}
	return dir, nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// onlyFolder is the folder that is all of root, "" if there is more or less.
func onlyFolder(root string) string {
	entries, err := os.ReadDir(root)
	if err != nil || len(entries) != 1 || !entries[0].IsDir() {
		return ""
	}
	return filepath.Join(root, entries[0].Name())
}

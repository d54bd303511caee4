package source

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/moldctl/moldctl/core/spec"
)

// Modules finds modules for spec.Load: what the lock file names and the cache
// holds, and with Fetching also what must be brought first.
type Modules struct {
	store *Store
	ctx   context.Context // nil: nothing is fetched
	// upgrade looks for newer versions, and takes what changed under its name.
	upgrade bool
	Used    map[string]Entry // by source: what the stack uses
	// Told receives a line for each module that is fetched; may be nil.
	Told func(string)
}

// Locked returns the modules that are locked, for every command but init.
func (s *Store) Locked() *Modules { return &Modules{store: s, Used: map[string]Entry{}} }

// Fetching returns modules that are fetched and locked when they are asked
// for. The lock file is not written. With upgrade locked ones are fetched anew.
func (s *Store) Fetching(ctx context.Context, upgrade bool) *Modules {
	return &Modules{store: s, ctx: ctx, upgrade: upgrade, Used: map[string]Entry{}}
}

// Find implements spec.Modules.
func (m *Modules) Find(q spec.ModuleQuery) (spec.ModulePlace, error) {
	src, err := Parse(q.Source)
	if err != nil {
		return spec.ModulePlace{}, fmt.Errorf("the source cannot be read: %w", err)
	}
	switch {
	case src.Kind == Folder:
		return spec.ModulePlace{}, fmt.Errorf("a folder is named relative to the file, beginning with ./ or ../: %q", "./"+src.Text)
	case src.PerPlatform():
		return spec.ModulePlace{}, fmt.Errorf("%s: a module is the same on every platform", src)
	case q.Confined && src.OnDisk():
		return spec.ModulePlace{}, fmt.Errorf("%s: a module from elsewhere names no archive or repository of this machine", src)
	}
	src = src.In(q.Dir, m.store.opts.Folder)
	entry, err := m.entry(src, q.Requires)
	if err != nil {
		return spec.ModulePlace{}, err
	}
	m.Used[src.Text] = entry
	hash, _ := entry.Hash(m.store.opts.Platform)
	root, err := m.store.Cached(hash)
	if err != nil {
		return spec.ModulePlace{}, unusable(src, err)
	}
	dir, err := Inside(root, src)
	return spec.ModulePlace{Name: src.Text, Dir: dir, Root: root, Version: entry.Version}, err
}

func unusable(src Source, err error) error {
	if errors.Is(err, ErrAbsent) {
		return fmt.Errorf("%s is locked, but %w; moldctl init fetches it", src, err)
	}
	return fmt.Errorf("%s: %w, and is refused; moldctl init fetches it again", src, err)
}

// entry finds or makes the entry of the lock file.
func (m *Modules) entry(src Source, allowed spec.Constraint) (Entry, error) {
	if e, ok := m.Used[src.Text]; ok {
		return e, nil // one source is one version in a stack
	}
	e, locked := m.store.Lock.Modules[src.Text]
	switch {
	case !locked && m.ctx == nil:
		return e, fmt.Errorf("the module %s is not in %s; moldctl init fetches and locks it", src, LockFile)
	case m.ctx == nil:
		return e, nil
	case locked && !m.upgrade:
		return e, m.restore(src, e)
	}
	m.tell("Fetching %s", src)
	p, err := m.store.Fetch(m.ctx, src, allowed)
	if err != nil {
		return e, err
	}
	e = p.Entry(src.Text)
	m.store.Lock.Modules[src.Text] = e
	return e, nil
}

// restore brings a locked module into the cache if it is not there unchanged.
func (m *Modules) restore(src Source, e Entry) error {
	hash, ok := e.Hash(m.store.opts.Platform)
	if !ok {
		return fmt.Errorf("%s: the lock file has no hash for %s", src, m.store.opts.Platform)
	}
	if _, err := m.store.Cached(hash); err == nil {
		return nil
	}
	m.tell("Fetching %s", src)
	_, err := m.store.FetchLocked(m.ctx, src, e)
	return err
}

func (m *Modules) tell(format string, args ...any) {
	if m.Told != nil {
		m.Told(fmt.Sprintf(format, args...))
	}
}

// Entry makes the lock file's entry of a package.
func (p Package) Entry(name string) Entry {
	return Entry{
		Name: name, Source: p.Source.Text, Version: p.Version, Ref: p.Ref, Revision: p.Revision, Hashes: map[string]string{p.Platform: p.Hash},
	}
}

// Settle writes what the stack uses to the lock, and drops what it does not
// use any more. versions says which versions modules turned out to be.
func (m *Modules) Settle(versions map[string]string) {
	maps.DeleteFunc(m.store.Lock.Modules, func(name string, _ Entry) bool { _, used := m.Used[name]; return !used })
	for _, name := range slices.Sorted(maps.Keys(m.Used)) {
		e := m.Used[name]
		if e.Version == "" {
			e.Version = versions[name]
		}
		m.store.Lock.Modules[name] = e
	}
}

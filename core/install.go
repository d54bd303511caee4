package core

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/moldctl/moldctl/core/installed"
	"github.com/moldctl/moldctl/core/source"
	"github.com/moldctl/moldctl/core/spec"
)

// InstallPlugin brings a plugin here and locks it for the stack at s.Path,
// whose `requires` is heard. A path starts from base; allowed may be empty.
func InstallPlugin(ctx context.Context, s Settings, text, base string, allowed spec.Constraint) (installed.Plugin, source.Entry, error) {
	store, err := s.SourceStore()
	if err != nil {
		return installed.Plugin{}, source.Entry{}, err
	}
	if base, err = filepath.Abs(base); err != nil {
		return installed.Plugin{}, source.Entry{}, fmt.Errorf("find %s: %w", base, err)
	}
	var bundled []string
	for _, p := range s.Plugins {
		bundled = append(bundled, p.Name)
	}
	p, e, err := installed.Install(ctx, store, text, base, allowed, bundled)
	if err != nil {
		return p, e, err
	}
	// There may be no stack yet, or one that needs this very plugin to be read.
	stack, _ := spec.Load(s.Path, spec.Options{})
	if r, ok := stack.Requires[e.Name]; ok {
		if fits, err := r.Constraint.Allows(e.Version); err != nil || !fits {
			return p, e, fmt.Errorf("version %s of the plugin %s does not fit the stack, which requires %s (%s, line %d); nothing was changed",
				e.Version, e.Name, r.Constraint, r.Range.Filename, r.Range.Start.Line)
		}
	}
	return p, e, store.Lock.Write()
}

// RemovePlugin takes a plugin out of the lock file of the stack at s.Path. The
// cache keeps its content: other stacks may use it.
func RemovePlugin(s Settings, name string) (source.Entry, error) {
	store, err := s.SourceStore()
	if err != nil {
		return source.Entry{}, err
	}
	e, ok := store.Lock.Plugins[name]
	if !ok {
		return e, fmt.Errorf("no plugin %q is installed for this stack; moldctl plugin list shows which are", name)
	}
	delete(store.Lock.Plugins, name)
	return e, store.Lock.Write()
}

// InstalledPlugin is a plugin of a stack's lock file.
type InstalledPlugin struct {
	source.Entry
	Plugin  installed.Plugin // its Spec is nil if there is a problem
	Problem error            // why it is refused
}

// InstalledPlugins lists the plugins that are locked for the stack at s.Path.
func InstalledPlugins(s Settings) ([]InstalledPlugin, error) {
	store, err := s.SourceStore()
	if err != nil {
		return nil, err
	}
	var list []InstalledPlugin
	for _, name := range slices.Sorted(maps.Keys(store.Lock.Plugins)) {
		e := store.Lock.Plugins[name]
		p, err := installed.Find(store, e)
		if err != nil {
			p.Spec = nil
		}
		list = append(list, InstalledPlugin{Entry: e, Plugin: p, Problem: err})
	}
	return list, nil
}

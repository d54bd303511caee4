package installed

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/core/source"
	"github.com/moldctl/moldctl/core/spec"
)

// Install brings a plugin here and puts it into the lock file's content, which
// the caller writes. base is the folder that a path starts from; reserved are
// the names of the bundled plugins.
func Install(ctx context.Context, store *source.Store, text, base string, allowed spec.Constraint, reserved []string) (Plugin, source.Entry, error) {
	src, err := source.Parse(text)
	if err != nil {
		return Plugin{}, source.Entry{}, err
	}
	src = src.In(base, store.Folder())
	fetched, err := store.Fetch(ctx, src, allowed)
	if err != nil {
		return Plugin{}, source.Entry{}, err
	}
	p, err := Read(fetched.Dir, store.Platform())
	if err != nil {
		return p, source.Entry{}, fmt.Errorf("%s: %w", src, err)
	}
	if slices.Contains(reserved, p.Spec.Name) {
		return p, source.Entry{}, fmt.Errorf("%s: a plugin %q is bundled already; another one needs another name", src, p.Spec.Name)
	}
	if allowed.String() != "" {
		if ok, err := allowed.Allows(p.Spec.Version); err != nil || !ok {
			return p, source.Entry{}, fmt.Errorf("%s: it is version %s of %s, and %s is wanted", src, p.Spec.Version, p.Spec.Name, allowed)
		}
	}
	e := fetched.Entry(p.Spec.Name)
	e.Version, e.Needs, e.Sub = p.Spec.Version, Needs(p.Spec), src.Sub
	// Hashes of other platforms stay as long as they are of the same thing.
	if old, ok := store.Lock.Plugins[e.Name]; ok && old.Source == e.Source && old.Version == e.Version && old.Revision == e.Revision {
		for platform, hash := range old.Hashes {
			if _, fresh := e.Hashes[platform]; !fresh && platform != source.AnyPlatform {
				e.Hashes[platform] = hash
			}
		}
	}
	store.Lock.Plugins[e.Name] = e
	return p, e, nil
}

// Restore brings the plugins of the lock file here that are not here yet, or
// were changed here.
func Restore(ctx context.Context, store *source.Store, told func(string)) error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(store.Lock.Plugins)) {
		e := store.Lock.Plugins[name]
		hash, ok := e.Hash(store.Platform())
		if !ok {
			problems = append(problems, noPlatform(name, e, store.Platform()))
			continue
		}
		if _, err := store.Cached(hash); err == nil {
			continue
		}
		src, err := sourceOf(store, e)
		if err == nil {
			told(fmt.Sprintf("Fetching plugin %s from %s", name, src))
			_, err = store.FetchLocked(ctx, src, e)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("plugin %s: %w", name, err))
		}
	}
	return errors.Join(problems...)
}

func sourceOf(store *source.Store, e source.Entry) (source.Source, error) {
	src, err := source.Parse(e.Source)
	if err != nil {
		return src, err
	}
	src = src.In(store.Folder(), store.Folder())
	src.Sub = e.Sub
	return src, nil
}

func noPlatform(name string, e source.Entry, platform string) error {
	return fmt.Errorf("plugin %s: the lock file has no hash for %s; moldctl plugin install %s adds it", name, platform, e.Source)
}

// Load compares the plugins of the lock file with their hashes and says how the
// host serves them. serve is the command line with which moldctl serves a
// plugin without a program.
func Load(store *source.Store, serve []string) ([]pluginhost.Source, hcl.Diagnostics) {
	var list []pluginhost.Source
	var diags hcl.Diagnostics
	for _, name := range slices.Sorted(maps.Keys(store.Lock.Plugins)) {
		s, err := load(store, store.Lock.Plugins[name], serve)
		if err != nil {
			diags = append(diags, diag.FromError("Plugin cannot be used", err)...)
			continue
		}
		list = append(list, s)
	}
	return list, diags
}

func load(store *source.Store, e source.Entry, serve []string) (pluginhost.Source, error) {
	p, err := Find(store, e)
	if err != nil {
		return pluginhost.Source{}, err
	}
	return p.source(serve)
}

// Find reads a plugin of the lock file, after its folder was compared with its
// hash.
func Find(store *source.Store, e source.Entry) (Plugin, error) {
	hash, ok := e.Hash(store.Platform())
	if !ok {
		return Plugin{}, noPlatform(e.Name, e, store.Platform())
	}
	root, err := store.Cached(hash)
	switch {
	case errors.Is(err, source.ErrAbsent):
		return Plugin{}, fmt.Errorf("plugin %s is locked, but %w; moldctl init fetches it", e.Name, err)
	case err != nil:
		return Plugin{}, fmt.Errorf("plugin %s: %w, and is refused; moldctl init fetches it again", e.Name, err)
	}
	src, err := sourceOf(store, e)
	if err != nil {
		return Plugin{}, fmt.Errorf("plugin %s: %w", e.Name, err)
	}
	dir, err := source.Inside(root, src)
	if err != nil {
		return Plugin{}, fmt.Errorf("plugin %s: %w", e.Name, err)
	}
	p, err := Read(dir, store.Platform())
	if err != nil {
		return p, fmt.Errorf("plugin %s: %w", e.Name, err)
	}
	// The lock file is read by people: what it says of a plugin must be so.
	if p.Spec.Name != e.Name || p.Spec.Version != e.Version || !slices.Equal(Needs(p.Spec), e.Needs) {
		return p, fmt.Errorf("plugin %s: the lock file says version %s, needs %v, and the plugin is %s, version %s, needs %v; install it anew with moldctl plugin install %s",
			e.Name, e.Version, e.Needs, p.Spec.Name, p.Spec.Version, Needs(p.Spec), src)
	}
	return p, nil
}

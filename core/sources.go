package core

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/installed"
	"github.com/moldctl/moldctl/core/source"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// SourceStore opens the lock file of a stack, and the cache with what it names.
func (s Settings) SourceStore() (*source.Store, error) {
	folder := s.Path
	if info, err := os.Stat(s.Path); err != nil || !info.IsDir() {
		folder = filepath.Dir(s.Path)
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, fmt.Errorf("find the folder of the stack: %w", err)
	}
	logins := ""
	if s.Home != "" {
		logins = filepath.Join(s.Home, ".docker", "config.json")
	}
	if s.Getenv != nil {
		if dir, ok := s.Getenv("DOCKER_CONFIG"); ok && dir != "" {
			logins = filepath.Join(dir, "config.json")
		}
	}
	return source.Open(source.Options{Folder: folder, Cache: s.Cache, Platform: s.Platform, Logins: logins})
}

// sources is SourceStore with diagnostics; the store is never nil.
func (s Settings) sources() (*source.Store, hcl.Diagnostics) {
	store, err := s.SourceStore()
	if err != nil {
		if store == nil {
			store, _ = source.Open(source.Options{Folder: string(filepath.Separator)}) // nothing is locked there
		}
		return store, diag.FromError("Lock file cannot be used", err)
	}
	return store, nil
}

// required compares the versions of plugins with what the stack and its
// modules want.
func required(stack *spec.Stack, plugins []*pluginspec.Plugin) hcl.Diagnostics {
	versions := map[string]string{}
	for _, p := range plugins {
		versions[p.Name] = p.Version
	}
	var diags hcl.Diagnostics
	seen := map[*spec.Stack]bool{}
	var visit func(*spec.Stack)
	visit = func(s *spec.Stack) {
		if s == nil || seen[s] {
			return
		}
		seen[s] = true
		for _, name := range slices.Sorted(maps.Keys(s.Requires)) {
			if d := unmet(name, s.Requires[name], versions); d != nil {
				diags = append(diags, d)
			}
		}
		for _, m := range s.Modules {
			visit(m.Stack)
		}
	}
	visit(stack)
	return diags
}

func unmet(name string, r spec.Requirement, versions map[string]string) *hcl.Diagnostic {
	if name == "moldctl" {
		return nil // compared when the stack was read
	}
	have, ok := versions[name]
	if !ok {
		return diag.Errorf(&r.Range, "Plugin is not installed",
			"The plugin %q is neither bundled nor installed for this stack.%s moldctl plugin install SOURCE installs it.",
			name, diag.DidYouMean(name, slices.Collect(maps.Keys(versions))))
	}
	if fits, err := r.Constraint.Allows(have); err != nil || !fits {
		return diag.Errorf(&r.Range, "Unsupported version",
			"Version %s of the plugin %q is wanted, and %s is there. Install one that fits with moldctl plugin install, or change the requirement.", r.Constraint, name, have)
	}
	return nil
}

// Init fetches what a stack takes from elsewhere, modules and plugins, and
// locks it. What is locked already is fetched as it was; with upgrade modules
// are looked for anew. told receives a line for each thing that is fetched.
// The stack is never nil.
func Init(ctx context.Context, s Settings, upgrade bool, told func(string)) (*spec.Stack, hcl.Diagnostics) {
	store, diags := s.sources()
	if diags.HasErrors() {
		stack, more := spec.Load(s.Path, spec.Options{Version: s.Version})
		return stack, append(diags, more...)
	}
	modules := store.Fetching(ctx, upgrade)
	modules.Told = told
	stack, diags := spec.Load(s.Path, spec.Options{Version: s.Version, Modules: modules})
	if diags.HasErrors() {
		return stack, diags
	}
	modules.Settle(versionsOf(stack, map[string]string{}))
	if err := installed.Restore(ctx, store, told); err != nil {
		return stack, append(diags, diag.FromError("Plugin cannot be fetched", err)...)
	}
	if err := store.Lock.Write(); err != nil {
		return stack, append(diags, diag.FromError("Lock file cannot be written", err)...)
	}
	return stack, diags
}

// versionsOf collects the versions of modules from elsewhere by their source.
func versionsOf(stack *spec.Stack, into map[string]string) map[string]string {
	for _, m := range stack.Modules {
		if m.Package != "" {
			into[m.Package] = m.Version
		}
		if m.Stack != nil {
			versionsOf(m.Stack, into)
		}
	}
	return into
}

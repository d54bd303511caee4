// Package installed is about plugins that are not bundled: their folders, the
// entries of the lock file that pin them, and how the host is to serve them. A
// plugin is used only if its folder has the hash that the lock file says.
//
// It imports core/source and core/pluginhost, and starts nothing.
package installed

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// File is the name of the file that is a plugin.
const File = "plugin.yaml"

// maxSpec bounds a plugin.yaml.
const maxSpec = 8 << 20

// Plugin is a plugin in a folder.
type Plugin struct {
	Spec    *pluginspec.Plugin
	Text    []byte // of plugin.yaml
	Dir     string
	Program string // what serves it; "" if moldctl does
}

// Read reads the plugin in a folder, for a platform.
func Read(dir, platform string) (Plugin, error) {
	p := Plugin{Dir: dir}
	name := filepath.Join(dir, File)
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return p, fmt.Errorf("there is no %s in it, so it is no plugin", File)
	}
	if err != nil {
		return p, fmt.Errorf("read plugin: %w", err)
	}
	defer func() { _ = f.Close() }() // only read from
	if p.Text, err = io.ReadAll(io.LimitReader(f, maxSpec+1)); err != nil {
		return p, fmt.Errorf("read plugin: %w", err)
	}
	if len(p.Text) > maxSpec {
		return p, fmt.Errorf("its %s is larger than %d MiB", File, maxSpec>>20)
	}
	spec, diags := pluginspec.Parse(File, p.Text)
	if diags.HasErrors() {
		return p, diags
	}
	p.Spec = spec
	if err := checkNames(spec); err != nil {
		return p, err
	}
	return p, p.findProgram(platform)
}

// Prefix is what the names of a plugin's types and steps begin with, so that
// plugins of different authors never meet.
func Prefix(plugin string) string { return strings.ReplaceAll(plugin, "-", "_") + "_" }

func checkNames(spec *pluginspec.Plugin) error {
	names := slices.Concat(slices.Collect(maps.Keys(spec.Types)), slices.Collect(maps.Keys(spec.Steps)))
	slices.Sort(names)
	for _, name := range names {
		if !strings.HasPrefix(name, Prefix(spec.Name)) {
			return fmt.Errorf("the type %q of the plugin %q must begin with %q: only bundled plugins have plain names", name, spec.Name, Prefix(spec.Name))
		}
	}
	return nil
}

// findProgram looks for the program of a plugin: bin/OS_ARCH/NAME, or bin/NAME
// for one that runs everywhere.
func (p *Plugin) findProgram(platform string) error {
	name := p.Spec.Name
	for _, file := range []string{filepath.Join(platform, name), filepath.Join(platform, name+".exe"), name} {
		path := filepath.Join(p.Dir, "bin", file)
		info, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return fmt.Errorf("find the plugin's program: %w", err)
		case !info.Mode().IsRegular():
			continue // bin/NAME may be a folder
		case info.Mode()&0o111 == 0 && filepath.Ext(path) != ".exe":
			return fmt.Errorf("its program bin/%s may not be executed: chmod +x it and pack the plugin anew", filepath.ToSlash(file))
		}
		p.Program = path
		return nil
	}
	if verb := handler(p.Spec); verb != "" {
		return fmt.Errorf("%s is served by code, and there is no program for %s: it belongs at bin/%s/%s", verb, platform, platform, name)
	}
	return nil
}

// handler names something in a plugin that code must serve, "" if nothing does.
func handler(spec *pluginspec.Plugin) string {
	for _, kind := range slices.Sorted(maps.Keys(spec.Steps)) {
		return "the step " + kind
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Types)) {
		t := spec.Types[name]
		for verb, v := range map[string]*pluginspec.Verb{"create": t.Create, "read": t.Read, "update": t.Update, "delete": t.Delete, "prune": t.Prune} {
			if v != nil && v.Handler {
				return "the verb " + verb + " of " + name
			}
		}
		if t.Plan || t.Check || t.Upgrade || t.Find != nil && t.Find.Handler {
			return "a part of " + name
		}
	}
	return ""
}

// Needs says what a plugin is given: "cloud" means the credentials of clouds.
func Needs(spec *pluginspec.Plugin) []string {
	needs := slices.Clone(spec.Needs)
	if spec.Transport == "cloudstack" && !slices.Contains(needs, "cloud") {
		needs = append(needs, "cloud")
	}
	slices.Sort(needs)
	return needs
}

// source says how the host serves the plugin: by its own program, which is
// compared with its digest when it is run, or by moldctl, which compares the
// plugin.yaml that it reads.
func (p Plugin) source(serve []string) (pluginhost.Source, error) {
	s := pluginhost.Source{Name: p.Spec.Name, Spec: p.Text}
	if p.Program == "" {
		sum := sha256.Sum256(p.Text)
		s.Command = append(slices.Clone(serve), "--sha256", hex.EncodeToString(sum[:]), p.Dir)
		return s, nil
	}
	f, err := os.Open(p.Program)
	if err != nil {
		return s, fmt.Errorf("read the plugin's program: %w", err)
	}
	defer func() { _ = f.Close() }() // only read from
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return s, fmt.Errorf("read the plugin's program: %w", err)
	}
	s.Command, s.SHA256 = []string{p.Program}, hex.EncodeToString(sum.Sum(nil))
	return s, nil
}

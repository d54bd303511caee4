package archtest

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

const (
	maxFileLines = 600
	maxFuncLines = 80
	maxDepth     = 9 // the conformance kit runs whole engines, and the command line runs the kit
)

func packages(t *testing.T) []*pkg {
	t.Helper()
	pkgs, err := load("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(pkgs) < 5 {
		t.Fatalf("only %d packages found", len(pkgs))
	}
	return pkgs
}

// TestImports checks who may import whom.
func TestImports(t *testing.T) {
	t.Parallel()
	// Packages in `from` may not import those in `to`, unless they are in `except`.
	rules := map[string]struct {
		from, except, to []string
		reason           string
	}{
		"core and plugins apart":    {[]string{"core"}, nil, []string{"plugins"}, "the core knows plugins only by their protocol"},
		"plugins and core apart":    {[]string{"plugins"}, nil, []string{"core"}, "bundled plugins get no privilege"},
		"sdk stands alone":          {[]string{"sdk"}, []string{"sdk/cloudtest"}, []string{"core", "plugins", "internal", "cmd"}, "third parties import it"},
		"cloudsim stands alone":     {[]string{"internal/cloudsim"}, nil, []string{"core", "plugins", "sdk", "cmd", "internal/conformance"}, "a double that knows our client proves nothing"},
		"cloudsim is not built in":  {[]string{"core", "plugins", "sdk"}, []string{"sdk/cloudtest"}, []string{"internal/cloudsim"}, "the embedded cloud is reached like any other, over HTTP"},
		"cloudtest is for tests":    {[]string{"core", "plugins", "sdk", "cmd", "internal"}, nil, []string{"sdk/cloudtest"}, "it brings a whole cloud along"},
		"cloudtest is thin":         {[]string{"sdk/cloudtest"}, nil, []string{"core", "plugins", "sdk", "cmd"}, "it shows internal/cloudsim to tests, and nothing else"},
		"disks fail in tests only":  {[]string{"core", "plugins", "sdk", "cmd", "internal"}, nil, []string{"internal/faultydisk"}, "it reaches into SQLite"},
		"graph is generic":          {[]string{"core/graph"}, nil, []string{"core", "sdk", "plugins", "internal", "cmd"}, "it knows nothing of stacks"},
		"diag is the lowest layer":  {[]string{"core/diag"}, nil, []string{"core", "sdk", "plugins", "internal", "cmd"}, "every phase uses it"},
		"spec needs no later phase": {[]string{"core/spec"}, nil, []string{"core/eval", "core/plan", "core/apply", "core/state", "core/pluginhost", "sdk"}, "loading needs no plugin and no cloud"},
		"eval needs no later phase": {[]string{"core/eval"}, nil, []string{"core/plan", "core/apply", "core/state", "core/pluginhost"}, "evaluation is pure"},
		"sources are only brought":  {[]string{"core/source"}, nil, []string{"core/eval", "core/plan", "core/apply", "core/state", "core/pluginhost", "core/installed", "sdk"}, "what it brings is read by others"},
		"drafts are text":           {[]string{"internal/draft"}, nil, []string{"core", "plugins", "sdk/pluginspec", "internal/cloudsim"}, "they are made from the API table alone"},
		"nobody imports a command":  {[]string{"core", "sdk", "plugins", "internal"}, nil, []string{"cmd"}, "commands are thin"},
	}
	pkgs := packages(t)
	for name, rule := range rules {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, p := range pkgs {
				if !inAny(p.path, rule.from) || inAny(p.path, rule.except) {
					continue
				}
				for _, imported := range p.imports {
					if target, ok := ours(imported); ok && target != p.path && inAny(target, rule.to) {
						t.Errorf("%s imports %s: %s", p.path, target, rule.reason)
					}
				}
			}
		})
	}
}

// TestForeignImports checks where the libraries that must stay in one place are used.
func TestForeignImports(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		library string
		only    []string
	}{
		"go-plugin":     {"github.com/hashicorp/go-plugin", []string{"core/pluginhost", "sdk", "sdk/wire"}},
		"cloudstack-go": {"github.com/apache/cloudstack-go", []string{"sdk/cloudstack", "plugins"}},
	}
	pkgs := packages(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, p := range pkgs {
				for _, imported := range p.imports {
					if within(imported, tt.library) && !allowedPlace(p.path, tt.only) {
						t.Errorf("%s imports %s, which only %s may", p.path, imported, strings.Join(tt.only, ", "))
					}
				}
			}
		})
	}
}

// TestDepth bounds the longest chain of our packages that import each other.
func TestDepth(t *testing.T) {
	t.Parallel()
	byPath := map[string]*pkg{}
	pkgs := packages(t)
	for _, p := range pkgs {
		byPath[p.path] = p
	}
	chains := map[string][]string{}
	var chain func(path string) []string
	chain = func(path string) []string {
		if c, ok := chains[path]; ok {
			return c
		}
		var longest []string
		for _, imported := range byPath[path].imports {
			if target, ok := ours(imported); ok && byPath[target] != nil {
				if c := chain(target); len(c) > len(longest) {
					longest = c
				}
			}
		}
		chains[path] = append([]string{path}, longest...)
		return chains[path]
	}
	for _, p := range pkgs {
		if c := chain(p.path); len(c) > maxDepth {
			t.Errorf("a chain of %d packages, at most %d are allowed: %s", len(c), maxDepth, strings.Join(c, " → "))
		}
	}
}

// TestSize bounds files and functions. Generated files are exempt.
func TestSize(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, f := range p.files {
			if f.generated {
				continue
			}
			if f.lines > maxFileLines {
				t.Errorf("%s has %d lines, at most %d are allowed: split it by subject", f.name, f.lines, maxFileLines)
			}
			for _, fn := range f.funcs {
				if fn.lines > maxFuncLines && !f.test {
					t.Errorf("%s: %s has %d lines, at most %d are allowed: name its parts", f.name, fn.name, fn.lines, maxFuncLines)
				}
			}
		}
	}
}

// TestPackages checks that each package says what it is for and has a telling name.
func TestPackages(t *testing.T) {
	t.Parallel()
	vague := []string{"util", "utils", "common", "types", "manager", "helpers", "misc", "base"}
	for _, p := range packages(t) {
		if p.name == "" {
			continue // only tests
		}
		if slices.Contains(vague, p.name) {
			t.Errorf("%s: %q is no name for a package: say what it holds", p.path, p.name)
		}
		if !strings.HasPrefix(p.doc, "Package "+p.name+" ") && !strings.HasPrefix(p.doc, "Command ") && p.name != "main" {
			t.Errorf("%s has no comment that starts with \"Package %s\"", p.path, p.name)
		}
		if p.doc == "" {
			t.Errorf("%s has no package comment", p.path)
		}
	}
}

// TestNoInit forbids init functions and unfinished notes.
func TestNoInit(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, f := range p.files {
			if f.generated {
				continue
			}
			for _, fn := range f.funcs {
				if fn.name == "init" {
					t.Errorf("%s has an init function: tables are literals, wiring is explicit", f.name)
				}
			}
			if note := unfinished(f.tree); note != "" {
				t.Errorf("%s has an unfinished note: %s", f.name, note)
			}
		}
	}
}

func unfinished(tree *ast.File) string {
	for _, group := range tree.Comments {
		for _, c := range group.List {
			for _, word := range []string{"TO" + "DO", "FIX" + "ME", "X" + "XX"} {
				if strings.Contains(c.Text, word) {
					return c.Text
				}
			}
		}
	}
	return ""
}

func inAny(path string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return within(path, d) })
}

// allowedPlace is like inAny, except that "sdk" means that package alone.
func allowedPlace(path string, places []string) bool {
	return slices.ContainsFunc(places, func(place string) bool {
		return path == place || place != "sdk" && within(path, place)
	})
}

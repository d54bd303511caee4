package spec_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/core/spec"
)

// elsewhere finds modules in folders of a test, by source.
type elsewhere struct {
	root    string
	version string
	asked   []spec.ModuleQuery
}

func (e *elsewhere) Find(q spec.ModuleQuery) (spec.ModulePlace, error) {
	e.asked = append(e.asked, q)
	name, ok := strings.CutPrefix(q.Source, "oci://r.example/")
	if !ok {
		return spec.ModulePlace{}, errors.New("it is nowhere")
	}
	return spec.ModulePlace{Name: q.Source, Dir: filepath.Join(e.root, name), Root: filepath.Join(e.root, name), Version: e.version}, nil
}

func writeAll(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestModulesFromElsewhere(t *testing.T) {
	t.Parallel()
	dir := writeAll(t, map[string]string{
		"stack/main.hcl": `
module "a" {
  source  = "oci://r.example/a"
  version = "~> 1.0"
  allow   = ["env", "local"]
}
module "b" {
  source = "oci://r.example/a"
}
module "own" {
  source = "./own"
}
`,
		"stack/own/own.hcl":   "locals {\n  x = 1\n}\n",
		"far/a/a.hcl":         "stack \"a\" {\n  version = \"1.2.0\"\n}\nmodule \"inner\" {\n  source = \"./inner\"\n}\nmodule \"other\" {\n  source = \"oci://r.example/b\"\n  allow = [\"env\"]\n}\n",
		"far/a/inner/in.yaml": "locals: {x: 1}\n",
		"far/b/b.hcl":         "locals {\n  x = 1\n}\n",
	})
	found := &elsewhere{root: filepath.Join(dir, "far")}
	stack, diags := spec.Load(filepath.Join(dir, "stack"), spec.Options{Modules: found})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	far := func(name string) *spec.Confinement { return &spec.Confinement{Root: filepath.Join(dir, "far", name)} }
	allowed := far("a")
	allowed.Env, allowed.Local = true, true
	allowedB := far("b")
	allowedB.Env = true
	a, b, own := stack.Modules[0], stack.Modules[1], stack.Modules[2]
	got := map[string]*spec.Confinement{
		"stack": stack.Confined, "own": own.Stack.Confined, "a": a.Stack.Confined, "a.inner": a.Stack.Modules[0].Stack.Confined, "a.other": a.Stack.Modules[1].Stack.Confined,
		"b": b.Stack.Confined, "b.other": b.Stack.Modules[1].Stack.Confined,
	}
	want := map[string]*spec.Confinement{
		"stack": nil, "own": nil, "a": allowed, "a.inner": allowed, "a.other": allowedB, "b": far("a"), "b.other": far("b"), // what a caller may not, it cannot allow
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("confinement (-want +got):\n%s", diff)
	}
	if a.Version != "1.2.0" || a.Package != "oci://r.example/a" || own.Package != "" {
		t.Errorf("version %q, package %q; own package %q", a.Version, a.Package, own.Package)
	}
	for _, q := range found.asked {
		if want := q.Source == "oci://r.example/b"; q.Confined != want {
			t.Errorf("%s is asked for with Confined = %t", q.Source, q.Confined)
		}
	}
}

func TestModulesFromElsewhereRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ block, module, version, want string }{
		"not found":          {block: `source = "git::https://g.example/r"`, want: "It is nowhere."},
		"version of it":      {block: "source = \"oci://r.example/a\"\nversion = \">= 2\"", module: "stack \"a\" {\n  version = \"1.0\"\n}", want: "Version >= 2 of the module \"m\" is wanted, and 1.0 is locked."},
		"version of its tag": {block: "source = \"oci://r.example/a\"\nversion = \">= 2\"", module: "stack \"a\" {\n  version = \"3.0\"\n}", version: "1.5.0", want: "and 1.5.0 is locked"},
		"no version":         {block: "source = \"oci://r.example/a\"\nversion = \">= 2\"", module: "locals {\n  x = 1\n}", want: "neither its source nor its stack block says"},
		"bad constraint":     {block: "source = \"oci://r.example/a\"\nversion = \"about 2\"", module: "locals {\n  x = 1\n}", want: "Invalid version constraint"},
		"unknown permission": {block: "source = \"oci://r.example/a\"\nallow = [\"files\"]", module: "locals {\n  x = 1\n}", want: `"files" is none`},
		"no list":            {block: "source = \"oci://r.example/a\"\nallow = \"env\"", module: "locals {\n  x = 1\n}", want: `"allow" takes a list`},
		"allow of a folder":  {block: "source = \"./own\"\nallow = [\"env\"]", want: `Remove "allow"`},
		"version of folder":  {block: "source = \"./own\"\nversion = \"1\"", want: `Remove "version"`},
		"out of its folder":  {block: `source = "oci://r.example/a"`, module: "module \"x\" {\n  source = \"../b\"\n}", want: "is not part of what was fetched with it"},
		"local step":         {block: `source = "oci://r.example/a"`, module: "pipeline \"p\" {\n  step \"local\" \"run\" {\n  }\n}", want: `allow = ["local"]`},
		"cloud block":        {block: `source = "oci://r.example/a"`, module: "cloud {\n}", want: "A module has no cloud blocks"},
		"a variable allow":   {block: `source = "oci://r.example/a"`, module: "variable \"allow\" {\n}", want: "Reserved name"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := writeAll(t, map[string]string{
				"stack/main.hcl": "module \"m\" {\n" + tt.block + "\n}\n", "stack/own/own.hcl": "locals {\n  x = 1\n}\n", "far/a/a.hcl": tt.module, "far/b/b.hcl": "",
			})
			_, diags := spec.Load(filepath.Join(dir, "stack"), spec.Options{Modules: &elsewhere{root: filepath.Join(dir, "far"), version: tt.version}})
			var said []string
			for _, d := range diags {
				said = append(said, d.Summary+": "+d.Detail)
				if d.Subject == nil {
					t.Errorf("%q has no place", d.Summary)
				}
			}
			if !strings.Contains(strings.Join(said, "\n"), tt.want) {
				t.Errorf("diagnostics %q, want %q", said, tt.want)
			}
		})
	}
}

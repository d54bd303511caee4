package apply_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/core/apply"
)

const partText = `
variable "name" {
  type = string
  validation {
    condition     = length(var.name) < 8
    error_message = "The name ${var.name} is too long."
  }
}
variable "on" {
  default = null
}
variable "token" {
  default   = ""
  sensitive = true
}
locals {
  full = "${var.name}-in"
}
resource "thing" "base" {
  name  = local.full
  on    = var.on
  token = var.token
}
resource "thing" "top" {
  name = "${var.name}-top"
  on   = thing.base.id
}
output "id" {
  value = thing.top.id
}
output "label" {
  value = var.name
}
check "c" {
  assert {
    condition     = thing.base.name != "bad-in"
    error_message = "The part is bad."
  }
}
`

// inFolder writes a part beside the stack.
func (w *world) inFolder(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name, "part.hcl")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func TestModule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inFolder("part", partText)
	text := `
resource "thing" "first" {
  name = "first"
}
module "m" {
  source = "./part"
  name   = "m"
  on     = thing.first.id
  token  = "hunter2"
}
resource "thing" "last" {
  name = module.m.label
  on   = module.m.id
}
output "id" {
  value = module.m.id
}
`
	if diff := cmp.Diff(apply.Summary{Created: 4}, w.must(text)); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	want := []string{"create thing.first", "create module.m.thing.base", "create module.m.thing.top", "create thing.last"}
	if diff := cmp.Diff(want, w.cloud.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"first=1", "m-in=1", "m-top=1", "m=1"}, w.things()); diff != "" {
		t.Errorf("things (-want +got):\n%s", diff)
	}
	if got := w.steps(text); len(got) != 0 {
		t.Errorf("the next plan is not empty: %v", got)
	}
	if diff := cmp.Diff([]string{"update module.m.thing.base: name changed", "update module.m.thing.top: name changed", "update thing.last: name changed"},
		w.steps(strings.Replace(text, `= "m"`, `= "n"`, 1))); diff != "" {
		t.Errorf("steps of a changed input (-want +got):\n%s", diff)
	}
	w.must("locals {}\n")
	gone := []string{"delete thing.last", "delete module.m.thing.top", "delete module.m.thing.base", "delete thing.first"}
	if diff := cmp.Diff(gone, w.cloud.Calls()[4:]); diff != "" {
		t.Errorf("calls once the module is gone (-want +got):\n%s", diff)
	}
}

func TestModuleInstances(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason string
		text   string
		want   []string
	}{
		"for_each": {
			"keys name the instances",
			"variable \"all\" {\n  default = [\"x\", \"y\"]\n}\nmodule \"m\" {\n  source = \"./part\"\n  for_each = toset(var.all)\n  name = each.key\n}\noutput \"l\" {\n  value = [for k, p in module.m : p.label]\n}\n",
			[]string{`create module.m["x"].thing.base`, `create module.m["x"].thing.top`, `create module.m["y"].thing.base`, `create module.m["y"].thing.top`},
		},
		"count": {
			"numbers name the instances",
			"module \"m\" {\n  source = \"./part\"\n  count = 1\n  name = \"m${count.index}\"\n}\noutput \"l\" {\n  value = module.m[0].label\n}\n",
			[]string{"create module.m[0].thing.base", "create module.m[0].thing.top"},
		},
		"none":    {"no instance, no objects", "module \"m\" {\n  source = \"./part\"\n  count = 0\n  name = \"m\"\n}\noutput \"n\" {\n  value = length(module.m)\n}\n", nil},
		"nested":  {"a module in a module", "module \"out\" {\n  source = \"./outer\"\n  name = \"o\"\n}\noutput \"n\" {\n  value = module.out.inner\n}\n", []string{"create module.out.module.in.thing.base", "create module.out.module.in.thing.top"}},
		"waiting": {"depends_on reaches every block inside", "resource \"thing\" \"z\" {\n  name = \"z\"\n}\nmodule \"m\" {\n  source = \"./part\"\n  name = \"m\"\n  depends_on = [thing.z]\n}\nresource \"thing\" \"a\" {\n  name = \"a\"\n  depends_on = [module.m]\n}\n", []string{"create thing.z", "create module.m.thing.base", "create module.m.thing.top", "create thing.a"}},
		"crosswise": {
			"outputs of one module may feed what feeds another of its inputs",
			"module \"m\" {\n  source = \"./part\"\n  name = \"m\"\n  on = thing.a.id\n}\nresource \"thing\" \"a\" {\n  name = module.m.label\n}\n",
			[]string{"create thing.a", "create module.m.thing.base", "create module.m.thing.top"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.inFolder("part", partText)
			w.inFolder("outer", "variable \"name\" {}\nmodule \"in\" {\n  source = \"../part\"\n  name = \"${var.name}i\"\n}\noutput \"inner\" {\n  value = module.in.id\n}\n")
			got := w.steps(tc.text)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s: steps (-want +got):\n%s", tc.reason, diff)
			}
			w.must(tc.text)
			if got := w.steps(tc.text); len(got) != 0 {
				t.Errorf("%s: the next plan is not empty: %v", tc.reason, got)
			}
			w.must(tc.text, destroy)
			if got := w.things(); len(got) != 0 {
				t.Errorf("%s: left: %v", tc.reason, got)
			}
		})
	}
}

func TestModuleRefusals(t *testing.T) {
	t.Parallel()
	part := func(body string) string { return "module \"m\" {\n  source = \"./part\"\n" + body + "\n}\n" }
	tests := map[string]struct{ reason, text, want string }{
		"validation":        {"inputs are checked by the part's own words", part(`name = "much-too-long"`), "The name much-too-long is too long."},
		"unknown output":    {"with near names", part(`name = "m"`) + "output \"o\" {\n  value = module.m.lable\n}\n", `Did you mean "label"?`},
		"unknown module":    {"with near names", part(`name = "m"`) + "output \"o\" {\n  value = module.mm.label\n}\n", `Did you mean "m"?`},
		"no index":          {"which one", part("name = \"m\"\ncount = 2") + "output \"o\" {\n  value = module.m.label\n}\n", "has several instances"},
		"circle":            {"an input that rests on the output it makes", part(`name = module.m.label`), "leads back to itself"},
		"circle of blocks":  {"through the module", part("name = \"m\"\non = thing.a.id") + "resource \"thing\" \"a\" {\n  name = module.m.id\n}\n", "Blocks need each other"},
		"late instances":    {"known before anything is planned", part("name = \"m\"\ncount = length(thing.a.id)") + "resource \"thing\" \"a\" {\n  name = \"a\"\n}\n", "cannot rest on thing.a"},
		"sensitive":         {"a part's secret stays one", part("name = \"m\"\ntoken = \"hunter2\"") + "output \"o\" {\n  value = module.m.secret\n}\n", "shows a sensitive value"},
		"wrong type":        {"an input of another type", part(`name = ["a"]`), "string"},
		"reference outside": {"a part sees its own names only", "module \"b\" {\n  source = \"./bad\"\n}\nresource \"thing\" \"a\" {\n  name = \"a\"\n}\n", "thing.a"},
		"file outside":      {"files are looked for beside the part", "module \"f\" {\n  source = \"./file\"\n}\n", "there is no file x.txt"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.inFolder("part", partText+"output \"secret\" {\n  value = var.token\n  sensitive = true\n}\n")
			w.inFolder("bad", "output \"o\" {\n  value = thing.a.id\n}\n")
			w.inFolder("file", "output \"o\" {\n  value = file(\"x.txt\")\n}\n")
			if err := os.WriteFile(filepath.Join(w.dir, "x.txt"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			_, diags := w.apply(tc.text)
			if said := render(diags); !diags.HasErrors() || !strings.Contains(said, tc.want) {
				t.Errorf("%s: %q is not said:\n%s", tc.reason, tc.want, said)
			}
			if got := w.cloud.Calls(); len(got) > 0 {
				t.Errorf("%s: the cloud was changed: %v", tc.reason, got)
			}
		})
	}
}

// TestModuleRefactor moves a block into a module, renames the module, and lets
// it go, without a change of the objects.
func TestModuleRefactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inFolder("part", partText)
	w.must(block("b", `name = "m-in"`) + block("t", "name = \"m-top\"\non = thing.b.id"))
	m := "module \"m\" {\n  source = \"./part\"\n  name = \"m\"\n}\n"
	w.must(m + moveTo("thing.b", "module.m.thing.base") + moveTo("thing.t", "module.m.thing.top"))
	renamed := strings.Replace(m, `"m" {`, `"n" {`, 1)
	w.must(renamed + moveTo("module.m", "module.n"))
	keyed := strings.Replace(renamed, "  name = \"m\"", "  for_each = toset([\"m\"])\n  name = each.key", 1)
	w.must(keyed + moveTo("module.n", `module.n["m"]`))
	if diff := cmp.Diff([]string{`module.n["m"].thing.base=id-1`, `module.n["m"].thing.top=id-2`}, w.addresses()); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	// A part may rename its own blocks, whoever uses it.
	w.inFolder("part", strings.ReplaceAll(partText, "\"thing\" \"base\"", "\"thing\" \"root\"")+"moved {\n  from = thing.base\n  to = thing.root\n}\n")
	if _, diags := w.apply(keyed); !strings.Contains(render(diags), "thing.base") {
		t.Error("references to the old name are not reported")
	}
	w.inFolder("part", strings.ReplaceAll(strings.ReplaceAll(partText, "\"thing\" \"base\"", "\"thing\" \"root\""), "thing.base", "thing.root")+"moved {\n  from = thing.base\n  to = thing.root\n}\n")
	w.must(keyed)
	if diff := cmp.Diff([]string{`module.n["m"].thing.root=id-1`, `module.n["m"].thing.top=id-2`}, w.addresses()); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	w.must("removed {\n  from = module.n\n  destroy = false\n}\n")
	if got := w.addresses(); len(got) != 0 {
		t.Errorf("the state holds %v", got)
	}
	if diff := cmp.Diff([]string{"create thing.b", "create thing.t"}, w.cloud.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestModuleChecks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inFolder("part", partText)
	sum, diags := w.apply("module \"m\" {\n  source = \"./part\"\n  name = \"bad\"\n}\n")
	if sum.FailedChecks != 1 || !strings.Contains(render(diags), "The part is bad.") {
		t.Errorf("%+v, said:\n%s", sum, render(diags))
	}
}

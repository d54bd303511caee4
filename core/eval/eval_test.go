package eval_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
)

// world is a loaded stack with values for its parts.
type world struct {
	t         testing.TB
	stack     *spec.Stack
	variables map[string]cty.Value
	resources map[addr.Resource]cty.Value
	scope     eval.Scope
}

func (w *world) Variable(n string) (cty.Value, bool) { v, ok := w.variables[n]; return v, ok }
func (w *world) Resource(a addr.Resource) (cty.Value, bool) {
	v, ok := w.resources[a]
	return v, ok
}
func (w *world) Module(n string) (cty.Value, bool) {
	return cty.ObjectVal(map[string]cty.Value{"out": cty.StringVal("module " + n)}), true
}
func (w *world) ModuleOutput(n, o string) (cty.Value, bool) { return cty.StringVal(n + " " + o), true }
func (w *world) Pipeline(n string) (cty.Value, bool)        { return cty.StringVal("pipeline " + n), true }
func (w *world) Local(n string) (cty.Value, bool) {
	v, diags := w.scope.Value(w.stack.Locals[n].Expr, cty.DynamicPseudoType)
	if diags.HasErrors() {
		w.t.Errorf("local.%s: %s", n, diags)
	}
	return v, true
}

var networkType = cty.Object(map[string]cty.Type{"id": cty.String, "name": cty.String, "cidr": cty.String})

// load makes a world of the text of a stack.
func load(t testing.TB, text string) *world {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "s.hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	stack, diags := spec.Load(filepath.Join(dir, "s.hcl"), spec.Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	w := &world{t: t, stack: stack, resources: map[addr.Resource]cty.Value{}}
	functions := eval.Functions(dir, nil)
	w.variables, diags = eval.Variables(stack, nil, functions)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	types := map[string]cty.Type{"network": networkType, "image": cty.DynamicPseudoType}
	w.scope = eval.Scope{
		Names:  eval.NewNames(stack, types, map[string]cty.Type{"zone": networkType}),
		Lookup: w, Functions: functions,
	}
	return w
}

func (w *world) output(name string) (cty.Value, hcl.Diagnostics) {
	return w.scope.Value(w.stack.Outputs[name].Value, cty.DynamicPseudoType)
}

func (w *world) text(diags hcl.Diagnostics) string {
	w.t.Helper()
	var b strings.Builder
	if err := (diag.Printer{Files: w.stack.Files}).Print(&b, diags); err != nil {
		w.t.Fatal(err)
	}
	return b.String()
}

func network(id string) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal(id), "name": cty.StringVal("n"), "cidr": cty.UnknownVal(cty.String)})
}

const stackText = `
stack "shop" {
  version = "1.2.3"
}
variable "size" {
  default = 2
}
variable "secret" {
  default   = "hunter2"
  sensitive = true
}
locals {
  twice = var.size * 2
  more  = local.twice + 1
}
resource "network" "one" {
}
resource "network" "many" {
  count = 2
}
resource "network" "each" {
  for_each = toset(["a"])
}
data "zone" "z" {
}
pipeline "p" {
  step "shell" "x" {
  }
}
`

func TestValue(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		expr string
		want cty.Value
	}{
		"variable":            {"var.size", cty.NumberIntVal(2)},
		"local of local":      {"local.more", cty.NumberIntVal(5)},
		"resource":            {"network.one.id", cty.StringVal("id-1")},
		"counted":             {"network.many[1].id", cty.StringVal("m1")},
		"counted by variable": {"network.many[var.size - 1].id", cty.StringVal("m1")},
		"splat":               {"network.many[*].id", cty.TupleVal([]cty.Value{cty.StringVal("m0"), cty.StringVal("m1")})},
		"keyed":               {`network.each["a"].id`, cty.StringVal("ea")},
		"all keyed":           {"[for k, n in network.each : n.id]", cty.TupleVal([]cty.Value{cty.StringVal("ea")})},
		"data":                {"data.zone.z.name", cty.StringVal("n")},
		"unknown stays":       {"network.one.cidr", cty.UnknownVal(cty.String)},
		"pipeline":            {"pipeline.p", cty.StringVal("pipeline p")},
		"path and stack":      {`"${path.stack}/${stack.name}-${stack.version}"`, cty.StringVal("./shop-1.2.3")},
		"sensitive travels":   {`"x-${var.secret}"`, cty.StringVal("x-hunter2").Mark(eval.Sensitive)},
		"several at once":     {`join(",", [network.one.id, network.many[0].id, data.zone.z.id])`, cty.StringVal("id-1,m0,z")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := load(t, stackText+"output \"o\" {\n value = "+tt.expr+"\n}\n")
			w.resources = map[addr.Resource]cty.Value{
				{Type: "network", Name: "one"}: network("id-1"),
				{Type: "network", Name: "many"}: eval.Compose(w.stack.Resource(addr.Resource{Type: "network", Name: "many"}),
					map[addr.Key]cty.Value{addr.IntKey(0): network("m0"), addr.IntKey(1): network("m1")}),
				{Type: "network", Name: "each"}: eval.Compose(w.stack.Resource(addr.Resource{Type: "network", Name: "each"}),
					map[addr.Key]cty.Value{addr.StringKey("a"): network("ea")}),
				{Mode: addr.Data, Type: "zone", Name: "z"}: network("z"),
			}
			got, diags := w.output("o")
			if diags.HasErrors() {
				t.Fatal(w.text(diags))
			}
			if !got.RawEquals(tt.want) {
				t.Errorf("got %#v, want %#v", got, tt.want)
			}
		})
	}
}

// TestWrongReferences pins what the user is told.
func TestWrongReferences(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ expr, want string }{
		"variable":              {"var.siez", `No variable is named "siez" in this stack. Did you mean "size"?`},
		"variable without name": {"var", `After "var" comes the name of a variable: var.NAME.`},
		"local":                 {"local.twic", `No local value is named "twic" in this stack. Did you mean "twice"?`},
		"pipeline":              {"pipeline.q", `No pipeline is named "q" in this stack.`},
		"root":                  {"netwrok.one.id", `Did you mean "network"?`},
		"bare word":             {"small", `If a text is meant, put it in quotes: "small"`},
		"block":                 {"network.oen.id", `This stack declares no network.oen. Did you mean "network.one"?`},
		"known type, no block":  {"image.web.id", `This stack declares no image.web.`},
		"data type":             {"data.zon.z.id", `This stack declares no data.zon.z. Did you mean "data.zone.z"?`},
		"data cut short":        {"data.zone", `comes the name of a block`},
		"attribute":             {"network.one.nmae", `The type "network" has no attribute "nmae". Did you mean "name"?`},
		"attribute of instance": {"network.many[0].idd", `The type "network" has no attribute "idd". Did you mean "id"?`},
		"index missing":         {"network.many.id", `network.many has count: name one instance, as in network.many[0], or all, as in network.many[*].`},
		"key missing":           {"network.each.id", `network.each has for_each`},
		"index too much":        {"network.one[0].id", `network.one has neither count nor for_each`},
		"text for number":       {`network.many["a"].id`, `its instances are numbered`},
		"number for text":       {"network.each[0].id", `told apart by text`},
		"each outside":          {"each.key", `"each" means something only inside a block that has for_each.`},
		"count outside":         {"count.index", `"count" means something only inside a block that has count.`},
		"self outside":          {"self.id", `"self" means something only in a postcondition.`},
		"path":                  {"path.module", `"path" has the attributes "stack".`},
		"stack":                 {"stack.nam", `Did you mean "name"?`},
		"cloud":                 {"cloud.west", `A cloud block has no value`},
		"module":                {"module.m.x", `No module is named "m"`},
		"function":              {"uper(\"x\")", `Did you mean "upper"?`},
		"two mistakes":          {"[var.siez, local.twic]", `Did you mean "twice"?`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := load(t, stackText+"output \"o\" {\n value = "+tt.expr+"\n}\n")
			w.resources = map[addr.Resource]cty.Value{{Type: "network", Name: "one"}: network("id-1")}
			_, diags := w.output("o")
			if text := w.text(diags); !strings.Contains(text, tt.want) {
				t.Errorf("the diagnostics do not say %q:\n%s", tt.want, text)
			}
		})
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		meta string
		keys []string
		err  string
	}{
		"none":               {"", []string{""}, ""},
		"count":              {"count = var.size", []string{"[0]", "[1]"}, ""},
		"count zero":         {"count = 0", []string{}, ""},
		"count as text":      {`count = "2"`, []string{"[0]", "[1]"}, ""},
		"set":                {`for_each = toset(["b", "a"])`, []string{`["a"]`, `["b"]`}, ""},
		"map":                {`for_each = { x = 1, y = 2 }`, []string{`["x"]`, `["y"]`}, ""},
		"map, unknown value": {`for_each = { x = network.one.cidr }`, []string{`["x"]`}, ""},
		"empty set":          {`for_each = toset([])`, []string{}, ""},
		"negative":           {"count = -1", nil, "whole number"},
		"fraction":           {"count = 1.5", nil, "whole number"},
		"too many":           {"count = 1e9", nil, "whole number"},
		"no number":          {`count = "many"`, nil, "does not fit"},
		"null count":         {"count = null", nil, "null"},
		"null for_each":      {"for_each = null", nil, "null"},
		"list":               {`for_each = ["a"]`, nil, "toset(...)"},
		"number":             {"for_each = 3", nil, "a map or a set of texts"},
		"set of numbers":     {"for_each = toset([1])", nil, "a map or a set of texts"},
		"unknown count":      {"count = network.one.cidr", nil, "because of network.one.cidr"},
		"unknown in set":     {"for_each = toset([network.one.cidr])", nil, "known only after apply"},
		"sensitive":          {"for_each = toset([var.secret])", nil, "nonsensitive(...)"},
		"sensitive count":    {"count = length(var.secret)", nil, "cannot be sensitive"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := load(t, stackText+"resource \"network\" \"x\" {\n"+tt.meta+"\n}\n")
			w.resources = map[addr.Resource]cty.Value{{Type: "network", Name: "one"}: network("id-1")}
			instances, diags := w.scope.Expand(w.stack.Resource(addr.Resource{Type: "network", Name: "x"}))
			text := w.text(diags)
			if tt.err != "" {
				if !diags.HasErrors() || !strings.Contains(text, tt.err) || strings.Contains(text, "hunter2") {
					t.Errorf("the diagnostics do not say %q, or say a secret:\n%s", tt.err, text)
				}
				return
			}
			keys := []string{}
			for _, i := range instances {
				keys = append(keys, i.Key.String())
			}
			if d := cmp.Diff(tt.keys, keys); d != "" || diags.HasErrors() {
				t.Errorf("%skeys (-want +got):\n%s", text, d)
			}
		})
	}
}

// TestInstanceScope evaluates bodies of instances.
func TestInstanceScope(t *testing.T) {
	t.Parallel()
	w := load(t, stackText+`
resource "network" "x" {
  for_each = { a = "one", b = "two" }
  name     = "${each.key}-${each.value}"
}
resource "network" "y" {
  count = 2
  name  = "n${count.index}"
  lifecycle {
    postcondition {
      condition     = self.id == "right"
      error_message = "The id is ${self.id}."
    }
  }
}`)
	schema := hcldec.ObjectSpec{"name": &hcldec.AttrSpec{Name: "name", Type: cty.String, Required: true}}
	var got []string
	for _, name := range []string{"x", "y"} {
		r := w.stack.Resource(addr.Resource{Type: "network", Name: name})
		instances, diags := w.scope.Expand(r)
		for _, i := range instances {
			v, more := w.scope.WithInstance(i).Decode(r.Body, schema)
			diags = append(diags, more...)
			got = append(got, v.GetAttr("name").AsString())
		}
		if diags.HasErrors() {
			t.Fatal(w.text(diags))
		}
	}
	if d := cmp.Diff([]string{"a-one", "b-two", "n0", "n1"}, got); d != "" {
		t.Errorf("names (-want +got):\n%s", d)
	}
	condition := w.stack.Resource(addr.Resource{Type: "network", Name: "y"}).Lifecycle.Postconditions[0]
	for id, want := range map[string]string{"right": "", "wrong": "The id is wrong."} {
		met, message, diags := w.scope.WithSelf(network(id)).Holds(condition)
		if diags.HasErrors() || met != (want == "") || message != want {
			t.Errorf("self.id = %q: met %v, message %q, %v", id, met, message, diags)
		}
	}
}

func TestResourceReferences(t *testing.T) {
	t.Parallel()
	w := load(t, stackText+`
resource "network" "x" {
  for_each   = toset(local.names)
  name       = "${var.size}-${each.key}-${data.zone.z.name}"
  depends_on = [network.one]
  lifecycle {
    replace_triggered_by = [network.many[0].id]
    precondition {
      condition     = network.each["a"].id != ""
      error_message = "no"
    }
  }
}
locals {
  names = ["a"]
}`)
	schema := hcldec.ObjectSpec{"name": &hcldec.AttrSpec{Name: "name", Type: cty.String}}
	refs, diags := w.scope.Names.ResourceReferences(w.stack.Resource(addr.Resource{Type: "network", Name: "x"}), schema)
	if diags.HasErrors() {
		t.Fatal(w.text(diags))
	}
	got := map[string]bool{}
	for _, r := range refs {
		got[r.String()] = true
	}
	want := []string{"local.names", "var.size", "each", "data.zone.z", "network.one", "network.many[0]", `network.each["a"]`}
	if len(got) != len(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, name := range want {
		if !got[name] {
			t.Errorf("%s is missing in %v", name, maps.Keys(got))
		}
	}
}

func TestDependsOnTakesBlocks(t *testing.T) {
	t.Parallel()
	w := load(t, stackText+"resource \"network\" \"x\" {\n depends_on = [network.one.id, var.size]\n}\n")
	_, diags := w.scope.Names.ResourceReferences(w.stack.Resource(addr.Resource{Type: "network", Name: "x"}), nil)
	if len(diags) != 2 || !strings.Contains(w.text(diags), "network.one.id is none") {
		t.Errorf("got:\n%s", w.text(diags))
	}
}

package eval_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/spec"
)

var ruleSchema = hcldec.ObjectSpec{
	"name": &hcldec.AttrSpec{Name: "name", Type: cty.String},
	"rule": &hcldec.BlockListSpec{TypeName: "rule", Nested: hcldec.ObjectSpec{
		"port": &hcldec.AttrSpec{Name: "port", Type: cty.Number, Required: true},
		"cidr": &hcldec.AttrSpec{Name: "cidr", Type: cty.String},
		"tag":  &hcldec.BlockListSpec{TypeName: "tag", Nested: &hcldec.AttrSpec{Name: "key", Type: cty.String}},
	}},
	"scale": &hcldec.BlockMapSpec{TypeName: "scale", LabelNames: []string{"name"}, Nested: &hcldec.AttrSpec{Name: "by", Type: cty.Number}},
}

// TestBlocksAsArguments decodes a body whose blocks are computed, and compares
// it with the same in blocks.
func TestBlocksAsArguments(t *testing.T) {
	t.Parallel()
	const two = "rule {\n port = 1\n}\nrule {\n port = 2\n}\n"
	tests := map[string]struct{ body, same, err, ref string }{
		"list":            {"rule = [{port = 1}, {port = 2}]", two, "", ""},
		"for expression":  {"rule = [for p in [1, 2] : {port = p}]", two, "", ""},
		"one object":      {"rule = {port = 1}", "rule {\n port = 1\n}", "", ""},
		"from a variable": {"rule = var.rules", two, "", "var.rules"},
		"empty":           {"rule = []", "", "", ""},
		"null":            {"rule = null", "", "", ""},
		"nested":          {"rule = [{port = 1, tag = [{key = \"a\"}]}]", "rule {\n port = 1\n tag {\n key = \"a\"\n}\n}", "", ""},
		"inside a block":  {"rule {\n port = 1\n tag = [{key = \"a\"}]\n}", "rule {\n port = 1\n tag {\n key = \"a\"\n}\n}", "", ""},
		"labelled":        {"scale = {up = {by = 1}, down = {by = 2}}", "scale \"up\" {\n by = 1\n}\nscale \"down\" {\n by = 2\n}", "", ""},
		"reference in it": {"rule = [{port = 1, cidr = network.one.id}]", "rule {\n port = 1\n cidr = \"id-1\"\n}", "", "network.one"},
		"text":            {"rule = \"x\"", "", "an object or a list of objects", ""},
		"list of numbers": {"rule = [1]", "", "an object or a list of objects", ""},
		"label missing":   {"scale = [{by = 1}]", "", "a map of objects by name", ""},
		"missing":         {"rule = [{cidr = \"x\"}]", "", `The argument "port" is required`, ""},
		"unknown name":    {"rule = [{port = 1, cird = \"x\"}]", "", `Did you mean "cidr"?`, ""},
		"wrong type":      {"rule = [{port = \"x\"}]", "", "a number is required", ""},
	}
	decode := func(t *testing.T, body string) (*world, cty.Value, string) {
		w := load(t, "variable \"rules\" {\n default = [{port = 1}, {port = 2}]\n}\nresource \"network\" \"one\" {\n}\nresource \"network\" \"x\" {\n"+body+"\n}\n")
		w.resources[w.stack.Resources[0].Addr] = network("id-1")
		v, diags := w.scope.Decode(w.stack.Resources[1].Body, ruleSchema)
		if diags.HasErrors() {
			return w, v, w.text(diags)
		}
		return w, v, ""
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, got, text := decode(t, tt.body)
			if tt.err != "" || text != "" {
				if tt.err == "" || !strings.Contains(text, tt.err) {
					t.Errorf("the diagnostics do not say %q:\n%s", tt.err, text)
				}
				return
			}
			_, want, text := decode(t, tt.same)
			if text != "" {
				t.Fatal(text)
			}
			if !got.RawEquals(want) {
				t.Errorf("got %#v, want %#v", got, want)
			}
			refs, diags := w.scope.Names.BodyReferences(w.stack.Resources[1].Body, ruleSchema, eval.Allowed{})
			found := ""
			for _, r := range refs {
				found = r.String()
			}
			if found != tt.ref || diags.HasErrors() {
				t.Errorf("references %v, want %q", refs, tt.ref)
			}
		})
	}
}

func TestUnknownAndSensitiveBlocks(t *testing.T) {
	t.Parallel()
	w := load(t, "variable \"s\" {\n sensitive = true\n default = [{port = 1}]\n}\nresource \"network\" \"one\" {\n}\nresource \"network\" \"x\" {\n rule = jsondecode(network.one.cidr)\n}\nresource \"network\" \"y\" {\n rule = var.s\n}\n")
	w.resources[w.stack.Resources[0].Addr] = network("id-1")
	v, diags := w.scope.Decode(w.stack.Resources[1].Body, ruleSchema)
	if diags.HasErrors() || v.GetAttr("rule").IsKnown() {
		t.Errorf("got %#v, want unknown rules; %v", v, diags)
	}
	v, diags = w.scope.Decode(w.stack.Resources[2].Body, ruleSchema)
	if diags.HasErrors() || !eval.IsSensitive(v.GetAttr("rule")) {
		t.Errorf("got %#v, want sensitive rules; %v", v, diags)
	}
}

func TestBlocksAsArgumentsInYAML(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := "resource:\n  network:\n    x:\n      name: n\n      rule: '${[for p in [1, 2] : {port = p}]}'\n    y:\n      rule: [{port: 1}, {port: 2}]\n"
	if err := os.WriteFile(filepath.Join(dir, "s.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	stack, diags := spec.Load(dir, spec.Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	scope := eval.Scope{Names: eval.NewNames(stack, nil, nil), Functions: eval.Functions(dir, nil)}
	for _, r := range stack.Resources {
		v, diags := scope.Decode(r.Body, ruleSchema)
		if diags.HasErrors() || v.GetAttr("rule").LengthInt() != 2 {
			t.Errorf("%s: %#v, %v", r.Addr, v, diags)
		}
	}
}

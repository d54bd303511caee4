// Package sdktest holds the checks that every plugin's own tests run: that it
// can be served, that its plugin.yaml fits the API, that its examples say only
// what its types know.
//
// Only tests import it.
package sdktest

import (
	"os"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/hcl/v2/hclparse"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/apitable"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// Parse reads the plugin.yaml; a finding of any kind fails the test.
func Parse(t *testing.T, p sdk.Plugin) *pluginspec.Plugin {
	t.Helper()
	spec, diags := pluginspec.Parse("plugin.yaml", p.Spec)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	return spec
}

// Serves checks that the plugin can be served.
func Serves(t *testing.T, p sdk.Plugin) {
	t.Helper()
	if _, err := sdk.NewServer(p); err != nil {
		t.Fatal(err)
	}
}

// FitsTheAPI checks every command, parameter and field against the API's own
// table, and that everything is documented.
func FitsTheAPI(t *testing.T, p sdk.Plugin) {
	t.Helper()
	table, err := apitable.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range pluginspec.Lint(Parse(t, p), table) {
		t.Error(d)
	}
}

// Examples checks that every resource type has an example, a file named
// relative to the working folder, which says only what the type knows.
func Examples(t *testing.T, plugin sdk.Plugin) {
	t.Helper()
	p := Parse(t, plugin)
	frames := &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "resource", LabelNames: []string{"type", "name"}}, {Type: "output", LabelNames: []string{"name"}},
		{Type: "data", LabelNames: []string{"type", "name"}},
	}}
	for name, typ := range p.Types {
		if typ.Create == nil {
			continue
		}
		src, err := os.ReadFile(typ.Example)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		file, diags := hclparse.NewParser().ParseHCL(src, typ.Example)
		if diags.HasErrors() {
			t.Error(diags)
			continue
		}
		content, diags := file.Body.Content(frames)
		if diags.HasErrors() {
			t.Error(diags)
		}
		shown := false
		for _, block := range content.Blocks {
			of, ours := p.Types[block.Labels[0]]
			if block.Type != "resource" || !ours {
				continue
			}
			shown = shown || of == typ
			schema := hcldec.ImpliedSchema(of.DecoderSpec())
			schema.Attributes = append(schema.Attributes, hcl.AttributeSchema{Name: "depends_on"})
			if _, diags := block.Body.Content(schema); diags.HasErrors() {
				t.Error(diags)
			}
		}
		if !shown {
			t.Errorf("%s shows no %s", typ.Example, name)
		}
	}
}

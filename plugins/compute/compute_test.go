package compute_test

import (
	"os"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/hcl/v2/hclparse"

	"github.com/moldctl/moldctl/plugins/compute"
	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/apitable"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

func spec(t *testing.T) *pluginspec.Plugin {
	t.Helper()
	p, diags := pluginspec.Parse("plugin.yaml", compute.Plugin.Spec)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	return p
}

func TestServes(t *testing.T) {
	t.Parallel()
	if _, err := sdk.NewServer(compute.Plugin); err != nil {
		t.Fatal(err)
	}
}

// TestFitsTheAPI checks every command, parameter and field against the API's
// own table, and that everything is documented.
func TestFitsTheAPI(t *testing.T) {
	t.Parallel()
	table, err := apitable.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range pluginspec.Lint(spec(t), table) {
		t.Error(d)
	}
}

// TestExamples checks that every resource type has an example which says only
// what the type knows.
func TestExamples(t *testing.T) {
	t.Parallel()
	p := spec(t)
	frames := &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "resource", LabelNames: []string{"type", "name"}}, {Type: "output", LabelNames: []string{"name"}},
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

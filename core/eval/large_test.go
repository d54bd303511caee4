package eval_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/spec/addr"
)

// TestContextIsSmall checks that a context holds what is referred to and
// nothing else, so that its cost does not grow with the stack.
func TestContextIsSmall(t *testing.T) {
	t.Parallel()
	w := load(t, stackText)
	w.resources[addr.Resource{Type: "network", Name: "one"}] = network("id-1")
	expr, diags := hclsyntax.ParseExpression([]byte(`"${var.size}-${network.one.id}-${network.one.name}"`), "x", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	ctx, diags := w.scope.Context(expr.Variables())
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	got := map[string][]string{}
	for root, v := range ctx.Variables {
		got[root] = slices.Sorted(maps.Keys(v.Type().AttributeTypes()))
	}
	if d := cmp.Diff(map[string][]string{"var": {"size"}, "network": {"one"}}, got); d != "" {
		t.Errorf("context (-want +got):\n%s", d)
	}
}

// BenchmarkStack loads and evaluates stacks of different sizes; the time per
// resource must stay the same.
func BenchmarkStack(b *testing.B) {
	schema := hcldec.ObjectSpec{"name": &hcldec.AttrSpec{Name: "name", Type: cty.String}}
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var text strings.Builder
			text.WriteString("variable \"v\" {\n default = \"x\"\n}\nresource \"network\" \"n0\" {\n name = var.v\n}\n")
			for i := 1; i < n; i++ {
				fmt.Fprintf(&text, "resource \"network\" \"n%d\" {\n name = \"${var.v}-${network.n%d.id}\"\n}\n", i, i/2)
			}
			for b.Loop() {
				w := load(b, text.String())
				for _, r := range w.stack.Resources {
					if _, diags := w.scope.Names.ResourceReferences(r, schema); diags.HasErrors() {
						b.Fatal(diags)
					}
					v, diags := w.scope.Decode(r.Body, schema)
					if diags.HasErrors() {
						b.Fatal(diags)
					}
					w.resources[r.Addr] = network(v.GetAttr("name").AsString())
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/resource")
		})
	}
}

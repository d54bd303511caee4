package pluginspec

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"
)

const defaulted = `
plugin: p
version: 1.0.0
types:
  thing:
    attributes:
      name:  {type: string, required: true}
      text:  {type: string, default: "${self.name}"}
      size:  {type: number, default: 3}
      zone:  {type: string, default: "${cloud.zone}"}
      plan:  {type: string, default: {pick: {kind: x}}, lookup: plan}
      like:  {type: string, default: "${lookup.plan.name}"}
      on:    {type: bool, optional: true, computed: true}
      words: {type: list(string), default: [a, b]}
    blocks:
      rule:
        nesting: set
        attributes:
          port: {type: number, required: true}
          proto: {type: string, default: tcp}
          title: {type: string, default: "${self.name}-${item.port}"}
      one: {attributes: {x: {type: string, default: y}}}
    find: {call: listThings}
`

func TestApplyDefaults(t *testing.T) {
	t.Parallel()
	thing := parseThing(t, defaulted)
	str, null := cty.StringVal, cty.NullVal(cty.String)
	rule := func(port int64, proto, title cty.Value) cty.Value {
		return cty.ObjectVal(map[string]cty.Value{"port": cty.NumberIntVal(port), "proto": proto, "title": title})
	}
	noOne := cty.NullVal(cty.Object(map[string]cty.Type{"x": cty.String}))
	tests := map[string]struct {
		src     string
		want    map[string]cty.Value
		pending []string
	}{
		"left out": {"name = \"n\"\nrule { port = 80 }\none {}", map[string]cty.Value{
			"text": str("n"), "size": cty.NumberIntVal(3), "zone": str("z1"), "plan": null, "like": null,
			"words": cty.ListVal([]cty.Value{str("a"), str("b")}),
			"rule":  cty.SetVal([]cty.Value{rule(80, str("tcp"), str("n-80"))}),
			"one":   cty.ObjectVal(map[string]cty.Value{"x": str("y")}),
		}, []string{"plan", "like"}},
		"given stays": {"name = \"n\"\ntext = \"\"\nsize = 0\nzone = later\nplan = \"p\"\nlike = \"l\"\nwords = []", map[string]cty.Value{
			"text": str(""), "size": cty.NumberIntVal(0), "zone": cty.UnknownVal(cty.String), "plan": str("p"), "like": str("l"),
			"words": cty.ListValEmpty(cty.String), "rule": cty.SetValEmpty(rule(0, null, null).Type()), "one": noOne,
		}, nil},
		"unknown and sensitive flow": {"name = secret\nsize = 1\nplan = \"p\"\nlike = \"l\"\nrule {\n  port = 1\n  title = later\n}", map[string]cty.Value{
			"text": str("s3cret").Mark("sensitive"), "size": cty.NumberIntVal(1), "zone": str("z1"), "plan": str("p"), "like": str("l"),
			"words": cty.ListVal([]cty.Value{str("a"), str("b")}),
			"rule":  cty.SetVal([]cty.Value{rule(1, str("tcp"), cty.UnknownVal(cty.String))}), "one": noOne,
		}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, diags := hcldec.Decode(body(t, tt.src), thing.DecoderSpec(), evalContext())
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			got, pending, diags := thing.ApplyDefaults(v, map[string]cty.Value{"cloud": cty.ObjectVal(map[string]cty.Value{"zone": str("z1")})})
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			for name, want := range tt.want {
				if !got.GetAttr(name).RawEquals(want) {
					t.Errorf("%s: got %#v, want %#v", name, got.GetAttr(name), want)
				}
			}
			var paths []string
			for _, p := range pending {
				paths = append(paths, FormatPath(p.Path))
			}
			if diff := cmp.Diff(tt.pending, paths); diff != "" {
				t.Errorf("pending (-want +got)\n%s", diff)
			}
			if errs := got.Type().TestConformance(thing.ImpliedType()); len(errs) > 0 {
				t.Error(errs)
			}
		})
	}
}

func TestApplyDefaultsSaysWhatFails(t *testing.T) {
	t.Parallel()
	thing := parseThing(t, defaulted)
	v, diags := hcldec.Decode(body(t, `name = "n"`), thing.DecoderSpec(), evalContext())
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for name, cloud := range map[string]cty.Value{"no such attribute": cty.EmptyObjectVal, "wrong type": cty.ObjectVal(map[string]cty.Value{"zone": cty.EmptyTupleVal})} {
		if _, _, diags := thing.ApplyDefaults(v, map[string]cty.Value{"cloud": cloud}); !diags.HasErrors() {
			t.Errorf("%s: want an error", name)
		}
	}
}

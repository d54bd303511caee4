package pluginspec_test

import (
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

func TestCheckSince(t *testing.T) {
	t.Parallel()
	p, diags := pluginspec.Parse("plugin.yaml", []byte(`
plugin: p
version: 1.0.0
types:
  t:
    attributes:
      id:  {type: string, computed: true, doc: The id.}
      new: {type: string, since: "4.20", doc: A later attribute.}
    create: {call: createNetwork}
    read: {call: listNetworks}
    delete: {call: deleteNetwork}
    identity: {marker: externalid}
`))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	typ := p.Types["t"]
	value := func(v cty.Value) cty.Value {
		return cty.ObjectVal(map[string]cty.Value{"id": cty.NullVal(cty.String), "new": v})
	}
	for name, tc := range map[string]struct {
		version string
		given   cty.Value
		refused bool
	}{
		"older":       {"4.19.1.0", cty.StringVal("x"), true},
		"much older":  {"4.9.3", cty.StringVal("x"), true},
		"just so":     {"4.20.0.0", cty.StringVal("x"), false},
		"newer":       {"4.22.0.0", cty.StringVal("x"), false},
		"not told":    {"", cty.StringVal("x"), false},
		"not given":   {"4.1", cty.NullVal(cty.String), false},
		"not known":   {"4.1", cty.UnknownVal(cty.String), true},
		"no number":   {"mold", cty.StringVal("x"), false},
		"a snapshot":  {"4.20.0.0-SNAPSHOT", cty.StringVal("x"), false},
		"major later": {"5.0", cty.StringVal("x"), false},
	} {
		if got := typ.CheckSince(value(tc.given), tc.version); len(got) > 0 != tc.refused {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

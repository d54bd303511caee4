package plan

import (
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// TestReplaceWithinBlocks changes an attribute that says `replace: true` in a
// block: of the object itself, and of one whose items are objects of their own.
func TestReplaceWithinBlocks(t *testing.T) {
	t.Parallel()
	disk := func(kind string) cty.Value {
		return cty.SetVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{"kind": cty.StringVal(kind)})})
	}
	for name, tc := range map[string]struct {
		child   *pluginspec.Child
		replace bool
	}{
		"a part of the object": {nil, true},
		"an object of its own": {&pluginspec.Child{Key: []string{"kind"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &pluginspec.Block{Name: "disk", Nesting: pluginspec.Set, Child: tc.child, Attributes: []*pluginspec.Attribute{{Name: "kind", Type: cty.String, Replace: true}}}
			changes := compareBlock(b, "disk", disk("ssd"), disk("tape"))
			if len(changes) != 1 || changes[0].Replace != tc.replace {
				t.Errorf("changes %+v, want one with replace %t", changes, tc.replace)
			}
		})
	}
}

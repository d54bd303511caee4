package declarative

import (
	"context"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// orderChildren brings the children of a list into the order of the stack.
// Those of others come after ours.
func (o *operation) orderChildren(ctx context.Context, b *pluginspec.Block) error {
	var ours []string
	for _, item := range childItems(b, o.self) {
		ours = append(ours, o.private.Children[b.Name][item.key])
	}
	if b.Child.Order == nil || len(ours) == 0 {
		return nil
	}
	listed, err := o.listChildren(ctx, b)
	if err != nil {
		return err
	}
	now := make([]string, 0, len(listed))
	wanted := slices.Clone(ours)
	for _, c := range listed {
		now = append(now, c.ID())
		if !slices.Contains(ours, c.ID()) {
			wanted = append(wanted, c.ID())
		}
	}
	if slices.Equal(now, wanted) {
		return nil
	}
	ids := make([]cty.Value, len(wanted))
	for i, id := range wanted {
		ids[i] = cty.StringVal(id)
	}
	s := callSite{call: b.Child.Order, roots: o.childRoots(cty.ListVal(ids)), update: true}
	_, _, err = o.mutate(ctx, s, "order:"+b.Name, o.id, repeat)
	return err
}

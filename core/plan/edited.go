package plan

import (
	"context"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// edited names what the stack says otherwise now than when a create was begun
// that did not get as far as an object with an id; "" is nothing. To finish
// that create would be to take up calls that were made for something else.
func (m *maker) edited(s *subjectOf, planned cty.Value, lookups map[string]Found) string {
	if s.row == nil || s.row.ID != "" || s.prior.IsNull() || !MayExist(s.row.Pending) {
		return ""
	}
	was, now := begun(s.t.Attributes, s.t.Blocks, s.prior, planned)
	for _, c := range compare(s.t.Attributes, s.t.Blocks, "", was, now) {
		if a := attributeAt(s.t, c.Path); a != nil && a.WriteOnly {
			continue // what it was is not known
		}
		then, known := s.row.Lookups[c.Path]
		if found, ok := lookups[c.Path]; ok && known && found.ID == then.ID {
			continue
		}
		return c.Path
	}
	return ""
}

// startOver clears away what an interrupted create left, and makes the object
// anew. What is half made is of no use to anybody: it goes first, and
// prevent_destroy is not about it.
func (m *maker) startOver(ctx context.Context, s *subjectOf, step *Step, desired cty.Value, path string) (*Step, hcl.Diagnostics) {
	step.Prior = s.prior
	step = m.replaceAt(s, step, desired, path+" changed since its create was interrupted", false)
	step.Prior = cty.NullVal(s.t.ImpliedType())
	diags := m.refine(ctx, s, step, desired)
	step.Prior = s.prior
	return step, diags
}

// begun makes the values that an interrupted create was begun with and those
// that are planned now comparable: what is not known is null in the state, and
// what the cloud fills in is nobody's edit.
func begun(attrs []*pluginspec.Attribute, blocks []*pluginspec.Block, was, now cty.Value) (cty.Value, cty.Value) {
	was, now = knownParts(was), knownParts(now)
	for _, a := range attrs {
		if a.Computed && (!a.Optional || child(now, a.Name, a.Type).IsNull()) {
			was, now = with(was, a.Name, cty.NullVal(a.Type)), with(now, a.Name, cty.NullVal(a.Type))
		}
	}
	for _, b := range blocks {
		was, now = withoutComputed(b, was), withoutComputed(b, now)
	}
	return was, now
}

// knownParts is a value without marks, with null for what is not known.
func knownParts(v cty.Value) cty.Value {
	v, _ = v.UnmarkDeep()
	out, err := cty.Transform(v, func(_ cty.Path, v cty.Value) (cty.Value, error) {
		if !v.IsKnown() {
			return cty.NullVal(v.Type()), nil
		}
		return v, nil
	})
	if err != nil { // the callback returns none
		return v
	}
	return out
}

// withoutComputed takes out of the items of a block what the cloud may fill in.
func withoutComputed(b *pluginspec.Block, parent cty.Value) cty.Value {
	v := child(parent, b.Name, cty.DynamicPseudoType)
	if v.IsNull() || !v.IsKnown() {
		return parent
	}
	computed := map[string]bool{}
	note(b, "", computed)
	out, err := cty.Transform(v, func(p cty.Path, v cty.Value) (cty.Value, error) {
		name := ""
		for _, step := range p {
			if attr, ok := step.(cty.GetAttrStep); ok {
				name += "." + attr.Name
			}
		}
		if computed[name] {
			return cty.NullVal(v.Type()), nil
		}
		return v, nil
	})
	if err != nil { // the callback returns none
		return parent
	}
	return with(parent, b.Name, out)
}

// note collects the paths, without indices, of what the cloud may fill in.
func note(b *pluginspec.Block, prefix string, computed map[string]bool) {
	for _, a := range b.Attributes {
		computed[prefix+"."+a.Name] = a.Computed
	}
	for _, inner := range b.Blocks {
		note(inner, prefix+"."+inner.Name, computed)
	}
}

package plan

import (
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// propose says what an object will look like: the configuration where it says
// something, what exists where the cloud decides, unknown where the cloud will
// decide. A null prior means that nothing exists.
func propose(attrs []*pluginspec.Attribute, blocks []*pluginspec.Block, prior, config cty.Value) cty.Value {
	config, marks := config.Unmark()
	bare, _ := prior.Unmark()
	out := make(map[string]cty.Value, len(attrs)+len(blocks))
	for _, a := range attrs {
		out[a.Name] = proposeAttribute(a, !bare.IsNull(), child(prior, a.Name, a.Type), config.GetAttr(a.Name))
	}
	for _, b := range blocks {
		want := config.GetAttr(b.Name)
		out[b.Name] = proposeBlock(b, child(prior, b.Name, want.Type()), want)
	}
	return cty.ObjectVal(out).WithMarks(marks)
}

func proposeAttribute(a *pluginspec.Attribute, exists bool, prior, config cty.Value) cty.Value {
	if !config.IsNull() || !a.Computed {
		return config
	}
	if !exists {
		return cty.UnknownVal(a.Type)
	}
	return prior // null too: the cloud has decided that there is nothing
}

// child returns an attribute of an object that may be null.
func child(v cty.Value, name string, ty cty.Type) cty.Value {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() || !v.Type().HasAttribute(name) {
		return cty.NullVal(ty)
	}
	return v.GetAttr(name)
}

func proposeBlock(b *pluginspec.Block, prior, config cty.Value) cty.Value {
	plain, marks := config.Unmark()
	if plain.IsNull() || !plain.IsKnown() {
		return config
	}
	var out cty.Value
	switch b.Nesting {
	case pluginspec.Single:
		out = propose(b.Attributes, b.Blocks, prior, plain)
	case pluginspec.Map:
		out = proposeMap(b, prior, plain)
	case pluginspec.Set:
		out = proposeSet(b, prior, plain)
	default:
		out = proposeList(b, prior, plain)
	}
	return out.WithMarks(marks)
}

func proposeList(b *pluginspec.Block, prior, config cty.Value) cty.Value {
	was := elements(prior)
	var out []cty.Value
	for i, want := range config.AsValueSlice() {
		old := cty.NullVal(want.Type())
		if i < len(was) {
			old = was[i]
		}
		out = append(out, propose(b.Attributes, b.Blocks, old, want))
	}
	if len(out) == 0 {
		return config
	}
	if config.Type().IsTupleType() {
		return cty.TupleVal(out)
	}
	return cty.ListVal(out)
}

func proposeMap(b *pluginspec.Block, prior, config cty.Value) cty.Value {
	was, _ := prior.Unmark()
	out := map[string]cty.Value{}
	for key, want := range config.AsValueMap() {
		old := cty.NullVal(want.Type())
		if !was.IsNull() && was.IsKnown() {
			if m := was.AsValueMap(); m[key] != cty.NilVal {
				old = m[key]
			}
		}
		out[key] = propose(b.Attributes, b.Blocks, old, want)
	}
	if len(out) == 0 {
		return config
	}
	if config.Type().IsObjectType() {
		return cty.ObjectVal(out)
	}
	return cty.MapVal(out)
}

// proposeSet pairs each wanted element with the existing one that it equals
// once the cloud's own attributes are taken over.
func proposeSet(b *pluginspec.Block, prior, config cty.Value) cty.Value {
	was := elements(prior)
	var out []cty.Value
	for _, want := range config.AsValueSlice() {
		made := propose(b.Attributes, b.Blocks, cty.NullVal(want.Type()), want)
		for i, old := range was {
			kept := propose(b.Attributes, b.Blocks, old, want)
			if equalBlock(b, old, kept) {
				made, was = kept, append(was[:i:i], was[i+1:]...)
				break
			}
		}
		out = append(out, made)
	}
	if len(out) == 0 {
		return config
	}
	return cty.SetVal(out)
}

func elements(v cty.Value) []cty.Value {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() || !v.CanIterateElements() {
		return nil
	}
	return v.AsValueSlice()
}

// compare lists the attributes in which planned differs from prior, as the
// schema understands differing: volatile ones never do, `equal` says what
// counts as the same.
func compare(attrs []*pluginspec.Attribute, blocks []*pluginspec.Block, prefix string, prior, planned cty.Value) []Change {
	var out []Change
	for _, a := range attrs {
		before, after := child(prior, a.Name, a.Type), child(planned, a.Name, a.Type)
		if a.Volatile || same(a, before, after) {
			continue
		}
		out = append(out, Change{Path: prefix + a.Name, Before: before, After: after, Replace: a.Replace})
	}
	for _, b := range blocks {
		before, after := child(prior, b.Name, cty.DynamicPseudoType), child(planned, b.Name, cty.DynamicPseudoType)
		out = append(out, compareBlock(b, prefix+b.Name, before, after)...)
	}
	return out
}

func compareBlock(b *pluginspec.Block, path string, before, after cty.Value) []Change {
	old, _ := before.Unmark()
	wanted, _ := after.Unmark()
	if b.Nesting == pluginspec.Single && !old.IsNull() && !wanted.IsNull() && old.IsKnown() && wanted.IsKnown() {
		return compare(b.Attributes, b.Blocks, path+".", old, wanted)
	}
	if empty(old) && empty(wanted) || equalItems(b, old, wanted) {
		return nil
	}
	return []Change{{Path: path, Before: before, After: after, Replace: replacesAny(b)}}
}

func empty(v cty.Value) bool {
	return v.IsNull() || v.IsKnown() && v.CanIterateElements() && v.LengthInt() == 0
}

// equalItems compares repeated blocks item by item.
func equalItems(b *pluginspec.Block, x, y cty.Value) bool {
	if x.IsNull() != y.IsNull() || !x.IsWhollyKnown() || !y.IsWhollyKnown() {
		return false
	}
	if x.IsNull() || b.Nesting == pluginspec.Single {
		return x.RawEquals(y)
	}
	if x.LengthInt() != y.LengthInt() {
		return false
	}
	if b.Nesting == pluginspec.Map {
		xm, ym := x.AsValueMap(), y.AsValueMap()
		for key, v := range xm {
			if w, ok := ym[key]; !ok || !equalBlock(b, v, w) {
				return false
			}
		}
		return true
	}
	xs, ys := x.AsValueSlice(), y.AsValueSlice()
	if b.Nesting == pluginspec.Set {
		return sameSet(b, xs, ys)
	}
	for i := range xs {
		if !equalBlock(b, xs[i], ys[i]) {
			return false
		}
	}
	return true
}

func sameSet(b *pluginspec.Block, xs, ys []cty.Value) bool {
	rest := append([]cty.Value(nil), ys...)
next:
	for _, x := range xs {
		for i, y := range rest {
			if equalBlock(b, x, y) {
				rest = append(rest[:i], rest[i+1:]...)
				continue next
			}
		}
		return false
	}
	return true
}

func equalBlock(b *pluginspec.Block, x, y cty.Value) bool {
	return len(compare(b.Attributes, b.Blocks, "", x, y)) == 0
}

// unmarked is v without marks, quick for what has no parts.
func unmarked(v cty.Value) cty.Value {
	if v.Type().IsPrimitiveType() {
		v, _ = v.Unmark()
		return v
	}
	v, _ = v.UnmarkDeep()
	return v
}

// replacesAny says whether a change within a block needs a new object. What is
// an object of its own is replaced alone, by the plugin.
func replacesAny(b *pluginspec.Block) bool {
	if b.Child != nil {
		return false
	}
	for _, a := range b.Attributes {
		if a.Replace {
			return true
		}
	}
	return false
}

// same compares two values of an attribute; a value not known is never the
// same.
func same(a *pluginspec.Attribute, x, y cty.Value) bool {
	x, y = unmarked(x), unmarked(y)
	if !x.IsWhollyKnown() || !y.IsWhollyKnown() {
		return false
	}
	if x.RawEquals(y) {
		return true
	}
	return pluginspec.Equal(a, x, y)
}

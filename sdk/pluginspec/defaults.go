package pluginspec

import (
	"fmt"
	"maps"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// Pending is a default that could not be filled in yet.
type Pending struct {
	Path cty.Path
	Attr *Attribute
}

// ApplyDefaults fills in what was left out of a configuration. Templates see
// the given roots (cloud, lookup, …), `self` with the defaults so far, and in
// a block `item`, the block itself. What is pending is left null: picks, which
// need a listing, and templates over roots that were not given.
func (t *Type) ApplyDefaults(v cty.Value, roots map[string]cty.Value) (cty.Value, []Pending, hcl.Diagnostics) {
	f := filler{roots: maps.Clone(roots), whole: v}
	if f.roots == nil {
		f.roots = map[string]cty.Value{}
	}
	out := f.object(t.Attributes, t.Blocks, nil, v, true)
	return out, f.pending, f.diags
}

// ApplyDefaults is Type.ApplyDefaults for the body of a step.
func (s *Step) ApplyDefaults(v cty.Value) (cty.Value, hcl.Diagnostics) {
	t := Type{Attributes: s.Attributes}
	out, _, diags := t.ApplyDefaults(v, nil)
	return out, diags
}

type filler struct {
	roots   map[string]cty.Value
	whole   cty.Value // the value of `self`
	pending []Pending
	diags   hcl.Diagnostics
}

func (f *filler) object(attrs []*Attribute, blocks []*Block, path cty.Path, v cty.Value, top bool) cty.Value {
	v, marks := v.Unmark()
	if v == cty.NilVal || v.IsNull() || !v.IsKnown() {
		return v.WithMarks(marks)
	}
	values := v.AsValueMap()
	if values == nil {
		return v.WithMarks(marks)
	}
	for _, a := range attrs {
		now, ok := values[a.Name]
		if !ok || a.Default == nil || !now.IsKnown() || !now.IsNull() {
			continue
		}
		values[a.Name] = f.value(a, path.Copy().GetAttr(a.Name), values, top).WithMarks(now.Marks())
	}
	if top {
		f.whole = cty.ObjectVal(values)
	}
	for _, b := range blocks {
		if now, ok := values[b.Name]; ok {
			values[b.Name] = f.block(b, path.Copy().GetAttr(b.Name), now)
		}
	}
	return cty.ObjectVal(values).WithMarks(marks)
}

// value is the default of one attribute, null while it is pending.
func (f *filler) value(a *Attribute, path cty.Path, siblings map[string]cty.Value, top bool) cty.Value {
	null := cty.NullVal(a.Type.WithoutOptionalAttributesDeep())
	d := a.Default
	switch {
	case d.Pick != nil:
		f.pending = append(f.pending, Pending{Path: path, Attr: a})
		return null
	case d.Expr == nil:
		return d.Literal
	}
	roots := f.roots
	if top {
		roots["self"] = cty.ObjectVal(siblings)
		delete(roots, "item")
	} else {
		roots["self"], roots["item"] = f.whole, cty.ObjectVal(siblings)
	}
	for _, ref := range d.Expr.Variables() {
		if _, ok := roots[ref.RootName()]; !ok {
			f.pending = append(f.pending, Pending{Path: path, Attr: a})
			return null
		}
	}
	v, diags := EvalTemplate(d.Expr, roots)
	f.diags = append(f.diags, diags...)
	if diags.HasErrors() {
		return null
	}
	v, err := convert.Convert(v, a.Type)
	if err != nil {
		f.diags = append(f.diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Unsuitable default", Subject: d.Expr.Range().Ptr(),
			Detail: fmt.Sprintf("The default of %q does not fit its type: %s.", a.Name, err),
		})
		return null
	}
	return v
}

// block fills in the defaults in every item of a block.
func (f *filler) block(b *Block, path cty.Path, v cty.Value) cty.Value {
	bare, marks := v.Unmark()
	if bare.IsNull() || !bare.IsKnown() {
		return v
	}
	if b.Nesting == Single {
		return f.object(b.Attributes, b.Blocks, path, v, false)
	}
	if bare.LengthInt() == 0 {
		return v
	}
	items := make([]cty.Value, 0, bare.LengthInt())
	byKey := make(map[string]cty.Value, bare.LengthInt())
	for it := bare.ElementIterator(); it.Next(); {
		key, item := it.Element()
		done := f.object(b.Attributes, b.Blocks, path.Copy().Index(key), item, false)
		items = append(items, done)
		if b.Nesting == Map {
			byKey[key.AsString()] = done
		}
	}
	switch typ := bare.Type(); {
	case typ.IsListType():
		return cty.ListVal(items).WithMarks(marks)
	case typ.IsSetType():
		return cty.SetVal(items).WithMarks(marks)
	case typ.IsMapType():
		return cty.MapVal(byKey).WithMarks(marks)
	case typ.IsObjectType():
		return cty.ObjectVal(byKey).WithMarks(marks)
	}
	return cty.TupleVal(items).WithMarks(marks)
}

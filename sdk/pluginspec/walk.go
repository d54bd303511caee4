package pluginspec

import (
	"iter"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// Attr returns the attribute at a path such as "name", "source.template" or
// "egress[0].cidrs"; nil when there is none.
func (t *Type) Attr(path string) *Attribute { return attrAt(t.Attributes, t.Blocks, names(path)) }

// AttrAt is Attr for a path within a value. A path into an attribute (an
// element of a list) leads to the attribute.
func (t *Type) AttrAt(path cty.Path) *Attribute {
	var steps []string
	for _, step := range path {
		if get, ok := step.(cty.GetAttrStep); ok {
			steps = append(steps, get.Name)
		}
	}
	return attrAt(t.Attributes, t.Blocks, steps)
}

// BlockAt returns the block at a path such as "source"; nil when there is none.
func (t *Type) BlockAt(path string) *Block {
	blocks := t.Blocks
	var found *Block
	for _, name := range names(path) {
		if found = blockNamed(blocks, name); found == nil {
			return nil
		}
		blocks = found.Blocks
	}
	return found
}

func attrAt(attrs []*Attribute, blocks []*Block, steps []string) *Attribute {
	for len(steps) > 0 {
		for _, a := range attrs {
			if a.Name == steps[0] {
				return a
			}
		}
		b := blockNamed(blocks, steps[0])
		if b == nil {
			return nil
		}
		attrs, blocks, steps = b.Attributes, b.Blocks, steps[1:]
	}
	return nil
}

func blockNamed(blocks []*Block, name string) *Block {
	for _, b := range blocks {
		if b.Name == name {
			return b
		}
	}
	return nil
}

// names are the attribute names of a path; indexes are left out.
func names(path string) []string {
	var out []string
	depth := 0
	var name strings.Builder
	for _, r := range path {
		switch {
		case r == '[':
			depth++
		case r == ']':
			depth--
		case depth > 0:
		case r == '.':
			out = append(out, name.String())
			name.Reset()
		default:
			name.WriteRune(r)
		}
	}
	return append(out, name.String())
}

// All yields every attribute of the type, also those in blocks, with its path
// without indexes: "egress.cidrs".
func (t *Type) All() iter.Seq2[string, *Attribute] {
	return func(yield func(string, *Attribute) bool) { yieldAll("", t.Attributes, t.Blocks, yield) }
}

func yieldAll(prefix string, attrs []*Attribute, blocks []*Block, yield func(string, *Attribute) bool) bool {
	for _, a := range attrs {
		if !yield(prefix+a.Name, a) {
			return false
		}
	}
	for _, b := range blocks {
		if !yieldAll(prefix+b.Name+".", b.Attributes, b.Blocks, yield) {
			return false
		}
	}
	return true
}

// Walk visits every attribute in a value of the type, in the order of the
// plugin.yaml, also those in blocks. Values are passed as they are, marks
// included. What is null or not yet known as a whole has nothing in it.
func (t *Type) Walk(v cty.Value, visit func(path cty.Path, a *Attribute, v cty.Value)) {
	walkObject(t.Attributes, t.Blocks, nil, v, visit)
}

func walkObject(attrs []*Attribute, blocks []*Block, path cty.Path, v cty.Value, visit func(cty.Path, *Attribute, cty.Value)) {
	v, marks := v.Unmark()
	if v == cty.NilVal || v.IsNull() || !v.IsKnown() {
		return
	}
	for _, a := range attrs {
		if v.Type().HasAttribute(a.Name) {
			visit(path.Copy().GetAttr(a.Name), a, v.GetAttr(a.Name).WithMarks(marks))
		}
	}
	for _, b := range blocks {
		if !v.Type().HasAttribute(b.Name) {
			continue
		}
		for at, item := range b.items(path.Copy().GetAttr(b.Name), v.GetAttr(b.Name).WithMarks(marks)) {
			walkObject(b.Attributes, b.Blocks, at, item, visit)
		}
	}
}

// items yields the objects a block's value holds.
func (b *Block) items(path cty.Path, v cty.Value) iter.Seq2[cty.Path, cty.Value] {
	return func(yield func(cty.Path, cty.Value) bool) {
		v, marks := v.Unmark()
		if v == cty.NilVal || v.IsNull() || !v.IsKnown() {
			return
		}
		if b.Nesting == Single {
			yield(path, v.WithMarks(marks))
			return
		}
		for it := v.ElementIterator(); it.Next(); {
			key, item := it.Element()
			if !yield(path.Copy().Index(key), item.WithMarks(marks)) {
				return
			}
		}
	}
}

// Sensitive returns the paths of the sensitive attributes that have a value.
func (t *Type) Sensitive(v cty.Value) []cty.Path {
	var out []cty.Path
	t.Walk(v, func(path cty.Path, a *Attribute, v cty.Value) {
		if a.Sensitive && !v.IsNull() {
			out = append(out, path)
		}
	})
	return out
}

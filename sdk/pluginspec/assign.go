package pluginspec

import (
	"fmt"
	"slices"

	"github.com/zclconf/go-cty/cty"
	"go.yaml.in/yaml/v4"
)

// assignBatch is how many elements one call takes unless the plugin says
// otherwise: few enough for the length of a request.
const assignBatch = 50

// assign reads how the elements of an attribute are associated with an object.
func (s *source) assign(n *yaml.Node) *Assign {
	a := &Assign{Batch: assignBatch, Range: s.rangeOf(n)}
	ok := s.mapping(n, "assign", fields{
		"add":       func(_, v *yaml.Node) { a.Add = s.call(v, nil) },
		"remove":    func(_, v *yaml.Node) { a.Remove = s.call(v, nil) },
		"list":      func(_, v *yaml.Node) { a.List = s.call(v, nil) },
		"field":     func(_, v *yaml.Node) { a.Field, _ = s.str(v) },
		"ids":       func(_, v *yaml.Node) { a.IDs, _ = s.str(v) },
		"batch":     func(_, v *yaml.Node) { a.Batch = s.atLeast(v, 1) },
		"exclusive": func(_, v *yaml.Node) { a.Exclusive, _ = s.str(v) },
	})
	if !ok {
		return a
	}
	s.need(n, "add", a.Add != nil, `"add" is missing: the call that associates elements with the object.`)
	s.need(n, "remove", a.Remove != nil, `"remove" is missing: the call that ends the association of elements.`)
	s.need(n, "ids", a.IDs != "", `"ids" is missing: the parameter that takes the elements.`)
	return a
}

// assigned checks the attributes whose elements are associations.
func (s *source) assigned(p *Plugin, t *Type) {
	names := namesOf(t.Attributes, t.Blocks)
	for _, a := range t.Attributes {
		switch {
		case a.Assign == nil:
			continue
		case p.Transport != "cloudstack":
			s.failAt(a.Assign.Range, "Association without a cloud", "assign is for commands of CloudStack; over HTTP the elements are children of a block.")
		case !a.Type.Equals(cty.Set(cty.String)):
			s.failAt(a.Assign.Range, "Set expected", fmt.Sprintf("assign is for an attribute of type set(string), and %q is a %s.", a.Name, a.Type.FriendlyName()))
		case a.Computed && !a.Optional || a.Replace || a.ReplaceWhen != "":
			s.failAt(a.Assign.Range, "Association that cannot change", fmt.Sprintf("assign adds and removes elements of %q in place: it is neither filled in nor `replace`.", a.Name))
		}
		if a.Assign.Exclusive != "" {
			s.leads(t, a.Assign.Range, "exclusive", a.Assign.Exclusive, names)
		}
	}
}

// nothingButParts tells whether a type may do without a call that makes it: its
// objects are their children or associations.
func (t *Type) nothingButParts() bool {
	return slices.ContainsFunc(t.Blocks, func(b *Block) bool { return b.Child != nil }) ||
		slices.ContainsFunc(t.Attributes, func(a *Attribute) bool { return a.Assign != nil })
}

// assignUses tells whether the calls of an association read an attribute.
func assignUses(t *Type, name string) bool {
	return slices.ContainsFunc(t.Attributes, func(a *Attribute) bool {
		return a.Assign != nil && (a.Assign.Exclusive == name || slices.ContainsFunc([]*Call{a.Assign.Add, a.Assign.Remove}, func(c *Call) bool {
			return c != nil && c.reads(name)
		}))
	})
}

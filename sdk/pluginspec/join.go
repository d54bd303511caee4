package pluginspec

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// join reads how the objects of a further listing are put to those that the
// first call of a read shows: their place, or {as: …, field: …, of: …}.
func (s *source) join(n *yaml.Node) *Join {
	j := &Join{Of: "id", Range: s.rangeOf(n)}
	if n.Kind != yaml.MappingNode {
		j.As, _ = s.str(n)
		return j
	}
	ok := s.mapping(n, "join", fields{
		"as":    func(_, v *yaml.Node) { j.As, _ = s.str(v) },
		"field": func(_, v *yaml.Node) { j.Field, _ = s.str(v) },
		"of":    func(_, v *yaml.Node) { j.Of, _ = s.str(v) },
	})
	if ok {
		s.need(n, "as", j.As != "", `"as" is missing: the field under which the objects are put.`)
	}
	return j
}

// Joins are the calls of a read whose objects are put to those of the first.
func (t *Type) Joins() []*Call {
	if t.Read == nil || len(t.Read.Calls) < 2 {
		return nil
	}
	return t.Read.Calls[1:]
}

// joins checks that the first call of a read shows the objects, that each
// further one says where its objects go, and that no other call does.
func (s *source) joins(t *Type) {
	for _, c := range t.calls() {
		further := slices.Contains(t.Joins(), c)
		switch {
		case further && c.Join == nil:
			s.failAt(c.Range, "Join expected", "read of \""+t.Name+"\" has more than one call, and the first describes the object. "+
				"Say of each further one where its objects go, as `join: {as: addresses, field: vpcid}`; what is changed by calls of its own is a block with children.")
		case !further && c.Join != nil:
			s.failAt(c.Join.Range, "Join without a call before it", "Only the second and further calls of a read are joined: to the objects that the first shows.")
		case further && (len(c.On) > 0 || c.Wait != nil):
			s.failAt(c.Range, "Key without effect", "A call whose objects are joined takes neither `on` nor `wait`.")
		}
	}
}

// notJoined are the attributes that are read from what the object itself shows.
func (l *linter) notJoined(t *Type) []*Attribute {
	return slices.DeleteFunc(slices.Clone(t.Attributes), func(a *Attribute) bool {
		return slices.ContainsFunc(t.Joins(), func(c *Call) bool {
			first, _, _ := strings.Cut(a.Field, ".")
			first, _, _ = strings.Cut(first, "[")
			return first == c.Join.As
		})
	})
}

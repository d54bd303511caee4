package pluginspec

import (
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"go.yaml.in/yaml/v4"
)

// defaultValue reads `default:`: a plain value, a template, or {pick: …}.
func (s *source) defaultValue(n *yaml.Node, typ cty.Type) *Default {
	if n.Kind == yaml.ScalarNode && (strings.Contains(n.Value, "${") || strings.Contains(n.Value, "%{")) {
		expr, diags := parseTemplate(n.Value, s.filename, s.inner(n))
		s.diags = append(s.diags, diags...)
		if expr == nil {
			return nil
		}
		return &Default{Expr: expr}
	}
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "pick" && !typ.IsMapType() {
		d := &Default{Pick: map[string]any{}}
		s.entries(resolve(n.Content[1]), "pick", func(key, value *yaml.Node) { d.Pick[key.Value] = s.plain(value) })
		return d
	}
	v, ok := s.literal(n, typ, 0)
	if !ok {
		return nil
	}
	v, err := convert.Convert(v, typ)
	if err != nil {
		s.fail(n, "Unsuitable default", "The default does not fit the attribute's type: %s.", err)
		return nil
	}
	return &Default{Literal: v}
}

// plain reads a scalar of a pick by its look: true and false are truth values,
// anything else is text.
func (s *source) plain(n *yaml.Node) any {
	if n.Kind == yaml.ScalarNode && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 {
		switch n.Value {
		case "true":
			return true
		case "false":
			return false
		}
	}
	v, _ := s.str(n)
	return v
}

// literal reads a value; the type it is for says how a scalar is understood.
func (s *source) literal(n *yaml.Node, typ cty.Type, depth int) (cty.Value, bool) {
	if depth > maxNesting {
		s.fail(n, "Value nested too deep", "Values nest at most %d deep.", maxNesting)
		return cty.NilVal, false
	}
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]cty.Value{}
		ok := s.entries(n, "a value", func(key, value *yaml.Node) {
			if v, ok := s.literal(value, memberType(typ, key.Value), depth+1); ok {
				out[key.Value] = v
			}
		})
		return cty.ObjectVal(out), ok && len(out) == len(n.Content)/2
	case yaml.SequenceNode:
		out := make([]cty.Value, 0, len(n.Content))
		for _, item := range n.Content {
			if v, ok := s.literal(resolve(item), elementType(typ), depth+1); ok {
				out = append(out, v)
			}
		}
		return cty.TupleVal(out), len(out) == len(n.Content)
	}
	return s.scalar(n, typ)
}

func memberType(typ cty.Type, name string) cty.Type {
	if typ.IsObjectType() && typ.HasAttribute(name) {
		return typ.AttributeType(name)
	}
	return elementType(typ)
}

// scalar reads numbers and truth values exactly as written, so that no number
// passes through floating point.
func (s *source) scalar(n *yaml.Node, typ cty.Type) (cty.Value, bool) {
	switch {
	case isNull(n):
		s.fail(n, "Value expected", "A default is a value; leave the key out if there is none.")
		return cty.NilVal, false
	case typ == cty.Number:
		v, err := cty.ParseNumberVal(n.Value)
		if err != nil {
			s.fail(n, "Unsuitable default", "%q is not a number.", n.Value)
			return cty.NilVal, false
		}
		return v, true
	case typ == cty.Bool:
		before := len(s.diags)
		v := s.boolean(n)
		return cty.BoolVal(v), len(s.diags) == before
	}
	return cty.StringVal(n.Value), true
}

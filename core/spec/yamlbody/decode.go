package yamlbody

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"
	"go.yaml.in/yaml/v4"
)

// Decode reads a YAML document as a value: mappings become objects, sequences
// tuples. Texts are taken as they are, without templates, and what only looks
// like a number (0644, 1_000, .inf, 1.10) stays a text.
func Decode(src []byte) (cty.Value, error) {
	t := newText("document", src)
	root, d := decode(t)
	if d != nil {
		return cty.NilVal, fmt.Errorf("line %d: %s", d.Subject.Start.Line, d.Detail)
	}
	if root == nil {
		return cty.NullVal(cty.DynamicPseudoType), nil
	}
	c := checker{text: t, sizes: map[*yaml.Node]int{}}
	c.check(root, 0)
	if len(c.diags) > 0 {
		return cty.NilVal, fmt.Errorf("line %d: %s", c.diags[0].Subject.Start.Line, c.diags[0].Detail)
	}
	return valueOf(root), nil
}

func valueOf(n *yaml.Node) cty.Value {
	n = follow(n)
	switch n.Kind {
	case yaml.SequenceNode:
		elems := make([]cty.Value, len(n.Content))
		for i, child := range n.Content {
			elems[i] = valueOf(child)
		}
		return cty.TupleVal(elems)
	case yaml.MappingNode:
		attrs := map[string]cty.Value{}
		for _, it := range itemsOf(n) {
			attrs[it.name()] = valueOf(it.value)
		}
		return cty.ObjectVal(attrs)
	}
	if !isText(n) {
		if v, _, special := constant(n.Value); special {
			return v
		}
	}
	return cty.StringVal(n.Value)
}

package eval

import (
	"bytes"
	"fmt"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"go.yaml.in/yaml/v4"

	"github.com/moldctl/moldctl/core/spec/yamlbody"
)

func yamlDecodeFunction() function.Function {
	decode := func(v cty.Value) (cty.Value, error) {
		out, err := yamlbody.Decode([]byte(v.AsString()))
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "not usable as YAML: %s", err)
		}
		return out, nil
	}
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}},
		Type: func(args []cty.Value) (cty.Type, error) {
			if !args[0].IsKnown() {
				return cty.DynamicPseudoType, nil
			}
			v, err := decode(args[0])
			if err != nil {
				return cty.NilType, err
			}
			return v.Type(), nil
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return decode(args[0]) },
	})
}

// yamlEncodeFunction writes a value as block-style YAML with sorted keys.
func yamlEncodeFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowNull: true}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !args[0].IsWhollyKnown() {
				return cty.UnknownVal(cty.String), nil
			}
			var b bytes.Buffer
			encoder := yaml.NewEncoder(&b)
			encoder.SetIndent(2)
			if err := encoder.Encode(yamlNode(args[0])); err != nil {
				return cty.NilVal, fmt.Errorf("encode YAML: %w", err)
			}
			if err := encoder.Close(); err != nil {
				return cty.NilVal, fmt.Errorf("encode YAML: %w", err)
			}
			return cty.StringVal(b.String()), nil
		},
	})
}

func yamlNode(v cty.Value) *yaml.Node {
	ty := v.Type()
	switch {
	case v.IsNull():
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	case ty == cty.Bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(v.True())}
	case ty == cty.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!float", Value: v.AsBigFloat().Text('f', -1)}
	case ty == cty.String:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: v.AsString(), Style: yaml.DoubleQuotedStyle}
	case ty.IsObjectType() || ty.IsMapType():
		node := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for it := v.ElementIterator(); it.Next(); { // in the order of the keys
			key, elem := it.Element()
			node.Content = append(node.Content, yamlNode(key), yamlNode(elem))
		}
		return node
	}
	node := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for it := v.ElementIterator(); it.Next(); {
		_, elem := it.Element()
		node.Content = append(node.Content, yamlNode(elem))
	}
	return node
}

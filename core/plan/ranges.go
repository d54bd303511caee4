package plan

import (
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// attributeRange finds where an attribute path stands in a block's text, so
// that a message can point at it; the subject stands in when it does not.
func attributeRange(body hcl.Body, path string, subject *hcl.Range) *hcl.Range {
	if body == nil || path == "" {
		return subject
	}
	name, rest, deeper := strings.Cut(path, ".")
	name, index := splitIndex(name)
	if !deeper {
		content, _, _ := body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: name}}})
		if attr, ok := content.Attributes[name]; ok {
			rng := attr.Expr.Range()
			return &rng
		}
	}
	for _, schema := range []hcl.BlockHeaderSchema{{Type: name}, {Type: name, LabelNames: []string{"key"}}} {
		content, _, diags := body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{schema}})
		if diags.HasErrors() || content == nil {
			continue
		}
		for i, b := range content.Blocks {
			if index != "" && index != strconv.Itoa(i) && (len(b.Labels) == 0 || b.Labels[0] != index) {
				continue
			}
			if !deeper {
				return &b.DefRange
			}
			return attributeRange(b.Body, rest, &b.DefRange)
		}
	}
	return subject
}

// valueRange finds where a value stands in a block's text. Other than a path in
// words, a path tells the items of a set from each other.
func valueRange(body hcl.Body, path cty.Path, subject *hcl.Range) *hcl.Range {
	for i, step := range path {
		if item, ok := step.(cty.IndexStep); ok && item.Key.Type().IsObjectType() && i > 0 {
			name, _ := path[i-1].(cty.GetAttrStep)
			b := blockOf(bodyAt(body, path[:i-1]), name.Name, item.Key)
			if b == nil {
				break
			}
			return valueRange(b.Body, path[i+1:], &b.DefRange)
		}
	}
	return attributeRange(body, pluginspec.FormatPath(path), subject)
}

// bodyAt is the body that a path of blocks leads to, nil if there is none.
func bodyAt(body hcl.Body, path cty.Path) hcl.Body {
	for i, step := range path {
		attr, ok := step.(cty.GetAttrStep)
		if !ok {
			continue
		}
		index := ""
		if i+1 < len(path) {
			_, index = splitIndex(pluginspec.FormatPath(path[i : i+2]))
		}
		if body = blockAt(body, attr.Name, index); body == nil {
			return nil
		}
	}
	return body
}

// blockAt is the body of a block by its label or its place.
func blockAt(body hcl.Body, name, index string) hcl.Body {
	for i, b := range blocksOf(body, name) {
		if index == "" || index == strconv.Itoa(i) || len(b.Labels) > 0 && b.Labels[0] == index {
			return b.Body
		}
	}
	return nil
}

// blocksOf are the blocks of a name, with a label or without.
func blocksOf(body hcl.Body, name string) hcl.Blocks {
	if body == nil {
		return nil
	}
	for _, schema := range []hcl.BlockHeaderSchema{{Type: name}, {Type: name, LabelNames: []string{"key"}}} {
		content, _, diags := body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{schema}})
		if !diags.HasErrors() && content != nil && len(content.Blocks) > 0 {
			return content.Blocks
		}
	}
	return nil
}

// blockOf is the first block that may be the one an item of a set was made of:
// nothing that it says plainly is otherwise in the item.
func blockOf(body hcl.Body, name string, item cty.Value) *hcl.Block {
	for _, b := range blocksOf(body, name) {
		fits := true
		for attr, want := range item.AsValueMap() {
			content, _, _ := b.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: attr}}})
			if content == nil || content.Attributes[attr] == nil {
				continue
			}
			v, diags := content.Attributes[attr].Expr.Value(nil)
			if diags.HasErrors() {
				continue // it depends on something
			}
			if v, err := convert.Convert(v, want.Type()); err != nil || !v.RawEquals(want) {
				fits = false
			}
		}
		if fits {
			return b
		}
	}
	return nil
}

// splitIndex takes `scale_up["cpu"]` apart.
func splitIndex(name string) (string, string) {
	base, index, ok := strings.Cut(name, "[")
	if !ok {
		return name, ""
	}
	return base, strings.Trim(strings.TrimSuffix(index, "]"), `"`)
}

// cut splits a dotted path at its first dot.
func cut(path string) (string, string, bool) { return strings.Cut(path, ".") }

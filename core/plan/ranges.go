package plan

import (
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
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

package declarative

import (
	"fmt"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// templates parses each template of a plugin.yaml once.
type templates struct {
	parsed sync.Map // source → hcl.Expression
}

// roots are the names a template may use.
type roots map[string]cty.Value

// with returns the roots with one more, or another, name. The value has no
// marks.
func (r roots) with(name string, v cty.Value) roots {
	out := make(roots, len(r)+1)
	for k, old := range r {
		out[k] = old
	}
	if v != cty.NilVal {
		out[name] = v
	}
	return out
}

// value evaluates a template. "${x}" alone yields x with its type.
func (t *templates) value(source string, r roots) (cty.Value, error) {
	expr, err := t.parse(source)
	if err != nil {
		return cty.NilVal, err
	}
	v, diags := pluginspec.EvalTemplate(expr, r)
	if diags.HasErrors() {
		return cty.NilVal, fmt.Errorf("template %q: %s", source, diags[0].Detail)
	}
	return v, nil
}

func (t *templates) parse(source string) (hcl.Expression, error) {
	if expr, ok := t.parsed.Load(source); ok {
		return expr.(hcl.Expression), nil
	}
	expr, diags := pluginspec.ParseTemplate(source, hcl.Range{Filename: "plugin.yaml", Start: hcl.InitialPos})
	if diags.HasErrors() {
		return nil, fmt.Errorf("template %q: %s", source, diags[0].Detail)
	}
	t.parsed.Store(source, expr)
	return expr, nil
}

// truth evaluates a condition; an empty one holds.
func (t *templates) truth(source string, r roots) (bool, error) {
	if source == "" {
		return true, nil
	}
	v, err := t.value(source, r)
	if err != nil {
		return false, err
	}
	b, err := convert.Convert(v, cty.Bool)
	if err != nil || b.IsNull() || !b.IsKnown() {
		return false, fmt.Errorf("template %q: the result is neither true nor false", source)
	}
	return b.True(), nil
}

// text evaluates a template to the text of a parameter. present is false when
// the result is null.
func (t *templates) text(source string, r roots) (text string, present bool, err error) {
	v, err := t.value(source, r)
	if err != nil {
		return "", false, err
	}
	text, present, err = paramText(v)
	if err != nil {
		return "", false, fmt.Errorf("template %q: %w", source, err)
	}
	return text, present, nil
}

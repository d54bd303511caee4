package plan

import (
	"context"
	"encoding/json"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// require checks the conditions that a type declares, under the objects the
// plan knows. A condition that rests on something not known is passed over.
func (m *maker) require(ctx context.Context, s *subjectOf, step *Step) hcl.Diagnostics {
	if len(s.t.Requires) == 0 || step.Action == NoOp {
		return nil
	}
	cloud, diags := m.cloudRoot(ctx, s)
	if diags.HasErrors() {
		return diags
	}
	self, _ := step.Planned.UnmarkDeep()
	prior, _ := step.Prior.UnmarkDeep()
	roots := map[string]cty.Value{
		"self": self, "prior": prior, "cloud": cloud, "lookup": lookupRoot(s.t, step.Lookups), "ref": m.refRoot(s),
	}
	for _, req := range s.t.Requires {
		if holds(req.When, req.Range, roots, true) && !holds(req.That, req.Range, roots, true) {
			summary := "Requirement is not met"
			d := diag.Error(&s.r.Range, summary, req.Say)
			if req.Warning {
				d.Severity, d.Summary = hcl.DiagWarning, "This may not work"
			}
			diags = append(diags, d)
		}
	}
	return diags
}

// holds evaluates a condition; what cannot be evaluated yet counts as unknown.
func holds(text string, rng hcl.Range, roots map[string]cty.Value, unknown bool) bool {
	if text == "" {
		return true
	}
	expr, diags := pluginspec.ParseTemplate(text, rng)
	if diags.HasErrors() {
		return unknown
	}
	v, diags := pluginspec.EvalTemplate(expr, roots)
	if diags.HasErrors() || !v.IsKnown() || v.IsNull() || v.Type() != cty.Bool {
		return unknown
	}
	return v.True()
}

// lookupRoot offers the looked-up objects by attribute: lookup.offering, and
// those of single blocks as lookup.source.template.
func lookupRoot(t *pluginspec.Type, found map[string]Found) cty.Value {
	out := map[string]cty.Value{}
	walkSingles(t.Attributes, t.Blocks, "", func(path string, a *pluginspec.Attribute) {
		if a.Lookup == "" {
			return
		}
		v := cty.DynamicVal
		if f, ok := found[path]; ok {
			v = jsonValue(f.Object)
		}
		place(out, path, v)
	})
	return cty.ObjectVal(out)
}

// refRoot offers the planned objects that attributes refer to directly:
// ref.network is the whole object behind `network = network.web.id`.
func (m *maker) refRoot(s *subjectOf) cty.Value {
	out := map[string]cty.Value{}
	walkSingles(s.t.Attributes, s.t.Blocks, "", func(path string, a *pluginspec.Attribute) {
		if a.Computed && !a.Optional {
			return
		}
		place(out, path, m.referent(s, path))
	})
	return cty.ObjectVal(out)
}

// referent is the value of the one object an attribute's expression names.
func (m *maker) referent(s *subjectOf, path string) cty.Value {
	expr := attributeExpr(s.r.Body, path)
	if expr == nil {
		return cty.DynamicVal
	}
	refs, _ := m.config.Of(s.r).names.References(expr, allowed(s.r))
	if len(refs) != 1 || refs[0].Kind != eval.RefResource {
		return cty.DynamicVal
	}
	values, _ := m.config.Resource(refs[0].Resource)
	if key, ok := refs[0].Key.Int(); ok && values.Type().IsTupleType() && key < values.LengthInt() {
		values = values.Index(cty.NumberIntVal(int64(key)))
	}
	if key, ok := refs[0].Key.Text(); ok && values.Type().HasAttribute(key) {
		values = values.GetAttr(key)
	}
	plain, _ := values.UnmarkDeep()
	return plain
}

// attributeExpr returns the expression of an attribute, or nil.
func attributeExpr(body hcl.Body, path string) hcl.Expression {
	block, name := body, path
	for {
		head, rest, deeper := cut(name)
		if !deeper {
			content, _, _ := block.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: head}}})
			if attr, ok := content.Attributes[head]; ok {
				return attr.Expr
			}
			return nil
		}
		content, _, _ := block.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: head}}})
		if len(content.Blocks) != 1 {
			return nil
		}
		block, name = content.Blocks[0].Body, rest
	}
}

// place puts a value at a dotted path of nested objects.
func place(tree map[string]cty.Value, path string, v cty.Value) {
	head, rest, deeper := cut(path)
	if !deeper {
		tree[head] = v
		return
	}
	sub := map[string]cty.Value{}
	if old, ok := tree[head]; ok && old.IsKnown() && old.Type().IsObjectType() {
		sub = old.AsValueMap()
	}
	if sub == nil {
		sub = map[string]cty.Value{}
	}
	place(sub, rest, v)
	tree[head] = cty.ObjectVal(sub)
}

// jsonValue turns the cloud's own JSON into a value.
func jsonValue(data []byte) cty.Value {
	ty, err := ctyjson.ImpliedType(data)
	if err != nil {
		return cty.DynamicVal
	}
	v, err := ctyjson.Unmarshal(data, ty)
	if err != nil {
		return cty.DynamicVal
	}
	return v
}

// rawJSON is JSON that is passed on as it is.
type rawJSON = json.RawMessage

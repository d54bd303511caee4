package spec

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/moldctl/moldctl/core/diag"
)

// constant evaluates a frame's argument, which may not depend on anything, and
// converts it to want. The zero answer comes with false.
func (d *decoder) constant(attr *hcl.Attribute, want cty.Type) (cty.Value, bool) {
	if attr == nil {
		return cty.NilVal, false
	}
	for _, t := range attr.Expr.Variables() {
		d.errorf(t.SourceRange().Ptr(), "Constant required",
			"%q is read before anything is evaluated, so it cannot refer to %q. Write the value itself.", attr.Name, diag.Traversal(t))
		return cty.NilVal, false
	}
	v, diags := attr.Expr.Value(nil)
	d.diags = append(d.diags, diags...)
	if diags.HasErrors() {
		return cty.NilVal, false
	}
	v, err := convert.Convert(v, want)
	if err != nil || v.IsNull() || !v.IsWhollyKnown() {
		d.errorf(attr.Expr.Range().Ptr(), "Incorrect value", "%q must be %s.", attr.Name, constantKinds(want))
		return cty.NilVal, false
	}
	return v, true
}

func constantKinds(want cty.Type) string {
	switch want {
	case cty.Bool:
		return "true or false"
	case cty.Number:
		return "a number"
	case cty.List(cty.String):
		return "a list of texts"
	}
	return "a text"
}

func (d *decoder) text(attr *hcl.Attribute) string {
	v, ok := d.constant(attr, cty.String)
	if !ok {
		return ""
	}
	return v.AsString()
}

func (d *decoder) flag(attr *hcl.Attribute, otherwise bool) bool {
	v, ok := d.constant(attr, cty.Bool)
	if !ok {
		return otherwise
	}
	return v.True()
}

// content decodes a body that the frame describes completely.
func (d *decoder) content(body hcl.Body, schema *hcl.BodySchema) *hcl.BodyContent {
	content, diags := body.Content(schema)
	d.diags = append(d.diags, withNames(diags, schema)...)
	return content
}

// name checks that the label is a usable name.
func (d *decoder) name(what, label string, at hcl.Range) bool {
	if hclsyntax.ValidIdentifier(label) {
		return true
	}
	d.errorf(at.Ptr(), "Invalid name",
		"%q cannot be the name of this %s: references could not say it. A name starts with a letter and goes on with letters, digits, _ and -.", label, what)
	return false
}

// conditions decodes the validation, precondition or postcondition blocks.
func (d *decoder) conditions(blocks hcl.Blocks, kind string) []*Condition {
	var out []*Condition
	for _, b := range blocks {
		if b.Type != kind {
			continue
		}
		content := d.content(b.Body, conditionSchema)
		condition, message := content.Attributes["condition"], content.Attributes["error_message"]
		if condition == nil || message == nil {
			continue // reported as missing
		}
		out = append(out, &Condition{Condition: condition.Expr, ErrorMessage: message.Expr, Range: b.DefRange})
	}
	return out
}

// references decodes a list of references.
func (d *decoder) references(attr *hcl.Attribute) []hcl.Traversal {
	if attr == nil {
		return nil
	}
	var out []hcl.Traversal
	for _, e := range d.list(attr, "Invalid reference", dependsOnForm) {
		t, diags := hcl.AbsTraversalForExpr(e)
		if diags.HasErrors() {
			d.errorf(e.Range().Ptr(), "Invalid reference", "%q takes %s.", attr.Name, dependsOnForm)
			continue
		}
		out = append(out, t)
	}
	return out
}

const dependsOnForm = "a list of references to blocks, such as [network.web]"

// list splits a list that is written out; form says what belongs there.
func (d *decoder) list(attr *hcl.Attribute, summary, form string) []hcl.Expression {
	exprs, diags := hcl.ExprList(attr.Expr)
	if diags.HasErrors() {
		d.errorf(attr.Expr.Range().Ptr(), summary, "%q takes %s.", attr.Name, form)
	}
	return exprs
}

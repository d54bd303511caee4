package eval

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
)

// listBody lets blocks be given as an argument of their name whose value is a
// list of objects (for labelled blocks: a map of objects by label). It is how a
// stack computes blocks; where a body has the blocks themselves it changes
// nothing.
//
// Without a context it serves to find references: each such argument then looks
// like one block that holds its expression.
type listBody struct {
	hcl.Body
	ctx *hcl.EvalContext
}

// Content implements hcl.Body.
func (b listBody) Content(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Diagnostics) {
	content, diags := b.Body.Content(withArguments(schema))
	return content, append(diags, b.expand(content, schema)...)
}

// PartialContent implements hcl.Body.
func (b listBody) PartialContent(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Body, hcl.Diagnostics) {
	content, rest, diags := b.Body.PartialContent(withArguments(schema))
	return content, listBody{rest, b.ctx}, append(diags, b.expand(content, schema)...)
}

// withArguments adds an optional argument for each type of block.
func withArguments(schema *hcl.BodySchema) *hcl.BodySchema {
	wider := &hcl.BodySchema{Attributes: slices.Clone(schema.Attributes), Blocks: schema.Blocks}
	for _, b := range schema.Blocks {
		if !hasArgument(schema, b.Type) {
			wider.Attributes = append(wider.Attributes, hcl.AttributeSchema{Name: b.Type})
		}
	}
	return wider
}

func hasArgument(schema *hcl.BodySchema, name string) bool {
	return slices.ContainsFunc(schema.Attributes, func(a hcl.AttributeSchema) bool { return a.Name == name })
}

// expand replaces the added arguments by blocks and wraps the nested bodies.
func (b listBody) expand(content *hcl.BodyContent, schema *hcl.BodySchema) hcl.Diagnostics {
	for _, block := range content.Blocks {
		block.Body = listBody{block.Body, b.ctx}
	}
	var diags hcl.Diagnostics
	for _, s := range schema.Blocks {
		attr := content.Attributes[s.Type]
		if attr == nil || hasArgument(schema, s.Type) {
			continue
		}
		delete(content.Attributes, s.Type)
		if b.ctx == nil {
			content.Blocks = append(content.Blocks, blockOf(s, attr, placeholders(s), exprBody{attr.Expr}))
			continue
		}
		v, more := attr.Expr.Value(b.ctx)
		diags = append(diags, more...)
		if !more.HasErrors() {
			blocks, more := blocksFrom(s, attr, v, nil)
			content.Blocks, diags = append(content.Blocks, blocks...), append(diags, more...)
		}
	}
	return diags
}

// blocksFrom makes blocks of a value, one level of maps per label.
func blocksFrom(s hcl.BlockHeaderSchema, attr *hcl.Attribute, v cty.Value, labels []string) (hcl.Blocks, hcl.Diagnostics) {
	v, marks := v.Unmark()
	ty := v.Type()
	keyed := ty.IsMapType() || ty.IsObjectType()
	missing := len(labels) < len(s.LabelNames)
	switch {
	case v.IsNull():
		return nil, nil
	case !v.IsKnown():
		return hcl.Blocks{blockOf(s, attr, append(labels, placeholders(s)[len(labels):]...), unknownBody{exprBody{hcl.StaticExpr(cty.DynamicVal, attr.Expr.Range())}})}, nil
	case missing && keyed:
		var blocks hcl.Blocks
		var diags hcl.Diagnostics
		for it := v.ElementIterator(); it.Next(); {
			key, elem := it.Element()
			more, moreDiags := blocksFrom(s, attr, elem.WithMarks(marks), append(slices.Clone(labels), key.AsString()))
			blocks, diags = append(blocks, more...), append(diags, moreDiags...)
		}
		return blocks, diags
	case missing:
		return nil, hcl.Diagnostics{diag.Errorf(attr.Expr.Range().Ptr(), "Incorrect value type",
			"%q is a block with a label, so as an argument it takes a map of objects by %s.", s.Type, s.LabelNames[len(labels)])}
	case keyed:
		return hcl.Blocks{blockOf(s, attr, labels, valueBody{v.WithMarks(marks), attr.Expr.Range()})}, nil
	case ty.IsListType() || ty.IsSetType() || ty.IsTupleType():
		var blocks hcl.Blocks
		var diags hcl.Diagnostics
		for it := v.ElementIterator(); it.Next(); {
			_, elem := it.Element()
			if plain, _ := elem.Unmark(); !plain.Type().IsObjectType() && !plain.Type().IsMapType() && plain.Type() != cty.DynamicPseudoType {
				return nil, hcl.Diagnostics{notObjects(s, attr)}
			}
			more, moreDiags := blocksFrom(s, attr, elem.WithMarks(marks), labels)
			blocks, diags = append(blocks, more...), append(diags, moreDiags...)
		}
		return blocks, diags
	}
	return nil, hcl.Diagnostics{notObjects(s, attr)}
}

func notObjects(s hcl.BlockHeaderSchema, attr *hcl.Attribute) *hcl.Diagnostic {
	return diag.Errorf(attr.Expr.Range().Ptr(), "Incorrect value type",
		"%q is a block, so as an argument it takes an object or a list of objects.", s.Type)
}

func blockOf(s hcl.BlockHeaderSchema, attr *hcl.Attribute, labels []string, body hcl.Body) *hcl.Block {
	ranges := make([]hcl.Range, len(labels))
	for i := range ranges {
		ranges[i] = attr.NameRange
	}
	return &hcl.Block{Type: s.Type, Labels: labels, LabelRanges: ranges, TypeRange: attr.NameRange, DefRange: attr.NameRange, Body: body}
}

// placeholders stand for labels that are not known.
func placeholders(s hcl.BlockHeaderSchema) []string {
	return slices.Repeat([]string{""}, len(s.LabelNames))
}

// unknownBody is the body of blocks of which not even the number is known; all
// its arguments are there and unknown, so that none is reported as missing.
type unknownBody struct{ exprBody }

// Unknown makes hcldec take the blocks as a whole for unknown.
func (unknownBody) Unknown() bool { return true }

// valueBody is an object seen as a body.
type valueBody struct {
	object cty.Value
	at     hcl.Range
}

// Content implements hcl.Body.
func (b valueBody) Content(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Diagnostics) {
	content, _, diags := b.PartialContent(schema)
	object, _ := b.object.Unmark()
	var names []string
	for _, a := range schema.Attributes {
		names = append(names, a.Name)
	}
	for _, s := range schema.Blocks {
		names = append(names, s.Type)
	}
	for _, name := range slices.Sorted(maps.Keys(object.AsValueMap())) {
		if !slices.Contains(names, name) {
			diags = append(diags, diag.Errorf(b.at.Ptr(), "Unsupported argument", "An argument named %q is not expected here.%s", name, diag.DidYouMean(name, names)))
		}
	}
	return content, diags
}

// PartialContent implements hcl.Body.
func (b valueBody) PartialContent(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Body, hcl.Diagnostics) {
	content := &hcl.BodyContent{Attributes: hcl.Attributes{}, MissingItemRange: b.at}
	object, marks := b.object.Unmark()
	values := object.AsValueMap()
	var diags hcl.Diagnostics
	for _, a := range schema.Attributes {
		v, ok := values[a.Name]
		if !ok || a.Required && v.IsNull() {
			if a.Required {
				diags = append(diags, diag.Errorf(b.at.Ptr(), "Missing required argument", "The argument %q is required, but no definition was found.", a.Name))
			}
			continue
		}
		content.Attributes[a.Name] = b.attribute(a.Name, v.WithMarks(marks))
	}
	for _, s := range schema.Blocks {
		if v, ok := values[s.Type]; ok && !hasArgument(schema, s.Type) {
			blocks, more := blocksFrom(s, b.attribute(s.Type, v), v.WithMarks(marks), nil)
			content.Blocks, diags = append(content.Blocks, blocks...), append(diags, more...)
		}
	}
	return content, hcl.EmptyBody(), diags
}

func (b valueBody) attribute(name string, v cty.Value) *hcl.Attribute {
	return &hcl.Attribute{Name: name, Expr: hcl.StaticExpr(v, b.at), Range: b.at, NameRange: b.at}
}

// JustAttributes implements hcl.Body.
func (b valueBody) JustAttributes() (hcl.Attributes, hcl.Diagnostics) {
	attrs := hcl.Attributes{}
	object, marks := b.object.Unmark()
	for name, v := range object.AsValueMap() {
		attrs[name] = b.attribute(name, v.WithMarks(marks))
	}
	return attrs, nil
}

// MissingItemRange implements hcl.Body.
func (b valueBody) MissingItemRange() hcl.Range { return b.at }

// exprBody pretends that every argument is one and the same expression, so that
// whoever asks for references finds those of the expression.
type exprBody struct{ expr hcl.Expression }

// Content implements hcl.Body.
func (b exprBody) Content(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Diagnostics) {
	content := &hcl.BodyContent{Attributes: hcl.Attributes{}, MissingItemRange: b.expr.Range()}
	for _, a := range schema.Attributes {
		content.Attributes[a.Name] = b.attribute(a.Name)
	}
	for _, s := range schema.Blocks {
		content.Blocks = append(content.Blocks, blockOf(s, b.attribute(s.Type), placeholders(s), b))
	}
	return content, nil
}

// PartialContent implements hcl.Body.
func (b exprBody) PartialContent(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Body, hcl.Diagnostics) {
	content, diags := b.Content(schema)
	return content, hcl.EmptyBody(), diags
}

func (b exprBody) attribute(name string) *hcl.Attribute {
	return &hcl.Attribute{Name: name, Expr: b.expr, Range: b.expr.Range(), NameRange: b.expr.Range()}
}

// JustAttributes implements hcl.Body.
func (b exprBody) JustAttributes() (hcl.Attributes, hcl.Diagnostics) {
	const name = "value" // bodies of free attributes ask for all there are
	return hcl.Attributes{name: b.attribute(name)}, nil
}

// MissingItemRange implements hcl.Body.
func (b exprBody) MissingItemRange() hcl.Range { return b.expr.Range() }

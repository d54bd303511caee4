package yamlbody

import (
	"reflect"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"go.yaml.in/yaml/v4"

	"github.com/moldctl/moldctl/core/spec/nesting"
)

// expression turns a node into an expression of HCL's own syntax tree with
// places in the YAML source.
func (t *text) expression(n *yaml.Node) (hclsyntax.Expression, hcl.Diagnostics) {
	n = follow(n)
	at := t.rangeFor(n)
	var diags hcl.Diagnostics
	switch n.Kind {
	case yaml.SequenceNode:
		tuple := &hclsyntax.TupleConsExpr{SrcRange: at, OpenRange: at}
		for _, child := range n.Content {
			e, more := t.expression(child)
			tuple.Exprs, diags = append(tuple.Exprs, e), append(diags, more...)
		}
		return tuple, diags
	case yaml.MappingNode:
		object := &hclsyntax.ObjectConsExpr{SrcRange: at, OpenRange: at}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, more := t.template(n.Content[i])
			diags = append(diags, more...)
			value, more := t.expression(n.Content[i+1])
			diags = append(diags, more...)
			object.Items = append(object.Items, hclsyntax.ObjectConsItem{KeyExpr: key, ValueExpr: value})
		}
		return object, diags
	}
	if isText(n) {
		return t.template(n)
	}
	v, problem, _ := constant(n.Value)
	if problem != "" {
		return literal(cty.DynamicVal, at), hcl.Diagnostics{ambiguous(n, problem, at)}
	}
	return literal(v, at), nil
}

// template parses a text as an HCL template.
func (t *text) template(n *yaml.Node) (hclsyntax.Expression, hcl.Diagnostics) {
	where := t.scalar(n)
	if n.Kind != yaml.ScalarNode || n.Tag == rawTag {
		return literal(cty.StringVal(n.Value), t.rangeFor(n)), nil
	}
	if d := nesting.Template([]byte(n.Value), t.name); d != nil {
		diags := hcl.Diagnostics{d}
		t.relocateAll(where, diags)
		return literal(cty.DynamicVal, t.rangeFor(n)), diags
	}
	expr, diags := hclsyntax.ParseTemplate([]byte(n.Value), t.name, hcl.InitialPos)
	t.relocateAll(where, diags)
	for _, d := range diags {
		d.Detail += "\nEvery text is a template. A literal ${ is written $${, a literal %{ is written %%{; file(...) reads a whole file, and the tag !raw switches templates off for a text."
	}
	if diags.HasErrors() {
		return literal(cty.DynamicVal, t.rangeFor(n)), diags
	}
	t.relocate(where, reflect.ValueOf(&expr), map[uintptr]bool{})
	return &textExpr{Expression: expr, text: t, node: n, where: where}, diags
}

func literal(v cty.Value, at hcl.Range) hclsyntax.Expression {
	return &hclsyntax.LiteralValueExpr{Val: v, SrcRange: at}
}

// textExpr is a text that means a template, or a bare expression where only
// those make sense: types and references.
type textExpr struct {
	hclsyntax.Expression
	text  *text
	node  *yaml.Node
	where span
}

// Range is that of the whole scalar, quotes included.
func (e *textExpr) Range() hcl.Range { return e.text.rangeFor(e.node) }

// bare parses the text as an expression instead of a template.
func (e *textExpr) bare() (hclsyntax.Expression, hcl.Diagnostics) {
	if wrap, ok := e.Expression.(*hclsyntax.TemplateWrapExpr); ok {
		return wrap.Wrapped, nil // "${x}" means x, wherever it stands
	}
	if d := nesting.Expression([]byte(e.node.Value), e.text.name); d != nil {
		return nil, hcl.Diagnostics{d}
	}
	expr, diags := hclsyntax.ParseExpression([]byte(e.node.Value), e.text.name, hcl.InitialPos)
	e.text.relocateAll(e.where, diags)
	if !diags.HasErrors() {
		e.text.relocate(e.where, reflect.ValueOf(&expr), map[uintptr]bool{})
	}
	return expr, diags
}

// AsTraversal lets hcl.AbsTraversalForExpr read a reference.
func (e *textExpr) AsTraversal() hcl.Traversal {
	expr, diags := e.bare()
	if diags.HasErrors() {
		return nil
	}
	t, diags := hcl.AbsTraversalForExpr(expr)
	if diags.HasErrors() {
		return nil
	}
	return t
}

// ExprCall lets hcl.ExprCall read a type such as list(string).
func (e *textExpr) ExprCall() *hcl.StaticCall {
	expr, diags := e.bare()
	if diags.HasErrors() {
		return nil
	}
	call, diags := hcl.ExprCall(expr)
	if diags.HasErrors() {
		return nil
	}
	return call
}

// ExprList lets hcl.ExprList read a list written as an expression.
func (e *textExpr) ExprList() []hcl.Expression {
	wrap, ok := e.Expression.(*hclsyntax.TemplateWrapExpr)
	if !ok {
		return nil
	}
	list, diags := hcl.ExprList(wrap.Wrapped)
	if diags.HasErrors() {
		return nil
	}
	return list
}

// relocateAll moves diagnostics from a scalar's value to the source.
func (t *text) relocateAll(where span, diags hcl.Diagnostics) {
	for _, d := range diags {
		for _, r := range []**hcl.Range{&d.Subject, &d.Context} {
			if *r != nil {
				from, to := where.at((*r).Start.Byte, (*r).End.Byte)
				moved := t.rangeOf(from, to)
				*r = &moved
			}
		}
	}
}

// relocate moves every range of a syntax tree from a scalar's value to the
// source, so that whatever is made of the tree later has exact places. Nodes
// reached twice are moved once.
func (t *text) relocate(where span, v reflect.Value, done map[uintptr]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || done[v.Pointer()] {
			return
		}
		done[v.Pointer()] = true
		t.relocate(where, v.Elem(), done)
	case reflect.Interface:
		t.relocateInterface(where, v, done)
	case reflect.Slice:
		for i := range v.Len() {
			t.relocate(where, v.Index(i), done)
		}
	case reflect.Struct:
		if r, ok := v.Interface().(hcl.Range); ok {
			from, to := where.at(r.Start.Byte, r.End.Byte)
			v.Set(reflect.ValueOf(t.rangeOf(from, to)))
			return
		}
		if _, ok := v.Interface().(cty.Value); ok {
			return
		}
		for i := range v.NumField() {
			if field := v.Field(i); field.CanSet() {
				t.relocate(where, field, done)
			}
		}
	}
}

// relocateInterface also reaches the structs that traversals hold by value.
func (t *text) relocateInterface(where span, v reflect.Value, done map[uintptr]bool) {
	if v.IsNil() {
		return
	}
	inner := v.Elem()
	if inner.Kind() != reflect.Struct {
		t.relocate(where, inner, done)
		return
	}
	clone := reflect.New(inner.Type()).Elem()
	clone.Set(inner)
	t.relocate(where, clone, done)
	v.Set(clone)
}

// Package eval turns the expressions of a stack into values. It finds what an
// expression refers to, evaluates it in a scope that holds just that, and
// carries sensitivity marks along.
//
// Evaluation is pure: besides the values handed in by a Lookup, only the
// file functions (below the stack's folder) and env reach outside. The package
// imports core/spec and core/diag of this project, never planning or state.
package eval

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec/addr"
)

// Lookup gives the values of named things. A false answer means the thing has
// not been evaluated, which is a mistake of the caller: whatever an expression
// refers to must be there before it is evaluated. Methods may be called from
// several goroutines.
type Lookup interface {
	Variable(name string) (cty.Value, bool)
	Local(name string) (cty.Value, bool)
	Pipeline(name string) (cty.Value, bool)
	// Module returns the outputs of a module as an object, or as a tuple or an
	// object of such if it has count or for_each.
	Module(name string) (cty.Value, bool)
	// ModuleOutput returns one output of a module that has one instance.
	ModuleOutput(name, output string) (cty.Value, bool)
	// Resource returns the value of a whole block, composed as Compose does.
	Resource(a addr.Resource) (cty.Value, bool)
}

// Scope is where expressions are evaluated. It is never changed by evaluation,
// so one Scope may serve many goroutines; WithInstance and WithSelf return
// changed copies.
type Scope struct {
	Names     *Names
	Lookup    Lookup
	Functions map[string]function.Function // see Functions

	instance Instance
	self     cty.Value
}

// WithInstance returns a scope for the body of one instance of a block: its
// each and count.
func (s Scope) WithInstance(i Instance) Scope {
	s.instance = i
	return s
}

// WithSelf returns a scope in which self is v.
func (s Scope) WithSelf(v cty.Value) Scope {
	s.self = v
	return s
}

// Value evaluates an expression and converts the result to want;
// cty.DynamicPseudoType takes any. On errors the value is unknown, so that
// evaluation can go on to find more of them.
func (s Scope) Value(expr hcl.Expression, want cty.Type) (cty.Value, hcl.Diagnostics) {
	ctx, diags := s.Context(expr.Variables())
	if diags.HasErrors() {
		return cty.UnknownVal(want), diags
	}
	v, more := expr.Value(ctx)
	diags = append(diags, more...)
	if more.HasErrors() {
		return cty.UnknownVal(want), diags
	}
	converted, err := convert.Convert(v, want)
	if err != nil {
		return cty.UnknownVal(want), append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Incorrect value type",
			Detail:  fmt.Sprintf("This value does not fit: %s.", err),
			Subject: expr.Range().Ptr(), Expression: expr, EvalContext: ctx,
		})
	}
	if _, found := infinite(converted); found {
		return cty.UnknownVal(want), append(diags, s.explain(expr, infinity, noInfinity))
	}
	return converted, diags
}

// What is said about infinite numbers.
const (
	infinity   = "Division by zero"
	noInfinity = "The result is infinite, and infinity is no value of the stack language."
)

// infinite finds a number that divisions by zero make.
func infinite(v cty.Value) (at cty.Path, found bool) {
	if !numeric(v.Type()) {
		return nil, false
	}
	// The callback returns no error.
	_ = cty.Walk(v, func(path cty.Path, v cty.Value) (bool, error) {
		v, _ = v.Unmark()
		if !found && v.Type() == cty.Number && v.IsKnown() && !v.IsNull() && v.AsBigFloat().IsInf() {
			at, found = path.Copy(), true
		}
		return !found, nil
	})
	return at, found
}

// numeric tells whether values of a type may hold numbers.
func numeric(ty cty.Type) bool {
	switch {
	case ty == cty.Number, ty == cty.DynamicPseudoType:
		return true
	case ty.IsCollectionType():
		return numeric(ty.ElementType())
	case ty.IsTupleType():
		return slices.ContainsFunc(ty.TupleElementTypes(), numeric)
	case ty.IsObjectType():
		for _, attr := range ty.AttributeTypes() {
			if numeric(attr) {
				return true
			}
		}
	}
	return false
}

// Decode evaluates a body by its schema. Blocks may also be given as arguments
// of their name: a list of objects, or for labelled blocks a map of objects.
func (s Scope) Decode(body hcl.Body, schema hcldec.Spec) (cty.Value, hcl.Diagnostics) {
	ctx, diags := s.Context(bodyVariables(body, schema))
	if diags.HasErrors() {
		return cty.UnknownVal(hcldec.ImpliedType(schema)), diags
	}
	v, more := hcldec.Decode(listBody{body, ctx}, schema, ctx)
	if diags = append(diags, more...); diags.HasErrors() {
		return v, diags
	}
	if path, found := infinite(v); found {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: infinity, Detail: noInfinity, Subject: argumentRange(body, path)})
	}
	return v, diags
}

// argumentRange is where the argument stands that a path begins with.
func argumentRange(body hcl.Body, path cty.Path) *hcl.Range {
	name, _ := path[0].(cty.GetAttrStep)
	content, _, _ := body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: name.Name}}})
	if content != nil && content.Attributes[name.Name] != nil {
		return content.Attributes[name.Name].Expr.Range().Ptr()
	}
	return body.MissingItemRange().Ptr()
}

// Context returns an evaluation context that holds what the traversals refer
// to and all functions, so its cost is per reference, not per stack.
func (s Scope) Context(traversals []hcl.Traversal) (*hcl.EvalContext, hcl.Diagnostics) {
	ctx := &hcl.EvalContext{Functions: s.Functions}
	if len(traversals) == 0 {
		return ctx, nil
	}
	refs, diags := s.Names.Resolve(traversals, s.allowed())
	if diags.HasErrors() {
		return ctx, diags
	}
	tree := branch{}
	for _, ref := range refs {
		if d := s.put(tree, ref); d != nil {
			diags = append(diags, d)
		}
	}
	ctx.Variables = map[string]cty.Value{}
	for root, node := range tree {
		ctx.Variables[root] = node.value()
	}
	return ctx, diags
}

func (s Scope) allowed() Allowed {
	return Allowed{
		Each:  s.instance.each(),
		Count: s.instance.counted(),
		Self:  s.self != cty.NilVal,
	}
}

// put adds the value a reference means to the tree of variables.
func (s Scope) put(tree branch, ref Ref) *hcl.Diagnostic {
	var v cty.Value
	var found bool
	path := []string{ref.Traversal.RootName()}
	switch ref.Kind {
	case RefVariable:
		v, found = s.Lookup.Variable(ref.Name)
		path = append(path, ref.Name)
	case RefLocal:
		v, found = s.Lookup.Local(ref.Name)
		path = append(path, ref.Name)
	case RefPipeline:
		v, found = s.Lookup.Pipeline(ref.Name)
		path = append(path, ref.Name)
	case RefModule:
		path = append(path, ref.Name)
		if ref.Output == "" {
			v, found = s.Lookup.Module(ref.Name)
			break
		}
		v, found = s.Lookup.ModuleOutput(ref.Name, ref.Output)
		path = append(path, ref.Output)
	case RefResource:
		v, found = s.Lookup.Resource(ref.Resource)
		if ref.Resource.Mode == addr.Data {
			path = append(path, ref.Resource.Type)
		}
		path = append(path, ref.Resource.Name)
	case RefEach:
		v, found = cty.ObjectVal(map[string]cty.Value{"key": s.instance.Each.Key, "value": s.instance.Each.Value}), true
	case RefCount:
		v, found = cty.ObjectVal(map[string]cty.Value{"index": s.instance.Key.Value()}), true
	case RefSelf:
		v, found = s.self, true
	case RefPath:
		// File names are taken relative to the stack's folder everywhere, so
		// values stay the same on every machine.
		v, found = cty.ObjectVal(map[string]cty.Value{"stack": cty.StringVal(".")}), true
	case RefStack:
		v, found = s.Names.stackValue(), true
	}
	if !found {
		return diag.Bug(ref.Range.Ptr(), "%q was used before it was evaluated.", ref)
	}
	tree.put(path, v)
	return nil
}

// branch is a tree of variables by name; a leaf has a value.
type branch map[string]*branchNode

type branchNode struct {
	leaf cty.Value
	sub  branch
}

func (b branch) put(path []string, v cty.Value) {
	node := b[path[0]]
	if node == nil {
		node = &branchNode{}
		b[path[0]] = node
	}
	if len(path) == 1 {
		node.leaf = v
		return
	}
	if node.sub == nil {
		node.sub = branch{}
	}
	node.sub.put(path[1:], v)
}

func (n *branchNode) value() cty.Value {
	if n.leaf != cty.NilVal { // a whole module holds its single outputs
		return n.leaf
	}
	attrs := make(map[string]cty.Value, len(n.sub))
	for name, node := range n.sub {
		attrs[name] = node.value()
	}
	return cty.ObjectVal(attrs)
}

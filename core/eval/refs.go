package eval

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
)

// RefKind is what kind of thing a reference means.
type RefKind uint8

// The kinds of references.
const (
	RefResource RefKind = iota // a resource or data block, or one instance
	RefVariable
	RefLocal
	RefPipeline
	RefModule // a module, or one output of it
	RefEach
	RefCount
	RefSelf
	RefPath
	RefStack
)

// Ref is a resolved reference.
type Ref struct {
	Kind      RefKind
	Resource  addr.Resource // of a RefResource
	Key       addr.Key      // of a RefResource that names one instance by a constant
	Name      string        // of a RefVariable, RefLocal, RefPipeline or RefModule
	Output    string        // of a RefModule: the output, "" for the module as a whole
	Rest      hcl.Traversal // what follows the thing's name (and key)
	Traversal hcl.Traversal // the whole reference
	Range     hcl.Range
}

// String returns what is referred to, without what follows it.
func (r Ref) String() string {
	switch r.Kind {
	case RefResource:
		return r.Resource.Instance(r.Key).String()
	case RefVariable, RefLocal, RefPipeline, RefModule:
		return r.Traversal.RootName() + "." + r.Name
	}
	return r.Traversal.RootName()
}

// Allowed says which references that depend on the place may be used.
type Allowed struct {
	Each, Count, Self bool
}

// References resolves what an expression refers to.
func (n *Names) References(expr hcl.Expression, allowed Allowed) ([]Ref, hcl.Diagnostics) {
	if expr == nil {
		return nil, nil
	}
	return n.Resolve(expr.Variables(), allowed)
}

// BodyReferences resolves what a body refers to, by its schema.
func (n *Names) BodyReferences(body hcl.Body, schema hcldec.Spec, allowed Allowed) ([]Ref, hcl.Diagnostics) {
	return n.Resolve(bodyVariables(body, schema), allowed)
}

func bodyVariables(body hcl.Body, schema hcldec.Spec) []hcl.Traversal {
	return hcldec.Variables(listBody{Body: body}, schema)
}

// Resolve resolves traversals. What cannot be resolved is left out and
// reported, with near names.
func (n *Names) Resolve(traversals []hcl.Traversal, allowed Allowed) ([]Ref, hcl.Diagnostics) {
	var refs []Ref
	var diags hcl.Diagnostics
	for _, t := range traversals {
		ref, d := n.resolve(t, allowed)
		if d != nil {
			diags = append(diags, d)
			continue
		}
		refs = append(refs, ref)
	}
	return refs, diags
}

func (n *Names) resolve(t hcl.Traversal, allowed Allowed) (Ref, *hcl.Diagnostic) {
	ref := Ref{Traversal: t, Range: t.SourceRange(), Rest: t[1:]}
	switch t.RootName() {
	case "var":
		return named(ref, RefVariable, "variable", n.stack.Variables)
	case "local":
		return named(ref, RefLocal, "local value", n.stack.Locals)
	case "pipeline":
		return named(ref, RefPipeline, "pipeline", n.stack.Pipelines)
	case "each":
		ref.Kind = RefEach
		return placed(ref, allowed.Each, "each", "inside a block that has for_each", "key", "value")
	case "count":
		ref.Kind = RefCount
		return placed(ref, allowed.Count, "count", "inside a block that has count", "index")
	case "self":
		ref.Kind = RefSelf
		return placed(ref, allowed.Self, "self", "in a postcondition")
	case "path":
		ref.Kind = RefPath
		return placed(ref, true, "path", "", "stack")
	case "stack":
		ref.Kind = RefStack
		return placed(ref, true, "stack", "", "name", "version")
	case "cloud":
		return ref, diag.Error(ref.Range.Ptr(), "Invalid reference",
			"A cloud block has no value; its alias is only named in the argument \"cloud\" of a block: cloud = cloud.ALIAS.")
	case "module":
		return n.moduleReference(ref)
	case "output":
		return ref, diag.Error(ref.Range.Ptr(), "Invalid reference",
			"A stack cannot refer to an output of its own. Refer to what the output shows, or put its expression into a local value that both use.")
	case "run", "check":
		return ref, diag.Errorf(ref.Range.Ptr(), "Invalid reference", "Nothing can refer to %q: it has no value.", t.RootName())
	}
	return n.resource(ref)
}

// named resolves var.x, local.x and pipeline.x.
func named[T any](ref Ref, kind RefKind, what string, declared map[string]T) (Ref, *hcl.Diagnostic) {
	root := ref.Traversal.RootName()
	name, ok := attribute(ref.Rest)
	if !ok {
		return ref, diag.Errorf(ref.Range.Ptr(), "Invalid reference", "After %q comes the name of a %s: %s.NAME.", root, what, root)
	}
	if _, ok := declared[name]; !ok {
		return ref, diag.Errorf(ref.Range.Ptr(), "Unknown reference", "No %s is named %q in this stack.%s",
			what, name, diag.DidYouMean(name, slices.Collect(maps.Keys(declared))))
	}
	ref.Kind, ref.Name, ref.Rest = kind, name, ref.Rest[1:]
	return ref, nil
}

// moduleReference resolves module.x and module.x.output. An output is told
// apart only where the module has one instance.
func (n *Names) moduleReference(ref Ref) (Ref, *hcl.Diagnostic) {
	declared := map[string]*spec.Module{}
	for _, m := range n.stack.Modules {
		declared[m.Name] = m
	}
	ref, d := named(ref, RefModule, "module", declared)
	if d != nil {
		return ref, d
	}
	m := declared[ref.Name]
	name, isAttr := attribute(ref.Rest)
	if m.Count != nil || m.ForEach != nil {
		if isAttr {
			return ref, diag.Errorf(ref.Range.Ptr(), "Missing index", "module.%s has several instances: name one, as in module.%[1]s[0] or module.%[1]s[\"KEY\"], or all, as in values(module.%[1]s)[*].", m.Name)
		}
		return ref, nil
	}
	if !isAttr || m.Stack == nil {
		return ref, nil
	}
	if m.Stack.Outputs[name] == nil {
		return ref, diag.Errorf(ref.Range.Ptr(), "Unknown reference", "The module %q has no output %q.%s",
			m.Name, name, diag.DidYouMean(name, slices.Collect(maps.Keys(m.Stack.Outputs))))
	}
	ref.Output, ref.Rest = name, ref.Rest[1:]
	return ref, nil
}

// placed checks the references that exist only in some places and have fixed
// attributes; without attributes, anything may follow.
func placed(ref Ref, allowed bool, root, where string, attributes ...string) (Ref, *hcl.Diagnostic) {
	if !allowed {
		return ref, diag.Errorf(ref.Range.Ptr(), "Invalid reference", "%q means something only %s.", root, where)
	}
	if len(attributes) == 0 {
		return ref, nil
	}
	name, ok := attribute(ref.Rest)
	if !ok || !slices.Contains(attributes, name) {
		return ref, diag.Errorf(ref.Range.Ptr(), "Invalid reference", "%q has the attributes %s.%s", root, diag.List(attributes), diag.DidYouMean(name, attributes))
	}
	return ref, nil
}

func (n *Names) resource(ref Ref) (Ref, *hcl.Diagnostic) {
	if d := n.knownType(ref); d != nil {
		return ref, d
	}
	instance, rest, diags := addr.FromTraversal(ref.Traversal)
	if len(diags) > 0 {
		return ref, diags[0]
	}
	instance.Resource.Module = n.module
	ref.Kind, ref.Resource, ref.Key, ref.Rest = RefResource, instance.Resource, instance.Key, rest
	block := n.resources[instance.Resource]
	if block == nil {
		return ref, n.undeclared(ref)
	}
	if d := keyMatches(ref, block.Count != nil, block.ForEach != nil); d != nil {
		return ref, d
	}
	return ref, n.knownAttribute(ref, block.Count != nil || block.ForEach != nil)
}

// knownType tells a wrong root, which is the likelier mistake, from a block
// that is not declared.
func (n *Names) knownType(ref Ref) *hcl.Diagnostic {
	root := ref.Traversal.RootName()
	if root == "data" {
		return nil
	}
	if _, known := n.managed[root]; known || n.managed == nil {
		return nil
	}
	if slices.ContainsFunc(n.stack.Resources, func(r *spec.Resource) bool { return r.Addr.Mode == addr.Managed && r.Addr.Type == root }) {
		return nil // the unknown type is reported where the block is
	}
	hint := diag.DidYouMean(root, n.roots())
	if len(ref.Rest) == 0 && hint == "" {
		hint = fmt.Sprintf(" If a text is meant, put it in quotes: %q.", root)
	}
	return diag.Errorf(ref.Range.Ptr(), "Unknown reference", "Nothing is called %q: a reference starts with a resource type, or with data, module, var, local, pipeline, each, count, self, path or stack.%s", root, hint)
}

func (n *Names) undeclared(ref Ref) *hcl.Diagnostic {
	var sameType, all []string
	whole := map[string]string{} // by name, for those of the same type
	for _, r := range n.stack.Resources {
		all = append(all, r.Addr.String())
		if r.Addr.Mode == ref.Resource.Mode && r.Addr.Type == ref.Resource.Type {
			sameType = append(sameType, r.Addr.Name)
			whole[r.Addr.Name] = r.Addr.String()
		}
	}
	// Addresses that share the type look alike: only names are compared, and
	// what is offered is what to write.
	near := diag.Suggest(ref.Resource.Name, sameType)
	for i, name := range near {
		near[i] = whole[name]
	}
	hint := diag.Offer(near)
	if hint == "" {
		hint = diag.DidYouMean(ref.Resource.String(), all)
	}
	if hint == "" && n.types(ref.Resource.Mode) != nil {
		if _, known := n.types(ref.Resource.Mode)[ref.Resource.Type]; !known {
			hint = diag.DidYouMean(ref.Resource.Type, slices.Collect(maps.Keys(n.types(ref.Resource.Mode))))
		}
	}
	return diag.Errorf(ref.Range.Ptr(), "Unknown reference", "This stack declares no %s.%s", ref.Resource, hint)
}

// keyMatches checks a constant key against how the block makes its instances.
func keyMatches(ref Ref, counted, each bool) *hcl.Diagnostic {
	_, isInt := ref.Key.Int()
	_, isText := ref.Key.Text()
	r := ref.Resource
	switch {
	case (isInt || isText) && !counted && !each:
		return diag.Errorf(ref.Range.Ptr(), "Invalid index", "%s has neither count nor for_each, so there is just one: write %s without an index.", r, r)
	case isText && counted:
		return diag.Errorf(ref.Range.Ptr(), "Invalid index", "%s has count, so its instances are numbered: %s[0].", r, r)
	case isInt && each:
		return diag.Errorf(ref.Range.Ptr(), "Invalid index", "%s has for_each, so its instances are told apart by text: %s[\"KEY\"].", r, r)
	}
	_, isAttr := attribute(ref.Rest)
	switch {
	case isAttr && ref.Key.IsNone() && counted:
		return diag.Errorf(ref.Range.Ptr(), "Missing index", "%s has count: name one instance, as in %s[0], or all, as in %s[*].", r, r, r)
	case isAttr && ref.Key.IsNone() && each:
		return diag.Errorf(ref.Range.Ptr(), "Missing index", "%s has for_each: name one instance, as in %s[\"KEY\"], or all, as in values(%s)[*].", r, r, r)
	}
	return nil
}

// knownAttribute checks the attribute that follows an instance.
func (n *Names) knownAttribute(ref Ref, many bool) *hcl.Diagnostic {
	ty, ok := n.types(ref.Resource.Mode)[ref.Resource.Type]
	if !ok || !ty.IsObjectType() || (many && ref.Key.IsNone()) {
		return nil
	}
	name, ok := attribute(ref.Rest)
	if !ok || ty.HasAttribute(name) {
		return nil
	}
	return diag.Errorf(ref.Rest[0].(hcl.TraverseAttr).SrcRange.Ptr(), "Unsupported attribute", "The type %q has no attribute %q.%s",
		ref.Resource.Type, name, diag.DidYouMean(name, slices.Collect(maps.Keys(ty.AttributeTypes()))))
}

func attribute(t hcl.Traversal) (string, bool) {
	if len(t) == 0 {
		return "", false
	}
	attr, ok := t[0].(hcl.TraverseAttr)
	return attr.Name, ok
}

package eval

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec"
)

// ResourceReferences resolves everything a resource or data block refers to: in
// its body (by the schema of its type), its meta-arguments and its conditions.
// A nil schema leaves the body out.
func (n *Names) ResourceReferences(r *spec.Resource, schema hcldec.Spec) ([]Ref, hcl.Diagnostics) {
	c := collector{names: n}
	c.expr(r.Count, Allowed{})
	c.expr(r.ForEach, Allowed{})
	inside := Allowed{Each: r.ForEach != nil, Count: r.Count != nil}
	if schema != nil {
		c.add(n.BodyReferences(r.Body, schema, inside))
	}
	c.dependsOn(r.DependsOn)
	for _, e := range r.Lifecycle.ReplaceTriggeredBy {
		c.expr(e, inside)
	}
	c.conditions(r.Lifecycle.Preconditions, inside)
	inside.Self = true
	c.conditions(r.Lifecycle.Postconditions, inside)
	return c.refs, c.diags
}

// OutputReferences resolves everything an output refers to.
func (n *Names) OutputReferences(o *spec.Output) ([]Ref, hcl.Diagnostics) {
	c := collector{names: n}
	c.expr(o.Value, Allowed{})
	c.dependsOn(o.DependsOn)
	c.conditions(o.Preconditions, Allowed{})
	return c.refs, c.diags
}

// LocalReferences resolves everything a local value refers to.
func (n *Names) LocalReferences(l *spec.Local) ([]Ref, hcl.Diagnostics) {
	return n.References(l.Expr, Allowed{})
}

// ModuleReferences resolves what the instances of a module rest on and wait
// for: count or for_each, and depends_on.
func (n *Names) ModuleReferences(m *spec.Module) (instances, waits []Ref, diags hcl.Diagnostics) {
	c := collector{names: n}
	c.expr(m.Count, Allowed{})
	c.expr(m.ForEach, Allowed{})
	w := collector{names: n}
	w.dependsOn(m.DependsOn)
	return c.refs, w.refs, append(c.diags, w.diags...)
}

// collector gathers references from several places of one block.
type collector struct {
	names *Names
	refs  []Ref
	diags hcl.Diagnostics
}

func (c *collector) add(refs []Ref, diags hcl.Diagnostics) {
	c.refs, c.diags = append(c.refs, refs...), append(c.diags, diags...)
}

func (c *collector) expr(e hcl.Expression, allowed Allowed) { c.add(c.names.References(e, allowed)) }

func (c *collector) conditions(list []*spec.Condition, allowed Allowed) {
	for _, condition := range list {
		c.expr(condition.Condition, allowed)
		c.expr(condition.ErrorMessage, allowed)
	}
}

// dependsOn takes only references to whole blocks or instances.
func (c *collector) dependsOn(traversals []hcl.Traversal) {
	refs, diags := c.names.Resolve(traversals, Allowed{})
	c.diags = append(c.diags, diags...)
	for _, ref := range refs {
		whole := ref.Kind == RefResource || ref.Kind == RefPipeline || ref.Kind == RefModule && ref.Output == ""
		if !whole || len(ref.Rest) > 0 {
			c.diags = append(c.diags, diag.Errorf(ref.Range.Ptr(), "Invalid reference",
				"\"depends_on\" takes whole blocks, such as network.web, and %s is none.", diag.Traversal(ref.Traversal)))
			continue
		}
		c.refs = append(c.refs, ref)
	}
}

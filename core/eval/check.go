package eval

import (
	"maps"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"

	"github.com/moldctl/moldctl/core/spec"
)

// With returns names that know one block more: the data block of a check,
// which nothing else may refer to.
func (n *Names) With(r *spec.Resource) *Names {
	if r == nil {
		return n
	}
	more := *n
	more.resources = maps.Clone(n.resources)
	more.resources[r.Addr] = r
	return &more
}

// CheckReferences resolves everything a check refers to. The schema is that of
// its data block's type; nil leaves that block's body out.
func (n *Names) CheckReferences(c *spec.Check, schema hcldec.Spec) ([]Ref, hcl.Diagnostics) {
	inside := collector{names: n.With(c.Data)}
	inside.conditions(c.Asserts, Allowed{})
	if c.Data != nil {
		inside.add(n.ResourceReferences(c.Data, schema))
	}
	return inside.refs, inside.diags
}

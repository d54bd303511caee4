package plan

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/spec/addr"
	"github.com/moldctl/moldctl/core/state"
)

// Recall gives the blocks the values that the state holds. What is not there
// yet, and what is only looked up, is not known.
func (c *Config) Recall(snap *state.Snapshot) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, r := range c.blocks() {
		t := c.types[r.Addr.Type]
		if t == nil {
			continue // reported with the references
		}
		if r.Count != nil || r.ForEach != nil {
			c.Expanded(r.Addr)
			continue
		}
		ty := t.ImpliedType()
		if r.Addr.Mode == addr.Data {
			ty = t.DataImpliedType()
		}
		c.Set(r.Addr.Instance(addr.NoKey()), cty.UnknownVal(ty))
	}
	for key, row := range snap.Objects {
		inst, err := addr.ParseInstance(key.Addr)
		if err != nil {
			diags = append(diags, diag.FromError("Stored address cannot be read", err)...)
			continue
		}
		t := c.types[row.Type]
		if key.Deposed != "" || t == nil || c.block(inst.Resource) == nil {
			continue
		}
		if row.SchemaVersion < t.Schema && t.Upgrade && len(row.Values) > 0 {
			c.Set(inst, cty.UnknownVal(t.ImpliedType())) // only code can read it; the next run has it do so
			continue
		}
		if row.SchemaVersion < t.Schema {
			if row, err = upgraded(t, row); err != nil {
				diags = append(diags, diag.FromError("Stored values cannot be read", err)...)
				continue
			}
		}
		v, err := DecodeValues(t, row.Values, row.SensitivePaths)
		if err != nil {
			diags = append(diags, diag.FromError("Stored values cannot be read", err)...)
			continue
		}
		if !v.IsNull() {
			c.Set(inst, v)
		}
	}
	return diags
}

// Evaluate evaluates an expression that stands outside of all blocks.
func (c *Config) Evaluate(expr hcl.Expression) (cty.Value, hcl.Diagnostics) {
	refs, diags := c.names.References(expr, eval.Allowed{})
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	// Locals and pipelines may lead to more than the expression names; what is
	// wrong with them was said when the stack was checked.
	w := &walker{c: c}
	if _, diags = w.follow(refs); diags.HasErrors() {
		return cty.NilVal, diags
	}
	return c.scope.Value(expr, cty.DynamicPseudoType)
}

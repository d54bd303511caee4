package plan

import (
	"context"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
)

// checkReferences finds what the checks refer to that is not there.
func (w *walker) checkReferences() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, check := range w.c.Stack.Checks {
		var schema hcldec.Spec
		if check.Data != nil {
			if d := w.c.unknownType(check.Data); d != nil {
				diags = append(diags, d)
				continue
			}
			schema = w.c.decoder(check.Data)
		}
		refs, more := w.c.names.CheckReferences(check, schema)
		diags = append(diags, more...)
		_, more = w.follow(refs)
		diags = append(diags, more...)
	}
	return diags
}

// RunChecks evaluates the checks of the stack and its modules and counts those
// that fail.
func (c *Config) RunChecks(ctx context.Context, f Finder) (failed int, diags hcl.Diagnostics) {
	for _, part := range c.root.parts {
		for _, check := range part.Stack.Checks {
			held, more := part.Check(ctx, f, check)
			diags = append(diags, more...)
			if !held {
				failed++
			}
		}
	}
	return failed, diags
}

// Check evaluates a check on what is known: its data block is looked up, then
// its assertions. Everything that does not hold, or cannot be found out, comes
// back as warnings; the answer tells whether there was any.
func (c *Config) Check(ctx context.Context, f Finder, check *spec.Check) (bool, hcl.Diagnostics) {
	scope := c.scope
	if check.Data != nil {
		v, diags := c.checkData(ctx, f, check.Data)
		if diags.HasErrors() {
			return false, warnings(diags)
		}
		scope.Names = c.names.With(check.Data)
		scope.Lookup = withOne{Config: c, addr: check.Data.Addr, value: v}
	}
	var diags hcl.Diagnostics
	for _, assert := range check.Asserts {
		met, message, more := scope.Holds(assert)
		diags = append(diags, more...)
		if !met && !more.HasErrors() {
			d := scope.Failed(assert, "Check failed", message)
			diags = append(diags, diag.WithAddress(d, "check."+check.Name))
		}
	}
	return len(diags) == 0, warnings(diags)
}

func (c *Config) checkData(ctx context.Context, f Finder, r *spec.Resource) (cty.Value, hcl.Diagnostics) {
	config, diags := c.Decode(r, Each{})
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	if !config.IsWhollyKnown() {
		return cty.NilVal, append(diags, diag.Errorf(&r.Range, "Check cannot be made", "What %s is looked up by is not known.", r.Addr))
	}
	v, more := Lookup(ctx, f, c.types[r.Addr.Type], r.Cloud, config, &r.Range)
	return v, append(diags, more...)
}

// warnings makes every diagnostic a warning.
func warnings(diags hcl.Diagnostics) hcl.Diagnostics {
	out := make(hcl.Diagnostics, len(diags))
	for i, d := range diags {
		clone := *d
		clone.Severity = hcl.DiagWarning
		out[i] = &clone
	}
	return out
}

// withOne is a Config that knows one block more.
type withOne struct {
	*Config
	addr  addr.Resource
	value cty.Value
}

// Resource returns the value of a whole block.
func (w withOne) Resource(a addr.Resource) (cty.Value, bool) {
	if a == w.addr {
		return w.value, true
	}
	return w.Config.Resource(a)
}

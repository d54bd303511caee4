package apply

import (
	"context"
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

// Action is something to do with one object of the state.
type Action struct {
	Stack     string
	Type      *pluginspec.Type
	Object    *state.Object
	Name      string
	Arguments map[string]string
}

// Act carries out an action of an object's type, journaled like any change, and
// writes down what the object is like afterwards.
func Act(ctx context.Context, a Action, deps Deps) hcl.Diagnostics {
	r := &runner{deps: deps, plan: &plan.Plan{Stack: a.Stack}, rows: map[state.Key]*state.Object{}, named: map[string]bool{}}
	prior, err := plan.DecodeValues(a.Type, a.Object.Values, a.Object.SensitivePaths)
	if err != nil {
		return diag.FromError("Stored values cannot be read", err)
	}
	s := &plan.Step{Key: a.Object.Key, Type: a.Type, Cloud: a.Object.Cloud, Action: plan.Act, Object: a.Object, Prior: prior, Planned: prior}
	o, err := r.open(ctx, s, prior)
	if err != nil {
		return diag.FromError("State cannot be written", err)
	}
	o.action, o.arguments = a.Name, a.Arguments
	result, err := o.call(ctx, prior, prior)
	if err != nil {
		return o.broke(err)
	}
	diags := plan.Problems(result.GetDiagnostics(), nil, nil)
	row, more := o.after(result, diags.HasErrors())
	return append(append(diags, more...), o.commit(ctx, row)...)
}

// after is the object's row after an action.
func (o *operation) after(result *wire.Result, failed bool) (*state.Object, hcl.Diagnostics) {
	t := o.step.Type
	row := *o.row
	if private := result.GetPrivate(); len(private) > 0 {
		row.Private = private
	}
	if failed && plan.HasOpen(o.known()) { // what the cloud refused leaves nothing to be found out
		row = *o.left(o.row.Status, nil)
	}
	if result.GetStatus() == wire.Result_GONE {
		return nil, nil
	}
	if result.GetStatus() == wire.Result_TAINTED {
		row.Status = state.Tainted
	}
	if result.GetValue() == nil {
		return &row, nil
	}
	value, err := wire.UnmarshalValue(result.GetValue(), t.ImpliedType())
	if err == nil && (value.IsNull() || !value.IsWhollyKnown()) {
		err = fmt.Errorf("it is not wholly known")
	}
	if err != nil {
		return &row, hcl.Diagnostics{diag.Errorf(nil, "Invalid answer of a plugin",
			"The plugin %q described %s in a way its own schema does not allow (%v). This is a bug in the plugin.", t.Plugin, o.row.Addr, err)}
	}
	value = o.step.Respell(o.step.Prior, value)
	if row.Values, row.SensitivePaths, err = plan.EncodeValues(t, plan.MarkAs(t, value, o.step.Prior)); err != nil {
		return &row, diag.FromError("Values cannot be stored", fmt.Errorf("%s: %w", o.row.Addr, err))
	}
	return &row, nil
}

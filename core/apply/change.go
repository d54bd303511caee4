package apply

import (
	"context"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/wire"
)

// change creates or updates an object.
func (r *runner) change(ctx context.Context, s *plan.Step) (string, hcl.Diagnostics) {
	planned, diags := r.complete(ctx, s)
	if diags.HasErrors() {
		return "", diags
	}
	var before []state.Entry
	if s.Depose {
		before = append(before, state.Move{From: s.Key, To: state.Key{Addr: s.Key.Addr, Deposed: s.DeposedAs}})
	}
	o, err := r.open(ctx, s, planned, before...)
	if err != nil {
		return "", append(diags, diag.FromError("State cannot be written", err)...)
	}
	result, err := o.call(ctx, s.Exists(), planned)
	if err != nil {
		return "", append(diags, o.broke(err)...)
	}
	diags = append(diags, r.said(s, result)...)
	value, more := r.result(s, planned, result)
	diags = append(diags, more...)
	row, more := r.outcome(o, s, planned, value, result, diags.HasErrors())
	diags = append(diags, more...)
	diags = append(diags, o.commit(ctx, row)...)
	if diags.HasErrors() {
		return "", diags
	}
	if row == nil {
		return "", append(diags, diag.Errorf(&s.Block.Range, "Object was not made",
			"The plugin %q ended the %s of %s without an error and without an object. This is a bug in the plugin.", s.Type.Plugin, s.Action, s.Key.Addr))
	}
	if row.Status == state.Tainted {
		return r.again(ctx, s, row, value, diags)
	}
	r.config.Set(s.Instance, value)
	return row.ID, append(diags, r.config.Of(s.Block).Conditions(s.Block.Lifecycle.Postconditions, s.Each, value, "Postcondition failed")...)
}

// again replaces an object that an interrupted run made and that turned out to
// be unusable: a key pair whose private key went with the lost answer. Any
// other unusable object is left to the next plan.
func (r *runner) again(ctx context.Context, s *plan.Step, row *state.Object, value cty.Value, diags hcl.Diagnostics) (string, hcl.Diagnostics) {
	if s.Object == nil || len(s.Object.Pending) == 0 {
		return "", append(diags, diag.Errorf(&s.Block.Range, "Object is unusable",
			"%s exists but cannot be used. The next apply replaces it.", s.Key.Addr))
	}
	remove := *s
	remove.Action, remove.Prior, remove.Object = plan.Delete, value, row
	if more := r.remove(ctx, &remove); more.HasErrors() {
		return "", append(diags, more...)
	}
	return r.change(ctx, s.Anew())
}

// complete evaluates what was not known when the plan was made.
func (r *runner) complete(ctx context.Context, s *plan.Step) (cty.Value, hcl.Diagnostics) {
	subject := &s.Block.Range
	diags := r.config.Of(s.Block).Conditions(s.Block.Lifecycle.Preconditions, s.Each, cty.NilVal, "Precondition failed")
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	if s.Configured() {
		return s.Planned, diags
	}
	cloud, more := r.resolver.Cloud(ctx, r.deps.Host, s.Type, s.Cloud, subject)
	diags = append(diags, more...)
	if more.HasErrors() {
		return cty.NilVal, diags
	}
	config, more := plan.Configure(ctx, r.config, r.resolver, s.Block, s.Each, s.Type, cloud)
	diags = append(diags, more...)
	if more.HasErrors() {
		return cty.NilVal, diags
	}
	if !config.IsWhollyKnown() {
		// A local value that could not be evaluated is one that is not known.
		if wrong := r.config.Problems(); wrong.HasErrors() {
			return cty.NilVal, append(diags, wrong...)
		}
	}
	lookups, more := r.resolver.ResolveAll(ctx, s.Cloud, s.Type, config, s.Block.Body, subject)
	diags = append(diags, more...)
	if more.HasErrors() {
		return cty.NilVal, diags
	}
	for path, found := range lookups {
		if _, planned := s.Lookups[path]; !planned {
			s.Lookups[path] = found
		}
	}
	planned, departures := s.Complete(config)
	for _, path := range departures {
		diags = append(diags, diag.Errorf(subject, "Value changed since the plan",
			"%s of %s is not what the plan showed. This is a bug in moldctl.", path, s.Key.Addr))
	}
	return planned, diags
}

// said turns the plugin's words into diagnostics about the step's block.
func (r *runner) said(s *plan.Step, result *wire.Result) hcl.Diagnostics {
	if s.Block == nil {
		return plan.Problems(result.GetDiagnostics(), nil, nil)
	}
	return plan.Problems(result.GetDiagnostics(), &s.Block.Range, s.Block.Body)
}

// result reads the value that the plugin answered with, in the user's
// spelling and with the plan's sensitivity.
func (r *runner) result(s *plan.Step, planned cty.Value, result *wire.Result) (cty.Value, hcl.Diagnostics) {
	if result.GetValue() == nil {
		return cty.NullVal(s.Type.ImpliedType()), nil
	}
	value, err := wire.UnmarshalValue(result.GetValue(), s.Type.ImpliedType())
	if err != nil || value.IsNull() || !value.IsWhollyKnown() {
		return cty.NullVal(s.Type.ImpliedType()), hcl.Diagnostics{diag.Errorf(&s.Block.Range, "Invalid answer of a plugin",
			"The plugin %q described %s in a way its own schema does not allow (%v). This is a bug in the plugin.", s.Type.Plugin, s.Key.Addr, err)}
	}
	value = s.Respell(planned, value)
	var diags hcl.Diagnostics
	// A prune takes away what the object's own values may list.
	if result.GetStatus() == wire.Result_OK && s.Action != plan.Prune {
		for _, path := range s.Departures(planned, value) {
			diags = append(diags, diag.Warningf(&s.Block.Range, "Value is not as planned",
				"The plugin %q left %s of %s other than planned. This is a bug in the plugin.", s.Type.Plugin, path, s.Key.Addr))
		}
	}
	return plan.MarkAs(s.Type, value, planned), diags
}

// outcome decides what the state holds after the operation.
func (r *runner) outcome(o *operation, s *plan.Step, planned, value cty.Value, result *wire.Result, failed bool) (*state.Object, hcl.Diagnostics) {
	kept := value
	if kept.IsNull() && s.Action == plan.Create {
		kept = planned
	}
	var data []byte
	var diags hcl.Diagnostics
	if !kept.IsNull() {
		encoded, sensitive, err := plan.EncodeValues(s.Type, kept)
		if err != nil {
			return o.left(state.Partial, nil), diag.FromError("Values cannot be stored", err)
		}
		data, o.row.SensitivePaths = encoded, sensitive
	}
	if private := result.GetPrivate(); len(private) > 0 {
		o.row.Private = private
	}
	if id := idOf(value); id != "" {
		o.row.ID = id
	}
	switch {
	case result.GetStatus() == wire.Result_OK && !failed:
		row := *o.row
		row.Status, row.Values, row.Pending, row.PendingAction = state.OK, data, nil, ""
		prints, err := plan.Prints(s.Type, planned, r.deps.Fingerprint)
		if err != nil {
			return o.left(state.Partial, data), diag.FromError("Values cannot be stored", err)
		}
		row.Prints = prints
		if r.prunes[s.Key] {
			// Until the prune has run, the next plan makes up for it.
			row.PendingAction = string(plan.Prune)
		}
		return &row, nil
	case result.GetStatus() == wire.Result_TAINTED:
		return o.left(state.Tainted, data), nil
	case result.GetStatus() == wire.Result_GONE && !o.traces():
		return nil, nil
	case s.Action == plan.Create && o.row.ID == "" && !plan.MayExist(o.known()) && len(o.row.Private) == 0:
		return nil, nil
	case s.Action == plan.Update && s.Object != nil:
		return o.left(s.Object.Status, data), diags
	}
	return o.left(state.Partial, data), diags
}

func idOf(v cty.Value) string {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() || !v.Type().IsObjectType() || !v.Type().HasAttribute("id") {
		return ""
	}
	id, _ := v.GetAttr("id").Unmark()
	if id.IsNull() || !id.IsKnown() || id.Type() != cty.String {
		return ""
	}
	return id.AsString()
}

// remove deletes an object.
func (r *runner) remove(ctx context.Context, s *plan.Step) hcl.Diagnostics {
	s = r.current(s)
	o, err := r.open(ctx, s, cty.NullVal(s.Type.ImpliedType()))
	if err != nil {
		return diag.FromError("State cannot be written", err)
	}
	result, err := o.call(ctx, s.Prior, cty.NullVal(s.Type.ImpliedType()))
	if err != nil {
		return o.broke(err)
	}
	diags := r.said(s, result)
	switch result.GetStatus() {
	case wire.Result_OK, wire.Result_GONE:
		if !diags.HasErrors() {
			return append(diags, o.commit(ctx, nil)...)
		}
	}
	if private := result.GetPrivate(); len(private) > 0 {
		o.row.Private = private
	}
	if result.GetStatus() == wire.Result_PARTIAL && !diags.HasErrors() && len(diags) > 0 {
		r.mu.Lock()
		r.waiting[s.Key] = true
		r.mu.Unlock()
		return append(diags, o.commit(ctx, o.left(state.Waiting, nil))...)
	}
	if !diags.HasErrors() {
		diags = append(diags, diag.Errorf(nil, "Object was not deleted", "The plugin %q ended the delete of %s without an error and without deleting it. This is a bug in the plugin.", s.Type.Plugin, s.Key.Addr))
	}
	return append(diags, o.commit(ctx, o.left(o.row.Status, nil))...)
}

// current takes the row as it is now: an update may have come before.
func (r *runner) current(s *plan.Step) *plan.Step {
	r.mu.Lock()
	defer r.mu.Unlock()
	row, ok := r.rows[s.Key]
	if !ok || row == s.Object {
		return s
	}
	copied := *s
	copied.Object = row
	return &copied
}

// prune clears away what an update left behind.
func (r *runner) prune(ctx context.Context, s *plan.Step) hcl.Diagnostics {
	s = r.current(s)
	prior, err := plan.DecodeValues(s.Type, s.Object.Values, s.Object.SensitivePaths)
	if err != nil {
		return diag.FromError("Stored values cannot be read", err)
	}
	o, err := r.open(ctx, s, cty.NullVal(s.Type.ImpliedType()))
	if err != nil {
		return diag.FromError("State cannot be written", err)
	}
	result, err := o.call(ctx, prior, prior)
	if err != nil {
		return o.broke(err)
	}
	diags := r.said(s, result)
	value, more := r.result(s, prior, result)
	diags = append(diags, more...)
	row := o.left(o.row.Status, nil)
	if private := result.GetPrivate(); len(private) > 0 {
		row.Private = private
	}
	if !value.IsNull() {
		if row.Values, row.SensitivePaths, err = plan.EncodeValues(s.Type, value); err != nil {
			return append(diags, diag.FromError("Values cannot be stored", fmt.Errorf("%s: %w", s.Key.Addr, err))...)
		}
	}
	if result.GetStatus() == wire.Result_OK && !diags.HasErrors() {
		row.Pending, row.PendingAction = nil, ""
	}
	return append(diags, o.commit(ctx, row)...)
}

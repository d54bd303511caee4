package apply

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/wire"
)

// operation is one change of one object under way: the journal the plugin's
// calls go through.
type operation struct {
	runner *runner
	step   *plan.Step
	id     string
	row    *state.Object // what the object's row is when the operation ends well, without values

	action    string // of plan.Act
	arguments map[string]string

	mu    sync.Mutex
	calls []state.Call
}

// Intent makes an announced call durable before it is sent.
func (o *operation) Intent(ctx context.Context, call *wire.Call) error { return o.put(ctx, call) }

// Checkpoint makes durable what the cloud named.
func (o *operation) Checkpoint(ctx context.Context, call *wire.Call) error { return o.put(ctx, call) }

// Progress tells the observer what goes on.
func (o *operation) Progress(text string) {
	o.runner.observe(Event{Kind: Progress, Step: o.step, Text: text})
}

func (o *operation) put(ctx context.Context, wired *wire.Call) error {
	call := plan.CallFromWire(wired)
	// What the cloud has named is recorded even while the run is being
	// cancelled: it is the only trace of it.
	if err := o.runner.deps.Session.Append(context.WithoutCancel(ctx), state.PutCall{Operation: o.id, Call: call}); err != nil {
		return err
	}
	if call.ID != "" {
		o.runner.mu.Lock()
		o.runner.named[call.ID] = true
		o.runner.mu.Unlock()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.calls {
		if o.calls[i].Key == call.Key {
			o.calls[i] = call
			return nil
		}
	}
	o.calls = append(o.calls, call)
	return nil
}

// open begins an operation durably.
func (r *runner) open(ctx context.Context, s *plan.Step, planned cty.Value, before ...state.Entry) (*operation, error) {
	o := &operation{runner: r, step: s, id: uuid.NewString()}
	o.row = r.template(s, o.id)
	begin := state.Begin{Operation: state.Operation{
		ID: o.id, Key: o.row.Key, Action: string(s.Action), Type: s.Type.Name, Cloud: s.Cloud, Started: time.Now(), Object: o.row,
	}}
	if !planned.IsNull() {
		data, sensitive, err := plan.EncodeValues(s.Type, planned)
		if err != nil {
			return nil, err
		}
		begin.Operation.Planned, o.row.SensitivePaths = data, sensitive
	}
	return o, r.deps.Session.Append(ctx, append(before, begin)...)
}

// template is the row of the step's object as far as it is known beforehand.
func (r *runner) template(s *plan.Step, operation string) *state.Object {
	row := &state.Object{Key: s.Key, Type: s.Type.Name, CreatedOperation: operation}
	if s.Object != nil {
		copied := *s.Object
		row = &copied
		row.Key = s.Key
	}
	row.Cloud, row.Plugin, row.SchemaVersion = s.Cloud, s.Type.Plugin, s.Type.Schema
	if s.Block != nil && s.Action != plan.Delete {
		s.Describe(row)
	}
	return row
}

var ops = map[plan.Action]wire.Op{
	plan.Create: wire.Op_CREATE, plan.Update: wire.Op_UPDATE, plan.Delete: wire.Op_DELETE, plan.Prune: wire.Op_PRUNE, plan.Act: wire.Op_ACT,
}

// call sends the operation to its plugin.
func (o *operation) call(ctx context.Context, prior, planned cty.Value) (*wire.Result, error) {
	s := o.step
	limit, bounded := o.limit()
	tooLong := fmt.Errorf("the %s took longer than its timeout of %s", s.Action, limit)
	if bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, tooLong)
		defer cancel()
	}
	began := time.Now()
	if ended := o.settle(ctx); ended != nil {
		return ended, nil
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	start := &wire.Start{
		Op: ops[s.Action], Type: s.Type.Name, Address: s.Key.Addr, Operation: o.id, Cloud: s.Cloud,
		Private: o.row.Private, Lookups: plan.Objects(s.Lookups), Timeouts: o.row.Timeouts, Stack: o.runner.plan.Stack,
		Action: o.action, Arguments: o.arguments,
	}
	for _, c := range o.row.Pending {
		start.Resume = append(start.Resume, plan.CallToWire(c))
	}
	var err error
	if !prior.IsNull() {
		if start.Prior, err = plan.Marshal(s.Type, prior); err != nil {
			return nil, err
		}
	}
	if !planned.IsNull() {
		if start.Planned, err = plan.Marshal(s.Type, planned); err != nil {
			return nil, err
		}
	}
	result, err := o.runner.deps.Host.Apply(ctx, start, o)
	// The plugin hears of the end a moment earlier, and knows only that its time is up: it may end the stream then.
	late := bounded && time.Since(began) > limit-plan.ClockSlack
	switch cause := context.Cause(ctx); {
	case err == nil:
	case cause != nil && !errors.Is(cause, context.Canceled):
		return nil, cause
	case cause == nil && late:
		return nil, tooLong
	}
	if late && err == nil && wire.Failed(result.GetDiagnostics()) {
		result.Diagnostics = append(result.Diagnostics, wire.Failure("", "Timeout", fmt.Sprintf("The %s took longer than its timeout of %s. "+
			"What the cloud was asked for goes on there, and the next run takes it up. The timeouts block can give it longer.", s.Action, limit)))
	}
	return result, err
}

// limit is how long the stack lets the step take, if it says so.
func (o *operation) limit() (time.Duration, bool) {
	d, err := time.ParseDuration(o.row.Timeouts[string(o.step.Action)])
	return d, err == nil
}

// left is the row of an object whose operation did not end well: everything
// that is known to exist, and every call to be taken up or settled.
func (o *operation) left(status state.Status, values []byte) *state.Object {
	o.mu.Lock()
	defer o.mu.Unlock()
	row := *o.row
	row.Pending = plan.MergeCalls(row.Pending, o.calls)
	row.PendingAction = string(o.step.Action)
	row.Status = status
	if values != nil {
		row.Values = values
	}
	if o.step.Action == plan.Create && row.ID == "" {
		for _, c := range row.Pending {
			switch {
			case c.Key != "create":
			case c.State == state.CallDone:
				row.ID = c.ID
			case c.State == state.CallFailed && c.ID != "":
				row.ID, row.Status = c.ID, state.Tainted // if the cloud has kept it
			}
		}
	}
	return &row
}

// traces tells whether anything is known to exist because of the operation, or
// how that stands is not known.
func (o *operation) traces() bool {
	for _, c := range o.known() {
		if c.State == state.CallOpen || c.State == state.CallDone {
			return true
		}
	}
	return false
}

// known are the operation's calls and those of interrupted ones before it.
func (o *operation) known() []state.Call {
	o.mu.Lock()
	defer o.mu.Unlock()
	return plan.MergeCalls(o.row.Pending, o.calls)
}

// commit ends the operation durably; a nil row removes the object.
func (o *operation) commit(ctx context.Context, row *state.Object) hcl.Diagnostics {
	if row != nil {
		row.UpdatedAt = time.Now()
	}
	err := o.runner.deps.Session.Append(context.WithoutCancel(ctx), state.Commit{Operation: o.id, Key: o.row.Key, Object: row})
	if err != nil {
		return hcl.Diagnostics{diag.Errorf(nil, "State cannot be written",
			"What was done to %s could not be recorded: %v. Its calls were recorded before they were sent, so the next run finds what they made.", o.step.Key.Addr, err)}
	}
	o.runner.mu.Lock()
	defer o.runner.mu.Unlock()
	if row == nil {
		delete(o.runner.rows, o.row.Key)
		return nil
	}
	o.runner.rows[row.Key] = row
	return nil
}

// broke says that an operation ended without a result. It stays open in the
// journal, and the next run settles it.
func (o *operation) broke(err error) hcl.Diagnostics {
	var subject *hcl.Range
	if o.step.Block != nil {
		subject = &o.step.Block.Range
	}
	var cloud *pluginhost.CloudError
	if errors.As(err, &cloud) {
		return diag.FromError("Cloud cannot be used", err)
	}
	if errors.Is(err, context.Canceled) {
		return hcl.Diagnostics{diag.Errorf(subject, "Interrupted",
			"The %s of %s was interrupted. What it has done so far is recorded; the next apply takes it up.", o.step.Action, o.step.Key.Addr)}
	}
	return hcl.Diagnostics{diag.Errorf(subject, "Operation broke off",
		"The %s of %s ended without a result: %v. What it has done so far is recorded; run apply again to finish it.", o.step.Action, o.step.Key.Addr, err)}
}

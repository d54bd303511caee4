package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core"
	"github.com/moldctl/moldctl/core/apply"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/plan/render"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// lockWait is how long a run waits for the one before it to let the state go.
const lockWait = 30 * time.Second

// run is one engine at work on one text.
type run struct {
	*core.Engine
	w *world
}

// open loads a text and opens its state.
func (w *world) open(ctx context.Context, text string) (*run, error) {
	path := filepath.Join(w.dir, "stack", "spec.hcl")
	if err := os.WriteFile(path, []byte(w.withBlock(text)), 0o600); err != nil {
		return nil, fmt.Errorf("write the stack: %w", err)
	}
	e, diags := core.Load(core.Settings{
		Path: path, Plugins: w.sources(), Parallelism: 10, Home: w.dir, LockWait: lockWait, Conclusive: true,
		Getenv:    func(string) (string, bool) { return "", false },
		PluginLog: func(name, line string) { w.tell(name + ": " + line) },
		Embedded: func(context.Context) (core.EmbeddedCloud, error) {
			keys, _ := w.cloud.Keys(w.account)
			return core.EmbeddedCloud{Endpoint: w.cloud.Endpoint(), APIKey: keys.APIKey, SecretKey: keys.SecretKey}, nil
		},
	})
	r := &run{e, w}
	if !diags.HasErrors() {
		diags = append(diags, e.Open(ctx, core.Access{Write: true, Holder: "conformance"})...)
	}
	if diags.HasErrors() {
		err := r.failed(diags)
		if e.Host != nil {
			err = errors.Join(err, e.Close())
		}
		return nil, err
	}
	return r, nil
}

// failed is the errors of diagnostics, with their places in the text.
func (r *run) failed(diags hcl.Diagnostics) error {
	if len(diags) == 0 {
		return nil
	}
	text := saying(diags, r.Files())
	r.w.tell(text)
	if !diags.HasErrors() {
		return nil
	}
	return errors.New(text)
}

// look makes a plan.
func (r *run) look(ctx context.Context) (*plan.Plan, error) {
	p, diags := r.Engine.Plan(ctx, core.PlanOptions{})
	if err := r.failed(diags); err != nil {
		return nil, err
	}
	r.w.tell(render.Text(p, render.Options{}))
	return p, nil
}

// carry carries a plan out.
func (r *run) carry(ctx context.Context, p *plan.Plan) error {
	_, diags := r.Engine.Apply(ctx, ctx, p, func(e apply.Event) { r.w.tell(e.Text) })
	return r.failed(diags)
}

// step is what a plan does to an address.
func step(p *plan.Plan, address string) (action plan.Action, replaced bool) {
	action = plan.NoOp
	for _, s := range p.Steps {
		if s.Key.Addr == address && s.Action != plan.NoOp && s.Action != plan.Prune {
			if s.Replacing {
				return plan.Create, true
			}
			action = s.Action
		}
	}
	return action, false
}

// empty says what a plan would still do.
func empty(p *plan.Plan) error {
	var todo, attributes []string
	for _, s := range p.Steps {
		if s.Action == plan.NoOp {
			continue
		}
		line := fmt.Sprintf("%s %s (%s)", s.Action, s.Key.Addr, s.Reason)
		for _, c := range s.Changes {
			line += fmt.Sprintf("; %s: %s → %s", c.Path, show(c.Before), show(c.After))
			if s.Action == plan.Update {
				attributes = append(attributes, c.Path)
			}
		}
		todo = append(todo, line)
	}
	if len(todo) == 0 {
		return nil
	}
	return unsettled{"the plan still has: " + strings.Join(todo, "\n"), attributes}
}

func show(v cty.Value) string {
	if v == cty.NilVal {
		return "nothing"
	}
	v, marks := v.UnmarkDeep()
	if len(marks) > 0 {
		return "(sensitive)"
	}
	return fmt.Sprintf("%#v", v)
}

// apply brings the cloud to a text. settled says what a plan in the same run
// would still do.
func (w *world) apply(ctx context.Context, text string) (settled, err error) {
	r, err := w.open(ctx, text)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	p, err := r.look(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.carry(ctx, p); err != nil {
		return nil, err
	}
	p, err = r.look(ctx)
	if err != nil {
		return nil, fmt.Errorf("plan after the apply: %w", err)
	}
	return empty(p), nil
}

// recovered applies a text after a mishap, in a fresh run: whatever happened
// before, one apply more is enough.
func (w *world) recovered(ctx context.Context, text string, want []string) error {
	settled, err := w.apply(ctx, text)
	if err != nil {
		return fmt.Errorf("the next apply failed: %w", err)
	}
	if settled != nil {
		return settled
	}
	have, err := w.inventory(ctx)
	if err != nil {
		return err
	}
	return differ(want, have)
}

// object is what the state holds under an address.
func (r *run) object(ctx context.Context, address string) (*state.Object, cty.Value, error) {
	snap, err := r.Session().Snapshot(ctx)
	if err != nil {
		return nil, cty.NilVal, err
	}
	row := snap.Objects[state.Key{Addr: address}]
	if row == nil {
		return nil, cty.NilVal, fmt.Errorf("the state holds no %s", address)
	}
	v, err := plan.DecodeValues(r.Host.Types()[row.Type], row.Values, nil)
	if err != nil {
		return nil, cty.NilVal, err
	}
	v, _ = v.UnmarkDeep()
	return row, v, nil
}

// keep notes the sensitive values of an object: they must not be told.
func (w *world) keep(t *pluginspec.Type, v cty.Value) {
	t.Walk(v, func(_ cty.Path, a *pluginspec.Attribute, v cty.Value) {
		v, _ = v.Unmark()
		if a.Sensitive && !v.IsNull() && v.IsKnown() && v.Type() == cty.String {
			w.mu.Lock()
			w.secrets = append(w.secrets, v.AsString())
			w.mu.Unlock()
		}
	})
}

// Package apply carries out a plan: it dispatches each step to its plugin as
// soon as the steps it waits for are done, makes every announced call durable
// before the plugin may go on, and records what came of it. It decides
// nothing: what to do, and in which order, is the plan's.
//
// A failed step costs the steps that wait for it; all others go on. Whatever
// happens, what exists is in the state or can be found from it by the next
// run.
package apply

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/graph"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/wire"
)

// Host is what applying asks of plugins.
type Host interface {
	plan.Finder
	plan.Identifier
	plan.Settler
	Apply(ctx context.Context, start *wire.Start, j pluginhost.Journal) (*wire.Result, error)
}

// EventKind says what happened to a step.
type EventKind string

// What happens to a step.
const (
	Started  EventKind = "started"
	Progress EventKind = "progress"
	Done     EventKind = "done"
	Failed   EventKind = "failed"
	Skipped  EventKind = "skipped"
	Waiting  EventKind = "waiting" // it cannot end yet; a later run finishes it
)

// Event tells an observer what goes on.
type Event struct {
	Kind    EventKind
	Step    *plan.Step
	Text    string        // of Progress; the reason of Skipped
	Elapsed time.Duration // of Done and Failed
	ID      string        // of Done: the cloud's id
}

// Deps is what a run needs beside the plan.
type Deps struct {
	Host        Host
	Session     state.Session
	Fingerprint plan.Fingerprint // nil: what is only written is forgotten
	Parallelism int
	// Stop, when done, ends dispatching: running steps finish, no other begins.
	// The context of Run cancels running steps too.
	Stop    context.Context
	Observe func(Event) // called from several goroutines; nil for none
}

// Summary counts what was done.
type Summary struct {
	Created, Updated, Replaced, Deleted, Failed, Skipped, NotStarted int

	// Waiting counts deletes that only time lets end, and the steps behind them.
	Waiting int

	Imported, Moved int // made durable before the first step
	FailedChecks    int
}

// errStep tells the walk that a step failed; the diagnostics say how.
var errStep = errors.New("the step failed")

// errWaits tells the walk that a step cannot end yet.
var errWaits = errors.New("the step waits")

type runner struct {
	deps     Deps
	plan     *plan.Plan
	prunes   map[state.Key]bool // objects that have a prune step coming
	config   *plan.Config
	resolver *plan.Resolver

	mu      sync.Mutex
	diags   hcl.Diagnostics
	summary Summary
	rows    map[state.Key]*state.Object // as of now
	waiting map[state.Key]bool          // deletes that cannot end yet
	named   map[string]bool             // ids that the cloud has given in this run
}

// Run carries out a plan. The diagnostics hold everything that went wrong;
// what was done before is kept.
func Run(ctx context.Context, p *plan.Plan, deps Deps) (Summary, hcl.Diagnostics) {
	r := &runner{
		deps: deps, plan: p, config: p.ApplyConfig(), resolver: plan.NewResolver(deps.Host),
		rows: map[state.Key]*state.Object{}, waiting: map[state.Key]bool{}, named: map[string]bool{}, prunes: map[state.Key]bool{},
	}
	for _, s := range p.Steps {
		if s.Action == plan.Prune {
			r.prunes[s.Key] = true
		}
	}
	if deps.Stop == nil {
		r.deps.Stop = ctx
	}
	stop, halt := context.WithCancel(r.deps.Stop)
	defer halt()
	r.deps.Stop, r.deps.Session = stop, recorder{deps.Session, halt}
	if err := r.begin(ctx); err != nil {
		return r.summary, diag.FromError("State cannot be written", err)
	}
	steps, waits := r.graph()
	outcomes := waits.Walk(r.deps.Stop, max(deps.Parallelism, 1), func(_ context.Context, id int) error {
		return r.visit(ctx, steps[id])
	})
	r.account(steps, outcomes)
	if err := r.outputs(ctx); err != nil {
		r.diags = append(r.diags, diag.FromError("Outputs cannot be written", err)...)
	}
	r.checks(ctx)
	return r.summary, r.diags
}

// checks evaluates the stack's checks, once everything is as planned.
func (r *runner) checks(ctx context.Context) {
	if r.plan.Destroy || r.plan.Partial || r.plan.RefreshOnly || r.diags.HasErrors() || r.summary.Skipped+r.summary.NotStarted+r.summary.Waiting > 0 {
		return
	}
	failed, diags := r.config.RunChecks(ctx, r.deps.Host)
	r.summary.FailedChecks, r.diags = failed, append(r.diags, diags...)
}

// begin makes durable what planning found out, before anything is changed.
func (r *runner) begin(ctx context.Context) error {
	var entries []state.Entry
	entries = append(entries, r.plan.Settled...)
	for _, b := range r.plan.Bindings {
		entries = append(entries, state.Bind{Binding: b})
	}
	if len(entries) > 0 {
		if err := r.deps.Session.Append(ctx, entries...); err != nil {
			return err
		}
	}
	for _, s := range r.plan.Steps {
		if s.Object != nil {
			r.rows[s.Object.Key] = s.Object
		}
	}
	planned := r.plan.Summary()
	r.summary.Imported, r.summary.Moved = planned.Import, planned.Move
	return nil
}

// graph returns the steps that do something and which waits for which.
func (r *runner) graph() (map[int]*plan.Step, *graph.Graph[int]) {
	steps := map[int]*plan.Step{}
	waits := graph.New[int]()
	for _, s := range r.plan.Steps {
		if s.Action == plan.NoOp {
			continue
		}
		steps[s.ID] = s
		waits.Add(s.ID)
	}
	for id, s := range steps {
		for _, on := range s.After {
			if steps[on] != nil {
				waits.Need(id, on)
			}
		}
	}
	return steps, waits
}

// visit carries out one step and reports it.
func (r *runner) visit(ctx context.Context, s *plan.Step) error {
	began := time.Now()
	r.observe(Event{Kind: Started, Step: s})
	id, diags := r.step(ctx, s)
	r.mu.Lock()
	r.diags = append(r.diags, diag.WithAddresses(diags, s.Key.Addr)...)
	waits := s.Action == plan.Delete && r.waiting[s.Key] && !diags.HasErrors()
	if !diags.HasErrors() && !waits {
		r.count(s)
	}
	r.mu.Unlock()
	if waits {
		r.observe(Event{Kind: Waiting, Step: s, Elapsed: time.Since(began)})
		return errWaits
	}
	if diags.HasErrors() {
		r.observe(Event{Kind: Failed, Step: s, Elapsed: time.Since(began)})
		return errStep
	}
	r.observe(Event{Kind: Done, Step: s, Elapsed: time.Since(began), ID: id})
	return nil
}

// count adds a finished step to the summary.
func (r *runner) count(s *plan.Step) {
	switch {
	case s.Action == plan.Create && s.Replacing:
		r.summary.Replaced++
	case s.Action == plan.Create:
		r.summary.Created++
	case s.Action == plan.Update:
		r.summary.Updated++
	case s.Action == plan.Delete && !s.Replacing:
		r.summary.Deleted++
	}
}

// account reports what was not begun.
func (r *runner) account(steps map[int]*plan.Step, outcomes map[int]graph.Outcome[int]) {
	for id, outcome := range outcomes {
		s := steps[id]
		switch outcome.Status {
		case graph.Failed:
			if errors.Is(outcome.Err, errWaits) {
				r.summary.Waiting++
				continue
			}
			r.summary.Failed++
			if !errors.Is(outcome.Err, errStep) {
				r.diags = append(r.diags, diag.WithAddress(diag.Bug(nil, "%v.", outcome.Err), s.Key.Addr))
			}
		case graph.Skipped:
			because := steps[outcome.Because].Key
			if r.waiting[because] {
				r.summary.Waiting++
				r.observe(Event{Kind: Skipped, Step: s, Text: "because " + because.Addr + " waits"})
				continue
			}
			r.summary.Skipped++
			r.observe(Event{Kind: Skipped, Step: s, Text: "because " + because.Addr + " failed"})
		case graph.NotStarted:
			r.summary.NotStarted++
		}
	}
}

func (r *runner) observe(e Event) {
	if r.deps.Observe != nil {
		r.deps.Observe(e)
	}
}

// step carries out one step and returns the cloud's id of its object.
func (r *runner) step(ctx context.Context, s *plan.Step) (string, hcl.Diagnostics) {
	switch s.Action {
	case plan.Create, plan.Update:
		return r.change(ctx, s)
	case plan.Delete:
		return "", r.remove(ctx, s)
	case plan.Forget:
		if err := r.deps.Session.Append(ctx, state.Put{Key: s.Key}); err != nil {
			return "", diag.FromError("State cannot be written", err)
		}
		return "", nil
	case plan.Prune:
		return "", r.prune(ctx, s)
	case plan.Read:
		return "", r.read(ctx, s)
	}
	return "", hcl.Diagnostics{diag.Bug(nil, "The step %s of %s is not known.", s.Action, s.Key.Addr)}
}

// read looks up a data source whose arguments are known only now.
func (r *runner) read(ctx context.Context, s *plan.Step) hcl.Diagnostics {
	config, diags := r.config.Decode(s.Block, s.Each)
	if diags.HasErrors() {
		return diags
	}
	v, more := plan.Lookup(ctx, r.deps.Host, s.Type, s.Cloud, config, &s.Block.Range)
	diags = append(diags, more...)
	if more.HasErrors() {
		return diags
	}
	r.config.Set(s.Instance, v)
	return append(diags, r.config.Of(s.Block).Conditions(s.Block.Lifecycle.Postconditions, s.Each, v, "Postcondition failed")...)
}

// outputs stores what the outputs are now; one that rests on a failed step
// keeps its last value.
func (r *runner) outputs(ctx context.Context) error {
	var out []state.Output
	for _, o := range r.plan.Outputs {
		if o.After == cty.NilVal {
			continue
		}
		declared := r.plan.Config.Stack.Outputs[o.Name]
		v, diags := r.config.Output(declared)
		if diags.HasErrors() || !v.IsWhollyKnown() {
			if old, ok := r.plan.Snapshot.Outputs[o.Name]; ok {
				out = append(out, old)
			}
			continue
		}
		stored, err := plan.EncodeOutput(o.Name, v, declared.Sensitive)
		if err != nil {
			return fmt.Errorf("output %s: %w", o.Name, err)
		}
		out = append(out, stored)
	}
	if sameOutputs(out, r.plan.Snapshot.Outputs) {
		return nil
	}
	return r.deps.Session.Append(ctx, state.SetOutputs{Outputs: out})
}

func sameOutputs(now []state.Output, was map[string]state.Output) bool {
	if len(now) != len(was) {
		return false
	}
	for _, o := range now {
		old, ok := was[o.Name]
		if !ok || string(old.Value) != string(o.Value) || string(old.Type) != string(o.Type) || old.Sensitive != o.Sensitive {
			return false
		}
	}
	return true
}

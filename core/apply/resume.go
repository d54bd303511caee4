package apply

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/wire"
)

// askTime is how long a plugin is asked at a time what became of a call: a host
// ends plugins that do not answer for longer.
const askTime = 2 * time.Minute

// What looks like two results may be one and what another step of this run is
// just making, whose id is not known yet: a moment later it is.
const (
	moreLooks = 15
	lookAgain = 2 * time.Second
)

func ambiguous(calls []state.Call) bool {
	return slices.ContainsFunc(calls, func(c state.Call) bool { return c.State == state.CallAmbiguous })
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// settle finds out what became of calls of interrupted runs for which planning
// did not wait: it waits until they are over, as long as the step may take. A
// result tells that the step ends here.
func (o *operation) settle(ctx context.Context) *wire.Result {
	for looks := 0; plan.HasOpen(o.row.Pending) && ctx.Err() == nil; looks++ {
		o.Progress("waiting for what an interrupted run began: " + commands(o.row.Pending))
		calls, diags := plan.Settle(ctx, o.runner.deps.Host, askTime, plan.Open{
			Type: o.row.Type, Cloud: o.row.Cloud, Address: o.step.Key.Addr, Calls: o.row.Pending, Others: o.runner.made(),
		})
		if ending(ctx) {
			return nil
		}
		if ambiguous(calls) && looks < moreLooks {
			wait(ctx, lookAgain)
			continue
		}
		if diags.HasErrors() {
			out := &wire.Result{Status: wire.Result_PARTIAL}
			for _, d := range diags {
				out.Diagnostics = append(out.Diagnostics, wire.Failure("", d.Summary, d.Detail))
			}
			return out
		}
		row := *o.row // the old one lies in the journal
		row.Pending = calls
		o.row = &row
	}
	if ctx.Err() == nil && o.step.Action == plan.Delete && plan.NothingExists(o.row) {
		return &wire.Result{Status: wire.Result_GONE}
	}
	return nil
}

// ending tells whether a step's time is up, or so nearly that what a plugin says
// of a failure is that; then it waits for the end.
func ending(ctx context.Context) bool {
	if until, bounded := ctx.Deadline(); bounded && time.Until(until) < plan.ClockSlack {
		<-ctx.Done()
	}
	return ctx.Err() != nil
}

// commands names the calls whose outcome is not known, with their jobs.
func commands(calls []state.Call) string {
	var out []string
	for _, c := range calls {
		if c.State != state.CallOpen {
			continue
		}
		text := c.Command
		if c.Job != "" {
			text += " (job " + c.Job + ")"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// made lists the ids of all objects that are known to have been made.
func (r *runner) made() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := plan.MadeBy(r.rows, r.plan.Snapshot.Operations)
	return slices.AppendSeq(ids, maps.Keys(r.named))
}

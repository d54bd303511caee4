package plan

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/wire"
)

const (
	// DefaultPatience is how long planning waits for what an interrupted run
	// began, if Input.Patience is 0: most jobs are over by then, and who waits for
	// a plan sits at the screen. What takes longer is left to apply.
	DefaultPatience = 2 * time.Minute
	// leastPatience is what is left for an object when those before it have used
	// all of it up.
	leastPatience = 5 * time.Second
	// askAgain is the pause before a plugin is asked again that left a call open.
	askAgain = 2 * time.Second
	// ClockSlack is how far a plugin's clock may be ahead of the end it was given:
	// it hears of it so much earlier, and then says that it failed.
	ClockSlack = 50 * time.Millisecond
)

// patience is the time that all interrupted operations of a plan share.
type patience struct {
	limit time.Duration
	until time.Time
}

func newPatience(limit time.Duration) patience {
	if limit <= 0 {
		limit = DefaultPatience
	}
	return patience{limit, time.Now().Add(limit)}
}

// left is how long the next object may be waited for.
func (p patience) left() time.Duration {
	return max(time.Until(p.until), min(leastPatience, p.limit))
}

// interrupted is a change of an object that was begun and not ended.
type interrupted struct {
	address, action, typ, cloud string
	calls                       []state.Call
}

// settle asks the plugin what became of each open call. Calls that still go on
// when patience ends stay open: apply settles them before it goes on with the
// object.
func (m *maker) settle(ctx context.Context, p patience, i interrupted) ([]state.Call, hcl.Diagnostics) {
	if !HasOpen(i.calls) {
		return i.calls, nil
	}
	began := time.Now()
	calls, diags := Settle(ctx, m.in.Host, p.left(), Open{
		Type: i.typ, Cloud: i.cloud, Address: i.address, Calls: i.calls, Others: MadeBy(m.objects, m.in.Snapshot.Operations),
	})
	if !diags.HasErrors() && HasOpen(calls) {
		diags = append(diags, diag.WithAddress(i.goesOn(time.Since(began)), i.address))
	}
	return calls, diags
}

// goesOn says what planning did not wait for, and what to do about it.
func (i interrupted) goesOn(waited time.Duration) *hcl.Diagnostic {
	var calls []string
	for _, c := range i.calls {
		if c.State != state.CallOpen {
			continue
		}
		job := "no job is known"
		if c.Job != "" {
			job = "job " + c.Job
		}
		calls = append(calls, fmt.Sprintf("%s (%s, sent at %s)", c.Command, job, c.SentAt.UTC().Format("2006-01-02 15:04:05 UTC")))
	}
	return diag.Warningf(nil, "Interrupted operation goes on in the cloud",
		"An earlier run was interrupted at the %s of %s, and what it asked for was not over after waiting for %s: %s. The plan goes on without its outcome. "+
			"Apply waits for it before it changes %s, as long as the timeouts block of the resource allows; without one, until it is over or you interrupt. "+
			"A job that hangs has to be ended in the cloud by its administrator.",
		i.action, i.address, waited.Round(time.Second), strings.Join(calls, ", "), i.address)
}

// Settler asks plugins what became of calls.
type Settler interface {
	Settle(ctx context.Context, in *wire.SettleRequest) (*wire.SettleReply, error)
}

// Open is what Settle asks about.
type Open struct {
	Type, Cloud, Address string
	Calls                []state.Call
	Others               []string // ids of objects that are known to have been made: see MadeBy
}

// Settle asks the plugin of a type what became of an object's open calls, and
// waits for them no longer than limit: then they are returned as they were. It
// changes nothing.
func Settle(ctx context.Context, host Settler, limit time.Duration, o Open) ([]state.Call, hcl.Diagnostics) {
	in := &wire.SettleRequest{Type: o.Type, Cloud: o.Cloud}
	for _, c := range o.Calls {
		asked, err := amongKnown(c, o.Others)
		if err != nil {
			return nil, diag.FromError("Interrupted operation cannot be judged", fmt.Errorf("%s: %w", o.Address, err))
		}
		in.Calls = append(in.Calls, CallToWire(asked))
	}
	began := time.Now()
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		reply, err := host.Settle(bounded, in)
		// A plugin hears of the end a moment earlier, and then says that it failed.
		late := ctx.Err() == nil && time.Since(began) > limit-ClockSlack
		if err != nil && late {
			return o.Calls, nil
		}
		if err != nil {
			return nil, hcl.Diagnostics{diag.Errorf(nil, "Interrupted operation cannot be judged",
				"An earlier run was interrupted while it changed %s, and the cloud could not be asked what became of it: %v. Nothing is lost; run the command again when the cloud answers.", o.Address, err)}
		}
		calls, diags := o.judged(reply)
		if diags.HasErrors() && late {
			return o.Calls, nil
		}
		if diags.HasErrors() || !HasOpen(calls) {
			return calls, diags
		}
		// It says that a call goes on and leaves the waiting to us.
		select {
		case <-time.After(askAgain):
		case <-bounded.Done():
			return o.Calls, diags
		}
	}
}

// judged reads what a plugin says of the calls.
func (o Open) judged(reply *wire.SettleReply) ([]state.Call, hcl.Diagnostics) {
	diags := diag.WithAddresses(Problems(reply.GetDiagnostics(), nil, nil), o.Address)
	out := make([]state.Call, 0, len(reply.GetCalls()))
	for _, c := range reply.GetCalls() {
		call := CallFromWire(c)
		call.Identity, call.Request = announced(o.Calls, call)
		if call.State == state.CallAmbiguous {
			diags = append(diags, diag.Errorf(nil, "Interrupted operation has two possible results",
				"An earlier run was interrupted at %s for %s, and more than one object may be its result: %s. Delete the one you do not want in the cloud, then run the command again.",
				call.Command, o.Address, strings.Join(call.Candidates, ", ")))
		}
		out = append(out, call)
	}
	return MergeCalls(o.Calls, out), diags
}

// announced are the identity and the digest of the request that a call was
// announced with: what a plugin answers with may say more than is to be kept.
func announced(calls []state.Call, answered state.Call) (identity, request []byte) {
	for _, c := range calls {
		if c.Key == answered.Key {
			return c.Identity, c.Request
		}
	}
	return answered.Identity, answered.Request
}

// amongKnown tells a call whose result is found by comparing listings, or by a
// reservation that others may have been quicker to use, which objects it cannot
// have made: those that others are known to have made.
func amongKnown(c state.Call, others []string) (state.Call, error) {
	if c.State != state.CallOpen || c.ID != "" || len(c.Identity) == 0 {
		return c, nil
	}
	var id cloudstack.Identity
	if err := json.Unmarshal(c.Identity, &id); err != nil || id.Kind != cloudstack.Serial && id.Kind != cloudstack.Reserve {
		return c, nil // of a plugin that speaks of identity in its own way
	}
	id.Before = append(slices.Clone(id.Before), others...)
	var err error
	c.Identity, err = json.Marshal(id)
	return c, err
}

// MadeBy lists the ids of all objects that are known to have been made.
func MadeBy(objects map[state.Key]*state.Object, operations map[string]*state.Operation) []string {
	ids := map[string]bool{}
	note := func(calls []state.Call) {
		for _, c := range calls {
			if c.ID != "" {
				ids[c.ID] = true
			}
		}
	}
	for _, row := range objects {
		if row.ID != "" {
			ids[row.ID] = true
		}
		note(row.Pending)
	}
	for _, op := range operations {
		note(op.Calls)
	}
	return slices.Sorted(maps.Keys(ids))
}

package plan

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/wire"
)

// recoverAll settles every operation that began and did not end, and every
// open call that a failed one left, before anything else is looked at. It
// never creates: what it finds becomes part of the objects, and the plan
// decides.
func (m *maker) recoverAll(ctx context.Context) hcl.Diagnostics {
	var diags hcl.Diagnostics
	ids := make([]string, 0, len(m.in.Snapshot.Operations))
	for id := range m.in.Snapshot.Operations {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	for _, id := range ids {
		diags = append(diags, m.recoverOperation(ctx, m.in.Snapshot.Operations[id])...)
	}
	for _, obj := range m.sorted() {
		if !hasOpen(obj.Pending) {
			continue
		}
		calls, more := m.settle(ctx, obj.Type, obj.Cloud, obj.Addr, obj.Pending)
		diags = append(diags, more...)
		if more.HasErrors() {
			continue
		}
		row := *obj
		row.Pending = calls
		m.put(row.Key, &row)
	}
	return diags
}

func hasOpen(calls []state.Call) bool {
	for _, c := range calls {
		if c.State == state.CallOpen {
			return true
		}
	}
	return false
}

func (m *maker) recoverOperation(ctx context.Context, op *state.Operation) hcl.Diagnostics {
	calls, diags := m.settle(ctx, op.Type, op.Cloud, op.Key.Addr, op.Calls)
	if diags.HasErrors() {
		return diags
	}
	row := m.afterCrash(op, calls)
	m.settled = append(m.settled, state.Commit{Operation: op.ID, Key: op.Key, Object: row})
	m.recovery = append(m.recovery, describe(op, calls))
	if row == nil {
		delete(m.objects, op.Key)
		return diags
	}
	m.objects[op.Key] = row
	return diags
}

// afterCrash says what is left of an operation: the row as it was with the
// settled calls beside it, or a new partial row, or nothing.
func (m *maker) afterCrash(op *state.Operation, calls []state.Call) *state.Object {
	existing := m.objects[op.Key]
	if existing == nil && !anyDone(calls) {
		return nil
	}
	row := state.Object{}
	switch {
	case existing != nil:
		row = *existing
		calls = MergeCalls(existing.Pending, calls)
	case op.Object != nil:
		row = *op.Object
		row.Values = op.Planned
	}
	row.Key, row.Type, row.Cloud = op.Key, op.Type, op.Cloud
	row.Pending, row.PendingAction = calls, op.Action
	if op.Action == string(Create) {
		row.Status = state.Partial
		row.CreatedOperation = op.ID
		if id := mainID(calls); id != "" {
			row.ID = id
		}
	}
	return &row
}

// MergeCalls lets later knowledge of a call replace earlier.
func MergeCalls(old, later []state.Call) []state.Call {
	out := append([]state.Call(nil), old...)
next:
	for _, c := range later {
		for i := range out {
			if out[i].Key == c.Key {
				out[i] = c
				continue next
			}
		}
		out = append(out, c)
	}
	return out
}

// mainCall is the key of the call that makes the object itself.
const mainCall = "create"

func mainID(calls []state.Call) string {
	for _, c := range calls {
		if c.Key == mainCall && c.State == state.CallDone {
			return c.ID
		}
	}
	return ""
}

func anyDone(calls []state.Call) bool {
	for _, c := range calls {
		if c.State == state.CallDone {
			return true
		}
	}
	return false
}

func describe(op *state.Operation, calls []state.Call) string {
	var kept []string
	for _, c := range calls {
		if c.State == state.CallDone && c.ID != "" {
			kept = append(kept, c.Command+" "+c.ID)
		}
	}
	if len(kept) == 0 {
		return fmt.Sprintf("%s: the interrupted %s left nothing behind", op.Key.Addr, op.Action)
	}
	return fmt.Sprintf("%s: the interrupted %s made %s", op.Key.Addr, op.Action, strings.Join(kept, ", "))
}

// settle asks the plugin what became of each open call.
func (m *maker) settle(ctx context.Context, typ, cloud, address string, calls []state.Call) ([]state.Call, hcl.Diagnostics) {
	if !hasOpen(calls) {
		return calls, nil
	}
	in := &wire.SettleRequest{Type: typ, Cloud: cloud}
	for _, c := range calls {
		asked, err := m.amongKnown(c)
		if err != nil {
			return nil, diag.FromError("Interrupted operation cannot be judged", fmt.Errorf("%s: %w", address, err))
		}
		in.Calls = append(in.Calls, CallToWire(asked))
	}
	reply, err := m.in.Host.Settle(ctx, in)
	if err != nil {
		return nil, hcl.Diagnostics{diag.Errorf(nil, "Interrupted operation cannot be judged",
			"An earlier run was interrupted while it changed %s, and the cloud could not be asked what became of it: %v. Nothing is lost; run the command again when the cloud answers.", address, err)}
	}
	diags := diag.WithAddresses(Problems(reply.GetDiagnostics(), nil, nil), address)
	out := make([]state.Call, 0, len(reply.GetCalls()))
	for _, c := range reply.GetCalls() {
		call := CallFromWire(c)
		call.Identity = identityOf(calls, call)
		if call.State == state.CallAmbiguous {
			diags = append(diags, diag.Errorf(nil, "Interrupted operation has two possible results",
				"An earlier run was interrupted at %s for %s, and more than one object may be its result: %s. Delete the one you do not want in the cloud, then run the command again.",
				call.Command, address, strings.Join(call.Candidates, ", ")))
		}
		out = append(out, call)
	}
	return out, diags
}

// identityOf is the identity that a call was announced with: what a plugin
// answers with may say more than is to be kept.
func identityOf(calls []state.Call, answered state.Call) []byte {
	for _, c := range calls {
		if c.Key == answered.Key {
			return c.Identity
		}
	}
	return answered.Identity
}

// amongKnown tells a call whose result is found by comparing listings, or by a
// reservation that others may have been quicker to use, which objects it cannot
// have made: those that others are known to have made.
func (m *maker) amongKnown(c state.Call) (state.Call, error) {
	if c.State != state.CallOpen || c.ID != "" || len(c.Identity) == 0 {
		return c, nil
	}
	var id cloudstack.Identity
	if err := json.Unmarshal(c.Identity, &id); err != nil || id.Kind != cloudstack.Serial && id.Kind != cloudstack.Reserve {
		return c, nil // of a plugin that speaks of identity in its own way
	}
	id.Before = append(slices.Clone(id.Before), m.allMade()...)
	var err error
	c.Identity, err = json.Marshal(id)
	return c, err
}

// allMade lists the ids of all objects that are known to have been made.
func (m *maker) allMade() []string {
	ids := map[string]bool{}
	note := func(calls []state.Call) {
		for _, c := range calls {
			if c.ID != "" {
				ids[c.ID] = true
			}
		}
	}
	for _, row := range m.objects {
		if row.ID != "" {
			ids[row.ID] = true
		}
		note(row.Pending)
	}
	for _, op := range m.in.Snapshot.Operations {
		note(op.Calls)
	}
	return slices.Sorted(maps.Keys(ids))
}

var callStates = map[state.CallState]wire.Call_State{
	state.CallOpen: wire.Call_OPEN, state.CallDone: wire.Call_DONE, state.CallAbsent: wire.Call_ABSENT,
	state.CallAmbiguous: wire.Call_AMBIGUOUS, state.CallFailed: wire.Call_FAILED,
}

// CallToWire converts a journaled call for a plugin.
func CallToWire(c state.Call) *wire.Call {
	return &wire.Call{
		Key: c.Key, Command: c.Command, Identity: c.Identity, Id: c.ID, Job: c.Job,
		State: callStates[c.State], SentUnixMs: c.SentAt.UnixMilli(), Private: c.Private, Candidates: c.Candidates,
	}
}

// CallFromWire converts a call that a plugin reported.
func CallFromWire(c *wire.Call) state.Call {
	out := state.Call{
		Key: c.GetKey(), Command: c.GetCommand(), Identity: c.GetIdentity(), ID: c.GetId(), Job: c.GetJob(),
		State: state.CallOpen, SentAt: time.UnixMilli(c.GetSentUnixMs()), Private: c.GetPrivate(), Candidates: c.GetCandidates(),
	}
	for s, w := range callStates {
		if w == c.GetState() {
			out.State = s
		}
	}
	return out
}

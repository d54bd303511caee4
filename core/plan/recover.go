package plan

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/state"
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
	p := newPatience(m.in.Patience)
	asked := map[state.Key]bool{}
	for _, id := range ids {
		op := m.in.Snapshot.Operations[id]
		asked[op.Key] = true
		diags = append(diags, m.recoverOperation(ctx, p, op)...)
	}
	for _, obj := range m.sorted() {
		if !HasOpen(obj.Pending) || asked[obj.Key] {
			continue
		}
		calls, more := m.settle(ctx, p, interrupted{obj.Key.Addr, obj.PendingAction, obj.Type, obj.Cloud, obj.Pending})
		diags = append(diags, more...)
		if more.HasErrors() || HasOpen(calls) {
			continue
		}
		row := *obj
		row.Pending = calls
		m.put(row.Key, &row)
	}
	return diags
}

// HasOpen tells whether the outcome of a call is not known.
func HasOpen(calls []state.Call) bool {
	for _, c := range calls {
		if c.State == state.CallOpen {
			return true
		}
	}
	return false
}

func (m *maker) recoverOperation(ctx context.Context, p patience, op *state.Operation) hcl.Diagnostics {
	calls := op.Calls
	if existing := m.objects[op.Key]; existing != nil {
		// What an operation before this one left open is asked for with it.
		calls = MergeCalls(existing.Pending, calls)
	}
	calls, diags := m.settle(ctx, p, interrupted{op.Key.Addr, op.Action, op.Type, op.Cloud, calls})
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
	if existing == nil && !MayExist(calls) {
		return nil
	}
	row := state.Object{}
	switch {
	case existing != nil:
		row = *existing
	case op.Object != nil:
		row = *op.Object
		row.Values = op.Planned
	}
	row.Key, row.Type, row.Cloud = op.Key, op.Type, op.Cloud
	row.Pending, row.PendingAction = calls, op.Action
	if op.Action == string(Create) {
		row.Status = state.Partial
		row.CreatedOperation = op.ID
		if id := mainID(calls, state.CallDone); id != "" {
			row.ID = id
		} else if id := mainID(calls, state.CallFailed); id != "" && row.ID == "" {
			row.ID, row.Status = id, state.Tainted // if the cloud has kept it
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

// mainID is the id that the cloud gave the object, if the call that makes it
// ended so.
func mainID(calls []state.Call, ended state.CallState) string {
	for _, c := range calls {
		if c.Key == mainCall && c.State == ended {
			return c.ID
		}
	}
	return ""
}

// MayExist tells whether calls made something, or may have: of what a failed job
// was to make, the cloud may keep a part.
func MayExist(calls []state.Call) bool {
	for _, c := range calls {
		if c.State == state.CallDone || c.State == state.CallOpen || c.State == state.CallFailed && c.ID != "" {
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
	if HasOpen(calls) {
		return fmt.Sprintf("%s: the interrupted %s still goes on in the cloud", op.Key.Addr, op.Action)
	}
	if len(kept) == 0 {
		return fmt.Sprintf("%s: the interrupted %s left nothing behind", op.Key.Addr, op.Action)
	}
	return fmt.Sprintf("%s: the interrupted %s made %s", op.Key.Addr, op.Action, strings.Join(kept, ", "))
}

var callStates = map[state.CallState]wire.Call_State{
	state.CallOpen: wire.Call_OPEN, state.CallDone: wire.Call_DONE, state.CallAbsent: wire.Call_ABSENT,
	state.CallAmbiguous: wire.Call_AMBIGUOUS, state.CallFailed: wire.Call_FAILED,
}

// CallToWire converts a journaled call for a plugin.
func CallToWire(c state.Call) *wire.Call {
	return &wire.Call{
		Key: c.Key, Command: c.Command, Identity: c.Identity, Id: c.ID, Job: c.Job,
		State: callStates[c.State], SentUnixMs: c.SentAt.UnixMilli(), Private: c.Private, Candidates: c.Candidates, Request: c.Request,
	}
}

// CallFromWire converts a call that a plugin reported.
func CallFromWire(c *wire.Call) state.Call {
	out := state.Call{
		Key: c.GetKey(), Command: c.GetCommand(), Identity: c.GetIdentity(), ID: c.GetId(), Job: c.GetJob(),
		State: state.CallOpen, SentAt: time.UnixMilli(c.GetSentUnixMs()), Private: c.GetPrivate(), Candidates: c.GetCandidates(), Request: c.GetRequest(),
	}
	for s, w := range callStates {
		if w == c.GetState() {
			out.State = s
		}
	}
	return out
}

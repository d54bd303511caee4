package declarative

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// Keys in the journal of the calls around a change that needs a stopped
// machine. The machine's id follows, and a number from the second time on.
const (
	haltKey   = "stop-to-change"
	resumeKey = "start-after-change"
)

const (
	settlePatience = 5 * time.Minute // how long a machine may take to stand still
	settleLook     = time.Second
)

// halt is a machine that this operation, or an interrupted one on the same
// object, has stopped and owes a start.
type halt struct {
	machine string
	turn    int // how often operations on the object have stopped it
	need    *pluginspec.NeedsState
	release func() // lets others stop and start the machine
	stopped bool   // by this operation
}

// key names one of the two calls of a turn.
func (h *halt) key(which string) string {
	if h.turn > 1 {
		return fmt.Sprintf("%s[%s]#%d", which, h.machine, h.turn)
	}
	return fmt.Sprintf("%s[%s]", which, h.machine)
}

// ready brings the machine that a call needs into its state. What was stopped
// for an earlier call and is not needed any more is started first.
func (o *operation) ready(ctx context.Context, call *pluginspec.Call, r roots) error {
	if call.NeedsState == nil {
		return o.resumeHalted(ctx)
	}
	machine, err := o.machineOf(call.NeedsState, r)
	if err != nil {
		return err
	}
	if o.halted != nil && o.halted.machine != machine {
		if err := o.resumeHalted(ctx); err != nil {
			return err
		}
	}
	if o.halted == nil {
		if o.halted, err = o.hold(ctx, machine, call.NeedsState); err != nil {
			return err
		}
	}
	return o.stopHalted(ctx)
}

// machineOf is the id of the machine that a call needs stopped.
func (o *operation) machineOf(need *pluginspec.NeedsState, r roots) (string, error) {
	if need.Machine == "" {
		return o.ownID(), nil
	}
	id, given, err := o.templates.text(need.Machine, r)
	if err == nil && (!given || id == "") {
		err = errors.New("it names no machine")
	}
	if err != nil {
		return "", fmt.Errorf("needs_state: machine: %w", err)
	}
	return id, nil
}

// hold takes the machine: another operation of the run must not start it while
// this one needs it stopped.
func (o *operation) hold(ctx context.Context, machine string, need *pluginspec.NeedsState) (*halt, error) {
	release, err := o.Cloud.Hold(ctx, "state of machine "+machine)
	if err != nil {
		return nil, err
	}
	h := &halt{machine: machine, turn: 1, need: need, release: release}
	for h.adopted(o, haltKey) && h.adopted(o, resumeKey) {
		h.turn++
	}
	return h, nil
}

// adopted tells whether an interrupted operation is known to have made a call.
func (h *halt) adopted(o *operation, which string) bool {
	return o.Resume[h.key(which)].Status == cloudstack.Adopted
}

// stopHalted stops the held machine if it runs.
func (o *operation) stopHalted(ctx context.Context) error {
	h := o.halted
	if h.stopped {
		return nil
	}
	state, err := o.stateOf(ctx, h.machine)
	if err != nil || state != "Running" {
		return err // a change of a machine that is neither is the cloud's to refuse
	}
	for h.adopted(o, haltKey) {
		h.turn++ // it was stopped by an interrupted run, and somebody has started it since
	}
	o.Progress("stopping the machine for the change")
	where := cloudstack.Params{"id": h.machine}
	_, _, err = o.send(ctx, callSite{call: &pluginspec.Call{Command: "stopVirtualMachine", Result: "virtualmachine"}, roots: o.roots},
		cloudstack.Params{"id": h.machine}, h.key(haltKey), h.machine, cloudstack.Identity{
			Kind: cloudstack.Natural, List: "listVirtualMachines", Params: where, Result: "virtualmachine",
			Match: map[string]string{"id": h.machine, "state": "Stopped"},
		})
	if err != nil {
		return fmt.Errorf("stop the machine for the change: %w", err)
	}
	h.stopped = true
	return nil
}

// resumeHalted starts the held machine again if it was stopped for a change, by
// this operation or an interrupted one, and lets it go.
func (o *operation) resumeHalted(ctx context.Context) error {
	h := o.halted
	if h == nil {
		return nil
	}
	defer h.release()
	o.halted = nil
	if !h.stopped && !h.adopted(o, haltKey) {
		return nil
	}
	again, err := o.templates.truth(h.need.Restart, o.roots)
	if err != nil {
		return fmt.Errorf("needs_state: restart: %w", err)
	}
	if !again {
		return nil
	}
	state, err := o.stateOf(ctx, h.machine)
	if cloudstack.IsGone(err) {
		return nil
	}
	if err != nil || state != "Stopped" {
		return err
	}
	o.Progress("starting the machine after the change")
	_, _, err = o.send(ctx, callSite{call: &pluginspec.Call{Command: "startVirtualMachine", Result: "virtualmachine"}, roots: o.roots},
		cloudstack.Params{"id": h.machine}, h.key(resumeKey), h.machine, repeat)
	if err != nil {
		return fmt.Errorf("start the machine again after the change: %w", err)
	}
	return nil
}

// takeOver holds a machine that an interrupted operation on the object stopped
// and did not start again.
func (o *operation) takeOver(ctx context.Context) error {
	if o.typ.Update == nil || o.halted != nil {
		return nil
	}
	at := slices.IndexFunc(o.typ.Update.Calls, func(c *pluginspec.Call) bool { return c.NeedsState != nil })
	if at < 0 {
		return nil
	}
	for key := range o.Resume {
		rest, ok := strings.CutPrefix(key, haltKey+"[")
		machine, _, named := strings.Cut(rest, "]")
		if !ok || !named {
			continue
		}
		h, err := o.hold(ctx, machine, o.typ.Update.Calls[at].NeedsState)
		if err != nil {
			return err
		}
		if h.adopted(o, haltKey) {
			o.halted = h
			return nil
		}
		h.release()
	}
	return nil
}

// stateOf is the state in which a machine stands still.
func (o *operation) stateOf(ctx context.Context, machine string) (string, error) {
	for until := time.Now().Add(settlePatience); ; {
		object, err := o.Cloud.ReadByID(ctx, "stopVirtualMachine", machine)
		if err != nil {
			return "", fmt.Errorf("look whether the machine runs: %w", err)
		}
		state := object.Str("state")
		if !slices.Contains([]string{"Starting", "Stopping", "Migrating"}, state) || !time.Now().Before(until) {
			return state, nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(settleLook):
		}
	}
}

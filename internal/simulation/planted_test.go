package simulation

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/wire"
)

// planted is a bug and a seed that finds it.
type planted struct {
	reason string // what it breaks
	seed   uint64
	plant  func(*world)
}

// patience is how many seeds more may be played until a bug is found.
const patience = 60

// TestPlantedBugs makes one mistake at a time in the engine or around it, and
// expects the simulation to find each.
func TestPlantedBugs(t *testing.T) {
	defer uuid.SetRand(nil)
	bugs := allPlanted()
	if len(bugs) < 20 {
		t.Fatalf("only %d bugs", len(bugs))
	}
	for _, name := range sortedNames(bugs) {
		t.Run(name, func(t *testing.T) {
			b := bugs[name]
			for seed := b.seed; seed < b.seed+patience; seed++ {
				if _, wrong := play(t, seed, b.plant); wrong != nil {
					text, _, _ := strings.Cut(strings.TrimSpace(wrong.Error()), "\n  on ")
					t.Logf("found by seed %d: %s", seed, text)
					return
				}
			}
			t.Errorf("not found by %d seeds: %s", patience, b.reason)
		})
	}
}

// with adds blocks that a bug needs to show itself.
func with(typ string, plant func(*world)) func(*world) {
	return func(w *world) {
		for range 3 {
			w.stack.add(w.random, typ)
		}
		plant(w)
	}
}

func allPlanted() map[string]planted {
	all := map[string]planted{}
	for _, some := range []map[string]planted{plantedInState(), plantedInRecords(), plantedOnWire(), plantedInCloud()} {
		for name, b := range some {
			all[name] = b
		}
	}
	return all
}

// plantedInState are mistakes of the state itself.
func plantedInState() map[string]planted {
	set := func(change func(*bug)) func(*world) { return func(w *world) { change(&w.bug) } }
	return map[string]planted{
		"no flush before the acknowledgement": {"a crash loses intents that were acted on", 29, set(func(b *bug) { b.noFlush = true })},
		"acknowledged before durable":         {"a crash loses intents that were acted on", 1, set(func(b *bug) { b.acksEarly = true })},
		"fence not checked":                   {"who lost the state writes to it", 3, func(w *world) { w.disk.leased, w.bug.noFence = true, true }},
		"lease not renewed":                   {"a run is cut off in the middle", 3, func(w *world) { w.disk.leased, w.bug.neverRenews = true, true }},
		"signatures outlive the lease":        {"who lost the state changes the cloud", 3, func(w *world) { w.disk.leased, w.bug.unbound = true, true }},
	}
}

// each makes a mistake in every entry that is written.
func each(change func(state.Entry) []state.Entry) func(*world) {
	return func(w *world) {
		w.bug.entries = func(in []state.Entry) []state.Entry {
			var out []state.Entry
			for _, e := range in {
				out = append(out, change(e)...)
			}
			return out
		}
	}
}

// object makes a mistake in every object that is written.
func inObjects(change func(*state.Object)) func(*world) {
	altered := func(o *state.Object) *state.Object {
		if o == nil {
			return nil
		}
		copied := *o
		change(&copied)
		return &copied
	}
	return each(func(e state.Entry) []state.Entry {
		switch e := e.(type) {
		case state.Commit:
			e.Object = altered(e.Object)
			return []state.Entry{e}
		case state.Put:
			e.Object = altered(e.Object)
			return []state.Entry{e}
		}
		return []state.Entry{e}
	})
}

// plantedInRecords are mistakes in what the engine writes down.
func plantedInRecords() map[string]planted {
	return map[string]planted{
		"checkpoint dropped": {"a job is forgotten while it runs", 60, with("image", each(func(e state.Entry) []state.Entry {
			if c, ok := e.(state.PutCall); ok && (c.Call.ID != "" || c.Call.Job != "") {
				return nil
			}
			return []state.Entry{e}
		}))},
		"delete forgets before success": {"an object whose delete fails is forgotten", 1, each(func(e state.Entry) []state.Entry {
			if b, ok := e.(state.Begin); ok && b.Operation.Action == string(plan.Delete) {
				return []state.Entry{state.Put{Key: b.Operation.Key}, e}
			}
			return []state.Entry{e}
		})},
		"deposed lost": {"the old object of a replacement is forgotten", 27, each(func(e state.Entry) []state.Entry {
			if m, ok := e.(state.Move); ok {
				return []state.Entry{state.Put{Key: m.From}}
			}
			return []state.Entry{e}
		})},
		"operation left open": {"what is over is taken for interrupted", 1, each(func(e state.Entry) []state.Entry {
			if c, ok := e.(state.Commit); ok {
				return []state.Entry{state.Put{Key: c.Key, Object: c.Object}}
			}
			return []state.Entry{e}
		})},
		"pending calls forgotten": {"what an unfinished operation made is forgotten", 19, inObjects(func(o *state.Object) { o.Pending = nil })},
		"private data lost":       {"children are forgotten", 1, inObjects(func(o *state.Object) { o.Private = nil })},
		"partial taken as whole":  {"an unfinished object stays so", 19, inObjects(func(o *state.Object) { o.Status, o.Pending = state.OK, nil })},
		"missing edge": {"steps do not wait for what they need", 1, func(w *world) {
			w.bug.plan = func(p *plan.Plan) {
				for _, s := range p.Steps {
					if s.Action == plan.Create {
						s.After = nil
					}
				}
			}
		}},
		"deletes in any order": {"an object goes before what uses it", 1, func(w *world) {
			w.bug.plan = func(p *plan.Plan) {
				for _, s := range p.Steps {
					if s.Action == plan.Delete {
						s.After = nil
					}
				}
			}
		}},
		"prune before dependents": {"what is in use is removed", 45, func(w *world) {
			w.bug.plan = func(p *plan.Plan) {
				for _, s := range p.Steps {
					if s.Action == plan.Prune {
						s.After = nil
					}
				}
			}
		}},
	}
}

// plantedOnWire are mistakes between host and plugin.
func plantedOnWire() map[string]planted {
	down := func(change func(*wire.ApplyDown, *line) bool) func(*world) {
		return func(w *world) { w.bug.wire.down = change }
	}
	settle := func(change func(*world, *wire.Call)) func(*world) {
		return func(w *world) {
			w.bug.wire.settle = func(_ *wire.SettleRequest, reply *wire.SettleReply) {
				for _, c := range reply.GetCalls() {
					change(w, c)
				}
			}
		}
	}
	return map[string]planted{
		"intent after the call": {"a crash leaves what nobody announced", 1, down(intentLate)},
		"parallel on serial identity": {"what is told apart by order is made in disorder", 59, with("disk", down(func(m *wire.ApplyDown, l *line) bool {
			if p := m.GetPermit(); p != nil {
				l.ack(p.GetSeq())
			}
			return m.GetPermit() == nil && m.GetRelease() == nil
		}))},
		"what was made is made again": {"calls of an interrupted run are not handed back", 1, func(w *world) {
			w.bug.wire.start = func(s *wire.Start) { s.Resume = nil }
		}},
		"adoption by likeness": {"somebody else's object is taken", 12, settle(func(w *world, c *wire.Call) {
			if c.GetState() == wire.Call_ABSENT && c.GetCommand() == "createNetwork" {
				if id := w.cloud.alike("network"); id != "" {
					c.State, c.Id = wire.Call_DONE, id
				}
			}
		})},
		"recovery creates": {"what may not be wanted any more is made", 12, settle(func(w *world, c *wire.Call) {
			if c.GetState() == wire.Call_ABSENT && c.GetCommand() == "createNetwork" {
				w.cloud.change("createNetwork", url.Values{"name": {"made by recovery"}}, happen)
			}
		})},
		"open call taken as absent": {"nobody looks for what was made", 1, settle(func(_ *world, c *wire.Call) {
			c.State, c.Id = wire.Call_ABSENT, ""
		})},
		"stale read taken": {"what has changed is not seen", 1, func(w *world) {
			seen := map[string]*wire.Value{}
			w.bug.wire.read = func(r *wire.ReadReply) {
				w.cloud.mu.Lock()
				defer w.cloud.mu.Unlock()
				if old, ok := seen[r.GetRef()]; ok && r.GetState() == wire.ReadReply_OK {
					r.Value = old
				}
				seen[r.GetRef()] = r.GetValue()
			}
		}},
		"tainted not replaced": {"what is of no use is kept", 270, with("vm", func(w *world) {
			inObjects(func(o *state.Object) {
				if o.Status == state.Tainted {
					o.Status = state.OK
				}
			})(w)
			w.bug.wire.read = func(r *wire.ReadReply) {
				if r.GetState() == wire.ReadReply_TAINTED {
					r.State = wire.ReadReply_OK
				}
			}
		})},
		"failed job taken as absent": {"what a failed job left is forgotten", 30, with("vm", func(w *world) {
			w.bug.jobsFail = true
			settle(func(w *world, c *wire.Call) {
				if w.cloud.failed(c.GetJob()) {
					c.State, c.Id = wire.Call_ABSENT, ""
				}
			})(w)
		})},
		"failed delete taken as gone": {"an object that is still there is forgotten", 28, down(func(m *wire.ApplyDown, l *line) bool {
			if r := m.GetResult(); r != nil && l.begun.GetOp() == wire.Op_DELETE {
				r.Status, r.Diagnostics = wire.Result_GONE, nil
			}
			return true
		})},
	}
}

// intentLate acknowledges an intent at once and lets the host hear of it only
// when the call is over.
func intentLate(m *wire.ApplyDown, l *line) bool {
	if i := m.GetIntent(); i != nil {
		l.held = append(l.held, m)
		l.ack(i.GetSeq())
		return false
	}
	if m.GetCheckpoint() != nil || m.GetResult() != nil {
		for _, held := range l.held {
			l.post(l, held)
		}
		l.held = nil
	}
	return true
}

// plantedInCloud are mistakes of the client of the cloud.
func plantedInCloud() map[string]planted {
	return map[string]planted{
		"absent concluded too early": {"what is still on its way is made twice", 1, func(w *world) { w.bug.settleMs = -1 }},
		"duplicate on retry":         {"a change whose answer was lost is made twice", 1, func(w *world) { w.bug.resends = true }},
		"failed job taken as success": {"what was not made is taken as made", 5, func(w *world) {
			w.bug.answer = func(command string, body map[string]any) {
				if command == "queryAsyncJobResult" && body["jobstatus"] == 2 {
					body["jobstatus"] = 1
					body["jobresult"] = map[string]any{"success": true}
				}
			}
		}},
		"running job taken as over": {"what is half made is taken as made", 1, func(w *world) {
			w.bug.answer = func(command string, body map[string]any) {
				if command == "queryAsyncJobResult" && body["jobstatus"] == 0 {
					body["jobstatus"] = 1
					body["jobresult"] = map[string]any{"success": true}
				}
			}
		}},
	}
}

// failed tells whether a job has failed.
func (c *cloud) failed(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	j := c.jobs[id]
	return j != nil && j.failed != nil
}

// alike is an object of a kind that somebody else made.
func (c *cloud) alike(kind string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []string
	for id, o := range c.objects {
		if o.kind == kind && o.foreign {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	if len(ids) == 0 {
		return ""
	}
	return ids[0]
}

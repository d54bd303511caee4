package apply_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/apply"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/fakeplugin"
)

// impatient lets planning wait for nothing worth mentioning.
func impatient(in *plan.Input) { in.Patience = 60 * time.Millisecond }

// hanging interrupts a run at a call whose job goes on in the cloud until over
// is closed.
func hanging(t *testing.T, w *world, at fakeplugin.Moment, command string, run func() hcl.Diagnostics) (over chan struct{}) {
	t.Helper()
	w.cloud.Hook = func(m fakeplugin.Moment, _, call string) error {
		if m == at && call == command {
			return fakeplugin.ErrKilled
		}
		return nil
	}
	if diags := run(); !diags.HasErrors() {
		t.Fatal("the run was not interrupted")
	}
	w.cloud.Hook = nil
	over = make(chan struct{})
	w.cloud.GoesOn = func(string) <-chan struct{} { return over }
	return over
}

// TestCallsThatGoOn interrupts a run, and plans while the cloud still carries
// out what it was asked for: the plan does not wait for it and says so, the
// apply does.
func TestCallsThatGoOn(t *testing.T) {
	t.Parallel()
	const one = `resource "thing" "a" { name = "a" }`
	const two = "resource \"thing\" \"a\" {\n  name = \"a\"\n  size = 2\n}"
	tests := map[string]struct {
		reason  string
		before  string // what is there when the interrupted run begins
		text    string // what it wants
		at      fakeplugin.Moment
		command string
		next    string // what the run after it wants
		steps   []string
		things  []string
		calls   []string // of the run after it
	}{
		"create": {
			reason: "what goes on is taken up, not made again",
			text:   one, at: fakeplugin.AfterCall, command: "create", next: one,
			steps: []string{"create thing.a: finishes an interrupted create"}, things: []string{"a=1"},
		},
		"create that came to nothing": {
			reason: "what turns out not to have happened is done",
			text:   one, at: fakeplugin.BeforeCall, command: "create", next: one,
			steps: []string{"create thing.a: finishes an interrupted create"}, things: []string{"a=1"}, calls: []string{"create thing.a"},
		},
		"create, no longer wanted": {
			reason: "what goes on is waited for, and deleted",
			text:   one, at: fakeplugin.AfterCall, command: "create", next: "",
			steps: []string{"delete thing.a: it is no longer in the stack"}, calls: []string{"delete thing.a"},
		},
		"create that came to nothing, no longer wanted": {
			reason: "nothing is deleted where nothing was made",
			text:   one, at: fakeplugin.BeforeCall, command: "create", next: "",
			steps: []string{"delete thing.a: it is no longer in the stack"},
		},
		"create, changed meanwhile": {
			reason: "what is made otherwise than it is wanted now goes again",
			text:   one, at: fakeplugin.AfterCall, command: "create", next: two,
			steps: []string{
				"delete thing.a: size changed since its create was interrupted",
				"create thing.a: size changed since its create was interrupted",
			},
			things: []string{"a=2"}, calls: []string{"delete thing.a", "create thing.a"},
		},
		"update": {
			reason: "an update may be sent again once it is over",
			before: one, text: two, at: fakeplugin.BeforeCall, command: "update", next: two,
			steps: []string{"update thing.a: size changed"}, things: []string{"a=2"}, calls: []string{"update thing.a"},
		},
		"delete": {
			reason: "a delete is finished",
			before: one, text: "", at: fakeplugin.BeforeCall, command: "delete", next: "",
			steps: []string{"delete thing.a: it is no longer in the stack"}, calls: []string{"delete thing.a"},
		},
		"delete of what looks gone": {
			reason: "what others still stand in the way of is waited for",
			before: one, text: "", at: fakeplugin.AfterCall, command: "delete", next: "",
			steps: []string{"delete thing.a: it is no longer in the stack"}, calls: []string{"delete thing.a"},
		},
		"delete, wanted again": {
			reason: "what is on its way out cannot be kept",
			before: one, text: "", at: fakeplugin.BeforeCall, command: "delete", next: one,
			steps:  []string{"delete thing.a: its interrupted delete goes on", "create thing.a: its interrupted delete goes on"},
			things: []string{"a=1"}, calls: []string{"delete thing.a", "create thing.a"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.must(tc.before)
			over := hanging(t, w, tc.at, tc.command, func() hcl.Diagnostics { _, diags := w.apply(tc.text); return diags })
			if diff := cmp.Diff(tc.steps, w.steps(tc.next, impatient)); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			s := w.session()
			p, diags := w.plan(s, tc.next, impatient)
			said := strings.Join(strings.Fields(render(diags)), " ")
			for _, want := range []string{"Interrupted operation goes on in the cloud", "at the " + tc.command + " of thing.a", tc.command + " (no job is known, sent at ", "timeouts block", "ended in the cloud by its administrator"} {
				if !strings.Contains(said, want) {
					t.Errorf("the plan does not say %q: %s", want, said)
				}
			}
			before := len(w.cloud.Calls())
			release := func(e apply.Event) {
				if e.Kind == apply.Progress && strings.Contains(e.Text, "waiting for what an interrupted run began: "+tc.command) {
					close(over)
				}
			}
			_, diags = apply.Run(t.Context(), p, apply.Deps{Host: w.cloud, Session: s, Parallelism: 4, Observe: release})
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if diags.HasErrors() {
				t.Fatalf("%s: %s", tc.reason, render(diags))
			}
			if diff := cmp.Diff(tc.calls, append([]string(nil), w.cloud.Calls()[before:]...)); diff != "" {
				t.Errorf("%s: calls (-want +got):\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.things, w.things()); diff != "" {
				t.Errorf("%s: what exists (-want +got):\n%s", tc.reason, diff)
			}
			if got := w.steps(tc.next); len(got) != 0 {
				t.Errorf("the plan afterwards is not empty: %v", got)
			}
		})
	}
}

// TestCallsThatGoOnForEver ends at the timeout of the step, or when the user
// has enough; what goes on is taken up later all the same.
func TestCallsThatGoOnForEver(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		stop func(cancel func()) // called when the apply waits
		says string
	}{
		"timeout": {
			"resource \"thing\" \"a\" {\n  name = \"a\"\n  timeouts {\n    create = \"150ms\"\n  }\n}", func(func()) {},
			"took longer than its timeout of 150ms",
		},
		"interrupt": {`resource "thing" "a" { name = "a" }`, func(cancel func()) { cancel() }, "The create of thing.a was interrupted"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			over := hanging(t, w, fakeplugin.AfterCall, "create", func() hcl.Diagnostics { _, diags := w.apply(tc.text); return diags })
			s := w.session()
			p, diags := w.plan(s, tc.text, impatient)
			if diags.HasErrors() {
				t.Fatal(render(diags))
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			observe := func(e apply.Event) {
				if e.Kind == apply.Progress {
					tc.stop(cancel)
				}
			}
			_, diags = apply.Run(ctx, p, apply.Deps{Host: w.cloud, Session: s, Parallelism: 4, Observe: observe})
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if said := strings.Join(strings.Fields(render(diags)), " "); !strings.Contains(said, tc.says) {
				t.Errorf("the apply does not say %q: %s", tc.says, said)
			}
			close(over)
			w.must(tc.text)
			if diff := cmp.Diff([]string{"a=1"}, w.things()); diff != "" {
				t.Errorf("what exists (-want +got):\n%s", diff)
			}
			if got := w.steps(tc.text); len(got) != 0 {
				t.Errorf("the plan afterwards is not empty: %v", got)
			}
		})
	}
}

// TestFailedJobThatLeftSomething kills a run after it has learnt that the job
// which makes an object failed: what the cloud keeps of the object is replaced.
func TestFailedJobThatLeftSomething(t *testing.T) {
	t.Parallel()
	const text = `resource "thing" "a" { name = "a" }`
	for name, kept := range map[string]bool{"kept": true, "gone": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if kept {
				w.cloud.Seed("thing", "broken", map[string]cty.Value{"name": cty.StringVal("a"), "size": cty.NumberIntVal(1)})
			}
			s := w.session()
			key := state.Key{Addr: "thing.a"}
			for _, e := range []state.Entry{
				state.Begin{Operation: state.Operation{
					ID: "op", Key: key, Action: "create", Type: "thing", Planned: []byte(`{"name":"a","size":1}`),
					Object: &state.Object{Key: key, Type: "thing", Plugin: "fake", SchemaVersion: 1, CreatedOperation: "op"},
				}},
				state.PutCall{Operation: "op", Call: state.Call{Key: "create", Command: "create", State: state.CallFailed, ID: "broken", Job: "1"}},
			} {
				if err := s.Append(t.Context(), e); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			w.must(text)
			if diff := cmp.Diff([]string{"a=1"}, w.things()); diff != "" {
				t.Errorf("what exists (-want +got):\n%s", diff)
			}
			if got := w.steps(text); len(got) != 0 {
				t.Errorf("the plan afterwards is not empty: %v", got)
			}
		})
	}
}

// TestManyDeletesInterrupted kills a run that deletes all objects of a type once
// the cloud has done so: the next run does not take that for a mishap.
func TestManyDeletesInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must("resource \"thing\" \"a\" {\n  count = 6\n  name  = \"a${count.index}\"\n}\n")
	w.cloud.Hook = func(m fakeplugin.Moment, _, call string) error {
		if m == fakeplugin.AfterCall && call == "delete" {
			return fakeplugin.ErrKilled
		}
		return nil
	}
	if _, diags := w.apply(""); !diags.HasErrors() {
		t.Fatal("the run was not interrupted")
	}
	w.cloud.Hook = nil
	w.must("")
	if rows := w.objects(); len(rows) != 0 {
		t.Errorf("%d objects are left in the state", len(rows))
	}
}

// TestDeletedByAnInterruptedRun wants again what an interrupted run deleted:
// nobody else is blamed for it.
func TestDeletedByAnInterruptedRun(t *testing.T) {
	t.Parallel()
	const one = `resource "thing" "a" { name = "a" }`
	w := newWorld(t)
	w.must(one)
	w.cloud.Hook = func(m fakeplugin.Moment, _, call string) error {
		if m == fakeplugin.BeforeIntent && call == "delete" {
			return fakeplugin.ErrKilled
		}
		return nil
	}
	_, _ = w.apply("")
	w.cloud.Hook = nil
	for _, row := range w.objects() {
		w.cloud.Change(row.ID, func(map[string]cty.Value) map[string]cty.Value { return nil }) // with what it belonged to
	}
	if diff := cmp.Diff([]string{"create thing.a: its interrupted delete is over"}, w.steps(one)); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	w.must(one)
	if got := w.things(); len(got) != 1 {
		t.Errorf("things %v, want one", got)
	}
}

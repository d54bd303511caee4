package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/apply"
	"github.com/moldctl/moldctl/internal/fakeplugin"
)

const chain = `
resource "thing" "a" { name = "a" }
resource "thing" "b" {
  name = "b"
  on   = thing.a.id
}
resource "thing" "c" {
  name = "c"
  on   = thing.b.id
}
output "made" { value = thing.c.made }
`

func TestChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sum := w.must(chain)
	if diff := cmp.Diff(apply.Summary{Created: 3}, sum); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"create thing.a", "create thing.b", "create thing.c"}, w.cloud.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if got := w.steps(chain); len(got) != 0 {
		t.Errorf("second plan is not empty: %v", got)
	}
	w.must(chain, destroy)
	want := []string{"delete thing.c", "delete thing.b", "delete thing.a"}
	if diff := cmp.Diff(want, w.cloud.Calls()[3:]); diff != "" {
		t.Errorf("destroy calls (-want +got):\n%s", diff)
	}
	if got := w.things(); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason string
		first  string
		second string
		steps  []string
		things []string
	}{
		"update in place": {
			reason: "an attribute without replace changes the object",
			first:  `resource "thing" "a" { name = "a" }`,
			second: "resource \"thing\" \"a\" {\n  name = \"a\"\n  size = 2\n}",
			steps:  []string{"update thing.a: size changed"},
			things: []string{"a=2"},
		},
		"replace": {
			reason: "an attribute with replace needs another object",
			first:  "resource \"thing\" \"a\" {\n  name = \"a\"\n  place = \"here\"\n}",
			second: "resource \"thing\" \"a\" {\n  name = \"a\"\n  place = \"there\"\n}",
			steps:  []string{"delete thing.a: place changed: forces replacement", "create thing.a: place changed: forces replacement"},
			things: []string{"a=1"},
		},
		"block removed": {
			reason: "what the stack no longer wants goes, the dependent first",
			first:  chain,
			second: `resource "thing" "a" { name = "a" }`,
			steps:  []string{"delete thing.c: it is no longer in the stack", "delete thing.b: it is no longer in the stack"},
			things: []string{"a=1"},
		},
		"count shrinks": {
			reason: "instances beyond the count go",
			first:  "resource \"thing\" \"a\" {\n  count = 3\n  name = \"a${count.index}\"\n}",
			second: "resource \"thing\" \"a\" {\n  count = 1\n  name = \"a${count.index}\"\n}",
			steps:  []string{"delete thing.a[1]: it is no longer in the stack", "delete thing.a[2]: it is no longer in the stack"},
			things: []string{"a0=1"},
		},
		"for_each swaps": {
			reason: "instances are told apart by key",
			first:  "resource \"thing\" \"a\" {\n  for_each = toset([\"x\", \"y\"])\n  name = each.key\n}",
			second: "resource \"thing\" \"a\" {\n  for_each = toset([\"y\", \"z\"])\n  name = each.key\n}",
			steps:  []string{`delete thing.a["x"]: it is no longer in the stack`, `create thing.a["z"]`},
			things: []string{"y=1", "z=1"},
		},
		"create before destroy": {
			reason: "the old object goes when the dependents have moved",
			first:  "resource \"thing\" \"a\" {\n  name = \"a\"\n  place = \"here\"\n  lifecycle {\n    create_before_destroy = true\n  }\n}\nresource \"thing\" \"b\" {\n  name = \"b\"\n  on = thing.a.id\n}",
			second: "resource \"thing\" \"a\" {\n  name = \"a\"\n  place = \"there\"\n  lifecycle {\n    create_before_destroy = true\n  }\n}\nresource \"thing\" \"b\" {\n  name = \"b\"\n  on = thing.a.id\n}",
			steps:  []string{"create thing.a: place changed: forces replacement", "update thing.b: on changed", "delete thing.a: place changed: forces replacement"},
			things: []string{"a=1", "b=1"},
		},
		"replace when shrinking": {
			reason: "a template in the schema decides whether a change needs another object",
			first:  "resource \"thing\" \"a\" {\n  name = \"a\"\n  shape = 5\n}\nresource \"thing\" \"b\" {\n  name = \"b\"\n  shape = 5\n}",
			second: "resource \"thing\" \"a\" {\n  name = \"a\"\n  shape = 6\n}\nresource \"thing\" \"b\" {\n  name = \"b\"\n  shape = 4\n}",
			steps:  []string{"update thing.a: shape changed", "delete thing.b: shape changed: forces replacement", "create thing.b: shape changed: forces replacement"},
			things: []string{"a=1", "b=1"},
		},
		"ignored": {
			reason: "ignore_changes keeps what exists",
			first:  `resource "thing" "a" { name = "a" }`,
			second: "resource \"thing\" \"a\" {\n  name = \"a\"\n  size = 2\n  lifecycle {\n    ignore_changes = [size]\n  }\n}",
			things: []string{"a=1"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.must(tc.first)
			got := w.steps(tc.second)
			if diff := cmp.Diff(tc.steps, got); diff != "" {
				t.Errorf("%s: steps (-want +got):\n%s", tc.reason, diff)
			}
			w.must(tc.second)
			if diff := cmp.Diff(tc.things, w.things()); diff != "" {
				t.Errorf("%s: things (-want +got):\n%s", tc.reason, diff)
			}
			if got := w.steps(tc.second); len(got) != 0 {
				t.Errorf("%s: the plan afterwards is not empty: %v", tc.reason, got)
			}
		})
	}
}

// TestOrderThroughData expects an object that knows of another only through a
// data source to be deleted before it.
func TestOrderThroughData(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := "resource \"thing\" \"z\" { name = \"z\" }\ndata \"thing\" \"seen\" {\n  name = thing.z.name\n  depends_on = [thing.z]\n}\n" +
		"resource \"thing\" \"a\" {\n  name = \"a\"\n  on = data.thing.seen.id\n}"
	w.must(text)
	w.must(text, destroy)
	if diff := cmp.Diff([]string{"create thing.z", "create thing.a", "delete thing.a", "delete thing.z"}, w.cloud.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestDrift(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(chain)
	ids := w.cloud.Objects()
	w.cloud.Change(ids[0].ID, func(v map[string]cty.Value) map[string]cty.Value {
		v["size"] = cty.NumberIntVal(9)
		return v
	})
	w.cloud.Change(ids[2].ID, func(map[string]cty.Value) map[string]cty.Value { return nil })
	want := []string{"update thing.a: size changed", "create thing.c: it was deleted outside moldctl"}
	if diff := cmp.Diff(want, w.steps(chain)); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	w.must(chain)
	if diff := cmp.Diff([]string{"a=1", "b=1", "c=1"}, w.things()); diff != "" {
		t.Errorf("things (-want +got):\n%s", diff)
	}
}

func TestAFailureCostsItsBranchOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := chain + `resource "thing" "z" { name = "z" }`
	w.cloud.Hook = func(m fakeplugin.Moment, address, _ string) error {
		if m == fakeplugin.BeforeCall && address == "thing.b" {
			return errors.New("no room")
		}
		return nil
	}
	sum, diags := w.apply(text)
	if diff := cmp.Diff(apply.Summary{Created: 2, Failed: 1, Skipped: 1}, sum); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if said := render(diags); !strings.Contains(said, "no room") || !strings.Contains(said, "spec.hcl line 3") {
		t.Errorf("the message does not say what and where:\n%s", said)
	}
	w.cloud.Hook = nil
	if diff := cmp.Diff(apply.Summary{Created: 2}, w.must(text)); diff != "" {
		t.Errorf("second run (-want +got):\n%s", diff)
	}
}

// TestInterruptedThenUnwanted expects what an interrupted run made to go when
// the stack does not want it any more.
func TestInterruptedThenUnwanted(t *testing.T) {
	t.Parallel()
	for _, moment := range []fakeplugin.Moment{fakeplugin.BeforeCall, fakeplugin.AfterCall, fakeplugin.AfterJob} {
		t.Run(string(moment), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.cloud.Hook = func(m fakeplugin.Moment, address, _ string) error {
				if m == moment && address == "thing.b" {
					return fakeplugin.ErrKilled
				}
				return nil
			}
			_, _ = w.apply(chain)
			w.cloud.Hook = nil
			alone := `resource "thing" "a" { name = "a" }`
			w.must(alone)
			if diff := cmp.Diff([]string{"a=1"}, w.things()); diff != "" {
				t.Errorf("things (-want +got):\n%s", diff)
			}
			if got := w.steps(alone); len(got) != 0 {
				t.Errorf("not empty afterwards: %v", got)
			}
		})
	}
}

// TestPrune expects old versions to go after the dependents have moved, also
// when the run is stopped in between.
func TestPrune(t *testing.T) {
	t.Parallel()
	text := func(size string) string {
		return "resource \"press\" \"p\" {\n  name = \"p\"\n  size = " + size + "\n}\nresource \"thing\" \"user\" {\n  name = \"u\"\n  on = press.p.id\n}"
	}
	const pruning = "prune press.p: older versions go when nothing uses them"
	w := newWorld(t)
	w.must(text("1"))
	want := []string{"update press.p: size changed", "update thing.user: on changed", pruning}
	if diff := cmp.Diff(want, w.steps(text("2"))); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	w.cloud.Hook = func(m fakeplugin.Moment, _, call string) error {
		if m == fakeplugin.BeforeIntent && call == "prune" {
			return fakeplugin.ErrKilled
		}
		return nil
	}
	_, _ = w.apply(text("2"))
	w.cloud.Hook = nil
	if diff := cmp.Diff([]string{pruning}, w.steps(text("2"))); diff != "" {
		t.Errorf("after the interruption (-want +got):\n%s", diff)
	}
	w.must(text("2"))
	if got := w.steps(text("2")); len(got) != 0 {
		t.Errorf("not empty afterwards: %v", got)
	}
}

// TestKilledAtEachCall stops the world at each moment of each mutating call
// and expects the next apply to finish with nothing doubled or left over.
func TestKilledAtEachCall(t *testing.T) {
	t.Parallel()
	changed := strings.ReplaceAll(chain, `{ name = "a" }`, "{\n  name = \"a\"\n  size = 2\n  place = \"there\"\n}")
	phases := map[string]struct {
		before, text string
		destroy      bool
	}{
		"create":  {text: chain},
		"change":  {before: chain, text: changed},
		"destroy": {before: chain, text: chain, destroy: true},
	}
	moments := []fakeplugin.Moment{fakeplugin.BeforeIntent, fakeplugin.BeforeCall, fakeplugin.AfterCall, fakeplugin.AfterJob}
	for name, phase := range phases {
		for _, moment := range moments {
			for _, address := range []string{"thing.a", "thing.b", "thing.c"} {
				t.Run(name+"/"+string(moment)+"/"+address, func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					if phase.before != "" {
						w.must(phase.before)
					}
					w.cloud.Hook = func(m fakeplugin.Moment, a, _ string) error {
						if m == moment && a == address {
							return fakeplugin.ErrKilled
						}
						return nil
					}
					if phase.destroy {
						_, _ = w.apply(phase.text, destroy)
						w.cloud.Hook = nil
						w.must(phase.text, destroy)
						if got := w.things(); len(got) != 0 {
							t.Errorf("left over: %v", got)
						}
						return
					}
					_, _ = w.apply(phase.text)
					w.cloud.Hook = nil
					w.must(phase.text)
					if got := w.steps(phase.text); len(got) != 0 {
						t.Errorf("not empty afterwards: %v", got)
					}
					if got := len(w.things()); got != 3 {
						t.Errorf("things: got %v, want three", w.things())
					}
				})
			}
		}
	}
}

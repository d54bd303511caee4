package apply_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/spec/addr"
	"github.com/moldctl/moldctl/core/state"
)

// limited are the flags --target, --exclude and --replace.
func limited(t *testing.T, targets, excludes, replace string) func(*plan.Input) {
	t.Helper()
	parse := func(text string) []addr.Target {
		var out []addr.Target
		for _, word := range strings.Fields(text) {
			target, err := addr.ParseTarget(word)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, target)
		}
		return out
	}
	return func(in *plan.Input) {
		in.Limits = plan.Limits{Targets: parse(targets), Excludes: parse(excludes)}
		in.Replace = parse(replace)
	}
}

// tower is base ← middle ← top, with many[0..1] on base, and other alone.
var tower = block("base", `name = "base"`) +
	block("middle", "name = \"middle\"\non = thing.base.id") +
	block("top", "name = \"top\"\non = thing.middle.id") +
	block("many", "count = 2\nname = \"many${count.index}\"\non = thing.base.id") +
	block("other", `name = "other"`)

func TestLimits(t *testing.T) {
	t.Parallel()
	grown := strings.ReplaceAll(tower, "name =", "size = 2\nname =")
	tests := map[string]struct {
		reason            string
		first, second     string
		targets, excludes string
		destroy           bool
		want              []string
	}{
		"target creates with what it needs":   {"dependencies come along, dependents do not", "", tower, "thing.middle", "", false, []string{"create thing.base", "create thing.middle"}},
		"target of one instance":              {"its siblings stay out", "", tower, "thing.many[1]", "", false, []string{"create thing.base", "create thing.many[1]"}},
		"target of a sibling's need":          {"a block that others need comes whole", "", tower + block("user", "name = \"u\"\non = thing.many[0].id"), "thing.many[1] thing.user", "", false, []string{"create thing.base", "create thing.many[0]", "create thing.many[1]", "create thing.user"}},
		"two targets":                         {"they add up", "", tower, "thing.other thing.base", "", false, []string{"create thing.base", "create thing.other"}},
		"target updates only its part":        {"what is left out keeps its value", tower, grown, "thing.base", "", false, []string{"update thing.base"}},
		"exclude leaves dependents out":       {"they would need what is not made", "", tower, "", "thing.middle", false, []string{"create thing.base", "create thing.many[0]", "create thing.many[1]", "create thing.other"}},
		"exclude one instance":                {"its siblings are made", "", tower, "", "thing.many[0]", false, []string{"create thing.base", "create thing.many[1]", "create thing.middle", "create thing.other", "create thing.top"}},
		"exclude wins over target":            {"of two wishes the careful one holds", "", tower, "thing.top thing.other", "thing.base", false, []string{"create thing.other"}},
		"orphans stay unless they are meant":  {"a block that is gone is deleted by a whole plan", tower, block("base", `name = "base"`), "thing.base", "", false, nil},
		"orphan as a target goes with its":    {"what was made from it cannot stay", tower, block("base", `name = "base"`), "thing.middle", "", false, []string{"delete thing.middle", "delete thing.top"}},
		"orphan excluded keeps what it needs": {"a delete of its base would fail", tower, block("other", `name = "other"`), "", "thing.middle", false, []string{"delete thing.many[0]", "delete thing.many[1]", "delete thing.top"}},
		"orphan beneath what stays": {"the one that was made from it moves off first", tower, strings.ReplaceAll(tower, "thing.base.id", "thing.other.id")[len(block("base", `name = "base"`)):], "thing.base", "", false,
			[]string{"delete thing.base", "update thing.many[0]", "update thing.many[1]", "update thing.middle"}},
		"destroy of a target":   {"with what was made from it", tower, tower, "thing.middle", "", true, []string{"delete thing.middle", "delete thing.top"}},
		"destroy of the bottom": {"everything on it goes", tower, tower, "thing.base", "", true, []string{"delete thing.base", "delete thing.many[0]", "delete thing.many[1]", "delete thing.middle", "delete thing.top"}},
		"destroy but for one":   {"what it stands on stays", tower, tower, "", "thing.middle", true, []string{"delete thing.many[0]", "delete thing.many[1]", "delete thing.other", "delete thing.top"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if tc.first != "" {
				w.must(tc.first)
			}
			change := []func(*plan.Input){limited(t, tc.targets, tc.excludes, "")}
			if tc.destroy {
				change = append(change, destroy)
			}
			var got []string
			for _, line := range w.steps(tc.second, change...) {
				action, _, _ := strings.Cut(line, ":")
				got = append(got, action)
			}
			slices.Sort(got)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Fatalf("%s (-want +got):\n%s", tc.reason, diff)
			}
			w.must(tc.second, change...)
			if tc.destroy {
				return
			}
			w.must(tc.second) // the whole stack still goes
			if left := w.steps(tc.second); len(left) != 0 {
				t.Errorf("the whole plan is not empty afterwards: %v", left)
			}
		})
	}
}

// TestLimitsKeepOutputs checks that an output which rests on what is left out
// keeps its value.
func TestLimitsKeepOutputs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	outputs := "output \"top\" {\n  value = thing.top.id\n}\noutput \"size\" {\n  value = thing.base.size\n}\noutput \"made\" {\n  value = thing.new[0].id\n}\n"
	w.must(tower + strings.Replace(outputs, "thing.new[0].id", `"x"`, 1))
	second := strings.Replace(tower, `name = "base"`, "name = \"base\"\nsize = 5", 1) + block("new", "count = 1\nname = \"new\"") + outputs
	w.must(second, limited(t, "thing.base", "", ""))
	s := w.session()
	defer s.Close()
	snap, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for name, o := range snap.Outputs {
		got[name] = string(o.Value)
	}
	want := map[string]string{"top": got["top"], "size": "5", "made": `"x"`}
	if diff := cmp.Diff(want, got); diff != "" || len(got["top"]) < 4 {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLimitsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ targets, excludes, replace, want string }{
		"a slip":                 {"thing.bases", "", "", `--target thing.bases: neither the stack nor the state has it. Did you mean "thing.base"?`},
		"excluded and replaced":  {"", "thing.base", "thing.top", "--replace thing.top: the plan does not look at it"},
		"a replaced that is not": {"", "", "thing.nothing", "--replace thing.nothing: neither"},
		"an exclude that is not": {"", "module.x", "", "--exclude module.x: neither"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			_, diags := w.apply(tower, limited(t, tc.targets, tc.excludes, tc.replace))
			if text := render(diags); !strings.Contains(strings.Join(strings.Fields(text), " "), tc.want) {
				t.Errorf("said:\n%s\nwant: %s", text, tc.want)
			}
			if calls := w.cloud.Calls(); len(calls) != 0 {
				t.Errorf("the cloud was changed: %v", calls)
			}
		})
	}
}

func TestPartialPlanWarns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session()
	defer s.Close()
	p, diags := w.plan(s, tower, limited(t, "thing.base", "", ""))
	if text := render(diags); diags.HasErrors() || !p.Partial || !strings.Contains(text, "Plan is partial") || !strings.Contains(text, "--target thing.base") {
		t.Errorf("partial = %v, said:\n%s", p.Partial, text)
	}
}

func TestReplaceAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(tower)
	got := w.steps(tower, limited(t, "", "", "thing.middle thing.many[0]"))
	want := []string{
		"delete thing.many[0]: asked for by --replace", "create thing.many[0]: asked for by --replace",
		"delete thing.middle: asked for by --replace", "create thing.middle: asked for by --replace", "update thing.top: on changed",
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if sum := w.must(tower, limited(t, "", "", "thing.middle thing.many[0]")); sum.Replaced != 2 || sum.Updated != 1 {
		t.Errorf("done: %+v", sum)
	}
	if left := w.steps(tower); len(left) != 0 {
		t.Errorf("the next plan is not empty: %v", left)
	}
	guarded := strings.Replace(tower, "name = \"middle\"", "lifecycle {\n prevent_destroy = true\n}\nname = \"middle\"", 1)
	if _, diags := w.apply(guarded, limited(t, "", "", "thing.middle")); !strings.Contains(render(diags), "would be replaced (--replace)") {
		t.Errorf("prevent_destroy does not hold: %s", render(diags))
	}
}

// TestRefreshOnly checks that drift is shown and taken over by the state, and
// that the cloud hears nothing.
func TestRefreshOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := tower + "output \"size\" {\n  value = thing.other.size\n}\n"
	w.must(text)
	only := func(in *plan.Input) { in.RefreshOnly = true }
	ids := map[string]string{}
	for key, row := range w.objects() {
		ids[key.Addr] = row.ID
	}
	w.cloud.Change(ids["thing.other"], func(v map[string]cty.Value) map[string]cty.Value {
		v["size"] = cty.NumberIntVal(7)
		return v
	})
	w.cloud.Change(ids["thing.top"], func(map[string]cty.Value) map[string]cty.Value { return nil })
	before := len(w.cloud.Calls())
	s := w.session()
	p, diags := w.plan(s, text, only)
	if err := s.Close(); err != nil || diags.HasErrors() {
		t.Fatal(err, render(diags))
	}
	if !p.Changed() || len(p.Steps) != 0 || len(p.Drift) != 2 || !p.OutputsChanged() {
		t.Errorf("changed %v, %d steps, drift %+v", p.Changed(), len(p.Steps), p.Drift)
	}
	w.must(text, only)
	if calls := w.cloud.Calls()[before:]; len(calls) != 0 {
		t.Errorf("the cloud was changed: %v", calls)
	}
	objects := w.objects()
	if row := objects[state.Key{Addr: "thing.other"}]; row == nil || !strings.Contains(string(row.Values), `"size":7`) {
		t.Errorf("the drift was not taken over: %+v", row)
	}
	if objects[state.Key{Addr: "thing.top"}] != nil {
		t.Error("what is gone is still in the state")
	}
	want := []string{"create thing.top", "update thing.other: size changed"}
	got := w.steps(text)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the next plan (-want +got):\n%s", diff)
	}
}

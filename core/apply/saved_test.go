package apply_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/apply"
	"github.com/moldctl/moldctl/core/plan/saved"
)

// TestSavedPlan checks what becomes of a plan between its making and its
// carrying out.
func TestSavedPlan(t *testing.T) {
	t.Parallel()
	grown := strings.ReplaceAll(tower, `name = "middle"`, "name = \"middle\"\nsize = 4")
	change := func(w *world, address, attribute string, v cty.Value) {
		for key, row := range w.objects() {
			if key.Addr == address {
				w.cloud.Change(row.ID, func(values map[string]cty.Value) map[string]cty.Value {
					if v == cty.NilVal {
						return nil
					}
					values[attribute] = v
					return values
				})
			}
		}
	}
	tests := map[string]struct {
		reason        string
		first, second string
		between       func(*world)
		want          string   // what is refused; "" if nothing
		calls         []string // of the plan
	}{
		"nothing happened":    {"the plain case", tower, grown, func(*world) {}, "", []string{"update thing.middle"}},
		"unrelated drift":     {"the plan never touched it", tower, grown, func(w *world) { change(w, "thing.other", "size", cty.NumberIntVal(9)) }, "", []string{"update thing.middle"}},
		"unrelated loss":      {"it is made again by another plan", tower, grown, func(w *world) { change(w, "thing.other", "", cty.NilVal) }, "", []string{"update thing.middle"}},
		"an object more":      {"another stack text may have made it since", tower, grown, func(w *world) { w.must(tower + block("later", `name = "later"`)) }, "", []string{"update thing.middle"}},
		"its object changed":  {"what was shown is not so any more", tower, grown, func(w *world) { change(w, "thing.middle", "size", cty.NumberIntVal(9)) }, "thing.middle: what exists has changed since the plan was made: size", nil},
		"done by another":     {"it is done already", tower, grown, func(w *world) { w.must(grown) }, "thing.middle: the plan would update it, and there is nothing left to do", nil},
		"its object is gone":  {"an update cannot be carried out", tower, grown, func(w *world) { change(w, "thing.middle", "", cty.NilVal) }, "thing.middle: the plan would update it, and now it would take a create (it was deleted outside moldctl)", nil},
		"what it needs gone":  {"its base would have to come first", tower, grown, func(w *world) { change(w, "thing.base", "", cty.NilVal) }, "thing.base: steps of the plan now need a create of it first", nil},
		"created since":       {"somebody was faster", "", tower, func(w *world) { w.must(block("other", `name = "other"`)) }, "thing.other: the plan would create it, and it exists by now", nil},
		"deleted since":       {"nothing is left to delete", tower, block("base", `name = "base"`), func(w *world) { change(w, "thing.other", "", cty.NilVal) }, "thing.other: the plan would delete it", nil},
		"replaced in between": {"another object bears the address", tower, grown, func(w *world) { w.must(tower, limited(t, "", "", "thing.middle")) }, "thing.middle: it was ", nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if tc.first != "" {
				w.must(tc.first)
			}
			s := w.session()
			p, diags := w.plan(s, tc.second)
			if err := s.Close(); err != nil || diags.HasErrors() {
				t.Fatal(err, render(diags))
			}
			steps, err := saved.Steps(p)
			if err != nil {
				t.Fatal(err)
			}
			content := saved.Content{Steps: steps, Drift: saved.Drift(p)}
			tc.between(w)
			before := len(w.cloud.Calls())
			s = w.session()
			defer s.Close()
			p, diags = w.plan(s, tc.second)
			if diags.HasErrors() {
				t.Fatal(render(diags))
			}
			diags = content.Match(p)
			if tc.want != "" {
				if text := strings.Join(strings.Fields(render(diags)), " "); !strings.Contains(text, tc.want) {
					t.Errorf("%s: said\n%s\nwant %s", tc.reason, text, tc.want)
				}
				return
			}
			if diags.HasErrors() {
				t.Fatalf("%s: refused:\n%s", tc.reason, render(diags))
			}
			if _, diags := apply.Run(t.Context(), p, apply.Deps{Host: w.cloud, Session: s, Parallelism: 4}); diags.HasErrors() {
				t.Fatal(render(diags))
			}
			if diff := cmp.Diff(tc.calls, append([]string(nil), w.cloud.Calls()[before:]...)); diff != "" {
				t.Errorf("%s: calls (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

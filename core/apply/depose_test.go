package apply_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/internal/fakeplugin"
)

const first = "\nlifecycle {\n create_before_destroy = true\n}"

// TestCreateFirstPropagates checks the order of replacements when one that is
// made first stands on others.
func TestCreateFirstPropagates(t *testing.T) {
	t.Parallel()
	thing := func(name, on, place, more string) string {
		body := fmt.Sprintf("name = %q\nplace = %q", name, place)
		if on != "" {
			body += "\non = thing." + on + ".id"
		}
		return block(name, body+more)
	}
	tests := map[string]struct {
		reason        string
		first, second string
		want          []string
	}{
		"one level": {"the base goes after the top that stood on it", thing("base", "", "a", "") + thing("top", "base", "a", first), thing("base", "", "b", "") + thing("top", "base", "b", first),
			[]string{"create thing.base", "create thing.top", "delete thing.top", "delete thing.base"}},
		"two levels": {"it goes on as far as things are replaced", thing("base", "", "a", "") + thing("mid", "base", "a", "") + thing("top", "mid", "a", first), thing("base", "", "b", "") + thing("mid", "base", "b", "") + thing("top", "mid", "b", first),
			[]string{"create thing.base", "create thing.mid", "create thing.top", "delete thing.top", "delete thing.mid", "delete thing.base"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.must(tc.first)
			before := len(w.cloud.Calls())
			w.must(tc.second)
			if diff := cmp.Diff(tc.want, w.cloud.Calls()[before:]); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
			if left := w.steps(tc.second); len(left) != 0 {
				t.Errorf("the next plan is not empty: %v", left)
			}
		})
	}
	// Not upwards: what stands on it is replaced as ever, its delete at any time
	// before its create.
	w := newWorld(t)
	w.must(thing("base", "", "a", first) + thing("top", "base", "a", ""))
	before := len(w.cloud.Calls())
	w.must(thing("base", "", "b", first) + thing("top", "base", "b", ""))
	calls := w.cloud.Calls()[before:]
	if len(calls) != 4 || calls[3] != "delete thing.base" || slices.Index(calls, "delete thing.top") > slices.Index(calls, "create thing.top") {
		t.Errorf("upwards: %v", calls)
	}
	w = newWorld(t)
	w.must(tests["one level"].first)
	if text := strings.Join(w.steps(tests["one level"].second), "\n"); !strings.Contains(text, "create thing.base: place changed: forces replacement; made first, as thing.top is") {
		t.Errorf("the plan does not say why:\n%s", text)
	}
}

// TestTwoAtATime checks that create_before_destroy is refused where both would
// share what is unique in the cloud.
func TestTwoAtATime(t *testing.T) {
	t.Parallel()
	post := func(number int, street, color, more string) string {
		return fmt.Sprintf("resource \"post\" \"p\" {\nnumber = %d\nstreet = %s\ncolor = %q%s\n}\n", number, street, color, more)
	}
	user := block("u", "name = post.p.color\nplace = post.p.color"+first+"\non = post.p.id")
	tests := map[string]struct {
		reason        string
		first, second string
		want          string
	}{
		"kept":           {"the plain case", post(1, `"x"`, "red", first), post(1, `"x"`, "blue", first), `the same "number", "street"`},
		"one changes":    {"together they are unique", post(1, `"x"`, "red", first), post(1, `"y"`, "blue", first), ""},
		"not yet known":  {"it may come out otherwise", post(1, `"x"`, "red", first), block("n", `name = "n"`) + post(1, "thing.n.id", "blue", first), ""},
		"deleted first":  {"never two at a time", post(1, `"x"`, "red", ""), post(1, `"x"`, "blue", ""), ""},
		"by propagation": {"the wish of another brings it about", post(1, `"x"`, "red", "") + user, post(1, `"x"`, "blue", "") + user, "thing.u, which is made from it, says create_before_destroy"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.must(tc.first)
			before := len(w.cloud.Calls())
			_, diags := w.apply(tc.second)
			text := strings.Join(strings.Fields(render(diags)), " ")
			if tc.want == "" {
				if diags.HasErrors() {
					t.Errorf("%s: refused: %s", tc.reason, text)
				}
				return
			}
			if !strings.Contains(text, tc.want) || len(w.cloud.Calls()) != before {
				t.Errorf("%s: said %s, want %s; calls %v", tc.reason, text, tc.want, w.cloud.Calls()[before:])
			}
		})
	}
}

// TestDeposedAgain checks that what could not be deleted after a replacement is
// kept apart from the next one, and deleted by a later run.
func TestDeposedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := func(place string) string { return block("a", fmt.Sprintf("name = \"a\"\nplace = %q%s", place, first)) }
	w.must(text("one"))
	w.cloud.Hook = func(m fakeplugin.Moment, _, call string) error {
		if m == fakeplugin.BeforeCall && call == "delete" {
			return fmt.Errorf("it is in use")
		}
		return nil
	}
	for _, place := range []string{"two", "three"} {
		if _, diags := w.apply(text(place)); !diags.HasErrors() {
			t.Fatalf("%s: the failed delete went unnoticed", place)
		}
	}
	var deposed []string
	for key := range w.objects() {
		if key.Deposed != "" {
			deposed = append(deposed, key.Deposed)
		}
	}
	if len(w.things()) != 3 || len(deposed) != 2 {
		t.Fatalf("exist %v, deposed %v", w.things(), deposed)
	}
	w.cloud.Hook = nil
	if sum := w.must(text("three")); sum.Deleted != 2 || sum.Replaced+sum.Created != 0 {
		t.Errorf("done: %+v", sum)
	}
	if got := w.things(); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
}

// TestReasonNamesTheCause checks that a replacement tells which other object's
// attribute brought it about.
func TestReasonNamesTheCause(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := func(place string) string {
		return block("base", fmt.Sprintf("name = \"base\"\nplace = %q", place)) + block("top", "name = \"top\"\nplace = thing.base.id")
	}
	w.must(text("a"))
	got := strings.Join(w.steps(text("b")), "\n")
	for _, want := range []string{"create thing.base: place changed: forces replacement", "create thing.top: thing.base.id changed: forces replacement"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

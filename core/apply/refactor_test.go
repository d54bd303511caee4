package apply_test

import (
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/apply"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/fakeplugin"
)

// addresses lists what the state holds, as address=id.
func (w *world) addresses() []string {
	w.t.Helper()
	var out []string
	for key, row := range w.objects() {
		out = append(out, key.Addr+"="+row.ID)
	}
	sort.Strings(out)
	return out
}

func (w *world) objects() map[state.Key]*state.Object {
	w.t.Helper()
	s := w.session()
	defer func() {
		if err := s.Close(); err != nil {
			w.t.Error(err)
		}
	}()
	snap, err := s.Snapshot(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return snap.Objects
}

func block(name, body string) string {
	return "resource \"thing\" \"" + name + "\" {\n" + body + "\n}\n"
}

func moveTo(from, to string) string { return "moved {\n  from = " + from + "\n  to = " + to + "\n}\n" }

// TestMoved checks that an object keeps its id under its new address, and that
// the cloud hears nothing of it.
func TestMoved(t *testing.T) {
	t.Parallel()
	a, many := block("a", `name = "a"`), block("a", "count = 2\nname = \"a${count.index}\"")
	each := block("a", "for_each = toset([\"x\", \"y\"])\nname = each.key")
	tests := map[string]struct {
		reason string
		first  string
		second string
		want   []string
		calls  []string // of the second apply
	}{
		"a block":            {"the plain case", a, block("b", `name = "a"`) + moveTo("thing.a", "thing.b"), []string{"thing.b was thing.a"}, nil},
		"a chain":            {"moves of several versions stay in the stack", a, block("c", `name = "a"`) + moveTo("thing.b", "thing.c") + moveTo("thing.a", "thing.b"), []string{"thing.c was thing.a"}, nil},
		"all of a count":     {"instances keep their numbers", many, strings.ReplaceAll(many, `"a" {`, `"b" {`) + moveTo("thing.a", "thing.b"), []string{"thing.b[0] was thing.a[0]", "thing.b[1] was thing.a[1]"}, nil},
		"one of a count":     {"an instance moves out, the others stay", many, block("a", "count = 1\nname = \"a0\"") + block("b", `name = "a1"`) + moveTo("thing.a[1]", "thing.b"), []string{"thing.a[0] was thing.a[0]", "thing.b was thing.a[1]"}, nil},
		"count to for_each":  {"numbers become keys", many, block("a", "for_each = toset([\"a0\", \"a1\"])\nname = each.key") + moveTo("thing.a[0]", `thing.a["a0"]`) + moveTo("thing.a[1]", `thing.a["a1"]`), []string{`thing.a["a0"] was thing.a[0]`, `thing.a["a1"] was thing.a[1]`}, nil},
		"keys of a for_each": {"a key is renamed", each, strings.ReplaceAll(each, `"y"`, `"z"`) + moveTo(`thing.a["y"]`, `thing.a["z"]`), []string{`thing.a["x"] was thing.a["x"]`, `thing.a["z"] was thing.a["y"]`}, []string{`update thing.a["z"]`}},
		"count comes":        {"the only instance becomes number 0 by itself", a, block("a", "count = 1\nname = \"a\""), []string{"thing.a[0] was thing.a"}, nil},
		"count goes":         {"number 0 becomes the only instance, the rest goes", many, block("a", `name = "a0"`), []string{"thing.a was thing.a[0]"}, []string{"delete thing.a[1]"}},
		"single to an index": {"said in so many words", a, block("a", "count = 2\nname = \"a\"") + moveTo("thing.a", "thing.a[1]"), []string{"thing.a[0] was ", "thing.a[1] was thing.a"}, []string{"create thing.a[0]"}},
		"nothing to move":    {"a moved block that has done its work stays without effect", block("b", `name = "a"`), block("b", `name = "a"`) + moveTo("thing.a", "thing.b"), []string{"thing.b was thing.b"}, nil},
		"dependency renamed": {"a delete finds its order by the new name", a + block("u", "name = \"u\"\non = thing.a.id"), block("b", `name = "a"`) + block("u", "name = \"u\"\non = thing.b.id") + moveTo("thing.a", "thing.b"), []string{"thing.b was thing.a", "thing.u was thing.u"}, nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.must(tc.first)
			was := map[string]string{}
			for key, row := range w.objects() {
				was[row.ID] = key.Addr
			}
			before := len(w.cloud.Calls())
			w.must(tc.second)
			var now []string
			for key, row := range w.objects() {
				now = append(now, key.Addr+" was "+was[row.ID])
			}
			sort.Strings(now)
			if diff := cmp.Diff(tc.want, now); diff != "" {
				t.Errorf("%s: addresses (-want +got):\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.calls, append([]string(nil), w.cloud.Calls()[before:]...)); diff != "" {
				t.Errorf("%s: calls (-want +got):\n%s", tc.reason, diff)
			}
			if got := w.steps(tc.second); len(got) != 0 {
				t.Errorf("%s: the next plan is not empty: %v", tc.reason, got)
			}
			w.must(tc.second, destroy)
			if got := w.things(); len(got) != 0 {
				t.Errorf("%s: left after destroy: %v", tc.reason, got)
			}
		})
	}
}

// TestMovedInterrupted checks that what a killed run began under the old
// address is found and goes on under the new one.
func TestMovedInterrupted(t *testing.T) {
	t.Parallel()
	for _, moment := range []fakeplugin.Moment{fakeplugin.BeforeCall, fakeplugin.AfterCall, fakeplugin.AfterJob} {
		w := newWorld(t)
		w.cloud.Hook = func(m fakeplugin.Moment, _, _ string) error {
			if m == moment {
				return fakeplugin.ErrKilled
			}
			return nil
		}
		if _, diags := w.apply(block("a", `name = "a"`)); !diags.HasErrors() {
			t.Fatalf("%s: the kill went unnoticed", moment)
		}
		w.cloud.Hook = nil
		w.must(block("b", `name = "a"`) + moveTo("thing.a", "thing.b"))
		if got := w.things(); len(got) != 1 {
			t.Errorf("killed %s: %v exist, want one", moment, got)
		}
		if got := w.addresses(); len(got) != 1 || !strings.HasPrefix(got[0], "thing.b=") {
			t.Errorf("killed %s: the state holds %v", moment, got)
		}
	}
}

func TestMovedDependenciesOrderDeletes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(block("a", `name = "a"`) + block("u", "name = \"u\"\non = thing.a.id"))
	w.must(block("b", `name = "a"`) + block("u", "name = \"u\"\non = \"id-1\"") + moveTo("thing.a", "thing.b"))
	for key, row := range w.objects() {
		if key.Addr == "thing.u" && len(row.DependsOn) != 0 {
			t.Errorf("thing.u still depends on %v", row.DependsOn)
		}
	}
	w = newWorld(t)
	w.must(block("a", `name = "a"`) + block("u", "name = \"u\"\non = thing.a.id"))
	w.must(moveTo("thing.a", "thing.b") + moveTo("thing.u", "thing.v"))
	if diff := cmp.Diff([]string{"delete thing.v", "delete thing.b"}, w.cloud.Calls()[2:]); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestRefactorRefusals(t *testing.T) {
	t.Parallel()
	a, b := block("a", `name = "a"`), block("b", `name = "b"`)
	tests := map[string]struct {
		reason string
		first  string
		second string
		want   string
	}{
		"circle":             {"no end", "", moveTo("thing.a", "thing.b") + moveTo("thing.b", "thing.a"), "thing.a → thing.b → thing.a"},
		"circle of keys":     {"no end", "", moveTo("thing.a[0]", "thing.a[1]") + moveTo("thing.a[1]", "thing.a[0]"), "Moves go in a circle"},
		"two ends":           {"not decided", "", moveTo("thing.a", "thing.b") + moveTo("thing.a", "thing.c"), "thing.a moves to thing.c here and to thing.b"},
		"two beginnings":     {"not decided", "", moveTo("thing.a", "thing.c") + moveTo("thing.b", "thing.c"), "Both thing.b and thing.a move to thing.c"},
		"still declared":     {"it would be made again", a, a + b + moveTo("thing.a", "thing.b"), "still declares it"},
		"meets another":      {"one would be lost", a + b, b + moveTo("thing.a", "thing.b"), ") would be thing.b. Remove the moved block"},
		"removed still here": {"contradiction", a, a + "removed {\n  from = thing.a\n}\n", "still declares thing.a"},
		"import no block":    {"nothing describes it", "", a + "import {\n  to = thing.aa\n  id = \"x\"\n}\n", `Did you mean "thing.a"?`},
		"import no object":   {"the id is wrong", "", a + "import {\n  to = thing.a\n  id = \"x\"\n}\n", `no thing with the id "x"`},
		"import no name":     {"the name is wrong", "", a + "import {\n  to = thing.a\n  name = \"x\"\n}\n", "No such thing"},
		"import two names":   {"never guessed", "", a + "import {\n  to = thing.a\n  name = \"twin\"\n}\n", "Name is not unique"},
		"import held":        {"one object has one address", a, a + b + "import {\n  to = thing.b\n  id = \"id-1\"\n}\n", "is thing.a already"},
		"import taken":       {"another object has the address", a, a + "import {\n  to = thing.a\n  id = \"s1\"\n}\n", "Address is taken"},
		"import wrong key":   {"it would be deleted at once", "", block("a", "count = 1\nname = \"a\"") + "import {\n  to = thing.a[3]\n  id = \"s1\"\n}\n", `no instance thing.a[3]. There are: "thing.a[0]"`},
		"import needs key":   {"which one", "", block("a", "count = 1\nname = \"a\"") + "import {\n  to = thing.a\n  id = \"s1\"\n}\n", "write thing.a[0]"},
		"import unknown":     {"known too late", "", a + b + "import {\n  to = thing.a\n  id = thing.b.id\n}\n", "cannot rest on thing.b"},
		"check unknown":      {"a check refers to nothing", "", "check \"c\" {\n  assert {\n    condition = thing.x.id != \"\"\n    error_message = \"no\"\n  }\n}\n", "thing.x"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for _, id := range []string{"s1", "s2"} {
				w.cloud.Seed("thing", id, map[string]cty.Value{"name": cty.StringVal("twin"), "size": cty.NumberIntVal(1)})
			}
			if tc.first != "" {
				w.must(tc.first)
			}
			before := len(w.cloud.Calls())
			_, diags := w.apply(tc.second)
			if said := render(diags); !diags.HasErrors() || !strings.Contains(said, tc.want) {
				t.Errorf("%s: %q is not said:\n%s", tc.reason, tc.want, said)
			}
			if got := w.cloud.Calls()[before:]; len(got) > 0 {
				t.Errorf("%s: the cloud was changed: %v", tc.reason, got)
			}
		})
	}
}

func TestRemoved(t *testing.T) {
	t.Parallel()
	gone := func(more string) string { return "removed {\n  from = thing.a\n" + more + "}\n" }
	tests := map[string]struct {
		reason string
		first  string
		second string
		things []string
		err    string
	}{
		"kept":             {"the object leaves the state only", block("a", `name = "a"`), gone("destroy = false\n"), []string{"a=1"}, ""},
		"deleted":          {"as without the block", block("a", `name = "a"`), gone(""), nil, ""},
		"protected":        {"a removed block does not lift protection", block("a", "name = \"a\"\nlifecycle {\n  prevent_destroy = true\n}"), gone("destroy = true\n"), []string{"a=1"}, "is protected"},
		"protected, kept":  {"nothing is destroyed", block("a", "name = \"a\"\nlifecycle {\n  prevent_destroy = true\n}"), gone("destroy = false\n"), []string{"a=1"}, ""},
		"retained, wanted": {"what is said last counts", block("a", "name = \"a\"\nretain_on_destroy = true"), gone("destroy = true\n"), nil, ""},
		"retained":         {"what was said before counts", block("a", "name = \"a\"\nretain_on_destroy = true"), gone(""), []string{"a=1"}, ""},
		"instances":        {"all of a block", block("a", "count = 2\nname = \"a\""), gone("destroy = false\n"), []string{"a=1", "a=1"}, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.must(tc.first)
			_, diags := w.apply(tc.second)
			if said := render(diags); (tc.err != "") != diags.HasErrors() || !strings.Contains(said, tc.err) {
				t.Fatalf("%s: want %q, said:\n%s", tc.reason, tc.err, said)
			}
			if diff := cmp.Diff(tc.things, w.things()); diff != "" {
				t.Errorf("%s: things (-want +got):\n%s", tc.reason, diff)
			}
			if got := w.addresses(); tc.err == "" && len(got) != 0 {
				t.Errorf("%s: the state holds %v", tc.reason, got)
			}
		})
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason  string
		text    string
		summary apply.Summary
		steps   []string
		things  []string
	}{
		"by id": {
			"nothing differs, nothing is called", block("a", `name = "old"`) + "import {\n  to = thing.a\n  id = \"s1\"\n}\n",
			apply.Summary{Imported: 1}, nil, []string{"old=1"},
		},
		"by name": {
			"the name is looked up", block("a", `name = "old"`) + "variable \"n\" {\n  default = \"old\"\n}\nimport {\n  to = thing.a\n  name = var.n\n}\n",
			apply.Summary{Imported: 1}, nil, []string{"old=1"},
		},
		"what the cloud does not tell": {
			"the block is believed", block("a", "name = \"old\"\nboot = \"fast\"") + "import {\n  to = thing.a\n  id = \"s1\"\n}\n",
			apply.Summary{Imported: 1}, nil, []string{"old=1"},
		},
		"with a difference": {
			"the object is brought in line", block("a", "name = \"new\"\nsize = 3\nlifecycle {\n  prevent_destroy = true\n}") + "import {\n  to = thing.a\n  id = \"s1\"\n}\n",
			apply.Summary{Imported: 1, Updated: 1}, []string{"update thing.a: name, size changed"}, []string{"new=3"},
		},
		"to an instance": {
			"one of several", block("a", "count = 2\nname = \"old\"") + "import {\n  to = thing.a[1]\n  id = \"s1\"\n}\n",
			apply.Summary{Imported: 1, Created: 1}, []string{"create thing.a[0]"}, []string{"old=1", "old=1"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.cloud.Seed("thing", "s1", map[string]cty.Value{"name": cty.StringVal("old"), "size": cty.NumberIntVal(1), "made": cty.StringVal("before")})
			if diff := cmp.Diff(tc.steps, w.steps(tc.text)); diff != "" {
				t.Errorf("%s: steps (-want +got):\n%s", tc.reason, diff)
			}
			if got := w.addresses(); len(got) != 0 {
				t.Errorf("%s: a plan wrote %v to the state", tc.reason, got)
			}
			if diff := cmp.Diff(tc.summary, w.must(tc.text)); diff != "" {
				t.Errorf("%s: summary (-want +got):\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.things, w.things()); diff != "" {
				t.Errorf("%s: things (-want +got):\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(apply.Summary{}, w.must(tc.text)); diff != "" {
				t.Errorf("%s: the next apply does something (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

// TestLifecycleAlone checks that what a block says beside its attributes
// reaches the state without a change of the object.
func TestLifecycleAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(block("a", "name = \"a\"\nlifecycle {\n  prevent_destroy = true\n}"))
	if _, diags := w.apply("locals {}\n"); !strings.Contains(render(diags), "is protected") {
		t.Fatalf("the object is not protected:\n%s", render(diags))
	}
	w.must(block("a", `name = "a"`))
	w.must("locals {}\n")
	if got := w.things(); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	assert := func(condition, message string) string {
		return "  assert {\n    condition = " + condition + "\n    error_message = " + message + "\n  }\n"
	}
	find := "  data \"thing\" \"found\" {\n    name = \"a\"\n  }\n"
	tests := map[string]struct {
		reason string
		check  string
		failed int
		said   string
	}{
		"holds":            {"nothing is said", assert(`thing.a.made == "decided"`, `"no"`), 0, ""},
		"fails":            {"a warning with the author's words", assert("thing.a.size > 5", `"only ${thing.a.size}"`), 1, "only 1"},
		"own data":         {"what is looked up is known to the check", find + assert("data.thing.found.id == thing.a.id", `"another"`), 0, ""},
		"own data fails":   {"as any other", find + assert(`data.thing.found.size == 2`, `"small"`), 1, "small"},
		"nothing found":    {"a lookup that fails is a warning too", strings.ReplaceAll(find, `= "a"`, `= "b"`) + assert("true", `"no"`), 1, "Nothing found"},
		"wrong expression": {"so is a mistake that shows only now", assert(`tonumber(thing.a.made) > 1`, `"no"`), 1, "Invalid function argument"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			sum, diags := w.apply(block("a", `name = "a"`) + "check \"c\" {\n" + tc.check + "}\n")
			if diags.HasErrors() || sum.Created != 1 || sum.FailedChecks != tc.failed {
				t.Errorf("%s: %+v, said:\n%s", tc.reason, sum, render(diags))
			}
			if said := render(diags); !strings.Contains(said, tc.said) || tc.said == "" && said != "" {
				t.Errorf("%s: want %q, said:\n%s", tc.reason, tc.said, said)
			}
		})
	}
}

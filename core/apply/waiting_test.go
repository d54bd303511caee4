package apply_test

import (
	"strings"
	"testing"

	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/fakeplugin"
)

// TestDeleteWaits checks a destroy that only time lets end: it is no failure,
// the plan warns of it, the state says so, and a later run finishes it.
func TestDeleteWaits(t *testing.T) {
	t.Parallel()
	cloud, err := fakeplugin.New(strings.ReplaceAll(fakeSpec, "    delete: {call: deleteNetwork}\n    prune:", "    delete: {call: deleteNetwork, expunges: true}\n    prune:"))
	if err != nil {
		t.Fatal(err)
	}
	cloud.MayNotExpunge = true
	w := &world{t: t, dir: t.TempDir(), cloud: cloud}
	text := block("ground", `name = "ground"`) + block("net", "name = \"net\"\non = thing.ground.id") +
		"resource \"press\" \"vm\" {\n  name = thing.net.name\n}\n" + block("other", `name = "other"`)
	w.must(text)

	waits := true
	cloud.Later = func(address string) bool { return waits && address == "thing.net" }
	sum, diags := w.apply(text, destroy)
	said := strings.Join(strings.Fields(render(diags)), " ")
	if diags.HasErrors() || sum.Failed+sum.Skipped != 0 || sum.Waiting != 2 || sum.Deleted != 2 {
		t.Errorf("done %+v, said %s", sum, said)
	}
	s := w.session()
	_, planned := w.plan(s, text, destroy)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if text := render(planned); strings.Contains(text, "expunge") {
		t.Errorf("no machine goes any more, and the plan warns: %s", text)
	}
	rows := w.objects()
	if row := rows[state.Key{Addr: "thing.net"}]; row == nil || row.Status != state.Waiting {
		t.Errorf("the state holds %+v", row)
	}
	if len(rows) != 2 { // the ground it stands on waits, too
		t.Errorf("%d objects are left", len(rows))
	}
	waits = false
	if sum := w.must(text, destroy); sum.Deleted != 2 || sum.Waiting != 0 {
		t.Errorf("done later: %+v", sum)
	}

	// What waited and is wanted again after all is just there.
	w.must(text)
	waits = true
	if _, diags := w.apply(text, destroy); diags.HasErrors() {
		t.Fatal(render(diags))
	}
	w.must(text)
	if row := w.objects()[state.Key{Addr: "thing.net"}]; row == nil || row.Status != state.OK {
		t.Errorf("wanted again: %+v", row)
	}
}

// TestDestroyWarnsOfExpunge checks when the plan warns.
func TestDestroyWarnsOfExpunge(t *testing.T) {
	t.Parallel()
	text := block("net", `name = "net"`) + "resource \"press\" \"vm\" {\n  name = thing.net.name\n}\n"
	tests := map[string]struct {
		mayNot bool
		second string
		want   bool
	}{
		"both go":               {true, "", true},
		"an account that may":   {false, "", false},
		"only the machine goes": {true, block("net", `name = "net"`), false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, err := fakeplugin.New(strings.ReplaceAll(fakeSpec, "    delete: {call: deleteNetwork}\n    prune:", "    delete: {call: deleteNetwork, expunges: true}\n    prune:"))
			if err != nil {
				t.Fatal(err)
			}
			cloud.MayNotExpunge = tc.mayNot
			w := &world{t: t, dir: t.TempDir(), cloud: cloud}
			w.must(text)
			s := w.session()
			defer s.Close()
			_, diags := w.plan(s, tc.second)
			said := strings.Join(strings.Fields(render(diags)), " ")
			if got := strings.Contains(said, "those of press.vm are destroyed") && strings.Contains(said, "Until then thing.net cannot go: the run ends with exit code 3"); got != tc.want || diags.HasErrors() {
				t.Errorf("warned %t, want %t: %s", got, tc.want, said)
			}
		})
	}
}

package apply_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/core/apply"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/fakeplugin"
)

// TestWriteOnly checks that a value which is only to be written is in no state,
// and that a change of it is noticed all the same.
func TestWriteOnly(t *testing.T) {
	t.Parallel()
	cloud, err := fakeplugin.New(nextSpec("token: {type: string, sensitive: true, doc: A secret.}", `token: {type: string, write_only: true, field: "-", doc: A secret.}`))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: t.TempDir(), cloud: cloud}
	text := func(token, size string) string {
		return block("a", "name = \"a\"\nsize = "+size+"\ntoken = \""+token+"\"") + block("b", "name = \"b\"\ntoken = \""+token+"\"")
	}
	run := func(text string) (steps []string) {
		t.Helper()
		s := w.session()
		defer s.Close()
		p, diags := w.plan(s, text, func(in *plan.Input) { in.Fingerprint = s.Fingerprint })
		if diags.HasErrors() {
			t.Fatal(render(diags))
		}
		for _, step := range p.Steps {
			if step.Action != plan.NoOp {
				steps = append(steps, string(step.Action)+" "+step.Key.Addr+" "+step.Reason)
			}
		}
		if _, diags := apply.Run(t.Context(), p, apply.Deps{Host: w.cloud, Session: s, Fingerprint: s.Fingerprint, Parallelism: 1}); diags.HasErrors() {
			t.Fatal(render(diags))
		}
		return steps
	}
	run(text("hunter2", "1"))
	rows := w.objects()
	a, b := rows[state.Key{Addr: "thing.a"}], rows[state.Key{Addr: "thing.b"}]
	if bytes.Contains(a.Values, []byte("hunter2")) || len(a.Prints) != 1 || a.Prints["token"] == b.Prints["token"] {
		t.Errorf("stored %s, %v and %v", a.Values, a.Prints, b.Prints)
	}
	for _, file := range []string{"state.db", "state.db-wal"} {
		if data, err := os.ReadFile(filepath.Join(w.dir, ".moldctl", file)); err == nil && bytes.Contains(data, []byte("hunter2")) {
			t.Errorf("%s tells the secret", file)
		}
	}
	for _, tc := range []struct {
		reason, token, size string
		want                []string
	}{
		{"nothing changed", "hunter2", "1", nil},
		{"something else changed: the secret is not among the changes", "hunter2", "2", []string{"update thing.a size changed"}},
		{"the secret changed", "hunter3", "2", []string{"update thing.a token changed", "update thing.b token changed"}},
		{"and is known again", "hunter3", "2", nil},
	} {
		if diff := cmp.Diff(tc.want, run(text(tc.token, tc.size))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
	if got := strings.Join(w.things(), " "); got != "a=2 b=1" {
		t.Errorf("exist %s", got)
	}
}

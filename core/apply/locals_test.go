package apply_test

import (
	"strings"
	"testing"

	"github.com/moldctl/moldctl/core/plan"
)

// TestWrongLocals makes objects of local values that cannot be evaluated: when
// that shows while planning nothing is planned, when it shows while applying
// only what needs the value is not made, and a destroy does not mind.
func TestWrongLocals(t *testing.T) {
	t.Parallel()
	const now = "locals {\n  n = tonumber(\"ten\")\n}\n"
	const later = "locals {\n  n = tonumber(thing.a.made)\n}\n"
	uses := block("b", "name = \"b\"\nsize = local.n")
	w := newWorld(t)
	_, diags := w.apply(now + block("a", `name = "a"`) + uses)
	if said := render(diags); !strings.Contains(said, "cannot convert \"ten\"") || len(w.cloud.Objects()) != 0 {
		t.Errorf("known while planning: %d objects made, said %s", len(w.cloud.Objects()), said)
	}
	_, diags = w.apply(later + block("a", `name = "a"`) + uses)
	if said := render(diags); !strings.Contains(said, "must be a decimal representation of a number") || len(w.cloud.Objects()) != 1 {
		t.Errorf("known while applying: %d objects made, said %s", len(w.cloud.Objects()), said)
	}
	// Nobody asks for the value: nothing is wrong.
	w.must(now + block("a", `name = "a"`))
	s := w.session()
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if p, diags := w.plan(s, now+block("a", `name = "a"`)+uses, func(in *plan.Input) { in.Destroy = true }); diags.HasErrors() || len(p.Steps) != 1 {
		t.Errorf("destroy: %s", render(diags))
	}
}

package apply_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/moldctl/moldctl/core/apply"
	"github.com/moldctl/moldctl/core/state"
)

// failing is a state that takes some entries, and then none.
type failing struct {
	state.Session
	left atomic.Int32
}

func (f *failing) Append(ctx context.Context, entries ...state.Entry) error {
	if f.left.Add(-1) < 0 {
		return errors.New("the disk is full")
	}
	return f.Session.Append(ctx, entries...)
}

// TestAStateThatFails ends the run at the first entry that cannot be written,
// and says so of what ran, not of the many that did not begin.
func TestAStateThatFails(t *testing.T) {
	t.Parallel()
	const many = 100
	text := fmt.Sprintf("resource \"thing\" \"a\" {\n  count = %d\n  name = \"a${count.index}\"\n}\n", many)
	for name, takes := range map[string]int32{"at the first entry": 1, "in the middle": 60} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s := w.session()
			p, diags := w.plan(s, text)
			if diags.HasErrors() {
				t.Fatal(render(diags))
			}
			broken := &failing{Session: s}
			broken.left.Store(takes)
			sum, diags := apply.Run(t.Context(), p, apply.Deps{Host: w.cloud, Session: broken, Parallelism: 4})
			if sum.Failed < 1 || sum.Failed > 4 || sum.Created+sum.Failed+sum.NotStarted != many {
				t.Errorf("summary %+v, want at most 4 failed and the rest not begun", sum)
			}
			if text := render(diags); strings.Count(text, "the disk is full") > 4*2 || !strings.Contains(text, "State cannot be written") {
				t.Errorf("it says %d times:\n%s", strings.Count(text, "the disk is full"), text)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			w.must(text)
			if things := w.things(); len(things) != many {
				t.Errorf("%d things after the next run, want %d", len(things), many)
			}
		})
	}
}

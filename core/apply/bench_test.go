package apply_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/moldctl/moldctl/core/apply"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/state"
)

// independent is a stack of n objects that know nothing of each other.
func independent(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "resource \"thing\" \"n%d\" {\n  name = \"n%d\"\n}\n", i, i)
	}
	return b.String()
}

// layered is a stack of n objects in layers of ten, each object on two of the
// layer before.
func layered(n int) string {
	var b strings.Builder
	for i := range n {
		on := `"ground"`
		if i >= 10 {
			on = fmt.Sprintf("\"${thing.n%d.id}/${thing.n%d.id}\"", i-10, (i/10-1)*10+(i+3)%10)
		}
		fmt.Fprintf(&b, "resource \"thing\" \"n%d\" {\n  name = \"n%d\"\n  on = %s\n}\n", i, i, on)
	}
	return b.String()
}

// BenchmarkStack plans from empty, applies, and plans again, with the plugin
// in memory: what the engine itself costs.
func BenchmarkStack(b *testing.B) {
	for shape, text := range map[string]func(int) string{"independent": independent, "layered": layered} {
		for _, n := range []int{1000, 10000} {
			b.Run(fmt.Sprintf("%s/%d", shape, n), func(b *testing.B) {
				for b.Loop() {
					benchStack(b, text(n))
				}
			})
		}
	}
}

func benchStack(b *testing.B, text string) {
	b.StopTimer()
	w := newWorld(b)
	s := w.session()
	b.StartTimer()
	var p *plan.Plan
	timed(b, "plan", func() { p = w.mustPlan(s, text) })
	timed(b, "apply", func() {
		_, diags := apply.Run(b.Context(), p, apply.Deps{Host: w.cloud, Session: s, Parallelism: 10})
		if diags.HasErrors() {
			b.Fatal(render(diags))
		}
	})
	timed(b, "noop", func() {
		if w.mustPlan(s, text).Changed() {
			b.Fatal("the second plan is not empty")
		}
	})
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func (w *world) mustPlan(s state.Session, text string) *plan.Plan {
	w.t.Helper()
	p, diags := w.plan(s, text)
	if diags.HasErrors() {
		w.t.Fatal(render(diags))
	}
	return p
}

// timed adds a figure of its own for one phase.
func timed(b *testing.B, phase string, do func()) {
	before := b.Elapsed()
	do()
	b.ReportMetric(float64((b.Elapsed() - before).Milliseconds()), "ms/"+phase)
}

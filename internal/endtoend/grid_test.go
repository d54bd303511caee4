package endtoend_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// phase is one use of the seed stack: what is there before, what is done, and
// what exists afterwards.
type phase struct {
	before, text string // the stack as applied before ("" = nothing), and as it is now
	action       string
}

func phases(t *testing.T) map[string]phase {
	t.Helper()
	first := seed(t)
	changed := strings.Replace(first, "<?php echo gethostname(); phpinfo(); ?>", "<?php echo gethostname(); ?> version two", 1)
	if changed == first {
		t.Fatal("the seed no longer writes the file that this test changes")
	}
	updated := strings.NewReplacer("Isolated network for", "The network of", `"roundrobin"`, `"leastconn"`, "max_members   = 6", "max_members   = 5", "threshold = 70", "threshold = 75").Replace(first)
	if strings.Count(updated, "leastconn")+strings.Count(updated, "= 75") != 2 {
		t.Fatal("the seed no longer says what this test changes in place")
	}
	return map[string]phase{
		"apply":   {"", first, "apply"},
		"update":  {first, updated, "apply"},
		"rollout": {first, changed, "apply"},
		"destroy": {first, first, "destroy"},
	}
}

// prepare brings a world to where a phase begins.
func (p phase) prepare(w *world) {
	if p.before != "" {
		w.write(p.before)
		w.must("apply")
	}
	w.write(p.text)
}

// TestKillGrid kills the program, a plugin or all at once before and after each
// mutating call of the seed's apply, rollout and destroy. One apply more must
// finish, with nothing doubled, nothing left over and nothing to do after it.
// It takes many minutes: without MOLDCTL_SOAK only a few points are tried.
func TestKillGrid(t *testing.T) {
	t.Parallel()
	for name, p := range phases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := newWorld(t)
			p.prepare(first)
			start := first.calls()
			first.must(p.action)
			calls, want := first.calls()-start, first.inventory()
			if calls == 0 {
				t.Fatalf("%s changes nothing", name)
			}
			t.Logf("%s makes %d mutating calls", name, calls)
			for at := 1; at <= calls; at++ {
				for _, v := range []victim{theProgram, aPlugin, everybody} {
					for _, after := range []bool{false, true} {
						if !soak() && !sampled(name, at, calls, v, after) {
							continue
						}
						t.Run(fmt.Sprintf("%d/%s/after=%t", at, v, after), func(t *testing.T) {
							t.Parallel()
							p.killed(t, v, at, after, want)
						})
					}
				}
			}
		})
	}
}

// sampled chooses the points that are always tried: one plugin of the apply and
// all of the rollout, in the middle. The program alone is killed elsewhere.
func sampled(phase string, at, calls int, v victim, after bool) bool {
	switch {
	case at != calls/2 || !after:
		return false
	case phase == "apply":
		return v == aPlugin
	case phase == "rollout":
		return v == everybody
	}
	return false
}

// killed plays a phase that is cut off at one call.
func (p phase) killed(t *testing.T, v victim, at int, after bool, want []string) {
	t.Helper()
	w := newWorld(t)
	p.prepare(w)
	w.victim = v
	w.kill(p.action, at, after)
	w.must(p.action)
	p.finished(w, want)
}

// soak turns on what takes long.
func soak() bool { return os.Getenv("MOLDCTL_SOAK") != "" }

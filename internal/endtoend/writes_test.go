package endtoend_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/moldctl/moldctl/internal/faultydisk"
)

// writeVariable lets the program watch the disk under its state: "0" counts the
// durable writes, "7 begins program" kills the program where the seventh begins.
const writeVariable = "ENDTOEND_WRITE"

// diskOfRun is the disk that all databases of this process lie on from now on.
func diskOfRun(text string) (*faultydisk.Disk, error) {
	disk, err := faultydisk.New(true)
	if err != nil {
		return nil, err
	}
	var at int
	var moment faultydisk.Moment
	var who victim
	if n, err := fmt.Sscan(text, &at, &moment, &who); err != nil && n < 1 {
		return nil, fmt.Errorf("%s=%q: %w", writeVariable, text, err)
	}
	disk.Watch(func(m faultydisk.Moment, n int) {
		if n != at || m != moment {
			return
		}
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = who.kill(self, "")
		}
		panic(fmt.Sprint("still alive: ", err))
	})
	return disk, nil
}

// writes counts the durable writes of an action.
func (w *world) writes(action string) int {
	w.t.Helper()
	w.env = []string{writeVariable + "=0"}
	n := w.must(action).Writes
	w.env = nil
	if n < 3 {
		w.t.Fatalf("%s makes %d durable writes", action, n)
	}
	return n
}

// point is one moment of one durable write.
type point struct {
	at     int
	moment faultydisk.Moment
	victim victim
}

func (p point) String() string { return fmt.Sprintf("%d/%s/%s", p.at, p.moment, p.victim) }

// writePoints are both moments of each write. Who is killed alternates; every so many
// are taken.
func writePoints(writes, every int) []point {
	var out []point
	for at := 1; at <= writes; at++ {
		for i, moment := range []faultydisk.Moment{faultydisk.Begins, faultydisk.Flushed} {
			who := theProgram
			if (at+i)%2 == 0 {
				who = everybody
			}
			if (2*at+i)%every == 0 {
				out = append(out, point{at, moment, who})
			}
		}
	}
	return out
}

// TestKilledAtEachWrite kills the program, or all, where a durable write of its
// state begins and where it has been flushed: one apply more must finish, with
// nothing doubled, nothing left over and nothing to do after it. Without
// MOLDCTL_SOAK only some points of a small stack are tried.
func TestKilledAtEachWrite(t *testing.T) {
	t.Parallel()
	all, every := map[string]phase{"apply small": {"", rules, "apply"}, "destroy small": {rules, rules, "destroy"}}, 19
	if soak() {
		all, every = phases(t), 1
	}
	for name, p := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := newWorld(t)
			p.prepare(first)
			start := first.creates()
			writes := first.writes(p.action)
			want, made := first.inventory(), first.madeSince(start)
			t.Logf("%s makes %d durable writes", name, writes)
			for _, at := range writePoints(writes, every) {
				t.Run(at.String(), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					p.prepare(w)
					start := w.creates()
					w.env = []string{fmt.Sprintf("%s=%d %s %s", writeVariable, at.at, at.moment, at.victim)}
					if _, killed := w.start(p.action); !killed {
						t.Logf("%s ended before write %d", p.action, at.at) // appends may share a write
					}
					w.env = nil
					w.must(p.action)
					p.finished(w, want)
					for command, n := range w.madeSince(start) {
						if n > made[command] && !slices.Contains(building, command) && command != onlyAnswer {
							t.Errorf("%s was called %d times, %d are needed", command, n, made[command])
						}
					}
				})
			}
		})
	}
}

// building are the calls that set up the machine an image is built on. The key
// to it dies with the program; another run takes the machine away and begins
// with a new one.
var building = []string{"registerSSHKeyPair", "deployVirtualMachine", "createFirewallRule", "createPortForwardingRule"}

// onlyAnswer is the call whose answer alone holds a secret: if that was not
// durable, what the call made is taken away and made again.
const onlyAnswer = "createSSHKeyPair"

// madeSince counts the calls that made something since then.
func (w *world) madeSince(then map[string]int) map[string]int {
	out := w.creates()
	for command, n := range then {
		out[command] -= n
	}
	return out
}

// finished checks what there is after a phase that was cut off and taken up.
func (p phase) finished(w *world, want []string) {
	w.t.Helper()
	if p.action != "destroy" {
		w.settled(want)
		return
	}
	if got := w.inventory(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		w.t.Errorf("left over: %v, want %v", got, want)
	}
}

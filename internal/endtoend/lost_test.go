package endtoend_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/internal/cloudsim"
)

// machine goes with rules: what is cheap to make of everything that a stack
// like the seed begins with.
const machine = rules + `
resource "instance" "m" {
  name            = "m"
  template        = "Rocky Linux 9"
  offering        = "Medium Instance"
  network         = network.web.id
  key_pairs       = [ssh_keypair.k.name]
  affinity_groups = [affinity_group.g.id]
  depends_on      = [public_ip.a] # else it would be a matter of speed which address is the source NAT
}
`

var creating = regexp.MustCompile(`^(create|deploy|register|associate|copy|add|assign)`)

// creates counts the calls that make something, by command. Refused ones made
// nothing.
func (w *world) creates() map[string]int {
	out := map[string]int{}
	for _, e := range w.cloud.Audit() {
		if creating.MatchString(e.Command) && e.Status == 200 {
			out[e.Command]++
		}
	}
	return out
}

// call is the nth call of a command.
type call struct {
	command string
	nth     int
}

func (c call) String() string { return fmt.Sprintf("%s-%d", c.command, c.nth) }

// makers are the calls of an undisturbed apply that make something.
func makers(creates map[string]int) []call {
	var out []call
	for _, command := range slices.Sorted(maps.Keys(creates)) {
		for n := range creates[command] {
			out = append(out, call{command, n + 1})
		}
	}
	return out
}

// fault arms a fault of the cloud.
func (w *world) fault(f cloudsim.Fault) cloudsim.Fault {
	w.t.Helper()
	armed, err := w.cloud.AddFault(f)
	if err != nil {
		w.t.Fatal(err)
	}
	return armed
}

// once checks that everything was made, and nothing twice.
func (w *world) once(want map[string]int) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.creates()); diff != "" {
		w.t.Errorf("calls that make something (-undisturbed +this):\n%s", diff)
	}
}

// onceBut is once, but for calls that are made again after what was cut off: see
// building and onlyAnswer.
func (w *world) onceBut(again []string, want map[string]int) {
	w.t.Helper()
	got := w.creates()
	for _, command := range again {
		if n := want[command]; n > 0 && got[command] > n {
			got[command] = n
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("calls that make something (-undisturbed +this):\n%s", diff)
	}
}

// undisturbed is what an apply makes when nothing goes wrong.
func undisturbed(t *testing.T, text string) (creates map[string]int, inventory []string) {
	t.Helper()
	w := newWorld(t)
	w.write(text)
	w.must("apply")
	return w.creates(), w.inventory()
}

// TestAnswersLost loses the answer to each call that makes something, after the
// cloud has carried it out: the same apply finds it.
func TestAnswersLost(t *testing.T) {
	t.Parallel()
	for name, text := range lossy(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			creates, inventory := undisturbed(t, text)
			for _, c := range makers(creates) {
				t.Run(c.String(), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					w.write(text)
					lost := w.fault(cloudsim.Fault{Command: c.command, Nth: c.nth, Where: "after", Kind: "reset"})
					w.must("apply")
					if got := w.cloud.Faults(); len(got) != 1 || got[0].Struck != 1 {
						t.Fatalf("the fault %s did not strike once: %+v", lost.ID, got)
					}
					w.once(creates)
					w.settled(inventory)
				})
			}
		})
	}
}

// TestAllAnswersLost loses the answer to every call that makes something.
func TestAllAnswersLost(t *testing.T) {
	t.Parallel()
	creates, inventory := undisturbed(t, machine)
	w := newWorld(t)
	w.write(machine)
	for command := range creates {
		w.fault(cloudsim.Fault{Command: command, Next: 100, Where: "after", Kind: "reset"})
	}
	w.must("apply")
	w.once(creates)
	w.settled(inventory)
}

// lossy are the stacks of these tests: the seed's many calls only on demand.
func lossy(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{"machine": machine}
	if soak() {
		out["seed"] = seed(t)
	}
	return out
}

// impatient gives every resource of a stack little time to be made in.
func impatient(text string) string {
	return regexp.MustCompile(`(?m)^(resource .*\{)$`).ReplaceAllString(text, "$1\n  timeouts {\n    create = \"2s\"\n  }")
}

// TestJobsHeld holds the jobs of each command that makes something beyond the
// timeout of what they are for: the apply ends with an error, and the next one
// takes them up when they are over.
func TestJobsHeld(t *testing.T) {
	t.Parallel()
	for name, text := range lossy(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			building := building
			if name != "seed" {
				building = nil // no image is built
			}
			first := newWorld(t)
			first.write(text)
			first.must("apply")
			creates, inventory := first.creates(), first.inventory()
			for _, command := range first.jobs() {
				t.Run(command, func(t *testing.T) {
					t.Parallel()
					const held = 2 * time.Minute // of the cloud's clock, which runs 20 times as fast
					w := newWorldWith(t, cloudsim.Options{TimeScale: 20, Latencies: map[string]time.Duration{command: held}})
					w.write(impatient(text))
					out, _ := w.start("apply")
					if !out.Failed || !strings.Contains(out.Said, "took longer than its timeout of 2s") {
						t.Fatalf("the apply did not run out of time:\n%s", out.Said)
					}
					if err := w.cloud.Advance(held); err != nil {
						t.Fatal(err)
					}
					w.write(text)
					w.must("apply")
					w.onceBut(building, creates)
					if command != "createVMSnapshot" {
						w.settled(inventory)
						return
					}
					if diff := cmp.Diff(withoutOrigin(inventory), withoutOrigin(w.inventory())); diff != "" {
						t.Errorf("what exists (-want +got):\n%s", diff)
					}
				})
			}
		})
	}
}

// withoutOrigin leaves out the machine that an image was built on. When its
// snapshot does not come about in time the image is kept, and the machine goes;
// it may come about all the same.
func withoutOrigin(inventory []string) []string {
	return slices.DeleteFunc(slices.Clone(inventory), func(line string) bool {
		return line == "virtualmachine Stopped" || line == "vmSnapshot Ready"
	})
}

// jobs are the commands that made something by a job.
func (w *world) jobs() []string {
	var out []string
	for _, e := range w.cloud.Audit() {
		if creating.MatchString(e.Command) && e.JobID != "" && !slices.Contains(out, e.Command) {
			out = append(out, e.Command)
		}
	}
	return out
}

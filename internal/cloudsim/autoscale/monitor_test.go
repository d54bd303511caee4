package autoscale

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var tenSeconds = Options{StatsInterval: 10 * time.Second}

func constant(load float64) func(int) float64 { return func(int) float64 { return load } }

func TestTimeline(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason string
		group  Group
		script func(f *fake, m *Monitor, at func(float64))
		want   []string
	}{
		"first members": {
			"size repair comes one interval after the start, one machine after the other",
			cpuGroup(2, 4, nil),
			func(f *fake, m *Monitor, at func(float64)) { f.change(func() { f.load = constant(50) }); at(120) },
			[]string{"12.0 up vm1", "14.0 up vm2"},
		},
		"growth under load": {
			"each step needs the whole duration since the last start, then the next decision",
			cpuGroup(1, 3, nil),
			func(f *fake, m *Monitor, at func(float64)) { f.change(func() { f.load = constant(90) }); at(300) },
			[]string{"12.0 up vm1", "37.0 up vm2", "69.0 up vm3"},
		},
		"shrinking when idle": {
			"newest first, the grace period is slept through, and never below the minimum",
			cpuGroup(1, 3, nil),
			func(f *fake, m *Monitor, at func(float64)) {
				f.change(func() { f.load = constant(90) })
				at(70)
				f.change(func() { f.load = constant(1) })
				at(400)
			},
			[]string{"12.0 up vm1", "37.0 up vm2", "69.0 up vm3",
				"99.0 detached vm3", "129.0 destroyed vm3, group SCALING", "139.0 detached vm2", "169.0 destroyed vm2, group SCALING"},
		},
		"unmeasured machines": {
			"without statistics nothing is decided, the minimum is still kept",
			cpuGroup(1, 3, nil),
			func(f *fake, m *Monitor, at func(float64)) { f.change(func() { f.load = constant(-1) }); at(300) },
			[]string{"12.0 up vm1"},
		},
		"lost machine": {
			"a stopped machine is not counted and is replaced",
			cpuGroup(1, 3, nil),
			func(f *fake, m *Monitor, at func(float64)) {
				f.change(func() { f.load = constant(50) })
				at(50)
				f.change(func() { f.members[0].State = "Stopped" })
				at(100)
			},
			[]string{"12.0 up vm1", "54.0 up vm2"},
		},
		"more than the maximum": {
			"surplus machines go newest first, whatever the load",
			cpuGroup(1, 2, nil),
			func(f *fake, m *Monitor, at func(float64)) {
				f.change(func() {
					f.load = constant(50)
					for i := range 4 {
						f.members = append(f.members, Member{ID: fmt.Sprint("old", i), State: "Running"})
					}
				})
				at(200)
			},
			[]string{"10.0 detached old3", "40.0 destroyed old3, group SCALING", "40.0 detached old2", "70.0 destroyed old2, group SCALING"},
		},
		"broken machines stop growth": {
			"more than the threshold in state Error: no further attempt",
			cpuGroup(1, 3, nil),
			func(f *fake, m *Monitor, at func(float64)) {
				f.change(func() { f.failing = true; f.boot = time.Second })
				at(400)
			},
			brokenTimeline(11),
		},
		"disabled in the middle of a removal": {
			"the action is finished, the group stays disabled, nothing follows",
			cpuGroup(1, 3, nil),
			func(f *fake, m *Monitor, at func(float64)) {
				f.change(func() { f.load = constant(90) })
				at(70)
				f.change(func() { f.load = constant(1) })
				at(100)
				f.change(func() { f.group.State = "DISABLED" })
				m.Unwatch("g")
				at(400)
			},
			[]string{"12.0 up vm1", "37.0 up vm2", "69.0 up vm3", "99.0 detached vm3", "129.0 destroyed vm3, group DISABLED"},
		},
		"enabled again": {
			"the collector starts anew and decisions wait for a whole duration",
			cpuGroup(1, 3, nil),
			func(f *fake, m *Monitor, at func(float64)) {
				f.change(func() { f.load = constant(90) })
				at(20)
				f.change(func() { f.group.State = "DISABLED" })
				m.Unwatch("g")
				at(100)
				f.change(func() { f.group.State = Enabled; f.group.Min = 2 })
				m.Watch("g")
				at(160)
			},
			[]string{"12.0 up vm1", "112.0 up vm2", "137.0 up vm3"},
		},
		"quiet time of the first policy only": {
			"a removal delays the next growth by the scale-up quiet time",
			cpuGroup(1, 3, func(g *Group) { g.Policies[0].Quiet = 120 * time.Second; g.Policies[1].Quiet = time.Hour }),
			func(f *fake, m *Monitor, at func(float64)) {
				f.change(func() {
					f.load = constant(1)
					f.members = []Member{{ID: "old1", State: "Running"}, {ID: "old2", State: "Running"}, {ID: "old3", State: "Running"}}
				})
				at(120) // two removals: the down policy's hour of quiet does not act
				f.change(func() { f.load = constant(90) })
				at(220)
			},
			[]string{"25.0 detached old3", "55.0 destroyed old3, group SCALING", "65.0 detached old2", "95.0 destroyed old2, group SCALING", "187.0 up vm1"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, test.group, tenSeconds, test.script)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.reason, diff)
			}
		})
	}
}

func brokenTimeline(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("%d.0 broken vm%d", 11*(i+1), i+1))
	}
	return all
}

// TestDeciderWaitsForTheSlowestGroup shows why one group's grace period holds up all others.
func TestDeciderWaitsForTheSlowestGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(cpuGroup(1, 2, func(g *Group) { g.Grace = 100 * time.Second }))
		f.load = constant(1)
		f.members = []Member{{ID: "a", State: "Running"}, {ID: "b", State: "Running"}}
		counting := &countingGroups{fake: f}
		m := New(counting, f, Options{Clock: wallClock{}, StatsInterval: 10 * time.Second})
		defer m.Close()
		<-time.After(26 * time.Second)
		synctest.Wait()
		before := counting.rounds() // at 15 and 25 s; the second detached a machine
		<-time.After(95 * time.Second)
		synctest.Wait()
		if got := counting.rounds(); got != before {
			t.Errorf("%d rounds while a machine had its grace period", got-before)
		}
		<-time.After(20 * time.Second)
		synctest.Wait()
		if counting.rounds() == before {
			t.Error("no round after the grace period")
		}
	})
}

// countingGroups counts the decider's rounds: each begins by asking for the enabled groups.
type countingGroups struct {
	*fake
	n int
}

func (c *countingGroups) Enabled() []string {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
	return c.fake.Enabled()
}

func (c *countingGroups) rounds() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func TestCloseEndsAnActionUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(cpuGroup(1, 2, nil))
		f.boot = time.Hour
		m := New(f, f, Options{Clock: wallClock{}})
		<-time.After(11 * time.Second)
		m.Close()
		if took := time.Since(f.begin); took != 11*time.Second {
			t.Errorf("Close returned after %v", took)
		}
		m.Watch("g") // does nothing: the bubble would not end otherwise
	})
}

package autoscale

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestOddities runs the same script with the original's odd behaviour and without it.
func TestOddities(t *testing.T) {
	t.Parallel()
	three := func(f *fake) {
		f.members = []Member{{ID: "old1", State: "Running"}, {ID: "old2", State: "Running"}, {ID: "old3", State: "Running"}}
	}
	tests := map[string]struct {
		reason        string
		group         Group
		script        func(f *fake, m *Monitor, at func(float64))
		strict, ideal []string
	}{
		"quiet time of a scale-down policy": {
			"the original stamps the first scale-up policy: nothing but the blind time slows removals down",
			cpuGroup(1, 3, func(g *Group) { g.Policies[1].Quiet = 120 * time.Second; g.Grace = 0 }),
			func(f *fake, m *Monitor, at func(float64)) {
				f.change(func() { f.load = constant(1); three(f) })
				at(200)
			},
			[]string{"25.0 detached old3", "25.0 destroyed old3, group SCALING", "55.0 detached old2", "55.0 destroyed old2, group SCALING"},
			[]string{"15.0 detached old3", "15.0 destroyed old3, group ENABLED", "135.0 detached old2", "135.0 destroyed old2, group ENABLED"},
		},
		"grace period": {
			"the original sleeps through it and the group is Scaling; the ideal one goes on deciding",
			cpuGroup(1, 3, func(g *Group) { g.Grace = 60 * time.Second }),
			func(f *fake, m *Monitor, at func(float64)) {
				f.change(func() { f.load = constant(1); three(f) })
				at(80)
			},
			[]string{"25.0 detached old3"},
			[]string{"15.0 detached old3", "25.0 detached old2", "75.0 destroyed old3, group ENABLED"},
		},
		"blind after the start": {
			"the original waits for the longest duration after a group was enabled",
			cpuGroup(1, 3, func(g *Group) { g.Policies[1].Duration = 100 * time.Second }),
			func(f *fake, m *Monitor, at func(float64)) {
				f.change(func() {
					f.load = constant(90)
					f.members = []Member{{ID: "old1", State: "Running"}}
				})
				at(60)
			},
			nil,
			[]string{"17.0 up vm1", "29.0 up vm2"},
		},
		"a member that stopped is outside the count": {
			"either way it is replaced, and when it comes back the newest goes",
			cpuGroup(1, 1, nil),
			func(f *fake, m *Monitor, at func(float64)) {
				f.change(func() { f.load = constant(50) })
				at(30)
				f.change(func() { f.members[0].State = "Stopped" })
				at(60)
				f.change(func() { f.members[0].State = "Running" })
				at(110)
			},
			[]string{"12.0 up vm1", "34.0 up vm2", "64.0 detached vm2", "94.0 destroyed vm2, group SCALING"},
			[]string{"12.0 up vm1", "34.0 up vm2", "64.0 detached vm2", "94.0 destroyed vm2, group ENABLED"},
		},
		"a dead guest pulls the mean down": {
			"its sample of nothing counts: a healthy machine, the newest, goes",
			cpuGroup(1, 3, func(g *Group) { g.Grace = 0 }),
			func(f *fake, m *Monitor, at func(float64)) {
				f.change(func() { three(f); f.load = func(n int) float64 { return 45 / float64(n) } })
				at(30)
			},
			[]string{"25.0 detached old3", "25.0 destroyed old3, group SCALING"},
			[]string{"15.0 detached old3", "15.0 destroyed old3, group ENABLED"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for fidelity, want := range map[string][]string{"strict": test.strict, "ideal": test.ideal} {
				o := tenSeconds
				o.Ideal = fidelity == "ideal"
				if diff := cmp.Diff(want, run(t, test.group, o, test.script)); diff != "" {
					t.Errorf("%s: %s (-want +got):\n%s", fidelity, test.reason, diff)
				}
			}
		})
	}
}

// TestSharedPolicyCouplesGroups: the quiet time lies on the policy, so what one group does silences the other.
func TestSharedPolicyCouplesGroups(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(cpuGroup(1, 3, func(g *Group) { g.Policies[0].Quiet = 100 * time.Second }))
		f.load = constant(90)
		f.members = []Member{{ID: "old1", State: "Running"}}
		m := New(f, f, Options{Clock: wallClock{}, StatsInterval: 10 * time.Second})
		defer m.Close()
		f.Rest("up", time.Now()) // as another group with the same policy would just now
		<-time.After(99 * time.Second)
		synctest.Wait()
		f.change(func() {
			if len(f.timeline) != 0 {
				t.Errorf("grew within the other group's quiet time: %v", f.timeline)
			}
		})
		<-time.After(10 * time.Second)
		synctest.Wait()
		f.change(func() {
			if diff := cmp.Diff([]string{"107.0 up vm1"}, f.timeline); diff != "" {
				t.Errorf("after the quiet time (-want +got):\n%s", diff)
			}
		})
	})
}

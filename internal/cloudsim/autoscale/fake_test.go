package autoscale

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// wallClock follows the time package, which synctest makes virtual.
type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }
func (wallClock) After(d time.Duration) (<-chan time.Time, func()) {
	timer := time.NewTimer(d)
	return timer.C, func() { timer.Stop() }
}

// fake is a cloud with one group. It writes down what happens to it, with the second since the start.
type fake struct {
	begin   time.Time
	boot    time.Duration // how long a machine takes to start
	failing bool          // machines do not start

	mu       sync.Mutex
	group    Group
	members  []Member // in the order of assignment
	load     func(n int) float64
	traffic  Traffic
	silent   bool // the router does not answer
	next     int
	timeline []string
}

func newFake(group Group) *fake {
	group.ID, group.State = "g", Enabled
	return &fake{begin: time.Now(), boot: 2 * time.Second, group: group, load: func(int) float64 { return 0 }}
}

func (f *fake) note(format string, args ...any) {
	f.timeline = append(f.timeline, fmt.Sprintf("%.1f ", time.Since(f.begin).Seconds())+fmt.Sprintf(format, args...))
}

func (f *fake) Enabled() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.group.State != Enabled {
		return nil
	}
	return []string{"g"}
}

func (f *fake) Group(id string) (Group, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g := f.group
	g.Policies = slices.Clone(g.Policies)
	return g, id == "g"
}

func (f *fake) SetState(_ string, from, to State) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.group.State != from {
		return false
	}
	f.group.State = to
	return true
}

func (f *fake) Rest(policy string, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.group.Policies {
		if f.group.Policies[i].ID == policy {
			f.group.Policies[i].LastRest = at
		}
	}
}

func (f *fake) Members(string) []Member {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := slices.Clone(f.members)
	for i := range all {
		all[i].CPU = f.load(count(all))
		all[i].Measured = all[i].CPU >= 0
	}
	return all
}

func (f *fake) Traffic(string) (Traffic, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.traffic, !f.silent
}

func (f *fake) Grow(ctx context.Context, _ string, stage func()) error {
	f.mu.Lock()
	f.next++
	id := fmt.Sprint("vm", f.next)
	f.members = append(f.members, Member{ID: id, State: "Starting"})
	f.mu.Unlock()
	stage()
	select {
	case <-time.After(f.boot):
	case <-ctx.Done():
		return ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	at := slices.IndexFunc(f.members, func(m Member) bool { return m.ID == id })
	if f.failing {
		f.members[at].State = "Error"
		f.note("broken %s", id)
		return errors.New("no capacity")
	}
	f.members[at].State = "Running"
	f.mu.Unlock()
	stage()
	f.mu.Lock()
	f.note("up %s", id)
	return nil
}

func (f *fake) Detach(context.Context, string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.members) == 0 {
		return "", nil
	}
	last := f.members[len(f.members)-1]
	f.members = f.members[:len(f.members)-1]
	f.note("detached %s", last.ID)
	return last.ID, nil
}

func (f *fake) Destroy(_ context.Context, _, vm string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note("destroyed %s, group %s", vm, f.group.State)
	return nil
}

// change edits the fake's group or surroundings.
func (f *fake) change(edit func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	edit()
}

// run lets a monitor work on a group; script is called in the bubble once the monitor runs, and the
// timeline is what had happened when it returned.
func run(t *testing.T, group Group, o Options, script func(f *fake, m *Monitor, at func(seconds float64))) []string {
	t.Helper()
	var timeline []string
	synctest.Test(t, func(t *testing.T) {
		group.Policies = slices.Clone(group.Policies) // they are stamped, and another run of the group has another clock
		f := newFake(group)
		o.Clock = wallClock{}
		m := New(f, f, o)
		script(f, m, func(seconds float64) {
			<-time.After(time.Duration(seconds*float64(time.Second)) - time.Since(f.begin))
			synctest.Wait()
		})
		f.mu.Lock()
		timeline = slices.Clone(f.timeline)
		f.mu.Unlock()
		m.Close()
	})
	return timeline
}

// cpuGroup has one policy each way: up at 80 % or more, down at 20 % or less.
func cpuGroup(low, high int, change func(*Group)) Group {
	cpu := Counter{ID: "cpu", Source: "CPU", Measured: true}
	g := Group{
		Min: low, Max: high, Interval: 10 * time.Second, Grace: 30 * time.Second, Memory: 1024,
		Policies: []Policy{
			{ID: "up", Action: ScaleUp, Duration: 20 * time.Second, Quiet: 10 * time.Second, Conditions: []Condition{{cpu, "GE", 80}}},
			{ID: "down", Action: ScaleDown, Duration: 20 * time.Second, Quiet: 10 * time.Second, Conditions: []Condition{{cpu, "LE", 20}}},
		},
	}
	if change != nil {
		change(&g)
	}
	return g
}

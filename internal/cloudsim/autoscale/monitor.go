// Package autoscale grows and shrinks groups of machines the way CloudStack's management server does:
// a collector per group that repairs the group's size and samples its counters every interval, and one
// decider that compares the samples with the policies' conditions. Known oddities of the original are
// kept on purpose, because a tool that manages groups has to live with them: the quiet time that acts on
// the first scale-up policy only, the grace period slept through by the decider, the blind time after
// every start, removal and enable.
//
// It is pure logic over a clock and two interfaces; it imports the standard library only.
package autoscale

import (
	"context"
	"sync"
	"time"
)

// Clock is the time the monitor follows.
type Clock interface {
	Now() time.Time
	// After returns a channel that gets one value after d, and a function that gives the timer up.
	After(d time.Duration) (<-chan time.Time, func())
}

// Groups is where the monitor reads groups and writes what it changes in them.
type Groups interface {
	// Enabled lists the ids of the groups in state Enabled.
	Enabled() []string
	// Group reads one group; ok is false if it is gone.
	Group(id string) (group Group, ok bool)
	// SetState changes the state if it is from, and tells whether it was.
	SetState(id string, from, to State) bool
	// Rest records that a policy acted at a time.
	Rest(policyID string, at time.Time)
}

// Members is how the monitor measures and changes the machines of a group.
type Members interface {
	// Members lists the group's machines, whatever their state, with their load.
	Members(groupID string) []Member
	// Traffic reads the router in front of the group; ok is false if it does not answer.
	Traffic(groupID string) (traffic Traffic, ok bool)
	// Grow makes one machine in three stages, told apart because each is followed by a blind time:
	// made (stopped, in the group), started, behind the rule. It calls stage after the first two. After an
	// error it has cleaned up as far as the original does.
	Grow(ctx context.Context, groupID string, stage func()) error
	// Detach takes the machine assigned last out of rule and group and returns its id, or "" if the rule
	// has none.
	Detach(ctx context.Context, groupID string) (vm string, err error)
	// Destroy ends a detached machine for good.
	Destroy(ctx context.Context, groupID, vm string) error
}

// Options are the management server's settings; zero values take its defaults.
type Options struct {
	Clock         Clock
	StatsInterval time.Duration // autoscale.stats.interval: between decisions, 60 s
	FirstDecision time.Duration // after the first group came, 15 s
	Workers       int           // autoscale.stats.worker: groups decided at a time, 10
	ErrorLimit    int           // autoscale.errored.instance.threshold: broken machines that stop growth, 10
	KeepSamples   time.Duration // autoscale.stats.cleanup.delay: 2 h
	Ideal         bool          // switches the oddities off
}

// Monitor runs the loops. Its methods may be called at the same time.
type Monitor struct {
	groups  Groups
	members Members
	clock   Clock
	options Options

	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	watched map[string]context.CancelFunc // collectors by group
	started chan struct{}                 // gets a value when there is a group to watch
	samples map[string]*history           // by group
}

// New starts a monitor. Groups that are enabled are watched from now on, as after a restart of the
// management server.
func New(groups Groups, members Members, o Options) *Monitor {
	setDefault(&o.StatsInterval, time.Minute)
	setDefault(&o.FirstDecision, 15*time.Second)
	setDefault(&o.Workers, 10)
	setDefault(&o.ErrorLimit, 10)
	setDefault(&o.KeepSamples, 2*time.Hour)
	ctx, cancel := context.WithCancel(context.Background())
	m := &Monitor{groups: groups, members: members, clock: o.Clock, options: o, ctx: ctx, cancel: cancel,
		watched: map[string]context.CancelFunc{}, started: make(chan struct{}, 1), samples: map[string]*history{}}
	for _, id := range groups.Enabled() {
		m.Watch(id)
	}
	m.running.Go(m.decideForEver)
	return m
}

func setDefault[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

// Watch starts the collector of a group that was created or enabled: its first look comes after one
// interval. Decisions rest until the policies' longest duration has passed.
func (m *Monitor) Watch(id string) {
	group, ok := m.groups.Group(id)
	if !ok {
		return
	}
	m.blind(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	if stop := m.watched[id]; stop != nil {
		stop()
	}
	ctx, stop := context.WithCancel(m.ctx)
	m.watched[id] = stop
	m.running.Go(func() { m.collectForEver(ctx, id, group.Interval) })
	select {
	case m.started <- struct{}{}:
	default: // said already
	}
}

// Unwatch ends the collector of a group that was disabled. What it is just doing it finishes.
func (m *Monitor) Unwatch(id string) {
	m.blind(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	if stop := m.watched[id]; stop != nil {
		stop()
		delete(m.watched, id)
	}
}

// Forget ends the collector of a group that is gone and drops its samples.
func (m *Monitor) Forget(id string) {
	m.Unwatch(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.samples, id)
}

// Close ends all loops and returns when they have ended; actions under way are cut short.
func (m *Monitor) Close() {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.cancel()
	m.running.Wait()
}

// collectForEver looks at a group again and again. Only the waiting ends with ctx: an action goes on.
func (m *Monitor) collectForEver(ctx context.Context, id string, interval time.Duration) {
	for m.sleep(ctx, interval) == nil {
		m.collect(m.ctx, id)
	}
}

// decideForEver decides again and again while there are groups to watch; without any it waits for one and
// uses no timer.
func (m *Monitor) decideForEver() {
	for {
		select {
		case <-m.started:
		case <-m.ctx.Done():
			return
		}
		for wait := m.options.FirstDecision; m.watching() && m.sleep(m.ctx, wait) == nil; wait = m.options.StatsInterval {
			m.decideAll()
		}
	}
}

func (m *Monitor) watching() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.watched) > 0
}

// decideAll goes through all enabled groups, a few at a time, and waits for the slowest.
func (m *Monitor) decideAll() {
	var workers sync.WaitGroup
	slots := make(chan struct{}, m.options.Workers)
	for _, id := range m.groups.Enabled() {
		slots <- struct{}{}
		workers.Go(func() {
			defer func() { <-slots }()
			m.decide(m.ctx, id)
		})
	}
	workers.Wait()
}

// sleep waits for d on the clock, or fails when ctx is done first.
func (m *Monitor) sleep(ctx context.Context, d time.Duration) error {
	over, stop := m.clock.After(d)
	defer stop()
	select {
	case <-over:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

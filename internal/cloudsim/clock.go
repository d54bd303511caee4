package cloudsim

import (
	"context"
	"sort"
	"sync"
	"time"
)

// Clock is the one source of time of a cloud: job latencies, health checks, autoscale intervals and time stamps follow it.
// Its methods are safe for concurrent use.
type Clock interface {
	// Now is the cloud's time.
	Now() time.Time
	// After returns a channel that gets one value once d has passed, and a function that stops the timer early.
	// Stopping a timer twice, or after it fired, does nothing.
	After(d time.Duration) (<-chan time.Time, func())
}

// steerable is a clock that can be moved forward.
type steerable interface {
	Clock
	// Advance moves the clock and fires the timers that are due then.
	Advance(d time.Duration)
}

// SystemClock is real time, or real time sped up. It can be moved forward.
func SystemClock(scale float64) Clock {
	if scale <= 0 {
		scale = 1
	}
	return &systemClock{start: time.Now(), scale: scale, timers: make(map[*systemTimer]bool)}
}

// systemClock showed start plus ahead when real time was start, and has run since.
type systemClock struct {
	start time.Time
	scale float64

	mu     sync.Mutex
	ahead  time.Duration
	timers map[*systemTimer]bool
}

// systemTimer fires at a time of its clock.
type systemTimer struct {
	at   time.Time
	c    chan time.Time
	real *time.Timer
}

func (c *systemClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *systemClock) now() time.Time {
	if c.scale == 1 {
		return time.Now().Add(c.ahead) // follows a change of the machine's clock
	}
	return c.start.Add(c.ahead + time.Duration(float64(time.Since(c.start))*c.scale))
}

func (c *systemClock) After(d time.Duration) (<-chan time.Time, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &systemTimer{at: c.now().Add(d), c: make(chan time.Time, 1)}
	t.real = time.AfterFunc(time.Duration(float64(d)/c.scale), func() { c.fire(t) })
	c.timers[t] = true
	return t.c, func() { c.stop(t) }
}

func (c *systemClock) fire(t *systemTimer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timers[t] {
		delete(c.timers, t)
		t.c <- c.now()
	}
}

func (c *systemClock) stop(t *systemTimer) {
	t.real.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.timers, t)
}

// Advance moves the clock; timers keep their times and so fire earlier in real time.
func (c *systemClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += max(d, 0)
	now := c.now()
	for t := range c.timers {
		t.real.Reset(time.Duration(float64(t.at.Sub(now)) / c.scale))
	}
}

// notBefore makes the clock show at least t. A cloud whose time ran fast must not fall back when it starts again.
func (c *systemClock) notBefore(t time.Time) {
	c.Advance(t.Sub(c.Now()))
}

// ManualClock moves only when it is told to. It is for tests and for the admin API's clock/advance.
type ManualClock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*manualTimer
}

type manualTimer struct {
	at time.Time
	c  chan time.Time
}

// NewManualClock returns a clock that stands at start.
func NewManualClock(start time.Time) *ManualClock { return &ManualClock{now: start} }

// Now is where the clock stands.
func (c *ManualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// After returns a timer that fires when Advance passes its time; one that is already due fires at once.
func (c *ManualClock) After(d time.Duration) (<-chan time.Time, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &manualTimer{at: c.now.Add(d), c: make(chan time.Time, 1)}
	if d <= 0 {
		t.c <- c.now
		return t.c, func() {}
	}
	c.timers = append(c.timers, t)
	return t.c, func() { c.drop(t) }
}

func (c *ManualClock) drop(t *manualTimer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, other := range c.timers {
		if other == t {
			c.timers = append(c.timers[:i], c.timers[i+1:]...)
			return
		}
	}
}

// Advance moves the clock and fires the timers that are due, earliest first.
func (c *ManualClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	sort.SliceStable(c.timers, func(i, j int) bool { return c.timers[i].at.Before(c.timers[j].at) })
	due := 0
	for due < len(c.timers) && !c.timers[due].at.After(c.now) {
		c.timers[due].c <- c.now
		due++
	}
	c.timers = append([]*manualTimer(nil), c.timers[due:]...)
}

// Waiting is how many timers have not fired yet; tests use it to know that the cloud is idle.
func (c *ManualClock) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.timers)
}

// sleep waits for d on the clock; it returns the context's error if that ends first.
func sleep(ctx context.Context, clock Clock, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	c, stop := clock.After(d)
	defer stop()
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

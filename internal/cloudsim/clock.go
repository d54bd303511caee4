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

// SystemClock is real time, or real time sped up.
func SystemClock(scale float64) Clock {
	if scale <= 0 {
		scale = 1
	}
	now := time.Now()
	return systemClock{base: now, start: now, scale: scale}
}

// systemClock showed base when real time was start.
type systemClock struct {
	base, start time.Time
	scale       float64
}

func (c systemClock) Now() time.Time {
	if c.scale == 1 && c.base.Equal(c.start) {
		return time.Now() // follows a change of the machine's clock
	}
	return c.base.Add(time.Duration(float64(time.Since(c.start)) * c.scale))
}

func (c systemClock) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(time.Duration(float64(d) / c.scale))
	return t.C, func() { t.Stop() }
}

// notBefore returns a clock that shows at least t. A cloud whose time ran fast must not fall back when it starts again.
func (c systemClock) notBefore(t time.Time) systemClock {
	if t.After(c.Now()) {
		c.base, c.start = t, time.Now()
	}
	return c
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

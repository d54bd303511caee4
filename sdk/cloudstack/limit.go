package cloudstack

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// startLimit is how many requests run at once before anything is known about the server.
	startLimit = 10
	// longestRest is how long a server is left alone at most, whatever it says.
	longestRest = 30 * time.Second
)

// turnstile lets requests to one cloud through: who may be under way at once, and none while the cloud wants to be left alone.
type turnstile interface {
	// acquire waits for a turn.
	acquire(ctx context.Context) error
	// release ends a request.
	release(o outcomeOf)
}

// outcomeOf is what a request tells about the load of the server.
type outcomeOf struct {
	busy bool          // it was refused for load
	rest time.Duration // how long the server asked to be left alone
}

// queue lets so many requests run at once, in the order in which they came. Its owner holds the lock of all it does.
type queue struct {
	limit   int
	flight  int
	waiting []chan struct{}
	resting time.Time // none begins before
	alarm   *time.Timer
}

// enter takes a turn if one is free; otherwise it returns what to wait for.
func (q *queue) enter(now time.Time) chan struct{} {
	if q.flight < q.limit && len(q.waiting) == 0 && !now.Before(q.resting) {
		q.flight++
		return nil
	}
	turn := make(chan struct{})
	q.waiting = append(q.waiting, turn)
	return turn
}

// leave gives up waiting, or gives back a turn that came at the same moment.
func (q *queue) leave(turn chan struct{}) {
	if i := slices.Index(q.waiting, turn); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
		return
	}
	q.flight--
}

// rest keeps requests from beginning for a while; later is called when it is over.
func (q *queue) rest(now time.Time, d time.Duration, later func()) {
	until := now.Add(min(d, longestRest))
	if d <= 0 || !until.After(q.resting) {
		return
	}
	q.resting = until
	if q.alarm != nil {
		q.alarm.Stop()
	}
	q.alarm = time.AfterFunc(until.Sub(now), later)
}

// wake lets those through who have waited longest.
func (q *queue) wake(now time.Time) {
	for q.flight < q.limit && len(q.waiting) > 0 && !now.Before(q.resting) {
		close(q.waiting[0])
		q.waiting = q.waiting[1:]
		q.flight++
	}
}

// limiter is a turnstile of its own. Its limit grows by one after as many successes as it allows, and halves when the server says that
// it has too much to do.
type limiter struct {
	mu sync.Mutex // guards what follows
	queue
	most int
	good int
}

func newLimiter(most int) *limiter {
	return &limiter{queue: queue{limit: min(startLimit, most)}, most: most}
}

func (l *limiter) acquire(ctx context.Context) error {
	l.mu.Lock()
	turn := l.enter(time.Now())
	l.mu.Unlock()
	return await(ctx, turn, l.quit)
}

// quit is of one who does not want the turn any more, whether it came or not.
func (l *limiter) quit(turn chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leave(turn)
	l.wake(time.Now())
}

// await waits for a turn that was not free. One that is not wanted any more is quit.
func await(ctx context.Context, turn chan struct{}, quit func(chan struct{})) error {
	if turn == nil && ctx.Err() == nil {
		return nil
	}
	if turn != nil {
		select {
		case <-turn:
			return nil
		case <-ctx.Done():
		}
	}
	quit(turn)
	return ctx.Err()
}

func (l *limiter) release(o outcomeOf) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flight--
	now := time.Now()
	if o.busy {
		l.limit, l.good = max(1, l.limit/2), 0
		l.rest(now, o.rest, l.rested)
	} else if l.good++; l.good >= l.limit {
		l.limit, l.good = min(l.most, l.limit+1), 0
	}
	l.wake(now)
}

func (l *limiter) rested() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wake(time.Now())
}

// permits hold back changes that would only wait for each other inside the server: one at a time per key.
type permits struct {
	mu   sync.Mutex // guards held
	held map[string]*permit
}

type permit struct {
	busy  chan struct{}
	users int
}

// acquire takes all keys, which must be sorted so that two callers cannot wait for each other, and returns how to give them back.
func (p *permits) acquire(ctx context.Context, keys []string) (func(), error) {
	var taken []string
	release := func() {
		for _, key := range taken {
			p.drop(key, true)
		}
	}
	for _, key := range keys {
		p.mu.Lock()
		one := p.held[key]
		if one == nil {
			one = &permit{busy: make(chan struct{}, 1)}
			p.held[key] = one
		}
		one.users++
		p.mu.Unlock()
		select {
		case one.busy <- struct{}{}:
			taken = append(taken, key)
		case <-ctx.Done():
			p.drop(key, false)
			release()
			return nil, ctx.Err()
		}
	}
	return release, nil
}

func (p *permits) drop(key string, held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.held[key]
	if held {
		<-one.busy
	}
	if one.users--; one.users == 0 {
		delete(p.held, key)
	}
}

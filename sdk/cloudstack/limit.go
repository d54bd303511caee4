package cloudstack

import (
	"context"
	"sync"
)

// startLimit is how many requests run at once before anything is known about the server.
const startLimit = 10

// limiter bounds the requests in flight. It grows by one after as many successes as it allows, and halves when the server says it has
// too much to do.
type limiter struct {
	mu      sync.Mutex // guards what follows
	limit   int
	most    int
	flight  int
	good    int
	waiting []chan struct{}
}

func newLimiter(most int) *limiter { return &limiter{limit: min(startLimit, most), most: most} }

func (l *limiter) acquire(ctx context.Context) error {
	l.mu.Lock()
	if l.flight < l.limit {
		l.flight++
		l.mu.Unlock()
		return ctx.Err()
	}
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	l.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, w := range l.waiting {
		if w == turn {
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			return ctx.Err()
		}
	}
	// The turn came at the same moment: hand it on.
	l.flight--
	l.wake()
	return ctx.Err()
}

// release ends a request; busy says that the server asked for less.
func (l *limiter) release(busy bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flight--
	if busy {
		l.limit, l.good = max(1, l.limit/2), 0
	} else if l.good++; l.good >= l.limit {
		l.limit, l.good = min(l.most, l.limit+1), 0
	}
	l.wake()
}

func (l *limiter) wake() {
	for l.flight < l.limit && len(l.waiting) > 0 {
		close(l.waiting[0])
		l.waiting = l.waiting[1:]
		l.flight++
	}
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

package lb

import (
	"context"
	"time"
)

// firstCheck spreads the first checks of n servers over one interval.
func firstCheck(i, n int) time.Duration {
	return checkInterval * time.Duration(i+1) / time.Duration(n+1)
}

// check connects to a server again and again and keeps its health, until ctx is done.
func (g *generation) check(ctx context.Context, s *server, wait time.Duration) {
	for {
		if pause(ctx, g.clock, wait) != nil {
			return
		}
		ok := g.probe(ctx, s)
		if ctx.Err() != nil {
			return
		}
		g.mu.Lock()
		s.health = nextHealth(s.health, ok)
		g.mu.Unlock()
		wait = checkInterval
	}
}

// probe tells whether the server accepts a connection within one interval.
func (g *generation) probe(ctx context.Context, s *server) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	result := make(chan bool, 1)
	go func() {
		conn, err := s.Dial(ctx)
		if err == nil {
			_ = conn.Close()
		}
		result <- err == nil
	}()
	late, stop := g.clock.After(checkInterval)
	defer stop()
	select {
	case ok := <-result:
		return ok
	case <-late:
		cancel()
		<-result // the dial must not outlive the balancer
		return false
	}
}

// nextHealth is haproxy's counter: a server is up from checkRise on, falls after checkFall failures in
// a row when it was fully well, at the first when it was just loaded, and comes back fully well.
func nextHealth(health int, ok bool) int {
	const well = checkRise + checkFall - 1
	switch {
	case ok && health == checkRise-1:
		return well
	case ok:
		return min(health+1, well)
	case health > checkRise:
		return health - 1
	}
	return 0
}

// pause waits for d on the clock, or fails when ctx is done first.
func pause(ctx context.Context, clock Clock, d time.Duration) error {
	over, stop := clock.After(d)
	defer stop()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

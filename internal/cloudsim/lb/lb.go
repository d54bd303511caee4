// Package lb balances connections over the machines of one load balancer rule, the way the haproxy
// of a virtual router does: http and tcp mode, round robin, least connections and source hash, cookie
// and source stickiness, plain TCP checks, redispatch, and reloads that lose no request in flight.
//
// It knows nothing of networks, machines or the API: whoever uses it accepts the connections, hands
// them to Balancer.Handle, and describes the members as functions that dial. It imports the standard
// library only.
package lb

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Clock is the time the balancer's checks, pauses and sticky entries follow. Limits on real sockets
// (connect, idle) follow the wall clock.
type Clock interface {
	Now() time.Time
	// After returns a channel that gets one value after d, and a function that gives the timer up.
	After(d time.Duration) (<-chan time.Time, func())
}

// Timings as the virtual router's configuration and haproxy's defaults set them.
const (
	checkInterval  = 2 * time.Second
	checkFall      = 3
	checkRise      = 2
	connectTimeout = 5 * time.Second
	idleTimeout    = 50 * time.Second
	retryPause     = time.Second
	retries        = 3
)

// ErrClosed is returned by Update on a balancer that was closed.
var ErrClosed = errors.New("load balancer is closed")

// Balancer serves the connections of one rule. All its methods may be called at the same time.
type Balancer struct {
	clock   Clock
	current atomic.Pointer[generation]
	in, out atomic.Int64 // bytes seen from and sent to clients
	ctx     context.Context
	cancel  context.CancelFunc
	web     *http.Server
	queue   *connQueue
	running sync.WaitGroup // the web server and every connection

	mu       sync.Mutex
	closed   bool
	draining bool
	conns    map[*countedConn]struct{}
}

// New returns a balancer for the rule, or the reason why haproxy would refuse its configuration. Its
// checks run from now on; it must be closed.
func New(rule Rule, clock Clock) (*Balancer, error) {
	if err := rule.Validate(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	b := &Balancer{clock: clock, ctx: ctx, cancel: cancel, queue: newConnQueue(), conns: map[*countedConn]struct{}{}}
	b.web = &http.Server{
		Handler:           http.HandlerFunc(b.serveHTTP),
		ReadHeaderTimeout: idleTimeout,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	b.web.SetKeepAlivesEnabled(false) // option httpclose: one request per client connection
	b.current.Store(newGeneration(ctx, rule, clock, &b.running))
	b.running.Go(func() { _ = b.web.Serve(b.queue) }) // ends with ErrServerClosed, always
	return b, nil
}

// Update puts a new configuration in place, as a reload does: requests in flight finish where they
// are, everything else (positions, sticky entries, counters, knowledge of dead servers) starts
// afresh. A rule equal to the present one changes nothing. On an invalid rule the old one stays.
func (b *Balancer) Update(rule Rule) error {
	if err := rule.Validate(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.draining {
		return ErrClosed
	}
	if b.current.Load().rule.Equal(rule) {
		return nil
	}
	b.current.Swap(newGeneration(b.ctx, rule, b.clock, &b.running)).retire()
	return nil
}

// Handle takes over a client's connection and returns at once. A client outside the rule's list of
// networks is reset without a byte.
func (b *Balancer) Handle(client net.Conn) {
	g := b.current.Load()
	if !g.rule.admits(addressOf(client.RemoteAddr())) {
		reset(client)
		return
	}
	counted := &countedConn{Conn: client, in: &b.in, out: &b.out}
	if !b.track(counted) {
		_ = client.Close()
		return
	}
	counted.onClose = func() { b.untrack(counted) }
	if g.rule.HTTP() {
		b.queue.push(secured(counted, g.rule.Certificate))
		return
	}
	if !b.begin() {
		_ = counted.Close()
		return
	}
	go func() {
		defer b.running.Done()
		b.serveTCP(g, counted)
	}()
}

// Drain stops taking connections and waits until those there are have ended, or ctx is done; then it
// closes the balancer.
func (b *Balancer) Drain(ctx context.Context) {
	b.mu.Lock()
	b.draining = true
	b.mu.Unlock()
	_ = b.web.Shutdown(ctx) // an error says that ctx ended first: Close cuts what is left
	b.waitEmpty(ctx)
	b.Close()
}

// waitEmpty returns when no connection is left or ctx is done.
func (b *Balancer) waitEmpty(ctx context.Context) {
	for {
		b.mu.Lock()
		var one *countedConn
		for c := range b.conns {
			one = c
			break
		}
		b.mu.Unlock()
		if one == nil {
			return
		}
		select {
		case <-one.ended():
		case <-ctx.Done():
			return
		}
	}
}

// Close cuts every connection and returns when all goroutines of the balancer have ended.
func (b *Balancer) Close() {
	b.mu.Lock()
	b.closed = true
	open := make([]*countedConn, 0, len(b.conns))
	for c := range b.conns {
		open = append(open, c)
	}
	b.mu.Unlock()
	b.cancel()
	_ = b.web.Close()
	for _, c := range open {
		_ = c.Close()
	}
	b.current.Load().retire()
	b.running.Wait()
}

// begin counts one more goroutine that Close waits for, unless the balancer is closed.
func (b *Balancer) begin() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.running.Add(1)
	return true
}

func (b *Balancer) track(c *countedConn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.draining {
		return false
	}
	b.conns[c] = struct{}{}
	return true
}

func (b *Balancer) untrack(c *countedConn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.conns, c)
}

// secured wraps a connection in TLS when the rule ends it here.
func secured(c net.Conn, certificate *tls.Certificate) net.Conn {
	if certificate == nil {
		return c
	}
	return tls.Server(c, &tls.Config{
		Certificates: []tls.Certificate{*certificate},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1"},
	})
}

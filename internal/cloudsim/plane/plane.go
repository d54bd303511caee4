// Package plane gives the embedded cloud's public addresses real listeners. It is told what ought to
// listen (firewall openings, port forwards, static NAT, load balancer rules, each with functions that
// reach the machines behind) and brings the listeners there: new ones are opened, dropped ones closed,
// kept ones changed without losing a connection.
//
// What is not open has no listener, so a client is refused. Where a public address or port cannot be
// had (low ports for an ordinary user, systems with one loopback address), it listens on 127.0.0.1 with
// another port and keeps the mapping. It imports the standard library and package lb; it knows nothing
// of the API or of guests.
package plane

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/moldctl/moldctl/internal/cloudsim/lb"
)

// Options are the surroundings of a plane.
type Options struct {
	Clock lb.Clock
	// Listen opens a TCP listener; nil is net.Listen.
	Listen func(netip.AddrPort) (net.Listener, error)
}

// Plane holds the listeners. Its methods may be called at the same time.
type Plane struct {
	clock  lb.Clock
	listen func(netip.AddrPort) (net.Listener, error)
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup // forwarded connections and drains

	mu        sync.Mutex
	closed    bool
	listeners map[netip.AddrPort]*listener
}

// Endpoint is a public address and port that is open.
type Endpoint struct {
	Public netip.AddrPort
	// Connect is where a client on this machine connects; it differs from Public where that could not be
	// bound.
	Connect netip.AddrPort
	// Kind is "load balancer", "port forward" or "static nat".
	Kind string
}

// New returns a plane where nothing listens.
func New(o Options) *Plane {
	if o.Listen == nil {
		o.Listen = func(at netip.AddrPort) (net.Listener, error) { return net.Listen("tcp", at.String()) }
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Plane{clock: o.Clock, listen: o.Listen, ctx: ctx, cancel: cancel, listeners: map[netip.AddrPort]*listener{}}
}

// Apply makes the listeners those of the state. What fails (a rule haproxy would refuse, no port to be
// had) is left as it was, and reported; the rest is carried out.
func (p *Plane) Apply(state State) error {
	wanted := state.services()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errors.New("data plane is closed")
	}
	for at, l := range p.listeners {
		if _, ok := wanted[at]; !ok {
			delete(p.listeners, at)
			l.stop()
			p.drain(l.serves.Load().balancer)
		}
	}
	var failed []error
	for _, at := range slices.SortedFunc(maps.Keys(wanted), netip.AddrPort.Compare) {
		if err := p.put(at, wanted[at]); err != nil {
			failed = append(failed, fmt.Errorf("serve %s: %w", at, err))
		}
	}
	return errors.Join(failed...)
}

// put opens or changes one listener; p.mu is held.
func (p *Plane) put(at netip.AddrPort, want service) error {
	l := p.listeners[at]
	var before *lb.Balancer
	if l != nil {
		before = l.serves.Load().balancer
	}
	if want.rule != nil {
		balancer, err := p.balance(before, *want.rule)
		if err != nil {
			return err
		}
		want.balancer = balancer
	}
	if l != nil {
		l.serves.Store(&want)
		if before != nil && want.balancer == nil {
			p.drain(before)
		}
		return nil
	}
	socket, err := p.bind(at)
	if err != nil {
		if want.balancer != nil {
			want.balancer.Close()
		}
		return err
	}
	p.listeners[at] = listen(p.ctx, socket, &want, &p.work)
	return nil
}

func (p *Plane) balance(have *lb.Balancer, rule lb.Rule) (*lb.Balancer, error) {
	if have == nil {
		return lb.New(rule, p.clock)
	}
	return have, have.Update(rule)
}

// drain lets the connections of a balancer end in the background.
func (p *Plane) drain(b *lb.Balancer) {
	if b != nil {
		p.work.Go(func() { b.Drain(p.ctx) })
	}
}

// bind opens the public address, or a stand-in for it whose port is the same at every start if it is
// free.
func (p *Plane) bind(at netip.AddrPort) (net.Listener, error) {
	socket, err := p.listen(at)
	if err == nil {
		return socket, nil
	}
	local := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	h := fnv.New32a()
	_, _ = h.Write([]byte(at.String())) // a hash never fails
	for i := range uint32(8) {
		port := 20000 + (h.Sum32()+i)%10000 // below the ports systems hand out themselves
		if socket, err := p.listen(netip.AddrPortFrom(local, uint16(port))); err == nil {
			return socket, nil
		}
	}
	socket, other := p.listen(netip.AddrPortFrom(local, 0))
	if other != nil {
		return nil, errors.Join(err, other)
	}
	return socket, nil
}

// Endpoints lists what is open, in the order of addresses and ports.
func (p *Plane) Endpoints() []Endpoint {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]Endpoint, 0, len(p.listeners))
	for at, l := range p.listeners {
		all = append(all, Endpoint{Public: at, Connect: l.address(), Kind: l.serves.Load().kind})
	}
	slices.SortFunc(all, func(a, b Endpoint) int {
		return cmp.Or(a.Public.Compare(b.Public), cmp.Compare(a.Kind, b.Kind))
	})
	return all
}

// Stats are the counters of the load balancer rule on an address; ok is false if none serves there.
func (p *Plane) Stats(at netip.AddrPort) (stats lb.Stats, ok bool) {
	p.mu.Lock()
	l := p.listeners[at]
	p.mu.Unlock()
	if l == nil {
		return lb.Stats{}, false
	}
	b := l.serves.Load().balancer
	if b == nil {
		return lb.Stats{}, false
	}
	return b.Stats(), true
}

// Take serves a connection that comes from within the cloud to a public address, as if it had come to the listener there: the
// same rules judge where it comes from. It tells whether anything is open at the address; otherwise the connection is left alone.
func (p *Plane) Take(at netip.AddrPort, conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock() // a plane that closes waits for what was taken before
	l := p.listeners[at]
	if l == nil || p.closed {
		return false
	}
	l.take(p.ctx, conn)
	return true
}

// Close closes every listener and connection and returns when all goroutines have ended.
func (p *Plane) Close() {
	p.mu.Lock()
	p.closed = true
	all := p.listeners
	p.listeners = map[netip.AddrPort]*listener{}
	p.mu.Unlock()
	p.cancel()
	for _, l := range all {
		l.stop()
		if b := l.serves.Load().balancer; b != nil {
			b.Close()
		}
	}
	p.work.Wait()
}

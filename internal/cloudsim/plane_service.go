package cloudsim

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim/lb"
	"github.com/moldctl/moldctl/internal/cloudsim/plane"
)

// machine is what the data plane and the autoscale monitor need of a running guest.
type machine interface {
	// Dial connects to a port of the guest for a client at an address.
	Dial(ctx context.Context, port uint16, from netip.Addr) (net.Conn, error)
	// Listening lists the guest's open ports.
	Listening() []uint16
	// CPU is the guest's load in per cent.
	CPU() float64
	// SetCPU makes the guest look busy until a time (zero: until ClearCPU).
	SetCPU(percent float64, until time.Time)
	ClearCPU()
}

// machineOf finds a running machine.
func (c *Cloud) machineOf(vmID string) (machine, bool) {
	if c.opts.machines != nil {
		return c.opts.machines(vmID)
	}
	if m := c.guestOf(vmID); m != nil {
		return m, true
	}
	m := c.guestOf(vmID)
	return m, m != nil
}

// refreshInterval is how often listeners that follow what guests listen on are looked at again.
const refreshInterval = time.Second

// planeService keeps the listeners of the public addresses in step with the store.
type planeService struct {
	cloud *Cloud
	guest func(vmID string) (machine, bool)
	plane *plane.Plane

	changes atomic.Int64

	mu      sync.Mutex // one Apply at a time
	applied int64      // changes the listeners show
	again   *time.Timer
	stopped bool
}

func newPlaneService(c *Cloud, guest func(vmID string) (machine, bool)) *planeService {
	return &planeService{cloud: c, guest: guest}
}

// Start opens the listeners for what the store holds.
func (s *planeService) Start(context.Context) error {
	s.plane = plane.New(plane.Options{Clock: s.cloud.clock, Listen: listenLoopback})
	s.cloud.SetPlane(s)
	s.Changed("")
	return nil
}

// listenLoopback opens a port of this machine for itself alone. Start content may hand out public addresses that are not
// loopback ones; one that happens to be this machine's own must not be opened to its network.
func listenLoopback(at netip.AddrPort) (net.Listener, error) {
	if !at.Addr().IsLoopback() {
		return nil, fmt.Errorf("listen on %s: no loopback address", at)
	}
	return net.Listen("tcp", at.String())
}

// Stop closes every listener and connection.
func (s *planeService) Stop() {
	if s.plane == nil {
		return // never started
	}
	s.mu.Lock()
	s.stopped = true
	if s.again != nil {
		s.again.Stop()
	}
	s.mu.Unlock()
	s.plane.Close()
}

// Changed brings the listeners to the store's state and returns when they are there. Calls that come while it works are
// answered together.
func (s *planeService) Changed(string) {
	change := s.changes.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.applied >= change || s.stopped {
		return
	}
	upTo := s.changes.Load()
	s.cloud.mu.Lock()
	state := s.planeState(&s.cloud.store.Tables)
	s.cloud.mu.Unlock()
	if err := s.plane.Apply(state); err != nil {
		s.cloud.opts.Log("the data plane: %v", err)
	}
	s.applied = upTo
	if s.again != nil {
		s.again.Stop()
	}
	if state.FollowsMachines() { // a service that starts inside a guest tells nobody
		s.again = time.AfterFunc(refreshInterval, func() { s.Changed("") })
	}
}

// PublicMap tells where the addresses that could not be bound are reached.
func (s *planeService) PublicMap() map[string]string {
	mapped := map[string]string{}
	for _, e := range s.plane.Endpoints() {
		if e.Public != e.Connect {
			mapped[e.Public.String()] = e.Connect.String()
		}
	}
	return mapped
}

// stats are the counters of a load balancer rule.
func (s *planeService) stats(at netip.AddrPort) (lb.Stats, bool) { return s.plane.Stats(at) }

// dial reaches a machine; one that is off does not answer.
func (s *planeService) dial(vmID string) plane.Dial {
	return func(ctx context.Context, port uint16, from netip.Addr) (net.Conn, error) {
		m, ok := s.guest(vmID)
		if !ok {
			return nil, errNoMachine
		}
		return m.Dial(ctx, port, from)
	}
}

func (s *planeService) listening(vmID string) func() []uint16 {
	return func() []uint16 {
		m, ok := s.guest(vmID)
		if !ok {
			return nil
		}
		return m.Listening()
	}
}

package lb

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// errNoServer says that no member is up.
var errNoServer = errors.New("no server is available")

// connectError marks a failure before any byte was sent: the only kind that may be tried elsewhere.
type connectError struct{ err error }

func (e *connectError) Error() string { return "connect: " + e.err.Error() }
func (e *connectError) Unwrap() error { return e.err }

// server is a member with what one generation knows of it. Its counters are guarded by the
// generation's mutex.
type server struct {
	Server
	health  int // at least checkRise means up
	current int
	total   int64
	picked  int64 // when it was last chosen, as a serial number
}

func (s *server) up() bool { return s.health >= checkRise }

// generation is one loaded configuration: what a running haproxy process is to its file. It never
// changes its rule; an update makes the next one.
type generation struct {
	rule   Rule
	clock  Clock
	stop   context.CancelFunc
	pooled *http.Transport // http mode only: keeps connections to servers for the next request
	single *http.Transport // http mode only: a connection for each request

	mu       sync.Mutex
	servers  []*server
	next     int   // round robin position
	serial   int64 // counts choices
	active   int   // connections and requests under way
	requests int64
	retired  bool
	sticky   *stickTable
}

// newGeneration loads a rule: every server starts up and unchecked.
// Its checks run in wait until retire.
func newGeneration(ctx context.Context, rule Rule, clock Clock, wait *sync.WaitGroup) *generation {
	ctx, cancel := context.WithCancel(ctx)
	g := &generation{rule: rule, clock: clock, stop: cancel}
	if rule.sticksBySource() {
		g.sticky = newStickTable(rule.Stickiness.Params)
	}
	for _, s := range rule.Servers {
		g.servers = append(g.servers, &server{Server: s, health: checkRise})
	}
	if rule.HTTP() {
		g.pooled, g.single = g.newTransport(false), g.newTransport(true)
	}
	for i, s := range g.servers {
		wait.Go(func() { g.check(ctx, s, firstCheck(i, len(g.servers))) })
	}
	return g
}

// retire ends the checks; connections under way go on.
func (g *generation) retire() {
	g.stop()
	g.mu.Lock()
	g.retired = true
	g.mu.Unlock()
	g.closeIdle()
}

func (g *generation) closeIdle() {
	if g.pooled != nil {
		g.pooled.CloseIdleConnections()
	}
}

// dispatch chooses a server and tries it. A refused connection goes to another server at once, or to
// the same one after pauses if the client is bound to it (or there is no other), and elsewhere at the
// last try. On success the server counts one more session until release.
func (g *generation) dispatch(ctx context.Context, c client, try func(*server) error) (*server, error) {
	s, bound := g.choose(c)
	tried := map[*server]bool{}
	for attempt := 0; ; attempt++ {
		if s == nil {
			return nil, errNoServer
		}
		err := try(s)
		if err == nil {
			g.remember(c, s)
			return s, nil
		}
		g.release(s)
		var refused *connectError
		if !errors.As(err, &refused) || attempt == retries || ctx.Err() != nil {
			return nil, err
		}
		tried[s] = true
		if bound && attempt < retries-1 {
			s, err = g.again(ctx, s)
		} else {
			s, err = g.elsewhere(ctx, s, tried)
		}
		if err != nil {
			return nil, err
		}
	}
}

// elsewhere chooses a server that was not tried yet, or the same again after a pause.
func (g *generation) elsewhere(ctx context.Context, s *server, tried map[*server]bool) (*server, error) {
	if other := g.balance(netip.Addr{}, func(o *server) bool { return !tried[o] }); other != nil {
		return other, nil
	}
	return g.again(ctx, s)
}

// again takes the same server once more after a pause; one that went down meanwhile is replaced by any
// other that is up.
func (g *generation) again(ctx context.Context, s *server) (*server, error) {
	if err := pause(ctx, g.clock, retryPause); err != nil {
		return nil, err
	}
	g.mu.Lock()
	up := s.up()
	if up {
		g.take(s)
	}
	g.mu.Unlock()
	if up {
		return s, nil
	}
	return g.balance(netip.Addr{}, nil), nil
}

// release ends a session that choose, balance or again began.
func (g *generation) release(s *server) {
	g.mu.Lock()
	s.current--
	g.active--
	last := g.retired && g.active == 0
	g.mu.Unlock()
	if last {
		g.closeIdle()
	}
}

// take counts a session on s; g.mu is held.
func (g *generation) take(s *server) {
	g.serial++
	s.picked = g.serial
	s.current++
	s.total++
	g.active++
}

// connect dials a server within the connect timeout and says who the client is if the rule wants the
// PROXY protocol.
func (g *generation) connect(ctx context.Context, s *server, from, to net.Addr) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := s.Dial(ctx)
	if err != nil {
		return nil, &connectError{err}
	}
	if g.rule.Protocol == "tcp-proxy" {
		_ = conn.SetWriteDeadline(time.Now().Add(connectTimeout)) // a failure shows in the write
		if _, err := conn.Write(proxyHeader(from, to)); err != nil {
			_ = conn.Close()
			return nil, &connectError{err}
		}
		_ = conn.SetWriteDeadline(time.Time{})
	}
	return conn, nil
}

// transportFor keeps to a connection of its own whatever could not be sent again, if the server closed
// a kept connection just then, and whatever carries the PROXY header of one client.
func (g *generation) transportFor(r *http.Request) *http.Transport {
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	if safe && r.ContentLength == 0 && g.rule.Protocol != "tcp-proxy" {
		return g.pooled
	}
	return g.single
}

func (g *generation) newTransport(single bool) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			i, err := strconv.Atoi(host)
			if err != nil {
				return nil, err
			}
			from, to := endpoints(ctx)
			return g.connect(ctx, g.servers[i], from, to)
		},
		DisableCompression:     true,
		DisableKeepAlives:      single,
		MaxIdleConnsPerHost:    128,
		IdleConnTimeout:        10 * time.Second,
		ResponseHeaderTimeout:  idleTimeout,
		MaxResponseHeaderBytes: 1 << 20,
	}
}

func (g *generation) index(s *server) int {
	for i, o := range g.servers {
		if o == s {
			return i
		}
	}
	return -1
}

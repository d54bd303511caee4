package plane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moldctl/moldctl/internal/cloudsim/lb"
)

type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }
func (wallClock) After(d time.Duration) (<-chan time.Time, func()) {
	timer := time.NewTimer(d)
	return timer.C, func() { timer.Stop() }
}

// machine is a web server that stands for a guest: any port reaches it.
func machine(t *testing.T, name string) Dial {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, name) }))
	t.Cleanup(s.Close)
	return func(ctx context.Context, _ uint16, _ netip.Addr) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", s.Listener.Addr().String())
	}
}

func server(id string, dial Dial) lb.Server {
	return lb.Server{ID: id, Address: netip.MustParseAddrPort("10.1.1.4:80"), Dial: func(ctx context.Context) (net.Conn, error) {
		return dial(ctx, 80, netip.Addr{})
	}}
}

// openTo lets everybody through to ports 1 to 65535.
func openTo(sources ...string) []Opening {
	o := Opening{From: 1, To: 65535}
	for _, s := range sources {
		o.Sources = append(o.Sources, netip.MustParsePrefix(s))
	}
	return []Opening{o}
}

func start(t *testing.T, o Options) *Plane {
	t.Helper()
	o.Clock = wallClock{}
	p := New(o)
	t.Cleanup(p.Close)
	return p
}

// freeAddress is a loopback address whose high ports nobody uses; tests that share one would collide.
func freeAddress(t *testing.T, n byte) netip.Addr {
	t.Helper()
	at := netip.AddrFrom4([4]byte{127, 66, 250, n})
	l, err := net.Listen("tcp", netip.AddrPortFrom(at, 0).String())
	if err != nil {
		t.Skipf("no further loopback addresses here: %v", err)
	}
	_ = l.Close()
	return at
}

func fetch(at string) string {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	resp, err := client.Get("http://" + at)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case err != nil:
		return "cut"
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, strings.TrimSpace(string(body)))
}

func ports(all ...uint16) func() []uint16 { return func() []uint16 { return all } }

func TestServices(t *testing.T) {
	t.Parallel()
	ip := netip.MustParseAddr("127.66.0.5")
	rule := lb.Rule{Public: netip.MustParseAddrPort("127.66.0.5:80"), Algorithm: "roundrobin"}
	tests := map[string]struct {
		reason  string
		address Address
		want    []string
	}{
		"closed": {"no opening, no listener", Address{Rules: []lb.Rule{rule}, Forwards: []Forward{{From: 22, To: 22, Private: 22}}}, nil},
		"open in part": {"only what the firewall lets through", Address{
			Openings: []Opening{{From: 80, To: 80}}, Rules: []lb.Rule{rule}, Forwards: []Forward{{From: 22, To: 22, Private: 22}}},
			[]string{"80 load balancer 0"}},
		"vpc": {"no firewall there", Address{Unfiltered: true, Rules: []lb.Rule{rule}}, []string{"80 load balancer 0"}},
		"range": {"private ports in step", Address{Openings: openTo(), Forwards: []Forward{{From: 8000, To: 8002, Private: 80}}},
			[]string{"8000 port forward 80", "8001 port forward 81", "8002 port forward 82"}},
		"wide range": {"only ports of use", Address{Openings: openTo(), Forwards: []Forward{{From: 1000, To: 9000, Private: 2000, Listening: ports(22, 2080, 10001)}}},
			[]string{"1080 port forward 2080"}},
		"static nat": {"ports the machine listens on, if open", Address{Openings: []Opening{{From: 1, To: 100}, {From: 443, To: 443}}, StaticNAT: &StaticNAT{Listening: ports(22, 80, 8080)}},
			[]string{"22 static nat 22", "80 static nat 80", "443 static nat 443"}},
		"clash": {"the balancer wins", Address{Openings: openTo(), Rules: []lb.Rule{rule}, StaticNAT: &StaticNAT{Listening: ports(80)}}, []string{"80 load balancer 0"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.address.IP = ip
			services := State{Addresses: []Address{test.address}}.services()
			var got []string
			for port := range 65536 {
				if s, ok := services[netip.AddrPortFrom(ip, uint16(port))]; ok {
					got = append(got, fmt.Sprint(port, " ", s.kind, " ", s.port))
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.reason, diff)
			}
		})
	}
}

func TestApplyBringsListenersToTheState(t *testing.T) {
	t.Parallel()
	ip := freeAddress(t, 10)
	p := start(t, Options{})
	a, b := machine(t, "a"), machine(t, "b")
	web, ssh := netip.AddrPortFrom(ip, 18080), netip.AddrPortFrom(ip, 10022)
	rule := lb.Rule{Public: web, Algorithm: "roundrobin", Servers: []lb.Server{server("a", a)}}
	steps := []struct {
		name     string
		address  Address
		web, ssh string
	}{
		{"nothing", Address{}, "refused", "refused"},
		{"rules without firewall", Address{Rules: []lb.Rule{rule}}, "refused", "refused"},
		{"both open", Address{Openings: openTo(), Rules: []lb.Rule{rule}, Forwards: []Forward{{From: 10022, To: 10022, Private: 22, Dial: b}}}, "200 a", "200 b"},
		{"firewall for others only", Address{Openings: openTo("10.0.0.0/8"), Rules: []lb.Rule{rule}}, "cut", "refused"},
		{"forward for others only", Address{Openings: openTo(), Forwards: []Forward{{From: 10022, To: 10022, Private: 22, Dial: b,
			Sources: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}}, "refused", "cut"},
		{"forward takes the balancer's place", Address{Openings: openTo(), Forwards: []Forward{{From: 18080, To: 18080, Private: 80, Dial: b}}}, "200 b", "refused"},
		{"and back, with another member", Address{Openings: openTo(), Rules: []lb.Rule{{Public: web, Algorithm: "roundrobin", Servers: []lb.Server{server("b", b)}}}}, "200 b", "refused"},
		{"static nat", Address{Openings: openTo(), StaticNAT: &StaticNAT{Listening: ports(10022), Dial: a}}, "refused", "200 a"},
		{"nothing again", Address{}, "refused", "refused"},
	}
	for _, step := range steps {
		step.address.IP = ip
		if err := p.Apply(State{Addresses: []Address{step.address}}); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := fetch(web.String()); got != step.web {
			t.Errorf("%s: web gives %q, want %q", step.name, got, step.web)
		}
		if got := fetch(ssh.String()); got != step.ssh {
			t.Errorf("%s: ssh gives %q, want %q", step.name, got, step.ssh)
		}
	}
}

func TestAddressThatCannotBeBoundIsMapped(t *testing.T) {
	t.Parallel()
	p := start(t, Options{Listen: func(at netip.AddrPort) (net.Listener, error) {
		if at.Addr() != netip.MustParseAddr("127.0.0.1") {
			return nil, syscall.EACCES
		}
		return net.Listen("tcp", at.String())
	}})
	public := netip.MustParseAddrPort("127.66.0.7:80")
	state := State{Addresses: []Address{{IP: public.Addr(), Openings: openTo(),
		Rules: []lb.Rule{{Public: public, Algorithm: "roundrobin", Servers: []lb.Server{server("a", machine(t, "a"))}}}}}}
	if err := p.Apply(state); err != nil {
		t.Fatal(err)
	}
	first := p.Endpoints()
	if len(first) != 1 || first[0].Public != public || first[0].Connect.Addr().String() != "127.0.0.1" {
		t.Fatalf("endpoints %v", first)
	}
	if got := fetch(first[0].Connect.String()); got != "200 a" {
		t.Errorf("mapped address gives %q", got)
	}
	if stats, ok := p.Stats(public); !ok || stats.Requests != 1 {
		t.Errorf("stats %+v, %v", stats, ok)
	}
	for range 2 { // dropped and opened again, the stand-in is the same
		if err := p.Apply(State{}); err != nil {
			t.Fatal(err)
		}
		if err := p.Apply(state); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(first, p.Endpoints(), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Errorf("endpoints changed (-first +now):\n%s", diff)
	}
}

func TestBadRuleLeavesTheRestAlone(t *testing.T) {
	t.Parallel()
	ip := freeAddress(t, 11)
	p := start(t, Options{})
	good := lb.Rule{Public: netip.AddrPortFrom(ip, 18080), Algorithm: "roundrobin", Servers: []lb.Server{server("a", machine(t, "a"))}}
	bad := lb.Rule{Public: netip.AddrPortFrom(ip, 18081), Algorithm: "bogus"}
	err := p.Apply(State{Addresses: []Address{{IP: ip, Openings: openTo(), Rules: []lb.Rule{bad, good}}}})
	if err == nil || !strings.Contains(err.Error(), bad.Public.String()) {
		t.Errorf("error %v does not name %s", err, bad.Public)
	}
	if got := fetch(good.Public.String()); got != "200 a" {
		t.Errorf("the good rule gives %q", got)
	}
}

func TestMachineThatRefuses(t *testing.T) {
	t.Parallel()
	ip := freeAddress(t, 12)
	p := start(t, Options{})
	dial := func(context.Context, uint16, netip.Addr) (net.Conn, error) { return nil, syscall.ECONNREFUSED }
	if err := p.Apply(State{Addresses: []Address{{IP: ip, Openings: openTo(), Forwards: []Forward{{From: 10022, To: 10022, Private: 22, Dial: dial}}}}}); err != nil {
		t.Fatal(err)
	}
	if got := fetch(netip.AddrPortFrom(ip, 10022).String()); got != "cut" {
		t.Errorf("got %q, want a cut connection", got)
	}
}

func TestForwardTellsWhoAsks(t *testing.T) {
	t.Parallel()
	ip := freeAddress(t, 13)
	p := start(t, Options{})
	asked := make(chan string, 1)
	dial := func(_ context.Context, port uint16, from netip.Addr) (net.Conn, error) {
		asked <- fmt.Sprint(port, " ", from)
		near, far := net.Pipe()
		go func() { _, _ = io.WriteString(far, "SSH-2.0-x\r\n"); _ = far.Close() }()
		return near, nil
	}
	if err := p.Apply(State{Addresses: []Address{{IP: ip, Openings: openTo(), Forwards: []Forward{{From: 10022, To: 10022, Private: 22, Dial: dial}}}}}); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", netip.AddrPortFrom(ip, 10022).String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	greeting, err := io.ReadAll(c)
	if err != nil || string(greeting) != "SSH-2.0-x\r\n" {
		t.Errorf("greeting %q, %v", greeting, err)
	}
	if got := <-asked; got != "22 127.0.0.1" {
		t.Errorf("dialled %q", got)
	}
}

// TestCloseLeavesNothing is not parallel: it counts goroutines.
func TestCloseLeavesNothing(t *testing.T) {
	ip := freeAddress(t, 14)
	before := runtime.NumGoroutine()
	p := New(Options{Clock: wallClock{}})
	held := make(chan net.Conn, 1)
	dial := func(context.Context, uint16, netip.Addr) (net.Conn, error) {
		near, far := net.Pipe()
		held <- far
		return near, nil
	}
	state := State{Addresses: []Address{{IP: ip, Openings: openTo(),
		Rules:    []lb.Rule{{Public: netip.AddrPortFrom(ip, 18080), Algorithm: "roundrobin", Servers: []lb.Server{server("a", dial)}}},
		Forwards: []Forward{{From: 10022, To: 10022, Private: 22, Dial: dial}}}}}
	if err := p.Apply(state); err != nil {
		t.Fatal(err)
	}
	for _, port := range []uint16{18080, 10022} {
		c, err := net.Dial("tcp", netip.AddrPortFrom(ip, port).String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		defer func(far net.Conn) { _ = far.Close() }(<-held)
	}
	if err := p.Apply(State{}); err != nil { // both connections are still joined
		t.Fatal(err)
	}
	p.Close()
	if err := p.Apply(state); err == nil {
		t.Error("a closed plane took a state")
	}
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if now := runtime.NumGoroutine(); now > before {
		stacks := make([]byte, 1<<16)
		t.Errorf("%d goroutines, %d before:\n%s", now, before, stacks[:runtime.Stack(stacks, true)])
	}
	if got := fetch(netip.AddrPortFrom(ip, 18080).String()); got != "refused" {
		t.Errorf("after close: %q", got)
	}
}

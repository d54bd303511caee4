package lb

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// idle makes a generation whose checks never run and whose servers are a, b, c, …
func idle(t *testing.T, rule Rule, n int) *generation {
	t.Helper()
	for i := range n {
		rule.Servers = append(rule.Servers, Server{
			ID:      string(rune('a' + i)),
			Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, 1, byte(4 + i)}), 80),
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // no checks
	var wait sync.WaitGroup
	g := newGeneration(ctx, rule, wallClock{}, &wait)
	wait.Wait()
	return g
}

func TestAlgorithms(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason, algorithm string
		keep              bool   // sessions stay open
		down              string // servers that are down
		clients           []string
		want              string
	}{
		"round robin goes round":         {"in the order of assignment", "roundrobin", false, "", repeat("127.0.0.1", 5), "abcab"},
		"round robin skips the dead":     {"a dead server gets nothing", "roundrobin", false, "b", repeat("127.0.0.1", 4), "acac"},
		"least connections spreads":      {"open sessions count", "leastconn", true, "", repeat("127.0.0.1", 4), "abca"},
		"least connections takes turns":  {"equal servers take turns", "leastconn", false, "", repeat("127.0.0.1", 4), "abca"},
		"source binds a client":          {"one address, one server", "source", false, "", repeat("127.0.0.1", 3), "ccc"},
		"source spreads clients":         {"neighbours differ", "source", false, "", []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"}, "cab"},
		"source moves when one is down":  {"the hash is over live servers", "source", false, "a", repeat("127.0.0.1", 2), "cc"},
		"nobody is up, nobody is chosen": {"no server", "roundrobin", false, "abc", repeat("127.0.0.1", 1), "-"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := idle(t, Rule{Public: netip.MustParseAddrPort("127.66.0.5:8080"), Algorithm: test.algorithm}, 3)
			for _, s := range g.servers {
				if strings.Contains(test.down, s.ID) {
					s.health = 0
				}
			}
			got := ""
			for _, from := range test.clients {
				s, _ := g.choose(client{addr: netip.MustParseAddr(from)})
				if s == nil {
					got += "-"
					continue
				}
				got += s.ID
				if !test.keep {
					g.release(s)
				}
			}
			if got != test.want {
				t.Errorf("%s: chose %s, want %s", test.reason, got, test.want)
			}
		})
	}
}

func repeat(s string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = s
	}
	return all
}

func TestDispatchTriesAgainAsHaproxyDoes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason    string
		algorithm string
		servers   int
		refuse    string // servers that refuse
		tries     string
		took      time.Duration
		fails     bool
	}{
		"round robin elsewhere at once":   {"no pause", "roundrobin", 3, "a", "ab", 0, false},
		"round robin past two dead":       {"each is tried once", "roundrobin", 3, "ab", "abc", 0, false},
		"all dead":                        {"three, then the last again", "roundrobin", 3, "abc", "abcc", time.Second, true},
		"alone and dead":                  {"the same after pauses", "roundrobin", 1, "a", "aaaa", 3 * time.Second, true},
		"source: same server, then other": {"two pauses, then redispatch", "source", 2, "b", "bbba", 2 * time.Second, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := idle(t, Rule{Public: netip.MustParseAddrPort("127.66.0.5:8080"), Algorithm: test.algorithm}, test.servers)
				tries, start := "", time.Now()
				s, err := g.dispatch(t.Context(), client{addr: netip.MustParseAddr("127.0.0.1")}, func(s *server) error {
					tries += s.ID
					if strings.Contains(test.refuse, s.ID) {
						return &connectError{fmt.Errorf("refused")}
					}
					return nil
				})
				if tries != test.tries || time.Since(start) != test.took || (err != nil) != test.fails {
					t.Errorf("%s: tried %s in %v, error %v; want %s in %v", test.reason, tries, time.Since(start), err, test.tries, test.took)
				}
				if s != nil {
					g.release(s)
				}
				for _, s := range g.servers {
					if s.current != 0 {
						t.Errorf("server %s still counts %d sessions", s.ID, s.current)
					}
				}
			})
		})
	}
}

func TestSourceStickiness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := idle(t, Rule{
			Public: netip.MustParseAddrPort("127.66.0.5:8080"), Algorithm: "roundrobin",
			Stickiness: &Stickiness{Method: "sourcebased", Params: map[string]string{"tablesize": "2", "expire": "1m"}},
		}, 3)
		visit := func(from string) string {
			s, err := g.dispatch(t.Context(), client{addr: netip.MustParseAddr(from)}, func(*server) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			g.release(s)
			return s.ID
		}
		got := []string{visit("10.0.0.1"), visit("10.0.0.2"), visit("10.0.0.1")} // a b a
		<-time.After(59 * time.Second)
		got = append(got, visit("10.0.0.1")) // a: refreshed
		<-time.After(59 * time.Second)
		got = append(got, visit("10.0.0.1"), visit("10.0.0.2")) // a; 2 has expired: c
		got = append(got, visit("10.0.0.3"))                    // a: table full, 1 goes
		got = append(got, visit("10.0.0.1"))                    // b: forgotten
		g.servers[1].health = 0
		got = append(got, visit("10.0.0.1")) // bound to b, which is down: c
		if diff := cmp.Diff([]string{"a", "b", "a", "a", "a", "c", "a", "b", "c"}, got); diff != "" {
			t.Errorf("servers (-want +got):\n%s", diff)
		}
	})
}

func TestPolicyParameters(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"30m": 30 * time.Minute, "3h": 3 * time.Hour, "2d": 48 * time.Hour, "20s": 20 * time.Second, "": stickExpire, "x": stickExpire} {
		if got := parseTime(text, stickExpire); got != want {
			t.Errorf("time %q is %v, want %v", text, got, want)
		}
	}
	for text, want := range map[string]int{"200k": 200 << 10, "1M": 1 << 20, "5": 5, "": stickSize, "-1k": stickSize} {
		if got := parseSize(text, stickSize); got != want {
			t.Errorf("size %q is %d, want %d", text, got, want)
		}
	}
}

func TestRule(t *testing.T) {
	t.Parallel()
	rule := func(port uint16, change func(*Rule)) Rule {
		r := Rule{Public: netip.AddrPortFrom(netip.MustParseAddr("192.168.56.10"), port), Algorithm: "roundrobin"}
		if change != nil {
			change(&r)
		}
		return r
	}
	cookie := func(params map[string]string) func(*Rule) {
		return func(r *Rule) { r.Stickiness = &Stickiness{Method: "LbCookie", Params: params} }
	}
	tests := map[string]struct {
		reason  string
		rule    Rule
		http    bool
		refused string
	}{
		"port 80":             {"http by port", rule(80, nil), true, ""},
		"port 8080":           {"tcp by port", rule(8080, nil), false, ""},
		"port 80, keepalive":  {"the offering's option makes it tcp", rule(80, func(r *Rule) { r.KeepAlive = true }), false, ""},
		"port 8080, cookie":   {"a cookie needs http", rule(8080, cookie(nil)), true, ""},
		"unknown algorithm":   {"stored by the API, refused here", rule(80, func(r *Rule) { r.Algorithm = "foo" }), true, "not known"},
		"AppCookie":           {"removed from haproxy", rule(80, func(r *Rule) { r.Stickiness = &Stickiness{Method: "AppCookie"} }), true, "appsession"},
		"unknown cookie mode": {"not checked by the API", rule(80, cookie(map[string]string{"mode": "x"})), true, "mode"},
		"keepalive, cookie":   {"writes forceclose", rule(80, func(r *Rule) { r.KeepAlive = true; cookie(nil)(r) }), true, "forceclose"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.rule.HTTP() != test.http {
				t.Errorf("%s: HTTP() = %v", test.reason, !test.http)
			}
			err := test.rule.Validate()
			if (err != nil) != (test.refused != "") || err != nil && !strings.Contains(err.Error(), test.refused) {
				t.Errorf("%s: Validate() = %v, want %q", test.reason, err, test.refused)
			}
		})
	}
	if got := rule(80, nil).CookieName(); got != "lbcooki_-2047343699_80" {
		t.Errorf("CookieName() = %s", got)
	}
}

func TestProxyHeader(t *testing.T) {
	t.Parallel()
	from := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 4000}
	to := &net.TCPAddr{IP: net.IPv4(127, 66, 0, 5), Port: 80}
	if got := string(proxyHeader(from, to)); got != "PROXY TCP4 10.0.0.1 127.66.0.5 4000 80\r\n" {
		t.Errorf("header %q", got)
	}
	if got := string(proxyHeader(nil, to)); got != "PROXY UNKNOWN\r\n" {
		t.Errorf("header %q", got)
	}
}

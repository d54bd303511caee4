package lb

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// bothModes runs a test for a rule on port 80 (http mode) and one on port 8080 (tcp mode).
func bothModes(t *testing.T, test func(t *testing.T, public netip.AddrPort)) {
	t.Helper()
	for name, n := range map[string]uint16{"http": 80, "tcp": 8080} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, port(n))
		})
	}
}

// fetchOnce asks with a connection of its own.
func fetchOnce(ctx context.Context, addr string, from net.Addr) (string, error) {
	transport := &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{LocalAddr: from}).DialContext}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr, nil)
	if err != nil {
		return "", err
	}
	resp, err := transport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %s", resp.Status)
	}
	return string(body), resp.Body.Close()
}

// TestReloadsLoseNoRequest changes the members five times under 200 requests of four clients.
func TestReloadsLoseNoRequest(t *testing.T) {
	t.Parallel()
	bothModes(t, func(t *testing.T, public netip.AddrPort) {
		a, b, c := backend(t, "a", nil), backend(t, "b", nil), backend(t, "c", nil)
		members := [][]Server{{b, c}, {c}, {a, b, c}, {a}, {a, b}}
		rule := Rule{Public: public, Algorithm: "roundrobin", Servers: []Server{a, b}}
		balancer, addr := serve(t, rule)
		var asked, answered atomic.Int64
		var clients sync.WaitGroup
		for range 4 {
			clients.Go(func() {
				for {
					n := asked.Add(1)
					if n > 200 {
						return
					}
					if n%40 == 20 { // while the other three are asking
						next := rule
						next.Servers = members[n/40]
						if err := balancer.Update(next); err != nil {
							t.Errorf("reload %d: %v", n/40+1, err)
						}
					}
					if _, err := fetchOnce(t.Context(), addr, nil); err != nil {
						t.Errorf("request %d: %v", n, err)
						continue
					}
					answered.Add(1)
				}
			})
		}
		clients.Wait()
		if n := answered.Load(); n != 200 {
			t.Errorf("%d of 200 requests were answered", n)
		}
	})
}

// TestLeastConnectionsAvoidsTheBusy holds three requests open, one lands on each server; the fourth goes to the one that is free
// again.
func TestLeastConnectionsAvoidsTheBusy(t *testing.T) {
	t.Parallel()
	bothModes(t, func(t *testing.T, public netip.AddrPort) {
		arrived := make(chan string)
		release := map[string]chan bool{}
		var servers []Server
		for _, name := range []string{"a", "b", "c"} {
			release[name] = make(chan bool)
			servers = append(servers, backend(t, name, func(w http.ResponseWriter, r *http.Request) { arrived <- name; <-release[name] }))
		}
		balancer, addr := serve(t, Rule{Public: public, Algorithm: "leastconn", Servers: servers})
		var clients sync.WaitGroup
		next := func() string {
			clients.Go(func() {
				if _, err := fetchOnce(t.Context(), addr, nil); err != nil {
					t.Error(err)
				}
			})
			select {
			case name := <-arrived:
				return name
			case <-time.After(10 * time.Second):
				t.Fatal("no server was asked")
				return ""
			}
		}
		got := next() + next() + next()
		release["b"] <- true
		for deadline := time.Now().Add(10 * time.Second); balancer.Stats().Servers[1].Current > 0; {
			if time.Now().After(deadline) {
				t.Fatal("the finished request still counts")
			}
			runtime.Gosched()
		}
		if got += next(); got != "abcb" {
			t.Errorf("asked %s, want abcb", got)
		}
		for _, c := range release {
			close(c)
		}
		clients.Wait()
	})
}

// TestSourceBindsAddresses asks from eight addresses: each stays with its server, and not all with one.
func TestSourceBindsAddresses(t *testing.T) {
	t.Parallel()
	policy := &Stickiness{Method: "SourceBased", Params: map[string]string{"tablesize": "100k", "expire": "1h"}}
	for name, rule := range map[string]Rule{
		"algorithm": {Algorithm: "source"},
		"policy":    {Algorithm: "roundrobin", Stickiness: policy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bothModes(t, func(t *testing.T, public netip.AddrPort) {
				rule.Public, rule.Servers = public, []Server{backend(t, "a", nil), backend(t, "b", nil), backend(t, "c", nil)}
				_, addr := serve(t, rule)
				used := map[string]bool{}
				for host := range byte(8) {
					from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, host+1)}
					var seen []string
					for range 3 {
						name, err := fetchOnce(t.Context(), addr, from)
						if err != nil && host > 0 && strings.Contains(err.Error(), "bind") {
							t.Skipf("no second loopback address here: %v", err)
						}
						if err != nil {
							t.Fatal(err)
						}
						seen = append(seen, name)
					}
					if seen[1] != seen[0] || seen[2] != seen[0] {
						t.Errorf("%v was served by %v", from.IP, seen)
					}
					used[seen[0]] = true
				}
				if len(used) != 3 {
					t.Errorf("eight neighbours met only %v", used)
				}
			})
		})
	}
}

// TestReloadForgetsSources: the stick table does not survive a change of members.
func TestReloadForgetsSources(t *testing.T) {
	t.Parallel()
	a, b, c := backend(t, "a", nil), backend(t, "b", nil), backend(t, "c", nil)
	rule := Rule{Public: port(80), Algorithm: "roundrobin", Servers: []Server{a, b}, Stickiness: &Stickiness{Method: "SourceBased"}}
	balancer, addr := serve(t, rule)
	got := names(t, newClient(t), addr, 2)
	rule.Servers = []Server{b, c, a}
	if err := balancer.Update(rule); err != nil {
		t.Fatal(err)
	}
	if got += names(t, newClient(t), addr, 2); got != "aabb" {
		t.Errorf("served by %s, want aabb: bound to a, and after the reload to the first in the list", got)
	}
}

// quickClock runs fifty times as fast as the wall's.
type quickClock struct{ begin time.Time }

func (c quickClock) Now() time.Time { return c.begin.Add(50 * time.Since(c.begin)) }
func (c quickClock) After(d time.Duration) (<-chan time.Time, func()) {
	timer := time.NewTimer(d / 50)
	return timer.C, func() { timer.Stop() }
}

// TestDeadServerCostsNoRequest takes a server away and brings it back while a client asks on: not one request fails, checks
// take the server out and, after two good ones, in again.
func TestDeadServerCostsNoRequest(t *testing.T) {
	t.Parallel()
	bothModes(t, func(t *testing.T, public netip.AddrPort) {
		var dead atomic.Bool
		a := backend(t, "a", nil)
		reach := a.Dial
		a.Dial = func(ctx context.Context) (net.Conn, error) {
			if dead.Load() {
				return nil, syscall.ECONNREFUSED
			}
			return reach(ctx)
		}
		balancer, addr := serveWith(t, Rule{Public: public, Algorithm: "roundrobin", Servers: []Server{a, backend(t, "b", nil)}},
			quickClock{time.Now()})
		until := func(what string, up bool, want string) {
			t.Helper()
			deadline := time.Now().Add(10 * time.Second)
			for balancer.Stats().Servers[0].Up != up {
				if time.Now().After(deadline) {
					t.Fatalf("%s: the checks did not notice", what)
				}
				if _, err := fetchOnce(t.Context(), addr, nil); err != nil {
					t.Fatalf("%s: a request failed: %v", what, err)
				}
			}
			used := map[string]bool{}
			for range 4 {
				name, err := fetchOnce(t.Context(), addr, nil)
				if err != nil {
					t.Fatal(err)
				}
				used[name] = true
			}
			if got := fmt.Sprint(used["a"], used["b"]); got != want {
				t.Errorf("%s: a and b serve: %s, want %s", what, got, want)
			}
		}
		until("both well", true, "true true")
		dead.Store(true)
		until("a is gone", false, "false true")
		dead.Store(false)
		until("a is back", true, "true true")
	})
}

// TestCookieOfADeadServer: the bound client is served elsewhere after the pauses, and gets a new cookie.
func TestCookieOfADeadServer(t *testing.T) {
	t.Parallel()
	a := Server{ID: "a", Address: netip.MustParseAddrPort("10.1.1.4:80"),
		Dial: func(context.Context) (net.Conn, error) { return nil, syscall.ECONNREFUSED }}
	b := backend(t, "b", nil)
	_, addr := serveWith(t, Rule{Public: port(80), Algorithm: "roundrobin", Servers: []Server{a, b},
		Stickiness: &Stickiness{Method: "LbCookie", Params: map[string]string{"cookie-name": "S"}}}, quickClock{time.Now()})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Cookie", "S=10_1_1_4-80")
	resp, err := newClient(t).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if want := "S=" + b.cookie() + "; path=/"; resp.StatusCode != 200 || resp.Header.Get("Set-Cookie") != want {
		t.Errorf("status %d, Set-Cookie %q, want %q", resp.StatusCode, resp.Header.Get("Set-Cookie"), want)
	}
}

// TestSlowClientHoldsNobodyUp: one client sends its request byte by byte, another nothing at all, while others are served.
func TestSlowClientHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	bothModes(t, func(t *testing.T, public netip.AddrPort) {
		page := strings.Repeat("x", 300<<10)
		_, addr := serve(t, Rule{Public: public, Algorithm: "roundrobin", Servers: []Server{
			backend(t, "a", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, page) })}})
		var silent, slow net.Conn
		for _, c := range []*net.Conn{&silent, &slow} {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			*c = conn
		}
		for _, one := range []byte("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") {
			if _, err := slow.Write([]byte{one}); err != nil {
				t.Fatal(err)
			}
			if one == '\n' {
				if got, err := fetchOnce(t.Context(), addr, nil); err != nil || got != page {
					t.Fatalf("meanwhile another got %d bytes, %v", len(got), err)
				}
			}
		}
		resp, err := http.ReadResponse(bufio.NewReaderSize(slow, 16), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || string(body) != page {
			t.Errorf("the slow client got %d bytes, %v", len(body), err)
		}
	})
}

// TestOldAndCarefulClients: HTTP/1.0 without a Host, a body announced with Expect, a HEAD.
func TestOldAndCarefulClients(t *testing.T) {
	t.Parallel()
	bothModes(t, func(t *testing.T, public netip.AddrPort) {
		_, addr := serve(t, Rule{Public: public, Algorithm: "roundrobin", Servers: []Server{
			backend(t, "a", func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				w.Header().Set("X-Got", fmt.Sprint(len(body), err))
				_, _ = io.WriteString(w, "page")
			})}})
		for request, want := range map[string][]string{
			"GET / HTTP/1.0\r\n\r\n":                                  {"200", "0 <nil>", "page"},
			"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n": {"200", "0 <nil>", ""},
			"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody": {"200", "4 <nil>", "page"},
		} {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, request); err != nil {
				t.Fatal(err)
			}
			method, _, _ := strings.Cut(request, " ")
			reader := bufio.NewReader(conn)
			resp, err := http.ReadResponse(reader, &http.Request{Method: method})
			for err == nil && resp.StatusCode == http.StatusContinue {
				resp, err = http.ReadResponse(reader, &http.Request{Method: method})
			}
			if err != nil {
				t.Fatalf("%q: %v", request, err)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatalf("%q: %v", request, err)
			}
			got := []string{fmt.Sprint(resp.StatusCode), resp.Header.Get("X-Got"), string(body)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q (-want +got):\n%s", request, diff)
			}
			_ = conn.Close()
		}
	})
}

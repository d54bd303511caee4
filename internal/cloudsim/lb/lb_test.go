package lb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// backend is a real web server that answers with its name.
func backend(t testing.TB, name string, handler http.HandlerFunc) Server {
	t.Helper()
	if handler == nil {
		handler = func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, name) }
	}
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	at := netip.MustParseAddrPort(s.Listener.Addr().String())
	return Server{ID: name, Address: netip.AddrPortFrom(netip.MustParseAddr("10.1.1.4"), at.Port()),
		Dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", at.String())
		}}
}

func refusing(name string) Server {
	return Server{ID: name, Dial: func(context.Context) (net.Conn, error) { return nil, syscall.ECONNREFUSED }}
}

// serve runs a balancer behind a loopback listener and returns the listener's address.
func serve(t testing.TB, rule Rule) (*Balancer, string) {
	t.Helper()
	return serveWith(t, rule, wallClock{})
}

func serveWith(t testing.TB, rule Rule, clock Clock) (*Balancer, string) {
	t.Helper()
	b, err := New(rule, clock)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			b.Handle(c)
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		accepting.Wait()
		b.Close()
	})
	return b, listener.Addr().String()
}

func port(n uint16) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr("127.66.0.5"), n) }

func get(t testing.TB, client *http.Client, addr string) (int, string, http.Header) {
	t.Helper()
	resp, err := client.Get("http://" + addr + "/x?y=1;z")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body), resp.Header
}

func newClient(t testing.TB) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func names(t *testing.T, client *http.Client, addr string, n int) string {
	t.Helper()
	var all []string
	for range n {
		_, body, _ := get(t, client, addr)
		all = append(all, body)
	}
	return strings.Join(all, "")
}

func TestHTTPModeBalancesEachRequest(t *testing.T) {
	t.Parallel()
	b, addr := serve(t, Rule{Public: port(80), Algorithm: "roundrobin",
		Servers: []Server{backend(t, "a", nil), backend(t, "b", nil)}})
	if got := names(t, newClient(t), addr, 4); got != "abab" {
		t.Errorf("served by %s", got)
	}
	want := Stats{Requests: 4, Servers: []ServerStats{{ID: "a", Up: true, Total: 2}, {ID: "b", Up: true, Total: 2}}}
	b.Drain(t.Context()) // the last answer may be read before its session is over
	got := b.Stats()
	if got.BytesIn == 0 || got.BytesOut == 0 {
		t.Errorf("bytes in %d, out %d", got.BytesIn, got.BytesOut)
	}
	got.BytesIn, got.BytesOut = 0, 0
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
}

func TestTCPModeBalancesEachConnection(t *testing.T) {
	t.Parallel()
	_, addr := serve(t, Rule{Public: port(8080), Algorithm: "roundrobin",
		Servers: []Server{backend(t, "a", nil), backend(t, "b", nil)}})
	if got := names(t, newClient(t), addr, 3) + names(t, newClient(t), addr, 3); got != "aaabbb" {
		t.Errorf("served by %s", got)
	}
}

func TestHTTPModeHeaders(t *testing.T) {
	t.Parallel()
	seen := make(chan *http.Request, 1)
	_, addr := serve(t, Rule{Public: port(80), Algorithm: "roundrobin", Servers: []Server{
		backend(t, "a", func(w http.ResponseWriter, r *http.Request) { seen <- r })}})
	request, err := http.NewRequest(http.MethodGet, "http://"+addr+"/p%2Fq?a=1;b", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "shop.example"
	request.Header.Set("X-Forwarded-For", "198.51.100.7")
	resp, err := newClient(t).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	got := <-seen
	if diff := cmp.Diff([]string{"198.51.100.7", "127.0.0.1"}, got.Header.Values("X-Forwarded-For")); diff != "" {
		t.Errorf("X-Forwarded-For (-want +got):\n%s", diff)
	}
	if got.Host != "shop.example" || got.RequestURI != "/p%2Fq?a=1;b" {
		t.Errorf("server saw host %q, uri %q", got.Host, got.RequestURI)
	}
	if !resp.Close {
		t.Error("the answer does not close the connection")
	}
}

func TestNoServer(t *testing.T) {
	t.Parallel()
	_, addr := serve(t, Rule{Public: port(80), Algorithm: "roundrobin"})
	status, body, _ := get(t, newClient(t), addr)
	if status != 503 || !strings.Contains(body, "No server is available to handle this request.") {
		t.Errorf("http: %d %q", status, body)
	}
	_, addr = serve(t, Rule{Public: port(8080), Algorithm: "roundrobin"})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if data, err := io.ReadAll(c); err != nil || len(data) != 0 {
		t.Errorf("tcp: read %q, %v; want accept, then end", data, err)
	}
}

func TestRefusedIsRedispatchedWithItsBody(t *testing.T) {
	t.Parallel()
	_, addr := serve(t, Rule{Public: port(80), Algorithm: "roundrobin", Servers: []Server{
		refusing("dead"), backend(t, "a", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })}})
	for range 3 {
		resp, err := newClient(t).Post("http://"+addr, "text/plain", io.MultiReader(strings.NewReader("hello "), strings.NewReader("there")))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || string(body) != "hello there" {
			t.Errorf("%d %q %v", resp.StatusCode, body, err)
		}
	}
}

func TestSourcesOutsideTheListAreReset(t *testing.T) {
	t.Parallel()
	for _, mode := range []uint16{80, 8080} {
		_, addr := serve(t, Rule{Public: port(mode), Algorithm: "roundrobin", Servers: []Server{backend(t, "a", nil)},
			Sources: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.2/32")}})
		resp, err := newClient(t).Get("http://" + addr)
		if err == nil {
			_ = resp.Body.Close()
			t.Errorf("port %d: an outsider was served: %d", mode, resp.StatusCode)
		}
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
		c, err := dialer.Dial("tcp", addr)
		if err != nil {
			t.Skipf("no second loopback address here: %v", err)
		}
		_, _ = fmt.Fprintf(c, "GET / HTTP/1.0\r\n\r\n")
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil || !strings.Contains(line, "200 OK") {
			t.Errorf("port %d: %q, %v", mode, line, err)
		}
		_ = c.Close()
	}
}

func TestCookieStickiness(t *testing.T) {
	t.Parallel()
	var seen []string
	var mu sync.Mutex
	echo := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, r.Header.Get("Cookie"))
			_, _ = io.WriteString(w, name)
		}
	}
	a, c := backend(t, "a", echo("a")), backend(t, "b", echo("b"))
	rule := Rule{Public: port(80), Algorithm: "roundrobin", Servers: []Server{a, c},
		Stickiness: &Stickiness{Method: "LbCookie", Params: map[string]string{"cookie-name": "S"}}}
	balancer, addr := serve(t, rule)
	ask := func(cookie string) (string, string) {
		request, err := http.NewRequest(http.MethodGet, "http://"+addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		if cookie != "" {
			request.Header.Set("Cookie", cookie)
		}
		resp, err := newClient(t).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return string(body), resp.Header.Get("Set-Cookie")
	}
	_, set := ask("")
	if want := fmt.Sprintf("S=10_1_1_4-%d; path=/", a.Address.Port()); set != want {
		t.Fatalf("Set-Cookie %q, want %q", set, want)
	}
	bound, _, _ := strings.Cut(set, ";")
	for range 3 {
		if name, again := ask(bound); name != "a" || again != "" {
			t.Errorf("bound client got %s, Set-Cookie %q", name, again)
		}
	}
	if _, set := ask("S=nobody"); set == "" {
		t.Error("a cookie that names nobody was not replaced")
	}
	if !slices.Contains(seen, bound) {
		t.Errorf("the server did not see the cookie: %q", seen)
	}
	rule.Stickiness = &Stickiness{Method: "LbCookie", Params: map[string]string{"cookie-name": "S", "indirect": "", "nocache": ""}}
	if err := balancer.Update(rule); err != nil {
		t.Fatal(err)
	}
	seen = nil
	ask(bound + "; other=1")
	if diff := cmp.Diff([]string{"other=1"}, seen); diff != "" {
		t.Errorf("indirect: cookies seen (-want +got):\n%s", diff)
	}
}

func TestUpdateKeepsRequestsInFlight(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan bool), make(chan bool)
	slow := backend(t, "slow", func(w http.ResponseWriter, r *http.Request) {
		arrived <- true
		<-release
		_, _ = io.WriteString(w, "slow")
	})
	for _, mode := range []uint16{80, 8080} {
		rule := Rule{Public: port(mode), Algorithm: "roundrobin", Servers: []Server{slow}}
		b, addr := serve(t, rule)
		answer := make(chan string, 1)
		go func() {
			resp, err := http.Get("http://" + addr)
			if err != nil {
				answer <- err.Error()
				return
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			answer <- fmt.Sprint(string(body), err)
		}()
		<-arrived
		rule.Servers = []Server{backend(t, "new", nil)}
		if err := b.Update(rule); err != nil {
			t.Fatal(err)
		}
		if got := names(t, newClient(t), addr, 2); got != "newnew" {
			t.Errorf("port %d: after the update served by %s", mode, got)
		}
		release <- true
		if got := <-answer; got != "slow<nil>" {
			t.Errorf("port %d: the request in flight got %q", mode, got)
		}
	}
}

func TestUpdateRefusesWhatHaproxyRefuses(t *testing.T) {
	t.Parallel()
	rule := Rule{Public: port(80), Algorithm: "roundrobin", Servers: []Server{backend(t, "a", nil)}}
	b, addr := serve(t, rule)
	bad := rule
	bad.Algorithm = "bogus"
	if err := b.Update(bad); err == nil {
		t.Error("a bad algorithm was loaded")
	}
	if got := names(t, newClient(t), addr, 1); got != "a" {
		t.Errorf("served by %s", got)
	}
	b.Close()
	if err := b.Update(rule); !errors.Is(err, ErrClosed) {
		t.Errorf("update after close: %v", err)
	}
}

func TestDrainWaitsForConnections(t *testing.T) {
	t.Parallel()
	for _, mode := range []uint16{80, 8080} {
		arrived, release := make(chan bool), make(chan bool)
		b, addr := serve(t, Rule{Public: port(mode), Algorithm: "roundrobin", Servers: []Server{
			backend(t, "a", func(w http.ResponseWriter, r *http.Request) { arrived <- true; <-release })}})
		status := make(chan string, 1)
		go func() {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			resp, err := client.Get("http://" + addr)
			if err != nil {
				status <- err.Error()
				return
			}
			_ = resp.Body.Close()
			status <- resp.Status
		}()
		<-arrived
		drained := make(chan bool)
		go func() { b.Drain(t.Context()); close(drained) }()
		select {
		case <-drained:
			t.Error("drained while a request was under way")
		default:
		}
		release <- true
		if got := <-status; got != "200 OK" {
			t.Errorf("port %d: %s", mode, got)
		}
		<-drained
	}
}

func TestTLSEndsAtTheBalancer(t *testing.T) {
	t.Parallel()
	proto := make(chan string, 1)
	secure := httptest.NewTLSServer(nil) // only for its certificate
	t.Cleanup(secure.Close)
	_, addr := serve(t, Rule{Public: port(443), Protocol: "ssl", Algorithm: "roundrobin",
		Certificate: &secure.TLS.Certificates[0],
		Servers:     []Server{backend(t, "a", func(w http.ResponseWriter, r *http.Request) { proto <- r.Header.Get("X-Forwarded-Proto") })}})
	client := secure.Client()
	resp, err := client.Get("https://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if got := <-proto; got != "https" {
		t.Errorf("X-Forwarded-Proto %q", got)
	}
}

func TestProxyProtocol(t *testing.T) {
	t.Parallel()
	for _, mode := range []uint16{80, 8080} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		first := make(chan string, 8)
		go func() {
			for {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				r := bufio.NewReader(c)
				line, _ := r.ReadString('\n')
				first <- line
				if _, err := http.ReadRequest(r); err == nil {
					_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
				}
				_ = c.Close()
			}
		}()
		t.Cleanup(func() { _ = listener.Close() })
		_, addr := serve(t, Rule{Public: port(mode), Protocol: "tcp-proxy", Algorithm: "roundrobin", Servers: []Server{{ID: "a",
			Dial: func(ctx context.Context) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
			}}}})
		status, _, _ := get(t, newClient(t), addr)
		if line := <-first; status != 204 || !strings.HasPrefix(line, "PROXY TCP4 127.0.0.1 127.0.0.1 ") {
			t.Errorf("port %d: status %d, header %q", mode, status, line)
		}
	}
}

func TestConnectionsAverage(t *testing.T) {
	t.Parallel()
	stats := Stats{Servers: []ServerStats{{Up: true, Current: 3}, {Up: true, Current: 2}, {Current: 9}}}
	if got, ok := stats.AverageConnections(); got != 2 || !ok {
		t.Errorf("average %d, %v", got, ok)
	}
	if _, ok := (Stats{Servers: []ServerStats{{Current: 1}}}).AverageConnections(); ok {
		t.Error("an average without a server that is up")
	}
}

func BenchmarkHTTP(b *testing.B) {
	page := []byte(strings.Repeat("x", 1024))
	_, addr := serve(b, Rule{Public: port(80), Algorithm: "roundrobin", Servers: []Server{
		backend(b, "a", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(page) }),
		backend(b, "b", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(page) })}})
	benchmark(b, addr)
}

func BenchmarkTCP(b *testing.B) {
	page := []byte(strings.Repeat("x", 1024))
	_, addr := serve(b, Rule{Public: port(8080), Algorithm: "roundrobin", Servers: []Server{
		backend(b, "a", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(page) })}})
	benchmark(b, addr)
}

func benchmark(b *testing.B, addr string) {
	client := newClient(b)
	client.Transport.(*http.Transport).MaxIdleConnsPerHost = 16
	start := time.Now()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := client.Get("http://" + addr)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	})
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "requests/s")
}

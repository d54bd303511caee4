package lb

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestUpgradedConnectionIsATunnel(t *testing.T) {
	t.Parallel()
	_, addr := serve(t, Rule{Public: port(80), Algorithm: "roundrobin", Servers: []Server{backend(t, "a", func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(conn, buffered)
	})}})
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	reader := bufio.NewReader(conn)
	resp, err := http.ReadResponse(reader, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", resp, err)
	}
	for _, word := range []string{"one\n", "two\n"} {
		_, _ = io.WriteString(conn, word)
		if got, err := reader.ReadString('\n'); got != word {
			t.Errorf("echo of %q: %q, %v", word, got, err)
		}
	}
}

func TestLargeBodiesPassBothWays(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<18) // 4 MiB
	for _, mode := range []uint16{80, 8080} {
		_, addr := serve(t, Rule{Public: port(mode), Algorithm: "leastconn", Servers: []Server{
			backend(t, "a", func(w http.ResponseWriter, r *http.Request) {
				if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
					t.Error(err)
				}
				_, _ = io.Copy(w, r.Body)
			})}})
		resp, err := newClient(t).Post("http://"+addr, "application/octet-stream", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || !bytes.Equal(got, body) {
			t.Errorf("port %d: %d of %d bytes came back, %v", mode, len(got), len(body), err)
		}
	}
}

func TestStreamArrivesWhileItIsWritten(t *testing.T) {
	t.Parallel()
	next := make(chan bool)
	_, addr := serve(t, Rule{Public: port(80), Algorithm: "roundrobin", Servers: []Server{
		backend(t, "a", func(w http.ResponseWriter, r *http.Request) {
			for i := range 3 {
				_, _ = fmt.Fprintf(w, "line %d\n", i)
				w.(http.Flusher).Flush()
				<-next
			}
		})}})
	resp, err := newClient(t).Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewReader(resp.Body)
	for i := range 3 {
		if got, err := lines.ReadString('\n'); got != fmt.Sprintf("line %d\n", i) {
			t.Fatalf("line %d: %q, %v", i, got, err)
		}
		next <- true
	}
}

func TestServerThatBreaksOff(t *testing.T) {
	t.Parallel()
	_, addr := serve(t, Rule{Public: port(80), Algorithm: "roundrobin", Servers: []Server{
		backend(t, "a", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })}})
	resp, err := newClient(t).Post("http://"+addr, "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusBadGateway {
		t.Errorf("status %d, want 502", resp.StatusCode)
	}
}

// TestCloseLeavesNoGoroutine is not parallel: it counts them.
func TestCloseLeavesNoGoroutine(t *testing.T) {
	hold := make(chan bool)
	server := backend(t, "a", func(w http.ResponseWriter, r *http.Request) { <-hold })
	before := runtime.NumGoroutine()
	for _, mode := range []uint16{80, 8080} {
		b, err := New(Rule{Public: port(mode), Algorithm: "roundrobin", Servers: []Server{server}}, wallClock{})
		if err != nil {
			t.Fatal(err)
		}
		near, far := net.Pipe()
		b.Handle(near)
		_, _ = io.WriteString(far, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		b.Close()
		_ = far.Close()
	}
	close(hold)
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if now := runtime.NumGoroutine(); now > before {
		stacks := make([]byte, 1<<16)
		t.Errorf("%d goroutines, %d before:\n%s", now, before, stacks[:runtime.Stack(stacks, true)])
	}
}

package plane

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim/lb"
)

// dialTimeout is how long a forwarded connection waits for its machine.
const dialTimeout = 30 * time.Second

// listener is one open port. What it serves may be exchanged while it runs.
type listener struct {
	socket net.Listener
	serves atomic.Pointer[service]
	accept sync.WaitGroup
	relays *sync.WaitGroup
}

// listen starts to accept; forwarded connections are counted in relays.
func listen(ctx context.Context, socket net.Listener, serves *service, relays *sync.WaitGroup) *listener {
	l := &listener{socket: socket, relays: relays}
	l.serves.Store(serves)
	l.accept.Go(func() { l.run(ctx) })
	return l
}

func (l *listener) run(ctx context.Context) {
	for {
		conn, err := l.socket.Accept()
		if err != nil {
			if ctx.Err() != nil || !temporary(err) {
				return // closed
			}
			select { // out of file descriptors: others must close first
			case <-time.After(10 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		l.take(ctx, conn)
	}
}

// take serves a connection with what the port serves just now.
func (l *listener) take(ctx context.Context, conn net.Conn) {
	s := l.serves.Load()
	from := source(conn)
	switch {
	case !s.admits(from):
		refuse(conn)
	case s.balancer != nil:
		s.balancer.Handle(conn)
	default:
		l.relays.Go(func() { forward(ctx, conn, s, from) })
	}
}

func temporary(err error) bool {
	t, ok := err.(interface{ Temporary() bool })
	return ok && t.Temporary()
}

// forward joins a client to the machine behind a port forward or static NAT.
func forward(ctx context.Context, conn net.Conn, s *service, from netip.Addr) {
	dialing, cancel := context.WithTimeout(ctx, dialTimeout)
	guest, err := s.dial(dialing, s.port, from)
	cancel()
	if err != nil {
		refuse(conn)
		return
	}
	lb.Relay(ctx, conn, guest, 0)
}

// refuse cuts a connection so that the client sees a reset: the listener took it, nobody wants it.
func refuse(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func source(conn net.Conn) netip.Addr {
	at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}

// address is where the socket really listens.
func (l *listener) address() netip.AddrPort {
	at, err := netip.ParseAddrPort(l.socket.Addr().String())
	if err != nil {
		return netip.AddrPort{}
	}
	return at
}

// stop accepts nothing more; forwarded connections go on.
func (l *listener) stop() {
	_ = l.socket.Close()
	l.accept.Wait()
}

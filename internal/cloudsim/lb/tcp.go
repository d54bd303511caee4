package lb

import (
	"fmt"
	"net"
	"net/netip"
)

// serveTCP joins a client to a server byte by byte. With nobody to join it to, the connection was
// accepted and is closed.
func (b *Balancer) serveTCP(g *generation, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	var backend net.Conn
	s, err := g.dispatch(b.ctx, client{addr: addressOf(conn.RemoteAddr())}, func(s *server) error {
		var err error
		backend, err = g.connect(b.ctx, s, conn.RemoteAddr(), conn.LocalAddr())
		return err
	})
	if err != nil {
		return
	}
	defer g.release(s)
	Relay(b.ctx, conn, backend, idleTimeout)
}

// proxyHeader is the line of the PROXY protocol, version 1.
func proxyHeader(from, to net.Addr) []byte {
	f, t := addrPortOf(from), addrPortOf(to)
	if !f.IsValid() || !t.IsValid() {
		return []byte("PROXY UNKNOWN\r\n")
	}
	family := "TCP4"
	if f.Addr().Is6() {
		family = "TCP6"
	}
	return fmt.Appendf(nil, "PROXY %s %s %s %d %d\r\n", family, f.Addr(), t.Addr(), f.Port(), t.Port())
}

func addrPortOf(a net.Addr) netip.AddrPort {
	if a == nil {
		return netip.AddrPort{}
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

func addressOf(a net.Addr) netip.Addr { return addrPortOf(a).Addr() }

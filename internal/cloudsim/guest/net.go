package guest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/wire"
)

// guestConn is the guest's end of a connection; it leaves the machine's list
// when it is closed.
type guestConn struct {
	*wire.Conn
	m *Machine
}

// Close implements net.Conn.
func (c *guestConn) Close() error {
	c.m.mu.Lock()
	delete(c.m.conns, c)
	c.m.mu.Unlock()
	return c.Conn.Close()
}

// Dial connects to a port from outside, as from: the guest's firewall applies.
// The errors are ErrRefused and ErrFiltered.
func (m *Machine) Dial(ctx context.Context, port uint16, from netip.Addr) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	if m.state != powerOn && m.state != powerStarting {
		m.mu.Unlock()
		return nil, ErrFiltered
	}
	if !m.firewall.allows(port) {
		m.mu.Unlock()
		return nil, ErrFiltered
	}
	m.mu.Unlock()
	return m.connect(port, from)
}

// connect bypasses the firewall: it is also how the guest reaches itself.
func (m *Machine) connect(port uint16, from netip.Addr) (net.Conn, error) {
	m.mu.Lock()
	accept := m.listeners[port]
	if accept == nil {
		m.mu.Unlock()
		return nil, ErrRefused
	}
	here := &net.TCPAddr{IP: m.cfg.Address.AsSlice(), Port: int(port)}
	there := &net.TCPAddr{IP: from.AsSlice(), Port: 32768 + int(m.clock.Now().UnixNano()%28000)}
	client, server := wire.Pair(there, here)
	c := &guestConn{Conn: server, m: m}
	m.conns[c] = struct{}{}
	m.mu.Unlock()
	accept(c)
	return client, nil
}

// listen makes a port accept connections; accept must not block.
func (m *Machine) listen(port uint16, accept func(net.Conn)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listeners == nil {
		return errors.New("the machine is off")
	}
	if m.listeners[port] != nil {
		return fmt.Errorf("bind: address already in use: port %d", port)
	}
	m.listeners[port] = accept
	return nil
}

func (m *Machine) unlisten(port uint16) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.listeners, port)
}

// Listening lists the ports that accept connections inside the guest.
func (m *Machine) Listening() []uint16 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.listeners))
}

// dialOut connects from the guest to host (a name or an address) and port.
func (m *Machine) dialOut(ctx context.Context, host string, port int) (net.Conn, error) {
	addr, known := m.resolve(host)
	if known && (addr.IsLoopback() || addr == m.cfg.Address) {
		from := m.cfg.Address
		if addr.IsLoopback() {
			from = addr
		}
		return m.connect(uint16(port), from)
	}
	if m.cfg.Network == nil {
		return nil, &resolveError{host: host}
	}
	if known {
		return m.cfg.Network.Dial(ctx, netip.AddrPortFrom(addr, uint16(port)))
	}
	if err := m.cfg.Network.Egress(ctx, "tcp", host, port); err != nil {
		return nil, err
	}
	// The embedded cloud has no world around it but the package mirrors.
	return nil, &resolveError{host: host}
}

type resolveError struct{ host string }

func (e *resolveError) Error() string { return "could not resolve host: " + e.host }

// egress asks whether the guest may reach a host of the outside world.
func (m *Machine) egress(ctx context.Context, host string, port int) error {
	if m.cfg.Network == nil {
		return nil
	}
	return m.cfg.Network.Egress(ctx, "tcp", host, port)
}

package lb

import (
	"encoding/binary"
	"hash/fnv"
	"net/netip"
)

// client is what the choice of a server depends on.
type client struct {
	addr   netip.Addr
	cookie string // value of the rule's cookie, if the request carries it
}

// choose picks the server for a new session. bound says that the client belongs to that server by
// cookie, sticky entry or source hash, so that a refused connection is tried again there first.
func (g *generation) choose(c client) (s *server, bound bool) {
	g.mu.Lock()
	g.requests++
	stuck := g.byCookie(c.cookie)
	if stuck == nil && g.sticky != nil {
		stuck = g.bySticky(c.addr)
	}
	if stuck != nil {
		g.take(stuck)
		g.mu.Unlock()
		return stuck, true
	}
	g.mu.Unlock()
	return g.balance(c.addr, nil), g.rule.Algorithm == "source"
}

// balance applies the rule's algorithm to the servers that are up and allowed (nil allows all). Source
// hash without a client, as in a redispatch, falls back to round robin.
func (g *generation) balance(from netip.Addr, allowed func(*server) bool) *server {
	g.mu.Lock()
	defer g.mu.Unlock()
	var s *server
	switch {
	case g.rule.Algorithm == "leastconn":
		s = g.leastConn(allowed)
	case g.rule.Algorithm == "source" && from.IsValid():
		s = g.bySource(from, allowed)
	default:
		s = g.roundRobin(allowed)
	}
	if s != nil {
		g.take(s)
	}
	return s
}

func usable(s *server, allowed func(*server) bool) bool {
	return s.up() && (allowed == nil || allowed(s))
}

func (g *generation) roundRobin(allowed func(*server) bool) *server {
	for i := range g.servers {
		at := (g.next + i) % len(g.servers)
		if s := g.servers[at]; usable(s, allowed) {
			g.next = at + 1
			return s
		}
	}
	return nil
}

// leastConn takes the server with the fewest sessions; among equals the one not chosen for longest.
func (g *generation) leastConn(allowed func(*server) bool) *server {
	var best *server
	for _, s := range g.servers {
		if !usable(s, allowed) {
			continue
		}
		if best == nil || s.current < best.current || s.current == best.current && s.picked < best.picked {
			best = s
		}
	}
	return best
}

// bySource maps the client's address onto the servers that are up: adding or losing one moves clients.
func (g *generation) bySource(from netip.Addr, allowed func(*server) bool) *server {
	var up []*server
	for _, s := range g.servers {
		if usable(s, allowed) {
			up = append(up, s)
		}
	}
	if len(up) == 0 {
		return nil
	}
	return up[sourceHash(from)%uint32(len(up))]
}

func sourceHash(from netip.Addr) uint32 {
	if from = from.Unmap(); from.Is4() {
		b := from.As4()
		return binary.BigEndian.Uint32(b[:])
	}
	h := fnv.New32a()
	b := from.As16()
	_, _ = h.Write(b[:]) // a hash never fails
	return h.Sum32()
}

// byCookie finds the server a cookie names; g.mu is held. An unknown or dead one counts as no cookie.
func (g *generation) byCookie(value string) *server {
	if value == "" {
		return nil
	}
	for _, s := range g.servers {
		if s.cookie() == value && s.up() {
			return s
		}
	}
	return nil
}

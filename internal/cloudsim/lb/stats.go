package lb

// ServerStats is what the balancer counts about one member since the last reload.
type ServerStats struct {
	ID      string
	Up      bool
	Current int   // sessions now
	Total   int64 // sessions so far
}

// Stats is what the balancer counts about its rule. Bytes survive reloads: a router counts them on its
// interface.
type Stats struct {
	Servers           []ServerStats // in the rule's order
	Requests          int64         // connections (tcp) or requests (http) since the last reload
	BytesIn, BytesOut int64         // from and to clients
}

// Stats reads the counters.
func (b *Balancer) Stats() Stats {
	g := b.current.Load()
	g.mu.Lock()
	defer g.mu.Unlock()
	stats := Stats{Requests: g.requests, BytesIn: b.in.Load(), BytesOut: b.out.Load()}
	for _, s := range g.servers {
		stats.Servers = append(stats.Servers, ServerStats{ID: s.ID, Up: s.up(), Current: s.current, Total: s.total})
	}
	return stats
}

// AverageConnections is the sessions of the members that are up, divided by their number and cut to a
// whole number as the router's statistics do; ok is false when none is up.
func (s Stats) AverageConnections() (average int, ok bool) {
	sum, up := 0, 0
	for _, server := range s.Servers {
		if server.Up {
			sum += server.Current
			up++
		}
	}
	if up == 0 {
		return 0, false
	}
	return sum / up, true
}

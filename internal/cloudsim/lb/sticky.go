package lb

import (
	"container/list"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Defaults of a SourceBased policy.
const (
	stickSize   = 200 << 10
	stickExpire = 30 * time.Minute
)

// stickTable binds source addresses to servers. The oldest entry goes first, by age or for room. The
// generation's mutex guards it.
type stickTable struct {
	size    int
	expire  time.Duration
	entries map[netip.Addr]*list.Element
	order   *list.List // of *stickEntry, longest unused first
}

type stickEntry struct {
	addr   netip.Addr
	server *server
	until  time.Time
}

func newStickTable(params map[string]string) *stickTable {
	return &stickTable{
		size:    parseSize(params["tablesize"], stickSize),
		expire:  parseTime(params["expire"], stickExpire),
		entries: map[netip.Addr]*list.Element{},
		order:   list.New(),
	}
}

func (t *stickTable) get(addr netip.Addr, now time.Time) *server {
	at, ok := t.entries[addr]
	if !ok {
		return nil
	}
	e := at.Value.(*stickEntry)
	if now.After(e.until) {
		t.remove(at)
		return nil
	}
	return e.server
}

func (t *stickTable) put(addr netip.Addr, s *server, now time.Time) {
	if at, ok := t.entries[addr]; ok {
		t.remove(at)
	}
	for t.order.Len() >= t.size {
		t.remove(t.order.Front())
	}
	t.entries[addr] = t.order.PushBack(&stickEntry{addr: addr, server: s, until: now.Add(t.expire)})
}

func (t *stickTable) remove(at *list.Element) {
	delete(t.entries, at.Value.(*stickEntry).addr)
	t.order.Remove(at)
}

// bySticky finds the server an address is bound to, if it is up; g.mu is held.
func (g *generation) bySticky(addr netip.Addr) *server {
	if s := g.sticky.get(addr, g.clock.Now()); s != nil && s.up() {
		return s
	}
	return nil
}

// remember binds the client to the server that took it.
func (g *generation) remember(c client, s *server) {
	if g.sticky == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sticky.put(c.addr, s, g.clock.Now())
}

// parseSize reads 200k, 1m or a plain number; the API has checked the form.
func parseSize(text string, otherwise int) int {
	text = strings.ToLower(text)
	unit := 1
	for suffix, factor := range map[string]int{"k": 1 << 10, "m": 1 << 20, "g": 1 << 30} {
		if rest, ok := strings.CutSuffix(text, suffix); ok {
			text, unit = rest, factor
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		return otherwise
	}
	return n * unit
}

// parseTime reads 30m, 3h, 1d or 20s; the API has checked the form.
func parseTime(text string, otherwise time.Duration) time.Duration {
	days := false
	if rest, ok := strings.CutSuffix(text, "d"); ok {
		text, days = rest+"h", true
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return otherwise
	}
	if days {
		d *= 24
	}
	return d
}

package pluginhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/moldctl/moldctl/sdk/wire"
)

// permits are keys that only one operation of the run may hold at a time,
// whichever plugin carries it out: what would only wait, or go wrong, inside
// the cloud waits here.
type permits struct {
	mu     sync.Mutex // guards what follows
	held   map[string]bool
	spoilt map[string]string // key → command
	queue  []*waiter         // who came first is first
}

// waiter is who waits for keys.
type waiter struct {
	keys  []string
	ready chan error // holds one
}

// SpoiltError says that an operation may not begin its call in this run: it is
// of a kind that is told apart by what was there before, and what an earlier
// one made is not known yet.
type SpoiltError struct{ Command string }

// Error says which call stands in the way and what helps.
func (e *SpoiltError) Error() string {
	return fmt.Sprintf("what became of an earlier %s is not known, and until it is no other may be sent: their results could not be told apart. Run the command again; it finds out first", e.Command)
}

// acquire takes all keys or none.
func (p *permits) acquire(ctx context.Context, keys []string) error {
	w := &waiter{keys: keys, ready: make(chan error, 1)}
	p.mu.Lock()
	p.queue = append(p.queue, w)
	p.serve()
	p.mu.Unlock()
	select {
	case err := <-w.ready:
		return err
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = slices.DeleteFunc(p.queue, func(other *waiter) bool { return other == w })
	select {
	case err := <-w.ready: // at the same moment
		return err
	default:
		return ctx.Err()
	}
}

// serve gives keys to those who wait, as far as they are free.
func (p *permits) serve() {
	if p.held == nil {
		p.held, p.spoilt = map[string]bool{}, map[string]string{}
	}
	p.queue = slices.DeleteFunc(p.queue, func(w *waiter) bool {
		for _, k := range w.keys {
			if command, ok := p.spoilt[k]; ok {
				w.ready <- &SpoiltError{Command: command}
				return true
			}
		}
		if slices.ContainsFunc(w.keys, func(k string) bool { return p.held[k] }) {
			return false
		}
		for _, k := range w.keys {
			p.held[k] = true
		}
		w.ready <- nil
		return true
	})
}

// give gives keys back. If unknown names a command nobody gets them again: what
// it made is not known.
func (p *permits) give(keys []string, unknown string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range keys {
		delete(p.held, k)
		if unknown != "" {
			p.spoilt[k] = unknown
		}
	}
	p.serve()
}

// conversation is one Apply under way, seen from the host: messages are taken
// by one goroutine, permits are waited for by goroutines of their own, so that
// waiting for one does not keep a checkpoint from being written.
type conversation struct {
	host   *Host
	cloud  string
	stream interface{ Send(*wire.ApplyUp) error }
	cancel context.CancelCauseFunc
	calls  map[string]*wire.Call // as last told; only for the goroutine that takes messages

	sending sync.Mutex // one message at a time
	waiting sync.WaitGroup

	mu   sync.Mutex // guards held
	held map[uint64][]string
}

func (c *conversation) ack(seq uint64) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	return c.stream.Send(&wire.ApplyUp{Message: &wire.ApplyUp_Ack{Ack: &wire.Ack{Seq: seq}}})
}

// note remembers how far the calls of the operation have come.
func (c *conversation) note(msg *wire.ApplyDown) {
	call := msg.GetIntent().GetCall()
	if call == nil {
		call = msg.GetCheckpoint().GetCall()
	}
	if call != nil {
		c.calls[call.GetKey()] = call
	}
}

// unknown names a call that may have made something which only a comparison of
// listings can find.
func (c *conversation) unknown() string {
	for _, call := range c.calls {
		var id struct {
			Kind string `json:"kind"`
		}
		if call.GetState() != wire.Call_OPEN || call.GetId() != "" || json.Unmarshal(call.GetIdentity(), &id) != nil {
			continue
		}
		if id.Kind == "serial" {
			return call.GetCommand()
		}
	}
	return ""
}

// permits answers a message about permits; false means that it was another.
func (c *conversation) permits(ctx context.Context, msg *wire.ApplyDown) bool {
	if release := msg.GetRelease(); release != nil {
		c.mu.Lock()
		keys, ok := c.held[release.GetPermit()]
		delete(c.held, release.GetPermit())
		c.mu.Unlock()
		if ok {
			c.host.permits.give(keys, c.unknown())
		}
		return true
	}
	ask := msg.GetPermit()
	if ask == nil {
		return false
	}
	keys := make([]string, 0, len(ask.GetKeys()))
	for _, k := range ask.GetKeys() {
		keys = append(keys, c.cloud+"\x00"+k)
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	c.waiting.Go(func() { c.grant(ctx, ask.GetSeq(), keys) })
	return true
}

// grant waits for the keys. When the operation ends meanwhile, or cannot be
// told, they are free again.
func (c *conversation) grant(ctx context.Context, seq uint64, keys []string) {
	if err := c.host.permits.acquire(ctx, keys); err != nil {
		var spoilt *SpoiltError
		if errors.As(err, &spoilt) {
			c.cancel(spoilt)
		}
		return
	}
	c.mu.Lock()
	c.held[seq] = keys
	c.mu.Unlock()
	// A broken stream is noticed where messages are received; end gives the
	// keys back then.
	_ = c.ack(seq)
}

// end gives everything back that the operation still holds.
func (c *conversation) end() {
	c.cancel(nil)
	c.waiting.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	unknown := c.unknown()
	for seq, keys := range c.held {
		c.host.permits.give(keys, unknown)
		delete(c.held, seq)
	}
}

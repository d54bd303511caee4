package pluginhost

import (
	"context"
	"slices"
	"sync"

	"github.com/moldctl/moldctl/sdk/wire"
)

// permits are keys that only one operation of a run may hold at a time,
// whichever plugin carries it out: what would only wait, or go wrong, inside
// the cloud waits here.
type permits struct {
	mu   sync.Mutex // guards held
	held map[string]chan struct{}
}

// acquire takes all keys or none, and returns how to give them back.
func (p *permits) acquire(ctx context.Context, keys []string) (func(), error) {
	for {
		busy := p.take(keys)
		if busy == nil {
			return func() { p.give(keys) }, nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take takes the keys, or returns what to wait for before trying again.
func (p *permits) take(keys []string) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range keys {
		if busy, ok := p.held[k]; ok {
			return busy
		}
	}
	if p.held == nil {
		p.held = map[string]chan struct{}{}
	}
	for _, k := range keys {
		p.held[k] = make(chan struct{})
	}
	return nil
}

func (p *permits) give(keys []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range keys {
		close(p.held[k])
		delete(p.held, k)
	}
}

// conversation is one Apply under way, seen from the host: messages are taken
// by one goroutine, permits are waited for by goroutines of their own, so that
// waiting for one does not keep a checkpoint from being written.
type conversation struct {
	host   *Host
	cloud  string
	stream interface{ Send(*wire.ApplyUp) error }

	sending sync.Mutex // one message at a time
	waiting sync.WaitGroup

	mu   sync.Mutex // guards held
	held map[uint64]func()
}

func (c *conversation) ack(seq uint64) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	return c.stream.Send(&wire.ApplyUp{Message: &wire.ApplyUp_Ack{Ack: &wire.Ack{Seq: seq}}})
}

// permits answers a message about permits; false means that it was another.
func (c *conversation) permits(ctx context.Context, msg *wire.ApplyDown) bool {
	if release := msg.GetRelease(); release != nil {
		c.mu.Lock()
		give, ok := c.held[release.GetPermit()]
		delete(c.held, release.GetPermit())
		c.mu.Unlock()
		if ok {
			give()
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
	give, err := c.host.permits.acquire(ctx, keys)
	if err != nil {
		return
	}
	c.mu.Lock()
	c.held[seq] = give
	c.mu.Unlock()
	// A broken stream is noticed where messages are received; end gives the
	// keys back then.
	_ = c.ack(seq)
}

// end gives everything back that the operation still holds.
func (c *conversation) end(cancel func()) {
	cancel()
	c.waiting.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	for seq, give := range c.held {
		give()
		delete(c.held, seq)
	}
}

package pluginhost

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/moldctl/moldctl/sdk/wire"
)

// budgetOf is the budget of a cloud. Aliases that mean one account of one
// cloud share it.
func (h *Host) budgetOf(c *wire.Cloud) *budget {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := c.GetEndpoint() + "\x00" + c.GetApiKey()
	b, ok := h.budgets[key]
	if !ok {
		b = newBudget(int(c.GetMaxRequests()))
		h.budgets[key] = b
	}
	return b
}

// takers is how many plugins of the run may come to use a cloud.
func (h *Host) takers() int {
	n := 0
	for name := range h.specs {
		if h.needsCloud(name) {
			n++
		}
	}
	return n
}

// share gives the process its part of a cloud's requests before it sends the
// first: from then on, for as long as it lives. It returns the cloud as the
// process is to see it.
func (p *process) share(ctx context.Context, c *wire.Cloud) (*wire.Cloud, error) {
	if c.GetEndpoint() == "" || c.GetMaxRequests() <= 0 {
		return c, nil // no cloud, or no bound
	}
	b := p.host.budgetOf(c)
	if !p.shares {
		m, part := b.joinFixed(p.host.takers())
		p.mu.Lock()
		p.fixed[c.GetAlias()] = int32(part) //nolint:gosec // no more than max_requests
		p.leaving = append(p.leaving, func() { b.leave(m) })
		p.mu.Unlock()
		return p.seen(c), nil
	}
	life, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	stream, err := p.rpc.Share(life)
	if err != nil {
		hangUp()
		return nil, p.broken(ctx, err)
	}
	m := b.join()
	var once sync.Once
	over := func() { once.Do(func() { hangUp(); b.leave(m) }) }
	p.mu.Lock()
	p.leaving = append(p.leaving, over)
	p.mu.Unlock()
	first := b.next(m)
	first.Cloud = c.GetAlias()
	if err := stream.Send(first); err != nil {
		over()
		return nil, p.broken(ctx, err)
	}
	// The first answer says that the process keeps to it.
	impatient := time.AfterFunc(startTimeout, hangUp)
	given := context.AfterFunc(ctx, hangUp)
	down, err := stream.Recv()
	impatient.Stop()
	if !given() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		over()
		return nil, p.broken(ctx, err)
	}
	b.heard(m, down)
	go func() {
		defer over()
		for {
			down, err := stream.Recv()
			if err != nil {
				return // the process has ended, or does not use the cloud any more
			}
			b.heard(m, down)
		}
	}()
	go func() {
		defer over()
		for {
			select {
			case <-m.news:
				if stream.Send(b.next(m)) != nil {
					return
				}
			case <-life.Done():
				return
			}
		}
	}()
	return c, nil
}

// seen is the cloud as the process is to see it: one that is dealt no shares
// keeps the part that it was given.
func (p *process) seen(c *wire.Cloud) *wire.Cloud {
	p.mu.Lock()
	defer p.mu.Unlock()
	part, ok := p.fixed[c.GetAlias()]
	if !ok {
		return c
	}
	c = proto.Clone(c).(*wire.Cloud)
	c.MaxRequests = part
	return c
}

// leave gives back what the process had of its clouds' requests.
func (p *process) leave() {
	p.mu.Lock()
	list := slices.Clone(p.leaving)
	p.leaving = nil
	p.mu.Unlock()
	for _, f := range list {
		f()
	}
}

package pluginhost

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/moldctl/moldctl/sdk/wire"
)

// boundTimeout is how long a plugin may take to hear of a new bound. One that
// does not hear of it only stops calling the cloud earlier.
const boundTimeout = 2 * time.Second

// Bound limits how long what plugins sign is good for: a run that has lost the
// right to write must not change the cloud either. Running plugins are told.
func (h *Host) Bound(until time.Time) {
	type told struct {
		process *process
		cloud   *wire.Cloud
	}
	var list []told
	h.mu.Lock()
	h.until = until
	for alias, c := range h.clouds {
		c = proto.Clone(c).(*wire.Cloud) // others may be sending the old one
		c.ExpiresUnix = until.Unix()
		h.clouds[alias] = c
		for name, p := range h.children {
			if h.takesCloud(name) && p.knows(alias) && !p.dead() {
				list = append(list, told{p, p.seen(c)})
			}
		}
	}
	runID := h.opts.RunID
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), boundTimeout)
	defer cancel()
	for _, t := range list {
		// An error is no news: the plugin is gone, or asked about its cloud again
		// when it is called next.
		_, _ = t.process.rpc.Configure(ctx, &wire.ConfigureRequest{Cloud: t.cloud, RunId: runID})
	}
}

// knows tells whether the process was handed the cloud.
func (p *process) knows(alias string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.configured[alias]
	return c != nil && c.done.Load()
}

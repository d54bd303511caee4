package pluginhost

import (
	"context"
	"fmt"

	"github.com/moldctl/moldctl/sdk/wire"
)

// Upgrade has the plugin bring objects up to date that an earlier schema of
// their type stored. No cloud is asked, and none is handed over.
func (h *Host) Upgrade(ctx context.Context, in *wire.UpgradeRequest) (*wire.UpgradeReply, error) {
	t, ok := h.types[in.GetType()]
	if !ok {
		return nil, fmt.Errorf("no plugin serves the type %q", in.GetType())
	}
	p, err := h.process(ctx, t.Plugin)
	if err != nil {
		return nil, err
	}
	reply, err := inquire(ctx, p, "Upgrade", answerTime, in, func(ctx context.Context, in *wire.UpgradeRequest) (*wire.UpgradeReply, error) {
		return p.rpc.Upgrade(ctx, in)
	})
	if err != nil {
		return nil, err
	}
	if got, want := len(reply.GetObjects()), len(in.GetObjects()); got != want {
		return nil, &BrokenError{Plugin: p.src.Name, Err: fmt.Errorf("it upgraded %d of %d objects", got, want)}
	}
	return reply, nil
}

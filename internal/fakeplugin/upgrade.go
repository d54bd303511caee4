package fakeplugin

import (
	"context"
	"fmt"

	"github.com/moldctl/moldctl/sdk/wire"
)

// Upgrade answers with what Upgraded makes of each object.
func (c *Cloud) Upgrade(_ context.Context, in *wire.UpgradeRequest) (*wire.UpgradeReply, error) {
	if c.Upgraded == nil {
		return nil, fmt.Errorf("no code upgrades a %s", in.GetType())
	}
	reply := &wire.UpgradeReply{}
	for _, stored := range in.GetObjects() {
		one := &wire.Upgraded{Private: stored.GetPrivate()}
		v, err := c.Upgraded(int(in.GetSchema()), stored)
		if err != nil {
			one.Diagnostics = []*wire.Diagnostic{wire.Failure("", "Cannot upgrade", err.Error())}
		} else if one.Value, err = wire.MarshalValue(v, c.plugin.Types[in.GetType()].ImpliedType()); err != nil {
			return nil, err
		}
		reply.Objects = append(reply.Objects, one)
	}
	return reply, nil
}

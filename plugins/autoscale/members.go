package autoscale

import (
	"context"
	"fmt"
	"slices"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// members are the machines of the group, in whatever state.
func (w *work) members(ctx context.Context, group string) ([]cloudstack.Object, error) {
	list, err := w.r.Cloud.List(ctx, "listVirtualMachines", cloudstack.Params{"autoscalevmgroupid": group, "listall": "true"}, "virtualmachine")
	if err != nil {
		return nil, fmt.Errorf("list the members of the group: %w", err)
	}
	return slices.DeleteFunc(list, func(m cloudstack.Object) bool {
		// A cloud that does not know the filter shows everything.
		return m.Str("autoscalevmgroupid") != group || m.Str("state") == "Destroyed" || m.Str("state") == "Expunging"
	}), nil
}

// ready are the members that run and take traffic.
func (w *work) ready(ctx context.Context, g Group) ([]cloudstack.Object, error) {
	all, err := w.members(ctx, g.ID)
	if err != nil {
		return nil, err
	}
	balanced, err := w.r.Cloud.List(ctx, "listLoadBalancerRuleInstances", cloudstack.Params{"id": g.LoadBalancer}, "loadbalancerruleinstance")
	if err != nil {
		return nil, fmt.Errorf("list who takes traffic: %w", err)
	}
	return slices.DeleteFunc(all, func(m cloudstack.Object) bool {
		in := slices.ContainsFunc(balanced, func(b cloudstack.Object) bool { return b.ID() == m.ID() })
		return m.Str("state") != "Running" || !in
	}), nil
}

// available counts as the cloud does when it compares with the group's bounds.
func available(members []cloudstack.Object) int {
	n := 0
	for _, m := range members {
		switch m.Str("state") {
		case "Starting", "Running", "Stopping", "Migrating":
			n++
		}
	}
	return n
}

// moving says whether a member is on its way up or down.
func moving(members []cloudstack.Object) bool {
	return slices.ContainsFunc(members, func(m cloudstack.Object) bool {
		state := m.Str("state")
		return state == "Starting" || state == "Stopping" || state == "Migrating"
	})
}

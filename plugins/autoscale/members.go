package autoscale

import (
	"bytes"
	"context"
	"encoding/base64"
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

// staleData are the ids of members whose user data is not the profile's. The cloud keeps a machine's user data, so this tells also after an
// interruption which members are of before.
func (w *work) staleData(ctx context.Context, profile cloudstack.Object, members []cloudstack.Object) ([]string, error) {
	want, err := base64.StdEncoding.DecodeString(profile.Str("userdata"))
	if err != nil {
		return nil, fmt.Errorf("read the user data of the machine profile: %w", err)
	}
	var stale []string
	for _, m := range members {
		answer, err := w.r.Cloud.Read(ctx, "getVirtualMachineUserData", cloudstack.Params{"virtualmachineid": m.ID()})
		if err != nil {
			return nil, fmt.Errorf("read the user data of the member %s: %w", m.Str("name"), err)
		}
		have, err := base64.StdEncoding.DecodeString(answer.Map("virtualmachineuserdata").Str("userdata"))
		if err != nil || !bytes.Equal(have, want) {
			stale = append(stale, m.ID())
		}
	}
	return stale, nil
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

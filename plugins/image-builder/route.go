package imagebuilder

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// Public ports for the way to a machine: high ones, which nobody is likely to want.
const (
	firstPort    = 30000
	lastPort     = 39999
	portAttempts = 8
)

// sshPort is the port of SSH on the machine.
func (i Image) sshPort() int {
	if i.Connect == nil || i.Connect.Port == 0 {
		return 22
	}
	return i.Connect.Port
}

// route makes the machine's SSH reachable and says where. The machine is up by then, so the network has its source NAT address; an
// address allocated any earlier would have become it for good.
func (b *build) route(ctx context.Context) (string, error) {
	private := strconv.Itoa(b.plan.sshPort())
	if strings.EqualFold(b.network.Str("type"), "Shared") {
		m, err := b.r.Cloud.ReadByID(ctx, "deployVirtualMachine", b.machine)
		if err != nil {
			return "", err
		}
		for _, nic := range m.List("nic") {
			if nic.Str("networkid") == b.network.ID() {
				return net.JoinHostPort(nic.Str("ipaddress"), private), nil
			}
		}
		return "", fmt.Errorf("find the address of the machine: it has no NIC in the network %s", b.network.Str("name"))
	}
	address, err := b.publicAddress(ctx)
	if err != nil {
		return "", fmt.Errorf("find a public address to reach the machine by: %w", err)
	}
	port, err := b.forward(ctx, address, private)
	if err != nil {
		return "", err
	}
	if address.Str("vpcid") == "" {
		if err := b.openPort(ctx, address.ID(), port); err != nil {
			return "", err
		}
	}
	return net.JoinHostPort(address.Str("ipaddress"), strconv.Itoa(port)), nil
}

func (b *build) publicAddress(ctx context.Context) (cloudstack.Object, error) {
	if vpc := b.network.Str("vpcid"); vpc != "" {
		address, err := b.r.Cloud.Allocate(ctx, b.key("address"), cloudstack.Params{"vpcid": vpc})
		if err == nil {
			b.undoAddress(address.ID())
		}
		return address, err
	}
	address, owned, err := b.r.Cloud.AddressFor(ctx, b.key("address"), b.network.ID())
	if err == nil && owned {
		b.undoAddress(address.ID())
	}
	return address, err
}

func (b *build) undoAddress(id string) {
	b.undo = append(b.undo, func(ctx context.Context) error { return release(ctx, b.r, b.key("undo address"), id) })
}

// forward maps a free public port to the machine's SSH.
func (b *build) forward(ctx context.Context, address cloudstack.Object, private string) (int, error) {
	taken, err := b.takenPorts(ctx, address.ID())
	if err != nil {
		return 0, err
	}
	for attempt := 0; ; attempt++ {
		port := firstPort + rand.IntN(lastPort-firstPort+1) //nolint:gosec // no secret depends on it
		if taken(port) {
			continue
		}
		public := strconv.Itoa(port)
		params := cloudstack.Params{
			"ipaddressid": address.ID(), "protocol": "tcp", "publicport": public, "privateport": private,
			"virtualmachineid": b.machine, "openfirewall": "false", "networkid": b.network.ID(),
		}
		made, err := b.r.Cloud.Call(ctx, cloudstack.Mutation{
			Key: b.key("forward"), Command: "createPortForwardingRule", Params: params, Result: "portforwardingrule",
			Identity: cloudstack.Identity{
				Kind: cloudstack.Natural, List: "listPortForwardingRules", Params: cloudstack.Params{"ipaddressid": address.ID()}, Result: "portforwardingrule",
				Match: map[string]string{"publicport": public, "virtualmachineid": b.machine},
			},
			Serial: []string{address.ID()}, Network: b.network.ID(),
		})
		if cloudstack.CodeOf(err) == 537 && attempt < portAttempts {
			continue // somebody took the port in between
		}
		if err != nil {
			return 0, fmt.Errorf("forward a port to the machine: %w", err)
		}
		b.undoRule("forward", "deletePortForwardingRule", made.ID(), address.ID())
		return port, nil
	}
}

// takenPorts says which ports of the address have a rule.
func (b *build) takenPorts(ctx context.Context, address string) (func(int) bool, error) {
	type span struct{ from, to int }
	var spans []span
	for _, l := range []struct{ command, key, by string }{
		{"listPortForwardingRules", "portforwardingrule", "ipaddressid"}, {"listLoadBalancerRules", "loadbalancerrule", "publicipid"},
	} {
		rules, err := b.r.Cloud.List(ctx, l.command, cloudstack.Params{l.by: address, "listall": "true"}, l.key)
		if err != nil {
			return nil, fmt.Errorf("see which ports of the address are taken: %w", err)
		}
		for _, rule := range rules {
			spans = append(spans, span{rule.Int("publicport"), max(rule.Int("publicport"), rule.Int("publicendport"))})
		}
	}
	return func(port int) bool {
		return slices.ContainsFunc(spans, func(s span) bool { return s.from <= port && port <= s.to })
	}, nil
}

// openPort lets SSH through the firewall of the address.
func (b *build) openPort(ctx context.Context, address string, port int) error {
	cidrs := "0.0.0.0/0"
	if b.plan.Connect != nil && len(b.plan.Connect.CIDRs) > 0 {
		list := slices.Clone(b.plan.Connect.CIDRs)
		slices.Sort(list)
		cidrs = strings.Join(list, ",")
	}
	public := strconv.Itoa(port)
	made, err := b.r.Cloud.Call(ctx, cloudstack.Mutation{
		Key: b.key("open"), Command: "createFirewallRule", Result: "firewallrule",
		Params: cloudstack.Params{"ipaddressid": address, "protocol": "tcp", "startport": public, "endport": public, "cidrlist": cidrs},
		Identity: cloudstack.Identity{
			Kind: cloudstack.Natural, List: "listFirewallRules", Params: cloudstack.Params{"ipaddressid": address}, Result: "firewallrule",
			Match: map[string]string{"startport": public, "endport": public, "protocol": "tcp", "cidrlist": cidrs},
		},
		Serial: []string{address}, Network: b.network.ID(),
	})
	if cloudstack.CodeOf(err) == 537 {
		return nil // a rule of the user's covers the port already
	}
	if err != nil {
		return fmt.Errorf("open the port to the machine: %w", err)
	}
	b.undoRule("open", "deleteFirewallRule", made.ID(), address)
	return nil
}

func (b *build) undoRule(what, command, id, address string) {
	b.undo = append(b.undo, func(ctx context.Context) error {
		err := b.r.Cloud.Delete(ctx, cloudstack.Mutation{
			Key: b.key("undo " + what), Command: command, Target: id, Serial: []string{address}, Network: b.network.ID(),
		})
		if err != nil {
			return errors.Join(fmt.Errorf("remove the temporary way to the machine (%s %s)", what, id), err)
		}
		return nil
	})
}

package cloudsim

import (
	"fmt"
	"net/netip"
)

// ruleText is how a rule shows in the texts of conflicts.
func (c *Call) ruleText(r FirewallRule) string {
	purpose := r.Purpose
	if purpose == PurposeEgress {
		purpose = PurposeFirewall
	}
	return c.vo(r.N, r.NetworkID, purpose, r.State, r.ID)
}

// lbText is the same for a load balancer rule.
func (c *Call) lbText(r LBRule) string {
	return c.vo(r.N, r.NetworkID, PurposeLoadBalancing, r.State, r.ID)
}

func (c *Call) vo(n int64, networkID, purpose, state, id string) string {
	network, _ := c.Networks.Any(networkID)
	return fmt.Sprintf(`FirewallRule {"id":%d,"networkId":%d,"purpose":"%s","state":"%s","uuid":"%s"}`, n, network.N, purpose, state, id)
}

func rangeText(start, end int, rule string, from, to int) string {
	return fmt.Sprintf("The range specified, %d-%d, conflicts with rule %s which has %d-%d", start, end, rule, from, to)
}

// PortConflict refuses a port forwarding or load balancer rule whose public ports another such rule of the address has. Two
// port forwarding rules may share a port if their protocols differ. except is the rule's own id.
func (c *Call) PortConflict(ipID, purpose, protocol string, start, end int, except string) error {
	for o := range c.Firewall.All() {
		if o.IPAddressID != ipID || o.Purpose != PurposePortForwarding || o.ID == except {
			continue
		}
		if purpose == PurposePortForwarding && o.Protocol != protocol {
			continue
		}
		if o.StartPort <= end && start <= o.EndPort {
			return RuleConflict("%s", rangeText(start, end, c.ruleText(o), o.StartPort, o.EndPort))
		}
	}
	for o := range c.LBRules.All() {
		if o.PublicIPID != ipID || o.ID == except {
			continue
		}
		if o.PublicPort <= end && start <= max(o.PublicEnd, o.PublicPort) {
			return RuleConflict("%s", rangeText(start, end, c.lbText(o), o.PublicPort, max(o.PublicEnd, o.PublicPort)))
		}
	}
	return nil
}

// OpenFirewall adds the firewall rule that port forwarding and load balancer rules bring along by default; it goes when the
// rule it belongs to goes.
func (c *Call) OpenFirewall(ip PublicIP, protocol string, start, end int, cidrs []string, ruleID string) error {
	r := FirewallRule{Base: c.Firewall.NewBase(), Owner: ip.Owner, Purpose: PurposeFirewall, State: RuleActive, NetworkID: ip.NetworkID,
		IPAddressID: ip.ID, Protocol: protocol, StartPort: start, EndPort: end, HasPorts: true, CIDRs: orAny(cidrs), RelatedID: ruleID}
	if err := c.firewallConflict(r); err != nil {
		return err
	}
	c.Firewall.Put(r)
	c.NetworkChanged(ip.NetworkID)
	return nil
}

// withinText is within for texts; false if one is no prefix.
func withinText(inner, outer string) bool {
	pi, errI := netip.ParsePrefix(inner)
	po, errO := netip.ParsePrefix(outer)
	return errI == nil && errO == nil && within(pi.Masked(), po)
}

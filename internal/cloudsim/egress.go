package cloudsim

import (
	"net/netip"
	"strings"
)

// egressAllowed reports whether guests of a network may reach dest (an address; "" for a name outside) on a port. The
// offering's default policy decides, and egress rules say the opposite of it; in a VPC the list of the tier decides.
func (c *Cloud) egressAllowed(networkID, protocol string, port int, source, dest string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok := c.store.Networks.Get(networkID)
	if !ok {
		return false
	}
	o, _ := c.store.NetworkOfferings.Any(n.OfferingID)
	if n.VPCID != "" {
		return c.store.tierLets(n, true, protocol, port, dest)
	}
	if n.Type != "Isolated" || !o.Has("Firewall") {
		return true // nothing filters there
	}
	_, matched := c.store.Firewall.Find(func(r FirewallRule) bool {
		return r.Purpose == PurposeEgress && r.State == RuleActive && r.NetworkID == networkID && r.covers(protocol, port, source, dest)
	})
	return matched != o.EgressDefaultPolicy
}

// covers reports whether an egress rule speaks of this traffic.
func (r FirewallRule) covers(protocol string, port int, source, dest string) bool {
	if r.Protocol != "all" && !strings.EqualFold(r.Protocol, protocol) {
		return false
	}
	if r.HasPorts && (port < r.StartPort || port > r.EndPort) {
		return false
	}
	return inAny(source, r.CIDRs) && inAny(dest, r.DestCIDRs)
}

// inAny reports whether an address lies in one of the CIDRs. No CIDRs mean everywhere; an unknown address lies only there.
func inAny(address string, cidrs []string) bool {
	if len(cidrs) == 0 {
		return true
	}
	a, err := netip.ParseAddr(address)
	for _, s := range cidrs {
		p, perr := netip.ParsePrefix(s)
		if perr == nil && (p.Bits() == 0 || err == nil && p.Contains(a)) {
			return true
		}
	}
	return false
}

package cloudsim

import (
	"net/netip"
	"slices"

	"github.com/moldctl/moldctl/internal/cloudsim/plane"
)

// vpcOpenings says who may reach what of a VPC's address: the list of the tier judges the port behind each rule. A tier
// without a list lets nothing in.
func (t *Tables) vpcOpenings(ip PublicIP, tier Network) []plane.Opening {
	var out []plane.Opening
	items := t.aclItems(valueOr(tier.ACLID, aclDefaultDeny))
	add := func(public, private int) {
		if from := admitted(items, private); len(from) > 0 {
			out = append(out, plane.Opening{From: uint16(public), To: uint16(public), Sources: from})
		}
	}
	for r := range t.LBRules.All() {
		if r.PublicIPID == ip.ID {
			add(r.PublicPort, r.PrivatePort)
		}
	}
	for r := range t.Firewall.All() {
		if r.IPAddressID != ip.ID || r.Purpose != PurposePortForwarding {
			continue
		}
		for p := r.StartPort; p <= r.EndPort; p++ {
			add(p, r.PrivateStart+p-r.StartPort)
		}
	}
	if !ip.StaticNAT {
		return out
	}
	return append(out, judged(items)...)
}

// judged are the ports that a list of rules opens for TCP from outside, and for whom.
func judged(items []ACLItem) []plane.Opening {
	var out []plane.Opening
	cuts := []int{1, 65536}
	for _, i := range items {
		if !i.Egress && i.StartPort != nil && i.EndPort != nil {
			cuts = append(cuts, max(*i.StartPort, 1), min(*i.EndPort+1, 65536))
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	for i, from := range cuts[:len(cuts)-1] { // between two cuts all ports are judged alike
		if sources := admitted(items, from); len(sources) > 0 {
			out = append(out, plane.Opening{From: uint16(from), To: uint16(cuts[i+1] - 1), Sources: sources})
		}
	}
	return out
}

// admitted are the networks whose TCP connections to a port a list of rules lets in.
func admitted(items []ACLItem, port int) []netip.Prefix {
	var allow, deny []netip.Prefix
	for _, i := range items {
		fits := i.Protocol == "all" || i.Protocol == "tcp" && (i.StartPort == nil || *i.StartPort <= port && port <= *i.EndPort)
		if i.Egress || !fits {
			continue
		}
		sources := prefixes(i.CIDRs)
		if i.Deny {
			deny = append(deny, sources...)
			continue
		}
		for _, s := range sources {
			if !slices.ContainsFunc(deny, func(d netip.Prefix) bool { return d.Bits() <= s.Bits() && d.Overlaps(s) }) {
				allow = append(allow, s)
			}
		}
	}
	return allow
}

// tierLets reports whether the list of a tier lets traffic of a protocol through to a port, between it and a peer (an address;
// "" for a name outside). The first rule that fits decides. What no rule speaks of may leave as long as the list has no egress
// rules, and may not come in.
func (t *Tables) tierLets(tier Network, egress bool, protocol string, port int, peer string) bool {
	silent := true
	for _, i := range t.aclItems(valueOr(tier.ACLID, aclDefaultDeny)) {
		if i.Egress != egress {
			continue
		}
		silent = false
		fits := i.Protocol == "all" || i.Protocol == protocol && (i.StartPort == nil || i.EndPort == nil || *i.StartPort <= port && port <= *i.EndPort)
		if fits && inAny(peer, i.CIDRs) {
			return !i.Deny
		}
	}
	return egress && silent
}

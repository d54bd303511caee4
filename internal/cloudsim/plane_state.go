package cloudsim

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"

	"github.com/moldctl/moldctl/internal/cloudsim/lb"
	"github.com/moldctl/moldctl/internal/cloudsim/plane"
)

// loadable tells whether the router of a rule's network would take its configuration. Without a router nobody looks at it.
func (c *Call) loadable(r LBRule) error {
	if !c.hasRouter(r.NetworkID) {
		return nil
	}
	return balancerOf(c.Tables, r, nil).Validate()
}

// balancerOf is a rule as package lb knows it; dial reaches a machine.
func balancerOf(t *Tables, r LBRule, dial func(vmID string) plane.Dial) lb.Rule {
	ip, _ := t.PublicIPs.Any(r.PublicIPID)
	address, _ := netip.ParseAddr(ip.Address)
	rule := lb.Rule{Public: netip.AddrPortFrom(address, uint16(r.PublicPort)), Protocol: r.Protocol, Algorithm: strings.ToLower(r.Algorithm),
		Sources: prefixes(r.CIDRs)}
	if n, ok := t.Networks.Any(r.NetworkID); ok {
		o, _ := t.NetworkOfferings.Any(n.OfferingID)
		rule.KeepAlive = o.KeepAlive()
	}
	if p, ok := t.Stickiness.Find(func(p StickinessPolicy) bool { return p.LBRuleID == r.ID }); ok {
		rule.Stickiness = &lb.Stickiness{Method: p.Method, Params: p.Params}
	}
	if cert, ok := t.SSLCerts.Get(r.SSLCertID); ok {
		if pair, err := cert.keyPair(); err == nil { // checked when it was uploaded
			rule.Certificate = &pair
		}
	}
	for _, m := range r.Members {
		inside, err := netip.ParseAddr(m.IPAddress)
		vm, ok := t.VMs.Get(m.VMID)
		if err != nil || !ok {
			continue
		}
		s := lb.Server{ID: vm.ID, Address: netip.AddrPortFrom(inside, uint16(r.PrivatePort))}
		if dial != nil {
			reach := dial(vm.ID)
			n, _ := t.Networks.Any(r.NetworkID)
			gateway, _ := netip.ParseAddr(n.Gateway)
			s.Dial = func(ctx context.Context) (net.Conn, error) { return reach(ctx, uint16(r.PrivatePort), gateway) }
		}
		rule.Servers = append(rule.Servers, s)
	}
	return rule
}

// KeepAlive is the offering's option of that name: the router then does not close connections after each request.
func (o NetworkOffering) KeepAlive() bool {
	for _, s := range o.Services {
		for _, c := range s.Capabilities {
			if s.Name == "Lb" && strings.EqualFold(c.Name, "KeepAliveEnabled") {
				return strings.EqualFold(c.Value, "true")
			}
		}
	}
	return false
}

// prefixes reads CIDRs; a bare address is a network of one. What cannot be read admits nobody.
func prefixes(cidrs []string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range cidrs {
		if p, err := netip.ParsePrefix(text); err == nil {
			all = append(all, p.Masked())
			continue
		}
		if a, err := netip.ParseAddr(text); err == nil {
			all = append(all, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		all = append(all, netip.PrefixFrom(netip.IPv4Unspecified(), 32))
	}
	return all
}

// errNoMachine is what a connection to a machine that is off meets.
var errNoMachine = errors.New("no route to host")

// planeState is everything that ought to be reachable from outside. A network without a running router has nothing.
func (s *planeService) planeState(t *Tables) plane.State {
	running := map[string]bool{}
	for r := range t.Routers.All() {
		running[r.NetworkID] = r.State == VMRunning
	}
	at := map[string]*plane.Address{} // by the public address's id
	var order []*plane.Address
	for ip := range t.PublicIPs.All() {
		address, err := netip.ParseAddr(ip.Address)
		n, ok := t.Networks.Get(ip.NetworkID)
		if err != nil || !ok || ip.State == IPFree || n.State != NetworkImplemented || !running[n.ID] && t.wantsRouter(n) {
			continue
		}
		a := &plane.Address{IP: address}
		if ip.VPCID != "" {
			a.Openings = t.vpcOpenings(ip, n)
		}
		if ip.StaticNAT && ip.VMID != "" {
			a.StaticNAT = &plane.StaticNAT{Listening: s.listening(ip.VMID), Dial: s.dial(ip.VMID)}
		}
		at[ip.ID], order = a, append(order, a)
	}
	for r := range t.Firewall.All() {
		if a := at[r.IPAddressID]; a != nil && r.State != RuleDeleting {
			s.addRule(a, r)
		}
	}
	for r := range t.LBRules.All() {
		if a := at[r.PublicIPID]; a != nil && r.State != RuleDeleting {
			a.Rules = append(a.Rules, balancerOf(t, r, s.dial))
		}
	}
	var state plane.State
	for _, a := range order {
		state.Addresses = append(state.Addresses, *a)
	}
	return state
}

// addRule sets up a firewall or port forwarding rule on an address; only TCP can be carried.
func (s *planeService) addRule(a *plane.Address, r FirewallRule) {
	if !strings.EqualFold(r.Protocol, "tcp") && !strings.EqualFold(r.Protocol, "all") {
		return
	}
	switch r.Purpose {
	case PurposeFirewall:
		from, to := r.StartPort, r.EndPort
		if !r.HasPorts {
			from, to = 1, 65535
		}
		a.Openings = append(a.Openings, plane.Opening{From: uint16(from), To: uint16(to), Sources: prefixes(r.CIDRs)})
	case PurposePortForwarding:
		a.Forwards = append(a.Forwards, plane.Forward{From: uint16(r.StartPort), To: uint16(r.EndPort), Private: uint16(r.PrivateStart),
			Sources: prefixes(r.CIDRs), Listening: s.listening(r.VMID), Dial: s.dial(r.VMID)})
	}
}

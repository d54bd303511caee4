package cloudsim

import (
	"context"
	"net"
	"net/netip"

	"github.com/moldctl/moldctl/internal/cloudsim/guest"
	"github.com/moldctl/moldctl/internal/cloudsim/guest/wire"
)

// Dial reaches another guest of the same network, one of another tier of the same VPC, or a public address of the cloud; everything
// else is outside, where there is nothing but mirrors.
func (g *guestNetwork) Dial(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	from, err := netip.ParseAddr(g.address)
	if err != nil {
		return nil, guest.ErrFiltered
	}
	cloud := g.farm.cloud
	cloud.mu.Lock()
	vm, near, admitted := cloud.store.neighbour(g.networkID, g.address, addr)
	public, routed := cloud.store.routed(g.networkID, addr.Addr())
	cloud.mu.Unlock()
	if near {
		m := cloud.guestOf(vm.ID)
		if m == nil || !admitted {
			return nil, guest.ErrFiltered
		}
		return m.Dial(ctx, addr.Port(), from)
	}
	own := routed && !public.IsValid()
	if !own && !cloud.egressAllowed(g.networkID, "tcp", int(addr.Port()), g.address, addr.Addr().String()) {
		return nil, errNoEgress
	}
	if !routed {
		return nil, guest.ErrFiltered
	}
	if !own {
		from = public
	}
	return cloud.dialPublic(addr, from)
}

// neighbour finds the machine that a guest reaches by a private address: of its own network, or of another tier of its VPC if
// the lists of both tiers let it through.
func (t *Tables) neighbour(networkID, source string, addr netip.AddrPort) (vm VM, ok, admitted bool) {
	on := func(id string) (VM, bool) {
		return t.VMs.Find(func(v VM) bool {
			nic, there := v.NICOn(id)
			return there && nic.has(addr.Addr().String())
		})
	}
	if vm, ok = on(networkID); ok {
		return vm, true, t.admits(vm, networkID, source, int(addr.Port()))
	}
	here, _ := t.Networks.Get(networkID)
	if here.VPCID == "" {
		return VM{}, false, false
	}
	for n := range t.Networks.All() {
		if n.VPCID != here.VPCID || n.ID == here.ID {
			continue
		}
		if vm, ok = on(n.ID); ok {
			port := int(addr.Port())
			return vm, true, t.tierLets(here, true, "tcp", port, addr.Addr().String()) && t.tierLets(n, false, "tcp", port, source)
		}
	}
	return VM{}, false, false
}

// routed tells whether an address is a public one in use. A guest comes to those of its own router as itself (source is not
// valid), to others as the address its network leaves by.
func (t *Tables) routed(networkID string, addr netip.Addr) (source netip.Addr, ok bool) {
	here, _ := t.Networks.Get(networkID)
	mine := func(ip PublicIP) bool {
		return ip.NetworkID == networkID || here.VPCID != "" && ip.VPCID == here.VPCID
	}
	target, ok := t.PublicIPs.Find(func(ip PublicIP) bool { return ip.Address == addr.String() && ip.State != IPFree })
	if !ok || mine(target) {
		return netip.Addr{}, ok
	}
	exit, found := t.PublicIPs.Find(func(ip PublicIP) bool { return ip.SourceNAT && mine(ip) })
	source, err := netip.ParseAddr(exit.Address)
	return source, found && err == nil
}

// dialPublic connects to a public address from within the cloud: no socket of this machine is used, so a mapped port is reached
// by the address the cloud knows it by.
func (c *Cloud) dialPublic(at netip.AddrPort, from netip.Addr) (net.Conn, error) {
	s, ok := c.plane.(*planeService)
	if !ok || s.plane == nil {
		return nil, guest.ErrFiltered
	}
	port := 32768 + int(c.clock.Now().UnixNano()%28000)
	client, server := wire.Pair(&net.TCPAddr{IP: from.AsSlice(), Port: port}, net.TCPAddrFromAddrPort(at))
	if !s.plane.Take(at, server) {
		return nil, guest.ErrFiltered
	}
	return client, nil
}

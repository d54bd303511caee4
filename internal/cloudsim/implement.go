package cloudsim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"
)

// routerStart is how long a real virtual router takes to come up.
const routerStart = 1500 * time.Millisecond

// Implement brings a network up for its first machine: VLAN, source NAT address, virtual router. Only job bodies may call it;
// it lets time pass, so rows read before must be read again. It is idempotent and may run in several jobs at once.
func (c *Call) Implement(networkID string) error {
	n, ok := c.Networks.Get(networkID)
	if !ok {
		return Internal("Unable to find network by id %s", networkID)
	}
	switch n.State {
	case NetworkImplemented, NetworkSetup:
		c.ensureRouter(n)
		return nil
	case NetworkAllocated, NetworkShutdown:
		if err := c.beginImplement(n); err != nil {
			return err
		}
	}
	if err := c.Wait(c.Scaled(routerStart)); err != nil {
		return err
	}
	n, ok = c.Networks.Get(networkID)
	if !ok {
		return Internal("Unable to find network by id %s", networkID)
	}
	n.State = NetworkImplemented
	c.Networks.Put(n)
	for r := range c.Routers.All() {
		if r.NetworkID == n.ID {
			r.State = VMRunning
			c.Routers.Put(r)
		}
	}
	c.NetworkChanged(n.ID)
	return nil
}

func (c *Call) beginImplement(n Network) error {
	o, _ := c.NetworkOfferings.Any(n.OfferingID)
	n.State = NetworkImplementing
	if n.VLAN == 0 {
		tag, err := c.freeVLAN(n.ZoneID, n.Owner)
		if err != nil {
			return err
		}
		n.VLAN = tag
	}
	c.Networks.Put(n)
	if n.Type == "L2" || !o.Has("Dhcp") {
		return nil
	}
	var public string
	if o.Has("SourceNat") && n.VPCID == "" {
		ip, err := c.sourceNAT(n)
		if err != nil {
			return err
		}
		public = ip.Address
	}
	c.putRouter(n, public)
	return nil
}

// sourceNAT is the network's source NAT address, taken now if it has none.
func (c *Call) sourceNAT(n Network) (PublicIP, error) {
	if ip, ok := c.PublicIPs.Find(func(p PublicIP) bool { return p.NetworkID == n.ID && p.SourceNAT }); ok {
		return ip, nil
	}
	ip, err := c.takeIP(n.Owner, n.ZoneID, "")
	if err != nil {
		return ip, err
	}
	ip.NetworkID, ip.SourceNAT, ip.State = n.ID, true, IPAllocated
	c.PublicIPs.Put(ip)
	return ip, nil
}

func (c *Call) putRouter(n Network, public string) {
	if _, ok := c.Routers.Find(func(r Router) bool { return r.NetworkID == n.ID }); ok {
		return
	}
	host, _ := c.Hosts.Find(func(h Host) bool { return h.ZoneID == n.ZoneID })
	r := Router{Base: c.Routers.NewBase(), Owner: n.Owner, NetworkID: n.ID, ZoneID: n.ZoneID, PodID: host.PodID, HostID: host.ID,
		State: VMStarting, PublicIP: public, PublicMAC: newMAC("1e:00"), GuestIP: n.Gateway, GuestMAC: newMAC("02:02"),
		LinkLocalIP: fmt.Sprintf("169.254.%d.%d", rand.IntN(254), 1+rand.IntN(250)), LinkLocalMAC: newMAC("0e:00")}
	// Routers and machines share one sequence of numbers: r-4-VM is not followed by i-2-4-VM.
	r.Name = fmt.Sprintf("r-%d-VM", c.VMs.NewBase().N)
	c.Routers.Put(r)
}

// RouterReady refuses, with 530, work on a network whose router is still starting.
func (c *Call) RouterReady(networkID, text string) error {
	_, starting := c.Routers.Find(func(r Router) bool { return r.NetworkID == networkID && r.State == VMStarting })
	if starting {
		return Internal("%s", text)
	}
	return nil
}

// guestVLAN reports whether a zone hands out a VLAN to its guest networks by itself.
func (c *Call) guestVLAN(zoneID string, vlan int) bool {
	_, ok := c.PhysicalNetworks.Find(func(p PhysicalNetwork) bool { return p.ZoneID == zoneID && vlanIn(vlan, p.VLAN) })
	return ok
}

func (c *Call) freeVLAN(zoneID string, owner Owner) (int, error) {
	used := make(map[int]bool)
	for n := range c.Networks.All() {
		used[n.VLAN] = true
	}
	p, _ := c.PhysicalNetworks.Find(func(p PhysicalNetwork) bool { return p.ZoneID == zoneID })
	for tag := 0; tag <= maxVLAN; tag++ {
		if vlanIn(tag, p.VLAN) && !used[tag] && c.mayTakeVLAN(p.ID, tag, owner) {
			return tag, nil
		}
	}
	return 0, Fail(533, csServer, "Unable to allocate vnet as a part of network implement")
}

// GuestAddress finds an address for a machine in a network: the requested one, or the first free one. The text of the
// refusal is that of deployVirtualMachine.
func (c *Call) GuestAddress(n Network, requested string) (string, error) {
	if n.Type == "L2" {
		return "", nil
	}
	prefix, err := netip.ParsePrefix(n.CIDR)
	if err != nil {
		return "", Internal("network %s has no usable cidr", n.Name)
	}
	used := map[string]bool{n.Gateway: true}
	for v := range c.VMs.All() {
		for _, nic := range v.NICs {
			if nic.NetworkID != n.ID {
				continue
			}
			used[nic.IPAddress] = true
			for _, s := range nic.SecondaryIPs {
				used[s.IPAddress] = true
			}
		}
	}
	refused := Fail(530, 0, `Unable to acquire Guest IP address for network Network {"id": %d, "name": "%s", "uuid": "%s", "networkofferingid": %d}`, n.N, n.Name, n.ID, c.offeringNumber(n))
	if requested != "" {
		a, err := netip.ParseAddr(requested)
		if err != nil || !prefix.Contains(a) || used[requested] {
			return "", refused
		}
		return requested, nil
	}
	from, to := prefix.Addr().Next(), lastOf(prefix)
	if n.StartIP != "" {
		from = netip.MustParseAddr(n.StartIP)
		to = netip.MustParseAddr(n.EndIP).Next()
	}
	for a := from; a.Less(to); a = a.Next() {
		if !used[a.String()] {
			return a.String(), nil
		}
	}
	if a := c.freeInRanges(n, used); a != "" {
		return a, nil
	}
	return "", refused
}

func (c *Call) offeringNumber(n Network) int64 {
	o, _ := c.NetworkOfferings.Any(n.OfferingID)
	return o.N
}

// newMAC is a random address that starts with the given bytes.
func newMAC(prefix string) string {
	return fmt.Sprintf("%s:%02x:%02x:%02x:%02x", prefix, rand.IntN(256), rand.IntN(256), rand.IntN(256), rand.IntN(256))
}

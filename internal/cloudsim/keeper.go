package cloudsim

import (
	"context"
	"net/netip"
)

// keeper makes, when the cloud starts, what every cloud has and older data folders lack.
type keeper struct{ cloud *Cloud }

// Start implements service.
func (k *keeper) Start(ctx context.Context) error {
	return k.cloud.update(ctx, func(c *Call) error {
		for a := range c.Accounts.All() {
			c.defaultGroup(Owner{AccountID: a.ID, DomainID: a.DomainID, ProjectID: c.projectOf(a.ID)})
		}
		for p := range c.PhysicalNetworks.All() {
			c.equip(p)
		}
		for z := range c.Zones.All() {
			c.putSystemVMs(z)
			c.putStore(z)
		}
		return nil
	})
}

// Stop implements service.
func (k *keeper) Stop() {}

// projectOf is the project whose own account this is; "" for all others.
func (c *Call) projectOf(accountID string) string {
	p, _ := c.Projects.Find(func(p Project) bool { return p.AccountID == accountID })
	return p.ID
}

// equip gives a physical network of the installation its elements, its traffic and its range of public addresses.
func (c *Call) equip(p PhysicalNetwork) {
	if p.Made {
		return
	}
	if _, has := c.NetworkProviders.Find(func(n NetworkProvider) bool { return n.PhysicalID == p.ID }); !has {
		c.putProviders(p, "")
	}
	if _, has := c.TrafficTypes.Find(func(t TrafficType) bool { return t.PhysicalID == p.ID }); !has {
		for _, k := range trafficKinds[:4] { // control traffic needs no cable
			c.TrafficTypes.Put(TrafficType{Base: c.TrafficTypes.NewBase(), PhysicalID: p.ID, Type: k.name})
		}
	}
	if _, has := c.AddressRanges.Find(func(r AddressRange) bool { return r.PhysicalID == p.ID && !r.Guest }); !has {
		c.putFirstRange(p)
	}
}

// putFirstRange makes the range of the public addresses that a zone has and nobody has described.
func (c *Call) putFirstRange(p PhysicalNetwork) {
	var low, high netip.Addr
	for ip := range c.PublicIPs.All() {
		a, err := netip.ParseAddr(ip.Address)
		if err != nil || ip.ZoneID != p.ZoneID || c.rangeOfIP(ip).ID != "" {
			continue
		}
		if !low.IsValid() || a.Less(low) {
			low = a
		}
		if !high.IsValid() || high.Less(a) {
			high = a
		}
	}
	if !low.IsValid() {
		return
	}
	c.AddressRanges.Put(AddressRange{Base: c.AddressRanges.BaseWithID(p.VlanID), ZoneID: p.ZoneID, PhysicalID: p.ID, NetworkID: p.PublicNetworkID,
		VLAN: "vlan://untagged", Gateway: low.Prev().String(), Netmask: maskText(16), StartIP: low.String(), EndIP: high.String()})
}

package cloudsim

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/moldctl/moldctl/internal/cloudsim/content"
)

func (s *seeder) places() error {
	for _, z := range s.file.Zones {
		zone := Zone{Base: s.Zones.BaseWithID(idOr(z.ID)), Name: z.Name, DNS1: z.DNS1, DNS2: z.DNS2, InternalDNS1: z.InternalDNS1,
			GuestCIDR: z.GuestCIDR, NetworkType: z.NetworkType, AllocationState: z.AllocationState, Token: newUUID(), Domain: z.NetworkDomain,
			SecurityGroups: z.SecurityGroups || z.NetworkType == "Basic"}
		s.Zones.Put(zone)
		s.zones[z.Name] = zone.ID
		for _, p := range z.Pods {
			s.pod(zone, p)
		}
		s.pools(zone.ID, "", "", z.StoragePools)
		physical := s.physical(zone, z.PhysicalNetworks)
		for i, r := range z.PublicRanges {
			if err := s.addresses(zone, physical, i == 0, r); err != nil {
				return err
			}
		}
		for _, i := range z.ImageStores {
			s.ImageStores.Put(ImageStore{Base: s.ImageStores.BaseWithID(idOr(i.ID)), Name: i.Name, ZoneID: zone.ID, URL: i.URL, Protocol: "nfs",
				Provider: "NFS", Scope: "ZONE", Total: 10240 * gib})
		}
	}
	return nil
}

func (s *seeder) pod(zone Zone, p content.PodSpec) {
	pod := Pod{Base: s.Pods.BaseWithID(idOr(p.ID)), Name: p.Name, ZoneID: zone.ID, Gateway: p.Gateway, Netmask: p.Netmask, StartIP: p.StartIP, EndIP: p.EndIP}
	s.Pods.Put(pod)
	for _, c := range p.Clusters {
		cluster := Cluster{Base: s.Clusters.BaseWithID(idOr(c.ID)), Name: c.Name, ZoneID: zone.ID, PodID: pod.ID, Hypervisor: c.Hypervisor}
		s.Clusters.Put(cluster)
		for _, h := range c.Hosts {
			s.Hosts.Put(Host{Base: s.Hosts.BaseWithID(idOr(h.ID)), Name: h.Name, ZoneID: zone.ID, PodID: pod.ID, ClusterID: cluster.ID,
				Hypervisor: c.Hypervisor, IPAddress: h.IP, Cores: h.Cores, CPUSpeed: h.CPUSpeed, Memory: int64(h.Memory) * gib})
		}
		s.pools(zone.ID, pod.ID, cluster.ID, c.StoragePools)
	}
}

func (s *seeder) pools(zoneID, podID, clusterID string, pools []content.PoolSpec) {
	for _, p := range pools {
		s.StoragePools.Put(StoragePool{Base: s.StoragePools.BaseWithID(idOr(p.ID)), Name: p.Name, ZoneID: zoneID, PodID: podID, ClusterID: clusterID,
			Capacity: int64(p.Capacity) * gib})
	}
}

// physical makes the physical networks of a zone and returns the one that carries its public traffic.
func (s *seeder) physical(zone Zone, networks []content.PhysicalSpec) PhysicalNetwork {
	var first PhysicalNetwork
	for i, p := range networks {
		n := PhysicalNetwork{Base: s.PhysicalNetworks.BaseWithID(idOr(p.ID)), Name: p.Name, ZoneID: zone.ID, VLAN: p.VLAN,
			PublicNetworkID: newUUID(), VlanID: newUUID(), ControlNetworkID: newUUID(), RouterTemplateID: newUUID()}
		if i == 0 {
			first = n
		}
		s.PhysicalNetworks.Put(n)
	}
	return first
}

// addresses makes a range of public addresses, all free. The zone's first range has the id that its physical network names.
func (s *seeder) addresses(zone Zone, physical PhysicalNetwork, first bool, r content.RangeSpec) error {
	id := idOr(r.ID)
	if first {
		id = valueOr(r.ID, physical.VlanID)
		physical.VlanID = id
		s.PhysicalNetworks.Put(physical)
	}
	s.AddressRanges.Put(AddressRange{Base: s.AddressRanges.BaseWithID(id), ZoneID: zone.ID, PhysicalID: physical.ID, NetworkID: physical.PublicNetworkID,
		VLAN: "vlan://" + r.VLAN, Gateway: r.Gateway, Netmask: r.Netmask, StartIP: r.Start, EndIP: r.End})
	from, err := netip.ParseAddr(r.Start)
	if err != nil {
		return fmt.Errorf("zone %s: %w", zone.Name, err)
	}
	to, err := netip.ParseAddr(r.End)
	if err != nil {
		return fmt.Errorf("zone %s: %w", zone.Name, err)
	}
	for a := from; !to.Less(a); a = a.Next() {
		s.PublicIPs.Put(PublicIP{Base: s.PublicIPs.NewBase(), Address: a.String(), ZoneID: zone.ID, State: IPFree})
	}
	return nil
}

// publicRange is the range that a public address of a zone belongs to.
func (t *Tables) publicRange(zoneID, address string) AddressRange {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return AddressRange{}
	}
	r, _ := t.AddressRanges.Find(func(r AddressRange) bool {
		from, errFrom := netip.ParseAddr(r.StartIP)
		to, errTo := netip.ParseAddr(r.EndIP)
		return r.ZoneID == zoneID && !r.Guest && errFrom == nil && errTo == nil && !a.Less(from) && !to.Less(a)
	})
	return r
}

// seedNetworks makes the networks of the content as createNetwork makes them for a root administrator.
func (c *Cloud) seedNetworks(s *seeder) error {
	for _, n := range s.file.Networks {
		if err := c.seedNetwork(s, n); err != nil {
			return fmt.Errorf("start content: network %q: %w", n.Name, err)
		}
	}
	return nil
}

func (c *Cloud) seedNetwork(s *seeder, n content.NetworkSpec) error {
	offering, ok := s.NetworkOfferings.Find(func(o NetworkOffering) bool { return o.Name == n.Offering })
	if !ok {
		return fmt.Errorf("there is no network offering %q", n.Offering)
	}
	account, ok := s.Accounts.Find(func(a Account) bool {
		return a.Name == n.Account || n.Account == "" && a.Type == AccountAdmin && a.Name != "system"
	})
	if !ok {
		return fmt.Errorf("there is no account %q", n.Account)
	}
	call := c.system(context.WithoutCancel(c.ctx))
	call.Name, call.cmd, call.declared = "createNetwork", c.commands["createNetwork"], c.table["createNetwork"]
	call.Params = Params{"zoneid": s.zones[valueOr(n.Zone, s.file.Zones[0].Name)], "networkofferingid": offering.ID, "account": account.Name, "domainid": account.DomainID}
	for key, value := range map[string]string{"name": n.Name, "displaytext": n.DisplayText, "gateway": n.Gateway, "netmask": n.Netmask,
		"startip": n.StartIP, "endip": n.EndIP, "vlan": n.VLAN, "networkdomain": n.NetworkDomain} {
		if value != "" {
			call.Params[key] = value
		}
	}
	if offering.GuestIPType == "Shared" {
		call.Params["acltype"] = "Account"
		if n.Account == "" { // the whole zone's
			call.Params["acltype"] = "Domain"
			delete(call.Params, "account")
		}
	}
	if _, err := call.cmd.run(call); err != nil {
		return err
	}
	if made, ok := s.Networks.Get(call.tracked); ok && n.ID != "" {
		s.Networks.Delete(made.ID)
		made.ID = n.ID
		s.Networks.Put(made)
	}
	return nil
}

package cloudsim

import "net/netip"

// siteCommands change the places of a cloud: zones and pods.
var siteCommands = map[string]command{
	"createZone":         {run: createZone, rootOnly: true, event: "ZONE.CREATE"},
	"updateZone":         {run: updateZone, id: kindZone, rootOnly: true, event: "ZONE.EDIT"},
	"deleteZone":         {run: deleteZone, id: kindZone, rootOnly: true, event: "ZONE.DELETE"},
	"createPod":          {run: createPod, rootOnly: true, event: "POD.CREATE"},
	"updatePod":          {run: updatePod, id: kindPod, rootOnly: true, event: "POD.EDIT"},
	"deletePod":          {run: deletePod, id: kindPod, rootOnly: true, event: "POD.DELETE"},
	"listQuarantinedIps": {run: listQuarantined},
}

func createZone(c *Call) (any, error) {
	if _, taken := c.Zones.Find(func(z Zone) bool { return z.Name == c.Str("name") }); taken {
		return nil, Invalid("A zone with that name already exists. Please specify a unique zone name.")
	}
	kind := c.Str("networktype")
	if kind != "Basic" && kind != "Advanced" {
		return nil, Invalid("Invalid network type: %s", kind)
	}
	cidr := c.Str("guestcidraddress")
	if cidr == "" && kind == "Advanced" {
		cidr = "10.1.1.0/24"
	}
	if _, err := netip.ParsePrefix(cidr); cidr != "" && err != nil {
		return nil, Invalid("Please enter a valid guest cidr")
	}
	z := Zone{Base: c.Zones.NewBase(), Name: c.Str("name"), DNS1: c.Str("dns1"), DNS2: c.Str("dns2"), InternalDNS1: c.Str("internaldns1"), InternalDNS2: c.Str("internaldns2"),
		GuestCIDR: cidr, NetworkType: kind, AllocationState: "Disabled", Token: newUUID(), Domain: c.Str("domain"),
		SecurityGroups: c.Bool("securitygroupenabled", false), LocalStorage: c.Bool("localstorageenabled", false)}
	c.Zones.Put(z)
	c.Made(z.ID)
	return Obj{"zone": zoneResponse(z)}, nil
}

func updateZone(c *Call) (any, error) {
	z, ok := c.Zones.Get(c.Str("id"))
	if !ok {
		return nil, Invalid("unable to find zone by id %s", c.Str("id"))
	}
	if _, taken := c.Zones.Find(func(o Zone) bool { return o.Name == c.Str("name") && o.ID != z.ID }); taken {
		return nil, Invalid("A zone with that name already exists. Please specify a unique zone name.")
	}
	if c.Str("allocationstate") == "Enabled" {
		if _, ok := c.PhysicalNetworks.Find(func(p PhysicalNetwork) bool {
			_, carries := c.trafficOf(p.ID, "Management")
			return p.ZoneID == z.ID && carries
		}); !ok {
			return nil, Invalid("Cannot enable this Zone since: Unable to find the default physical network with traffic=Management in the specified zone id")
		}
	}
	z.Name, z.DNS1, z.DNS2, z.InternalDNS1 = c.Or("name", z.Name), c.Or("dns1", z.DNS1), c.Or("dns2", z.DNS2), c.Or("internaldns1", z.InternalDNS1)
	z.InternalDNS2 = c.Or("internaldns2", z.InternalDNS2)
	z.Domain, z.GuestCIDR, z.AllocationState = c.Or("domain", z.Domain), c.Or("guestcidraddress", z.GuestCIDR), c.Or("allocationstate", z.AllocationState)
	c.Zones.Put(z)
	c.putSystemVMs(z)
	c.Made(z.ID)
	return Obj{"zone": zoneResponse(z)}, nil
}

func deleteZone(c *Call) (any, error) {
	id := c.Str("id")
	if _, used := c.Hosts.Find(func(h Host) bool { return h.ZoneID == id }); used {
		return nil, Internal("The zone cannot be deleted because there are servers in this zone.")
	}
	if _, used := c.Pods.Find(func(p Pod) bool { return p.ZoneID == id }); used {
		return nil, Internal("The zone cannot be deleted because there are pods in this zone.")
	}
	c.Zones.Delete(id)
	c.Made(id)
	return Success(), nil
}

// fillPod reads a pod's addresses from the call's parameters.
func (c *Call) fillPod(p *Pod) error {
	if _, taken := c.Pods.Find(func(o Pod) bool { return o.Name == c.Str("name") && o.ZoneID == p.ZoneID && o.ID != p.ID }); taken {
		return Invalid("A pod with name: %s already exists in zone. Please specify a different pod name. ", c.Str("name"))
	}
	p.Name, p.Gateway, p.Netmask = c.Or("name", p.Name), c.Or("gateway", p.Gateway), c.Or("netmask", p.Netmask)
	p.StartIP = c.Or("startip", p.StartIP)
	p.EndIP = c.Or("endip", valueOr(p.EndIP, p.StartIP))
	state, err := allocationState(c.Or("allocationstate", p.AllocationState))
	if err != nil {
		return err
	}
	p.AllocationState = state
	bits, ok := maskBits(p.Netmask)
	gateway, err := netip.ParseAddr(p.Gateway)
	if !ok || err != nil {
		return Invalid("Please specify a valid netmask and gateway of the pod")
	}
	for _, a := range []string{p.StartIP, p.EndIP} {
		if ip, err := netip.ParseAddr(a); err != nil || !netip.PrefixFrom(gateway, bits).Masked().Contains(ip) {
			return Invalid("Please specify a valid IP range of the pod within its network")
		}
	}
	return nil
}

func createPod(c *Call) (any, error) {
	p := Pod{ZoneID: c.Str("zoneid")}
	if err := c.fillPod(&p); err != nil {
		return nil, err
	}
	p.Base = c.Pods.NewBase()
	c.Pods.Put(p)
	c.Made(p.ID)
	return Obj{"pod": c.podResponse(p)}, nil
}

func updatePod(c *Call) (any, error) {
	p, ok := c.Pods.Get(c.Str("id"))
	if !ok {
		return nil, Invalid("Unable to find pod by id %s", c.Str("id"))
	}
	if err := c.fillPod(&p); err != nil {
		return nil, err
	}
	c.Pods.Put(p)
	c.Made(p.ID)
	return Obj{"pod": c.podResponse(p)}, nil
}

func deletePod(c *Call) (any, error) {
	id := c.Str("id")
	if _, used := c.Hosts.Find(func(h Host) bool { return h.PodID == id }); used {
		return nil, Internal("The pod cannot be deleted because there are servers in this pod.")
	}
	if _, used := c.Clusters.Find(func(r Cluster) bool { return r.PodID == id }); used {
		return nil, Internal("The pod cannot be deleted because there are clusters in this pod.")
	}
	c.Pods.Delete(id)
	c.Made(id)
	return Success(), nil
}

func (c *Call) podResponse(p Pod) Obj {
	o := Obj{"id": p.ID, "name": p.Name, "gateway": p.Gateway, "netmask": p.Netmask, "allocationstate": valueOr(p.AllocationState, "Enabled"), "hasannotations": c.annotated("POD", p.ID),
		"ipranges": []Obj{{"startip": p.StartIP, "endip": p.EndIP, "forsystemvms": "0", "vlanid": "vlan://untagged"}},
		"startip":  []string{p.StartIP}, "endip": []string{p.EndIP}, "forsystemvms": []string{"0"}, "vlanid": []string{"vlan://untagged"}}
	c.putZone(o, p.ZoneID)
	return o
}

// listQuarantined is always empty: released addresses can be taken again at once, as the setting public.ip.address.quarantine.duration 0
// has it.
func listQuarantined(*Call) (any, error) { return List{Key: "quarantinedips"}, nil }

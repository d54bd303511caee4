package cloudsim

import (
	"slices"
	"strconv"
	"strings"
)

// physicalCommands are the networks of a zone's cables, and the kinds of traffic that go over them.
var physicalCommands = map[string]command{
	"createPhysicalNetwork":       {start: startCreatePhysical, job: physicalJob, creates: true, rootOnly: true, event: "PHYSICAL.NETWORK.CREATE"},
	"updatePhysicalNetwork":       {start: startGiven, job: updatePhysicalJob, id: kindPhysicalNetwork, rootOnly: true, event: "PHYSICAL.NETWORK.UPDATE"},
	"deletePhysicalNetwork":       {start: startGiven, job: deletePhysicalJob, id: kindPhysicalNetwork, rootOnly: true, event: "PHYSICAL.NETWORK.DELETE"},
	"listTrafficTypes":            {run: listTrafficTypes, rootOnly: true},
	"addTrafficType":              {start: startAddTraffic, job: trafficJob, creates: true, rootOnly: true, event: "TRAFFIC.TYPE.CREATE"},
	"updateTrafficType":           {start: startGiven, job: updateTrafficJob, id: kindTrafficType, rootOnly: true, event: "TRAFFIC.TYPE.UPDATE"},
	"deleteTrafficType":           {start: startGiven, job: deleteTrafficJob, id: kindTrafficType, rootOnly: true, event: "TRAFFIC.TYPE.DELETE"},
	"listTrafficTypeImplementors": {run: listTrafficImplementors, rootOnly: true},
	"listNetworkIsolationMethods": {run: listIsolationMethods, rootOnly: true},
}

// startGiven is the first half of commands of the operator on the thing that id names: the generic checks have found it.
func startGiven(c *Call) (string, error) { return c.Str("id"), nil }

// zoneText is how a zone shows in the server's texts.
func zoneText(z Zone) string {
	return `Zone {"id": "` + itoa(z.N) + `", "name": "` + z.Name + `", "uuid": "` + z.ID + `"}`
}

// maxVLAN is the highest VLAN; ranges of other isolations go further, which is not modelled.
const maxVLAN = 4095

// checkVLANs reads the VLANs of a physical network: ranges such as "500-500,600-601".
func (c *Call) checkVLANs(text string, p PhysicalNetwork) error {
	const between = " between 0 and 4095"
	for _, r := range strings.Split(text, ",") {
		from, to, ok := strings.Cut(strings.TrimSpace(r), "-")
		if !ok {
			return Invalid("Please provide valid vnet range. vnet range should be a comma separated list of vlan ranges. example 500-500,600-601%s", between)
		}
		lo, errLo := strconv.Atoi(from)
		hi, errHi := strconv.Atoi(to)
		switch {
		case errLo != nil || errHi != nil:
			return Invalid("Please provide valid vnet range. The vnet range should be a comma separated list example 2001-2012,3000-3005.%s", between)
		case lo < 0 || hi > maxVLAN:
			return Invalid("Vnet range has to be%s", between)
		case lo > hi:
			return Invalid("Vnet range has to be%s and start range should be lesser than or equal to stop range", between)
		}
	}
	for n := range c.Networks.All() {
		if n.PhysicalID == p.ID && n.VLAN > 0 && n.Type == "Isolated" && !vlanIn(n.VLAN, text) {
			return Invalid("physicalnetwork %d has allocated vnets in the range %s", p.N, p.VLAN)
		}
	}
	return nil
}

// vlanIn reports whether a VLAN is in one of the ranges of a text.
func vlanIn(vlan int, ranges string) bool {
	return slices.ContainsFunc(strings.Split(ranges, ","), func(r string) bool {
		from, to, _ := strings.Cut(strings.TrimSpace(r), "-")
		lo, errLo := strconv.Atoi(from)
		hi, errHi := strconv.Atoi(to)
		return errLo == nil && errHi == nil && lo <= vlan && vlan <= hi
	})
}

func startCreatePhysical(c *Call) (string, error) {
	zone, ok := c.Zones.Get(c.Str("zoneid"))
	if !ok {
		return "", Invalid("Please specify a valid zone.")
	}
	_, has := c.PhysicalNetworks.Find(func(p PhysicalNetwork) bool { return p.ZoneID == zone.ID })
	reach := strings.ToUpper(c.Or("broadcastdomainrange", map[bool]string{true: "POD", false: "ZONE"}[zone.NetworkType == "Basic"]))
	switch {
	case zone.AllocationState == "Enabled":
		return "", Denied("Cannot create PhysicalNetwork since the Zone is currently enabled, zone: %s", zoneText(zone))
	case zone.NetworkType == "Basic" && has:
		return "", Internal("Cannot add the physical network to basic zone: %s, there is a physical network already existing in this basic Zone", zoneText(zone))
	case len(c.List("tags")) > 1:
		return "", Invalid("Only one tag can be specified for a physical network at this time")
	case len(c.List("isolationmethods")) > 1:
		return "", Invalid("Only one isolationMethod can be specified for a physical network at this time")
	case zone.NetworkType == "Basic" && c.Str("vlan") != "":
		return "", Invalid("Can't add vnet range to the physical network in the Basic zone")
	case reach != "POD" && reach != "ZONE":
		return "", Invalid("Unable to resolve broadcastDomainRange '%s' to a supported value {Pod or Zone}", c.Str("broadcastdomainrange"))
	case zone.NetworkType == "Basic" && reach != "POD":
		return "", Invalid("Basic zone can have broadcast domain type of value POD only")
	case zone.NetworkType == "Advanced" && reach != "ZONE":
		return "", Invalid("Advance zone can have broadcast domain type of value ZONE only")
	}
	p := PhysicalNetwork{Base: c.PhysicalNetworks.NewBase(), Name: c.Str("name"), ZoneID: zone.ID, VLAN: c.Str("vlan"), PublicNetworkID: newUUID(), VlanID: newUUID(),
		ControlNetworkID: newUUID(), RouterTemplateID: newUUID(), State: "Disabled", Isolation: c.Str("isolationmethods"), Tags: c.Str("tags"),
		Speed: c.Str("networkspeed"), DomainID: c.Str("domainid"), Reach: reach, Made: true}
	if p.VLAN != "" {
		if err := c.checkVLANs(p.VLAN, p); err != nil {
			return "", err
		}
	}
	c.PhysicalNetworks.Put(p)
	c.putProviders(p, "Disabled")
	return p.ID, nil
}

func physicalJob(c *Call) (Obj, error) {
	p, ok := c.PhysicalNetworks.Get(c.EntityID)
	if !ok {
		return nil, Internal("Fail to create a physical network")
	}
	return Obj{"physicalnetwork": c.physicalResponse(p)}, nil
}

// physicalResponse is a physical network as the API shows it. Those of the installation are as good as enabled by a call.
func (c *Call) physicalResponse(p PhysicalNetwork) Obj {
	o := Obj{"id": p.ID, "name": p.Name, "broadcastdomainrange": valueOr(p.Reach, "ZONE"), "state": valueOr(p.State, "Enabled")}
	c.putZone(o, p.ZoneID)
	isolation := p.Isolation
	if !p.Made {
		isolation = "VLAN"
	}
	return o.Opt("vlan", p.VLAN).Opt("isolationmethods", isolation).Opt("tags", p.Tags).Opt("networkspeed", p.Speed).Opt("domainid", p.DomainID)
}

func updatePhysicalJob(c *Call) (Obj, error) {
	p, ok := c.PhysicalNetworks.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Physical network id=%s doesn't exist in the system", c.EntityID)
	}
	zone, _ := c.Zones.Get(p.ZoneID)
	state := c.Str("state")
	switch {
	case c.Str("vlan") != "" && zone.NetworkType == "Basic":
		return nil, Invalid("Can't add vnet range to the physical network in the Basic zone")
	case len(c.List("tags")) > 1:
		return nil, Invalid("Unable to support more than one tag on network yet")
	case state != "" && !strings.EqualFold(state, "Enabled") && !strings.EqualFold(state, "Disabled"):
		return nil, Invalid("Unable to resolve state '%s' to a supported value {Enabled or Disabled}", state)
	}
	if vlan := c.Str("vlan"); vlan != "" {
		if err := c.checkVLANs(vlan, p); err != nil {
			return nil, err
		}
		p.VLAN = vlan
	}
	if state != "" {
		p.State = strings.ToUpper(state[:1]) + strings.ToLower(state[1:])
	}
	p.Tags, p.Speed = c.Or("tags", p.Tags), c.Or("networkspeed", p.Speed)
	c.PhysicalNetworks.Put(p)
	return Obj{"physicalnetwork": c.physicalResponse(p)}, nil
}

func deletePhysicalJob(c *Call) (Obj, error) {
	p, ok := c.PhysicalNetworks.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Physical network id=%s doesn't exist in the system", c.EntityID)
	}
	_, used := c.Networks.Find(func(n Network) bool { return n.PhysicalID == p.ID })
	_, gateways := c.PrivateGateways.Find(func(g PrivateGateway) bool { return g.PhysicalID == p.ID })
	taken := c.PublicIPs.Where(func(ip PublicIP) bool { return ip.State != IPFree && c.rangeOfIP(ip).PhysicalID == p.ID })
	if used || gateways || len(taken) > 0 {
		return nil, Internal("The Physical Network is not deletable as there are networks associated to this physical network")
	}
	for r := range c.AddressRanges.All() {
		if r.PhysicalID == p.ID {
			c.dropRange(r)
		}
	}
	for t := range c.TrafficTypes.All() {
		if t.PhysicalID == p.ID {
			c.TrafficTypes.Delete(t.ID)
		}
	}
	for n := range c.NetworkProviders.All() {
		if n.PhysicalID == p.ID {
			c.NetworkProviders.Delete(n.ID)
		}
	}
	c.PhysicalNetworks.Delete(p.ID)
	return Success(), nil
}

// trafficKinds are the kinds of traffic, and who implements each.
var trafficKinds = []struct{ name, guru string }{
	{"Guest", "ExternalGuestNetworkGuru"}, {"Management", "PodBasedNetworkGuru"}, {"Public", "PublicNetworkGuru"}, {"Storage", "StorageNetworkGuru"}, {"Control", "ControlNetworkGuru"},
}

// trafficLabels are the parameters that name a bridge on the hosts of one hypervisor each.
var trafficLabels = []string{"xennetworklabel", "kvmnetworklabel", "vmwarenetworklabel", "hypervnetworklabel", "ovm3networklabel"}

func listTrafficTypes(c *Call) (any, error) {
	rows := c.TrafficTypes.Where(func(t TrafficType) bool { return c.is("physicalnetworkid", t.PhysicalID) })
	return Listing("traffictype", rows, trafficResponse), nil
}

func trafficResponse(t TrafficType) Obj {
	o := Obj{"id": t.ID, "traffictype": t.Type, "physicalnetworkid": t.PhysicalID}
	for label, v := range t.Labels {
		o[label] = v
	}
	return o
}

func startAddTraffic(c *Call) (string, error) {
	name := c.Str("traffictype")
	i := slices.IndexFunc(trafficKinds, func(k struct{ name, guru string }) bool { return strings.EqualFold(k.name, name) })
	if i < 0 {
		return "", Invalid("Unable to resolve Traffic Type '%s' to a supported value", name)
	}
	p, _ := c.PhysicalNetworks.Get(c.Str("physicalnetworkid"))
	if _, has := c.trafficOf(p.ID, trafficKinds[i].name); has {
		return "", Internal("This physical network already supports the traffic type: %s", trafficKinds[i].name)
	}
	if elsewhere, has := c.TrafficTypes.Find(func(t TrafficType) bool {
		other, _ := c.PhysicalNetworks.Get(t.PhysicalID)
		return t.Type == trafficKinds[i].name && t.Type != "Guest" && other.ZoneID == p.ZoneID
	}); has {
		return "", Internal("Fail to add the traffic type to physical network because Zone already has a physical network with this traffic type: %s", elsewhere.Type)
	}
	t := TrafficType{Base: c.TrafficTypes.NewBase(), PhysicalID: p.ID, Type: trafficKinds[i].name, VLAN: c.Str("vlan"), Labels: map[string]string{}}
	for _, label := range trafficLabels {
		if v := c.Str(label); v != "" {
			t.Labels[label] = v
		}
	}
	c.TrafficTypes.Put(t)
	return t.ID, nil
}

func (c *Call) trafficOf(physicalID, kind string) (TrafficType, bool) {
	return c.TrafficTypes.Find(func(t TrafficType) bool { return t.PhysicalID == physicalID && t.Type == kind })
}

func trafficJob(c *Call) (Obj, error) {
	t, ok := c.TrafficTypes.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to add traffic type to network")
	}
	return Obj{"traffictype": trafficResponse(t)}, nil
}

func updateTrafficJob(c *Call) (Obj, error) {
	t, ok := c.TrafficTypes.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Traffic Type with id=%s doesn't exist in the system", c.EntityID)
	}
	labels := map[string]string{}
	for _, label := range trafficLabels {
		if v := c.Or(label, t.Labels[label]); v != "" {
			labels[label] = v
		}
	}
	t.Labels = labels
	c.TrafficTypes.Put(t)
	return Obj{"traffictype": trafficResponse(t)}, nil
}

func deleteTrafficJob(c *Call) (Obj, error) {
	t, ok := c.TrafficTypes.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Traffic Type with id=%s doesn't exist in the system", c.EntityID)
	}
	_, guests := c.Networks.Find(func(n Network) bool { return n.PhysicalID == t.PhysicalID })
	_, ranges := c.AddressRanges.Find(func(r AddressRange) bool { return r.PhysicalID == t.PhysicalID && !r.Guest })
	p, _ := c.PhysicalNetworks.Get(t.PhysicalID)
	_, hosts := c.Hosts.Find(func(h Host) bool { return h.ZoneID == p.ZoneID })
	if t.Type == "Guest" && guests || t.Type == "Public" && ranges || t.Type == "Management" && hosts {
		return nil, Internal("The Traffic Type is not deletable because there are existing networks with this traffic type:%s", t.Type)
	}
	c.TrafficTypes.Delete(t.ID)
	return Success(), nil
}

func listTrafficImplementors(c *Call) (any, error) {
	rows := slices.DeleteFunc(slices.Clone(trafficKinds), func(k struct{ name, guru string }) bool {
		return c.Has("traffictype") && !strings.EqualFold(k.name, c.Str("traffictype"))
	})
	if c.Has("traffictype") && len(rows) == 0 {
		return nil, Invalid("Unable to resolve Traffic Type '%s' to a supported value", c.Str("traffictype"))
	}
	return Listing("traffictypeimplementorresponse", rows, func(k struct{ name, guru string }) Obj {
		return Obj{"traffictype": k.name, "traffictypeimplementor": k.guru}
	}), nil
}

func listIsolationMethods(*Call) (any, error) {
	return Listing("isolationmethod", []string{"VLAN", "VXLAN", "GRE", "L3"}, func(n string) Obj { return Obj{"name": n} }), nil
}

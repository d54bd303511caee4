package cloudsim

import (
	"slices"
	"strings"
)

// publicIPCommands hand out public addresses.
var publicIPCommands = map[string]command{
	"associateIpAddress":    {start: startAssociateIP, job: associateIPJob, creates: true, queue: queueNetworkParam, event: "NET.IPASSIGN"},
	"disassociateIpAddress": {start: startDisassociateIP, job: disassociateIPJob, queue: queueOfIP("id"), id: kindPublicIP, event: "NET.IPRELEASE"},
	"listPublicIpAddresses": {run: listPublicIPs, id: kindPublicIP, kinds: map[string]kind{"networkid": kindAny, "vlanid": kindAny}},
	"updateIpAddress": {start: startUpdateIP, job: displayJob("ipaddress", func(c *Call) *Table[PublicIP] { return c.PublicIPs },
		func(r *PublicIP) *bool { return &r.HideDisplay }, (*Call).publicIPResponse), id: kindPublicIP},
	"reserveIpAddress": {run: reserveIP, id: kindPublicIP, event: "NET.IPRESERVE"},
	"releaseIpAddress": {run: releaseIP, id: kindPublicIP, event: "NET.IPRELEASE"},
}

func queueNetworkParam(c *Call) string { return queueNetwork(c.Str("networkid")) }

// queueOfIP is the queue of the network that an address belongs to.
func queueOfIP(param string) func(*Call) string {
	return func(c *Call) string {
		ip, _ := c.PublicIPs.Get(c.Str(param))
		return queueNetwork(ip.NetworkID)
	}
}

// addressOf names the public address whose rules a call changes.
func addressOf(param string) func(*Call) string {
	return func(c *Call) string { return c.Str(param) }
}

// lbAddress is the public address of the load balancer rule a call makes or changes.
func lbAddress(c *Call) string {
	for _, id := range []string{c.EntityID, c.Str("id"), c.Str("lbruleid")} {
		if p, ok := c.Stickiness.Get(id); ok {
			id = p.LBRuleID
		}
		if r, ok := c.LBRules.Get(id); ok {
			return r.PublicIPID
		}
	}
	return ""
}

const errNoAddress = "Insufficient address capacity"

// takeIP finds a free address (the requested one, if any) and gives it to an owner, state Allocating. The row is put.
func (c *Call) takeIP(owner Owner, zoneID, requested string) (PublicIP, error) {
	a, _ := c.Accounts.Get(owner.AccountID)
	if limit := c.limit(a, limitPublicIP); limit >= 0 && c.used(a.ID, limitPublicIP) >= limit {
		return PublicIP{}, Fail(532, csLimit, "Maximum number of public IP addresses for account: %s has been exceeded.", a.Name)
	}
	ip, ok := c.PublicIPs.Find(func(p PublicIP) bool {
		if p.ZoneID != zoneID || requested != "" && p.Address != requested {
			return false
		}
		return p.State == IPFree && c.mayTake(owner, p) || requested != "" && p.State == IPReserved && p.AccountID == owner.AccountID
	})
	if !ok {
		return PublicIP{}, Fail(533, csServer, errNoAddress)
	}
	ip = PublicIP{Base: ip.Base, Address: ip.Address, ZoneID: ip.ZoneID, Owner: owner, State: IPAllocating, Allocated: c.Now()}
	c.PublicIPs.Put(ip)
	return ip, nil
}

// freeIP gives an address back, with its load balancer, port forwarding and firewall rules, static NAT and tags.
func (c *Call) freeIP(ip PublicIP) {
	for r := range c.Firewall.All() {
		if r.IPAddressID == ip.ID {
			c.forgetRule(r)
		}
	}
	for r := range c.LBRules.All() {
		if r.PublicIPID == ip.ID {
			c.forgetLB(r)
		}
	}
	c.ForgetTags(ip.ID)
	c.NetworkChanged(ip.NetworkID)
	c.PublicIPs.Put(PublicIP{Base: ip.Base, Address: ip.Address, ZoneID: ip.ZoneID, State: IPFree})
}

func startAssociateIP(c *Call) (string, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return "", err
	}
	if c.Has("vpcid") {
		return c.vpcForIP()
	}
	n, err := c.networkForIP(owner)
	if err != nil {
		return "", err
	}
	ip, err := c.takeIP(n.Owner, n.ZoneID, c.Str("ipaddress"))
	if err != nil {
		return "", err
	}
	o, _ := c.NetworkOfferings.Any(n.OfferingID)
	_, has := c.PublicIPs.Find(func(p PublicIP) bool { return p.NetworkID == n.ID && p.SourceNAT })
	ip.NetworkID, ip.SourceNAT = n.ID, !has && o.Has("SourceNat")
	ip.HideDisplay = !c.Bool("fordisplay", true)
	c.PublicIPs.Put(ip)
	return ip.ID, nil
}

// networkForIP is the network an address is wanted for: the named one, or the only isolated one of the account in the zone.
func (c *Call) networkForIP(owner Owner) (Network, error) {
	if id := c.Str("networkid"); id != "" {
		n, ok := c.Networks.Get(id)
		if !ok {
			return n, Invalid("Unable to find network by network id specified")
		}
		if n.Type != "Isolated" || n.VPCID != "" {
			return n, Invalid("Can't assign ip to the network directly when network belongs to VPC.Specify vpcId to associate ip address to VPC")
		}
		return n, c.Own(n.Owner)
	}
	zone := c.Str("zoneid")
	if zone == "" {
		return Network{}, Invalid("Unable to figure out zone to assign IP to. Please specify either zoneId, or networkId, or vpcId in the call")
	}
	mine := c.Networks.Where(func(n Network) bool {
		return n.ZoneID == zone && n.AccountID == owner.AccountID && n.Type == "Isolated" && n.VPCID == ""
	})
	switch len(mine) {
	case 0:
		return Network{}, Invalid("Account doesn't have any isolated networks in the zone")
	case 1:
		return mine[0], nil
	}
	return Network{}, Invalid("Account has more than one isolated network in the zone")
}

func associateIPJob(c *Call) (Obj, error) {
	ip, ok := c.PublicIPs.Get(c.EntityID)
	if !ok || ip.State == IPFree {
		return nil, Internal("Failed to assign ip address")
	}
	// The real answer shows the state before the assignment.
	if ip.State = IPAllocating; ip.VPCID != "" {
		ip.State = IPAllocated
	}
	out := Obj{"ipaddress": c.putRange(c.publicIPResponse(ip), ip)}
	ip.State = IPAllocated
	c.PublicIPs.Put(ip)
	c.NetworkChanged(ip.NetworkID)
	return out, nil
}

// ipToRelease is the address that id or ipaddress names.
func (c *Call) ipToRelease() (PublicIP, error) {
	if c.Has("id") && c.Has("ipaddress") {
		return PublicIP{}, Invalid("id and ipaddress are mutually exclusive")
	}
	ip, ok := c.PublicIPs.Find(func(p PublicIP) bool {
		return p.ID == c.Str("id") || c.Str("id") == "" && p.Address == c.Str("ipaddress")
	})
	if !ok {
		return ip, errMissing(c.Label(), "id")
	}
	return ip, nil
}

func startDisassociateIP(c *Call) (string, error) {
	ip, err := c.ipToRelease()
	if err != nil {
		return "", err
	}
	if ip.State == IPFree {
		return "", Internal("Unable to persist on DB, due to: Data truncation: Out of range value for column 'account_id' at row 1")
	}
	return ip.ID, c.Own(ip.Owner)
}

func disassociateIPJob(c *Call) (Obj, error) {
	ip, ok := c.PublicIPs.Get(c.EntityID)
	if !ok || ip.State == IPFree {
		return Success(), nil
	}
	n, _ := c.Networks.Get(ip.NetworkID)
	if ip.SourceNAT && n.State != NetworkAllocated {
		return nil, Fail(530, csServer, "ip address is used for source nat purposes and can not be disassociated.")
	}
	for r := range c.LBRules.All() {
		if r.PublicIPID != ip.ID {
			continue
		}
		if err := c.deletableLB(r); err != nil {
			return nil, err
		}
	}
	c.freeIP(ip)
	return Success(), nil
}

func listPublicIPs(c *Call) (any, error) {
	state := c.Str("state")
	allocated := c.Bool("allocatedonly", !strings.EqualFold(state, IPFree))
	if allocated && strings.EqualFold(state, IPFree) {
		return nil, Invalid("Conflict: allocatedonly is true but state is Free")
	}
	in, err := c.scope()
	if err != nil {
		return nil, err
	}
	rows := c.PublicIPs.Where(func(p PublicIP) bool {
		switch {
		case p.State == IPFree:
			if allocated {
				return false
			}
		case allocated && p.State == IPReserved && !strings.EqualFold(state, IPReserved), !in(p.Owner):
			return false
		}
		return c.ipMatches(p) && (state == "" || strings.EqualFold(state, p.State))
	})
	return Listing("publicipaddress", rows, func(p PublicIP) Obj { return c.putRange(c.publicIPResponse(p), p) }), nil
}

// putRange adds what administrators see of an address in lists and when they take it: the range it comes from.
func (c *Call) putRange(o Obj, p PublicIP) Obj {
	if c.Caller.Root() {
		r := c.rangeOfIP(p)
		o["vlanid"], o["vlanname"] = r.ID, r.VLAN
	}
	return o
}

func (c *Call) ipMatches(p PublicIP) bool {
	physical, _ := c.PhysicalNetworks.Find(func(n PhysicalNetwork) bool { return n.ZoneID == p.ZoneID })
	balanced := slices.ContainsFunc(c.LBRules.Where(func(LBRule) bool { return c.Has("forloadbalancing") }), func(r LBRule) bool { return r.PublicIPID == p.ID })
	return c.is("id", p.ID) && c.is("ipaddress", p.Address) && c.is("zoneid", p.ZoneID) && c.is("associatednetworkid", p.NetworkID) &&
		c.is("networkid", physical.PublicNetworkID) && c.is("vlanid", c.rangeOfIP(p).ID) && c.is("physicalnetworkid", physical.ID) &&
		c.is("vpcid", p.VPCID) && c.isBool("issourcenat", p.SourceNAT) && c.isBool("isstaticnat", p.StaticNAT) &&
		c.isBool("forvirtualnetwork", true) && c.isBool("forloadbalancing", balanced) && c.isBool("fordisplay", !p.HideDisplay) &&
		strings.Contains(p.Address, c.Str("keyword")) && c.matchTags("PublicIpAddress", p.ID)
}

// publicIPResponse is an address as the API shows it; lists add the range for administrators.
func (c *Call) publicIPResponse(p PublicIP) Obj {
	physical, _ := c.PhysicalNetworks.Find(func(n PhysicalNetwork) bool { return n.ZoneID == p.ZoneID })
	o := Obj{"id": p.ID, "ipaddress": p.Address, "issourcenat": p.SourceNAT, "forvirtualnetwork": true, "isstaticnat": p.StaticNAT,
		"issystem": false, "networkid": physical.PublicNetworkID, "state": p.State, "physicalnetworkid": physical.ID,
		"tags": c.tagsOf("PublicIpAddress", p.ID), "isportable": false, "hasrules": false, "forsystemvms": false, "forprovider": false,
		"hasannotations": false}
	c.putZone(o, p.ZoneID)
	if p.State == IPFree {
		return o
	}
	o["allocated"] = timeText(p.Allocated)
	c.putOwner(o, p.Owner)
	if v, ok := c.VPCs.Any(p.VPCID); ok {
		o["vpcid"], o["vpcname"] = v.ID, v.Name
	}
	if n, ok := c.Networks.Any(p.NetworkID); ok {
		o["associatednetworkid"], o["associatednetworkname"] = n.ID, n.Name
	}
	if v, ok := c.VMs.Get(p.VMID); ok && p.StaticNAT {
		o["virtualmachineid"], o["virtualmachinename"], o["virtualmachinedisplayname"] = v.ID, v.Name, v.DisplayName
		o["virtualmachinetype"], o["vmipaddress"] = "User", p.VMAddress
	}
	if c.Caller.Root() {
		o["fordisplay"] = !p.HideDisplay
	}
	return o
}

func startUpdateIP(c *Call) (string, error) {
	ip, _ := c.PublicIPs.Get(c.Str("id"))
	return ip.ID, c.Own(ip.Owner)
}

func reserveIP(c *Call) (any, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return nil, err
	}
	ip, _ := c.PublicIPs.Get(c.Str("id"))
	switch {
	case ip.State == IPReserved && ip.AccountID == owner.AccountID:
	case ip.State != IPFree:
		return nil, Invalid("Unable to reserve a IP because it is in %s state.", ip.State)
	default:
		if ip, err = c.takeIP(owner, ip.ZoneID, ip.Address); err != nil {
			return nil, err
		}
		ip.State = IPReserved
		c.PublicIPs.Put(ip)
	}
	c.Made(ip.ID)
	return Obj{"ipaddress": c.publicIPResponse(ip)}, nil
}

func releaseIP(c *Call) (any, error) {
	ip, _ := c.PublicIPs.Get(c.Str("id"))
	if ip.State != IPReserved {
		return nil, Internal("Unable to release Public IP as it is in %s state.", ip.State)
	}
	if err := c.Own(ip.Owner); err != nil {
		return nil, err
	}
	c.Made(ip.ID)
	c.freeIP(ip)
	return Success(), nil
}

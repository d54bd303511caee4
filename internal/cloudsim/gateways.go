package cloudsim

import (
	"net/netip"
	"strings"
)

// gatewayCommands are private gateways and static routes of VPCs.
var gatewayCommands = map[string]command{
	"createPrivateGateway": {start: startCreateGateway, job: gatewayJob, creates: true, queue: queueVPC, rootOnly: true, event: "PRIVATE.GATEWAY.CREATE"},
	"listPrivateGateways":  {run: listGateways, id: kindPrivateGateway},
	"deletePrivateGateway": {start: startGateway, job: deleteGatewayJob, id: kindPrivateGateway, rootOnly: true, event: "PRIVATE.GATEWAY.DELETE"},
	"createStaticRoute":    {start: startCreateRoute, job: routeJob, creates: true, event: "STATIC.ROUTE.CREATE"},
	"listStaticRoutes":     {run: listRoutes, id: kindStaticRoute},
	"deleteStaticRoute":    {start: startRoute, job: deleteRouteJob, id: kindStaticRoute, event: "STATIC.ROUTE.DELETE"},
}

func startCreateGateway(c *Call) (string, error) {
	v, ok := c.VPCs.Get(c.Str("vpcid"))
	if !ok {
		return "", Invalid("Unable to find Enabled VPC by id specified")
	}
	physical, ok := c.PhysicalNetworks.Get(c.Str("physicalnetworkid"))
	if !ok {
		physical, _ = c.PhysicalNetworks.Find(func(p PhysicalNetwork) bool { return p.ZoneID == v.ZoneID })
	}
	bits, okMask := maskBits(c.Str("netmask"))
	address, err := netip.ParseAddr(c.Str("ipaddress"))
	gateway, err2 := netip.ParseAddr(c.Str("gateway"))
	if !okMask || err != nil || err2 != nil { // the server lets a gateway be of another network than its address
		return "", Invalid("Invalid address, gateway or netmask of the private gateway: %s, %s, %s", c.Str("ipaddress"), c.Str("gateway"), c.Str("netmask"))
	}
	vlan := "vlan://" + strings.TrimPrefix(c.Str("vlan"), "vlan://")
	if _, taken := c.PrivateGateways.Find(func(g PrivateGateway) bool { return g.VLAN == vlan && g.Address == address.String() }); taken {
		return "", Invalid("Private ip address %s already used for private gateway in zone %s", address, v.ZoneID)
	}
	g := PrivateGateway{Base: c.PrivateGateways.NewBase(), Owner: v.Owner, VPCID: v.ID, ZoneID: v.ZoneID, PhysicalID: physical.ID, Address: address.String(),
		Gateway: gateway.String(), Netmask: maskText(bits), VLAN: vlan, ACLID: c.Or("aclid", aclDefaultDeny), SourceNAT: c.Bool("sourcenatsupported", false), State: "Ready"}
	c.PrivateGateways.Put(g)
	return g.ID, nil
}

func gatewayJob(c *Call) (Obj, error) {
	g, ok := c.PrivateGateways.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to create private gateway")
	}
	return Obj{"privategateway": c.gatewayResponse(g)}, nil
}

func (c *Call) gatewayResponse(g PrivateGateway) Obj {
	o := Obj{"id": g.ID, "gateway": g.Gateway, "netmask": g.Netmask, "ipaddress": g.Address, "vlan": g.VLAN, "physicalnetworkid": g.PhysicalID,
		"state": g.State, "sourcenatsupported": g.SourceNAT}
	c.putZone(o, g.ZoneID)
	c.putVPC(o, g.VPCID)
	c.putOwner(o, g.Owner)
	if l, ok := c.ACLLists.Any(g.ACLID); ok {
		o["aclid"], o["aclname"] = l.ID, l.Name
	}
	return o
}

func (c *Call) putVPC(o Obj, id string) {
	if v, ok := c.VPCs.Any(id); ok {
		o["vpcid"], o["vpcname"] = v.ID, v.Name
	}
}

func listGateways(c *Call) (any, error) {
	rows, err := Visible(c, c.PrivateGateways.Where(func(g PrivateGateway) bool {
		return c.named(g.ID, g.Address) && c.is("vpcid", g.VPCID) && c.is("ipaddress", g.Address) && c.is("state", g.State) &&
			(!c.Has("vlan") || strings.TrimPrefix(g.VLAN, "vlan://") == strings.TrimPrefix(c.Str("vlan"), "vlan://"))
	}))
	if err != nil {
		return nil, err
	}
	return Listing("privategateway", rows, c.gatewayResponse), nil
}

func startGateway(c *Call) (string, error) {
	g, ok := c.PrivateGateways.Get(c.Str("id"))
	if !ok {
		return "", Invalid("Unable to find the private gateway by id %s", c.Str("id"))
	}
	return g.ID, c.Own(g.Owner)
}

func deleteGatewayJob(c *Call) (Obj, error) {
	g, ok := c.PrivateGateways.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to delete private gateway")
	}
	if routes := len(c.StaticRoutes.Where(func(r StaticRoute) bool { return r.GatewayID == g.ID })); routes > 0 {
		v, _ := c.VPCs.Any(g.VPCID)
		return nil, Internal(`Can't delete private gateway VpcGateway {"id":%d,"ip4Address":"%s","uuid":"%s","vpcId":%d} as it has %d static routes applied. Remove the routes first`,
			g.N, g.Address, g.ID, v.N, routes)
	}
	c.PrivateGateways.Delete(g.ID)
	return Success(), nil
}

func startCreateRoute(c *Call) (string, error) {
	g, through := c.PrivateGateways.Get(c.Str("gatewayid"))
	vpcID, hop := g.VPCID, c.Str("nexthop")
	if !through {
		vpcID = c.Str("vpcid")
		if _, err := netip.ParseAddr(hop); err != nil || vpcID == "" {
			return "", Invalid("Either gatewayId or both nexthop and vpcId must be specified")
		}
	}
	v, ok := c.VPCs.Get(vpcID)
	if !ok {
		return "", Invalid("Can't add static route to VPC that is being deleted")
	}
	if err := c.Own(v.Owner); err != nil {
		return "", err
	}
	prefix, err := netip.ParsePrefix(c.Str("cidr"))
	whole, err2 := netip.ParsePrefix(v.CIDR)
	switch {
	case err != nil || err2 != nil:
		return "", Invalid("Invalid format for cidr %s", c.Str("cidr"))
	case prefix.Overlaps(whole):
		return "", Invalid("CIDR should be outside of VPC cidr %s", v.CIDR)
	}
	for r := range c.StaticRoutes.All() {
		if other, err := netip.ParsePrefix(r.CIDR); r.VPCID == v.ID && err == nil && other.Overlaps(prefix) {
			return "", Fail(537, csRuleConflict, "New static route cidr conflicts with existing route StaticRoute %s", r.CIDR)
		}
	}
	r := StaticRoute{Base: c.StaticRoutes.NewBase(), Owner: v.Owner, VPCID: v.ID, GatewayID: g.ID, NextHop: hop, CIDR: c.Str("cidr"), State: RuleActive}
	c.StaticRoutes.Put(r)
	return r.ID, nil
}

func routeJob(c *Call) (Obj, error) {
	r, ok := c.StaticRoutes.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to create static route")
	}
	return Obj{"staticroute": c.routeResponse(r)}, nil
}

func (c *Call) routeResponse(r StaticRoute) Obj {
	o := Obj{"id": r.ID, "state": r.State, "vpcid": r.VPCID, "cidr": r.CIDR, "tags": c.tagsOf("StaticRoute", r.ID)}
	if g, ok := c.PrivateGateways.Any(r.GatewayID); ok {
		o["vpcgatewayid"], o["vpcgatewayip"] = g.ID, g.Address
	}
	c.putOwner(o, r.Owner)
	return o.Opt("nexthop", r.NextHop)
}

func listRoutes(c *Call) (any, error) {
	rows, err := Visible(c, c.StaticRoutes.Where(func(r StaticRoute) bool {
		return c.named(r.ID, r.CIDR) && c.is("vpcid", r.VPCID) && c.is("gatewayid", r.GatewayID) && c.is("state", r.State)
	}))
	if err != nil {
		return nil, err
	}
	return Listing("staticroute", rows, c.routeResponse), nil
}

func startRoute(c *Call) (string, error) {
	r, ok := c.StaticRoutes.Get(c.Str("id"))
	if !ok {
		return "", Invalid("Unable to find static route by id %s", c.Str("id"))
	}
	return r.ID, c.Own(r.Owner)
}

func deleteRouteJob(c *Call) (Obj, error) {
	c.ForgetTags(c.EntityID)
	c.StaticRoutes.Delete(c.EntityID)
	return Success(), nil
}

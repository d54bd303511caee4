package cloudsim

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// vpcCommands are virtual private clouds; their tiers are networks.
var vpcCommands = map[string]command{
	"createVPC":  {start: startCreateVPC, job: vpcJob, creates: true, event: "VPC.CREATE"},
	"listVPCs":   {run: listVPCs, id: kindVPC},
	"updateVPC":  {start: startVPC, job: updateVPCJob, id: kindVPC, queue: queueVPC, event: "VPC.UPDATE"},
	"restartVPC": {start: startVPC, job: restartVPCJob, id: kindVPC, queue: queueVPC, event: "VPC.RESTART"},
	"deleteVPC":  {start: startVPC, job: deleteVPCJob, id: kindVPC, queue: queueVPC, event: "VPC.DELETE"},
}

// maxTiers is how many tiers a VPC may have, the usual value of the setting vpc.max.networks.
const maxTiers = 3

func queueVPC(c *Call) string { return "vpc:" + valueOr(c.Str("id"), c.Str("vpcid")) }

// vpcText is how a VPC shows in the server's texts.
func vpcText(v VPC) string {
	return `VPC {"id":` + itoa(v.N) + `,"name":"` + v.Name + `","uuid":"` + v.ID + `"}`
}

func startCreateVPC(c *Call) (string, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return "", err
	}
	zone, _ := c.Zones.Get(c.Str("zoneid"))
	offering, ok := c.VPCOfferings.Get(c.Str("vpcofferingid"))
	if !ok || offering.State != "Enabled" {
		return "", Invalid("Unable to find vpc offering in Enabled state by specified id")
	}
	if zone.AllocationState != "Enabled" && !c.Caller.Root() {
		return "", Denied("Cannot perform this operation, Zone is currently disabled: %s", zone.ID)
	}
	prefix, err := netip.ParsePrefix(c.Str("cidr"))
	if err != nil || !prefix.Addr().Is4() || prefix.Masked() != prefix {
		return "", Invalid("Invalid CIDR specified %s", c.Str("cidr"))
	}
	if !private(prefix) {
		return "", Invalid("Guest Cidr %s is not RFC1918 compliant", c.Str("cidr"))
	}
	domain := c.Str("networkdomain")
	if domain == "" {
		a, _ := c.Accounts.Get(owner.AccountID)
		domain = valueOr(a.NetworkDomain, "cs"+hex16(a.N)+"cloud.internal")
	} else if err := checkDomain(domain); err != nil {
		return "", err
	}
	if err := c.CheckLimit(owner, limitVPC, 1); err != nil {
		return "", err
	}
	v := VPC{Base: c.VPCs.NewBase(), Owner: owner, Name: c.Str("name"), DisplayText: c.Or("displaytext", c.Str("name")), CIDR: c.Str("cidr"),
		ZoneID: zone.ID, OfferingID: offering.ID, State: "Enabled", Domain: domain, HideDisplay: !c.Bool("fordisplay", true), PublicMTU: c.Int("publicmtu", 1500)}
	c.VPCs.Put(v)
	return v.ID, nil
}

// vpcJob starts the VPC's router: it takes the address that all tiers go out with.
func vpcJob(c *Call) (Obj, error) {
	v, ok := c.VPCs.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to create VPC")
	}
	if c.Bool("start", true) {
		if err := c.vpcSourceNAT(v); err != nil {
			return nil, err
		}
	}
	return Obj{"vpc": c.vpcResponse(v)}, nil
}

func (c *Call) vpcSourceNAT(v VPC) error {
	if _, ok := c.PublicIPs.Find(func(p PublicIP) bool { return p.VPCID == v.ID && p.SourceNAT }); ok {
		return nil
	}
	ip, err := c.takeIP(v.Owner, v.ZoneID, c.Str("sourcenatipaddress"))
	if err != nil {
		return err
	}
	ip.VPCID, ip.SourceNAT, ip.State = v.ID, true, IPAllocated
	c.PublicIPs.Put(ip)
	return nil
}

func (c *Call) vpcResponse(v VPC) Obj {
	offering, _ := c.VPCOfferings.Any(v.OfferingID)
	tiers := []Obj{}
	for n := range c.Networks.All() {
		if n.VPCID == v.ID {
			tiers = append(tiers, c.networkResponse(n))
		}
	}
	services := offeredServices(offering.Services)
	for _, s := range services {
		delete(s, "capability")
	}
	o := Obj{"id": v.ID, "name": v.Name, "displaytext": v.DisplayText, "state": v.State, "service": services, "cidr": v.CIDR,
		"vpcofferingid": offering.ID, "vpcofferingname": offering.Name, "created": timeText(v.Created), "network": tiers, "restartrequired": false,
		"networkdomain": v.Domain, "tags": c.tagsOf("Vpc", v.ID), "fordisplay": !v.HideDisplay, "distributedvpcrouter": offering.Distributed,
		"regionlevelvpc": offering.RegionLevel, "redundantvpcrouter": offering.Redundant, "publicmtu": max(v.PublicMTU, 68), "hasannotations": false}
	c.putZone(o, v.ZoneID)
	c.putOwner(o, v.Owner)
	return o
}

func listVPCs(c *Call) (any, error) {
	rows, err := Visible(c, c.VPCs.Where(func(v VPC) bool {
		o, _ := c.VPCOfferings.Any(v.OfferingID)
		for _, s := range c.List("supportedservices") {
			if !slices.ContainsFunc(o.Services, func(has Service) bool { return strings.EqualFold(has.Name, s) }) {
				return false
			}
		}
		return c.named(v.ID, v.Name, v.DisplayText) && c.is("zoneid", v.ZoneID) && c.is("cidr", v.CIDR) && c.is("state", v.State) &&
			c.is("displaytext", v.DisplayText) && c.is("vpcofferingid", v.OfferingID) && c.isBool("restartrequired", false) && c.matchTags("Vpc", v.ID)
	}))
	if err != nil {
		return nil, err
	}
	slices.Reverse(rows) // newest first
	return Listing("vpc", rows, c.vpcResponse), nil
}

func startVPC(c *Call) (string, error) {
	v, ok := c.VPCs.Get(c.Str("id"))
	if !ok {
		return "", Invalid("Unable to find VPC by id %s", c.Str("id"))
	}
	return v.ID, c.Own(v.Owner)
}

func updateVPCJob(c *Call) (Obj, error) {
	v, ok := c.VPCs.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find VPC by id %s", c.EntityID)
	}
	v.Name, v.DisplayText = c.Or("name", v.Name), c.Or("displaytext", v.DisplayText)
	v.HideDisplay, v.PublicMTU = !c.Bool("fordisplay", !v.HideDisplay), c.Int("publicmtu", v.PublicMTU)
	c.VPCs.Put(v)
	return Obj{"vpc": c.vpcResponse(v)}, nil
}

// restartVPCJob takes the tiers' router down and up; with cleanup it gets new ones.
func restartVPCJob(c *Call) (Obj, error) {
	var tiers []string
	for n := range c.Networks.All() {
		if n.VPCID == c.EntityID && n.State == NetworkImplemented {
			tiers = append(tiers, n.ID)
		}
	}
	c.setRouters(tiers, VMStarting)
	if err := c.Wait(c.Scaled(routerStart)); err != nil {
		return nil, err
	}
	c.setRouters(tiers, VMRunning)
	return Success(), nil
}

func (c *Call) setRouters(networks []string, state string) {
	for r := range c.Routers.All() {
		if slices.Contains(networks, r.NetworkID) {
			r.State = state
			c.Routers.Put(r)
			c.NetworkChanged(r.NetworkID)
		}
	}
}

func deleteVPCJob(c *Call) (Obj, error) {
	v, ok := c.VPCs.Get(c.EntityID)
	if !ok {
		return nil, Invalid("unable to find VPC id=%s", c.EntityID)
	}
	if tiers := len(c.Networks.Where(func(n Network) bool { return n.VPCID == v.ID })); tiers > 0 {
		return nil, Invalid("Can't delete VPC %s as its used by %d networks", vpcText(v), tiers)
	}
	c.dropVPC(v)
	return Success(), nil
}

// dropVPC removes a VPC without tiers: its gateways, routes, lists and addresses.
func (c *Call) dropVPC(v VPC) {
	for r := range c.StaticRoutes.All() {
		if r.VPCID == v.ID {
			c.StaticRoutes.Delete(r.ID)
		}
	}
	for g := range c.PrivateGateways.All() {
		if g.VPCID == v.ID {
			c.PrivateGateways.Delete(g.ID)
		}
	}
	for g := range c.VPNGateways.All() {
		if g.VPCID == v.ID {
			c.dropVPNGateway(g)
		}
	}
	for l := range c.ACLLists.All() {
		if l.VPCID == v.ID {
			c.dropACL(l)
		}
	}
	for ip := range c.PublicIPs.All() {
		if ip.VPCID == v.ID && ip.State != IPFree {
			c.freeIP(ip)
		}
	}
	c.ForgetTags(v.ID)
	now := c.Now()
	v.Removed, v.State = &now, "Inactive"
	c.VPCs.Put(v)
}

// checkTier refuses a network that cannot be a tier of the VPC it is wanted in.
func checkTier(c *Call, n *Network, o NetworkOffering, _ Zone) error {
	v, ok := c.VPCs.Get(c.Str("vpcid"))
	if !ok {
		return nil
	}
	if err := c.Own(v.Owner); err != nil {
		return err
	}
	if c.Has("aclid") {
		l, ok := c.ACLLists.Get(c.Str("aclid"))
		if !ok {
			return Invalid("Unable to find specified NetworkACL")
		}
		if l.VPCID != "" && l.VPCID != v.ID {
			return Invalid("ACL: %s do not belong to the VPC", l.ID)
		}
	}
	tiers := c.Networks.Where(func(t Network) bool { return t.VPCID == v.ID })
	if len(tiers) >= maxTiers {
		return Internal("Number of networks per VPC cannot surpass [%d].", maxTiers)
	}
	whole, err := netip.ParsePrefix(v.CIDR)
	mine, err2 := netip.ParsePrefix(n.CIDR)
	if err != nil || err2 != nil || !within(mine, whole) {
		return Invalid("Network cidr %s is not within vpc %s cidr", n.CIDR, vpcText(v))
	}
	for _, t := range tiers {
		if other, err := netip.ParsePrefix(t.CIDR); err == nil && other.Overlaps(mine) {
			return Invalid("Network cidr %s crosses other network cidr %s belonging to the same vpc %s", n.CIDR, c.tierText(t), vpcText(v))
		}
	}
	n.VPCID, n.ACLID, n.Domain = v.ID, c.Str("aclid"), v.Domain
	n.Owner = v.Owner
	return nil
}

// tierText is how a tier shows in the text about another that overlaps it.
func (c *Call) tierText(n Network) string {
	return `Network {"id": ` + itoa(n.N) + `, "name": "` + n.Name + `", "uuid": "` + n.ID + `", "networkofferingid": ` + itoa(c.offeringNumber(n)) + `}`
}

// vpcForIP makes the address of a VPC that vpcid names.
func (c *Call) vpcForIP() (string, error) {
	v, ok := c.VPCs.Get(c.Str("vpcid"))
	if !ok {
		return "", Invalid("Unable to find VPC by id %s", c.Str("vpcid"))
	}
	if err := c.Own(v.Owner); err != nil {
		return "", err
	}
	ip, err := c.takeIP(v.Owner, v.ZoneID, c.Str("ipaddress"))
	if err != nil {
		return "", err
	}
	ip.VPCID, ip.HideDisplay = v.ID, !c.Bool("fordisplay", true)
	c.PublicIPs.Put(ip)
	return ip.ID, nil
}

// hex16 is a number as account names show it.
func hex16(n int64) string { return strconv.FormatInt(n, 16) }

package cloudsim

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// networkCommands are guest networks and their routers.
var networkCommands = map[string]command{
	"createNetwork":  {run: createNetwork, event: "NETWORK.CREATE"},
	"listNetworks":   {run: listNetworks, id: kindNetwork},
	"updateNetwork":  {start: startUpdateNetwork, job: updateNetworkJob, queue: queueNetworkID, id: kindNetwork, event: "NETWORK.UPDATE"},
	"deleteNetwork":  {start: startDeleteNetwork, job: deleteNetworkJob, queue: queueNetworkID, id: kindNetwork, event: "NETWORK.DELETE"},
	"restartNetwork": {start: startRestartNetwork, job: restartNetworkJob, queue: queueNetworkID, id: kindNetwork, event: "NETWORK.RESTART"},
	"listRouters":    {run: listRouters, id: kindRouter, rootOnly: true},
}

// queueNetwork is the queue of jobs that change a network.
func queueNetwork(networkID string) string {
	if networkID == "" {
		return ""
	}
	return "network:" + networkID
}

func queueNetworkID(c *Call) string { return queueNetwork(c.Str("id")) }

func createNetwork(c *Call) (any, error) {
	offering, _ := c.NetworkOfferings.Get(c.Str("networkofferingid"))
	zone, _ := c.Zones.Get(c.Str("zoneid"))
	owner, err := c.NewOwner()
	if err != nil {
		return nil, err
	}
	if err := checkOffering(c, offering, zone); err != nil {
		return nil, err
	}
	physical, _ := c.PhysicalNetworks.Find(func(p PhysicalNetwork) bool { return p.ZoneID == zone.ID })
	n := Network{Base: c.Networks.NewBase(), Owner: owner, Name: c.Str("name"), DisplayText: c.Or("displaytext", c.Str("name")),
		Type: offering.GuestIPType, ACLType: "Account", ZoneID: zone.ID, OfferingID: offering.ID, PhysicalID: physical.ID,
		State: NetworkAllocated, ExternalID: c.Str("externalid"), HideDisplay: !c.Bool("displaynetwork", true),
		PublicMTU: 1500, PrivateMTU: 1500, DNS1: c.Str("dns1"), DNS2: c.Str("dns2")}
	for _, fill := range []func(*Call, *Network, NetworkOffering, Zone) error{fillAddresses, fillVLAN, fillDomain, checkTier} {
		if err := fill(c, &n, offering, zone); err != nil {
			return nil, err
		}
	}
	if err := c.CheckLimit(owner, limitNetwork, 1); err != nil {
		return nil, err
	}
	c.Networks.Put(n)
	c.putGuestRange(n)
	c.Made(n.ID)
	return Obj{"network": c.networkResponse(n)}, nil
}

func checkOffering(c *Call, o NetworkOffering, zone Zone) error {
	if o.State != "Enabled" {
		e := Invalid("Can't use specified network offering id as its state is not Enabled")
		e.UUIDs = []UUIDProxy{{UUID: o.ID, Description: "networkOfferingId"}}
		return e
	}
	if o.ForVPC && !c.Has("vpcid") {
		return Invalid("Network offering can be used for VPC networks only")
	}
	if !o.ForVPC && c.Has("vpcid") {
		return Invalid("Network offering can't be used for VPC networks")
	}
	if c.Has("physicalnetworkid") && o.GuestIPType == "Isolated" {
		return Invalid("Physical network ID can be specified for networks of guest IP type Shared or L2 only.")
	}
	if c.Has("acltype") && o.GuestIPType == "Isolated" && !strings.EqualFold(c.Str("acltype"), "Account") {
		return Invalid("AclType should be Account for network of type Isolated")
	}
	if zone.AllocationState != "Enabled" && !c.Caller.Root() {
		return Denied("Cannot perform this operation, Zone is currently disabled: %s", zone.ID)
	}
	if o.SpecifyVLAN && !c.Caller.Root() {
		return Invalid("Only ROOT admin is allowed to specify vlanId or bypass vlan overlap check")
	}
	return nil
}

// fillAddresses decides gateway, netmask and CIDR. Only both together count: one alone is silently ignored.
func fillAddresses(c *Call, n *Network, o NetworkOffering, zone Zone) error {
	if o.GuestIPType == "L2" {
		return nil
	}
	gateway, netmask := c.Str("gateway"), c.Str("netmask")
	if gateway == "" || netmask == "" {
		if o.GuestIPType == "Shared" {
			return Invalid("Gateway/netmask are required when creating Shared networks.")
		}
		if !o.Has("SourceNat") {
			return Invalid("gateway/netmask are required when create network of type Isolated with service SourceNat disabled")
		}
		prefix, err := netip.ParsePrefix(zone.GuestCIDR)
		if err != nil {
			return Internal("guest cidr %s of the zone is invalid", zone.GuestCIDR)
		}
		gateway, netmask = prefix.Masked().Addr().Next().String(), maskText(prefix.Bits())
	}
	gw, err := netip.ParseAddr(gateway)
	if err != nil || !gw.Is4() {
		return Invalid("Gateway parameter is invalid")
	}
	bits, ok := maskBits(netmask)
	if !ok {
		return Invalid("Netmask parameter is invalid")
	}
	prefix := netip.PrefixFrom(gw, bits).Masked()
	if gw == prefix.Addr() || gw == lastOf(prefix) {
		return Invalid("Invalid gateway IP provided. Either the IP is broadcast or network IP.")
	}
	if o.GuestIPType == "Isolated" && !private(prefix) {
		return Invalid("Virtual Guest Cidr %s is not RFC 1918 or 6598 compliant", prefix)
	}
	if bits < 22 && !c.Caller.Root() {
		return Invalid("Cidr size can't be less than 22")
	}
	n.Gateway, n.Netmask, n.CIDR = gateway, maskText(bits), prefix.String()
	if o.GuestIPType == "Shared" {
		n.StartIP, n.EndIP = c.Str("startip"), c.Or("endip", c.Str("startip"))
		if n.StartIP == "" {
			return Invalid("Either IPv4 or IPv6 start and end address are mandatory")
		}
		for _, ip := range []string{n.StartIP, n.EndIP} {
			if a, err := netip.ParseAddr(ip); err != nil || !prefix.Contains(a) {
				return Invalid("Start and end address %s-%s are not in the network's cidr %s", n.StartIP, n.EndIP, prefix)
			}
		}
		n.State, n.ACLType = NetworkSetup, "Domain"
		if strings.EqualFold(c.Str("acltype"), "Account") {
			n.ACLType = "Account"
		}
	}
	return nil
}

func fillVLAN(c *Call, n *Network, o NetworkOffering, zone Zone) error {
	vlan := c.Str("vlan")
	if vlan == "" {
		if o.SpecifyVLAN {
			return Invalid("Vlan has to be specified; corresponding offering says specifyVlan=true")
		}
		return nil
	}
	if !o.SpecifyVLAN {
		return Invalid("Can't specify vlan; corresponding offering says specifyVlan=false")
	}
	tag, err := strconv.Atoi(strings.TrimPrefix(vlan, "vlan://"))
	if err != nil {
		return Invalid("Invalid vlan id %s", vlan)
	}
	if c.guestVLAN(zone.ID, tag) {
		return Invalid("The VLAN tag to use for new guest network, %s is already being used for dynamic vlan allocation for the guest network in zone %s", vlan, zone.Name)
	}
	if _, taken := c.Networks.Find(func(other Network) bool { return other.VLAN == tag && other.ZoneID == zone.ID }); taken {
		return Invalid(`Network with vlan %s already exists or overlaps with other network vlans in zone Zone {"id": "%d", "name": "%s", "uuid": "%s"}`, vlan, zone.N, zone.Name, zone.ID)
	}
	n.VLAN, n.State = tag, NetworkSetup
	return nil
}

var domainLabel = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

func fillDomain(c *Call, n *Network, o NetworkOffering, _ Zone) error {
	if !o.Has("Dns") {
		return nil
	}
	n.Domain = c.Str("networkdomain")
	if n.Domain == "" {
		a, _ := c.Accounts.Get(n.AccountID)
		n.Domain = "cs" + strconv.FormatInt(a.N, 16) + "cloud.internal"
		return nil
	}
	return checkDomain(n.Domain)
}

func checkDomain(domain string) error {
	valid := len(domain) <= 190 && !slices.ContainsFunc(strings.Split(domain, "."), func(l string) bool { return !domainLabel.MatchString(l) })
	if valid {
		return nil
	}
	return Invalid(`Invalid network domain. Total length shouldn't exceed 190 chars. Each domain label must be between 1 and 63 characters long, can contain ASCII letters 'a' through 'z', the digits '0' through '9', and the hyphen ('-'); can't start or end with "-"`)
}

func listNetworks(c *Call) (any, error) {
	if t := c.Str("type"); t != "" && !slices.Contains([]string{"isolated", "shared", "l2"}, strings.ToLower(t)) {
		return nil, Invalid("Unexpected Guest type : %s", t)
	}
	if f := c.Str("networkfilter"); f != "" && !slices.Contains([]string{"all", "account", "domain", "accountdomain", "shared"}, strings.ToLower(f)) {
		return nil, Invalid("Invalid value of networkfilter: %s", f)
	}
	if c.Bool("issystem", false) {
		return List{Key: "network"}, nil
	}
	in, err := c.networkScope()
	if err != nil {
		return nil, err
	}
	rows := c.Networks.Where(func(n Network) bool {
		shared := n.ACLType == "Domain" && c.inDomain(c.Caller.Account.DomainID, n.DomainID) && c.Str("account") == ""
		return (in(n.Owner) || shared || c.permitted(n)) && c.networkMatches(n)
	})
	slices.Reverse(rows) // newest first
	return Listing("network", rows, c.networkResponse), nil
}

// networkScope is scope, but for projectid -1, with which this list adds projects to what it shows without.
func (c *Call) networkScope() (func(Owner) bool, error) {
	if c.Str("projectid") != "-1" {
		return c.scope()
	}
	me := c.Caller.Account
	all := c.Bool("listall", false)
	return func(o Owner) bool {
		governs := c.Caller.Root() || me.Type == AccountDomainAdmin && c.inDomain(o.DomainID, me.DomainID)
		return o.AccountID == me.ID || all && governs || me.Type == AccountUser && o.ProjectID != "" && c.memberOf(o.ProjectID)
	}, nil
}

func (c *Call) networkMatches(n Network) bool {
	o, _ := c.NetworkOfferings.Any(n.OfferingID)
	for _, s := range c.List("supportedservices") {
		if !o.Has(s) {
			return false
		}
	}
	return c.named(n.ID, n.Name, n.DisplayText) && c.is("zoneid", n.ZoneID) && c.is("networkofferingid", n.OfferingID) &&
		c.is("physicalnetworkid", n.PhysicalID) && c.is("vpcid", n.VPCID) && c.isBool("forvpc", n.VPCID != "") &&
		c.isBool("restartrequired", n.RestartRequired) && c.isBool("specifyipranges", o.SpecifyIPRanges) &&
		(!c.Has("type") || strings.EqualFold(c.Str("type"), n.Type)) && (!c.Has("acltype") || strings.EqualFold(c.Str("acltype"), n.ACLType)) &&
		(!c.Has("traffictype") || strings.EqualFold(c.Str("traffictype"), "Guest")) && c.is("vlan", strconv.Itoa(n.VLAN)) &&
		c.isBool("displaynetwork", !n.HideDisplay) && c.matchTags("Network", n.ID)
}

// networkResponse is a network as the API shows it.
func (c *Call) networkResponse(n Network) Obj {
	o, _ := c.NetworkOfferings.Any(n.OfferingID)
	zone, _ := c.Zones.Any(n.ZoneID)
	r := Obj{"id": n.ID, "name": n.Name, "displaytext": n.DisplayText, "broadcastdomaintype": "Vlan", "traffictype": "Guest",
		"zoneid": zone.ID, "zonename": zone.Name, "networkofferingid": o.ID, "networkofferingname": o.Name,
		"networkofferingdisplaytext": o.DisplayText, "networkofferingconservemode": o.ConserveMode,
		"networkofferingavailability": o.Availability, "issystem": false, "state": n.State, "related": n.ID,
		"dns1": valueOr(n.DNS1, zone.DNS1), "type": n.Type, "acltype": n.ACLType, "service": networkServices(o.Services),
		"physicalnetworkid": n.PhysicalID, "restartrequired": n.RestartRequired, "specifyvlan": o.SpecifyVLAN,
		"specifyipranges": o.SpecifyIPRanges, "canusefordeploy": true, "ispersistent": o.IsPersistent, "tags": c.tagsOf("Network", n.ID),
		"strechedl2subnet": o.StretchedL2, "redundantrouter": false, "supportsvmautoscaling": o.Has("Lb"), "created": timeText(n.Created),
		"receivedbytes": 0, "sentbytes": 0, "publicmtu": n.PublicMTU, "privatemtu": n.PrivateMTU, "hasannotations": false}
	r.Opt("gateway", n.Gateway).Opt("netmask", n.Netmask).Opt("cidr", n.CIDR).Opt("networkdomain", n.Domain).Opt("dns2", n.DNS2).
		Opt("externalid", n.ExternalID)
	if v, ok := c.VPCs.Any(n.VPCID); ok {
		r["vpcid"], r["vpcname"] = v.ID, v.Name
	}
	if l, ok := c.ACLLists.Any(n.ACLID); ok {
		r["aclid"], r["aclname"] = l.ID, l.Name
	}
	if n.ACLType == "Domain" {
		r["subdomainaccess"] = true
		d, _ := c.Domains.Any(n.DomainID)
		r["domainid"], r["domain"], r["domainpath"] = d.ID, d.Name, d.Path
	} else {
		c.putOwner(r, n.Owner)
	}
	if n.Type == "Isolated" && n.VPCID == "" {
		r["egressdefaultpolicy"] = o.EgressDefaultPolicy
	}
	if c.Caller.Root() {
		r["displaynetwork"], r["details"] = !n.HideDisplay, detailsObj(n.Details)
		if n.VLAN > 0 {
			r["vlan"], r["broadcasturi"] = strconv.Itoa(n.VLAN), "vlan://"+strconv.Itoa(n.VLAN)
		}
	}
	return r
}

// detailsObj is a map of details, never null.
func detailsObj(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

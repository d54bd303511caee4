package cloudsim

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// rangeCommands are ranges of addresses: public ones, and further ones of shared networks.
var rangeCommands = map[string]command{
	"createVlanIpRange":     {run: createRange, rootOnly: true, event: "VLAN.IP.RANGE.CREATE"},
	"updateVlanIpRange":     {run: updateRange, id: kindAddressRange, rootOnly: true, event: "VLAN.IP.RANGE.UPDATE"},
	"deleteVlanIpRange":     {run: deleteRange, id: kindAddressRange, rootOnly: true, event: "VLAN.IP.RANGE.DELETE"},
	"listVlanIpRanges":      {run: listRanges, id: kindAddressRange, kinds: map[string]kind{"networkid": kindAny}, rootOnly: true},
	"dedicatePublicIpRange": {run: dedicateRange, id: kindAddressRange, rootOnly: true, event: "VLAN.IP.RANGE.DEDICATE"},
	"releasePublicIpRange":  {run: releaseRange, id: kindAddressRange, rootOnly: true, event: "VLAN.IP.RANGE.RELEASE"},
}

// maxRange is how many addresses one range may have.
const maxRange = 1 << 16

// holds reports whether an address is in a range.
func (r AddressRange) holds(address string) bool {
	a, err := netip.ParseAddr(address)
	from, errFrom := netip.ParseAddr(r.StartIP)
	to, errTo := netip.ParseAddr(r.EndIP)
	return err == nil && errFrom == nil && errTo == nil && !a.Less(from) && !to.Less(a)
}

func (r AddressRange) prefix() netip.Prefix {
	gateway, err := netip.ParseAddr(r.Gateway)
	bits, ok := maskBits(r.Netmask)
	if err != nil || !ok {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(gateway, bits).Masked()
}

// rangeOfIP is the range a public address comes from.
func (t *Tables) rangeOfIP(ip PublicIP) AddressRange {
	r, _ := t.AddressRanges.Find(func(r AddressRange) bool { return r.ZoneID == ip.ZoneID && !r.Guest && r.holds(ip.Address) })
	return r
}

// mayTake reports whether an owner may have an address: those of a dedicated range are for whom it is dedicated to.
func (c *Call) mayTake(owner Owner, ip PublicIP) bool {
	r := c.rangeOfIP(ip)
	return r.AccountID == "" && (r.DomainID == "" || c.inDomain(owner.DomainID, r.DomainID)) || r.AccountID == owner.AccountID
}

// eachAddress goes through the addresses of a range.
func (r AddressRange) eachAddress(f func(address string)) {
	from, err := netip.ParseAddr(r.StartIP)
	if err != nil {
		return
	}
	for a := from; r.holds(a.String()); a = a.Next() {
		f(a.String())
	}
}

func createRange(c *Call) (any, error) {
	r, err := c.newRange()
	if err != nil {
		return nil, err
	}
	if err := c.rangeOwner(&r); err != nil {
		return nil, err
	}
	if err := c.checkRange(r); err != nil {
		return nil, err
	}
	r.Base = c.AddressRanges.NewBase()
	c.AddressRanges.Put(r)
	if !r.Guest {
		r.eachAddress(func(address string) {
			c.PublicIPs.Put(PublicIP{Base: c.PublicIPs.NewBase(), Address: address, ZoneID: r.ZoneID, State: IPFree})
		})
	}
	c.Made(r.ID)
	return Obj{"vlan": c.rangeResponse(r)}, nil
}

// newRange reads where a new range belongs: to a shared network that is named, or to the public network of a zone.
func (c *Call) newRange() (AddressRange, error) {
	r := AddressRange{Gateway: c.Str("gateway"), Netmask: c.Str("netmask"), StartIP: c.Str("startip"), EndIP: c.Or("endip", c.Str("startip")),
		PodID: c.Str("podid"), ForSystem: c.Bool("forsystemvms", false)}
	if r.StartIP == "" && c.Str("ip6cidr") == "" {
		return r, Invalid("StartIP or IPv6 CIDR is missing in the parameters!")
	}
	n, guest := c.Networks.Get(c.Str("networkid"))
	if guest {
		if n.Type != "Shared" {
			return r, Invalid("Can't create direct vlan for network %s with type: %s", c.networkText(n), n.Type)
		}
		r.Guest, r.NetworkID, r.ZoneID, r.PhysicalID = true, n.ID, n.ZoneID, n.PhysicalID
		r.Gateway, r.Netmask = valueOr(r.Gateway, n.Gateway), valueOr(r.Netmask, n.Netmask)
		r.VLAN = vlanURI(n.VLAN)
		return r, nil
	}
	if !c.Bool("forvirtualnetwork", true) {
		return r, Invalid("Network id is required for Direct vlan creation")
	}
	p, ok := c.PhysicalNetworks.Get(c.Str("physicalnetworkid"))
	if !ok {
		p, ok = c.PhysicalNetworks.Find(func(p PhysicalNetwork) bool { return p.ZoneID == c.Str("zoneid") })
	}
	zone, known := c.Zones.Get(c.Or("zoneid", p.ZoneID))
	vlan := strings.TrimPrefix(c.Or("vlan", "untagged"), "vlan://")
	switch {
	case !known:
		return r, Invalid("Gateway, netmask and zoneId have to be passed in for virtual and direct untagged networks")
	case !ok:
		return r, Invalid("Unable to find Physical Network with id=%s", c.Or("physicalnetworkid", "null"))
	case zone.NetworkType == "Advanced" && zone.SecurityGroups:
		return r, Invalid("Can't add virtual ip range into a zone with security group enabled")
	}
	r.ZoneID, r.PhysicalID, r.NetworkID, r.VLAN = zone.ID, p.ID, p.PublicNetworkID, "vlan://"+vlan
	return r, nil
}

// rangeOwner reads whom a range is for; account, project and domain are all optional.
func (c *Call) rangeOwner(r *AddressRange) error {
	account, project, domain := c.Str("account"), c.Str("projectid"), c.Str("domainid")
	switch {
	case r.ForSystem && account != "":
		return Invalid("Account name should not be provided when ForSystemVMs is enabled")
	case account != "" && project != "":
		return Invalid("Account and projectId are mutually exclusive")
	case project != "":
		p, ok := c.Projects.Get(project)
		if !ok {
			return Invalid("Unable to find project by id %s", project)
		}
		r.Owner = Owner{AccountID: p.AccountID, DomainID: p.DomainID, ProjectID: p.ID}
	case account != "":
		a, ok := c.Accounts.Find(func(a Account) bool { return a.Name == account && a.DomainID == domain })
		if !ok {
			return Invalid("Please specify a valid account.")
		}
		r.Owner = Owner{AccountID: a.ID, DomainID: a.DomainID}
	case domain != "":
		r.Owner = Owner{DomainID: domain}
	}
	return nil
}

// checkRange refuses a range that is none, or that another one overlaps.
func (c *Call) checkRange(r AddressRange) error {
	zone, _ := c.Zones.Get(r.ZoneID)
	gateway, err := netip.ParseAddr(r.Gateway)
	if err != nil || !gateway.Is4() {
		return Invalid("Please specify a valid gateway")
	}
	if _, ok := maskBits(r.Netmask); !ok {
		return Invalid("Please specify a valid netmask")
	}
	from, errFrom := netip.ParseAddr(r.StartIP)
	to, errTo := netip.ParseAddr(r.EndIP)
	prefix := r.prefix()
	guest, errGuest := netip.ParsePrefix(zone.GuestCIDR)
	tag, errTag := strconv.Atoi(strings.TrimPrefix(r.VLAN, "vlan://"))
	switch {
	case errFrom != nil || errTo != nil || to.Less(from) || !prefix.Contains(from) || !prefix.Contains(to):
		return Invalid("Please specify a valid IP range or valid netmask or valid gateway")
	case r.holds(r.Gateway):
		return Invalid("The gateway ip should not be the part of the ip range being added.")
	case rangeSize(from, to) > maxRange:
		return Internal("Failed to save IPv4 range. Please contact Cloud Support.")
	case !r.Guest && errGuest == nil && prefix.Overlaps(guest.Masked()):
		return Invalid("The new IP range you have specified has  overlapped with the guest network in zone: %s. Please specify a different gateway/netmask.", zone.Name)
	case !r.Guest && errTag == nil && c.guestVLAN(zone.ID, tag):
		return Invalid("The VLAN tag %d is already being used for dynamic vlan allocation for the guest network in zone %s", tag, zone.Name)
	}
	for o := range c.AddressRanges.All() {
		if err := r.conflict(o, zone); err != nil {
			return err
		}
	}
	return nil
}

func rangeSize(from, to netip.Addr) int {
	n := 1
	for a := from; a.Less(to) && n <= maxRange; a = a.Next() {
		n++
	}
	return n
}

// conflict refuses a range of which another one of the zone has addresses, or the subnet on another VLAN.
func (r AddressRange) conflict(o AddressRange, zone Zone) error {
	if o.ID == r.ID || o.ZoneID != r.ZoneID || !o.prefix().Overlaps(r.prefix()) {
		return nil
	}
	switch {
	case o.VLAN != r.VLAN && o.NetworkID != r.NetworkID && r.Guest:
		return nil // shared networks are kept apart by their VLANs
	case o.VLAN != r.VLAN:
		return Invalid("The IP range with tag: %s in zone %s has overlapped with the subnet. Please specify a different gateway/netmask.", o.VLAN, zone.Name)
	case o.Gateway != r.Gateway || o.Netmask != r.Netmask:
		return Invalid("The IP range has already been added with gateway %s ,and netmask %s, Please specify the gateway/netmask if you want to extend ip range", o.Gateway, o.Netmask)
	case o.holds(r.StartIP) || o.holds(r.EndIP) || r.holds(o.StartIP):
		return Invalid("The IP range already has IPs that overlap with the new range. Please specify a different start IP/end IP.")
	}
	return nil
}

// usedOf are the addresses of a range that somebody has.
func (c *Call) usedOf(r AddressRange) []string {
	var used []string
	if !r.Guest {
		for ip := range c.PublicIPs.All() {
			if ip.ZoneID == r.ZoneID && ip.State != IPFree && r.holds(ip.Address) {
				used = append(used, ip.Address)
			}
		}
		return used
	}
	for v := range c.VMs.All() {
		if nic, on := v.NICOn(r.NetworkID); on && r.holds(nic.IPAddress) {
			used = append(used, nic.IPAddress)
		}
	}
	return used
}

// updateRange moves the ends of a range; addresses in use must stay in it.
func updateRange(c *Call) (any, error) {
	old, _ := c.AddressRanges.Get(c.Str("id"))
	r := old
	r.StartIP, r.EndIP = c.Or("startip", r.StartIP), c.Or("endip", r.EndIP)
	r.Gateway, r.Netmask = c.Or("gateway", r.Gateway), c.Or("netmask", r.Netmask)
	r.ForSystem = c.Bool("forsystemvms", r.ForSystem)
	if err := c.checkRange(r); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(c.usedOf(old), func(a string) bool { return !r.holds(a) }); i >= 0 {
		return nil, Invalid("Cannot update the IP range: %s is in use and would be outside of it", c.usedOf(old)[i])
	}
	c.AddressRanges.Put(r)
	if !r.Guest {
		known := map[string]bool{}
		for ip := range c.PublicIPs.All() {
			if ip.ZoneID == r.ZoneID && old.holds(ip.Address) && !r.holds(ip.Address) {
				c.PublicIPs.Delete(ip.ID)
			}
			known[ip.Address] = true
		}
		r.eachAddress(func(address string) {
			if !known[address] {
				c.PublicIPs.Put(PublicIP{Base: c.PublicIPs.NewBase(), Address: address, ZoneID: r.ZoneID, State: IPFree})
			}
		})
	}
	c.Made(r.ID)
	return Obj{"vlan": c.rangeResponse(r)}, nil
}

func deleteRange(c *Call) (any, error) {
	r, ok := c.AddressRanges.Get(c.Str("id"))
	if !ok {
		return nil, Invalid("Please specify a valid IP range id.")
	}
	if used := len(c.usedOf(r)); used > 0 {
		return nil, Invalid("%d  Ips are in use. Cannot delete this vlan", used)
	}
	c.dropRange(r)
	c.Made(r.ID)
	return Success(), nil
}

// dropRange removes a range with its addresses.
func (c *Call) dropRange(r AddressRange) {
	for ip := range c.PublicIPs.All() {
		if !r.Guest && ip.ZoneID == r.ZoneID && r.holds(ip.Address) {
			c.PublicIPs.Delete(ip.ID)
		}
	}
	c.AddressRanges.Delete(r.ID)
}

func listRanges(c *Call) (any, error) {
	var owner Owner
	if account := c.Str("account"); account != "" {
		if c.Has("projectid") {
			return nil, Invalid("Account and projectId can't be specified together")
		}
		a, ok := c.Accounts.Find(func(a Account) bool { return a.Name == account && c.is("domainid", a.DomainID) })
		if !ok {
			return nil, Invalid("Unable to find account %s in specified domain", account)
		}
		owner.AccountID = a.ID
	} else if p, ok := c.Projects.Get(c.Str("projectid")); ok {
		owner.AccountID = p.AccountID
	}
	rows := c.AddressRanges.Where(func(r AddressRange) bool {
		return c.is("id", r.ID) && c.is("zoneid", r.ZoneID) && c.is("networkid", r.NetworkID) && c.is("physicalnetworkid", r.PhysicalID) && c.is("podid", r.PodID) &&
			(!c.Has("vlan") || strings.TrimPrefix(c.Str("vlan"), "vlan://") == strings.TrimPrefix(r.VLAN, "vlan://")) &&
			c.isBool("forvirtualnetwork", !r.Guest) && (owner.AccountID == "" || r.AccountID == owner.AccountID) && strings.Contains(r.VLAN, c.Str("keyword"))
	})
	return Listing("vlaniprange", rows, c.rangeResponse), nil
}

func (c *Call) rangeResponse(r AddressRange) Obj {
	o := Obj{"id": r.ID, "forvirtualnetwork": !r.Guest, "zoneid": r.ZoneID, "vlan": r.VLAN, "gateway": r.Gateway, "netmask": r.Netmask,
		"cidr": r.prefix().String(), "startip": r.StartIP, "endip": r.EndIP, "networkid": r.NetworkID, "physicalnetworkid": r.PhysicalID, "forsystemvms": r.ForSystem}
	owner := r.Owner
	if n, ok := c.Networks.Any(r.NetworkID); ok && r.Guest && owner == (Owner{}) {
		owner = n.Owner
	}
	if owner != (Owner{}) { // a public range of the whole zone is nobody's
		c.putOwner(o, owner)
	}
	if p, ok := c.Pods.Any(r.PodID); ok {
		o["podid"], o["podname"] = p.ID, p.Name
	}
	return o
}

func dedicateRange(c *Call) (any, error) {
	r, _ := c.AddressRanges.Get(c.Str("id"))
	if r.Guest {
		return nil, Invalid("Public IP range can be dedicated to an account only in the zone of type Advanced")
	}
	if r.AccountID != "" || r.DomainID != "" {
		return nil, Invalid("Public IP range %s is already dedicated", r.ID)
	}
	if err := c.rangeOwner(&r); err != nil {
		return nil, err
	}
	for ip := range c.PublicIPs.All() {
		if ip.ZoneID == r.ZoneID && ip.State != IPFree && r.holds(ip.Address) && ip.AccountID != r.AccountID {
			return nil, Invalid("Public IP address in range is allocated to another account ")
		}
	}
	c.AddressRanges.Put(r)
	c.Made(r.ID)
	return Obj{"vlan": c.rangeResponse(r)}, nil
}

// releaseRange gives a dedicated range back to everybody.
func releaseRange(c *Call) (any, error) {
	r, _ := c.AddressRanges.Get(c.Str("id"))
	switch {
	case r.AccountID == "" && r.DomainID == "":
		return nil, Invalid("Can't release Public IP range %s as it not dedicated to any domain and any account", r.ID)
	case len(c.usedOf(r)) > 0:
		return nil, Invalid("Can't release Public IP range with id %s because there are public IP addresses in use", r.ID)
	}
	r.Owner = Owner{}
	c.AddressRanges.Put(r)
	c.Made(r.ID)
	return Success(), nil
}

// vlanURI is how a VLAN shows; networks without one are untagged.
func vlanURI(vlan int) string {
	if vlan == 0 {
		return "vlan://untagged"
	}
	return "vlan://" + strconv.Itoa(vlan)
}

// putGuestRange notes the range that a shared network is made with.
func (c *Call) putGuestRange(n Network) {
	if n.Type != "Shared" || n.StartIP == "" {
		return
	}
	c.AddressRanges.Put(AddressRange{Base: c.AddressRanges.NewBase(), ZoneID: n.ZoneID, PhysicalID: n.PhysicalID, NetworkID: n.ID, VLAN: vlanURI(n.VLAN),
		Gateway: n.Gateway, Netmask: n.Netmask, StartIP: n.StartIP, EndIP: n.EndIP, Guest: true})
}

// forgetRanges removes the ranges of a shared network that goes.
func (c *Call) forgetRanges(n Network) {
	for r := range c.AddressRanges.All() {
		if r.Guest && r.NetworkID == n.ID {
			c.AddressRanges.Delete(r.ID)
		}
	}
}

// freeInRanges is a free address of the ranges that were added to a shared network; "" if there is none.
func (c *Call) freeInRanges(n Network, used map[string]bool) string {
	free := ""
	for r := range c.AddressRanges.All() {
		if !r.Guest || r.NetworkID != n.ID {
			continue
		}
		r.eachAddress(func(a string) {
			if free == "" && !used[a] {
				free = a
			}
		})
	}
	return free
}

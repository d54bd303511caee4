package cloudsim

import (
	"strconv"
	"strings"
)

// vlanCommands keep guest VLANs for single accounts.
var vlanCommands = map[string]command{
	"dedicateGuestVlanRange":         {run: dedicateVLANs, rootOnly: true, event: "GUESTVLANRANGE.DEDICATE"},
	"releaseDedicatedGuestVlanRange": {start: startGiven, job: releaseVLANsJob, id: kindGuestVLAN, rootOnly: true, event: "GUESTVLANRANGE.RELEASE"},
	"listDedicatedGuestVlanRanges":   {run: listDedicatedVLANs, id: kindGuestVLAN, rootOnly: true},
	"listGuestVlans":                 {run: listGuestVLANs, id: kindAny, rootOnly: true},
}

// mayTakeVLAN reports whether a new network of an owner may take a VLAN: not one that is kept for somebody else.
func (c *Call) mayTakeVLAN(physicalID string, vlan int, owner Owner) bool {
	kept, ok := c.GuestVLANs.Find(func(r GuestVLANRange) bool { return r.PhysicalID == physicalID && r.From <= vlan && vlan <= r.To })
	return !ok || kept.AccountID == owner.AccountID
}

func (r GuestVLANRange) text() string { return strconv.Itoa(r.From) + "-" + strconv.Itoa(r.To) }

func dedicateVLANs(c *Call) (any, error) {
	text := c.Str("vlanrange")
	p, _ := c.PhysicalNetworks.Get(c.Str("physicalnetworkid"))
	owner, err := c.vlanOwner()
	if err != nil {
		return nil, err
	}
	from, to, ok := strings.Cut(text, "-")
	if !ok {
		return nil, Invalid("Invalid format for parameter value vlan %s .Vlan should be specified as 'startvlan-endvlan'", text)
	}
	lo, errLo := strconv.Atoi(from)
	hi, errHi := strconv.Atoi(to)
	switch {
	case errLo != nil || errHi != nil || lo > hi:
		return nil, Invalid("Please provide valid guest vlan range")
	case !vlanIn(lo, p.VLAN) || !vlanIn(hi, p.VLAN):
		return nil, Invalid("Unable to find guest vlan by range %s", text)
	}
	for n := range c.Networks.All() {
		if n.PhysicalID == p.ID && lo <= n.VLAN && n.VLAN <= hi && n.AccountID != owner.AccountID {
			return nil, Invalid("Guest vlan from this range %s is allocated to a different account. Can only dedicate a range which has no allocated vlans or has vlans allocated to the same account ", text)
		}
	}
	if _, taken := c.GuestVLANs.Find(func(r GuestVLANRange) bool { return r.PhysicalID == p.ID && r.From <= hi && lo <= r.To }); taken {
		return nil, Invalid("Vlan range is already dedicated. Cannot dedicate guest vlan range %s", text)
	}
	r := GuestVLANRange{Base: c.GuestVLANs.NewBase(), Owner: owner, PhysicalID: p.ID, From: lo, To: hi}
	c.GuestVLANs.Put(r)
	c.Made(r.ID)
	return Obj{"dedicatedguestvlanrange": c.guestVLANResponse(r)}, nil
}

// vlanOwner is the account or project that VLANs are to be kept for.
func (c *Call) vlanOwner() (Owner, error) {
	account, project := c.Str("account"), c.Str("projectid")
	switch {
	case account != "" && project != "":
		return Owner{}, Invalid("accountName and projectId are mutually exclusive")
	case project != "":
		return c.projectOwner(project)
	}
	a, ok := c.Accounts.Find(func(a Account) bool {
		return a.Name == account && a.DomainID == c.Or("domainid", c.Caller.Account.DomainID)
	})
	if !ok {
		return Owner{}, Invalid("Unable to find account by name %s", account)
	}
	return Owner{AccountID: a.ID, DomainID: a.DomainID}, nil
}

func (c *Call) guestVLANResponse(r GuestVLANRange) Obj {
	p, _ := c.PhysicalNetworks.Any(r.PhysicalID)
	zone, _ := c.Zones.Any(p.ZoneID)
	o := Obj{"id": r.ID, "guestvlanrange": r.text(), "physicalnetworkid": p.N, "zoneid": zone.N}
	c.putOwner(o, r.Owner)
	return o
}

func releaseVLANsJob(c *Call) (Obj, error) {
	c.GuestVLANs.Delete(c.EntityID)
	return Success(), nil
}

func listDedicatedVLANs(c *Call) (any, error) {
	rows := c.GuestVLANs.Where(func(r GuestVLANRange) bool {
		p, _ := c.PhysicalNetworks.Any(r.PhysicalID)
		a, _ := c.Accounts.Any(r.AccountID)
		return c.is("id", r.ID) && c.is("guestvlanrange", r.text()) && c.is("physicalnetworkid", p.ID) && c.is("zoneid", p.ZoneID) && c.is("account", a.Name) &&
			c.is("domainid", r.DomainID) && c.is("projectid", r.ProjectID)
	})
	return Listing("dedicatedguestvlanrange", rows, c.guestVLANResponse), nil
}

// guestVLANRow is one VLAN of a physical network and who has it.
type guestVLANRow struct {
	number   int
	physical PhysicalNetwork
	network  Network
	taken    bool
	kept     GuestVLANRange
}

func listGuestVLANs(c *Call) (any, error) {
	var rows []guestVLANRow
	for p := range c.PhysicalNetworks.All() {
		if !c.is("physicalnetworkid", p.ID) || !c.is("zoneid", p.ZoneID) {
			continue
		}
		used := map[int]Network{}
		for n := range c.Networks.All() {
			if n.PhysicalID == p.ID && n.VLAN > 0 {
				used[n.VLAN] = n
			}
		}
		for v := 0; v <= maxVLAN; v++ {
			if !vlanIn(v, p.VLAN) || !c.is("vnet", strconv.Itoa(v)) || !c.is("id", strconv.Itoa(v)) {
				continue
			}
			row := guestVLANRow{number: v, physical: p}
			row.network, row.taken = used[v]
			row.kept, _ = c.GuestVLANs.Find(func(r GuestVLANRange) bool { return r.PhysicalID == p.ID && r.From <= v && v <= r.To })
			if row.taken || !c.Bool("allocatedonly", true) {
				rows = append(rows, row)
			}
		}
	}
	return Listing("guestvlan", rows, c.guestVLANRowResponse), nil
}

func (c *Call) guestVLANRowResponse(r guestVLANRow) Obj {
	o := Obj{"id": r.number, "vlan": strconv.Itoa(r.number), "allocationstate": "Free", "isdedicated": r.kept.ID != "", "physicalnetworkid": r.physical.ID,
		"physicalnetworkname": r.physical.Name}
	c.putZone(o, r.physical.ZoneID)
	if r.taken {
		o["allocationstate"], o["taken"] = "Allocated", timeText(r.network.Created)
		o["network"] = []Obj{{"id": r.network.ID, "name": r.network.Name}}
		c.putOwner(o, r.network.Owner)
	} else if r.kept.ID != "" {
		c.putOwner(o, r.kept.Owner)
	}
	return o
}

package cloudsim

import (
	"slices"
	"strings"

	"github.com/moldctl/moldctl/internal/cloudsim/content"
)

// placeCommands are zones, hosts, offerings and systems: what the operator of a cloud provides.
var placeCommands = map[string]command{
	"listZones":            {run: listZones, id: kindZone},
	"listPods":             {run: listPods, id: kindPod, rootOnly: true},
	"listPhysicalNetworks": {run: listPhysicalNetworks, id: kindPhysicalNetwork, rootOnly: true},
	"listHypervisors":      {run: listHypervisors},
	"listOsTypes":          {run: listOSTypes, id: kindOSType},
	"listOsCategories":     {run: listOSCategories, id: kindOSCategory},
	"listServiceOfferings": {run: listServiceOfferings, id: kindServiceOffering},
	"listDiskOfferings":    {run: listDiskOfferings, id: kindDiskOffering},
	"listNetworkOfferings": {run: listNetworkOfferings, id: kindNetworkOffering},
	"listVPCOfferings":     {run: listVPCOfferings, id: kindVPCOffering},
}

// named reports whether a row passes the filters id, ids, name (exact) and keyword (part of one of the texts).
func (c *Call) named(id, name string, texts ...string) bool {
	if c.Has("id") && c.Str("id") != id {
		return false
	}
	if ids := c.List("ids"); len(ids) > 0 && !slices.Contains(ids, id) {
		return false
	}
	if !c.is("name", name) {
		return false
	}
	keyword := strings.ToLower(c.Str("keyword"))
	if keyword == "" || strings.Contains(strings.ToLower(name), keyword) {
		return true
	}
	return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(strings.ToLower(t), keyword) })
}

// is reports whether a filter parameter was not given or equals a value; its case does not matter, as in the server's database.
func (c *Call) is(param, value string) bool {
	return !c.Has(param) || strings.EqualFold(c.Str(param), value)
}

// isBool is is for booleans.
func (c *Call) isBool(param string, value bool) bool {
	return !c.Has(param) || c.Bool(param, false) == value
}

func listZones(c *Call) (any, error) {
	rows := c.Zones.Where(func(z Zone) bool {
		// available=false asks for the zones in which the caller has a machine.
		_, inhabited := c.VMs.Find(func(v VM) bool { return v.ZoneID == z.ID && v.AccountID == c.Caller.Account.ID })
		return c.named(z.ID, z.Name) && c.is("networktype", z.NetworkType) && (c.Bool("available", true) || inhabited)
	})
	return Listing("zone", rows, zoneResponse), nil
}

func zoneResponse(z Zone) Obj {
	o := Obj{"id": z.ID, "name": z.Name, "dns1": z.DNS1, "internaldns1": z.InternalDNS1, "guestcidraddress": z.GuestCIDR,
		"networktype": z.NetworkType, "securitygroupsenabled": z.SecurityGroups, "gputotal": 0, "gpuused": 0,
		"allocationstate": z.AllocationState, "zonetoken": z.Token, "dhcpprovider": "VirtualRouter", "localstorageenabled": z.LocalStorage,
		"tags": []Obj{}, "allowuserspecifyvrmtu": false, "routerprivateinterfacemaxmtu": 1500, "routerpublicinterfacemaxmtu": 1500,
		"type": "Core", "isnsxenabled": false, "ismultiarch": false, "asnrange": "", "routedmodeenabled": true, "hasannotations": false}
	return o.Opt("dns2", z.DNS2).Opt("internaldns2", z.InternalDNS2).Opt("domain", z.Domain)
}

func (c *Call) putZone(o Obj, id string) {
	if z, ok := c.Zones.Any(id); ok {
		o["zoneid"], o["zonename"] = z.ID, z.Name
	}
}

func listPods(c *Call) (any, error) {
	rows := c.Pods.Where(func(p Pod) bool { return c.named(p.ID, p.Name) && c.is("zoneid", p.ZoneID) })
	return Listing("pod", rows, c.podResponse), nil
}

func listPhysicalNetworks(c *Call) (any, error) {
	rows := c.PhysicalNetworks.Where(func(p PhysicalNetwork) bool { return c.named(p.ID, p.Name) && c.is("zoneid", p.ZoneID) })
	return Listing("physicalnetwork", rows, c.physicalResponse), nil
}

func listHypervisors(c *Call) (any, error) {
	names := c.hypervisors(c.Str("zoneid"))
	if !c.Has("zoneid") { // all that the server knows
		var known []struct{ Name string }
		if err := content.Read("hypervisors", &known); err != nil {
			return nil, err
		}
		names = names[:0]
		for _, h := range known {
			names = append(names, h.Name)
		}
	}
	return Listing("hypervisor", names, func(n string) Obj { return Obj{"name": n} }), nil
}

// hypervisors are those of the clusters of a zone ("" for all), each once.
func (c *Call) hypervisors(zoneID string) []string {
	var names []string
	for r := range c.Clusters.All() {
		if (zoneID == "" || r.ZoneID == zoneID) && !slices.Contains(names, r.Hypervisor) {
			names = append(names, r.Hypervisor)
		}
	}
	return names
}

// hypervisorOf is what the machines of a zone usually run on.
func (c *Call) hypervisorOf(zoneID string) string {
	if names := c.hypervisors(zoneID); len(names) > 0 {
		return names[0]
	}
	return "None"
}

func listOSTypes(c *Call) (any, error) {
	rows := c.OSTypes.Where(func(o OSType) bool {
		return c.named(o.ID, o.Name) && c.is("oscategoryid", o.CategoryID) && c.is("description", o.Name)
	})
	return Listing("ostype", rows, osResponse), nil
}

func listOSCategories(c *Call) (any, error) {
	seen := make(map[string]bool)
	rows := c.OSTypes.Where(func(o OSType) bool {
		first := !seen[o.CategoryID] && o.CategoryID != ""
		seen[o.CategoryID] = true
		return first && c.named(o.CategoryID, o.CategoryName)
	})
	return Listing("oscategory", rows, func(o OSType) Obj {
		return Obj{"id": o.CategoryID, "name": o.CategoryName, "isfeatured": true}
	}), nil
}

package cloudsim

import (
	"slices"
	"strings"
)

// dedicationCommands keep zones, pods, clusters and hosts for a domain or an account. Machines get there through an affinity
// group that comes with the dedication.
var dedicationCommands = map[string]command{
	"dedicateZone":            {start: startDedicate("zone"), job: dedicateJob("zone"), rootOnly: true, event: "DEDICATE.RESOURCE"},
	"dedicatePod":             {start: startDedicate("pod"), job: dedicateJob("pod"), rootOnly: true, event: "DEDICATE.RESOURCE"},
	"dedicateCluster":         {start: startDedicate("cluster"), job: dedicateJob("cluster"), rootOnly: true, event: "DEDICATE.RESOURCE"},
	"dedicateHost":            {start: startDedicate("host"), job: dedicateJob("host"), rootOnly: true, event: "DEDICATE.RESOURCE"},
	"releaseDedicatedZone":    {start: startUndedicate("zone"), job: undedicateJob("zone"), rootOnly: true, event: "DEDICATE.RESOURCE.RELEASE"},
	"releaseDedicatedPod":     {start: startUndedicate("pod"), job: undedicateJob("pod"), rootOnly: true, event: "DEDICATE.RESOURCE.RELEASE"},
	"releaseDedicatedCluster": {start: startUndedicate("cluster"), job: undedicateJob("cluster"), rootOnly: true, event: "DEDICATE.RESOURCE.RELEASE"},
	"releaseDedicatedHost":    {start: startUndedicate("host"), job: undedicateJob("host"), rootOnly: true, event: "DEDICATE.RESOURCE.RELEASE"},
	"listDedicatedZones":      {run: listDedicated("zone"), rootOnly: true},
	"listDedicatedPods":       {run: listDedicated("pod"), rootOnly: true},
	"listDedicatedClusters":   {run: listDedicated("cluster"), rootOnly: true},
	"listDedicatedHosts":      {run: listDedicated("host"), rootOnly: true},
}

// affinityDedicated is the type of the affinity groups that come with dedications.
const affinityDedicated = "ExplicitDedication"

// placesAround are a host and all that it lies in.
func (t *Tables) placesAround(h Host) []string { return []string{h.ID, h.ClusterID, h.PodID, h.ZoneID} }

// mayPlace reports whether a machine may run on a host: dedicated ones are for machines of their affinity group, and those
// run nowhere else.
func (t *Tables) mayPlace(h Host, vm VM) bool {
	groups := map[string]bool{}
	for d := range t.Dedications.All() {
		if slices.Contains(t.placesAround(h), d.ResourceID) {
			groups[d.AffinityGroupID] = true
		}
	}
	dedicated := false
	for _, id := range vm.AffinityGroupIDs {
		if groups[id] {
			return true
		}
		g, _ := t.AffinityGroups.Get(id)
		dedicated = dedicated || g.Type == affinityDedicated
	}
	return len(groups) == 0 && !dedicated
}

func startDedicate(kind string) func(*Call) (string, error) {
	return func(c *Call) (string, error) {
		_, err := c.dedicationOwner()
		return c.Str(kind + "id"), err
	}
}

// dedicationOwner is whom something is kept for; without an account it is a whole domain.
func (c *Call) dedicationOwner() (Owner, error) {
	d, ok := c.Domains.Get(c.Str("domainid"))
	if !ok {
		return Owner{}, Invalid("Unable to find the domain by id %s, please specify valid domainId", c.Str("domainid"))
	}
	name := c.Str("account")
	if name == "" {
		return Owner{DomainID: d.ID}, nil
	}
	a, ok := c.Accounts.Find(func(a Account) bool { return a.Name == name && a.DomainID == d.ID })
	if !ok {
		return Owner{}, Invalid("Unable to find account %s in domain %s", name, d.Name)
	}
	return Owner{AccountID: a.ID, DomainID: d.ID}, nil
}

func dedicateJob(kind string) func(*Call) (Obj, error) {
	return func(c *Call) (Obj, error) {
		owner, err := c.dedicationOwner()
		if err != nil {
			return nil, err
		}
		if _, taken := c.Dedications.Find(func(d Dedication) bool { return d.ResourceID == c.EntityID }); taken {
			return nil, Internal("%s %s is already dedicated", strings.ToUpper(kind[:1])+kind[1:], c.EntityID)
		}
		for v := range c.VMs.All() {
			h, _ := c.Hosts.Get(v.HostID)
			foreign := owner.AccountID != "" && v.AccountID != owner.AccountID || owner.AccountID == "" && !c.inDomain(v.DomainID, owner.DomainID)
			if foreign && h.ID != "" && slices.Contains(c.placesAround(h), c.EntityID) {
				return nil, Internal("%s %s has machines of others: %s", strings.ToUpper(kind[:1])+kind[1:], c.EntityID, v.InstanceName)
			}
		}
		d := Dedication{Base: c.Dedications.NewBase(), Owner: owner, Kind: kind, ResourceID: c.EntityID, AffinityGroupID: c.dedicationGroup(owner).ID}
		c.Dedications.Put(d)
		return Obj{"dedicated" + kind: c.dedicationResponse(d)}, nil
	}
}

// dedicationGroup is the affinity group that leads to what is kept for an owner.
func (c *Call) dedicationGroup(owner Owner) AffinityGroup {
	if old, ok := c.Dedications.Find(func(d Dedication) bool { return d.Owner == owner }); ok {
		if g, ok := c.AffinityGroups.Get(old.AffinityGroupID); ok {
			return g
		}
	}
	of := owner
	name := "DedicatedGrp-domain-"
	if a, ok := c.Accounts.Get(owner.AccountID); ok {
		name = "DedicatedGrp-" + a.Name
	} else {
		d, _ := c.Domains.Get(owner.DomainID)
		name += d.Name
		of.AccountID = c.operator().AccountID
	}
	g := AffinityGroup{Base: c.AffinityGroups.NewBase(), Owner: of, Name: name, Description: "Dedicated resources", Type: affinityDedicated}
	c.AffinityGroups.Put(g)
	return g
}

func (c *Call) dedicationResponse(d Dedication) Obj {
	o := Obj{"id": d.ID, d.Kind + "id": d.ResourceID, "domainid": d.DomainID, "affinitygroupid": d.AffinityGroupID}
	o.Opt(d.Kind+"name", c.placeName(d.ResourceID))
	return o.Opt("accountid", d.AccountID)
}

// placeName is the name of a zone, pod, cluster or host.
func (c *Call) placeName(id string) string {
	z, _ := c.Zones.Any(id)
	p, _ := c.Pods.Any(id)
	r, _ := c.Clusters.Any(id)
	h, _ := c.Hosts.Any(id)
	return z.Name + p.Name + r.Name + h.Name // only one of them is there
}

func startUndedicate(kind string) func(*Call) (string, error) {
	return func(c *Call) (string, error) { return c.Str(kind + "id"), nil }
}

func undedicateJob(kind string) func(*Call) (Obj, error) {
	return func(c *Call) (Obj, error) {
		if _, ok := c.Dedications.Find(func(d Dedication) bool { return d.ResourceID == c.EntityID }); !ok {
			return nil, Invalid("No Dedicated Resource available to release")
		}
		c.forgetDedication(c.EntityID)
		return Success(), nil
	}
}

// forgetDedication gives something back to everybody; the last one of an owner takes the affinity group along.
func (c *Call) forgetDedication(resourceID string) {
	d, ok := c.Dedications.Find(func(d Dedication) bool { return d.ResourceID == resourceID })
	if !ok {
		return
	}
	c.Dedications.Delete(d.ID)
	if _, more := c.Dedications.Find(func(o Dedication) bool { return o.AffinityGroupID == d.AffinityGroupID }); more {
		return
	}
	for v := range c.VMs.All() {
		if slices.Contains(v.AffinityGroupIDs, d.AffinityGroupID) {
			v.AffinityGroupIDs = slices.DeleteFunc(slices.Clone(v.AffinityGroupIDs), func(id string) bool { return id == d.AffinityGroupID })
			c.VMs.Put(v)
		}
	}
	c.AffinityGroups.Delete(d.AffinityGroupID)
}

func listDedicated(kind string) func(*Call) (any, error) {
	return func(c *Call) (any, error) {
		rows := c.Dedications.Where(func(d Dedication) bool {
			a, _ := c.Accounts.Any(d.AccountID)
			return d.Kind == kind && c.is(kind+"id", d.ResourceID) && c.is("domainid", d.DomainID) && c.is("affinitygroupid", d.AffinityGroupID) && c.is("account", a.Name)
		})
		return Listing("dedicated"+kind, rows, c.dedicationResponse), nil
	}
}

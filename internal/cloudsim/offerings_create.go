package cloudsim

import (
	"slices"
	"strconv"
	"strings"
)

// offeringCommands change what machines, disks and networks are offered.
var offeringCommands = map[string]command{
	"createServiceOffering": {run: createServiceOffering, kinds: map[string]kind{"domainid": kindDomain}, rootOnly: true, event: "SERVICE.OFFERING.CREATE"},
	"updateServiceOffering": {run: updateServiceOffering, id: kindServiceOffering, kinds: anyScope, rootOnly: true, event: "SERVICE.OFFERING.EDIT"},
	"deleteServiceOffering": {run: deleteServiceOffering, id: kindServiceOffering, rootOnly: true, event: "SERVICE.OFFERING.DELETE"},
	"createDiskOffering":    {run: createDiskOffering, rootOnly: true, event: "DISK.OFFERING.CREATE"},
	"updateDiskOffering":    {run: updateDiskOffering, id: kindDiskOffering, kinds: anyScope, rootOnly: true, event: "DISK.OFFERING.EDIT"},
	"deleteDiskOffering":    {run: deleteDiskOffering, id: kindDiskOffering, rootOnly: true, event: "DISK.OFFERING.DELETE"},
}

// anyScope lets "public" and "all" through where an update names domains or zones.
var anyScope = map[string]kind{"domainid": kindAny, "zoneid": kindAny}

// offeringDetailParams are the limits of a size that the deploy call chooses, in the details of the offering.
var offeringDetailParams = []string{"mincpunumber", "maxcpunumber", "minmemory", "maxmemory"}

func createServiceOffering(c *Call) (any, error) {
	o := ServiceOffering{Name: c.Str("name"), DisplayText: c.Or("displaytext", c.Str("name")), CPUNumber: c.Int("cpunumber", 0), CPUSpeed: c.Int("cpuspeed", 0),
		Memory: c.Int("memory", 0), DynamicScaling: c.Bool("dynamicscalingenabled", true), OfferHA: c.Bool("offerha", false), RootDiskSize: c.Int64("rootdisksize", 0),
		ProvisioningType: c.Or("provisioningtype", "thin"), LimitCPUUse: c.Bool("limitcpuuse", false), NetworkRate: c.Int("networkrate", 0),
		Volatile: c.Bool("isvolatile", false), EncryptRoot: c.Bool("encryptroot", false), HostTags: c.Str("hosttags"), Made: true}
	if tags, given := c.Params["tags"]; given {
		o.StorageTags = &tags
	}
	if err := c.fillSize(&o); err != nil {
		return nil, err
	}
	if ids := c.List("domainid"); len(ids) > 0 {
		o.DomainIDs = ids
	}
	o.ZoneIDs = c.List("zoneid")
	for k, v := range c.Map("serviceofferingdetails") {
		o.detail(k, v)
	}
	o.Base = c.ServiceOfferings.NewBase()
	o.DiskOfferingID = newUUID()
	if id := c.Str("diskofferingid"); id != "" {
		o.DiskOfferingID = id
	}
	o.DiskOfferingName, o.DiskOfferingText = o.Name, o.DisplayText
	c.ServiceOfferings.Put(o)
	c.Made(o.ID)
	return Obj{"serviceoffering": c.serviceOfferingResponse(o)}, nil
}

func (o *ServiceOffering) detail(key, value string) {
	if o.Details == nil {
		o.Details = make(map[string]string)
	}
	o.Details[key] = value
}

// fillSize decides whether an offering is fixed, chosen within limits, or free.
func (c *Call) fillSize(o *ServiceOffering) error {
	limits := 0
	for _, p := range offeringDetailParams {
		if c.Has(p) {
			limits++
			o.detail(p, c.Str(p))
		}
	}
	fixed := o.CPUNumber > 0 && o.CPUSpeed > 0 && o.Memory > 0
	switch {
	case limits > 0 && (o.CPUNumber > 0 || o.Memory > 0):
		return Invalid("Both CPU and memory cannot be specified together with their minimum and maximum")
	case limits > 0 && limits < len(offeringDetailParams):
		return Invalid("Min/max cpu and memory must all be specified for a constrained custom compute offering")
	case limits > 0 && o.CPUSpeed <= 0:
		return Invalid("Failed to create service offering %s: specify the cpu speed value between 1 and 2147483647", o.Name)
	case limits > 0 || c.Bool("customized", false):
		o.Customized = true
		return nil
	case fixed:
		return nil
	case o.CPUNumber == 0 && o.CPUSpeed == 0 && o.Memory == 0:
		o.Customized = true
		return nil
	}
	return Invalid("For creating a custom compute offering cpu and memory all should be null")
}

func updateServiceOffering(c *Call) (any, error) {
	o, ok := c.ServiceOfferings.Get(c.Str("id"))
	if !ok {
		return nil, Invalid("unable to find service offering %s", c.Str("id"))
	}
	o.Name, o.DisplayText, o.HostTags = c.Or("name", o.Name), c.Or("displaytext", o.DisplayText), c.Or("hosttags", o.HostTags)
	if o.DiskOfferingName == "" {
		old, _ := c.ServiceOfferings.Get(o.ID)
		o.DiskOfferingName, o.DiskOfferingText = old.Name, old.DisplayText
	}
	if tags, given := c.Params["storagetags"]; given {
		o.StorageTags = nil
		if tags != "" {
			o.StorageTags = &tags
		}
	}
	if s := c.Str("state"); s != "" {
		if !slices.Contains([]string{"active", "inactive"}, strings.ToLower(s)) {
			return nil, Invalid("Invalid state %s of a service offering: want Active or Inactive", s)
		}
		o.State = strings.ToUpper(s[:1]) + strings.ToLower(s[1:])
	}
	o.SortKey = c.Int("sortkey", o.SortKey)
	o.DomainIDs, o.ZoneIDs = c.scopeOf("domainid", o.DomainIDs), c.scopeOf("zoneid", o.ZoneIDs)
	c.ServiceOfferings.Put(o)
	c.Made(o.ID)
	return Obj{"serviceoffering": c.serviceOfferingResponse(o)}, nil
}

// scopeOf is what an update makes of the domains or zones of an offering: "public" and "all" open it to everybody.
func (c *Call) scopeOf(param string, old []string) []string {
	switch v := strings.ToLower(c.Str(param)); v {
	case "":
		return old
	case "public", "all":
		return nil
	}
	return c.List(param)
}

// deleteServiceOffering hides an offering from then on; machines keep it.
func deleteServiceOffering(c *Call) (any, error) {
	o, ok := c.ServiceOfferings.Get(c.Str("id"))
	if !ok {
		return nil, Invalid("unable to find service offering %s", c.Str("id"))
	}
	now := c.Now()
	o.Removed, o.State = &now, "Inactive"
	c.ServiceOfferings.Put(o)
	c.Made(o.ID)
	return Success(), nil
}

// diskRates are the limits of a disk's throughput: parameter and field of the answer.
var diskRates = []struct{ param, field string }{{"bytesreadrate", "diskBytesReadRate"}, {"byteswriterate", "diskBytesWriteRate"},
	{"iopsreadrate", "diskIopsReadRate"}, {"iopswriterate", "diskIopsWriteRate"}}

func createDiskOffering(c *Call) (any, error) {
	o := DiskOffering{Name: c.Str("name"), DisplayText: c.Or("displaytext", c.Str("name")), Size: c.Int64("disksize", 0), Customized: c.Bool("customized", false),
		Hidden: !c.Bool("displayoffering", true), Tags: c.Str("tags"), ProvisioningType: c.Or("provisioningtype", "thin"), StorageType: c.Or("storagetype", "shared"),
		DomainIDs: c.List("domainid"), ZoneIDs: c.List("zoneid"), Strict: c.Bool("disksizestrictness", false), Encrypt: c.Bool("encrypt", false)}
	switch {
	case !o.Customized && !c.Has("disksize"):
		return nil, Invalid("Disksize is required for a non-customized disk offering")
	case !o.Customized && o.Size < 1:
		return nil, Invalid("Please specify a disk size of at least 1 Gb.")
	case o.Customized:
		o.Size = 0
	}
	for _, r := range diskRates {
		if n := c.Int64(r.param, 0); n > 0 {
			if o.Rates == nil {
				o.Rates = make(map[string]int64)
			}
			o.Rates[r.field] = n
		}
	}
	o.Base = c.DiskOfferings.NewBase()
	c.DiskOfferings.Put(o)
	c.Made(o.ID)
	return Obj{"diskoffering": c.diskOfferingResponse(o)}, nil
}

func (c *Call) diskOfferingResponse(o DiskOffering) Obj {
	r := Obj{"id": o.ID, "name": o.Name, "state": valueOr(o.State, "Active"), "displaytext": o.DisplayText, "disksize": o.Size,
		"created": timeText(o.Created), "iscustomized": o.Customized, "storagetype": valueOr(o.StorageType, "shared"),
		"provisioningtype": valueOr(o.ProvisioningType, "thin"), "displayoffering": !o.Hidden, "disksizestrictness": o.Strict, "encrypt": o.Encrypt,
		"hasannotations": false}
	for field, n := range o.Rates {
		r[field] = n
	}
	c.putScope(r, o.DomainIDs, o.ZoneIDs)
	return r.Opt("tags", o.Tags)
}

// putScope adds the domains and zones an offering is for.
func (c *Call) putScope(o Obj, domains, zones []string) {
	var names []string
	for _, id := range domains {
		d, _ := c.Domains.Any(id)
		names = append(names, d.Name)
	}
	o.Opt("domainid", strings.Join(domains, ",")).Opt("domain", strings.Join(names, ","))
	names = nil
	for _, id := range zones {
		z, _ := c.Zones.Any(id)
		names = append(names, z.Name)
	}
	o.Opt("zoneid", strings.Join(zones, ",")).Opt("zone", strings.Join(names, ","))
}

func updateDiskOffering(c *Call) (any, error) {
	o, ok := c.DiskOfferings.Get(c.Str("id"))
	if !ok {
		return nil, Invalid("Unable to find disk offering by id %s", c.Str("id"))
	}
	o.Name, o.DisplayText, o.Tags = c.Or("name", o.Name), c.Or("displaytext", o.DisplayText), c.Or("tags", o.Tags)
	o.Hidden, o.SortKey = !c.Bool("displayoffering", !o.Hidden), c.Int("sortkey", o.SortKey)
	if s := c.Str("state"); s != "" {
		o.State = strings.ToUpper(s[:1]) + strings.ToLower(s[1:])
	}
	o.DomainIDs, o.ZoneIDs = c.scopeOf("domainid", o.DomainIDs), c.scopeOf("zoneid", o.ZoneIDs)
	c.DiskOfferings.Put(o)
	c.Made(o.ID)
	return Obj{"diskoffering": c.diskOfferingResponse(o)}, nil
}

func deleteDiskOffering(c *Call) (any, error) {
	o, ok := c.DiskOfferings.Get(c.Str("id"))
	if !ok {
		return nil, Invalid("Unable to find disk offering by id %s", c.Str("id"))
	}
	now := c.Now()
	o.Removed, o.State = &now, "Inactive"
	c.DiskOfferings.Put(o)
	c.Made(o.ID)
	return Success(), nil
}

// offeredHere reports whether an offering for some domains, or all, is for the caller.
func (c *Call) offeredHere(domains []string) bool {
	if len(domains) == 0 || c.Caller.Root() {
		return true
	}
	return slices.ContainsFunc(domains, func(id string) bool { return c.inDomain(c.Caller.Account.DomainID, id) })
}

// domainNumbers is how the details of an offering name its domains.
func (c *Call) domainNumbers(ids []string) string {
	var out []string
	for _, id := range ids {
		d, _ := c.Domains.Any(id)
		out = append(out, strconv.FormatInt(d.N, 10))
	}
	return strings.Join(out, ",")
}

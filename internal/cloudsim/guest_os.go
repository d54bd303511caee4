package cloudsim

import (
	"slices"
	"strings"
)

// guestOSCommands are operating systems, their categories and what hypervisors call them.
var guestOSCommands = map[string]command{
	"addGuestOs":             {start: startAddOS, job: osJob, creates: true, rootOnly: true, event: "GUEST.OS.ADD"},
	"updateGuestOs":          {start: startGiven, job: updateOSJob, id: kindOSType, rootOnly: true, event: "GUEST.OS.UPDATE"},
	"removeGuestOs":          {start: startGiven, job: removeOSJob, id: kindOSType, rootOnly: true, event: "GUEST.OS.REMOVE"},
	"addGuestOsMapping":      {start: startAddMapping, job: mappingJob, creates: true, rootOnly: true, event: "GUEST.OS.MAPPING.ADD"},
	"updateGuestOsMapping":   {start: startGiven, job: updateMappingJob, id: kindOSMapping, rootOnly: true, event: "GUEST.OS.MAPPING.UPDATE"},
	"removeGuestOsMapping":   {start: startGiven, job: removeMappingJob, id: kindOSMapping, rootOnly: true, event: "GUEST.OS.MAPPING.REMOVE"},
	"listGuestOsMapping":     {run: listMappings, id: kindOSMapping, rootOnly: true},
	"addOsCategory":          {run: addCategory, rootOnly: true, event: "GUEST.OS.CATEGORY.ADD"},
	"updateOsCategory":       {run: updateCategory, id: kindOSCategory, rootOnly: true, event: "GUEST.OS.CATEGORY.UPDATE"},
	"deleteOsCategory":       {run: deleteCategory, id: kindOSCategory, rootOnly: true, event: "GUEST.OS.CATEGORY.DELETE"},
	"listDeploymentPlanners": {run: listPlanners, rootOnly: true},
}

// categoryName is a category's name, made by a call or the installation's.
func (c *Call) categoryName(id string) (string, bool) {
	if k, ok := c.OSCategories.Get(id); ok {
		return k.Name, true
	}
	o, ok := c.OSTypes.Find(func(o OSType) bool { return o.CategoryID == id })
	return o.CategoryName, ok
}

func (c *Call) osNamed(name, but string) bool {
	_, ok := c.OSTypes.Find(func(o OSType) bool { return o.Name == name && o.ID != but })
	return ok
}

func startAddOS(c *Call) (string, error) {
	category, ok := c.categoryName(c.Str("oscategoryid"))
	name := c.Str("osdisplayname")
	switch {
	case !ok:
		return "", Invalid("Guest OS category not found. Please specify a valid Guest OS category")
	case c.osNamed(name, ""):
		return "", Invalid("The specified Guest OS name : %s already exists. Please specify a unique name", name)
	}
	o := OSType{Base: c.OSTypes.NewBase(), Name: name, CategoryID: c.Str("oscategoryid"), CategoryName: category, UserMade: true}
	c.OSTypes.Put(o)
	return o.ID, nil
}

func osResponse(o OSType) Obj {
	return Obj{"id": o.ID, "name": o.Name, "description": o.Name, "oscategoryid": o.CategoryID, "oscategoryname": o.CategoryName, "isuserdefined": o.UserMade, "fordisplay": true}
}

func osJob(c *Call) (Obj, error) {
	o, ok := c.OSTypes.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to add new Guest OS type")
	}
	return Obj{"guestos": osResponse(o)}, nil
}

func updateOSJob(c *Call) (Obj, error) {
	o, ok := c.OSTypes.Get(c.EntityID)
	name := c.Or("osdisplayname", o.Name)
	category, known := c.categoryName(c.Or("oscategoryid", o.CategoryID))
	switch {
	case !ok:
		return nil, Invalid("Guest OS not found. Please specify a valid ID for the Guest OS")
	case !o.UserMade && (c.Has("osdisplayname") || c.Has("details")):
		return nil, Invalid("Unable to modify system defined guest OS")
	case c.osNamed(name, o.ID):
		return nil, Invalid("The specified Guest OS name : %s already exists. Please specify a unique guest OS name", name)
	case !known:
		return nil, Invalid("Invalid OS category ID specified")
	}
	o.Name, o.CategoryID, o.CategoryName = name, c.Or("oscategoryid", o.CategoryID), category
	c.OSTypes.Put(o)
	return Obj{"guestos": osResponse(o)}, nil
}

func removeOSJob(c *Call) (Obj, error) {
	o, ok := c.OSTypes.Get(c.EntityID)
	switch {
	case !ok:
		return nil, Invalid("Guest OS not found. Please specify a valid ID for the Guest OS")
	case !o.UserMade:
		return nil, Invalid("Unable to remove system defined guest OS")
	}
	for m := range c.OSMappings.All() {
		if m.OSTypeID == o.ID {
			c.OSMappings.Delete(m.ID)
		}
	}
	c.OSTypes.Delete(o.ID)
	return Success(), nil
}

func startAddMapping(c *Call) (string, error) {
	o, ok := c.OSTypes.Get(c.Str("ostypeid"))
	if name := c.Str("osdisplayname"); !ok && name != "" {
		o, ok = c.OSTypes.Find(func(o OSType) bool { return o.Name == name })
	}
	i := slices.IndexFunc(hypervisorNames, func(h string) bool { return strings.EqualFold(h, c.Str("hypervisor")) })
	version := c.Str("hypervisorversion")
	switch {
	case c.Str("ostypeid") == "" && c.Str("osdisplayname") == "":
		return "", Invalid("Please specify either a guest OS name or UUID")
	case !ok:
		return "", Invalid("Unable to find the guest OS by name or UUID")
	case i < 0:
		return "", Invalid("Please specify a valid hypervisor name")
	}
	_, taken := c.OSMappings.Find(func(m OSMapping) bool {
		return m.OSTypeID == o.ID && m.Hypervisor == hypervisorNames[i] && m.Version == version
	})
	if taken && !c.Bool("forced", false) {
		return "", Invalid("Mapping from hypervisor : %s, version : %s and guest OS : %s already exists!", hypervisorNames[i], version, o.Name)
	}
	m := OSMapping{Base: c.OSMappings.NewBase(), OSTypeID: o.ID, Hypervisor: hypervisorNames[i], Version: version, OSName: c.Str("osnameforhypervisor"), UserMade: true}
	c.OSMappings.Put(m)
	return m.ID, nil
}

func (c *Call) mappingResponse(m OSMapping) Obj {
	o, _ := c.OSTypes.Any(m.OSTypeID)
	return Obj{"id": m.ID, "hypervisor": m.Hypervisor, "hypervisorversion": m.Version, "ostypeid": o.ID, "osdisplayname": o.Name, "osnameforhypervisor": m.OSName,
		"isuserdefined": map[bool]string{true: "true", false: "false"}[m.UserMade]}
}

func mappingJob(c *Call) (Obj, error) {
	m, ok := c.OSMappings.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to add guest OS mapping")
	}
	return Obj{"guestosmapping": c.mappingResponse(m)}, nil
}

func updateMappingJob(c *Call) (Obj, error) {
	m, ok := c.OSMappings.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Guest OS Mapping not found. Please specify a valid ID for the Guest OS Mapping")
	}
	m.OSName = c.Str("osnameforhypervisor")
	c.OSMappings.Put(m)
	return Obj{"guestosmapping": c.mappingResponse(m)}, nil
}

func removeMappingJob(c *Call) (Obj, error) {
	if _, ok := c.OSMappings.Get(c.EntityID); !ok {
		return nil, Invalid("Guest OS Mapping not found. Please specify a valid ID for the Guest OS Mapping")
	}
	c.OSMappings.Delete(c.EntityID)
	return Success(), nil
}

func listMappings(c *Call) (any, error) {
	rows := c.OSMappings.Where(func(m OSMapping) bool {
		o, _ := c.OSTypes.Any(m.OSTypeID)
		return c.is("id", m.ID) && c.is("ostypeid", m.OSTypeID) && (!c.Has("hypervisor") || strings.EqualFold(c.Str("hypervisor"), m.Hypervisor)) &&
			c.is("hypervisorversion", m.Version) && c.is("osdisplayname", o.Name) && c.is("osnameforhypervisor", m.OSName)
	})
	return Listing("guestosmapping", rows, c.mappingResponse), nil
}

func categoryResponse(k OSCategory) Obj {
	return Obj{"id": k.ID, "name": k.Name, "isfeatured": k.Featured, "created": timeText(k.Created)}
}

func addCategory(c *Call) (any, error) {
	name := c.Str("name")
	_, installed := c.OSTypes.Find(func(o OSType) bool { return o.CategoryName == name })
	_, made := c.OSCategories.Find(func(k OSCategory) bool { return k.Name == name })
	if installed || made {
		return nil, Invalid("Guest OS category with name %s already exists", name)
	}
	k := OSCategory{Base: c.OSCategories.NewBase(), Name: name, Featured: c.Bool("isfeatured", false)}
	c.OSCategories.Put(k)
	c.Made(k.ID)
	return Obj{"oscategory": categoryResponse(k)}, nil
}

// updateCategory changes a category; one of the installation gets a row of its own then.
func updateCategory(c *Call) (any, error) {
	id := c.Str("id")
	old, _ := c.categoryName(id)
	k, ok := c.OSCategories.Get(id)
	if !ok {
		k = OSCategory{Base: c.OSCategories.BaseWithID(id), Name: old, Featured: true}
	}
	k.Name, k.Featured, k.SortKey = c.Or("name", k.Name), c.Bool("isfeatured", k.Featured), c.Int("sortkey", k.SortKey)
	c.OSCategories.Put(k)
	for o := range c.OSTypes.All() {
		if o.CategoryID == id && o.CategoryName != k.Name {
			o.CategoryName = k.Name
			c.OSTypes.Put(o)
		}
	}
	c.Made(id)
	return Obj{"oscategory": categoryResponse(k)}, nil
}

func deleteCategory(c *Call) (any, error) {
	id := c.Str("id")
	if _, used := c.OSTypes.Find(func(o OSType) bool { return o.CategoryID == id }); used {
		return nil, Invalid("Guest OS category has guest OS entries and can not be deleted")
	}
	c.OSCategories.Delete(id)
	c.Made(id)
	return Success(), nil
}

func listPlanners(*Call) (any, error) {
	names := []string{"FirstFitPlanner", "UserDispersingPlanner", "UserConcentratedPodPlanner", "ImplicitDedicationPlanner", "BareMetalPlanner"}
	return Listing("deploymentPlanner", names, func(n string) Obj { return Obj{"name": n} }), nil
}

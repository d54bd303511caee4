package cloudsim

import (
	"strconv"
)

// CheckLimit refuses, with 535, what would exceed a limit of the owner, or of a domain above it.
func (c *Call) CheckLimit(o Owner, number int, wanted int64) error {
	a, _ := c.Accounts.Get(o.AccountID)
	if a.Type == AccountAdmin {
		return nil
	}
	cs := csLimit
	if c.Name == "deployVirtualMachine" { // sic
		cs = csServer
	}
	d, _ := c.Domains.Get(o.DomainID)
	limit, have := c.limit(a, number), c.used(o.AccountID, number)
	if limit >= 0 && have+wanted > limit {
		whose := "Account Name = " + a.Name
		if p, ok := c.Projects.Get(o.ProjectID); ok {
			whose = "Project Name = " + p.Name
		}
		return Fail(535, cs, "Maximum amount of resources of Type = '%s', tag = 'null' for %s in Domain Id = %d is exceeded: Account Resource Limit = %d, Current Account Resource Amount = %d, Current Account Resource Reservation = 0, Requested Resource Amount = %d.",
			resourceTypes[number].name, whose, d.N, limit, have, wanted)
	}
	for ok := true; ok && d.ParentID != ""; d, ok = c.Domains.Get(d.ParentID) {
		limit := c.domainLimit(d.ID, number)
		if limit < 0 {
			continue
		}
		if have := c.usedInDomain(d.ID, number); have+wanted > limit {
			return Fail(535, cs, "Maximum domain resource limits of Type '%s' for Domain Id = %s is exceeded: Domain Resource Limit = %d, Current Domain Resource Amount = %d, Current Resource Reservation = 0, Requested Resource Amount = %d.",
				resourceTypes[number].name, d.ID, limit, have, wanted)
		}
	}
	return nil
}

// domainLimit is how much of a resource all accounts of a domain and below may have; -1 is without limit.
func (c *Call) domainLimit(domainID string, number int) int64 {
	if l, ok := c.Limits.Get(limitID(domainID, number)); ok {
		return l.Max
	}
	return -1
}

// usedInDomain is how much of a resource the accounts of a domain and below have.
func (c *Call) usedInDomain(domainID string, number int) int64 {
	var n int64
	for a := range c.Accounts.All() {
		if c.inDomain(a.DomainID, domainID) {
			n += c.used(a.ID, number)
		}
	}
	return n
}

// limitedTo is whose limits a call is about: an account's (a project has one), or, with a domain alone, a domain's.
func (c *Call) limitedTo() (Owner, error) {
	account, domainID, project := c.Str("account"), c.Str("domainid"), c.Str("projectid")
	switch {
	case project != "" && project != "-1":
		return c.projectOwner(project)
	case account == "" && domainID != "":
		return Owner{DomainID: domainID}, c.overDomain(domainID)
	}
	return c.NewOwner()
}

func listResourceLimits(c *Call) (any, error) {
	o, err := c.limitedTo()
	if err != nil {
		return nil, err
	}
	var rows []resourceType
	for _, t := range resourceTypes {
		if c.is("resourcetype", strconv.Itoa(t.number)) && c.is("resourcetypename", t.name) {
			rows = append(rows, t)
		}
	}
	return Listing("resourcelimit", rows, func(t resourceType) Obj { return c.limitResponse(o, t) }), nil
}

func (c *Call) limitResponse(owner Owner, t resourceType) Obj {
	a, ok := c.Accounts.Get(owner.AccountID)
	o := Obj{"resourcetype": strconv.Itoa(t.number), "resourcetypename": t.name, "max": c.domainLimit(owner.DomainID, t.number)}
	if ok {
		o["max"] = c.limit(a, t.number)
	}
	c.putOwner(o, owner)
	return o
}

func updateResourceLimit(c *Call) (any, error) {
	if c.Str("account") == "" && c.Str("domainid") == "" && c.Str("projectid") == "" {
		return nil, Invalid("AccountId or domainId have to be specified in order to update resource limit")
	}
	o, err := c.limitedTo()
	if err != nil {
		return nil, err
	}
	number, most := c.Int("resourcetype", -1), c.Int64("max", -1)
	switch {
	case number < 0 || number >= len(resourceTypes):
		return nil, Invalid("Please specify valid resource type")
	case most < -1:
		return nil, Invalid("Please specify either '-1' for an infinite limit, or a limit that is at least '0'.")
	case c.Str("tag") != "" && number != limitVM && number != limitCPU && number != limitMemory && number != limitVolume && number != limitPrimary:
		return nil, Invalid("Resource limit with a tag is not supported for resource type %d", number)
	}
	id := o.AccountID
	if id == "" {
		id = o.DomainID
		err = c.mayLimitDomain(o.DomainID, number, most)
	} else {
		err = c.mayLimitAccount(o.AccountID, most)
	}
	if err != nil {
		return nil, err
	}
	c.Limits.Put(Limit{Base: c.Limits.BaseWithID(limitID(id, number)), AccountID: id, Type: number, Max: most})
	return Obj{"resourcelimit": c.limitResponse(o, resourceTypes[number])}, nil
}

func (c *Call) mayLimitAccount(id string, most int64) error {
	a, _ := c.Accounts.Get(id)
	switch {
	case a.Name == "system":
		return Invalid("Can't update system account")
	case a.Type == AccountAdmin && most != -1:
		return Invalid("Only -1 limit is supported for Root Admin accounts")
	case !c.Caller.Root() && id == c.Caller.Account.ID:
		return Denied("Unable to update resource limit for their own account %s, permission denied", accountText(a))
	}
	return nil
}

// mayLimitDomain refuses the root, one's own domain, and more than the domain above has.
func (c *Call) mayLimitDomain(id string, number int, most int64) error {
	d, _ := c.Domains.Get(id)
	switch {
	case d.ParentID == "":
		return Denied("Cannot update resource limit for ROOT domain %d, permission denied", d.N)
	case !c.Caller.Root() && id == c.Caller.Account.DomainID:
		return Denied("Unable to update resource limit for domain %d, permission denied", d.N)
	}
	parent, _ := c.Domains.Get(d.ParentID)
	if above := c.domainLimit(parent.ID, number); above >= 0 && (most > above || most < 0) {
		return Invalid("Domain %s has maximum allowed resource limit %d for %s, please specify a value less than or equal to %d", domainText(parent), above, resourceTypes[number].name, above)
	}
	return nil
}

// activeProject refuses to make anything in a project that is suspended.
func (c *Call) activeProject(id string) error {
	p, ok := c.Projects.Get(id)
	if !ok || p.State == "Active" {
		return nil
	}
	e := Denied("Can't add resources to the project with specified projectId in state=%s as it's no longer active", p.State)
	e.UUIDs = []UUIDProxy{{UUID: p.ID, Description: "projectId"}}
	return e
}

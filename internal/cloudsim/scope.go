package cloudsim

// owned is any row an account owns.
type owned interface{ owner() Owner }

// Visible returns those rows a list command may show: the caller's own, or what listall, account, domainid and projectid
// widen or narrow that to.
func Visible[T owned](c *Call, rows []T) ([]T, error) {
	in, err := c.scope()
	if err != nil {
		return nil, err
	}
	out := rows[:0:0]
	for _, r := range rows {
		if in(r.owner()) {
			out = append(out, r)
		}
	}
	return out, nil
}

// scope decides, from the list parameters, whose things are listed.
func (c *Call) scope() (func(Owner) bool, error) {
	if p := c.Str("projectid"); p != "" {
		return c.projectScope(p)
	}
	if account := c.Str("account"); account != "" {
		o, err := c.accountScope(account)
		if err != nil {
			return nil, err
		}
		return func(other Owner) bool { return other.AccountID == o.AccountID }, nil
	}
	byID := c.Has("id") || c.Has("ids")
	if d := c.Str("domainid"); d != "" {
		return c.domainScope(d, byID)
	}
	me := c.Caller.Account
	switch {
	case c.Caller.Root() && (byID || c.Bool("listall", false)):
		return func(o Owner) bool { return o.ProjectID == "" || byID }, nil
	case me.Type == AccountDomainAdmin && (byID || c.Bool("listall", false)):
		return func(o Owner) bool { return c.inDomain(o.DomainID, me.DomainID) && (o.ProjectID == "" || byID) }, nil
	}
	// A user who asks for a project's thing by its id must name the project, too.
	return func(o Owner) bool { return o.AccountID == me.ID }, nil
}

func (c *Call) projectScope(id string) (func(Owner) bool, error) {
	if c.Str("account") != "" {
		return nil, Invalid("Account and projectId can't be specified together")
	}
	if id == "-1" { // every project the caller is in, and with listall what is in none; a domain administrator has no more than others
		listAll, me := c.Bool("listall", false), c.Caller.Account.ID
		return func(o Owner) bool {
			if o.ProjectID == "" {
				return listAll && (c.Caller.Root() || o.AccountID == me)
			}
			return c.Caller.Root() || c.memberOf(o.ProjectID)
		}, nil
	}
	o, err := c.projectOwner(id)
	if err != nil {
		return nil, err
	}
	return func(other Owner) bool { return other.AccountID == o.AccountID }, nil
}

func (c *Call) accountScope(name string) (Owner, error) {
	domainID := c.Or("domainid", c.Caller.Account.DomainID)
	a, ok := c.Accounts.Find(func(a Account) bool { return a.Name == name && a.DomainID == domainID && a.Type != AccountProject })
	if !ok {
		d, _ := c.Domains.Get(domainID)
		return Owner{}, Invalid(`could not find account %s in domain Domain {"id":%d,"name":"%s","path":"/","uuid":"%s"}`, name, d.N, d.Name, d.ID)
	}
	o := Owner{AccountID: a.ID, DomainID: a.DomainID}
	if c.Own(o) != nil {
		return Owner{}, Denied("%s does not have permission to operate with resource %s", accountText(c.Caller.Account), accountText(a))
	}
	return o, nil
}

func (c *Call) domainScope(id string, projects bool) (func(Owner) bool, error) {
	me := c.Caller.Account
	governs := c.Caller.Root() || me.Type == AccountDomainAdmin && c.inDomain(id, me.DomainID)
	if !governs && id != me.DomainID {
		return nil, Denied("Account %s does not have permission to operate within domain id=%s", accountText(me), id)
	}
	recursive := c.Bool("isrecursive", false)
	return func(o Owner) bool {
		switch {
		case o.ProjectID != "" && !projects:
			return false
		case !governs:
			return o.AccountID == me.ID
		case recursive:
			return c.inDomain(o.DomainID, id)
		}
		return o.DomainID == id
	}, nil
}

// putOwner adds the fields that say whose something is.
func (c *Call) putOwner(o Obj, owner Owner) {
	if owner.ProjectID != "" {
		if p, ok := c.Projects.Get(owner.ProjectID); ok {
			o["projectid"], o["project"] = p.ID, p.Name
		}
	} else if a, ok := c.Accounts.Any(owner.AccountID); ok {
		o["account"] = a.Name
	}
	if d, ok := c.Domains.Any(owner.DomainID); ok {
		o["domainid"], o["domain"], o["domainpath"] = d.ID, d.Name, d.Path
	}
}

// bareTags are the resource types whose own answers show nothing but key and value of their tags.
var bareTags = map[string]bool{
	"Network": true, "PublicIpAddress": true, "FirewallRule": true, "PortForwardingRule": true, "LoadBalancer": true, "Vpc": true,
}

// tagsOf is the "tags" array of a resource; never null.
func (c *Call) tagsOf(resourceType, id string) []Obj {
	out := []Obj{}
	for t := range c.Tags.All() {
		if t.ResourceID != id || t.ResourceType != resourceType {
			continue
		}
		o := Obj{"key": t.Key, "value": t.Value}
		if !bareTags[resourceType] {
			o = c.tagResponse(t)
			delete(o, "domainpath") // only listTags shows it
		}
		out = append(out, o)
	}
	return out
}

// matchTags reports whether a resource has one of the tags asked for as tags[0].key, tags[0].value; true if none is.
func (c *Call) matchTags(resourceType, id string) bool {
	wanted := c.Maps("tags")
	if len(wanted) == 0 {
		return true
	}
	for t := range c.Tags.All() {
		if t.ResourceID != id || t.ResourceType != resourceType {
			continue
		}
		for _, w := range wanted {
			if w["key"] == t.Key && (w["value"] == t.Value || w["value"] == "") {
				return true
			}
		}
	}
	return false
}

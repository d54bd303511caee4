package cloudsim

import (
	"slices"
	"strconv"
	"strings"
)

// domainCommands are the tree of domains.
var domainCommands = map[string]command{
	"createDomain":       {run: createDomain, kinds: map[string]kind{"parentdomainid": kindDomain}, adminOnly: true, event: "DOMAIN.CREATE"},
	"updateDomain":       {run: updateDomain, id: kindDomain, adminOnly: true, event: "DOMAIN.UPDATE"},
	"deleteDomain":       {start: startDomain, job: deleteDomainJob, id: kindDomain, adminOnly: true, event: "DOMAIN.DELETE"},
	"listDomains":        {run: listDomains, id: kindDomain, adminOnly: true},
	"listDomainChildren": {run: listDomainChildren, id: kindDomain, adminOnly: true},
	"moveDomain":         {run: moveDomain, kinds: map[string]kind{"parentdomainid": kindDomain}, rootOnly: true, event: "DOMAIN.MOVE"},
}

// overDomain refuses a caller whose domain does not contain another.
func (c *Call) overDomain(id string) error {
	if c.Caller.Root() || c.inDomain(id, c.Caller.Account.DomainID) {
		return nil
	}
	return Denied("Account %s does not have permission to operate within domain id=%s", accountText(c.Caller.Account), id)
}

// domainText is how a domain shows in the server's texts.
func domainText(d Domain) string {
	path := strings.TrimPrefix(strings.TrimPrefix(d.Path, "ROOT"), "/")
	slashed := `\/`
	if path != "" {
		slashed = `\/` + strings.ReplaceAll(path, "/", `\/`) + `\/`
	}
	return `Domain {"id":` + itoa(d.N) + `,"name":"` + d.Name + `","path":"` + slashed + `","uuid":"` + d.ID + `"}`
}

func (c *Call) rootDomain() Domain {
	d, _ := c.Domains.Find(func(d Domain) bool { return d.ParentID == "" })
	return d
}

func createDomain(c *Call) (any, error) {
	parentID := c.Or("parentdomainid", c.rootDomain().ID)
	if err := c.overDomain(parentID); err != nil {
		return nil, err
	}
	parent, ok := c.Domains.Get(parentID)
	if !ok {
		return nil, Invalid("Unable to create domain %s, parent domain %s not found.", c.Str("name"), parentID)
	}
	if err := c.checkDomainName(c.Str("name"), parent, ""); err != nil {
		return nil, err
	}
	if n := c.Str("networkdomain"); n != "" {
		if err := checkDomain(n); err != nil {
			return nil, err
		}
	}
	base := c.Domains.NewBase()
	if id := c.Str("domainid"); uuidForm.MatchString(id) && !c.Domains.has(id) {
		base.ID = id
	}
	d := Domain{Base: base, Name: c.Str("name"), ParentID: parent.ID, Level: parent.Level + 1, Path: parent.Path + "/" + c.Str("name"), NetworkDomain: c.Str("networkdomain")}
	c.Domains.Put(d)
	c.Made(d.ID)
	o := c.domainResponse(d)
	delete(o, "created")
	return Obj{"domain": o}, nil
}

func (c *Call) checkDomainName(name string, parent Domain, but string) error {
	if strings.Contains(name, "/") {
		return BadParam("Domain name contains one or more invalid characters.  Please enter a name without '/' characters.")
	}
	if _, taken := c.Domains.Find(func(d Domain) bool { return d.Name == name && d.ParentID == parent.ID && d.ID != but }); taken {
		return Invalid("Domain with name [%s] already exists for the parent with ID [%d].", name, parent.N)
	}
	return nil
}

// domainResponse is a domain as all commands but listDomains show it.
func (c *Call) domainResponse(d Domain) Obj {
	_, child := c.Domains.Find(func(o Domain) bool { return o.ParentID == d.ID })
	o := Obj{"id": d.ID, "name": d.Name, "level": d.Level, "haschild": child, "path": d.Path, "secondarystoragetotal": 0.0}
	o.Opt("networkdomain", d.NetworkDomain)
	if p, ok := c.Domains.Get(d.ParentID); ok { // the root has neither parent nor date
		o["parentdomainid"], o["parentdomainname"], o["created"] = p.ID, p.Name, timeText(d.Created)
	}
	return o
}

func listDomains(c *Call) (any, error) {
	rows := c.Domains.Where(func(d Domain) bool {
		return c.named(d.ID, d.Name) && c.is("level", strconv.Itoa(d.Level)) && (c.Caller.Root() || c.inDomain(d.ID, c.Caller.Account.DomainID))
	})
	return Listing("domain", rows, func(d Domain) Obj {
		o := c.domainResponse(d)
		o["state"], o["hasannotations"] = "Active", false
		for _, l := range resourceTypes {
			var total int64
			for a := range c.Accounts.All() {
				if a.DomainID == d.ID {
					total += c.used(a.ID, l.number)
				}
			}
			limit, available := "Unlimited", "Unlimited"
			if set, ok := c.Limits.Get(limitID(d.ID, l.number)); ok && set.Max >= 0 {
				limit, available = itoa(set.Max), itoa(max(set.Max-total, 0))
			}
			o[l.field+"limit"], o[l.field+"total"], o[l.field+"available"] = limit, total, available
		}
		return o
	}), nil
}

func listDomainChildren(c *Call) (any, error) {
	root := c.Or("id", c.Caller.Account.DomainID)
	if err := c.overDomain(root); err != nil {
		return nil, err
	}
	recursive := c.Bool("isrecursive", false)
	rows := c.Domains.Where(func(d Domain) bool {
		below := d.ParentID == root || recursive && d.ID != root && c.inDomain(d.ID, root)
		return below && c.is("name", d.Name) && strings.Contains(strings.ToLower(d.Name), strings.ToLower(c.Str("keyword")))
	})
	return Listing("domain", rows, c.domainResponse), nil
}

func updateDomain(c *Call) (any, error) {
	d, ok := c.Domains.Get(c.Str("id"))
	if !ok {
		return nil, Invalid("Unable to find domain with specified domain id")
	}
	if err := c.overDomain(d.ID); err != nil {
		return nil, err
	}
	if d.ParentID == "" && c.Has("name") {
		return nil, Invalid("Root domain can not be edited with a new name")
	}
	if n := c.Str("networkdomain"); n != "" {
		if err := checkDomain(n); err != nil {
			return nil, err
		}
		d.NetworkDomain = n
	}
	if n := c.Str("name"); n != "" {
		parent, _ := c.Domains.Get(d.ParentID)
		if err := c.checkDomainName(n, parent, d.ID); err != nil {
			return nil, err
		}
		d.Name = n
	}
	c.Domains.Put(d)
	c.repath(d.ID)
	d, _ = c.Domains.Get(d.ID)
	c.Made(d.ID)
	return Obj{"domain": c.domainResponse(d)}, nil
}

// repath writes the paths and levels of a domain and all below it anew.
func (c *Call) repath(id string) {
	d, ok := c.Domains.Get(id)
	if !ok {
		return
	}
	if parent, ok := c.Domains.Get(d.ParentID); ok {
		d.Path, d.Level = parent.Path+"/"+d.Name, parent.Level+1
		c.Domains.Put(d)
	}
	for child := range c.Domains.All() {
		if child.ParentID == id {
			c.repath(child.ID)
		}
	}
}

func moveDomain(c *Call) (any, error) {
	d, ok := c.Domains.Get(c.Str("domainid"))
	parent, found := c.Domains.Get(c.Str("parentdomainid"))
	switch {
	case !ok || !found:
		return nil, Invalid("Unable to find the domain to move or its new parent")
	case d.ParentID == "":
		return nil, Invalid("The domain ROOT cannot be moved.")
	case c.inDomain(parent.ID, d.ID):
		return nil, Invalid("The current parent domain or one of its children cannot become the new parent of domain [%s]", d.ID)
	}
	if err := c.checkDomainName(d.Name, parent, d.ID); err != nil {
		return nil, err
	}
	d.ParentID = parent.ID
	c.Domains.Put(d)
	c.repath(d.ID)
	d, _ = c.Domains.Get(d.ID)
	c.Made(d.ID)
	return Obj{"domain": c.domainResponse(d)}, nil
}

func startDomain(c *Call) (string, error) {
	id := c.Str("id")
	return id, c.overDomain(id)
}

func deleteDomainJob(c *Call) (Obj, error) {
	d, ok := c.Domains.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Failed to delete domain %s, domain not found", c.EntityID)
	}
	if d.ParentID == "" {
		return nil, Internal("Can't delete ROOT domain")
	}
	below := c.Domains.Where(func(o Domain) bool { return c.inDomain(o.ID, d.ID) })
	inhabited := slices.ContainsFunc(c.Accounts.Where(func(Account) bool { return true }), func(a Account) bool { return c.inDomain(a.DomainID, d.ID) })
	if (len(below) > 1 || inhabited) && !c.Bool("cleanup", false) {
		return nil, Internal("Delete failed on domain %s; Please make sure all users and sub domains have been removed from the domain before deleting", domainText(d))
	}
	for _, a := range c.Accounts.Where(func(a Account) bool { return c.inDomain(a.DomainID, d.ID) }) {
		if err := c.forgetAccount(a.ID); err != nil {
			return nil, err
		}
	}
	now := c.Now()
	for _, o := range below {
		o.Removed = &now
		c.Domains.Put(o)
	}
	return Success(), nil
}

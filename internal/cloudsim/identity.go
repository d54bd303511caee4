package cloudsim

import (
	"fmt"
	"strconv"

	"github.com/moldctl/moldctl/internal/cloudsim/content"
)

// identityCommands are accounts, domains, projects, limits, settings and what the server says of itself.
var identityCommands = map[string]command{
	"listAccounts":        {run: listAccounts, id: kindAccount},
	"listUsers":           {run: listUsers, id: kindUser},
	"getUser":             {run: getUser, rootOnly: true},
	"listDomains":         {run: listDomains, id: kindDomain, rootOnly: true},
	"listProjects":        {run: listProjects, id: kindProject},
	"listResourceLimits":  {run: listResourceLimits, id: kindAny},
	"updateResourceLimit": {run: updateResourceLimit, rootOnly: true, event: "RESOURCE.LIMIT.UPDATE"},
	"listConfigurations":  {run: listConfigurations, rootOnly: true},
	"updateConfiguration": {run: updateConfiguration, rootOnly: true, event: "CONFIGURATION.VALUE.EDIT"},
	"listCapabilities":    {run: listCapabilities},
	"listApis":            {run: listAPIs},
}

// role ids are those of a real installation; they never change.
func roleOf(a Account) (id, kind, name string) {
	switch a.Type {
	case AccountAdmin:
		return "edcfa61a-e678-11f1-92f9-02fc00000001", "Admin", "Root Admin"
	case AccountDomainAdmin:
		return "edcfc0f2-e678-11f1-92f9-02fc00000001", "DomainAdmin", "Domain Admin"
	}
	return "edcfc47f-e678-11f1-92f9-02fc00000001", "User", "User"
}

func (c *Call) visibleAccount(a Account) bool {
	if a.Type == AccountProject || a.Name == "system" {
		return false
	}
	if c.Caller.Root() {
		return c.Bool("listall", false) || c.Has("id") || c.Has("name") || c.Has("domainid") || a.ID == c.Caller.Account.ID
	}
	return a.ID == c.Caller.Account.ID
}

func listAccounts(c *Call) (any, error) {
	rows := c.Accounts.Where(func(a Account) bool {
		return c.visibleAccount(a) && c.named(a.ID, a.Name) && c.is("domainid", a.DomainID) && c.is("state", a.State) &&
			c.is("accounttype", strconv.Itoa(int(a.Type)))
	})
	return Listing("account", rows, c.accountResponse), nil
}

func (c *Call) accountResponse(a Account) Obj {
	roleID, roleType, roleName := roleOf(a)
	o := Obj{"id": a.ID, "name": a.Name, "accounttype": int(a.Type), "roleid": roleID, "roletype": roleType, "rolename": roleName,
		"state": a.State, "isdefault": a.Name == "admin", "groups": []string{}}
	if c.Caller.Root() {
		o["apikeyaccess"] = "INHERIT"
	}
	if a.Name != "admin" { // the installation's own account has no date
		o["created"] = timeText(a.Created)
	}
	if d, ok := c.Domains.Any(a.DomainID); ok {
		o["domainid"], o["domain"], o["domainpath"] = d.ID, d.Name, d.Path
	}
	c.putLimits(o, a)
	running := 0
	for v := range c.VMs.All() {
		if v.AccountID == a.ID && v.State == VMRunning {
			running++
		}
	}
	o["vmrunning"], o["vmstopped"] = running, int(c.used(a.ID, limitVM))-running
	users := []Obj{}
	for u := range c.Users.All() {
		if u.AccountID == a.ID {
			user := c.userResponse(u)
			delete(user, "apikeyaccess") // only listUsers shows it
			users = append(users, user)
		}
	}
	o["user"] = users
	return o
}

// putLimits adds <what>limit, <what>total and <what>available of every resource.
func (c *Call) putLimits(o Obj, a Account) {
	for _, l := range resourceTypes {
		limit, total := c.limit(a, l.number), c.used(a.ID, l.number)
		text, available := "Unlimited", "Unlimited"
		if limit >= 0 {
			text, available = fmt.Sprint(limit), fmt.Sprint(max(limit-total, 0))
		}
		o[l.field+"limit"], o[l.field+"total"], o[l.field+"available"] = text, total, available
	}
}

func listUsers(c *Call) (any, error) {
	rows := c.Users.Where(func(u User) bool {
		a, ok := c.Accounts.Get(u.AccountID)
		if !ok || a.Name == "system" || !c.named(u.ID, u.Username) || !c.is("username", u.Username) || !c.is("account", a.Name) || !c.is("state", u.State) {
			return false
		}
		all := c.Caller.Root() && (c.Bool("listall", false) || c.Has("id") || c.Has("account") || c.Has("username"))
		return all || a.ID == c.Caller.Account.ID
	})
	return Listing("user", rows, c.userResponse), nil
}

func getUser(c *Call) (any, error) {
	u, ok := c.Users.Find(func(u User) bool { return u.APIKey != "" && u.APIKey == c.Str("userapikey") })
	if !ok {
		return nil, Invalid("User with userapikey %s does not exist", c.Str("userapikey"))
	}
	return Obj{"user": c.userResponse(u)}, nil
}

func (c *Call) userResponse(u User) Obj {
	o := Obj{"id": u.ID, "username": u.Username, "firstname": u.FirstName, "lastname": u.LastName, "email": u.Email,
		"created": timeText(u.Created), "state": u.State, "usersource": "native", "accountid": u.AccountID, "iscallerchilddomain": false,
		"is2faenabled": false, "is2famandated": false, "apikeyaccess": "INHERIT"}
	if a, ok := c.Accounts.Any(u.AccountID); ok {
		roleID, roleType, roleName := roleOf(a)
		o["account"], o["accounttype"], o["roleid"], o["roletype"], o["rolename"] = a.Name, int(a.Type), roleID, roleType, roleName
		o["isdefault"] = a.Name == "admin"
		if d, ok := c.Domains.Any(a.DomainID); ok {
			o["domainid"], o["domain"] = d.ID, d.Name
		}
	}
	return o.Opt("apikey", u.APIKey)
}

func listDomains(c *Call) (any, error) {
	rows := c.Domains.Where(func(d Domain) bool { return c.named(d.ID, d.Name) && c.is("level", strconv.Itoa(d.Level)) })
	return Listing("domain", rows, func(d Domain) Obj {
		_, child := c.Domains.Find(func(o Domain) bool { return o.ParentID == d.ID })
		o := Obj{"id": d.ID, "name": d.Name, "level": d.Level, "haschild": child, "path": d.Path, "state": "Active", "hasannotations": false}
		if p, ok := c.Domains.Get(d.ParentID); ok { // the root has neither parent nor date
			o["parentdomainid"], o["parentdomainname"], o["created"] = p.ID, p.Name, timeText(d.Created)
		}
		for _, l := range resourceTypes {
			var total int64
			for a := range c.Accounts.All() {
				if a.DomainID == d.ID {
					total += c.used(a.ID, l.number)
				}
			}
			o[l.field+"limit"], o[l.field+"total"], o[l.field+"available"] = "Unlimited", total, "Unlimited"
		}
		return o
	}), nil
}

func listProjects(c *Call) (any, error) {
	rows := c.Projects.Where(func(p Project) bool {
		return c.named(p.ID, p.Name, p.DisplayText) && c.is("state", p.State) && (c.Caller.Root() && (c.Bool("listall", false) || c.Has("id")) || c.memberOf(p.ID))
	})
	return Listing("project", rows, func(p Project) Obj {
		o := Obj{"id": p.ID, "name": p.Name, "displaytext": p.DisplayText, "state": p.State, "tags": c.tagsOf("Project", p.ID), "created": timeText(p.Created), "owner": []Obj{}}
		if d, ok := c.Domains.Any(p.DomainID); ok {
			o["domainid"], o["domain"] = d.ID, d.Name
		}
		if a, ok := c.Accounts.Any(p.AccountID); ok {
			o["projectaccountname"] = a.Name
			c.putLimits(o, a)
		}
		return o
	}), nil
}

// Setting is the value of a global setting; "" if there is none of that name.
func (c *Call) Setting(name string) string { return c.Cloud.setting(name) }

func (c *Cloud) setting(name string) string {
	if s, ok := c.store.Settings.Get(name); ok {
		return s.Value
	}
	for _, s := range c.settings {
		if s.Name == name {
			return s.Value
		}
	}
	return ""
}

func listConfigurations(c *Call) (any, error) {
	rows := make([]content.Setting, 0, len(c.Cloud.settings))
	for _, s := range c.Cloud.settings {
		if c.named("", s.Name) && c.is("category", s.Category) {
			rows = append(rows, s)
		}
	}
	return Listing("configuration", rows, c.settingResponse), nil
}

func (c *Call) settingResponse(s content.Setting) Obj {
	return Obj{"category": s.Category, "name": s.Name, "value": c.Setting(s.Name), "defaultvalue": s.Default, "type": s.Type,
		"isdynamic": true, "component": "management-server", "description": s.Name, "displaytext": s.Name,
		"group": "Management Server", "subgroup": "Others"}
}

func updateConfiguration(c *Call) (any, error) {
	for _, s := range c.Cloud.settings {
		if s.Name == c.Str("name") {
			c.Settings.Put(Setting{Base: c.Settings.BaseWithID(s.Name), Value: c.Str("value")})
			return Obj{"configuration": c.settingResponse(s)}, nil
		}
	}
	return nil, Invalid("Config parameter with name %s doesn't exist", c.Str("name"))
}

func listCapabilities(c *Call) (any, error) {
	caps := Obj{}
	if err := content.Read("capabilities", &caps); err != nil {
		return nil, err
	}
	allowed := c.Caller.Root() || c.Setting("allow.user.expunge.recover.vm") == "true"
	caps["allowuserexpungerecovervm"] = allowed
	caps["allowuserviewdestroyedvm"] = c.Caller.Root() || c.Setting("allow.user.view.destroyed.vm") == "true"
	if !c.Caller.Root() {
		delete(caps, "extensionspath")
	}
	return Obj{"capability": caps}, nil
}

func listAPIs(c *Call) (any, error) {
	var names []string
	for _, n := range sortedKeys(c.Cloud.commands) {
		if c.is("name", n) && (c.Caller.Root() || !c.Cloud.commands[n].rootOnly) {
			names = append(names, n)
		}
	}
	if c.Has("name") && len(names) == 0 {
		return nil, Invalid("The API [%s] is unknown or not allowed to you", c.Str("name"))
	}
	return Listing("api", names, func(n string) Obj {
		d := c.Cloud.table[n]
		params := make([]Obj, 0, len(d.Params))
		for _, p := range d.Params {
			params = append(params, Obj{"name": p.Name, "description": p.Name, "type": string(p.Type), "length": p.Length, "required": p.Required})
		}
		return Obj{"name": n, "description": n, "isasync": d.Async, "related": "", "params": params, "response": []Obj{}}
	}), nil
}

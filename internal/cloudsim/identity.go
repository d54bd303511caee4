package cloudsim

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/moldctl/moldctl/internal/cloudsim/apitable"
	"github.com/moldctl/moldctl/internal/cloudsim/content"
)

// identityCommands are accounts, domains, projects, limits, settings and what the server says of itself.
var identityCommands = map[string]command{
	"listAccounts":        {run: listAccounts, id: kindAccount},
	"listUsers":           {run: listUsers, id: kindUser},
	"getUser":             {run: getUser, rootOnly: true},
	"listResourceLimits":  {run: listResourceLimits, id: kindAny},
	"updateResourceLimit": {run: updateResourceLimit, adminOnly: true, event: "RESOURCE.LIMIT.UPDATE"},
	"listConfigurations":  {run: listConfigurations, rootOnly: true},
	"updateConfiguration": {run: updateConfiguration, rootOnly: true, event: "CONFIGURATION.VALUE.EDIT"},
	"resetConfiguration":  {run: resetConfiguration, rootOnly: true, event: "CONFIGURATION.VALUE.EDIT"},
	"listCapabilities":    {run: listCapabilities},
	"listApis":            {run: listAPIs},
}

func (c *Call) visibleAccount(a Account) bool {
	if a.Type == AccountProject || a.Name == "system" {
		return false
	}
	if a.ID == c.Caller.Account.ID {
		return true
	}
	wide := c.Bool("listall", false) || c.Has("id") || c.Has("name") || c.Has("domainid")
	governs := c.Caller.Account.Type == AccountDomainAdmin && c.inDomain(a.DomainID, c.Caller.Account.DomainID)
	return wide && (c.Caller.Root() || governs)
}

// inDomainAsked reports whether a domain is the one asked for, or below it if the call is recursive.
func (c *Call) inDomainAsked(id string) bool {
	asked := c.Str("domainid")
	return asked == "" || asked == id || c.Bool("isrecursive", false) && c.inDomain(id, asked)
}

func listAccounts(c *Call) (any, error) {
	rows := c.Accounts.Where(func(a Account) bool {
		return c.visibleAccount(a) && c.named(a.ID, a.Name) && c.inDomainAsked(a.DomainID) && c.is("state", a.State) &&
			c.is("accounttype", strconv.Itoa(int(a.Type)))
	})
	return Listing("account", rows, c.accountResponse), nil
}

func (c *Call) accountResponse(a Account) Obj {
	role := c.roleOf(a)
	o := Obj{"id": a.ID, "name": a.Name, "accounttype": int(a.Type), "roleid": role.ID, "roletype": role.Type, "rolename": role.Name,
		"state": a.State, "isdefault": a.Name == "admin", "groups": []string{}}
	o.Opt("networkdomain", a.NetworkDomain).Opt("defaultzoneid", a.DefaultZoneID)
	if len(a.Details) > 0 {
		o["accountdetails"] = a.Details
	}
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
	o["vmrunning"], o["vmstopped"] = c.powerCounts(a.ID)
	o["user"] = c.usersOf(a)
	return o
}

// usersOf are an account's users as accounts and projects show them.
func (c *Call) usersOf(a Account) []Obj {
	users := []Obj{}
	for u := range c.Users.All() {
		if u.AccountID == a.ID {
			users = append(users, c.userResponse(u))
		}
	}
	return users
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
		if !ok || a.Name == "system" || !c.named(u.ID, u.Username) || !c.is("username", u.Username) || !c.is("account", a.Name) ||
			!c.is("state", u.State) || !c.inDomainAsked(a.DomainID) {
			return false
		}
		wide := c.Bool("listall", false) || c.Has("id") || c.Has("account") || c.Has("username") || c.Has("domainid")
		governs := c.Caller.Account.Type == AccountDomainAdmin && c.inDomain(a.DomainID, c.Caller.Account.DomainID)
		return a.ID == c.Caller.Account.ID || wide && (c.Caller.Root() || governs)
	})
	return Listing("user", rows, func(u User) Obj {
		o := c.userResponse(u)
		if a, ok := c.Accounts.Get(u.AccountID); ok && a.DomainID != c.Caller.Account.DomainID {
			o["iscallerchilddomain"] = c.inDomain(a.DomainID, c.Caller.Account.DomainID)
		}
		if c.Caller.Root() {
			o["apikeyaccess"] = "INHERIT"
		}
		return o
	}), nil
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
		"is2faenabled": false, "is2famandated": false}
	if a, ok := c.Accounts.Any(u.AccountID); ok {
		role := c.roleOf(a)
		o["account"], o["accounttype"], o["roleid"], o["roletype"], o["rolename"] = a.Name, int(a.Type), role.ID, role.Type, role.Name
		o["isdefault"] = a.Name == "admin"
		if d, ok := c.Domains.Any(a.DomainID); ok {
			o["domainid"], o["domain"] = d.ID, d.Name
		}
	}
	return o.Opt("apikey", u.APIKey).Opt("timezone", u.Timezone)
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

// settingScopes are the parameters that narrow a setting to one thing.
var settingScopes = []struct{ param, scope string }{{"accountid", "account"}, {"domainid", "domain"}, {"zoneid", "zone"}, {"clusterid", "cluster"}, {"storageid", "storagepool"}}

// settingKey is where the value of a setting is kept: by its name, and by what it is narrowed to.
func (c *Call) settingKey(name string) (key, scope string) {
	for _, s := range settingScopes {
		if id := c.Str(s.param); id != "" {
			return name + "@" + id, s.scope
		}
	}
	return name, ""
}

func updateConfiguration(c *Call) (any, error) {
	for _, s := range c.Cloud.settings {
		if s.Name != c.Str("name") {
			continue
		}
		key, scope := c.settingKey(s.Name)
		c.Settings.Put(Setting{Base: c.Settings.BaseWithID(key), Value: c.Str("value")})
		o := c.settingResponse(s)
		o["value"] = c.Str("value")
		return Obj{"configuration": o.Opt("scope", scope)}, nil
	}
	return nil, Invalid("Config parameter with name %s doesn't exist", c.Str("name"))
}

// resetConfiguration gives a setting its default value back.
func resetConfiguration(c *Call) (any, error) {
	for _, s := range c.Cloud.settings {
		if s.Name != c.Str("name") {
			continue
		}
		key, scope := c.settingKey(s.Name)
		c.Settings.Delete(key)
		return Obj{"configuration": c.settingResponse(s).Opt("scope", scope)}, nil
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
		if c.is("name", n) && c.mayCall(c.Caller.Account, n, c.Cloud.commands[n]) {
			names = append(names, n)
		}
	}
	if c.Has("name") && len(names) == 0 {
		return nil, Invalid("The API [%s] is unknown or not allowed to you", c.Str("name"))
	}
	responses, err := apitable.Responses()
	if err != nil {
		return nil, err
	}
	related := c.relatedAPIs(responses)
	return Listing("api", names, func(n string) Obj {
		d := c.Cloud.table[n]
		params := make([]Obj, 0, len(d.Params))
		for _, p := range d.Params {
			params = append(params, Obj{"name": p.Name, "description": p.Name, "type": string(p.Type), "length": p.Length, "required": p.Required}.Opt("since", p.Since))
		}
		o := Obj{"name": n, "description": n, "isasync": d.Async, "params": params, "response": fieldObjects(responses[n])}
		return o.Opt("related", strings.Join(related[shapeOf(responses[n])], ","))
	}), nil
}

// relatedAPIs are the commands that answer with the same object, by its shape. Mere success relates nothing.
func (c *Call) relatedAPIs(responses map[string][]apitable.Field) map[string][]string {
	related := make(map[string][]string)
	for _, n := range sortedKeys(c.Cloud.commands) {
		shape := shapeOf(responses[n])
		if !strings.Contains(shape, "success") && c.mayCall(c.Caller.Account, n, c.Cloud.commands[n]) {
			related[shape] = append(related[shape], n)
		}
	}
	return related
}

func shapeOf(fields []apitable.Field) string {
	names := make([]string, 0, len(fields))
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return strings.Join(names, ",")
}

func fieldObjects(fields []apitable.Field) []Obj {
	out := make([]Obj, 0, len(fields))
	for _, f := range fields {
		o := Obj{"name": f.Name, "description": f.Name, "type": f.Type}
		if len(f.Fields) > 0 {
			o["response"] = fieldObjects(f.Fields)
		}
		out = append(out, o)
	}
	return out
}

package cloudsim

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// accountCommands are accounts.
var accountCommands = map[string]command{
	"createAccount":             {run: createAccount, kinds: map[string]kind{"roleid": kindRole, "accountid": kindAny, "userid": kindAny}, adminOnly: true, event: "ACCOUNT.CREATE"},
	"updateAccount":             {run: updateAccount, id: kindAccount, kinds: map[string]kind{"roleid": kindRole}, adminOnly: true, event: "ACCOUNT.UPDATE"},
	"enableAccount":             {run: enableAccount, id: kindAccount, adminOnly: true, event: "ACCOUNT.ENABLE"},
	"lockAccount":               {run: lockAccount, id: kindAccount, adminOnly: true},
	"disableAccount":            {start: startAccount, job: disableAccountJob, id: kindAccount, adminOnly: true, event: "ACCOUNT.DISABLE"},
	"deleteAccount":             {start: startAccount, job: deleteAccountJob, id: kindAccount, adminOnly: true, event: "ACCOUNT.DELETE"},
	"markDefaultZoneForAccount": {start: startAccount, job: defaultZoneJob, rootOnly: true, event: "ACCOUNT.MARK.DEFAULT.ZONE"},
	"isAccountAllowedToCreateOfferingsWithTags": {run: offeringTagsAllowed, id: kindAccount, rootOnly: true},
	"updateResourceCount":                       {run: updateResourceCount},
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// accountRole is the role that createAccount's parameters ask for.
func (c *Call) accountRole() (Role, error) {
	if id := c.Str("roleid"); id != "" {
		r, ok := c.Roles.Get(id)
		if !ok {
			return Role{}, Invalid("Unable to find role with id %s", id)
		}
		return r, nil
	}
	if !c.Has("accounttype") {
		return Role{}, BadParam("Neither account type and role ID are not provided")
	}
	id, ok := map[int]string{0: roleUser, 1: roleRootAdmin, 2: roleDomainAdmin}[c.Int("accounttype", -1)]
	if !ok {
		return Role{}, Invalid("Invalid account type %s", c.Str("accounttype"))
	}
	r, _ := c.Roles.Get(id)
	return r, nil
}

func createAccount(c *Call) (any, error) {
	role, err := c.accountRole()
	if err != nil {
		return nil, err
	}
	domain, ok := c.Domains.Get(c.Or("domainid", c.rootDomain().ID))
	if !ok {
		return nil, Invalid("The domain %s does not exist; unable to create account", c.Str("domainid"))
	}
	if err := c.overDomain(domain.ID); err != nil {
		return nil, err
	}
	kind := accountTypeOf(role)
	if !c.Caller.Root() && kind != AccountUser && kind != AccountDomainAdmin {
		return nil, Denied("Account %s is not allowed to create an account with role %s", accountText(c.Caller.Account), role.Name)
	}
	username := strings.TrimSpace(c.Str("username"))
	name := c.Or("account", username)
	if err := c.usernameFree(username, domain, ""); err != nil {
		return nil, err
	}
	if c.accountNamed(name, domain.ID, "") {
		return nil, Invalid("The specified account: %s already exists", name)
	}
	if n := c.Str("networkdomain"); n != "" {
		if err := checkDomain(n); err != nil {
			return nil, err
		}
	}
	a := Account{Base: c.freeID(c.Accounts.NewBase(), c.Accounts.has, c.Str("accountid")), Name: name, Type: kind, DomainID: domain.ID,
		State: "enabled", RoleID: role.ID, NetworkDomain: c.Str("networkdomain"), Details: c.Map("accountdetails")}
	c.Accounts.Put(a)
	c.defaultGroup(Owner{AccountID: a.ID, DomainID: a.DomainID})
	c.putUser(a, username)
	c.Made(a.ID)
	return Obj{"account": c.accountResponse(a)}, nil
}

// freeID takes the id a call asks for, if it is one and nobody has it.
func (c *Call) freeID(b Base, taken func(string) bool, wanted string) Base {
	if uuidForm.MatchString(wanted) && !taken(wanted) {
		b.ID = wanted
	}
	return b
}

func (c *Call) accountNamed(name, domainID, but string) bool {
	_, taken := c.Accounts.Find(func(a Account) bool { return a.Name == name && a.DomainID == domainID && a.ID != but })
	return taken
}

// accountGiven is the account that id, or account and domainid, name.
func (c *Call) accountGiven() (Account, error) {
	a, ok := c.Accounts.Get(c.Str("id"))
	if name := c.Str("account"); !ok && name != "" {
		domain := c.Or("domainid", c.Caller.Account.DomainID)
		a, ok = c.Accounts.Find(func(a Account) bool { return a.Name == name && a.DomainID == domain })
	}
	if !ok || a.Type == AccountProject {
		return Account{}, Invalid("Unable to find account by accountId: %s OR by name: %s in domain %s", valueOr(c.Str("id"), "null"), valueOr(c.Str("account"), "null"), valueOr(c.Str("domainid"), "null"))
	}
	if !c.Caller.Root() && (!c.inDomain(a.DomainID, c.Caller.Account.DomainID) || a.Type == AccountAdmin) {
		return Account{}, Denied("%s does not have permission to operate with resource %s", accountText(c.Caller.Account), accountText(a))
	}
	return a, nil
}

func updateAccount(c *Call) (any, error) {
	a, err := c.accountGiven()
	if err != nil {
		return nil, err
	}
	if a.Name == "system" {
		return nil, Denied("Can't modify system account")
	}
	if n := c.Str("newname"); n != "" && c.accountNamed(n, a.DomainID, a.ID) {
		return nil, Invalid("There already exists an account with the name: %s in the domain: %s with existing account id: %s", n, a.DomainID, a.ID)
	}
	if n := c.Str("networkdomain"); n != "" {
		if err := checkDomain(n); err != nil {
			return nil, err
		}
		a.NetworkDomain = n
	}
	if id := c.Str("roleid"); id != "" {
		r, ok := c.Roles.Get(id)
		if !ok {
			return nil, Invalid("Unable to find role with id %s", id)
		}
		a.RoleID, a.Type = r.ID, accountTypeOf(r)
	}
	a.Name = c.Or("newname", a.Name)
	if d := c.Map("accountdetails"); len(d) > 0 {
		merged := maps.Clone(detailsObj(a.Details))
		maps.Copy(merged, d)
		a.Details = merged
	}
	c.Accounts.Put(a)
	c.Made(a.ID)
	o := c.accountResponse(a)
	delete(o, "apikeyaccess") // shown only if the call sets it
	return Obj{"account": o}, nil
}

func enableAccount(c *Call) (any, error) {
	a, err := c.accountGiven()
	if err != nil {
		return nil, err
	}
	a.State = "enabled"
	c.Accounts.Put(a)
	c.Made(a.ID)
	return Obj{"account": c.accountResponse(a)}, nil
}

func lockAccount(*Call) (any, error) {
	return nil, Internal("LockAccount does not lock accounts. Its implementation is disabled. Use DisableAccount instead")
}

func startAccount(c *Call) (string, error) {
	a, err := c.accountGiven()
	if err != nil {
		return "", err
	}
	if a.Name == "system" || a.Name == "admin" && c.Name == "deleteAccount" {
		return "", Invalid("The account is of type ROOT and can't be changed")
	}
	if a.ID == c.Caller.Account.ID && c.Name == "deleteAccount" {
		return "", Invalid("Deletion of your own account is not allowed")
	}
	if owned := c.projectsOwnedBy(a.ID); c.Name == "deleteAccount" && len(owned) > 0 {
		return "", Invalid("The account %s owns project(s) %s and can't be removed.", accountText(a), strings.Join(owned, ", "))
	}
	return a.ID, nil
}

func (c *Call) projectsOwnedBy(accountID string) []string {
	var names []string
	for p := range c.Projects.All() {
		if len(p.Members) > 0 && p.Members[0] == accountID {
			names = append(names, p.Name)
		}
	}
	return names
}

// disableAccountJob stops an account's machines and lets it call nothing more; a locked one keeps its machines.
func disableAccountJob(c *Call) (Obj, error) {
	a, ok := c.Accounts.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to disable account")
	}
	a.State = "disabled"
	if c.Bool("lock", false) {
		a.State = "locked"
	}
	c.Accounts.Put(a)
	for _, vm := range c.VMs.Where(func(v VM) bool { return v.AccountID == a.ID && a.State == "disabled" }) {
		if err := c.bringDown(vm, true); err != nil {
			return nil, err
		}
	}
	a, _ = c.Accounts.Get(a.ID)
	return Obj{"account": c.accountResponse(a)}, nil
}

func deleteAccountJob(c *Call) (Obj, error) {
	if err := c.forgetAccount(c.EntityID); err != nil {
		return nil, err
	}
	return Success(), nil
}

func defaultZoneJob(c *Call) (Obj, error) {
	a, ok := c.Accounts.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to mark the account with the default zone")
	}
	a.DefaultZoneID = c.Str("zoneid")
	c.Accounts.Put(a)
	return Obj{"account": c.accountResponse(a)}, nil
}

func offeringTagsAllowed(*Call) (any, error) { return Obj{"isallowed": true}, nil }

// updateResourceCount counts what the accounts of a domain, or one of them, have.
func updateResourceCount(c *Call) (any, error) {
	domain, _ := c.Domains.Get(c.Str("domainid"))
	if err := c.overDomain(domain.ID); err != nil {
		return nil, err
	}
	if t := c.Int("resourcetype", 0); t < 0 || t >= len(resourceTypes) {
		return nil, Invalid("Please specify valid resource type")
	}
	accounts := c.Accounts.Where(func(a Account) bool { return a.DomainID == domain.ID && c.is("account", a.Name) })
	if len(accounts) == 0 {
		return nil, Invalid("Please specify a valid domain ID.")
	}
	types := slices.Clone(resourceTypes)
	if c.Has("resourcetype") {
		types = types[c.Int("resourcetype", 0):][:1]
	}
	return Listing("resourcecount", types, func(t resourceType) Obj {
		var n int64
		for _, a := range accounts {
			n += c.used(a.ID, t.number)
		}
		o := Obj{"resourcetype": itoa(int64(t.number)), "resourcetypename": t.name, "resourcecount": n, "domainid": domain.ID, "domain": domain.Name, "domainpath": domain.Path}
		return o.Opt("account", c.Str("account"))
	}), nil
}

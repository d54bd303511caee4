package cloudsim

import (
	"regexp"
	"slices"
	"sort"
	"strings"
)

// roleCommands are roles and their permissions.
var roleCommands = map[string]command{
	"listRoles":            {run: listRoles, id: kindRole, adminOnly: true},
	"createRole":           {run: createRole, kinds: map[string]kind{"roleid": kindRole}, rootOnly: true, event: "ROLE.CREATE"},
	"importRole":           {run: importRole, rootOnly: true, event: "ROLE.IMPORT"},
	"updateRole":           {run: updateRole, id: kindRole, rootOnly: true, event: "ROLE.UPDATE"},
	"deleteRole":           {run: deleteRole, id: kindRole, rootOnly: true, event: "ROLE.DELETE"},
	"enableRole":           {run: enableRole, id: kindRole, rootOnly: true, event: "ROLE.ENABLE"},
	"disableRole":          {run: disableRole, id: kindRole, rootOnly: true, event: "ROLE.DISABLE"},
	"listRolePermissions":  {run: listRolePermissions, kinds: map[string]kind{"roleid": kindRole}, rootOnly: true},
	"createRolePermission": {run: createRolePermission, kinds: map[string]kind{"roleid": kindRole}, rootOnly: true, event: "ROLE.PERMISSION.CREATE"},
	"updateRolePermission": {run: updateRolePermission, kinds: map[string]kind{"roleid": kindRole, "ruleid": kindRolePermission, "ruleorder": kindRolePermission}, rootOnly: true, event: "ROLE.PERMISSION.UPDATE"},
	"deleteRolePermission": {run: deleteRolePermission, id: kindRolePermission, rootOnly: true, event: "ROLE.PERMISSION.DELETE"},
}

// The default roles by type of account.
const (
	roleRootAdmin   = "edcfa61a-e678-11f1-92f9-02fc00000001"
	roleDomainAdmin = "edcfc0f2-e678-11f1-92f9-02fc00000001"
	roleUser        = "edcfc47f-e678-11f1-92f9-02fc00000001"
)

var roleTypes = []string{"Admin", "ResourceAdmin", "DomainAdmin", "User"}

// roleOf is the role of an account; accounts without one have the default of their type.
func (t *Tables) roleOf(a Account) Role {
	id := a.RoleID
	if id == "" {
		id = map[AccountType]string{AccountAdmin: roleRootAdmin, AccountDomainAdmin: roleDomainAdmin}[a.Type]
	}
	r, ok := t.Roles.Any(valueOr(id, roleUser))
	if !ok {
		return Role{}
	}
	return r
}

// accountTypeOf is the type of the accounts of a role.
func accountTypeOf(r Role) AccountType {
	switch r.Type {
	case "Admin":
		return AccountAdmin
	case "ResourceAdmin":
		return 3
	case "DomainAdmin":
		return AccountDomainAdmin
	}
	return AccountUser
}

// mayCall decides whether an account's role allows a command: the first rule that fits, else what the type may do.
func (t *Tables) mayCall(a Account, name string, cmd command) bool {
	role := t.roleOf(a)
	if role.ID == roleRootAdmin {
		return true
	}
	if role.State == "disabled" {
		return false
	}
	for _, p := range t.permissionsOf(role.ID) {
		if ruleMatches(p.Rule, name) {
			return p.Allow
		}
	}
	switch a.Type {
	case AccountAdmin:
		return true
	case AccountDomainAdmin:
		return !cmd.rootOnly
	}
	return !cmd.rootOnly && !cmd.adminOnly
}

func ruleMatches(rule, name string) bool {
	prefix, suffix, wild := strings.Cut(strings.ToLower(rule), "*")
	name = strings.ToLower(name)
	if !wild {
		return name == prefix
	}
	if strings.Contains(suffix, "*") {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.ToLower(rule)), `\*`, ".*")
		ok, err := regexp.MatchString("^"+pattern+"$", name)
		return err == nil && ok
	}
	return len(name) >= len(prefix)+len(suffix) && strings.HasPrefix(name, prefix) && strings.HasSuffix(name, suffix)
}

// permissionsOf are a role's rules in the order in which they are judged.
func (t *Tables) permissionsOf(roleID string) []RolePermission {
	rules := t.RolePermissions.Where(func(p RolePermission) bool { return p.RoleID == roleID })
	sort.SliceStable(rules, func(i, j int) bool { return rules[i].Order < rules[j].Order })
	return rules
}

func roleResponse(r Role) Obj {
	return Obj{"type": r.Type, "state": r.State, "id": r.ID, "name": r.Name, "ispublic": !r.Private}.Opt("description", r.Description)
}

func listRoles(c *Call) (any, error) {
	rows := c.Roles.Where(func(r Role) bool {
		return c.named(r.ID, r.Name, r.Description) && (!c.Has("type") || strings.EqualFold(c.Str("type"), r.Type)) &&
			(!c.Has("state") || strings.EqualFold(c.Str("state"), r.State)) && (c.Caller.Root() || r.Type != "Admin" && !r.Private)
	})
	return Listing("role", rows, func(r Role) Obj {
		o := roleResponse(r)
		o["isdefault"] = r.Default
		return o
	}), nil
}

func createRole(c *Call) (any, error) {
	name, kindName := c.Str("name"), c.Str("type")
	role := Role{Name: name, Description: c.Str("description"), State: "enabled", Private: !c.Bool("ispublic", true)}
	source, cloned := c.Roles.Get(c.Str("roleid"))
	switch {
	case kindName == "" && !cloned:
		return nil, BadParam("Neither role type nor role ID is provided")
	case cloned && kindName != "":
		return nil, BadParam("Both role type and role ID should not be specified")
	case cloned:
		role.Type = source.Type
	default:
		i := slices.IndexFunc(roleTypes, func(t string) bool { return strings.EqualFold(t, kindName) })
		if i < 0 {
			return nil, Fail(530, csServer, "Illegal RoleType name provided")
		}
		role.Type = roleTypes[i]
	}
	if c.roleNamed(name, "") {
		return nil, errExistsAlready()
	}
	role.Base = c.Roles.NewBase()
	c.Roles.Put(role)
	for i, p := range c.permissionsOf(source.ID) {
		if cloned {
			c.RolePermissions.Put(RolePermission{Base: c.RolePermissions.NewBase(), RoleID: role.ID, Rule: p.Rule, Allow: p.Allow, Description: p.Description, Order: int64(i)})
		}
	}
	c.Made(role.ID)
	return Obj{"role": roleResponse(role)}, nil
}

// errExistsAlready is what a name that the database wants only once answers.
func errExistsAlready() error { return Fail(530, csServer, "Entity already exists ") }

func (c *Call) roleNamed(name, but string) bool {
	_, taken := c.Roles.Find(func(r Role) bool { return r.Name == name && r.ID != but })
	return taken
}

// importRole makes a role with its rules in one call.
func importRole(c *Call) (any, error) {
	i := slices.IndexFunc(roleTypes, func(t string) bool { return strings.EqualFold(t, c.Str("type")) })
	if i < 0 {
		return nil, Fail(530, csServer, "Illegal RoleType name provided")
	}
	role, exists := c.Roles.Find(func(r Role) bool { return r.Name == c.Str("name") })
	switch {
	case exists && role.Default:
		return nil, Denied("Role %s is a default role and cannot be imported", role.Name)
	case exists && !c.Bool("forced", false):
		return nil, BadParam("Role %s already exists", role.Name)
	case !exists:
		role = Role{Base: c.Roles.NewBase(), Name: c.Str("name"), State: "enabled"}
	}
	role.Type, role.Description, role.Private = roleTypes[i], c.Str("description"), !c.Bool("ispublic", true)
	for _, p := range c.permissionsOf(role.ID) {
		c.RolePermissions.Delete(p.ID)
	}
	c.Roles.Put(role)
	for n, r := range c.Maps("rules") {
		allow, err := permission(r["permission"])
		if err != nil {
			return nil, err
		}
		if err := checkRule(r["rule"]); err != nil {
			return nil, err
		}
		c.RolePermissions.Put(RolePermission{Base: c.RolePermissions.NewBase(), RoleID: role.ID, Rule: r["rule"], Allow: allow, Description: r["description"], Order: int64(n)})
	}
	c.Made(role.ID)
	return Obj{"role": roleResponse(role)}, nil
}

func updateRole(c *Call) (any, error) {
	r, ok := c.Roles.Get(c.Str("id"))
	if !ok {
		return nil, BadParam("Invalid role id provided")
	}
	if r.Default && (c.Has("name") || c.Has("type") || c.Has("description")) {
		return nil, Denied("Default roles cannot be updated (with the exception of making it private/public).")
	}
	if n := c.Str("name"); n != "" && c.roleNamed(n, r.ID) {
		return nil, errExistsAlready()
	}
	if t := c.Str("type"); t != "" {
		i := slices.IndexFunc(roleTypes, func(name string) bool { return strings.EqualFold(t, name) })
		if i < 0 {
			return nil, Fail(530, csServer, "Illegal RoleType name provided")
		}
		if c.roleUsed(r.ID) {
			return nil, Denied("Found accounts that have role in use, won't allow to update role type")
		}
		r.Type = roleTypes[i]
	}
	r.Name, r.Description, r.Private = c.Or("name", r.Name), c.Or("description", r.Description), !c.Bool("ispublic", !r.Private)
	c.Roles.Put(r)
	c.Made(r.ID)
	return Obj{"role": roleResponse(r)}, nil
}

func (c *Call) roleUsed(id string) bool {
	_, used := c.Accounts.Find(func(a Account) bool { return a.RoleID == id })
	return used
}

func deleteRole(c *Call) (any, error) {
	r, ok := c.Roles.Get(c.Str("id"))
	if !ok {
		return nil, BadParam("Cannot find the role with provided id")
	}
	if r.Default {
		return nil, Denied("Default roles cannot be deleted")
	}
	if c.roleUsed(r.ID) {
		return nil, Denied("Found accounts that have role in use, won't allow to delete role")
	}
	for _, p := range c.permissionsOf(r.ID) {
		c.RolePermissions.Delete(p.ID)
	}
	c.Roles.Delete(r.ID)
	c.Made(r.ID)
	return Success(), nil
}

func enableRole(c *Call) (any, error)  { return c.setRoleState("enabled") }
func disableRole(c *Call) (any, error) { return c.setRoleState("disabled") }

func (c *Call) setRoleState(state string) (any, error) {
	r, ok := c.Roles.Get(c.Str("id"))
	if !ok {
		return nil, BadParam("Cannot find the role with provided id")
	}
	if r.ID == roleRootAdmin {
		return nil, Denied("Default roles cannot be enabled or disabled")
	}
	r.State = state
	c.Roles.Put(r)
	c.Made(r.ID)
	return Success(), nil
}

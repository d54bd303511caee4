package cloudsim

import (
	"regexp"
	"strings"
)

func listRolePermissions(c *Call) (any, error) {
	var rows []RolePermission
	if id := c.Str("roleid"); id != "" {
		rows = c.permissionsOf(id)
	} else {
		rows = c.RolePermissions.Where(func(RolePermission) bool { return true })
	}
	return Listing("rolepermission", rows, func(p RolePermission) Obj {
		o := permissionResponse(p)
		if r, ok := c.Roles.Get(p.RoleID); ok {
			o["rolename"] = r.Name
		}
		return o
	}), nil
}

func permissionResponse(p RolePermission) Obj {
	word := "deny"
	if p.Allow {
		word = "allow"
	}
	return Obj{"id": p.ID, "roleid": p.RoleID, "rule": p.Rule, "permission": word}.Opt("description", p.Description)
}

func permission(word string) (allow bool, err error) {
	switch strings.ToLower(word) {
	case "allow":
		return true, nil
	case "deny":
		return false, nil
	}
	return false, BadParam("No enum constant org.apache.cloudstack.acl.RolePermissionEntity.Permission.%s", strings.ToUpper(word))
}

var ruleText = regexp.MustCompile(`^[a-zA-Z0-9*]+$`)

func checkRule(rule string) error {
	if !ruleText.MatchString(rule) {
		return Invalid("Only API names and wildcards are allowed, invalid rule provided: %s", rule)
	}
	return nil
}

func createRolePermission(c *Call) (any, error) {
	role, ok := c.Roles.Get(c.Str("roleid"))
	if !ok {
		return nil, BadParam("Invalid role id provided")
	}
	allow, err := permission(c.Str("permission"))
	if err != nil {
		return nil, err
	}
	if err := checkRule(c.Str("rule")); err != nil {
		return nil, err
	}
	if role.Default {
		return nil, Denied("Role permission cannot be added for Default roles")
	}
	order := int64(0)
	for _, p := range c.permissionsOf(role.ID) {
		if strings.EqualFold(p.Rule, c.Str("rule")) {
			return nil, Denied("Rule already exists for the role: %s", role.Name)
		}
		order = max(order, p.Order+1)
	}
	p := RolePermission{Base: c.RolePermissions.NewBase(), RoleID: role.ID, Rule: c.Str("rule"), Allow: allow, Description: c.Str("description"), Order: order}
	c.RolePermissions.Put(p)
	c.Made(p.ID)
	return Obj{"rolepermission": permissionResponse(p)}, nil
}

// updateRolePermission changes one rule's verdict, or the order of all.
func updateRolePermission(c *Call) (any, error) {
	role, ok := c.Roles.Get(c.Str("roleid"))
	if !ok {
		return nil, BadParam("Invalid role id provided")
	}
	if role.Default {
		return nil, Denied("Default roles cannot be updated")
	}
	order := c.List("ruleorder")
	switch {
	case len(order) > 0 && (c.Has("ruleid") || c.Has("permission")):
		return nil, BadParam("Parameters permission and ruleid must be mutually exclusive with ruleorder")
	case len(order) > 0:
		return c.orderRules(role, order)
	case !c.Has("ruleid") || !c.Has("permission"):
		return nil, BadParam("Parameters permission and ruleid must be specified together")
	}
	allow, err := permission(c.Str("permission"))
	if err != nil {
		return nil, err
	}
	p, ok := c.RolePermissions.Get(c.Str("ruleid"))
	if !ok || p.RoleID != role.ID {
		return nil, BadParam("Invalid rule id provided")
	}
	p.Allow = allow
	c.RolePermissions.Put(p)
	c.Made(role.ID)
	return Success(), nil
}

func (c *Call) orderRules(role Role, order []string) (any, error) {
	if len(order) != len(c.permissionsOf(role.ID)) {
		return nil, BadParam("Provided rule order does not contain all the rules of the role")
	}
	for i, id := range order {
		p, ok := c.RolePermissions.Get(id)
		if !ok || p.RoleID != role.ID {
			return nil, BadParam("Invalid rule id provided")
		}
		p.Order = int64(i)
		c.RolePermissions.Put(p)
	}
	c.Made(role.ID)
	return Success(), nil
}

func deleteRolePermission(c *Call) (any, error) {
	p, ok := c.RolePermissions.Get(c.Str("id"))
	if !ok {
		return nil, BadParam("Invalid role permission id provided")
	}
	if r, _ := c.Roles.Get(p.RoleID); r.Default {
		return nil, Denied("Role permission cannot be deleted for Default roles")
	}
	c.RolePermissions.Delete(p.ID)
	c.Made(p.ID)
	return Success(), nil
}

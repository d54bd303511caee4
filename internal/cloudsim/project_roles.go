package cloudsim

import (
	"slices"
	"sort"
	"strings"
)

// projectRoleCommands are what members of a project may do in it.
var projectRoleCommands = map[string]command{
	"createProjectRole":           {run: createProjectRole, event: "PROJECT.ROLE.CREATE"},
	"updateProjectRole":           {run: updateProjectRole, id: kindProjectRole, event: "PROJECT.ROLE.UPDATE"},
	"deleteProjectRole":           {run: deleteProjectRole, id: kindProjectRole, event: "PROJECT.ROLE.DELETE"},
	"listProjectRoles":            {run: listProjectRoles},
	"createProjectRolePermission": {run: createProjectRule, event: "PROJECT.ROLE.PERMISSION.CREATE"},
	"updateProjectRolePermission": {run: updateProjectRule, kinds: map[string]kind{"ruleorder": kindProjectRoleRule}, event: "PROJECT.ROLE.PERMISSION.UPDATE"},
	"deleteProjectRolePermission": {run: deleteProjectRule, id: kindProjectRoleRule, event: "PROJECT.ROLE.PERMISSION.DELETE"},
	"listProjectRolePermissions":  {run: listProjectRules},
}

// roleProject is the project whose roles a call changes; only those who lead it may.
func (c *Call) roleProject() (Project, error) {
	p, ok := c.Projects.Get(c.Str("projectid"))
	switch {
	case !ok:
		return p, Invalid("Invalid project ID provided")
	case p.State != "Active":
		return p, Internal("Unable to perform role action: project %s is not active", p.Name)
	case !c.Caller.Root() && !c.leadsProject(p) && !(c.Caller.Account.Type == AccountDomainAdmin && c.inDomain(p.DomainID, c.Caller.Account.DomainID)):
		return p, Denied("Caller is not authorized to perform role actions on the project %s", p.Name)
	}
	return p, nil
}

// projectRoleGiven is the role that a parameter names, if it is the project's.
func (c *Call) projectRoleGiven(param string) (Project, ProjectRole, error) {
	p, err := c.roleProject()
	if err != nil {
		return p, ProjectRole{}, err
	}
	r, ok := c.ProjectRoles.Get(c.Str(param))
	if !ok || r.ProjectID != p.ID {
		return p, r, BadParam("Invalid role id provided")
	}
	return p, r, nil
}

func projectRoleResponse(r ProjectRole) Obj {
	return Obj{"id": r.ID, "name": r.Name, "projectid": r.ProjectID, "ispublic": true}.Opt("description", r.Description)
}

func (c *Call) projectRoleNamed(p Project, name, but string) bool {
	_, ok := c.ProjectRoles.Find(func(r ProjectRole) bool { return r.ProjectID == p.ID && r.Name == name && r.ID != but })
	return ok
}

func createProjectRole(c *Call) (any, error) {
	p, err := c.roleProject()
	if err != nil {
		return nil, err
	}
	name := c.Str("name")
	switch {
	case strings.TrimSpace(name) == "":
		return nil, Invalid("Empty role name provided")
	case c.projectRoleNamed(p, name, ""):
		return nil, Internal("Role already exists")
	}
	r := ProjectRole{Base: c.ProjectRoles.NewBase(), ProjectID: p.ID, Name: name, Description: c.Str("description")}
	c.ProjectRoles.Put(r)
	c.Made(r.ID)
	return Obj{"projectrole": projectRoleResponse(r)}, nil
}

func updateProjectRole(c *Call) (any, error) {
	p, r, err := c.projectRoleGiven("id")
	if err != nil {
		return nil, err
	}
	if n := c.Str("name"); n != "" && c.projectRoleNamed(p, n, r.ID) {
		return nil, Internal("Role already exists")
	}
	r.Name, r.Description = c.Or("name", r.Name), c.Or("description", r.Description)
	c.ProjectRoles.Put(r)
	c.Made(r.ID)
	return Obj{"projectrole": projectRoleResponse(r)}, nil
}

func deleteProjectRole(c *Call) (any, error) {
	_, r, err := c.projectRoleGiven("id")
	if err != nil {
		return nil, err
	}
	if _, used := c.ProjectMemberInfo.Find(func(m ProjectMember) bool { return m.RoleID == r.ID }); used {
		return nil, Internal("Found users or accounts in role, cannot delete the role. Change the role of the users or accounts to another role first")
	}
	for _, rule := range c.rulesOfProjectRole(r.ID) {
		c.ProjectRoleRules.Delete(rule.ID)
	}
	c.ProjectRoles.Delete(r.ID)
	c.Made(r.ID)
	return Success(), nil
}

// viewProject refuses whoever is no member of the project that projectid names.
func (c *Call) viewProject() (Project, error) {
	p, ok := c.Projects.Get(c.Str("projectid"))
	if !ok {
		return p, Invalid("Invalid project ID provided")
	}
	if !c.Caller.Root() && !c.memberOf(p.ID) && !(c.Caller.Account.Type == AccountDomainAdmin && c.inDomain(p.DomainID, c.Caller.Account.DomainID)) {
		return p, Denied("Account %s can't access project id=%d", accountText(c.Caller.Account), p.N)
	}
	return p, nil
}

func listProjectRoles(c *Call) (any, error) {
	p, err := c.viewProject()
	if err != nil {
		return nil, err
	}
	rows := c.ProjectRoles.Where(func(r ProjectRole) bool {
		return r.ProjectID == p.ID && c.is("projectroleid", r.ID) && c.is("name", r.Name) && strings.Contains(strings.ToLower(r.Name), strings.ToLower(c.Str("keyword")))
	})
	return Listing("projectrole", rows, projectRoleResponse), nil
}

// rulesOfProjectRole are a role's rules in the order in which they are judged.
func (t *Tables) rulesOfProjectRole(roleID string) []ProjectRoleRule {
	rules := t.ProjectRoleRules.Where(func(r ProjectRoleRule) bool { return r.RoleID == roleID && roleID != "" })
	sort.SliceStable(rules, func(i, j int) bool { return rules[i].Order < rules[j].Order })
	return rules
}

func (c *Call) projectRuleResponse(r ProjectRoleRule) Obj {
	role, _ := c.ProjectRoles.Any(r.RoleID)
	return Obj{"id": r.ID, "projectroleid": role.ID, "projectrolename": role.Name, "projectid": r.ProjectID, "rule": r.Rule,
		"permission": map[bool]string{true: "allow", false: "deny"}[r.Allow]}.Opt("description", r.Description)
}

// permissionGiven reads allow or deny.
func (c *Call) permissionGiven() (allow bool, err error) {
	switch strings.ToLower(c.Str("permission")) {
	case "allow":
		return true, nil
	case "deny":
		return false, nil
	}
	return false, BadParam("Invalid permission received: %s", c.Str("permission"))
}

func createProjectRule(c *Call) (any, error) {
	p, role, err := c.projectRoleGiven("projectroleid")
	if err != nil {
		return nil, err
	}
	allow, err := c.permissionGiven()
	if err != nil {
		return nil, err
	}
	rules := c.rulesOfProjectRole(role.ID)
	if slices.ContainsFunc(rules, func(r ProjectRoleRule) bool { return strings.EqualFold(r.Rule, c.Str("rule")) }) {
		return nil, Internal("Rule already exists for the role: %s", role.Name)
	}
	r := ProjectRoleRule{Base: c.ProjectRoleRules.NewBase(), ProjectID: p.ID, RoleID: role.ID, Rule: c.Str("rule"), Allow: allow, Description: c.Str("description"), Order: int64(len(rules))}
	c.ProjectRoleRules.Put(r)
	c.Made(r.ID)
	return Obj{"projectrolepermission": c.projectRuleResponse(r)}, nil
}

// updateProjectRule changes what one rule says, or the order of all.
func updateProjectRule(c *Call) (any, error) {
	_, role, err := c.projectRoleGiven("projectroleid")
	if err != nil {
		return nil, err
	}
	order, one := c.List("ruleorder"), c.Str("projectrolepermissionid")
	rules := c.rulesOfProjectRole(role.ID)
	switch {
	case len(order) > 0 && (one != "" || c.Has("permission")):
		return nil, BadParam("Parameters permission and ruleid must be mutually exclusive with ruleorder")
	case len(order) > 0 && len(order) != len(rules):
		return nil, Internal("Failed to update role permissions: the list of rules is not complete")
	case len(order) == 0 && (one == "" || !c.Has("permission")):
		return nil, BadParam("Both permission and ruleid must be specified")
	}
	if len(order) == 0 {
		allow, err := c.permissionGiven()
		if err != nil {
			return nil, err
		}
		r, ok := c.ProjectRoleRules.Get(one)
		if !ok || r.RoleID != role.ID {
			return nil, BadParam("Invalid rule id provided")
		}
		r.Allow = allow
		c.ProjectRoleRules.Put(r)
		return Success(), nil
	}
	for i, id := range order {
		r, ok := c.ProjectRoleRules.Get(id)
		if !ok || r.RoleID != role.ID {
			return nil, BadParam("Invalid rule id provided")
		}
		r.Order = int64(i)
		c.ProjectRoleRules.Put(r)
	}
	return Success(), nil
}

func deleteProjectRule(c *Call) (any, error) {
	p, err := c.roleProject()
	if err != nil {
		return nil, err
	}
	r, ok := c.ProjectRoleRules.Get(c.Str("id"))
	if !ok || r.ProjectID != p.ID {
		return nil, BadParam("Invalid role permission id provided")
	}
	c.ProjectRoleRules.Delete(r.ID)
	c.Made(r.ID)
	return Success(), nil
}

func listProjectRules(c *Call) (any, error) {
	p, err := c.viewProject()
	if err != nil {
		return nil, err
	}
	var rows []ProjectRoleRule
	for role := range c.ProjectRoles.All() {
		if role.ProjectID == p.ID && c.is("projectroleid", role.ID) {
			rows = append(rows, c.rulesOfProjectRole(role.ID)...)
		}
	}
	return Listing("projectrolepermission", rows, c.projectRuleResponse), nil
}

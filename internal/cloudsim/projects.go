package cloudsim

import (
	"slices"
	"strings"
)

// projectCommands are projects and their members.
var projectCommands = map[string]command{
	"createProject":            {start: startCreateProject, job: projectJob, creates: true, event: "PROJECT.CREATE"},
	"listProjects":             {run: listProjects, id: kindProject},
	"updateProject":            {start: startProject, job: updateProjectJob, id: kindProject, event: "PROJECT.UPDATE"},
	"activateProject":          {start: startProject, job: activateProjectJob, id: kindProject, event: "PROJECT.ACTIVATE", envelope: "activaterojectresponse"},
	"suspendProject":           {start: startProject, job: suspendProjectJob, id: kindProject, event: "PROJECT.SUSPEND"},
	"deleteProject":            {start: startProject, job: deleteProjectJob, id: kindProject, event: "PROJECT.DELETE"},
	"addAccountToProject":      {start: startMember, job: addMemberJob, event: "PROJECT.ACCOUNT.ADD"},
	"deleteAccountFromProject": {start: startMember, job: removeMemberJob, event: "PROJECT.ACCOUNT.REMOVE"},
	"listProjectAccounts":      {run: listProjectAccounts},
}

func startCreateProject(c *Call) (string, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return "", err
	}
	if id := c.Str("accountid"); id != "" {
		a, _ := c.Accounts.Get(id)
		owner = Owner{AccountID: a.ID, DomainID: a.DomainID}
		if err := c.Own(owner); err != nil {
			return "", err
		}
	}
	if !c.Caller.Root() && c.Setting("allow.user.create.projects") == "false" && c.Caller.Account.Type == AccountUser {
		return "", Denied("Regular user is not permitted to create a project")
	}
	d, _ := c.Domains.Get(owner.DomainID)
	name := c.Str("name")
	if _, taken := c.Projects.Find(func(p Project) bool { return p.Name == name && p.DomainID == d.ID }); taken {
		return "", Invalid("Project with name %s already exists in domain id=%d", name, d.N)
	}
	if err := c.CheckLimit(owner, limitProject, 1); err != nil {
		return "", err
	}
	p := Project{Base: c.Projects.NewBase(), Name: name, DisplayText: c.Or("displaytext", name), DomainID: d.ID, State: "Active", Members: []string{owner.AccountID}}
	a := Account{Base: c.Accounts.NewBase(), Name: "PrjAcct-" + name + "-" + itoa(d.N), Type: AccountProject, DomainID: d.ID, State: "enabled"}
	p.AccountID = a.ID
	c.Accounts.Put(a)
	c.Projects.Put(p)
	c.defaultGroup(Owner{AccountID: a.ID, DomainID: a.DomainID, ProjectID: p.ID})
	return p.ID, nil
}

func projectJob(c *Call) (Obj, error) {
	p, ok := c.Projects.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to create a project")
	}
	return Obj{"project": c.projectResponse(p)}, nil
}

func (c *Call) projectResponse(p Project) Obj {
	o := Obj{"id": p.ID, "name": p.Name, "displaytext": p.DisplayText, "state": p.State, "tags": c.tagsOf("Project", p.ID), "created": timeText(p.Created)}
	owners := []Obj{}
	if len(p.Members) > 0 {
		if a, ok := c.Accounts.Any(p.Members[0]); ok {
			owners = append(owners, Obj{"account": a.Name})
		}
	}
	o["owner"] = owners
	if d, ok := c.Domains.Any(p.DomainID); ok {
		o["domainid"], o["domain"] = d.ID, d.Name
	}
	if a, ok := c.Accounts.Any(p.AccountID); ok {
		o["projectaccountname"] = a.Name
		c.putLimits(o, a)
		for _, what := range []string{"limit", "total", "available"} { // a project has no projects
			delete(o, "project"+what)
		}
		o["vmrunning"], o["vmstopped"] = c.powerCounts(a.ID)
	}
	return o
}

// powerCounts are how many machines of an account run and how many do not.
func (c *Call) powerCounts(accountID string) (running, stopped int) {
	for v := range c.VMs.All() {
		if v.AccountID == accountID && v.State == VMRunning {
			running++
		}
	}
	return running, int(c.used(accountID, limitVM)) - running
}

func listProjects(c *Call) (any, error) {
	rows := c.Projects.Where(func(p Project) bool {
		if !c.named(p.ID, p.Name, p.DisplayText) || !c.is("state", p.State) || !c.is("displaytext", p.DisplayText) || !c.is("domainid", p.DomainID) || !c.matchTags("Project", p.ID) {
			return false
		}
		if name := c.Str("account"); name != "" {
			a, ok := c.Accounts.Find(func(a Account) bool { return a.Name == name && a.DomainID == p.DomainID })
			if !ok || !slices.Contains(p.Members, a.ID) {
				return false
			}
		}
		wide := c.Bool("listall", false) || c.Has("id")
		governs := c.Caller.Account.Type == AccountDomainAdmin && c.inDomain(p.DomainID, c.Caller.Account.DomainID)
		return c.memberOf(p.ID) || wide && (c.Caller.Root() || governs)
	})
	return Listing("project", rows, c.projectResponse), nil
}

// startProject refuses whoever may not change the project.
func startProject(c *Call) (string, error) {
	p, ok := c.Projects.Get(valueOr(c.Str("id"), c.Str("projectid")))
	if !ok {
		return "", Invalid("Unable to find the project id=%s", c.Str("id"))
	}
	governs := c.Caller.Account.Type == AccountDomainAdmin && c.inDomain(p.DomainID, c.Caller.Account.DomainID)
	owner := c.leadsProject(p)
	if !c.Caller.Root() && !governs && !owner {
		return "", Denied("Account %s can't access project id=%d", accountText(c.Caller.Account), p.N)
	}
	return p.ID, nil
}

func updateProjectJob(c *Call) (Obj, error) {
	p, ok := c.Projects.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find the project id=%s", c.EntityID)
	}
	p.DisplayText = c.Or("displaytext", p.DisplayText)
	if n := c.Str("name"); n != "" && n != p.Name {
		if _, taken := c.Projects.Find(func(o Project) bool { return o.Name == n && o.DomainID == p.DomainID }); taken {
			d, _ := c.Domains.Get(p.DomainID)
			return nil, Invalid("Project with name %s already exists in domain id=%d", n, d.N)
		}
		p.Name = n
	}
	if name := c.Str("account"); name != "" {
		a, ok := c.Accounts.Find(func(a Account) bool { return a.Name == name && a.DomainID == p.DomainID })
		if !ok {
			return nil, Invalid("Unable to find account name=%s in domain id=%s", name, p.DomainID)
		}
		if !slices.Contains(p.Members, a.ID) {
			return nil, Invalid("Account %s doesn't belong to the project. Add it to the project first and then change the project's ownership", name)
		}
		p.Members = append([]string{a.ID}, slices.DeleteFunc(slices.Clone(p.Members), func(id string) bool { return id == a.ID })...)
	}
	c.Projects.Put(p)
	return Obj{"project": c.projectResponse(p)}, nil
}

func activateProjectJob(c *Call) (Obj, error) {
	if p, ok := c.Projects.Get(c.EntityID); ok && p.State == "Disabled" {
		return nil, Invalid("Can't activate the project in %s state", p.State)
	}
	return c.setProjectState("Active")
}

// suspendProjectJob stops the project's machines; nothing can be made in it until it is activated again.
func suspendProjectJob(c *Call) (Obj, error) {
	p, _ := c.Projects.Get(c.EntityID)
	for _, vm := range c.VMs.Where(func(v VM) bool { return v.AccountID == p.AccountID }) {
		if err := c.bringDown(vm, true); err != nil {
			return nil, err
		}
	}
	return c.setProjectState("Suspended")
}

func (c *Call) setProjectState(state string) (Obj, error) {
	p, ok := c.Projects.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find the project id=%s", c.EntityID)
	}
	p.State = state
	c.Projects.Put(p)
	return Obj{"project": c.projectResponse(p)}, nil
}

func deleteProjectJob(c *Call) (Obj, error) {
	p, ok := c.Projects.Get(c.EntityID)
	if !ok {
		return Success(), nil
	}
	used := false
	for _, l := range []int{limitVM, limitVolume, limitNetwork, limitPublicIP, limitVPC} {
		used = used || c.used(p.AccountID, l) > 0
	}
	if used && !c.Bool("cleanup", true) {
		return nil, Internal("Failed to delete project; it still has resources and cleanup is false")
	}
	if err := c.forgetAccount(p.AccountID); err != nil {
		return nil, err
	}
	p, _ = c.Projects.Get(p.ID)
	now := c.Now()
	p.Removed = &now
	c.ForgetTags(p.ID)
	c.Projects.Put(p)
	return Success(), nil
}

func startMember(c *Call) (string, error) {
	id, err := startProject(c)
	if err != nil {
		return "", err
	}
	p, _ := c.Projects.Get(id)
	name := c.Str("account")
	if name == "" {
		return "", Invalid("Must specify account to be added to the project")
	}
	if _, ok := c.memberNamed(p, name); !ok {
		return "", Invalid("Unable to find account name=%s in domain id=%s", name, p.DomainID)
	}
	return id, nil
}

func (c *Call) memberNamed(p Project, name string) (Account, bool) {
	return c.Accounts.Find(func(a Account) bool { return a.Name == name && a.DomainID == p.DomainID && a.Type != AccountProject })
}

func addMemberJob(c *Call) (Obj, error) {
	p, ok := c.Projects.Get(c.EntityID)
	a, found := c.memberNamed(p, c.Str("account"))
	if !ok || !found {
		return nil, Internal("Failed to add account to the project")
	}
	admin, role, err := c.roleParams(p)
	if err != nil {
		return nil, err
	}
	if slices.Contains(p.Members, a.ID) {
		return Success(), nil
	}
	if c.Setting("project.invite.required") == "true" {
		return c.invite(p, Invitation{AccountID: a.ID, Email: c.Str("email"), Admin: admin, RoleID: role})
	}
	p.Members = append(slices.Clone(p.Members), a.ID)
	c.Projects.Put(p)
	if admin || role != "" {
		c.putMember(p, a.ID, "", admin, role)
	}
	return Success(), nil
}

func removeMemberJob(c *Call) (Obj, error) {
	p, ok := c.Projects.Get(c.EntityID)
	a, found := c.memberNamed(p, c.Str("account"))
	switch {
	case !ok || !found || !slices.Contains(p.Members, a.ID):
		return nil, Invalid("Account %s is not assigned to the project %s", c.Str("account"), c.EntityID)
	case p.Members[0] == a.ID:
		return nil, Invalid("Unable to delete account %s from the project id=%s as the account is the owner of the project", c.Str("account"), p.ID)
	}
	p.Members = slices.DeleteFunc(slices.Clone(p.Members), func(id string) bool { return id == a.ID })
	c.ProjectMemberInfo.Delete(memberID(p.ID, a.ID))
	c.Projects.Put(p)
	return Success(), nil
}

func listProjectAccounts(c *Call) (any, error) {
	p, ok := c.Projects.Get(c.Str("projectid"))
	if !ok {
		return List{Key: "projectaccount"}, nil
	}
	if !c.Caller.Root() && !c.memberOf(p.ID) && !c.inDomain(p.DomainID, c.Caller.Account.DomainID) {
		return nil, Denied("Account %s is not authorized to list users of the project id=%d", accountText(c.Caller.Account), p.N)
	}
	members := slices.Clone(p.Members)
	slices.Reverse(members) // newest first
	var rows []Obj
	for _, id := range members {
		a, ok := c.Accounts.Get(id)
		info, _ := c.ProjectMemberInfo.Get(memberID(p.ID, id))
		role := "Regular"
		if id == p.Members[0] || info.Admin {
			role = "Admin"
		}
		if !ok || !c.is("account", a.Name) || c.Has("role") && !strings.EqualFold(c.Str("role"), role) {
			continue
		}
		o := Obj{"projectid": p.ID, "project": p.Name, "accountid": a.ID, "account": a.Name, "accounttype": int(a.Type), "role": role, "user": c.usersOf(a)}
		if d, ok := c.Domains.Get(a.DomainID); ok {
			o["domainid"], o["domain"], o["domainpath"] = d.ID, d.Name, d.Path
		}
		c.putProjectRole(o, info)
		rows = append(rows, o)
	}
	rows = append(rows, c.projectUsers(p)...)
	return Listing("projectaccount", rows, func(o Obj) Obj { return o }), nil
}

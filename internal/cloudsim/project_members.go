package cloudsim

import (
	"slices"
	"strings"
	"time"
)

// projectMemberCommands are users in projects and invitations to join one.
var projectMemberCommands = map[string]command{
	"addUserToProject":        {start: startProjectUser, job: addProjectUserJob, event: "PROJECT.USER.ADD"},
	"deleteUserFromProject":   {start: startProjectParam, job: deleteProjectUserJob, event: "PROJECT.USER.REMOVE"},
	"listProjectInvitations":  {run: listInvitations, id: kindInvitation},
	"updateProjectInvitation": {start: startInvitation, job: updateInvitationJob, event: "PROJECT.INVITATION.UPDATE"},
	"deleteProjectInvitation": {start: startDeleteInvitation, job: deleteInvitationJob, id: kindInvitation, event: "PROJECT.INVITATION.REMOVE"},
}

// States of an invitation.
const (
	invitationPending   = "Pending"
	invitationCompleted = "Completed"
	invitationDeclined  = "Declined"
	invitationExpired   = "Expired"
)

func memberID(projectID, who string) string { return projectID + "/" + who }

// memberInfo is what the project knows of the caller beyond being a member: of the user, or else of the account.
func (c *Call) memberInfo(projectID string) (ProjectMember, bool) {
	if m, ok := c.ProjectMemberInfo.Get(memberID(projectID, c.Caller.User.ID)); ok {
		return m, true
	}
	return c.ProjectMemberInfo.Get(memberID(projectID, c.Caller.Account.ID))
}

// leadsProject reports whether the caller is an administrator of a project.
func (c *Call) leadsProject(p Project) bool {
	if len(p.Members) > 0 && p.Members[0] == c.Caller.Account.ID {
		return true
	}
	m, ok := c.memberInfo(p.ID)
	return ok && m.Admin
}

// mayInProject refuses a command that the caller's role in a project forbids. Its administrators may do everything.
func (c *Call) mayInProject(p Project) error {
	m, ok := c.memberInfo(p.ID)
	if !ok || m.Admin || c.leadsProject(p) {
		return nil
	}
	rules := c.rulesOfProjectRole(m.RoleID)
	for _, r := range rules {
		if ruleMatches(r.Rule, c.Name) {
			if r.Allow {
				return nil
			}
			return Denied("The given command '%s' either does not exist or is not available for the user", c.Name)
		}
	}
	return nil
}

// roleParams reads which part a new member is to play.
func (c *Call) roleParams(p Project) (admin bool, roleID string, err error) {
	roleID = c.Str("projectroleid")
	switch kind := c.Str("roletype"); {
	case kind != "" && roleID != "":
		return false, "", BadParam("Only either project role ID or role type can be provided")
	case kind != "" && !strings.EqualFold(kind, "Admin") && !strings.EqualFold(kind, "Regular"):
		return false, "", BadParam("Only Admin or Regular project role types are valid")
	default:
		admin = strings.EqualFold(kind, "Admin")
	}
	if r, ok := c.ProjectRoles.Get(roleID); roleID != "" && (!ok || r.ProjectID != p.ID) {
		return false, "", Invalid("Invalid project role ID for the given project")
	}
	return admin, roleID, nil
}

func startProjectParam(c *Call) (string, error) { return startProject(c) }

// startProjectUser checks that the project can take members.
func startProjectUser(c *Call) (string, error) {
	id, err := startProject(c)
	if err != nil {
		return "", err
	}
	p, _ := c.Projects.Get(id)
	_, _, err = c.roleParams(p)
	return id, err
}

func (c *Call) userInDomain(name, domainID string) (User, bool) {
	return c.Users.Find(func(u User) bool {
		a, ok := c.Accounts.Get(u.AccountID)
		return u.Username == name && ok && a.DomainID == domainID
	})
}

// addProjectUserJob adds one user of an account; with the setting project.invite.required it only asks.
func addProjectUserJob(c *Call) (Obj, error) {
	p, ok := c.Projects.Get(c.EntityID)
	u, found := c.userInDomain(c.Str("username"), p.DomainID)
	admin, role, err := c.roleParams(p)
	switch {
	case !ok:
		return nil, Invalid("Unable to find project with specified id")
	case p.State != "Active":
		return nil, Invalid("Can't add user to the specified project id in state=%s as it isn't currently active", p.State)
	case !found:
		return nil, Invalid("Invalid user ID provided")
	case slices.Contains(p.Members, u.AccountID):
		a, _ := c.Accounts.Get(u.AccountID)
		return nil, Invalid("User belongs to account %d which is already part of the project", a.N)
	case err != nil:
		return nil, err
	}
	if _, member := c.ProjectMemberInfo.Get(memberID(p.ID, u.ID)); member {
		return Success(), nil
	}
	if c.Setting("project.invite.required") == "true" {
		return c.invite(p, Invitation{UserID: u.ID, AccountID: u.AccountID, Email: c.Str("email"), Admin: admin, RoleID: role})
	}
	c.putMember(p, u.AccountID, u.ID, admin, role)
	return Success(), nil
}

// putMember notes a member's part in a project.
func (c *Call) putMember(p Project, accountID, userID string, admin bool, roleID string) {
	id := memberID(p.ID, valueOr(userID, accountID))
	base, ok := c.ProjectMemberInfo.Get(id)
	if !ok {
		base.Base = c.ProjectMemberInfo.BaseWithID(id)
	}
	c.ProjectMemberInfo.Put(ProjectMember{Base: base.Base, ProjectID: p.ID, AccountID: accountID, UserID: userID, Admin: admin, RoleID: roleID})
}

func deleteProjectUserJob(c *Call) (Obj, error) {
	p, ok := c.Projects.Get(c.EntityID)
	u, found := c.Users.Get(c.Str("userid"))
	switch {
	case !ok:
		return nil, Invalid("Unable to find project with specified id")
	case !found:
		return nil, Invalid("Invalid userId provided")
	}
	m, member := c.ProjectMemberInfo.Get(memberID(p.ID, u.ID))
	if !member {
		return nil, Invalid("User %s is not assigned to the project with specified id", u.Username)
	}
	c.ProjectMemberInfo.Delete(m.ID)
	return Success(), nil
}

// invite asks somebody to join a project.
func (c *Call) invite(p Project, i Invitation) (Obj, error) {
	_, asked := c.Invitations.Find(func(o Invitation) bool {
		return o.ProjectID == p.ID && o.State == invitationPending && o.AccountID == i.AccountID && o.UserID == i.UserID && o.Email == i.Email
	})
	if asked {
		return nil, Internal("There is already a pending invitation for the given account or user to project %s", p.Name)
	}
	i.Base, i.ProjectID, i.DomainID, i.State = c.Invitations.NewBase(), p.ID, p.DomainID, invitationPending
	if i.Email != "" {
		i.Token = newUUID()
	}
	c.Invitations.Put(i)
	return Success(), nil
}

// expired reports whether an invitation waited longer than project.invite.timeout, in milliseconds.
func (c *Call) expired(i Invitation) bool {
	d, err := time.ParseDuration(c.Setting("project.invite.timeout") + "ms")
	if err != nil {
		d = 24 * time.Hour
	}
	return i.State == invitationPending && c.Now().Sub(i.Created) > d
}

// forMe reports whether an invitation is for the caller.
func (c *Call) forMe(i Invitation) bool {
	return i.UserID == c.Caller.User.ID || i.UserID == "" && i.AccountID == c.Caller.Account.ID
}

func listInvitations(c *Call) (any, error) {
	rows := c.Invitations.Where(func(i Invitation) bool {
		p, _ := c.Projects.Get(i.ProjectID)
		a, _ := c.Accounts.Any(i.AccountID)
		seen := c.forMe(i) || c.leadsProject(p) || (c.Bool("listall", false) || c.Has("id") || c.Has("projectid")) && c.Caller.Root()
		state := i.State
		if c.expired(i) {
			state = invitationExpired
		}
		return seen && c.is("id", i.ID) && c.is("projectid", i.ProjectID) && c.is("userid", i.UserID) && c.is("account", a.Name) &&
			(!c.Has("state") || strings.EqualFold(c.Str("state"), state)) && (!c.Bool("activeonly", false) || state == invitationPending)
	})
	return Listing("projectinvitation", rows, c.invitationResponse), nil
}

func (c *Call) invitationResponse(i Invitation) Obj {
	p, _ := c.Projects.Any(i.ProjectID)
	d, _ := c.Domains.Any(i.DomainID)
	o := Obj{"id": i.ID, "projectid": p.ID, "project": p.Name, "domainid": d.ID, "domain": d.Name, "domainpath": d.Path, "state": i.State}
	if c.expired(i) {
		o["state"] = invitationExpired
	}
	if a, ok := c.Accounts.Any(i.AccountID); ok && i.UserID == "" {
		o["account"] = a.Name
	}
	return o.Opt("userid", i.UserID).Opt("email", i.Email)
}

// startInvitation finds the invitation that is to be answered, by its token or by whom it is for.
func startInvitation(c *Call) (string, error) {
	p, ok := c.Projects.Get(c.Str("projectid"))
	if !ok {
		return "", Invalid("Unable to find the project id=%s", c.Str("projectid"))
	}
	account := c.Caller.Account
	if name := c.Str("account"); name != "" {
		a, found := c.memberNamed(p, name)
		if !found {
			return "", Invalid("Unable to find account name=%s in domain id=%s", name, p.DomainID)
		}
		account = a
	}
	if err := c.Own(Owner{AccountID: account.ID, DomainID: account.DomainID}); err != nil {
		return "", err
	}
	token, user := c.Str("token"), c.Or("userid", c.Caller.User.ID)
	i, found := c.Invitations.Find(func(i Invitation) bool {
		mine := i.UserID == user && (c.Has("userid") || account.ID == c.Caller.Account.ID) || i.UserID == "" && i.AccountID == account.ID
		return i.ProjectID == p.ID && i.State == invitationPending && (token != "" && i.Token == token || token == "" && mine)
	})
	if !found {
		return "", Invalid("Unable to find invitation for account name=%s to the project=%s", account.Name, p.Name)
	}
	return i.ID, nil
}

func updateInvitationJob(c *Call) (Obj, error) {
	i, ok := c.Invitations.Get(c.EntityID)
	p, found := c.Projects.Get(i.ProjectID)
	accept := c.Bool("accept", true)
	switch {
	case !ok || !found:
		return nil, Internal("Failed to join the project")
	case c.expired(i) && accept:
		return nil, Invalid("Invitation is expired for account id=%s to the project %s", c.Caller.Account.Name, p.Name)
	}
	i.State = invitationDeclined
	if accept {
		i.State = invitationCompleted
		account := valueOr(i.AccountID, c.Caller.Account.ID)
		if i.UserID == "" && !slices.Contains(p.Members, account) {
			p.Members = append(slices.Clone(p.Members), account)
			c.Projects.Put(p)
		}
		c.putMember(p, account, i.UserID, i.Admin, i.RoleID)
	}
	c.Invitations.Put(i)
	return Success(), nil
}

func startDeleteInvitation(c *Call) (string, error) {
	i, ok := c.Invitations.Get(c.Str("id"))
	p, found := c.Projects.Get(i.ProjectID)
	if !ok || !found {
		return "", Invalid("Unable to find project invitation by id %s", c.Str("id"))
	}
	if !c.Caller.Root() && !c.leadsProject(p) && !c.forMe(i) {
		return "", errNoPermission()
	}
	return i.ID, nil
}

func deleteInvitationJob(c *Call) (Obj, error) {
	c.Invitations.Delete(c.EntityID)
	return Success(), nil
}

// putProjectRole adds the role that a member has in its project.
func (c *Call) putProjectRole(o Obj, m ProjectMember) {
	if r, ok := c.ProjectRoles.Get(m.RoleID); ok {
		o["projectroleid"], o["projectrolename"] = r.ID, r.Name
	}
}

// projectUsers are the members of a project that are single users.
func (c *Call) projectUsers(p Project) []Obj {
	var rows []Obj
	for m := range c.ProjectMemberInfo.All() {
		u, ok := c.Users.Get(m.UserID)
		a, found := c.Accounts.Get(m.AccountID)
		role := map[bool]string{true: "Admin", false: "Regular"}[m.Admin]
		if m.ProjectID != p.ID || !ok || !found || !c.is("account", a.Name) || !c.is("userid", u.ID) || !c.is("projectroleid", m.RoleID) ||
			c.Has("role") && !strings.EqualFold(c.Str("role"), role) {
			continue
		}
		o := Obj{"projectid": p.ID, "project": p.Name, "accountid": a.ID, "account": a.Name, "accounttype": int(a.Type), "role": role, "userid": u.ID, "username": u.Username,
			"user": []Obj{c.userResponse(u)}}
		if d, ok := c.Domains.Get(a.DomainID); ok {
			o["domainid"], o["domain"], o["domainpath"] = d.ID, d.Name, d.Path
		}
		c.putProjectRole(o, m)
		rows = append(rows, o)
	}
	return rows
}

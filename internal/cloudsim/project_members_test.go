package cloudsim

import "testing"

func TestProjectMembersAndRoles(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	for _, name := range []string{"ann", "bob"} {
		must(t, c, "admin", "createAccount", "username", name, "password", "p", "firstname", "f", "lastname", "l", "email", "e@x", "accounttype", "0")
		u := must(t, c, "admin", "listUsers", "username", name).items("user")[0]
		must(t, c, "admin", "registerUserKeys", "id", text(u, "id"))
	}
	ann := first(t, must(t, c, "admin", "listUsers", "username", "ann"), "user")
	vars := runSteps(t, c, map[string]string{"ann": ann}, []step{
		{name: "project", as: "user", command: "createProject", kv: []string{"name", "p", "displaytext", "p"}, keep: "p"},
		{name: "not for strangers", as: "ann", command: "createProjectRole", kv: []string{"projectid", "$p", "name", "r"}, status: 531, text: "not authorized to perform role actions"},
		{name: "role", as: "user", command: "createProjectRole", kv: []string{"projectid", "$p", "name", "viewer", "description", "d"}, keep: "r", want: `"ispublic":true`},
		{name: "again", as: "user", command: "createProjectRole", kv: []string{"projectid", "$p", "name", "viewer"}, status: 530},
		{name: "rename", as: "user", command: "updateProjectRole", kv: []string{"projectid", "$p", "id", "$r", "name", "reader"}, want: `"name":"reader"`},
		{name: "bad rule", as: "user", command: "createProjectRolePermission", kv: []string{"projectid", "$p", "projectroleid", "$r", "rule", "list*", "permission", "maybe"}, status: 431, text: "Invalid permission"},
		{name: "reading", as: "user", command: "createProjectRolePermission", kv: []string{"projectid", "$p", "projectroleid", "$r", "rule", "list*", "permission", "allow"}, keep: "r1"},
		{name: "nothing else", as: "user", command: "createProjectRolePermission", kv: []string{"projectid", "$p", "projectroleid", "$r", "rule", "*", "permission", "deny"}, keep: "r2"},
		{name: "twice", as: "user", command: "createProjectRolePermission", kv: []string{"projectid", "$p", "projectroleid", "$r", "rule", "*", "permission", "deny"}, status: 530},
		{name: "rules", as: "user", command: "listProjectRolePermissions", kv: []string{"projectid", "$p"}, want: `"count":2`},
		{name: "both kinds", as: "user", command: "addUserToProject", kv: []string{"projectid", "$p", "username", "ann", "roletype", "Admin", "projectroleid", "$r"}, status: 431, text: "Only either project role ID or role type"},
		{name: "nobody", as: "user", command: "addUserToProject", kv: []string{"projectid", "$p", "username", "zoe"}, text: "Invalid user ID provided"},
		{name: "outside", as: "ann", command: "createSecurityGroup", kv: []string{"name", "g", "projectid", "$p"}, status: 531, text: "can't access project"},
		{name: "user joins", as: "user", command: "addUserToProject", kv: []string{"projectid", "$p", "username", "ann", "projectroleid", "$r"}},
		{name: "role in use", as: "user", command: "deleteProjectRole", kv: []string{"projectid", "$p", "id", "$r"}, status: 530},
		{name: "may look", as: "ann", command: "listSecurityGroups", kv: []string{"projectid", "$p"}, want: `"count":1`},
		{name: "may not touch", as: "ann", command: "createSecurityGroup", kv: []string{"name", "g", "projectid", "$p"}, status: 531, text: "The given command 'createSecurityGroup' either does not exist or is not available"},
		{name: "listed", as: "user", command: "listProjectAccounts", kv: []string{"projectid", "$p"}, want: `"count":2`},
		{name: "may after all", as: "user", command: "updateProjectRolePermission", kv: []string{"projectid", "$p", "projectroleid", "$r", "projectrolepermissionid", "$r2", "permission", "allow"}},
		{name: "touch", as: "ann", command: "createSecurityGroup", kv: []string{"name", "g", "projectid", "$p"}},
		{name: "order of one", as: "user", command: "updateProjectRolePermission", kv: []string{"projectid", "$p", "projectroleid", "$r", "ruleorder", "$r1"}, status: 530},
		{name: "no more rule", as: "user", command: "deleteProjectRolePermission", kv: []string{"projectid", "$p", "id", "$r1"}},
		{name: "leaves", as: "user", command: "deleteUserFromProject", kv: []string{"projectid", "$p", "userid", "$ann"}},
		{name: "leaves again", as: "user", command: "deleteUserFromProject", kv: []string{"projectid", "$p", "userid", "$ann"}, text: "is not assigned to the project"},
		{name: "role goes", as: "user", command: "deleteProjectRole", kv: []string{"projectid", "$p", "id", "$r"}},
		{name: "no roles", as: "user", command: "listProjectRoles", kv: []string{"projectid", "$p"}, unlike: "count"},
	})
	runSteps(t, c, vars, []step{
		{name: "ask first", command: "updateConfiguration", kv: []string{"name", "project.invite.required", "value", "true"}},
		{name: "invite", as: "user", command: "addAccountToProject", kv: []string{"projectid", "$p", "account", "bob", "roletype", "Admin"}},
		{name: "not yet", as: "bob", command: "createSecurityGroup", kv: []string{"name", "h", "projectid", "$p"}, status: 531},
		{name: "asked", as: "bob", command: "listProjectInvitations", want: `"state":"Pending"`, keep: "i"},
		{name: "not ann's", as: "ann", command: "listProjectInvitations", unlike: "count"},
		{name: "not for ann", as: "ann", command: "updateProjectInvitation", kv: []string{"projectid", "$p"}, status: 431, text: "Unable to find invitation"},
		{name: "joins", as: "bob", command: "updateProjectInvitation", kv: []string{"projectid", "$p", "accept", "true"}},
		{name: "is in", as: "bob", command: "createSecurityGroup", kv: []string{"name", "h", "projectid", "$p"}},
		{name: "and leads", as: "bob", command: "addUserToProject", kv: []string{"projectid", "$p", "username", "ann"}},
		{name: "declines", as: "ann", command: "updateProjectInvitation", kv: []string{"projectid", "$p", "accept", "false"}},
		{name: "declined", as: "user", command: "listProjectInvitations", kv: []string{"projectid", "$p", "state", "Declined"}, keep: "j", want: `"count":1`},
		{name: "forget it", as: "user", command: "deleteProjectInvitation", kv: []string{"id", "$j"}},
	})
}

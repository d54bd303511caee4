package cloudsim

import "testing"

func TestLimitsOfDomainsAndProjects(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	zone := first(t, must(t, c, "admin", "listZones"), "zone")
	disk := first(t, must(t, c, "admin", "listDiskOfferings", "name", "Small"), "diskoffering")
	root := c.store.Domains.Where(func(Domain) bool { return true })[0].ID
	volume := func(more ...string) []string {
		return append([]string{"zoneid", zone, "diskofferingid", disk, "name", "v"}, more...)
	}
	runSteps(t, c, map[string]string{"root": root, "zone": zone}, []step{
		{name: "domain", command: "createDomain", kv: []string{"name", "d"}, keep: "d"},
		{name: "below", command: "createDomain", kv: []string{"name", "e", "parentdomainid", "$d"}, keep: "e"},
		{name: "account", command: "createAccount", kv: []string{"username", "u", "password", "p", "firstname", "f", "lastname", "l", "email", "e@x", "accounttype", "0", "domainid", "$e"}},
		{name: "nobody named", command: "updateResourceLimit", kv: []string{"resourcetype", "2", "max", "1"}, status: 431, text: "AccountId or domainId have to be specified"},
		{name: "root domain", command: "updateResourceLimit", kv: []string{"resourcetype", "2", "max", "1", "domainid", "$root"}, status: 531, text: "Cannot update resource limit for ROOT domain"},
		{name: "less than nothing", command: "updateResourceLimit", kv: []string{"resourcetype", "2", "max", "-2", "domainid", "$d"}, status: 431, text: "a limit that is at least '0'."},
		{name: "domain limit", command: "updateResourceLimit", kv: []string{"resourcetype", "2", "max", "1", "domainid", "$d"}, want: `"max":1`},
		{name: "more than above", command: "updateResourceLimit", kv: []string{"resourcetype", "2", "max", "2", "domainid", "$e"}, status: 431, text: "has maximum allowed resource limit 1 for volume"},
		{name: "listed", command: "listResourceLimits", kv: []string{"domainid", "$d", "resourcetype", "2"}, want: `"max":1`, unlike: `"account"`},
		{name: "first volume", command: "createVolume", kv: volume("account", "u", "domainid", "$e")},
		{name: "second volume", command: "createVolume", kv: volume("account", "u", "domainid", "$e"), status: 535, text: "Maximum domain resource limits of Type 'volume' for Domain Id = "},
		{name: "not for root", command: "createVolume", kv: volume()},
		{name: "project", as: "user", command: "createProject", kv: []string{"name", "p", "displaytext", "p"}, keep: "p"},
		{name: "project limit", command: "updateResourceLimit", kv: []string{"resourcetype", "2", "max", "0", "projectid", "$p"}, want: `"project":"p"`},
		{name: "no volumes", as: "user", command: "createVolume", kv: volume("projectid", "$p"), status: 535, text: "for Project Name = p in Domain Id"},
		{name: "network", as: "user", command: "createSecurityGroup", kv: []string{"name", "g", "projectid", "$p"}},
		{name: "suspend", as: "user", command: "suspendProject", kv: []string{"id", "$p"}, want: `"state":"Suspended"`},
		{name: "nothing new", as: "user", command: "createSecurityGroup", kv: []string{"name", "h", "projectid", "$p"}, status: 531, text: "Can't add resources to the project with specified projectId in state=Suspended as it's no longer active"},
		{name: "still seen", as: "user", command: "listSecurityGroups", kv: []string{"projectid", "$p", "securitygroupname", "g"}, want: `"count":1`},
		{name: "activate", as: "user", command: "activateProject", kv: []string{"id", "$p"}, want: `"state":"Active"`},
		{name: "something new", as: "user", command: "createSecurityGroup", kv: []string{"name", "h", "projectid", "$p"}},
	})
}

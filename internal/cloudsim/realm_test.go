package cloudsim

import (
	"testing"
)

// realm is a cloud with domains, accounts of all roles and a project; each of the owners has one thing of each kind.
type realm struct {
	*Cloud
	t    *testing.T
	vars map[string]string            // ids by name: zone, p (the project), east, south
	made map[string]map[string]string // by list command: id → owner
}

// owners have things. The account p is that of the project, which belongs to ann.
var owners = []string{"admin", "chief", "ann", "amy", "bob", "p"}

// roles make calls: the root administrator, a read-only one, the administrator of the domain east; ann, mat (of her project) and looker (who is
// only to look) are users of it, amy of south, which is below it, and bob of west.
var roles = []string{"admin", "eye", "chief", "ann", "mat", "looker", "amy", "bob"}

func startRealm(t *testing.T) *realm {
	t.Helper()
	r := &realm{Cloud: startCloud(t, Options{PublicRange: ownRange()}), t: t, made: make(map[string]map[string]string)}
	r.vars = runSteps(t, r.Cloud, nil, []step{
		{name: "zone", command: "listZones", keep: "zone"},
		{name: "east", command: "createDomain", kv: []string{"name", "east"}, keep: "east"},
		{name: "west", command: "createDomain", kv: []string{"name", "west"}, keep: "west"},
		{name: "south", command: "createDomain", kv: []string{"name", "south", "parentdomainid", "$east"}, keep: "south"},
		{name: "reading admin", command: "listRoles", kv: []string{"name", "Read-Only Admin - Default"}, keep: "readingadmin"},
		{name: "reading user", command: "listRoles", kv: []string{"name", "Read-Only User - Default"}, keep: "readinguser"},
		{name: "networks", command: "listNetworkOfferings", kv: []string{"name", sourceNATOffering}, keep: "networks"},
		{name: "vpcs", command: "listVPCOfferings", kv: []string{"name", "Default VPC offering"}, keep: "vpcs"},
		{name: "machines", command: "listServiceOfferings", kv: []string{"name", "Small Instance"}, keep: "machines"},
		{name: "disks", command: "listDiskOfferings", kv: []string{"name", "Small"}, keep: "disks"},
		{name: "template", command: "listTemplates", kv: []string{"templatefilter", "featured", "name", "Rocky Linux 9"}, keep: "template"},
		{name: "counter", command: "listCounters", kv: []string{"name", "VM CPU - average percentage"}, keep: "counter"},
	})
	r.account("eye", "roleid", r.vars["readingadmin"])
	r.account("chief", "accounttype", "2", "domainid", r.vars["east"])
	r.account("ann", "accounttype", "0", "domainid", r.vars["east"])
	r.account("mat", "accounttype", "0", "domainid", r.vars["east"])
	r.account("looker", "roleid", r.vars["readinguser"], "domainid", r.vars["east"])
	r.account("amy", "accounttype", "0", "domainid", r.vars["south"])
	r.account("bob", "accounttype", "0", "domainid", r.vars["west"])
	r.vars["p"] = text(mustJob(t, r.Cloud, "ann", "createProject", "name", "p", "displaytext", "p").object("project"), "id")
	mustJob(t, r.Cloud, "ann", "addAccountToProject", "projectid", r.vars["p"], "account", "mat")
	for _, o := range owners {
		r.furnish(o)
	}
	return r
}

func (r *realm) account(name string, kv ...string) {
	r.t.Helper()
	a := must(r.t, r.Cloud, "admin", "createAccount", append([]string{"username", name, "password", "secret-" + name, "firstname", "F", "lastname", "L",
		"email", name + "@example.com"}, kv...)...).object("account")
	users, _ := a["user"].([]any)
	user, _ := users[0].(map[string]any)
	must(r.t, r.Cloud, "admin", "registerUserKeys", "id", text(user, "id"))
}

// furnish gives an owner one thing of each kind.
func (r *realm) furnish(owner string) {
	r.t.Helper()
	as, project := owner, []string(nil)
	if owner == "p" {
		as, project = "ann", []string{"projectid", r.vars["p"]}
	}
	create := func(list, command string, kv ...string) string {
		r.t.Helper()
		if _, ok := r.table[command].Param("projectid"); ok {
			kv = append(kv, project...)
		}
		answer := must(r.t, r.Cloud, as, command, kv...)
		id := answer.str("id")
		if answer.str("jobid") != "" {
			answer = await(r.t, r.Cloud, as, answer)
		}
		if text := answer.text(); text != "" {
			r.t.Fatalf("%s as %s: %s", command, as, text)
		}
		if id == "" {
			id = idInside(r.t, answer)
		}
		if r.made[list] == nil {
			r.made[list] = make(map[string]string)
		}
		r.made[list][id] = owner
		return id
	}
	zone := []string{"zoneid", r.vars["zone"]}
	network := create("listNetworks", "createNetwork", append(zone, "name", "n", "networkofferingid", r.vars["networks"])...)
	ip := create("listPublicIpAddresses", "associateIpAddress", "networkid", network)
	vm := create("listVirtualMachines", "deployVirtualMachine", append(zone, "name", "vm", "networkids", network, "templateid", r.vars["template"],
		"serviceofferingid", r.vars["machines"], "startvm", "false")...)
	create("listVolumes", "createVolume", append(zone, "name", "v", "diskofferingid", r.vars["disks"])...)
	create("listFirewallRules", "createFirewallRule", "ipaddressid", ip, "protocol", "tcp", "startport", "22", "endport", "22")
	create("listEgressFirewallRules", "createEgressFirewallRule", "networkid", network, "protocol", "all")
	create("listPortForwardingRules", "createPortForwardingRule", "ipaddressid", ip, "protocol", "tcp", "publicport", "2222", "privateport", "22", "virtualmachineid", vm)
	create("listLoadBalancerRules", "createLoadBalancerRule", "publicipid", ip, "name", "lb", "algorithm", "source", "publicport", "80", "privateport", "80")
	create("listSSHKeyPairs", "createSSHKeyPair", "name", "key")
	create("listAffinityGroups", "createAffinityGroup", "name", "a", "type", "host anti-affinity")
	create("listInstanceGroups", "createInstanceGroup", "name", "g")
	create("listSecurityGroups", "createSecurityGroup", "name", "s")
	create("listUserData", "registerUserData", "name", "u", "userdata", "IyEvYmluL3NoCg==")
	vpc := create("listVPCs", "createVPC", append(zone, "name", "vpc", "cidr", "10.9.0.0/16", "vpcofferingid", r.vars["vpcs"])...)
	create("listNetworkACLLists", "createNetworkACLList", "name", "acl", "vpcid", vpc)
	create("listVpnCustomerGateways", "createVpnCustomerGateway", "name", "c", "gateway", "192.0.2.1", "cidrlist", "10.200.0.0/24", "ipsecpsk", "secret",
		"ikepolicy", "aes128-sha1;modp1536", "esppolicy", "aes128-sha1")
	create("listConditions", "createCondition", "counterid", r.vars["counter"], "relationaloperator", "GT", "threshold", "5")
}

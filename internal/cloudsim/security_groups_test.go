package cloudsim

import "testing"

func TestSecurityGroups(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	runSteps(t, c, nil, []step{
		{name: "everybody has the default group", as: "user", command: "listSecurityGroups", want: `"name":"default"`, keep: "default"},
		{name: "make", as: "user", command: "createSecurityGroup", kv: []string{"name", "web", "description", "d"}, keep: "web", want: `"virtualmachinecount":0`},
		{name: "make again", as: "user", command: "createSecurityGroup", kv: []string{"name", "web"}, status: 431, text: "Unable to create security group, a group with name web already exists."},
		{name: "another account's", as: "admin", command: "createSecurityGroup", kv: []string{"name", "web"}},
		{name: "default is reserved", as: "user", command: "updateSecurityGroup", kv: []string{"id", "$web", "name", "Default"}, status: 431, text: "The security group name default is reserved"},
		{name: "default keeps its name", as: "user", command: "updateSecurityGroup", kv: []string{"id", "$default", "name", "x"}, status: 431, text: "The default security group cannot be renamed"},
		{name: "rename", as: "user", command: "updateSecurityGroup", kv: []string{"id", "$web", "name", "www"}, want: `"name":"www"`},
		{name: "no source", as: "user", command: "authorizeSecurityGroupIngress", kv: []string{"securitygroupid", "$web", "protocol", "tcp", "startport", "80", "endport", "80"}, text: "At least one cidr or at least one security group needs to be specified"},
		{name: "bad cidr", as: "user", command: "authorizeSecurityGroupIngress", kv: []string{"securitygroupid", "$web", "protocol", "tcp", "startport", "80", "endport", "80", "cidrlist", "10.0.0.0"}, text: "Invalid cidr 10.0.0.0"},
		{name: "no ports", as: "user", command: "authorizeSecurityGroupIngress", kv: []string{"securitygroupid", "$web", "protocol", "tcp", "cidrlist", "0.0.0.0/0"}, text: "Invalid port range specified, startPort = null, endPort = null"},
		{name: "ports of all", as: "user", command: "authorizeSecurityGroupIngress", kv: []string{"securitygroupid", "$web", "startport", "80", "cidrlist", "0.0.0.0/0"}, text: "Cannot specify startPort or endPort without specifying protocol"},
		{name: "bad protocol", as: "user", command: "authorizeSecurityGroupIngress", kv: []string{"securitygroupid", "$web", "protocol", "bogus", "cidrlist", "0.0.0.0/0"}, text: "Invalid protocol bogus"},
		{name: "bad protocol number", as: "user", command: "authorizeSecurityGroupIngress", kv: []string{"securitygroupid", "$web", "protocol", "300", "cidrlist", "0.0.0.0/0"}, text: "Invalid protocol number: 300"},
		{name: "allow tcp", as: "user", command: "authorizeSecurityGroupIngress", kv: []string{"securitygroupid", "$web", "protocol", "TCP", "startport", "80", "endport", "81", "cidrlist", "10.0.0.0/8"}, want: `"cidr":"10.0.0.0/8"`},
		{name: "allow it again", as: "user", command: "authorizeSecurityGroupIngress", kv: []string{"securitygroupid", "$web", "protocol", "tcp", "startport", "80", "endport", "81", "cidrlist", "10.0.0.0/8"}, text: "Failed to authorize security group ingress rule(s)"},
		{name: "allow icmp out", as: "user", command: "authorizeSecurityGroupEgress", kv: []string{"securitygroupname", "www", "protocol", "icmp", "icmptype", "-1", "icmpcode", "-1", "cidrlist", "0.0.0.0/0"}, want: `"icmptype":-1`},
		{name: "allow a group", as: "user", command: "authorizeSecurityGroupIngress", kv: []string{"securitygroupid", "$default", "protocol", "udp", "startport", "53", "endport", "53", "usersecuritygrouplist[0].group", "www", "usersecuritygrouplist[0].account", "user"}, want: `"securitygroupname":"www"`},
		{name: "a group of nobody", as: "user", command: "authorizeSecurityGroupIngress", kv: []string{"securitygroupid", "$default", "usersecuritygrouplist[0].group", "x", "usersecuritygrouplist[0].account", "user"}, text: "Nonexistent group x for account user/"},
		{name: "listed by name", as: "user", command: "listSecurityGroups", kv: []string{"securitygroupname", "www"}, want: `"endport":81`, keep: "web"},
		{name: "an allowed group stays", as: "user", command: "deleteSecurityGroup", kv: []string{"id", "$web"}, status: 536, text: "Cannot delete group when there are security rules that allow this group"},
		{name: "default stays", as: "user", command: "deleteSecurityGroup", kv: []string{"name", "default"}, status: 431, text: "The network group default is reserved"},
	})
	group := func(name string) map[string]any {
		return must(t, c, "user", "listSecurityGroups", "securitygroupname", name).items("securitygroup")[0]
	}
	rule := func(g map[string]any, list string) string {
		r, _ := g[list].([]any)[0].(map[string]any)
		return text(r, "ruleid")
	}
	vars := map[string]string{"web": text(group("www"), "id"), "in": rule(group("default"), "ingressrule"), "out": rule(group("www"), "egressrule")}
	runSteps(t, c, vars, []step{
		{name: "wrong direction", as: "user", command: "revokeSecurityGroupIngress", kv: []string{"id", "$out"}, text: "Mismatch in rule type"},
		{name: "revoke ingress", as: "user", command: "revokeSecurityGroupIngress", kv: []string{"id", "$in"}},
		{name: "revoke egress", as: "user", command: "revokeSecurityGroupEgress", kv: []string{"id", "$out"}},
		{name: "revoke again", as: "user", command: "revokeSecurityGroupEgress", kv: []string{"id", "$out"}, status: 431, text: "entity does not exist"},
		{name: "delete", as: "user", command: "deleteSecurityGroup", kv: []string{"id", "$web"}},
	})
}

// TestSecurityGroupsOfMachines checks that only zones made for groups take them, and what machines show of theirs.
func TestSecurityGroupsOfMachines(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "user", Options{})
	group := text(must(t, c.Cloud, "user", "createSecurityGroup", "name", "web").object("securitygroup"), "id")
	base := []string{"zoneid", c.zone, "templateid", c.template, "serviceofferingid", c.offering, "networkids", c.network, "startvm", "false"}
	if r := call(t, c.Cloud, "user", "deployVirtualMachine", append(base, "name", "a", "securitygroupids", group)...); r.text() != "Can't create vm with security groups; security group feature is not enabled per zone" {
		t.Errorf("a zone without groups took one: %s", r.raw)
	}
	if vm := c.deploy("b", "startvm", "false"); len(vm["securitygroup"].([]any)) != 0 {
		t.Errorf("machine %v is in a group", vm)
	}
	err := c.update(t.Context(), func(call *Call) error {
		zone, _ := call.Zones.Get(c.zone)
		zone.SecurityGroups = true
		call.Zones.Put(zone)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	vm := c.deploy("c", "startvm", "false", "securitygroupnames", "web")
	shown, _ := vm["securitygroup"].([]any)[0].(map[string]any)
	if shown["name"] != "web" || shown["account"] != "user" {
		t.Errorf("machine shows %v", shown)
	}
	if r := call(t, c.Cloud, "user", "deleteSecurityGroup", "id", group); r.status != 536 {
		t.Errorf("a group in use was deleted: %s", r.raw)
	}
	must(t, c.Cloud, "user", "updateVirtualMachine", "id", text(vm, "id"), "securitygroupnames", "default")
	must(t, c.Cloud, "user", "deleteSecurityGroup", "id", group)
	if d := c.deploy("d", "startvm", "false"); d["securitygroup"].([]any)[0].(map[string]any)["name"] != "default" {
		t.Errorf("machine %v is not in the default group", d)
	}
}

func TestSecurityGroupsAdmit(t *testing.T) {
	t.Parallel()
	s := newStore(SystemClock(1))
	web := SecurityGroup{Base: s.SecurityGroups.NewBase(), Name: "web"}
	s.SecurityGroups.Put(web)
	s.VMs.Put(VM{Base: s.VMs.NewBase(), SecurityGroupIDs: []string{web.ID}, NICs: []NIC{{NetworkID: "n", IPAddress: "10.1.1.5"}}})
	tcp := SecurityRule{Protocol: "tcp", Start: 80, End: 90}
	from := func(r SecurityRule, cidr, group string) SecurityRule { r.CIDR, r.GroupID = cidr, group; return r }
	for name, tc := range map[string]struct {
		rule   SecurityRule
		source string
		port   int
		want   bool
	}{
		"in range":          {from(tcp, "10.1.1.0/24", ""), "10.1.1.9", 85, true},
		"other port":        {from(tcp, "10.1.1.0/24", ""), "10.1.1.9", 91, false},
		"other source":      {from(tcp, "10.2.0.0/16", ""), "10.1.1.9", 85, false},
		"of the group":      {from(tcp, "", web.ID), "10.1.1.5", 80, true},
		"not of the group":  {from(tcp, "", web.ID), "10.1.1.6", 80, false},
		"everything":        {SecurityRule{Protocol: "all", CIDR: "0.0.0.0/0"}, "10.9.9.9", 1, true},
		"egress is nothing": {SecurityRule{Protocol: "all", CIDR: "0.0.0.0/0", Egress: true}, "10.9.9.9", 1, false},
	} {
		g := SecurityGroup{Base: s.SecurityGroups.NewBase(), Rules: []SecurityRule{tc.rule}}
		s.SecurityGroups.Put(g)
		if got := s.admits(VM{SecurityGroupIDs: []string{g.ID}}, "n", tc.source, tc.port); got != tc.want {
			t.Errorf("%s: admitted %v", name, got)
		}
	}
	if !s.admits(VM{}, "n", "10.1.1.9", 1) {
		t.Error("a machine without groups is closed")
	}
}

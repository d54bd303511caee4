package cloudsim

import "testing"

func TestInternalLoadBalancers(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "admin", Options{})
	vpc, tier := vpcWithTier(t, c.Cloud, aclDefaultAllow)
	offering := first(t, must(t, c.Cloud, "admin", "listNetworkOfferings", "name", "DefaultIsolatedNetworkOfferingForVpcNetworksWithInternalLB"), "networkoffering")
	inner := text(must(t, c.Cloud, "admin", "createNetwork", "name", "inner", "zoneid", c.zone, "networkofferingid", offering, "vpcid", vpc,
		"gateway", "10.80.2.1", "netmask", "255.255.255.0", "aclid", aclDefaultAllow).object("network"), "id")
	vm := text(c.deploy("a", "networkids", inner, "startvm", "false"), "id")
	balancer := func(more ...string) []string {
		return append([]string{"name", "b", "scheme", "Internal", "algorithm", "roundrobin", "networkid", inner, "sourceipaddressnetworkid", inner, "sourceport", "80", "instanceport", "8080"}, more...)
	}
	runSteps(t, c.Cloud, map[string]string{"vm": vm, "inner": inner}, []step{
		{name: "scheme", command: "createLoadBalancer", kv: balancer("scheme", "Public"), status: 431, text: "Invalid value for scheme."},
		{name: "port", command: "createLoadBalancer", kv: balancer("sourceport", "0"), status: 431, text: "Invalid value for source port: 0"},
		{name: "algorithm", command: "createLoadBalancer", kv: balancer("algorithm", "magic"), status: 431, text: "Invalid algorithm: magic"},
		{name: "tier without", command: "createLoadBalancer", kv: balancer("networkid", tier), status: 431, text: "Scheme Internal is not supported"},
		{name: "address", command: "createLoadBalancer", kv: balancer("sourceipaddress", "10.9.9.9"), status: 431, text: "is not within the network's cidr"},
		{name: "create", command: "createLoadBalancer", kv: balancer("sourceipaddress", "10.80.2.50"), keep: "b", want: `"sourceport":80`},
		{name: "same port", command: "createLoadBalancer", kv: balancer("sourceipaddress", "10.80.2.50"), status: 537, text: "conflicts with rule"},
		{name: "member", command: "assignToLoadBalancerRule", kv: []string{"id", "$b", "virtualmachineids", "$vm"}},
		{name: "again", command: "assignToLoadBalancerRule", kv: []string{"id", "$b", "virtualmachineids", "$vm"}, text: "is already mapped"},
		{name: "listed", command: "listLoadBalancers", kv: []string{"networkid", "$inner"}, want: `"loadbalancerinstance":[{`},
		{name: "its machine", command: "listInternalLoadBalancerVMs", want: "10.80.2.50"},
		{name: "off", command: "removeFromLoadBalancerRule", kv: []string{"id", "$b", "virtualmachineids", "$vm"}},
		{name: "hide", command: "updateLoadBalancer", kv: []string{"id", "$b", "fordisplay", "false"}, want: `"fordisplay":false`},
		{name: "delete", command: "deleteLoadBalancer", kv: []string{"id", "$b"}},
		{name: "gone", command: "listLoadBalancers", unlike: "count"},
	})
}

func TestRoutingRulesAndPermissions(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "user", Options{})
	refused := []step{
		{name: "not routed", as: "user", command: "createRoutingFirewallRule", kv: []string{"networkid", "$net", "protocol", "tcp"}, status: 431, text: "as it is not supported by the network"},
		{name: "no IPv6", as: "user", command: "createIpv6FirewallRule", kv: []string{"networkid", "$net", "protocol", "tcp"}, status: 431, text: "Unable to create IPv6 firewall rule"},
	}
	vars := map[string]string{"net": c.network, "zone": c.zone, "template": c.template, "offering": c.offering}
	runSteps(t, c.Cloud, vars, refused)
	err := c.update(t.Context(), func(call *Call) error {
		n, _ := call.Networks.Get(c.network)
		o, _ := call.NetworkOfferings.Get(n.OfferingID)
		o.NetworkMode, o.InternetProtocol = "ROUTED", "DualStack"
		call.NetworkOfferings.Put(o)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	runSteps(t, c.Cloud, vars, []step{
		{name: "direction", as: "user", command: "createRoutingFirewallRule", kv: []string{"networkid", "$net", "protocol", "tcp", "traffictype", "up"}, status: 431, text: "Traffic Type: up is invalid"},
		{name: "protocol", as: "user", command: "createRoutingFirewallRule", kv: []string{"networkid", "$net", "protocol", "x"}, status: 431, text: "Invalid protocol [x]."},
		{name: "family", as: "user", command: "createRoutingFirewallRule", kv: []string{"networkid", "$net", "protocol", "tcp", "cidrlist", "::/0"}, status: 431, text: "is not a valid IPv4 CIDR"},
		{name: "rule", as: "user", command: "createRoutingFirewallRule", kv: []string{"networkid", "$net", "protocol", "tcp", "startport", "80"}, keep: "r", want: `"endport":80`},
		{name: "v6", as: "user", command: "createIpv6FirewallRule", kv: []string{"networkid", "$net", "protocol", "icmp", "traffictype", "egress"}, keep: "s", want: `"cidrlist":"::/0"`},
		{name: "one of each", as: "user", command: "listRoutingFirewallRules", want: `"count":1`},
		{name: "the other", as: "user", command: "listIpv6FirewallRules", kv: []string{"traffictype", "Egress"}, want: `"count":1`},
		{name: "other kind", as: "user", command: "deleteIpv6FirewallRule", kv: []string{"id", "$r"}, status: 431, text: "entity does not exist"},
		{name: "hide", command: "updateRoutingFirewallRule", kv: []string{"id", "$r", "fordisplay", "false"}, want: `"fordisplay":false`},
		{name: "delete", as: "user", command: "deleteRoutingFirewallRule", kv: []string{"id", "$r"}},
		{name: "delete v6", as: "user", command: "deleteIpv6FirewallRule", kv: []string{"id", "$s"}},
	})
	must(t, c.Cloud, "admin", "createAccount", "username", "ann", "password", "p", "firstname", "f", "lastname", "l", "email", "e@x", "accounttype", "0")
	must(t, c.Cloud, "admin", "registerUserKeys", "id", first(t, must(t, c.Cloud, "admin", "listUsers", "username", "ann"), "user"))
	deploy := []string{"zoneid", "$zone", "templateid", "$template", "serviceofferingid", "$offering", "networkids", "$net", "startvm", "false"}
	runSteps(t, c.Cloud, vars, []step{
		{name: "not hers", as: "ann", command: "deployVirtualMachine", kv: deploy, status: 531, text: "permission denied"},
		{name: "nobody", as: "user", command: "createNetworkPermissions", kv: []string{"networkid", "$net", "accounts", "zoe"}, status: 431, text: "Unable to find account zoe"},
		{name: "not hers to share", as: "ann", command: "createNetworkPermissions", kv: []string{"networkid", "$net", "accounts", "ann"}, status: 531},
		{name: "share", as: "user", command: "createNetworkPermissions", kv: []string{"networkid", "$net", "accounts", "ann"}},
		{name: "shared", as: "user", command: "listNetworkPermissions", kv: []string{"networkid", "$net"}, want: `"account":"ann"`},
		{name: "she sees it", as: "ann", command: "listNetworks", want: `"count":1`},
		{name: "and uses it", as: "ann", command: "deployVirtualMachine", kv: deploy},
		{name: "no more", as: "user", command: "removeNetworkPermissions", kv: []string{"networkid", "$net", "accounts", "ann"}},
		{name: "again", as: "user", command: "createNetworkPermissions", kv: []string{"networkid", "$net", "accounts", "ann"}},
		{name: "all", as: "user", command: "resetNetworkPermissions", kv: []string{"networkid", "$net"}},
		{name: "none", as: "ann", command: "listNetworks", unlike: "count"},
	})
}

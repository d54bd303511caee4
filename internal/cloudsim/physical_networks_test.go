package cloudsim

import "testing"

// newZone is a zone without anything, not yet enabled.
func newZone(t *testing.T, c *Cloud, name string) string {
	t.Helper()
	return text(must(t, c, "admin", "createZone", "name", name, "networktype", "Advanced", "dns1", "8.8.8.8", "internaldns1", "8.8.8.8").object("zone"), "id")
}

func TestPhysicalNetworks(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	zone := first(t, must(t, c, "admin", "listZones"), "zone")
	runSteps(t, c, map[string]string{"zone": zone, "new": newZone(t, c, "z2")}, []step{
		{name: "not for users", as: "user", command: "createPhysicalNetwork", kv: []string{"zoneid", "$new", "name", "p"}, status: 432},
		{name: "enabled zone", command: "createPhysicalNetwork", kv: []string{"zoneid", "$zone", "name", "p"}, status: 531, text: "Cannot create PhysicalNetwork since the Zone is currently enabled"},
		{name: "two tags", command: "createPhysicalNetwork", kv: []string{"zoneid", "$new", "name", "p", "tags", "a,b"}, status: 431, text: "Only one tag can be specified"},
		{name: "bad vlan", command: "createPhysicalNetwork", kv: []string{"zoneid", "$new", "name", "p", "vlan", "10"}, status: 431, text: "Please provide valid vnet range."},
		{name: "create", command: "createPhysicalNetwork", kv: []string{"zoneid", "$new", "name", "p", "vlan", "10-20,30-40", "isolationmethods", "VLAN"}, keep: "p", want: `"state":"Disabled"`},
		{name: "zone without management", command: "updateZone", kv: []string{"id", "$new", "allocationstate", "Enabled"}, status: 431, text: "Unable to find the default physical network with traffic=Management"},
		{name: "unknown traffic", command: "addTrafficType", kv: []string{"physicalnetworkid", "$p", "traffictype", "Smoke"}, status: 431, text: "Unable to resolve Traffic Type 'Smoke'"},
		{name: "management", command: "addTrafficType", kv: []string{"physicalnetworkid", "$p", "traffictype", "management", "kvmnetworklabel", "cloudbr0"}, keep: "m", want: `"kvmnetworklabel":"cloudbr0"`},
		{name: "management again", command: "addTrafficType", kv: []string{"physicalnetworkid", "$p", "traffictype", "Management"}, status: 530, text: "already supports the traffic type: Management"},
		{name: "guest", command: "addTrafficType", kv: []string{"physicalnetworkid", "$p", "traffictype", "Guest"}, keep: "g"},
		{name: "label", command: "updateTrafficType", kv: []string{"id", "$m", "kvmnetworklabel", "cloudbr1"}, want: "cloudbr1"},
		{name: "listed", command: "listTrafficTypes", kv: []string{"physicalnetworkid", "$p"}, want: `"count":2`},
		{name: "implementors", command: "listTrafficTypeImplementors", kv: []string{"traffictype", "public"}, want: "PublicNetworkGuru"},
		{name: "enable network", command: "updatePhysicalNetwork", kv: []string{"id", "$p", "state", "enabled", "networkspeed", "10G"}, want: `"state":"Enabled"`},
		{name: "bad state", command: "updatePhysicalNetwork", kv: []string{"id", "$p", "state", "gone"}, text: "Unable to resolve state 'gone'"},
		{name: "enable zone", command: "updateZone", kv: []string{"id", "$new", "allocationstate", "Enabled"}, want: `"allocationstate":"Enabled"`},
		{name: "isolations", command: "listNetworkIsolationMethods", want: "VXLAN"},
		{name: "guest goes", command: "deleteTrafficType", kv: []string{"id", "$g"}},
		{name: "delete", command: "deletePhysicalNetwork", kv: []string{"id", "$p"}},
		{name: "its traffic is gone", command: "updateTrafficType", kv: []string{"id", "$m"}, status: 431, text: "entity does not exist"},
	})
	p := first(t, must(t, c, "admin", "listPhysicalNetworks", "zoneid", zone), "physicalnetwork")
	for _, k := range must(t, c, "admin", "listTrafficTypes", "physicalnetworkid", p).items("traffictype") {
		if r := await(t, c, "admin", must(t, c, "admin", "deleteTrafficType", "id", text(k, "id"))); (k["traffictype"] == "Management" || k["traffictype"] == "Public") == (r.text() == "") {
			t.Errorf("delete %v: %q", k["traffictype"], r.text())
		}
	}
}

func TestNetworkProviders(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	p := first(t, must(t, c, "admin", "listPhysicalNetworks"), "physicalnetwork")
	runSteps(t, c, map[string]string{"p": p}, []step{
		{name: "listed", command: "listNetworkServiceProviders", kv: []string{"physicalnetworkid", "$p"}, want: `"count":6`},
		{name: "groups are off", command: "listNetworkServiceProviders", kv: []string{"state", "disabled"}, want: "SecurityGroupProvider", keep: "sg"},
		{name: "groups on", command: "updateNetworkServiceProvider", kv: []string{"id", "$sg", "state", "Enabled"}, want: `"state":"Enabled"`},
		{name: "subset", command: "updateNetworkServiceProvider", kv: []string{"id", "$sg", "servicelist", "Lb"}, text: "Cannot update set of Services"},
		{name: "shutdown", command: "updateNetworkServiceProvider", kv: []string{"id", "$sg", "state", "Shutdown"}, text: "Updating the provider state to 'Shutdown' is not supported"},
		{name: "unknown", command: "addNetworkServiceProvider", kv: []string{"physicalnetworkid", "$p", "name", "X"}, status: 431, text: "Invalid Network Service Provider=X"},
		{name: "again", command: "addNetworkServiceProvider", kv: []string{"physicalnetworkid", "$p", "name", "ConfigDrive"}, status: 530, text: "The 'ConfigDrive' provider already exists"},
		{name: "take off", command: "listNetworkServiceProviders", kv: []string{"name", "InternalLbVm"}, keep: "ilb"},
		{name: "delete", command: "deleteNetworkServiceProvider", kv: []string{"id", "$ilb"}},
		{name: "cannot do this", command: "addNetworkServiceProvider", kv: []string{"physicalnetworkid", "$p", "name", "InternalLbVm", "servicelist", "Dns"}, status: 431, text: "InternalLbVm Provider cannot provide this Service specified=Dns"},
		{name: "add", command: "addNetworkServiceProvider", kv: []string{"physicalnetworkid", "$p", "name", "InternalLbVm"}, keep: "ilb", want: `"state":"Disabled"`},
		{name: "not configured", command: "updateNetworkServiceProvider", kv: []string{"id", "$ilb", "state", "Enabled"}, text: "Provider is not ready"},
		{name: "its element", command: "listInternalLoadBalancerElements", kv: []string{"nspid", "$ilb"}, keep: "element", want: `"enabled":false`},
		{name: "configure", command: "configureInternalLoadBalancerElement", kv: []string{"id", "$element", "enabled", "true"}, want: `"enabled":true`},
		{name: "enable", command: "updateNetworkServiceProvider", kv: []string{"id", "$ilb", "state", "Enabled"}, want: `"state":"Enabled"`},
		{name: "routers", command: "listVirtualRouterElements", want: `"count":2`, keep: "vr"},
		{name: "configure router", command: "configureVirtualRouterElement", kv: []string{"id", "$vr", "enabled", "true"}, want: "virtualrouterelement"},
		{name: "services", command: "listSupportedNetworkServices", kv: []string{"provider", "InternalLbVm"}, want: `"count":1`},
		{name: "no service", command: "listSupportedNetworkServices", kv: []string{"service", "X"}, status: 431, text: "Invalid Network Service=X"},
	})
}

func TestAddressRanges(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "user", Options{})
	domain := first(t, must(t, c.Cloud, "admin", "listDomains"), "domain")
	p := first(t, must(t, c.Cloud, "admin", "listPhysicalNetworks"), "physicalnetwork")
	public := func(more ...string) []string {
		return append([]string{"zoneid", c.zone, "vlan", "51", "gateway", "192.168.51.1", "netmask", "255.255.255.0", "startip", "192.168.51.10", "endip", "192.168.51.12"}, more...)
	}
	runSteps(t, c.Cloud, map[string]string{"zone": c.zone, "net": c.network, "domain": domain, "p": p}, []step{
		{name: "the first one", command: "listVlanIpRanges", want: `"vlan":"vlan://untagged"`},
		{name: "nothing given", command: "createVlanIpRange", kv: []string{"zoneid", "$zone"}, status: 431, text: "StartIP or IPv6 CIDR is missing"},
		{name: "guest VLAN", command: "createVlanIpRange", kv: public("vlan", "200"), status: 431, text: "already being used for dynamic vlan allocation"},
		{name: "gateway inside", command: "createVlanIpRange", kv: public("startip", "192.168.51.1"), status: 431, text: "The gateway ip should not be the part"},
		{name: "outside", command: "createVlanIpRange", kv: public("endip", "192.168.52.1"), status: 431, text: "Please specify a valid IP range"},
		{name: "guest cidr", command: "createVlanIpRange", kv: public("gateway", "10.1.1.1", "startip", "10.1.1.5", "endip", "10.1.1.6"), status: 431, text: "overlapped with the guest network"},
		{name: "isolated network", command: "createVlanIpRange", kv: public("networkid", c.network), status: 431, text: "Can't create direct vlan for network"},
		{name: "create", command: "createVlanIpRange", kv: public(), keep: "r", want: `"forsystemvms":false`},
		{name: "again", command: "createVlanIpRange", kv: public(), status: 431, text: "already has IPs that overlap"},
		{name: "an address of it", as: "user", command: "associateIpAddress", kv: []string{"networkid", "$net", "ipaddress", "192.168.51.11"}, keep: "ip"},
		{name: "shows its range", command: "listPublicIpAddresses", kv: []string{"id", "$ip"}, want: `"vlanname":"vlan://51"`},
		{name: "in use", command: "deleteVlanIpRange", kv: []string{"id", "$r"}, status: 431, text: "1  Ips are in use. Cannot delete this vlan"},
		{name: "shrink too far", command: "updateVlanIpRange", kv: []string{"id", "$r", "endip", "192.168.51.10"}, status: 431, text: "192.168.51.11 is in use"},
		{name: "grow", command: "updateVlanIpRange", kv: []string{"id", "$r", "endip", "192.168.51.13"}, want: `"endip":"192.168.51.13"`},
		{name: "kept for somebody", command: "dedicatePublicIpRange", kv: []string{"id", "$r", "account", "admin", "domainid", "$domain"}, status: 431, text: "allocated to another account"},
		{name: "kept for its user", command: "dedicatePublicIpRange", kv: []string{"id", "$r", "account", "user", "domainid", "$domain"}, want: `"account":"user"`},
		{name: "again", command: "dedicatePublicIpRange", kv: []string{"id", "$r", "account", "user", "domainid", "$domain"}, status: 431, text: "already dedicated"},
		{name: "not for the others", command: "associateIpAddress", kv: []string{"zoneid", "$zone", "networkid", "$net", "account", "admin", "domainid", "$domain", "ipaddress", "192.168.51.12"}},
		{name: "still used", command: "releasePublicIpRange", kv: []string{"id", "$r"}, status: 431, text: "there are public IP addresses in use"},
		{name: "dedicate VLANs", command: "dedicateGuestVlanRange", kv: []string{"physicalnetworkid", "$p", "vlanrange", "100-110", "account", "admin", "domainid", "$domain"}, keep: "v", want: `"guestvlanrange":"100-110"`},
		{name: "overlap", command: "dedicateGuestVlanRange", kv: []string{"physicalnetworkid", "$p", "vlanrange", "105-120", "account", "admin", "domainid", "$domain"}, status: 431, text: "already dedicated"},
		{name: "outside", command: "dedicateGuestVlanRange", kv: []string{"physicalnetworkid", "$p", "vlanrange", "1-2", "account", "admin", "domainid", "$domain"}, status: 431, text: "Unable to find guest vlan by range 1-2"},
		{name: "one number", command: "dedicateGuestVlanRange", kv: []string{"physicalnetworkid", "$p", "vlanrange", "150", "account", "admin", "domainid", "$domain"}, status: 431, text: "Vlan should be specified as 'startvlan-endvlan'"},
	})
	c.deploy("a") // brings the network up
	if n := must(t, c.Cloud, "admin", "listGuestVlans").items("guestvlan"); len(n) != 1 || n[0]["vlan"] != "111" {
		t.Errorf("taken VLANs %v, want 111: the first ten are kept", n)
	}
	runSteps(t, c.Cloud, nil, []step{
		{name: "listed", command: "listDedicatedGuestVlanRanges", want: `"count":1`, keep: "v"},
		{name: "release", command: "releaseDedicatedGuestVlanRange", kv: []string{"id", "$v"}},
		{name: "released", command: "listDedicatedGuestVlanRanges", unlike: "count"},
	})
}

package cloudsim

import (
	"strings"
	"testing"
)

const sourceNATOffering = "DefaultIsolatedNetworkOfferingWithSourceNatService"

// idOf finds a thing's id by its name with a list command.
func idOf(t *testing.T, c *Cloud, account, command, key, name string) string {
	t.Helper()
	for _, o := range must(t, c, account, command, "name", name).items(key) {
		if o["name"] == name {
			return o["id"].(string)
		}
	}
	t.Fatalf("%s: no %s named %q", command, key, name)
	return ""
}

// makeNetwork creates an isolated network with source NAT.
func makeNetwork(t *testing.T, c *Cloud, account, name string, kv ...string) string {
	t.Helper()
	zone := must(t, c, account, "listZones").items("zone")[0]["id"].(string)
	offering := idOf(t, c, account, "listNetworkOfferings", "networkoffering", sourceNATOffering)
	r := must(t, c, account, "createNetwork", append([]string{"name", name, "zoneid", zone, "networkofferingid", offering}, kv...)...)
	return r.object("network")["id"].(string)
}

// putVM puts the row of a running machine into the store, as if it had been deployed.
func putVM(t *testing.T, c *Cloud, account, networkID, name, address string) string {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	n, _ := c.store.Networks.Get(networkID)
	a, ok := c.store.Accounts.Find(func(a Account) bool { return a.Name == account })
	if !ok {
		t.Fatalf("no account %s", account)
	}
	vm := VM{Base: c.store.VMs.NewBase(), Owner: Owner{AccountID: a.ID, DomainID: a.DomainID}, Name: name, DisplayName: name,
		State: VMRunning, NICs: []NIC{{ID: newUUID(), NetworkID: networkID, IPAddress: address, IsDefault: true}}}
	c.store.VMs.Put(vm)
	n.State = NetworkImplemented
	c.store.Networks.Put(n)
	if _, err := c.store.commit(); err != nil {
		t.Fatal(err)
	}
	return vm.ID
}

func TestCreateNetwork(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	zone := must(t, c, "admin", "listZones").items("zone")[0]["id"].(string)
	offering := func(name string) string {
		return idOf(t, c, "admin", "listNetworkOfferings", "networkoffering", name)
	}
	tests := map[string]struct {
		offering string
		params   []string
		want     map[string]any
		refusal  string
		reason   string
	}{
		"defaults": {sourceNATOffering, []string{"name", "web"}, map[string]any{"displaytext": "web", "cidr": "10.1.1.0/24",
			"gateway": "10.1.1.1", "netmask": "255.255.255.0", "state": "Allocated", "type": "Isolated", "networkdomain": "cs2cloud.internal",
			"egressdefaultpolicy": false, "acltype": "Account"}, "", "everything left out comes from the zone"},
		"own addresses": {sourceNATOffering, []string{"name", "a", "gateway", "10.20.0.1", "netmask", "255.255.0.0", "networkdomain", "a.example"},
			map[string]any{"cidr": "10.20.0.0/16", "networkdomain": "a.example"}, "", "gateway and netmask decide together"},
		"gateway alone":  {sourceNATOffering, []string{"name", "b", "gateway", "10.9.0.1"}, map[string]any{"cidr": "10.1.1.0/24"}, "", "one alone is silently ignored"},
		"marker":         {sourceNATOffering, []string{"name", "m", "externalid", "key-1"}, map[string]any{"externalid": "key-1"}, "", "the marker comes back"},
		"bad gateway":    {sourceNATOffering, []string{"name", "c", "gateway", "10.1.1.300", "netmask", "255.255.255.0"}, nil, "Gateway parameter is invalid", ""},
		"public cidr":    {sourceNATOffering, []string{"name", "c", "gateway", "8.8.8.1", "netmask", "255.255.255.0"}, nil, "Virtual Guest Cidr 8.8.8.0/24 is not RFC 1918 or 6598 compliant", ""},
		"bad domain":     {sourceNATOffering, []string{"name", "d", "networkdomain", "bad domain!"}, nil, "Invalid network domain.", ""},
		"vlan forbidden": {sourceNATOffering, []string{"name", "e", "vlan", "1200"}, nil, "Can't specify vlan; corresponding offering says specifyVlan=false", ""},
		"vpc offering":   {"DefaultIsolatedNetworkOfferingForVpcNetworks", []string{"name", "f"}, nil, "Network offering can be used for VPC networks only", ""},
		"l2":             {"DefaultL2NetworkOffering", []string{"name", "l2"}, map[string]any{"type": "L2", "cidr": nil, "gateway": nil}, "", "no addresses on layer 2"},
		"shared": {"DefaultSharedNetworkOffering", []string{"name", "s", "vlan", "1061", "gateway", "10.72.0.1", "netmask", "255.255.255.0", "startip", "10.72.0.10", "endip", "10.72.0.50"},
			map[string]any{"state": "Setup", "vlan": "1061", "acltype": "Domain", "account": nil}, "", "shared networks belong to the domain"},
		"shared in dynamic range": {"DefaultSharedNetworkOffering", []string{"name", "s", "vlan", "200", "gateway", "10.72.0.1", "netmask", "255.255.255.0", "startip", "10.72.0.10"}, nil, "is already being used for dynamic vlan allocation", ""},
		"shared bad range":        {"DefaultSharedNetworkOffering", []string{"name", "s", "vlan", "1200", "gateway", "10.72.0.1", "netmask", "255.255.255.0", "startip", "x"}, nil, "Start and end address", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := call(t, c, "admin", "createNetwork", append([]string{"zoneid", zone, "networkofferingid", offering(tt.offering)}, tt.params...)...)
			if tt.refusal != "" {
				if r.status != 431 || !strings.Contains(r.text(), tt.refusal) {
					t.Errorf("got %d %s, want %q", r.status, r.raw, tt.refusal)
				}
				return
			}
			for k, v := range tt.want {
				if got := r.object("network")[k]; got != v {
					t.Errorf("%s: %s: got %v, want %v", tt.reason, k, got, v)
				}
			}
		})
	}
}

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	network := makeNetwork(t, c, "admin", "web")
	first := mustJob(t, c, "admin", "associateIpAddress", "networkid", network).object("ipaddress")
	if first["issourcenat"] != true || first["state"] != "Allocating" {
		t.Errorf("the first address of a network is its source NAT, shown while allocating: got %v", first)
	}
	second := mustJob(t, c, "admin", "associateIpAddress", "networkid", network).object("ipaddress")
	if second["issourcenat"] != false {
		t.Errorf("the second address: got %v", second)
	}
	if r := call(t, c, "admin", "associateIpAddress", "networkid", network, "ipaddress", second["ipaddress"].(string)); r.status != 533 || r.text() != "Insufficient address capacity" {
		t.Errorf("a taken address: got %d %s", r.status, r.raw)
	}
	if r := call(t, c, "admin", "associateIpAddress"); r.status != 431 || !strings.HasPrefix(r.text(), "Unable to figure out zone") {
		t.Errorf("no network: got %d %s", r.status, r.raw)
	}
	vm := putVM(t, c, "admin", network, "web-1", "10.1.1.10")
	sourceNAT, other := first["id"].(string), second["id"].(string)
	if r := await(t, c, "admin", must(t, c, "admin", "disassociateIpAddress", "id", sourceNAT)); r.text() != "ip address is used for source nat purposes and can not be disassociated." {
		t.Errorf("release the source NAT address: got %s", r.raw)
	}
	mustJob(t, c, "admin", "createPortForwardingRule", "ipaddressid", other, "protocol", "tcp", "publicport", "22", "privateport", "22", "virtualmachineid", vm)
	if got := must(t, c, "admin", "listFirewallRules", "ipaddressid", other).items("firewallrule"); len(got) != 1 {
		t.Errorf("a port forward opens the firewall by default: got %v", got)
	}
	mustJob(t, c, "admin", "disassociateIpAddress", "id", other)
	for _, list := range []string{"listFirewallRules", "listPortForwardingRules"} {
		if r := must(t, c, "admin", list); len(r.body) != 0 {
			t.Errorf("%s after the release: got %s, want {}", list, r.raw)
		}
	}
	if r := call(t, c, "admin", "disassociateIpAddress", "id", other); r.status != 530 || r.body["cserrorcode"] != 4250.0 {
		t.Errorf("release twice: got %d %s", r.status, r.raw)
	}
	if r := must(t, c, "admin", "listPublicIpAddresses", "state", "Free"); r.body["count"].(float64) != publicPool-1 {
		t.Errorf("free addresses: got %v, want %d", r.body["count"], publicPool-1)
	}
}

func TestRuleRefusals(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	network := makeNetwork(t, c, "admin", "web")
	mustJob(t, c, "admin", "associateIpAddress", "networkid", network)
	ip := mustJob(t, c, "admin", "associateIpAddress", "networkid", network).object("ipaddress")["id"].(string)
	nat := mustJob(t, c, "admin", "associateIpAddress", "networkid", network).object("ipaddress")["id"].(string)
	vm := putVM(t, c, "admin", network, "web-1", "10.1.1.10")
	other := putVM(t, c, "admin", network, "web-2", "10.1.1.11")
	mustJob(t, c, "admin", "createFirewallRule", "ipaddressid", ip, "protocol", "tcp", "startport", "80", "cidrlist", "10.0.0.0/8")
	mustJob(t, c, "admin", "createEgressFirewallRule", "networkid", network, "protocol", "tcp", "startport", "443", "endport", "443")
	mustJob(t, c, "admin", "createPortForwardingRule", "ipaddressid", ip, "protocol", "tcp", "publicport", "22", "privateport", "22", "virtualmachineid", vm, "openfirewall", "false")
	must(t, c, "admin", "enableStaticNat", "ipaddressid", nat, "virtualmachineid", vm)
	pf := []string{"ipaddressid", ip, "virtualmachineid", vm, "protocol", "tcp"}
	tests := map[string]struct {
		command string
		params  []string
		status  int
		cs      float64
		text    string
	}{
		"firewall conflict":      {"createFirewallRule", []string{"ipaddressid", ip, "protocol", "tcp", "startport", "79", "endport", "81"}, 537, 4360, "The range specified, 79-81, conflicts with rule FirewallRule"},
		"firewall cidr":          {"createFirewallRule", []string{"ipaddressid", ip, "protocol", "tcp", "startport", "90", "cidrlist", "300.0.0.0/0"}, 431, 9999, "Source CIDRs formatting error 300.0.0.0/0"},
		"firewall protocol":      {"createFirewallRule", []string{"ipaddressid", ip, "protocol", "bogus", "startport", "90"}, 431, 4350, "Protocol bogus is not supported in zone 1"},
		"firewall range":         {"createFirewallRule", []string{"ipaddressid", ip, "protocol", "tcp", "startport", "95", "endport", "90"}, 431, 4350, "Start port can't be bigger than end port"},
		"icmp with ports":        {"createFirewallRule", []string{"ipaddressid", ip, "protocol", "icmp", "startport", "95"}, 431, 4350, "Can't specify start/end port when protocol is ICMP"},
		"egress conflict":        {"createEgressFirewallRule", []string{"networkid", network, "protocol", "tcp", "startport", "443"}, 537, 9999, "The range specified, 443-443, conflicts with rule FirewallRule"},
		"egress outside":         {"createEgressFirewallRule", []string{"networkid", network, "protocol", "udp", "startport", "1", "cidrlist", "172.31.0.0/16"}, 431, 9999, "[172.31.0.0/16] is not within the guest CIDR [10.1.1.0/24]. "},
		"port forward conflict":  {"createPortForwardingRule", append(pf, "publicport", "22", "privateport", "2222"), 537, 4360, "The range specified, 22-22, conflicts with rule FirewallRule"},
		"port forward size":      {"createPortForwardingRule", append(pf, "publicport", "100", "publicendport", "110", "privateport", "100"), 431, 4350, "Source port and destination port ranges should be of equal sizes."},
		"port forward shifted":   {"createPortForwardingRule", append(pf, "publicport", "100", "publicendport", "110", "privateport", "200", "privateendport", "210"), 431, 4350, "Private port start should be equal to public port start"},
		"port forward on nat":    {"createPortForwardingRule", []string{"ipaddressid", nat, "virtualmachineid", vm, "protocol", "tcp", "publicport", "1", "privateport", "1"}, 431, 4350, "Unable to create port forwarding rule; ip IPAddress"},
		"nat on used address":    {"enableStaticNat", []string{"ipaddressid", ip, "virtualmachineid", other}, 537, 9999, "Failed to enable static nat for the ip address IPAddress"},
		"nat taken":              {"enableStaticNat", []string{"ipaddressid", nat, "virtualmachineid", other}, 537, 9999, "Failed to enable static for the ip address IPAddress"},
		"missing address":        {"createFirewallRule", []string{"protocol", "tcp"}, 431, 9999, "Unable to execute API command createfirewallrule due to missing parameter ipaddressid"},
		"egress id for firewall": {"deleteFirewallRule", []string{"id", must(t, c, "admin", "listEgressFirewallRules").items("firewallrule")[0]["id"].(string)}, 431, 9999, "Unable to execute API command deletefirewallrule due to invalid value."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := call(t, c, "admin", tt.command, tt.params...)
			if r.status != tt.status || r.body["cserrorcode"] != tt.cs || !strings.HasPrefix(r.text(), tt.text) {
				t.Errorf("got %d %s", r.status, r.raw)
			}
		})
	}
	t.Run("udp beside tcp", func(t *testing.T) {
		mustJob(t, c, "admin", "createPortForwardingRule", "ipaddressid", ip, "protocol", "udp", "publicport", "22", "privateport", "22", "virtualmachineid", vm, "openfirewall", "false")
	})
}

func TestDeleteNetwork(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	network := makeNetwork(t, c, "admin", "web")
	ip := mustJob(t, c, "admin", "associateIpAddress", "networkid", network).object("ipaddress")["id"].(string)
	mustJob(t, c, "admin", "createFirewallRule", "ipaddressid", ip, "protocol", "tcp", "startport", "80")
	mustJob(t, c, "admin", "createTags", "resourceids", network, "resourcetype", "network", "tags[0].key", "k", "tags[0].value", "v")
	vm := putVM(t, c, "admin", network, "web-1", "10.1.1.10")
	if r := await(t, c, "admin", must(t, c, "admin", "deleteNetwork", "id", network)); r.text() != "Failed to delete network" {
		t.Fatalf("delete with a machine: got %v", r.body)
	}
	c.mu.Lock()
	c.store.VMs.Delete(vm)
	c.mu.Unlock()
	mustJob(t, c, "admin", "deleteNetwork", "id", network)
	for _, list := range []string{"listNetworks", "listFirewallRules", "listPublicIpAddresses", "listTags"} {
		if r := must(t, c, "admin", list); len(r.body) != 0 {
			t.Errorf("%s after the delete: got %s, want {}", list, r.raw)
		}
	}
	if r := call(t, c, "admin", "deleteNetwork", "id", network); r.status != 431 || r.text() != "Network ID=204 doesn't exist" {
		t.Errorf("delete twice: got %d %s", r.status, r.raw)
	}
}

func TestEgressDecision(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	network := makeNetwork(t, c, "admin", "web")
	allowed := func(port int, dest string) bool { return c.egressAllowed(network, "tcp", port, "10.1.1.10", dest) }
	if allowed(443, "") {
		t.Error("a default isolated network lets nothing out")
	}
	mustJob(t, c, "admin", "createEgressFirewallRule", "networkid", network, "protocol", "tcp", "startport", "443", "destcidrlist", "198.51.100.0/24")
	rule := mustJob(t, c, "admin", "createEgressFirewallRule", "networkid", network, "protocol", "tcp", "startport", "80", "endport", "90").object("firewallrule")["id"].(string)
	tests := map[string]struct {
		port int
		dest string
		want bool
	}{
		"in range":             {85, "", true},
		"out of range":         {91, "", false},
		"destination matches":  {443, "198.51.100.7", true},
		"destination differs":  {443, "203.0.113.1", false},
		"destination is named": {443, "", false},
	}
	for name, tt := range tests {
		if got := allowed(tt.port, tt.dest); got != tt.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
	mustJob(t, c, "admin", "deleteEgressFirewallRule", "id", rule)
	if allowed(85, "") {
		t.Error("a deleted rule still lets traffic out")
	}
}

func TestOwnership(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	theirs := makeNetwork(t, c, "admin", "admin-net")
	mine := makeNetwork(t, c, "user", "user-net")
	if r := must(t, c, "user", "listNetworks"); len(r.items("network")) != 1 || r.items("network")[0]["id"] != mine {
		t.Errorf("a user sees its own: got %s", r.raw)
	}
	if r := must(t, c, "user", "listNetworks", "id", theirs); len(r.body) != 0 {
		t.Errorf("another's by id: got %s, want {}", r.raw)
	}
	if r := must(t, c, "admin", "listNetworks"); len(r.items("network")) != 1 {
		t.Errorf("an administrator without listall: got %s", r.raw)
	}
	if r := must(t, c, "admin", "listNetworks", "listall", "true"); len(r.items("network")) != 2 {
		t.Errorf("an administrator with listall: got %s", r.raw)
	}
	if r := call(t, c, "user", "deleteNetwork", "id", theirs); r.status != 531 || r.text() != "Caller does not have permission to operate with provided resource." {
		t.Errorf("delete another's: got %d %s", r.status, r.raw)
	}
	if r := must(t, c, "user", "listNetworks"); r.items("network")[0]["vlan"] != nil || r.items("network")[0]["displaynetwork"] != nil {
		t.Errorf("fields for administrators only: got %s", r.raw)
	}
	must(t, c, "admin", "updateResourceLimit", "account", "user", "domainid", must(t, c, "admin", "listDomains").items("domain")[0]["id"].(string), "resourcetype", "6", "max", "1")
	zone := must(t, c, "user", "listZones").items("zone")[0]["id"].(string)
	offering := idOf(t, c, "user", "listNetworkOfferings", "networkoffering", sourceNATOffering)
	r := call(t, c, "user", "createNetwork", "name", "more", "zoneid", zone, "networkofferingid", offering)
	want := "Maximum amount of resources of Type = 'network', tag = 'null' for Account Name = user in Domain Id = 1 is exceeded: Account Resource Limit = 1, Current Account Resource Amount = 1, Current Account Resource Reservation = 0, Requested Resource Amount = 1."
	if r.status != 535 || r.text() != want {
		t.Errorf("limit: got %d %s", r.status, r.raw)
	}
}

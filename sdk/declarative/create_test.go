package declarative_test

import (
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/declarative"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

const (
	network = "../../plugins/network/plugin.yaml"
	compute = "../../plugins/compute/plugin.yaml"
)

// create runs the create of a planned object.
func create(t *testing.T, f *fake, path, name string, given map[string]cty.Value, settled ...cloudstack.Settled) (declarative.Result, *pluginspec.Type) {
	t.Helper()
	spec := plugin(t, path)
	typ := spec.Types[name]
	req := declarative.Request{
		Type: typ, Cloud: f.client(settled...), Identity: me, Address: name + ".x", Operation: "op-1", Stack: "web",
		// What a replacement leaves over must not matter.
		Prior: planned(typ, map[string]cty.Value{"id": text("old")}), Private: []byte(`{"children": {"rule": {"tcp/80-90/0.0.0.0/0": "old"}}}`),
		Planned: planned(typ, given), Lookups: map[string]cloudstack.Object{},
		Resume: map[string]cloudstack.Settled{},
	}
	for _, s := range settled {
		req.Resume[s.Key] = s
	}
	for _, a := range typ.Attributes {
		if _, ok := given[a.Name]; ok && a.Lookup != "" {
			req.Lookups[a.Name] = cloudstack.Object{"id": a.Name + "-id"}
		}
	}
	return declarative.New(spec).Create(t.Context(), req), typ
}

var machine = map[string]cty.Value{
	"name": text("web-1"), "offering": text("Medium Instance"), "template": text("Rocky Linux 9"), "zone": text("zone-1"),
	"network": text("net-1"), "user_data": text("#cloud-config\n"), "key_pairs": texts("b", "a"), "running": cty.True,
	"details": cty.MapVal(map[string]cty.Value{"cpuOvercommitRatio": text("2.0")}),
}

const webMachine = `{"id": "vm-1", "name": "web-1", "displayname": "web-1", "state": "Running", "serviceofferingid": "offering-id",
	"templateid": "template-id", "zoneid": "zone-id", "nic": [{"networkid": "net-1", "ipaddress": "10.1.1.5", "macaddress": "02:00:00:00:00:01"}],
	"details": {"moldctl.op": "op-1", "cpuOvercommitRatio": "2.0", "rootDiskController": "virtio"}, "affinitygroup": [], "tags": []}`

// sending is a create and what it is to send and to give.
type sending struct {
	path, typ string
	given     map[string]cty.Value
	script    func(f *fake)
	sent      []string
	value     map[string]string
}

// machineCreates are creates of the compute plugin.
func machineCreates() map[string]sending {
	return map[string]sending{
		"a machine, with its marker among the user's details, base64 user data and lists joined": {
			path: compute, typ: "instance", given: machine,
			script: func(f *fake) {
				f.async("deployVirtualMachine", "vm-1", `{"virtualmachine": `+webMachine+`}`)
			},
			sent: []string{"deployVirtualMachine details[0].cpuOvercommitRatio=2.0 details[0].moldctl.op=op-1 keypairs=a,b name=web-1 networkids=net-1 " +
				"serviceofferingid=offering-id startvm=true templateid=template-id userdata=I2Nsb3VkLWNvbmZpZwo= zoneid=zone-id"},
			value: map[string]string{
				"id": "vm-1", "name": "web-1", "display_name": "web-1", "offering": "Medium Instance", "template": "Rocky Linux 9",
				"zone": "zone-1", "network": "net-1", "address": "10.1.1.5", "mac_address": "02:00:00:00:00:01", "user_data": "#cloud-config\n",
				"key_pairs": "a,b", "running": "true", "state": "Running", "details": "cpuOvercommitRatio=2.0",
			},
		},
		"a key pair that is given is registered": {
			path: compute, typ: "ssh_keypair", given: map[string]cty.Value{"name": text("admin"), "public_key": text("ssh-ed25519 AAAA")},
			script: func(f *fake) {
				f.on("registerSSHKeyPair", `{"keypair": {"id": "key-1", "name": "admin", "fingerprint": "aa:bb", "account": "admin"}}`)
			},
			sent:  []string{"registerSSHKeyPair name=admin publickey=ssh-ed25519 AAAA"},
			value: map[string]string{"id": "key-1", "name": "admin", "public_key": "ssh-ed25519 AAAA", "fingerprint": "aa:bb"},
		},
		"a key pair that is not given is made by the cloud": {
			path: compute, typ: "ssh_keypair", given: map[string]cty.Value{"name": text("admin")},
			script: func(f *fake) {
				f.on("createSSHKeyPair", `{"keypair": {"id": "key-1", "name": "admin", "fingerprint": "aa:bb", "privatekey": "PEM"}}`)
			},
			sent:  []string{"createSSHKeyPair name=admin"},
			value: map[string]string{"id": "key-1", "name": "admin", "private_key": "PEM", "fingerprint": "aa:bb"},
		},
		"user data is sent and read as base64": {
			path: compute, typ: "user_data", given: map[string]cty.Value{"name": text("web"), "content": text("#cloud-config\n")},
			script: func(f *fake) {
				f.on("registerUserData", `{"userdata": {"id": "ud-1", "name": "web", "account": "admin", "userdata": "I2Nsb3VkLWNvbmZpZwo="}}`)
			},
			sent:  []string{"registerUserData name=web userdata=I2Nsb3VkLWNvbmZpZwo="},
			value: map[string]string{"id": "ud-1", "name": "web", "content": "#cloud-config\n"},
		},
	}
}

// networkCreates are creates of the network plugin.
func networkCreates(t *testing.T) map[string]sending {
	t.Helper()
	return map[string]sending{
		"a port forward keeps the firewall closed but for its own rule": {
			path: network, typ: "port_forward",
			given: map[string]cty.Value{
				"public_ip": text("ip-1"), "instance": text("vm-1"), "protocol": text("tcp"), "public_port": text("2222"), "private_port": text("22"),
				"firewall": cty.SetVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{"cidrs": texts("192.0.2.0/24")})}),
			},
			script: func(f *fake) {
				f.async("createPortForwardingRule", "pf-1", `{"portforwardingrule": {"id": "pf-1", "publicport": "2222", "publicendport": "2222", "privateport": "22", "privateendport": "22", "ipaddress": "198.51.100.7", "vmguestip": "10.1.1.5", "state": "Active"}}`)
				f.async("createFirewallRule", "fw-1", `{"firewallrule": {"id": "fw-1"}}`)
			},
			sent: []string{
				"createPortForwardingRule ipaddressid=ip-1 openfirewall=false privateendport=22 privateport=22 protocol=tcp publicendport=2222 publicport=2222 virtualmachineid=vm-1",
				"createFirewallRule cidrlist=192.0.2.0/24 endport=2222 ipaddressid=ip-1 protocol=tcp startport=2222",
			},
			value: map[string]string{
				"id": "pf-1", "public_ip": "ip-1", "instance": "vm-1", "protocol": "tcp", "public_port": "2222", "private_port": "22",
				"guest_address": "10.1.1.5", "address": "198.51.100.7", "state": "Active", "firewall": "map[cidrs:192.0.2.0/24]",
			},
		},
		"static NAT has the address's id": {
			path: network, typ: "static_nat", given: map[string]cty.Value{"public_ip": text("ip-1"), "instance": text("vm-1")},
			script: func(f *fake) {
				f.on("enableStaticNat", `{"success": "true"}`)
				f.on("listPublicIpAddresses", `{"count": 1, "publicipaddress": [{"id": "ip-1", "ipaddress": "198.51.100.7", "isstaticnat": true, "virtualmachineid": "vm-1", "vmipaddress": "10.1.1.5"}]}`)
			},
			sent:  []string{"enableStaticNat ipaddressid=ip-1 virtualmachineid=vm-1", "listPublicIpAddresses id=ip-1"},
			value: map[string]string{"id": "ip-1", "public_ip": "ip-1", "instance": "vm-1", "address": "198.51.100.7", "guest_address": "10.1.1.5"},
		},
		"a set of firewall rules is its rules": {
			path: network, typ: "firewall",
			given: map[string]cty.Value{
				"public_ip": text("ip-1"), "exclusive": cty.False,
				"rule": cty.SetVal([]cty.Value{
					item(plugin(t, network).Types["firewall"], "rule", map[string]cty.Value{"protocol": text("tcp"), "ports": text("80-90"), "cidrs": texts("0.0.0.0/0")}),
				}),
			},
			script: func(f *fake) { f.async("createFirewallRule", "fw-1", `{"firewallrule": {"id": "fw-1"}}`) },
			sent:   []string{"createFirewallRule cidrlist=0.0.0.0/0 endport=90 ipaddressid=ip-1 protocol=tcp startport=80"},
			value:  map[string]string{"id": "ip-1", "public_ip": "ip-1", "exclusive": "false", "rule": "map[cidrs:0.0.0.0/0 ports:80-90 protocol:tcp]"},
		},
	}
}

func TestCreateSends(t *testing.T) {
	t.Parallel()
	tests := machineCreates()
	maps.Copy(tests, networkCreates(t))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			test.script(f)
			got, typ := create(t, f, test.path, test.typ, test.given)
			if got.Status != declarative.OK {
				t.Fatalf("status %v: %s", got.Status, details(got.Problems))
			}
			if diff := cmp.Diff(test.sent, f.requests()); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.value, show(got.Value)); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
			if !got.Value.Type().Equals(typ.ImpliedType()) {
				t.Errorf("the value is not of the type: %#v", got.Value.Type())
			}
		})
	}
}

func TestCreateFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		script func(f *fake)
		status declarative.Status
		says   string
	}{
		"refused outright: nothing exists": {
			script: func(f *fake) {
				f.on("deployVirtualMachine", `{"errorcode": 431, "cserrorcode": 4350, "errortext": "The vm with hostName web-1 already exists"}`)
			},
			status: declarative.Gone, says: "The vm with hostName web-1 already exists",
		},
		"over a limit: says what to do": {
			script: func(f *fake) {
				f.on("deployVirtualMachine", `{"errorcode": 535, "cserrorcode": 4370, "errortext": "Maximum amount"}`)
			},
			status: declarative.Gone, says: "ask the operator for a higher limit",
		},
		"an internal error proves nothing: what it left is looked for, and the next run looks again": {
			script: func(f *fake) {
				f.on("deployVirtualMachine", `{"errorcode": 530, "cserrorcode": 4250, "errortext": "Internal error"}`)
				f.on("listVirtualMachines", `{}`)
			},
			status: declarative.Partial, says: "Internal error",
		},
		"the job fails and leaves a machine in Error: to be replaced": {
			script: func(f *fake) {
				f.async("deployVirtualMachine", "vm-1", `{"errorcode": 533, "errortext": "Unable to create a deployment"}`)
				f.on("listVirtualMachines", `{"count": 1, "virtualmachine": [`+strings.Replace(webMachine, "Running", "Error", 1)+`]}`)
			},
			status: declarative.Tainted, says: "Unable to create a deployment",
		},
		"the job fails and leaves nothing": {
			script: func(f *fake) {
				f.async("deployVirtualMachine", "vm-1", `{"errorcode": 533, "errortext": "Unable to create a deployment"}`)
				f.on("listVirtualMachines", unknownEntity)
			},
			status: declarative.Gone, says: "Unable to create a deployment",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			test.script(f)
			got, _ := create(t, f, compute, "instance", machine)
			if got.Status != test.status {
				t.Errorf("status %v, want %v", got.Status, test.status)
			}
			if said := details(got.Problems); !strings.Contains(said, test.says) {
				t.Errorf("says %q, want %q in it", said, test.says)
			}
			if got.Status == declarative.Tainted && show(got.Value)["id"] != "vm-1" {
				t.Errorf("the machine left behind is not named: %v", show(got.Value))
			}
		})
	}
}

func TestFailedChildLeavesThePartial(t *testing.T) {
	t.Parallel()
	f := newFake(t).on("createNetwork", `{"network": `+webNetwork+`}`)
	f.answer["createEgressFirewallRule"] = func(p url.Values) string {
		if p.Get("protocol") == "udp" {
			return `{"errorcode": 537, "cserrorcode": 4360, "errortext": "The range specified conflicts with rule"}`
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.jobs["j"] = `{"firewallrule": {"id": "rule-1"}}`
		return `{"id": "rule-1", "jobid": "j"}`
	}
	typ := plugin(t, network).Types["network"]
	got, _ := create(t, f, network, "network", map[string]cty.Value{
		"name": text("web"), "description": text("web"), "zone": text("zone-1"), "offering": text("Isolated"),
		"egress": cty.SetVal([]cty.Value{
			item(typ, "egress", map[string]cty.Value{"protocol": text("udp"), "ports": text("53")}),
			item(typ, "egress", map[string]cty.Value{"protocol": text("tcp"), "ports": text("443")}),
		}),
	})
	if got.Status != declarative.Partial || !strings.Contains(details(got.Problems), "conflicts") {
		t.Errorf("status %v: %s", got.Status, details(got.Problems))
	}
	if egress := show(got.Value)["egress"]; egress != "map[ports:443 protocol:tcp]" {
		t.Errorf("egress %q: want the rule that exists", egress)
	}
	if want := `"children":{"egress":{"tcp/443":"rule-1"}}`; !strings.Contains(string(got.Private), want) {
		t.Errorf("private %s, want %s in it", got.Private, want)
	}
}

func TestResume(t *testing.T) {
	t.Parallel()
	t.Run("what was made is taken up, not made again", func(t *testing.T) {
		t.Parallel()
		f := newFake(t).on("listNetworks", `{"count": 1, "network": [`+webNetwork+`]}`).
			async("createEgressFirewallRule", "rule-1", `{"firewallrule": {"id": "rule-1"}}`)
		typ := plugin(t, network).Types["network"]
		got, _ := create(t, f, network, "network", map[string]cty.Value{
			"name": text("web"), "description": text("web"), "zone": text("zone-1"), "offering": text("Isolated"),
			"egress": cty.SetVal([]cty.Value{item(typ, "egress", map[string]cty.Value{"protocol": text("all")})}),
		}, cloudstack.Settled{Key: "create", Command: "createNetwork", Status: cloudstack.Adopted, ID: "net-1"})
		if got.Status != declarative.OK || show(got.Value)["id"] != "net-1" {
			t.Fatalf("status %v, value %v: %s", got.Status, show(got.Value), details(got.Problems))
		}
		if diff := cmp.Diff([]string{"listNetworks id=net-1", "createEgressFirewallRule networkid=net-1 protocol=all"}, f.requests()); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
	})
	t.Run("two candidates stop it", func(t *testing.T) {
		t.Parallel()
		f := newFake(t)
		got, _ := create(t, f, compute, "ssh_keypair", map[string]cty.Value{"name": text("admin")},
			cloudstack.Settled{Key: "create", Command: "createSSHKeyPair", Status: cloudstack.Ambiguous, Candidates: []string{"a", "b"}})
		if !strings.Contains(details(got.Problems), "2 objects may be what it made: a, b") {
			t.Errorf("says %q", details(got.Problems))
		}
		if sent := f.requests(); len(sent) > 0 {
			t.Errorf("sent %v", sent)
		}
	})
	t.Run("a secret that only the lost answer held makes it tainted", func(t *testing.T) {
		t.Parallel()
		f := newFake(t).on("listSSHKeyPairs", `{"count": 1, "sshkeypair": [{"id": "key-1", "name": "admin", "fingerprint": "aa", "account": "admin"}]}`)
		got, _ := create(t, f, compute, "ssh_keypair", map[string]cty.Value{"name": text("admin")},
			cloudstack.Settled{Key: "create", Command: "createSSHKeyPair", Status: cloudstack.Adopted, ID: "key-1", Object: cloudstack.Object{"id": "key-1", "name": "admin"}})
		if got.Status != declarative.Tainted {
			t.Errorf("status %v: %s", got.Status, details(got.Problems))
		}
	})
}

func TestPublicAddress(t *testing.T) {
	t.Parallel()
	free := `{"count": 3, "publicipaddress": [
		{"id": "a", "ipaddress": "198.51.100.7", "state": "Free"},
		{"id": "b", "ipaddress": "198.51.100.8", "state": "Allocated"},
		{"id": "c", "ipaddress": "198.51.100.9", "state": "Free", "forsystemvms": true}]}`
	taken := `{"count": 1, "publicipaddress": [{"id": "a", "ipaddress": "198.51.100.7", "allocated": "2026-11-22T13:59:00+0000",
		"issourcenat": false, "isstaticnat": false, "associatednetworkid": "net-1", "zoneid": "zone-id", "state": "Allocated"}]}`
	f := newFake(t)
	f.answer["listPublicIpAddresses"] = func(p url.Values) string {
		if p.Get("state") == "Free" {
			return free
		}
		return taken
	}
	calls := 0
	f.answer["associateIpAddress"] = func(url.Values) string {
		f.mu.Lock()
		defer f.mu.Unlock()
		if calls++; calls == 1 {
			return `{"errorcode": 533, "cserrorcode": 9999, "errortext": "Insufficient address capacity"}`
		}
		f.jobs["j"] = `{"ipaddress": {"id": "a", "ipaddress": "198.51.100.7", "allocated": "2026-11-22T13:59:00+0000",
			"issourcenat": false, "isstaticnat": false, "associatednetworkid": "net-1", "state": "Allocating"}}`
		return `{"id": "a", "jobid": "j"}`
	}
	got, typ := create(t, f, network, "public_ip", map[string]cty.Value{"network": text("net-1"), "zone": text("zone-1")})
	if got.Status != declarative.OK {
		t.Fatalf("status %v: %s", got.Status, details(got.Problems))
	}
	look := "listPublicIpAddresses allocatedonly=false forvirtualnetwork=true state=Free zoneid=zone-id"
	take := "associateIpAddress ipaddress=198.51.100.7 networkid=net-1 zoneid=zone-id"
	if diff := cmp.Diff([]string{look, take, look, take}, f.requests()); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if want := "create associateIpAddress reserve"; f.journal[0] != want {
		t.Errorf("journal %v, want %s first", f.journal, want)
	}
	releases(t, f, typ, got)
}

// releases deletes the address: not when it is the source NAT, nor when the id
// has become somebody else's.
func releases(t *testing.T, f *fake, typ *pluginspec.Type, made declarative.Result) {
	t.Helper()
	f.async("disassociateIpAddress", "", `{"success": true}`)
	attrs := made.Value.AsValueMap()
	attrs["source_nat"] = cty.True
	tests := []struct {
		name    string
		prior   cty.Value
		private string
		sent    []string
	}{
		{"ours", made.Value, string(made.Private), []string{"listPublicIpAddresses id=a", "disassociateIpAddress id=a"}},
		{"the source NAT", cty.ObjectVal(attrs), string(made.Private), []string{"listPublicIpAddresses id=a"}},
		{"handed out anew", made.Value, `{"lease": "2020-01-01T00:00:00+0000"}`, []string{"listPublicIpAddresses id=a"}},
	}
	for _, test := range tests {
		got := declarative.New(plugin(t, network)).Delete(t.Context(), declarative.Request{
			Type: typ, Cloud: f.client(), Identity: me, Prior: test.prior, Private: []byte(test.private), Planned: cty.NullVal(typ.ImpliedType()),
		})
		if got.Status != declarative.Gone {
			t.Errorf("%s: status %v: %s", test.name, got.Status, details(got.Problems))
		}
		if diff := cmp.Diff(test.sent, f.requests()); diff != "" {
			t.Errorf("%s: sent (-want +got):\n%s", test.name, diff)
		}
	}
}

// TestLeftoverChildren removes what an interrupted run made and nobody wants
// any more.
func TestLeftoverChildren(t *testing.T) {
	t.Parallel()
	f := newFake(t).
		async("deleteEgressFirewallRule", "", `{"success": true}`).
		async("deletePortForwardingRule", "", `{"success": true}`).
		async("deleteFirewallRule", "", `{"success": true}`).
		on("listFirewallRules", `{"count": 2, "firewallrule": [{"id": "fw-1"}, {"id": "foreign"}]}`)
	spec := plugin(t, network)
	rt := declarative.New(spec)
	left := func(key string) map[string]cloudstack.Settled {
		return map[string]cloudstack.Settled{key: {Key: key, Status: cloudstack.Adopted, ID: "fw-1"}}
	}
	typ := spec.Types["network"]
	same := planned(typ, map[string]cty.Value{
		"id": text("net-1"), "name": text("web"), "gateway": text("g"), "netmask": text("m"), "cidr": text("c"),
		"domain_name": text("d"), "type": text("Isolated"), "state": text("Allocated"),
	})
	got := rt.Update(t.Context(), declarative.Request{Type: typ, Cloud: f.client(), Identity: me, Prior: same, Planned: same, Resume: left("egress[tcp/443]")})
	if got.Status != declarative.OK {
		t.Errorf("update: status %v: %s", got.Status, details(got.Problems))
	}
	if diff := cmp.Diff([]string{"deleteEgressFirewallRule id=fw-1"}, f.requests()); diff != "" {
		t.Errorf("update sends (-want +got):\n%s", diff)
	}
	typ = spec.Types["port_forward"]
	prior := planned(typ, map[string]cty.Value{"id": text("pf-1"), "public_ip": text("ip-1"), "public_port": text("22")})
	got = rt.Delete(t.Context(), declarative.Request{Type: typ, Cloud: f.client(), Identity: me, Prior: prior, Resume: left("firewall[0.0.0.0/0]")})
	if got.Status != declarative.Gone {
		t.Errorf("delete: status %v: %s", got.Status, details(got.Problems))
	}
	want := []string{"listFirewallRules ipaddressid=ip-1", "deleteFirewallRule id=fw-1", "deletePortForwardingRule id=pf-1"}
	if diff := cmp.Diff(want, f.requests()); diff != "" {
		t.Errorf("delete sends (-want +got):\n%s", diff)
	}
}

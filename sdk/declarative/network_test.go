package declarative_test

import (
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/declarative"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

const webNetwork = `{"id": "net-1", "name": "web", "displaytext": "web", "gateway": "10.1.1.1", "netmask": "255.255.255.0", "cidr": "10.1.1.0/24",
	"zoneid": "zone-id", "networkofferingid": "offering-id", "networkdomain": "cs2cloud.internal", "state": "Allocated", "type": "Isolated",
	"domainid": "domain-id", "account": "admin", "tags": [{"key": "env", "value": "test"}, {"key": "foreign", "value": "x"}]}`

func networkPlan(t *pluginspec.Type) cty.Value {
	return planned(t, map[string]cty.Value{
		"name": text("web"), "description": text("web"), "zone": text("zone-1"), "offering": text("Isolated"),
		"tags": cty.MapVal(map[string]cty.Value{"env": text("test")}),
		"egress": cty.SetVal([]cty.Value{
			item(t, "egress", map[string]cty.Value{"protocol": text("tcp"), "ports": text("8000-8010"), "cidrs": texts("10.1.1.0/25", "10.1.1.128/25")}),
			item(t, "egress", map[string]cty.Value{"protocol": text("all")}),
		}),
	})
}

func networkRequest(f *fake, typ *pluginspec.Type) declarative.Request {
	return declarative.Request{
		Type: typ, Cloud: f.client(), Identity: me, Address: "network.web", Operation: "op-1", Stack: "web",
		Lookups: map[string]cloudstack.Object{"zone": {"id": "zone-id", "name": "zone-1"}, "offering": {"id": "offering-id"}},
		Prior:   cty.NullVal(typ.ImpliedType()), Planned: networkPlan(typ),
	}
}

func TestNetworkLife(t *testing.T) {
	t.Parallel()
	spec := plugin(t, "../../plugins/network/plugin.yaml")
	typ, rt := spec.Types["network"], declarative.New(spec)
	f := newFake(t).
		on("createNetwork", `{"network": `+webNetwork+`}`).
		async("createTags", "", `{"success": true}`).
		async("deleteTags", "", `{"success": true}`).
		async("updateNetwork", "", `{"network": {"id": "net-1", "name": "web2"}}`).
		async("deleteEgressFirewallRule", "", `{"success": true}`).
		async("deleteNetwork", "", `{"success": true}`).
		on("listEgressFirewallRules", `{}`)
	f.answer["createEgressFirewallRule"] = func(p url.Values) string {
		id := "rule-" + p.Get("protocol")
		f.mu.Lock()
		defer f.mu.Unlock()
		f.jobs["job-"+id] = `{"firewallrule": {"id": "` + id + `"}}`
		return `{"id": "` + id + `", "jobid": "job-` + id + `"}`
	}

	created := rt.Create(t.Context(), networkRequest(f, typ))
	if created.Status != declarative.OK {
		t.Fatalf("create: status %v: %s", created.Status, details(created.Problems))
	}
	wantSent := []string{
		"createNetwork displaytext=web externalid=op-1 name=web networkofferingid=offering-id zoneid=zone-id",
		"createTags resourceids=net-1 resourcetype=Network tags[0].key=env tags[0].value=test",
		"createEgressFirewallRule networkid=net-1 protocol=all",
		"listEgressFirewallRules networkid=net-1",
		"createEgressFirewallRule cidrlist=10.1.1.0/25,10.1.1.128/25 endport=8010 networkid=net-1 protocol=tcp startport=8000",
	}
	if diff := cmp.Diff(sorted(wantSent), sorted(f.requests())); diff != "" {
		t.Errorf("create sends (-want +got):\n%s", diff)
	}
	want := map[string]string{
		"id": "net-1", "name": "web", "description": "web", "zone": "zone-1", "offering": "Isolated", "gateway": "10.1.1.1",
		"netmask": "255.255.255.0", "cidr": "10.1.1.0/24", "domain_name": "cs2cloud.internal", "state": "Allocated", "type": "Isolated",
		"tags": "env=test", "egress": show(networkPlan(typ))["egress"],
	}
	if diff := cmp.Diff(want, show(created.Value)); diff != "" {
		t.Errorf("created value (-want +got):\n%s", diff)
	}
	if !created.Value.Type().Equals(typ.ImpliedType()) {
		t.Errorf("the value is not of the type: %s", created.Value.Type().FriendlyName())
	}

	readNetwork(t, f, rt, typ, created)
	updateNetwork(t, f, rt, typ, created)
	deleteNetwork(t, f, rt, typ, created)
}

// readNetwork reads the network back, after one rule vanished and others
// appeared.
func readNetwork(t *testing.T, f *fake, rt *declarative.Runtime, typ *pluginspec.Type, created declarative.Result) {
	t.Helper()
	f.on("listNetworks", `{"count": 1, "network": [`+webNetwork+`]}`)
	f.on("listEgressFirewallRules", `{"count": 3, "firewallrule": [
		{"id": "rule-tcp", "protocol": "tcp", "startport": 8000, "endport": 8010, "networkid": "net-1", "cidrlist": "10.1.1.128/25,10.1.1.0/25", "destcidrlist": ""},
		{"id": "rule-foreign", "protocol": "udp", "startport": 53, "endport": 53, "networkid": "net-1", "cidrlist": "10.1.1.0/24", "destcidrlist": ""}]}`)
	results, err := rt.Read(t.Context(), declarative.ReadRequest{Type: typ, Cloud: f.client(), Identity: me, Items: []declarative.ReadItem{
		{Ref: "a", ID: "net-1", Prior: created.Value, Private: created.Private},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"listNetworks id=net-1", "listEgressFirewallRules networkid=net-1"}, f.requests()); diff != "" {
		t.Errorf("read sends (-want +got):\n%s", diff)
	}
	got := show(results[0].Value)
	for name, want := range map[string]string{"zone": "zone-id", "offering": "offering-id", "tags": "env=test", "egress": "map[cidrs:10.1.1.0/25,10.1.1.128/25 ports:8000-8010 protocol:tcp]"} {
		if got[name] != want {
			t.Errorf("read %s = %q, want %q", name, got[name], want)
		}
	}
}

func updateNetwork(t *testing.T, f *fake, rt *declarative.Runtime, typ *pluginspec.Type, created declarative.Result) {
	t.Helper()
	attrs := created.Value.AsValueMap()
	attrs["name"] = text("web2")
	attrs["tags"] = cty.MapVal(map[string]cty.Value{"env": text("prod")})
	attrs["egress"] = cty.SetVal([]cty.Value{item(typ, "egress", map[string]cty.Value{"protocol": text("all")})})
	req := networkRequest(f, typ)
	req.Prior, req.Planned, req.Private = created.Value, cty.ObjectVal(attrs), created.Private
	updated := rt.Update(t.Context(), req)
	if updated.Status != declarative.OK {
		t.Fatalf("update: status %v: %s", updated.Status, details(updated.Problems))
	}
	want := []string{
		"updateNetwork id=net-1 name=web2",
		"listNetworks id=net-1",
		"deleteTags resourceids=net-1 resourcetype=Network tags[0].key=env tags[0].value=test",
		"createTags resourceids=net-1 resourcetype=Network tags[0].key=env tags[0].value=prod",
		"deleteEgressFirewallRule id=rule-tcp",
		"listNetworks id=net-1",
	}
	if diff := cmp.Diff(want, f.requests()); diff != "" {
		t.Errorf("update sends (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(show(req.Planned), show(updated.Value)); diff != "" {
		t.Errorf("updated value (-want +got):\n%s", diff)
	}
}

func deleteNetwork(t *testing.T, f *fake, rt *declarative.Runtime, typ *pluginspec.Type, created declarative.Result) {
	t.Helper()
	f.on("listEgressFirewallRules", unknownEntity)
	req := networkRequest(f, typ)
	req.Prior, req.Planned, req.Private = created.Value, cty.NullVal(typ.ImpliedType()), created.Private
	deleted := rt.Delete(t.Context(), req)
	if deleted.Status != declarative.Gone || len(deleted.Problems) > 0 {
		t.Fatalf("delete: status %v: %s", deleted.Status, details(deleted.Problems))
	}
	if diff := cmp.Diff([]string{"deleteNetwork id=net-1", "listEgressFirewallRules networkid=net-1"}, f.requests()); diff != "" {
		t.Errorf("delete sends (-want +got):\n%s", diff)
	}
}

func sorted(s []string) []string {
	out := append([]string(nil), s...)
	slices.Sort(out)
	return out
}

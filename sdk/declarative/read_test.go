package declarative_test

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/declarative"
)

// networks scripts a cloud with n networks, net-0 and on, that lists pages.
func networks(f *fake, n int) {
	f.on("listEgressFirewallRules", `{}`)
	f.answer["listNetworks"] = func(p url.Values) string {
		if id := p.Get("id"); id != "" {
			i, err := strconv.Atoi(strings.TrimPrefix(id, "net-"))
			if err != nil || i >= n {
				return unknownEntity
			}
			return fmt.Sprintf(`{"count": 1, "network": [%s]}`, network1(i))
		}
		page, _ := strconv.Atoi(p.Get("page"))
		var rows []string
		for i := (page - 1) * 500; i < min(n, page*500); i++ {
			rows = append(rows, network1(i))
		}
		return fmt.Sprintf(`{"count": %d, "network": [%s]}`, n, strings.Join(rows, ","))
	}
}

func network1(i int) string {
	return fmt.Sprintf(`{"id": "net-%d", "name": "n%d", "zoneid": "zone-id", "networkofferingid": "offering-id", "state": "Implemented"}`, i, i)
}

func TestReadAsksOncePerPage(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		exist  int
		ask    []string
		sent   []string
		states []declarative.ReadState
	}{
		"one object by its id": {3, []string{"net-2"}, []string{"listNetworks id=net-2"}, []declarative.ReadState{declarative.Present}},
		"several in one page":  {3, []string{"net-0", "net-1", "net-2"}, []string{"listNetworks"}, []declarative.ReadState{0, 0, 0}},
		"one that is not listed is asked for by its id": {
			3, []string{"net-0", "net-9"}, []string{"listNetworks", "listNetworks id=net-9"}, []declarative.ReadState{declarative.Present, declarative.Absent},
		},
		"more pages only while that is cheaper": {
			1600, []string{"net-0", "net-1", "net-1500", "net-1501"},
			[]string{"listNetworks", "listNetworks id=net-1500", "listNetworks id=net-1501"}, []declarative.ReadState{0, 0, 0, 0},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			networks(f, test.exist)
			spec := plugin(t, network)
			req := declarative.ReadRequest{Type: spec.Types["network"], Cloud: f.client(), Identity: me}
			for _, id := range test.ask {
				req.Items = append(req.Items, declarative.ReadItem{Ref: "ref-" + id, ID: id})
			}
			results, err := declarative.New(spec).Read(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			var sent []string
			for _, s := range f.requests() {
				if !strings.HasPrefix(s, "listEgressFirewallRules") {
					sent = append(sent, s)
				}
			}
			if diff := cmp.Diff(test.sent, sorted(sent)); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			for i, r := range results {
				if r.State != test.states[i] || r.Ref != "ref-"+test.ask[i] {
					t.Errorf("%s: %s in state %v, want %v: %s", test.ask[i], r.Ref, r.State, test.states[i], details(r.Problems))
				}
			}
		})
	}
}

func TestAbsenceIsProved(t *testing.T) {
	t.Parallel()
	mine := `{"owner": {"domain": "domain-id", "account": "account-id"}}`
	tests := map[string]struct {
		answer, private string
		state           declarative.ReadState
	}{
		"the cloud knows no such id":                        {unknownEntity, mine, declarative.Absent},
		"an empty listing for the account that made it":     {`{}`, mine, declarative.Absent},
		"an empty listing for another account":              {`{}`, `{"owner": {"domain": "domain-id", "account": "other"}}`, declarative.NotVisible},
		"an unknown id for another account":                 {unknownEntity, `{"owner": {"account": "other"}}`, declarative.NotVisible},
		"431 that says something else is no proof":          {`{"errorcode": 431, "errortext": "in use"}`, mine, declarative.NotVisible},
		"a permission error is no proof":                    {`{"errorcode": 531, "cserrorcode": 4365, "errortext": "does not have permission"}`, mine, declarative.NotVisible},
		"a machine that was destroyed waits to be expunged": {`{"count": 1, "virtualmachine": [{"id": "vm-1", "state": "Destroyed"}]}`, mine, declarative.Absent},
		"a machine in Error is of no use":                   {`{"count": 1, "virtualmachine": [{"id": "vm-1", "state": "Error", "nic": [], "affinitygroup": []}]}`, mine, declarative.Unusable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t).on("listVirtualMachines", test.answer)
			spec := plugin(t, compute)
			results, err := declarative.New(spec).Read(t.Context(), declarative.ReadRequest{
				Type: spec.Types["instance"], Cloud: f.client(), Identity: me,
				Items: []declarative.ReadItem{{ID: "vm-1", Private: []byte(test.private)}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if results[0].State != test.state {
				t.Errorf("state %v, want %v: %s", results[0].State, test.state, details(results[0].Problems))
			}
			if test.state == declarative.NotVisible && len(results[0].Problems) == 0 {
				t.Error("says nothing")
			}
		})
	}
}

// TestGoneThoughListed tells static NAT that was switched off from its address,
// which is still there.
func TestGoneThoughListed(t *testing.T) {
	t.Parallel()
	spec := plugin(t, network)
	for nat, want := range map[bool]declarative.ReadState{true: declarative.Present, false: declarative.Absent} {
		f := newFake(t).on("listPublicIpAddresses", fmt.Sprintf(`{"count": 1, "publicipaddress": [{"id": "ip-1", "isstaticnat": %v}]}`, nat))
		results, err := declarative.New(spec).Read(t.Context(), declarative.ReadRequest{
			Type: spec.Types["static_nat"], Cloud: f.client(), Identity: me, Items: []declarative.ReadItem{{ID: "ip-1"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if results[0].State != want {
			t.Errorf("static NAT %v: state %v, want %v: %s", nat, results[0].State, want, details(results[0].Problems))
		}
	}
}

// TestReadByAnotherParameter reads objects whose listing takes no id, one and
// many.
func TestReadByAnotherParameter(t *testing.T) {
	t.Parallel()
	spec := plugin(t, compute)
	f := newFake(t)
	f.answer["listVMSnapshot"] = func(p url.Values) string {
		var rows []string
		for _, id := range []string{"a", "b"} {
			if want := p.Get("vmsnapshotid"); want == "" || want == id {
				rows = append(rows, fmt.Sprintf(`{"id": %q, "displayname": %q, "virtualmachineid": "vm-1", "type": "Disk"}`, id, "snap-"+id))
			}
		}
		return fmt.Sprintf(`{"count": %d, "vmSnapshot": [%s]}`, len(rows), strings.Join(rows, ","))
	}
	for ids, sent := range map[string][]string{"a": {"listVMSnapshot vmsnapshotid=a"}, "a b": {"listVMSnapshot"}, "a c": {"listVMSnapshot", "listVMSnapshot vmsnapshotid=c"}} {
		req := declarative.ReadRequest{Type: spec.Types["vm_snapshot"], Cloud: f.client(), Identity: me}
		for _, id := range strings.Fields(ids) {
			req.Items = append(req.Items, declarative.ReadItem{Ref: id, ID: id})
		}
		results, err := declarative.New(spec).Read(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sent, f.requests()); diff != "" {
			t.Errorf("%s: sent (-want +got):\n%s", ids, diff)
		}
		for _, r := range results {
			if want := r.Ref != "c"; (r.State == declarative.Present) != want {
				t.Errorf("%s in state %v: %s", r.Ref, r.State, details(r.Problems))
			}
		}
	}
}

// TestChildrenOfManyParents reads the rules of several addresses with one
// listing.
func TestChildrenOfManyParents(t *testing.T) {
	t.Parallel()
	f := newFake(t).
		on("listPublicIpAddresses", `{"count": 2, "publicipaddress": [{"id": "ip-1", "state": "Allocated"}, {"id": "ip-2", "state": "Allocated"}]}`).
		on("listFirewallRules", `{"count": 3, "firewallrule": [
			{"id": "fw-1", "ipaddressid": "ip-1", "protocol": "tcp", "startport": 80, "endport": 80, "cidrlist": "0.0.0.0/0"},
			{"id": "fw-2", "ipaddressid": "ip-2", "protocol": "icmp", "icmptype": 8, "icmpcode": 0, "cidrlist": "10.0.0.0/8,192.168.0.0/16"},
			{"id": "foreign", "ipaddressid": "ip-2", "protocol": "tcp", "startport": 22, "endport": 22, "cidrlist": "0.0.0.0/0"}]}`)
	spec := plugin(t, network)
	typ := spec.Types["firewall"]
	prior := func(ip string, rule map[string]cty.Value) cty.Value {
		return planned(typ, map[string]cty.Value{"id": text(ip), "public_ip": text(ip), "rule": cty.SetVal([]cty.Value{item(typ, "rule", rule)})})
	}
	results, err := declarative.New(spec).Read(t.Context(), declarative.ReadRequest{
		Type: typ, Cloud: f.client(), Identity: me,
		Items: []declarative.ReadItem{
			{
				ID: "ip-1", Private: []byte(`{"children": {"rule": {"tcp/80/0.0.0.0/0": "fw-1"}}}`),
				Prior: prior("ip-1", map[string]cty.Value{"protocol": text("tcp"), "ports": text("80"), "cidrs": texts("0.0.0.0/0")}),
			},
			{
				ID: "ip-2", Private: []byte(`{"children": {"rule": {"icmp//10.0.0.0/8,192.168.0.0/16/8/0": "fw-2"}}}`),
				Prior: prior("ip-2", map[string]cty.Value{
					"protocol": text("icmp"), "cidrs": texts("192.168.0.0/16", "10.0.0.0/8"), "icmp_type": cty.NumberIntVal(8), "icmp_code": cty.Zero,
				}),
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"listFirewallRules", "listPublicIpAddresses"}, sorted(f.requests())); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	for i, want := range []string{
		"map[cidrs:0.0.0.0/0 ports:80 protocol:tcp]",
		"map[cidrs:10.0.0.0/8,192.168.0.0/16 icmp_code:0 icmp_type:8 protocol:icmp]",
	} {
		if got := show(results[i].Value)["rule"]; got != want {
			t.Errorf("rules %q, want %q", got, want)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.answer["listServiceOfferings"] = func(p url.Values) string {
		if name := p.Get("name"); name != "" && name != "Medium Instance" {
			return `{}`
		}
		return `{"count": 2, "serviceoffering": [
			{"id": "s", "name": "Small Instance", "displaytext": "소형", "cpunumber": 1, "cpuspeed": 500, "memory": 512, "iscustomized": false},
			{"id": "m", "name": "Medium Instance", "displaytext": "중형", "cpunumber": 1, "cpuspeed": 1000, "memory": 1024, "iscustomized": false}]}`
	}
	spec := plugin(t, compute)
	tests := map[string]struct {
		query map[string]any
		want  []string
	}{
		"everything":             {nil, []string{"s Small Instance 소형", "m Medium Instance 중형"}},
		"by name":                {map[string]any{"name": "Medium Instance"}, []string{"m Medium Instance 중형"}},
		"by the displayed name":  {map[string]any{"name": "중형"}, []string{"m Medium Instance 중형"}},
		"by an attribute":        {map[string]any{"memory": 512}, []string{"s Small Instance 소형"}},
		"by what there is not":   {map[string]any{"name": "Huge"}, nil},
		"by id":                  {map[string]any{"id": "s"}, []string{"s Small Instance 소형"}},
		"by a part of the name":  {map[string]any{"name": "Medium"}, nil},
		"by two that contradict": {map[string]any{"name": "Medium Instance", "memory": 512}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := declarative.New(spec).Find(t.Context(), declarative.FindRequest{
				Type: spec.Types["offering"], Cloud: f.client(), Identity: me, Query: test.query,
			})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range found {
				got = append(got, o.ID+" "+o.Name+" "+o.Display)
				if !o.Value.Type().Equals(spec.Types["offering"].ImpliedType()) {
					t.Errorf("value is not of the type")
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMachineUpdates(t *testing.T) {
	t.Parallel()
	f := newFake(t).
		on("changeServiceForVirtualMachine", `{"virtualmachine": {"id": "vm-1"}}`).
		on("updateVirtualMachine", `{"virtualmachine": {"id": "vm-1"}}`).
		async("updateVMAffinityGroup", "", `{"virtualmachine": {"id": "vm-1"}}`)
	const look, stop, start = "listVirtualMachines id=vm-1", "stopVirtualMachine id=vm-1", "startVirtualMachine id=vm-1"
	spec := plugin(t, compute)
	typ := spec.Types["instance"]
	with := func(more map[string]cty.Value) cty.Value {
		given := map[string]cty.Value{}
		for _, m := range []map[string]cty.Value{machine, {
			"id": text("vm-1"), "display_name": text("web-1"), "address": text("10.1.1.5"), "state": text("Running"),
			"mac_address": text("02:00:00:00:00:01"), "nic": cty.NullVal(cty.String), "password": cty.NullVal(cty.String), "host": cty.NullVal(cty.String),
		}, more} {
			for k, v := range m {
				given[k] = v
			}
		}
		return planned(typ, given)
	}
	tests := map[string]struct {
		prior, plan map[string]cty.Value
		sent        []string
	}{
		"the offering of a running machine": {
			nil, map[string]cty.Value{"offering": text("Large")},
			[]string{look, stop, "changeServiceForVirtualMachine id=vm-1 serviceofferingid=large-id", look, start, look},
		},
		"the offering of a stopped machine that is to run": {
			map[string]cty.Value{"running": cty.False}, map[string]cty.Value{"offering": text("Large")},
			[]string{look, "changeServiceForVirtualMachine id=vm-1 serviceofferingid=large-id", start, look},
		},
		"stop":             {nil, map[string]cty.Value{"running": cty.False}, []string{stop, look}},
		"the display name": {nil, map[string]cty.Value{"display_name": text("Web")}, []string{"updateVirtualMachine displayname=Web id=vm-1", look}},
		"several changes stop it once": {
			nil, map[string]cty.Value{"offering": text("Large"), "name": text("web-2"), "user_data": text("#!/bin/sh"), "running": cty.False},
			[]string{
				look, stop, "changeServiceForVirtualMachine id=vm-1 serviceofferingid=large-id", "updateVirtualMachine displayname=web-1 id=vm-1 name=web-2",
				"updateVirtualMachine id=vm-1 userdata=IyEvYmluL3No", stop, look,
			},
		},
		"nothing": {nil, nil, nil},
		"a name for the id that was read is no change": {
			map[string]cty.Value{"offering": text("large-id"), "running": cty.False}, map[string]cty.Value{"offering": text("Large")},
			[]string{start, look},
		},
		"what is left out is taken away": {
			map[string]cty.Value{"group": text("web"), "affinity_groups": texts("ag-1"), "running": cty.False},
			map[string]cty.Value{"running": cty.False},
			[]string{look, "updateVMAffinityGroup affinitygroupids= id=vm-1", "updateVirtualMachine group= id=vm-1", look},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f.machine(webMachine, with(test.prior).GetAttr("running").True())
			got := declarative.New(spec).Update(t.Context(), declarative.Request{
				Type: typ, Cloud: f.client(), Identity: me, Prior: with(test.prior), Planned: with(test.plan),
				Lookups: map[string]cloudstack.Object{"offering": {"id": "large-id"}},
			})
			if got.Status != declarative.OK {
				t.Errorf("status %v: %s", got.Status, details(got.Problems))
			}
			if diff := cmp.Diff(test.sent, f.requests()); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFailedUpdateShowsWhatIs(t *testing.T) {
	t.Parallel()
	f := newFake(t).
		async("stopVirtualMachine", "", `{"virtualmachine": {"id": "vm-1", "state": "Stopped"}}`).
		on("changeServiceForVirtualMachine", `{"errorcode": 535, "errortext": "Maximum amount of resources"}`).
		on("listVirtualMachines", `{"count": 1, "virtualmachine": [`+strings.Replace(webMachine, "Running", "Stopped", 1)+`]}`)
	spec := plugin(t, compute)
	typ := spec.Types["instance"]
	given := map[string]cty.Value{"id": text("vm-1")}
	for k, v := range machine {
		given[k] = v
	}
	prior := planned(typ, given)
	given["offering"] = text("Large")
	got := declarative.New(spec).Update(t.Context(), declarative.Request{
		Type: typ, Cloud: f.client(), Identity: me, Prior: prior, Planned: planned(typ, given),
		Lookups: map[string]cloudstack.Object{"offering": {"id": "large-id"}, "template": {"id": "template-id"}, "zone": {"id": "zone-id"}},
	})
	if got.Status != declarative.Partial {
		t.Errorf("status %v", got.Status)
	}
	now := show(got.Value)
	for name, want := range map[string]string{"running": "false", "offering": "Medium Instance", "template": "Rocky Linux 9", "zone": "zone-1", "state": "Stopped"} {
		if now[name] != want {
			t.Errorf("%s = %q, want %q", name, now[name], want)
		}
	}
}

func TestDeleteTwice(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		del, read string
		status    declarative.Status
	}{
		"gone already":            {unknownEntity, unknownEntity, declarative.Gone},
		"still in use":            {`{"errorcode": 431, "errortext": "in use"}`, `{"count": 1, "network": [` + network1(1) + `]}`, declarative.OK},
		"gone although it failed": {`{"errorcode": 430, "errortext": "odd"}`, `{}`, declarative.Gone},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t).on("deleteNetwork", test.del).on("listNetworks", test.read)
			spec := plugin(t, network)
			typ := spec.Types["network"]
			got := declarative.New(spec).Delete(t.Context(), declarative.Request{
				Type: typ, Cloud: f.client(), Identity: me, Prior: planned(typ, map[string]cty.Value{"id": text("net-1"), "name": text("n1")}),
			})
			if got.Status != test.status || (len(got.Problems) > 0) != (test.status == declarative.OK) {
				t.Errorf("status %v: %s", got.Status, details(got.Problems))
			}
		})
	}
}

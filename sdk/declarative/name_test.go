package declarative_test

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/declarative"
)

// TestWithinAnother makes a card: the cloud answers with the machine, and lists
// cards for a machine only.
func TestWithinAnother(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.async("addNicToVirtualMachine", "", `{"virtualmachine": {"id": "vm-1"}}`)
	f.on("listNics", `{"count": 2, "nic": [{"id": "n-1", "virtualmachineid": "vm-1", "networkid": "net-1"},
		{"id": "n-2", "virtualmachineid": "vm-1", "networkid": "net-2", "ipaddress": "10.1.2.7", "macaddress": "02:00:00:00:00:07"}]}`)
	result, _ := create(t, f, compute, "nic", map[string]cty.Value{"instance": text("vm-1"), "network": text("net-2")})
	if result.Status != declarative.OK {
		t.Fatal(details(result.Problems))
	}
	got := show(result.Value)
	if got["id"] != "vm-1/n-2" || got["nic"] != "n-2" || got["address"] != "10.1.2.7" {
		t.Errorf("made %v", got)
	}
	want := []string{"addNicToVirtualMachine networkid=net-2 virtualmachineid=vm-1", "listNics virtualmachineid=vm-1"}
	if diff := cmp.Diff(want, f.requests()); diff != "" {
		t.Errorf("sent (-want +got)\n%s", diff)
	}
}

// TestReadWithinOthers reads the cards of two machines: one listing for each.
func TestReadWithinOthers(t *testing.T) {
	t.Parallel()
	spec := plugin(t, compute)
	f := newFake(t)
	f.answer["listNics"] = func(form url.Values) string {
		if form.Get("virtualmachineid") == "vm-1" {
			return `{"count": 2, "nic": [{"id": "n-1", "virtualmachineid": "vm-1"}, {"id": "n-2", "virtualmachineid": "vm-1"}]}`
		}
		return unknownEntity
	}
	req := declarative.ReadRequest{Type: spec.Types["nic"], Cloud: f.client(), Identity: me}
	for _, id := range []string{"vm-1/n-1", "vm-1/n-2", "vm-2/n-3"} {
		req.Items = append(req.Items, declarative.ReadItem{Ref: id, ID: id})
	}
	results, err := declarative.New(spec).Read(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]declarative.ReadState{}
	for _, r := range results {
		got[r.Ref] = r.State
	}
	want := map[string]declarative.ReadState{"vm-1/n-1": declarative.Present, "vm-1/n-2": declarative.Present, "vm-2/n-3": declarative.Absent}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("states (-want +got)\n%s", diff)
	}
	if sent := f.requests(); len(sent) != 3 { // one for each machine, and one for the card that is not shown
		t.Errorf("sent %v", sent)
	}
}

// TestFindWithinAnother asks for an id: of the right form, and of another.
func TestFindWithinAnother(t *testing.T) {
	t.Parallel()
	spec := plugin(t, "../../plugins/identity/plugin.yaml")
	f := newFake(t)
	f.on("listRolePermissions", `{"count": 2, "rolepermission": [{"id": "p-1", "roleid": "r-1", "rule": "list*", "permission": "allow"},
		{"id": "p-2", "roleid": "r-1", "rule": "get*", "permission": "deny"}]}`)
	for id, want := range map[string]int{"r-1/p-2": 1, "p-2": 0} {
		found, err := declarative.New(spec).Find(t.Context(), declarative.FindRequest{
			Type: spec.Types["role_permission"], Cloud: f.client(), Identity: me, Query: map[string]any{"id": id},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(found) != want || want == 1 && (found[0].ID != id || found[0].Name != "get*") {
			t.Errorf("%s: found %v", id, found)
		}
	}
	if diff := cmp.Diff([]string{"listRolePermissions roleid=r-1"}, f.requests()); diff != "" {
		t.Errorf("sent (-want +got)\n%s", diff)
	}
}

// TestOrderedChildren makes a role whose rules the cloud lists in another order,
// with one of somebody else's.
func TestOrderedChildren(t *testing.T) {
	t.Parallel()
	typ := plugin(t, "../../plugins/identity/plugin.yaml").Types["role"]
	rules := cty.ListVal([]cty.Value{
		item(typ, "permission", map[string]cty.Value{"rule": text("deleteNetwork"), "allow": cty.False}),
		item(typ, "permission", map[string]cty.Value{"rule": text("list*"), "allow": cty.True}),
	})
	for name, tc := range map[string]struct {
		listed string
		order  string // what is sent, "" for nothing
	}{
		"another order": {`[{"id": "of-list*"}, {"id": "foreign"}, {"id": "of-deleteNetwork"}]`, "updateRolePermission roleid=r-1 ruleorder=of-deleteNetwork,of-list*,foreign"},
		"that order":    {`[{"id": "of-deleteNetwork"}, {"id": "of-list*"}, {"id": "foreign"}]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.on("createRole", `{"role": {"id": "r-1", "name": "ops", "type": "User", "ispublic": true, "state": "enabled"}}`)
			f.on("listRolePermissions", `{"count": 3, "rolepermission": `+tc.listed+`}`)
			f.on("updateRolePermission", `{"success": true}`)
			f.answer["createRolePermission"] = func(form url.Values) string {
				return `{"rolepermission": {"id": "of-` + form.Get("rule") + `", "rule": "` + form.Get("rule") + `"}}`
			}
			result, _ := create(t, f, "../../plugins/identity/plugin.yaml", "role", map[string]cty.Value{"name": text("ops"), "permission": rules})
			if result.Status != declarative.OK {
				t.Fatal(details(result.Problems))
			}
			sent := f.requests()
			last := sent[len(sent)-1]
			if tc.order != "" && last != tc.order || tc.order == "" && last != "listRolePermissions roleid=r-1" {
				t.Errorf("sent %v", sent)
			}
		})
	}
}

// TestRepeatedCreate makes a limit again where an interrupted run may have made
// it: there is nothing to find.
func TestRepeatedCreate(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.on("updateResourceLimit", `{"resourcelimit": {"domainid": "domain-id", "account": "shop", "resourcetype": "0", "resourcetypename": "user_vm", "max": 10}}`)
	result, _ := create(t, f, "../../plugins/identity/plugin.yaml", "account_limit",
		map[string]cty.Value{"domain": text("ROOT"), "account": text("shop"), "resource": text("user_vm"), "max": cty.NumberIntVal(10)},
		cloudstack.Settled{Key: "create", Command: "updateResourceLimit", Status: cloudstack.Absent})
	if result.Status != declarative.OK {
		t.Fatal(details(result.Problems))
	}
	if got := show(result.Value)["id"]; got != "domain-id/shop/0" {
		t.Errorf("the id is %q", got)
	}
	if diff := cmp.Diff([]string{"updateResourceLimit account=shop domainid=domain-id max=10 resourcetype=0"}, f.requests()); diff != "" {
		t.Errorf("sent (-want +got)\n%s", diff)
	}
}

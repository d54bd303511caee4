package declarative_test

import (
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/declarative"
)

// TestEditedChildren takes up an update that an interrupted run began, with
// parts that it made from what the stack said then: those that are still wanted
// as they are stay, the others are changed in place or made again.
func TestEditedChildren(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		made cloudstack.Params // what the interrupted run sent
		call string
		key  string
		want map[string]cty.Value
		sent []string
	}{
		"as it was": {cloudstack.Params{"color": "red", "widgetid": "w"}, "createLid", "lid[red]",
			map[string]cty.Value{"lid": cty.ObjectVal(map[string]cty.Value{"color": text("red")})}, nil},
		"not known": {nil, "createLid", "lid[red]",
			map[string]cty.Value{"lid": cty.ObjectVal(map[string]cty.Value{"color": text("red")})}, nil},
		"made again": {cloudstack.Params{"name": "a", "size": "1", "wood": "beech", "widgetid": "w"}, "createPart", "part[a]",
			map[string]cty.Value{"part": cty.ListVal([]cty.Value{partOf("a", 1, text("oak"))})},
			[]string{"createPart name=a size=1 widgetid=w wood=oak", "deletePart id=made partid=a", "listParts widgetid=w"}},
		"not wanted": {cloudstack.Params{"name": "a", "size": "1", "widgetid": "w"}, "createPart", "part[a]", nil, []string{"deletePart id=made partid=a"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt, typ := widget(t)
			f := newFake(t).on("deletePart", `{"success": true}`).on("deleteLid", `{"success": true}`).
				on("listParts", `{}`).on("listLids", `{}`).on("listWidgets", `{"count": 1, "widget": [{"id": "w", "name": "n", "state": "Ready"}]}`)
			f.answer["createPart"] = func(p url.Values) string { return `{"part": {"id": "id-` + p.Get("name") + `"}}` }
			given := map[string]cty.Value{"id": text("w"), "name": text("n"), "ready": cty.True, "only_ours": cty.False,
				"lid": cty.NullVal(cty.Object(map[string]cty.Type{"color": cty.String}))}
			prior := planned(typ, given)
			for k, v := range tc.want {
				given[k] = v
			}
			was := cloudstack.Settled{Key: tc.key, Command: tc.call, Status: cloudstack.Adopted, ID: "made"}
			if tc.made != nil {
				was.Request = f.client().Request(tc.call, tc.made)
			}
			got := rt.Update(t.Context(), declarative.Request{
				Type: typ, Cloud: f.client(was), Identity: me, Prior: prior, Planned: planned(typ, given), Operation: "op",
				Resume: map[string]cloudstack.Settled{was.Key: was},
			})
			var changes []string
			for _, line := range f.requests() {
				if line != "listWidgets id=w" {
					changes = append(changes, line)
				}
			}
			slices.Sort(changes)
			if diff := cmp.Diff(tc.sent, changes); diff != "" || got.Status != declarative.OK {
				t.Errorf("status %v: %s (-want +got):\n%s", got.Status, details(got.Problems), diff)
			}
		})
	}
}

// TestEditedRule is a child that can be changed in place.
func TestEditedRule(t *testing.T) {
	t.Parallel()
	spec := plugin(t, network)
	typ := spec.Types["network_acl"]
	f := newFake(t).async("updateNetworkACLItem", "item-1", `{"networkacl": {"id": "item-1"}}`)
	rule := func(action string) map[string]cty.Value {
		return map[string]cty.Value{"number": cty.NumberIntVal(10), "action": text(action), "protocol": text("tcp"), "direction": text("ingress")}
	}
	prior := map[string]cty.Value{"id": text("acl-1"), "name": text("a"), "vpc": text("vpc-1"), "description": text("d")}
	wanted := map[string]cty.Value{"rule": cty.SetVal([]cty.Value{item(typ, "rule", rule("deny"))})}
	for k, v := range prior {
		wanted[k] = v
	}
	was := cloudstack.Settled{Key: "rule[10]", Command: "createNetworkACL", Status: cloudstack.Adopted, ID: "item-1", Request: []byte("another")}
	got := declarative.New(spec).Update(t.Context(), declarative.Request{
		Type: typ, Cloud: f.client(was), Identity: me, Prior: planned(typ, prior), Planned: planned(typ, wanted), Operation: "op",
		Resume: map[string]cloudstack.Settled{was.Key: was},
	})
	if got.Status != declarative.OK {
		t.Errorf("status %v: %s", got.Status, details(got.Problems))
	}
	want := []string{"updateNetworkACLItem action=deny id=item-1 number=10 partialupgrade=false protocol=tcp traffictype=ingress"}
	if diff := cmp.Diff(want, f.requests()); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

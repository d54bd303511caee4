package declarative_test

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/declarative"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// vpcs scripts two VPCs, of which one has an address.
func vpcs(t *testing.T) (*fake, *pluginspec.Plugin) {
	f := newFake(t)
	f.answer["listVPCs"] = func(form url.Values) string {
		one, two := `{"id": "vpc-1", "name": "one", "cidr": "10.1.0.0/16"}`, `{"id": "vpc-2", "name": "two", "cidr": "10.2.0.0/16"}`
		if form.Get("id") == "vpc-1" {
			return `{"count": 1, "vpc": [` + one + `]}`
		}
		return `{"count": 2, "vpc": [` + one + `, ` + two + `]}`
	}
	f.on("listPublicIpAddresses", `{"count": 1, "publicipaddress": [{"id": "ip-1", "ipaddress": "203.0.113.1", "vpcid": "vpc-1"}]}`)
	return f, plugin(t, network)
}

func TestJoinedRead(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		ids  []string
		want map[string]string
		sent []string
	}{
		"one by its id": {[]string{"vpc-1"}, map[string]string{"vpc-1": "203.0.113.1 ip-1"},
			[]string{"listVPCs id=vpc-1", "listPublicIpAddresses issourcenat=true vpcid=vpc-1"}},
		"both listed once": {[]string{"vpc-1", "vpc-2"}, map[string]string{"vpc-1": "203.0.113.1 ip-1", "vpc-2": " "},
			[]string{"listVPCs", "listPublicIpAddresses issourcenat=true"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, spec := vpcs(t)
			req := declarative.ReadRequest{Type: spec.Types["vpc"], Cloud: f.client(), Identity: me}
			for _, id := range test.ids {
				req.Items = append(req.Items, declarative.ReadItem{Ref: id, ID: id})
			}
			results, err := declarative.New(spec).Read(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, r := range results {
				got[r.Ref] = show(r.Value)["source_nat_address"] + " " + show(r.Value)["source_nat_id"]
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.sent, f.requests()); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

// A new object shows what is joined to it, and so does a data source.
func TestJoinedCreateAndFind(t *testing.T) {
	t.Parallel()
	f, spec := vpcs(t)
	f.async("createVPC", "vpc-1", `{"vpc": {"id": "vpc-1", "name": "one", "cidr": "10.1.0.0/16", "state": "Enabled"}}`)
	f.answer["listVPCs"] = func(form url.Values) string {
		if form.Get("id") == "" && form.Get("name") == "" { // before it is made
			return `{}`
		}
		return `{"count": 1, "vpc": [{"id": "vpc-1", "name": "one", "cidr": "10.1.0.0/16", "state": "Enabled"}]}`
	}
	typ := spec.Types["vpc"]
	rt := declarative.New(spec)
	made := rt.Create(t.Context(), declarative.Request{Type: typ, Cloud: f.client(), Identity: me, Operation: "op-1",
		Planned: planned(typ, map[string]cty.Value{"name": text("one"), "cidr": text("10.1.0.0/16")})})
	if made.Status != declarative.OK || show(made.Value)["source_nat_address"] != "203.0.113.1" {
		t.Errorf("status %v, %v: %s", made.Status, show(made.Value), details(made.Problems))
	}
	found, err := rt.Find(t.Context(), declarative.FindRequest{Type: typ, Cloud: f.client(), Identity: me, Query: map[string]any{"name": "one"}})
	if err != nil || len(found) != 1 || show(found[0].Value)["source_nat_id"] != "ip-1" || found[0].Name != "one" {
		t.Errorf("error %v, found %+v", err, found)
	}
}

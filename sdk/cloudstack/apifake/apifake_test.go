package apifake_test

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/cloudstack/apifake"
)

func TestAnswersReachTheClient(t *testing.T) {
	t.Parallel()
	a := apifake.New()
	a.Always("listNetworks", apifake.List("network", apifake.Object{"id": "n1"}))
	a.On("createVolume", func(p url.Values) apifake.Answer {
		return apifake.Start("volume", apifake.Object{"id": "v1", "name": p.Get("name")})
	})
	a.Always("deployVirtualMachine", apifake.Fail("vm1", 533, "no capacity"))
	c, err := a.Client()
	if err != nil {
		t.Fatal(err)
	}
	networks, err := c.List(t.Context(), "listNetworks", nil, "network")
	if err != nil || len(networks) != 1 || networks[0].ID() != "n1" {
		t.Errorf("List = %v, %v", networks, err)
	}
	none := cloudstack.Identity{Kind: cloudstack.None}
	volume, err := c.Call(t.Context(), cloudstack.Mutation{Key: "volume", Command: "createVolume", Params: cloudstack.Params{"name": "data"}, Identity: none})
	if err != nil || volume.ID() != "v1" || volume.Str("name") != "data" {
		t.Errorf("Call = %v, %v", volume, err)
	}
	_, err = c.Call(t.Context(), cloudstack.Mutation{Key: "vm", Command: "deployVirtualMachine", Identity: none})
	if cloudstack.CodeOf(err) != 533 {
		t.Errorf("Call: %v, want 533", err)
	}
	_, err = c.Read(t.Context(), "listVPCs", nil)
	if cloudstack.CodeOf(err) != 432 {
		t.Errorf("Read of what is not scripted: %v, want 432", err)
	}
	if diff := cmp.Diff([]string{"createVolume name=data", "deployVirtualMachine"}, a.Changes("name")); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"volume", "vm"}, a.Keys()); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

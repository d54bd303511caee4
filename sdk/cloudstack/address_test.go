package cloudstack_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/cloudstack/apifake"
)

// pool is a cloud with free addresses and the rule that a network's first one becomes its source NAT address.
func pool(sourceNAT bool, free ...string) (*apifake.API, *[]apifake.Object) {
	a := apifake.New()
	taken := &[]apifake.Object{}
	if sourceNAT {
		*taken = append(*taken, apifake.Object{"id": "nat", "ipaddress": "192.0.2.1", "issourcenat": true})
	}
	a.On("listPublicIpAddresses", func(p url.Values) apifake.Answer {
		if p.Get("state") == "Free" {
			var out []apifake.Object
			for _, ip := range free {
				out = append(out, apifake.Object{"ipaddress": ip, "state": "Free"})
			}
			return apifake.List("publicipaddress", out...)
		}
		var out []apifake.Object
		for _, o := range *taken {
			if (!p.Has("id") || o["id"] == p.Get("id")) && (!p.Has("issourcenat") || o["issourcenat"] == true) {
				out = append(out, o)
			}
		}
		return apifake.List("publicipaddress", out...)
	})
	a.On("associateIpAddress", func(p url.Values) apifake.Answer {
		if p.Get("ipaddress") == "192.0.2.66" {
			free = []string{"192.0.2.9"}
			return apifake.Refuse(533, "Insufficient address capacity")
		}
		o := apifake.Object{"id": "new", "ipaddress": p.Get("ipaddress"), "issourcenat": p.Get("networkid") == "unused"}
		*taken = append(*taken, o)
		return apifake.Start("ipaddress", apifake.Object{"id": "new", "state": "Allocating"})
	})
	return a, taken
}

func TestAddressFor(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sourceNAT bool
		free      []string
		network   string
		want      []string
		id        string
		owned     bool
	}{
		"source NAT address":                    {true, []string{"192.0.2.7"}, "used", nil, "nat", false},
		"none yet":                              {false, []string{"192.0.2.7"}, "unused", []string{"associateIpAddress ipaddress=192.0.2.7"}, "new", false},
		"none at all":                           {false, []string{"192.0.2.7"}, "routed", []string{"associateIpAddress ipaddress=192.0.2.7"}, "new", true},
		"free addresses are not shown":          {false, nil, "routed", []string{"associateIpAddress"}, "new", true},
		"somebody else takes the address first": {false, []string{"192.0.2.66"}, "routed", []string{"associateIpAddress ipaddress=192.0.2.66", "associateIpAddress ipaddress=192.0.2.9"}, "new", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, _ := pool(tc.sourceNAT, tc.free...)
			c, err := a.Client()
			if err != nil {
				t.Fatal(err)
			}
			got, owned, err := c.AddressFor(t.Context(), "address", tc.network)
			if err != nil {
				t.Fatal(err)
			}
			if got.ID() != tc.id || owned != tc.owned {
				t.Errorf("got %s, owned %v; want %s, %v", got.ID(), owned, tc.id, tc.owned)
			}
			if diff := cmp.Diff(tc.want, a.Changes("ipaddress")); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer, listed apifake.Answer
		fails          string
		reason         string
	}{
		"goes":           {apifake.Done(), apifake.Unknown("id"), "", ""},
		"gone already":   {apifake.Unknown("id"), apifake.Unknown("id"), "", "the same code as in use, so it is read"},
		"in use":         {apifake.Fail("", 431, "in use"), apifake.List("network", apifake.Object{"id": "n1"}), "in use", ""},
		"cannot be seen": {apifake.Fail("", 530, "Failed to delete network"), apifake.Refuse(531, "not yours"), "not yours", "an error is never taken as gone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := apifake.New()
			a.Always("deleteNetwork", tc.answer)
			a.Always("listNetworks", tc.listed)
			c, err := a.Client()
			if err != nil {
				t.Fatal(err)
			}
			err = c.Delete(t.Context(), cloudstack.Mutation{Key: "delete", Command: "deleteNetwork", Target: "n1"})
			if (err == nil) != (tc.fails == "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
				t.Errorf("Delete: %v, want %q: %s", err, tc.fails, tc.reason)
			}
		})
	}
}

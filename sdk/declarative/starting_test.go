package declarative_test

import (
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack/apifake"
	"github.com/moldctl/moldctl/sdk/declarative"
)

// TestRouterStarting deletes and changes rules while the router of their network
// starts: the cloud answers 530 until it is up, and that is waited for. A 530
// for another reason is not.
func TestRouterStarting(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		typ    string
		values map[string]cty.Value
		update map[string]cty.Value // nil: it is deleted
		call   string
		starts time.Duration
		fails  bool
	}{
		"delete a rule of an address": {
			typ: "port_forward", values: map[string]cty.Value{"id": text("r"), "public_ip": text("ip"), "instance": text("vm")},
			call: "deletePortForwardingRule", starts: 20 * time.Second,
		},
		"change a rule of an address": {
			typ: "port_forward", values: map[string]cty.Value{"id": text("r"), "public_ip": text("ip"), "instance": text("vm")},
			update: map[string]cty.Value{"instance": text("vm-2")}, call: "updatePortForwardingRule", starts: 20 * time.Second,
		},
		"delete by the address": {
			typ: "static_nat", values: map[string]cty.Value{"id": text("ip"), "public_ip": text("ip"), "instance": text("vm")},
			call: "disableStaticNat", starts: 20 * time.Second,
		},
		"the router never comes up": {
			typ: "port_forward", values: map[string]cty.Value{"id": text("r"), "public_ip": text("ip"), "instance": text("vm")},
			call: "deletePortForwardingRule", starts: time.Hour, fails: true,
		},
		"the router runs": {
			typ: "port_forward", values: map[string]cty.Value{"id": text("r"), "public_ip": text("ip"), "instance": text("vm")},
			call: "deletePortForwardingRule", fails: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				started := func() bool { return time.Since(began) >= tc.starts }
				api := apifake.New()
				api.On("listNetworks", func(url.Values) apifake.Answer {
					state := "Implemented"
					if !started() {
						state = "Implementing"
					}
					return apifake.List("network", apifake.Object{"id": "net-1", "state": state})
				})
				api.Always("listPublicIpAddresses", apifake.List("publicipaddress", apifake.Object{"id": "ip", "associatednetworkid": "net-1", "isstaticnat": true, "virtualmachineid": "vm"}))
				rule := apifake.Object{"id": "r", "ipaddressid": "ip", "virtualmachineid": "vm"}
				api.Always("listPortForwardingRules", apifake.List("portforwardingrule", rule))
				api.Always("listFirewallRules", apifake.List("firewallrule"))
				api.On(tc.call, func(url.Values) apifake.Answer {
					if !started() || tc.starts == 0 {
						return apifake.Fail("", 530, "Failed to apply the rules")
					}
					return apifake.Done()
				})
				client, err := api.Client()
				if err != nil {
					t.Fatal(err)
				}
				spec := plugin(t, network)
				typ := spec.Types[tc.typ]
				req := declarative.Request{Type: typ, Cloud: client, Identity: me, Prior: planned(typ, tc.values)}
				run := declarative.New(spec).Delete
				if tc.update != nil {
					attrs := req.Prior.AsValueMap()
					for name, v := range tc.update {
						attrs[name] = v
					}
					req.Planned = cty.ObjectVal(attrs)
					run = declarative.New(spec).Update
				}
				got := run(t.Context(), req)
				if failed := len(got.Problems) > 0; failed != tc.fails {
					t.Errorf("status %v: %s", got.Status, details(got.Problems))
				}
				if took := time.Since(began); !tc.fails && (took < tc.starts || took > tc.starts+5*time.Second) || took > 3*time.Minute {
					t.Errorf("took %s, and the router starts within %s", took, tc.starts)
				}
			})
		})
	}
}

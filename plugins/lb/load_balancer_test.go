package lb

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/cloudstack/apifake"
)

// small is a cloud with one network and what is made on it.
type small struct {
	*apifake.API
	addresses, rules, firewall, policies []apifake.Object
	members                              []string
	groups                               []apifake.Object
}

// table answers the listing, creation and removal of one kind of objects.
func (s *small) table(list, key string, objects *[]apifake.Object, by ...string) {
	s.On(list, func(p url.Values) apifake.Answer {
		var out []apifake.Object
		for _, o := range *objects {
			fits := true
			for _, name := range append(by, "id") {
				if p.Has(name) && p.Get(name) != o[name] {
					fits = false
				}
			}
			if fits {
				out = append(out, o)
			}
		}
		if p.Has("id") && len(out) == 0 {
			return apifake.Unknown("id")
		}
		return apifake.List(key, out...)
	})
}

func remove(objects *[]apifake.Object) func(url.Values) apifake.Answer {
	return func(p url.Values) apifake.Answer {
		before := len(*objects)
		*objects = slices.DeleteFunc(*objects, func(o apifake.Object) bool { return o["id"] == p.Get("id") })
		if len(*objects) == before {
			return apifake.Unknown("id")
		}
		return apifake.Done()
	}
}

func newSmall(sourceNAT bool) *small {
	s := &small{API: apifake.New()}
	if sourceNAT {
		s.addresses = append(s.addresses, apifake.Object{"id": "ip-nat", "ipaddress": "192.0.2.1", "issourcenat": true, "associatednetworkid": "net-1", "allocated": "then", "state": "Allocated"})
	}
	s.table("listPublicIpAddresses", "publicipaddress", &s.addresses, "associatednetworkid")
	s.table("listLoadBalancerRules", "loadbalancerrule", &s.rules, "publicipid")
	s.table("listFirewallRules", "firewallrule", &s.firewall, "ipaddressid")
	s.On("listAutoScaleVmGroups", func(url.Values) apifake.Answer { return apifake.List("autoscalevmgroup", s.groups...) })
	s.On("associateIpAddress", func(p url.Values) apifake.Answer {
		o := apifake.Object{"id": "ip-new", "ipaddress": "192.0.2.9", "issourcenat": false, "associatednetworkid": p.Get("networkid"), "allocated": "now", "state": "Allocated"}
		s.addresses = append(s.addresses, o)
		return apifake.Start("ipaddress", o)
	})
	s.On("createLoadBalancerRule", func(p url.Values) apifake.Answer {
		o := apifake.Object{
			"id": "lb-1", "name": p.Get("name"), "publicipid": p.Get("publicipid"), "publicip": "192.0.2.1", "publicport": p.Get("publicport"),
			"privateport": p.Get("privateport"), "algorithm": p.Get("algorithm"), "protocol": p.Get("protocol"), "networkid": "net-1",
		}
		s.rules = append(s.rules, o)
		return apifake.Start("loadbalancer", o)
	})
	s.On("updateLoadBalancerRule", func(p url.Values) apifake.Answer {
		for _, name := range []string{"name", "algorithm", "protocol"} {
			if p.Has(name) {
				s.rules[0][name] = p.Get(name)
			}
		}
		return apifake.Start("loadbalancer", s.rules[0])
	})
	s.On("createFirewallRule", func(p url.Values) apifake.Answer {
		o := apifake.Object{"id": "fw-" + p.Get("cidrlist"), "ipaddressid": p.Get("ipaddressid"), "protocol": p.Get("protocol"), "startport": 80, "endport": 80, "cidrlist": p.Get("cidrlist")}
		s.firewall = append(s.firewall, o)
		return apifake.Start("firewallrule", o)
	})
	s.On("deleteFirewallRule", remove(&s.firewall))
	s.On("deleteLoadBalancerRule", remove(&s.rules))
	s.On("disassociateIpAddress", remove(&s.addresses))
	s.On("listLoadBalancerRuleInstances", func(url.Values) apifake.Answer {
		var out []apifake.Object
		for _, id := range s.members {
			out = append(out, apifake.Object{"id": id})
		}
		return apifake.List("loadbalancerruleinstance", out...)
	})
	s.On("assignToLoadBalancerRule", func(p url.Values) apifake.Answer {
		for _, id := range strings.Split(p.Get("virtualmachineids"), ",") {
			if slices.Contains(s.members, id) || id == "vm-bad" {
				return apifake.Fail("", 530, "Failed to assign load balancer rule")
			}
			s.members = append(s.members, id)
		}
		return apifake.Done()
	})
	s.On("removeFromLoadBalancerRule", func(p url.Values) apifake.Answer {
		s.members = slices.DeleteFunc(s.members, func(id string) bool { return slices.Contains(strings.Split(p.Get("virtualmachineids"), ","), id) })
		return apifake.Done()
	})
	s.On("listLBStickinessPolicies", func(url.Values) apifake.Answer {
		// A wrapper comes back even without policies.
		return apifake.List("stickinesspolicies", apifake.Object{"lbruleid": "lb-1", "stickinesspolicy": s.policies})
	})
	s.On("createLBStickinessPolicy", func(p url.Values) apifake.Answer {
		params := apifake.Object{"mode": "insert"} // the server's default
		if p.Has("param[0].name") {
			params[p.Get("param[0].name")] = p.Get("param[0].value")
		}
		s.policies = []apifake.Object{{"id": "st-1", "name": p.Get("name"), "methodname": p.Get("methodname"), "params": params}}
		return apifake.Start("stickinesspolicies", apifake.Object{"stickinesspolicy": s.policies})
	})
	s.On("deleteLBStickinessPolicy", func(url.Values) apifake.Answer { s.policies = nil; return apifake.Done() })
	return s
}

func (s *small) request(t *testing.T, k kept, resume ...cloudstack.Settled) *sdk.Request {
	t.Helper()
	c, err := s.Client(resume...)
	if err != nil {
		t.Fatal(err)
	}
	r := &sdk.Request{Type: "load_balancer", Address: "load_balancer.web", Stack: "web", Cloud: c, Progress: t.Logf, Resume: map[string]cloudstack.Settled{}}
	for _, x := range resume {
		r.Resume[x.Key] = x
	}
	if k != (kept{}) {
		if r.Private, err = json.Marshal(k); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func wanted() LoadBalancer {
	return LoadBalancer{Network: "net-1", PublicPort: 80, PrivatePort: 8080, Algorithm: "roundrobin", Protocol: "tcp", CIDRs: []string{"0.0.0.0/0"}}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	own := "ip-own"
	for name, tc := range map[string]struct {
		sourceNAT bool
		change    func(*LoadBalancer)
		resume    []cloudstack.Settled
		want      []string
		owned     bool
		address   string
		fails     string
		reason    string
	}{
		"on the source NAT address": {
			sourceNAT: true,
			want: []string{
				"createLoadBalancerRule publicipid=ip-nat publicport=80 privateport=8080 protocol=tcp openfirewall=false name=web-80",
				"createFirewallRule protocol=tcp cidrlist=0.0.0.0/0",
			},
			address: "ip-nat",
		},
		"on a new address": {
			want: []string{
				"associateIpAddress",
				"createLoadBalancerRule publicipid=ip-new publicport=80 privateport=8080 protocol=tcp openfirewall=false name=web-80",
				"createFirewallRule protocol=tcp cidrlist=0.0.0.0/0",
			},
			address: "ip-new", owned: true,
		},
		"on a given address": {
			sourceNAT: true,
			change:    func(lb *LoadBalancer) { lb.PublicIP, lb.CIDRs = &own, []string{} },
			want:      []string{"createLoadBalancerRule publicipid=ip-own publicport=80 privateport=8080 protocol=tcp openfirewall=false name=web-80"},
			address:   own,
			reason:    "no networks, no firewall rule",
		},
		"with members and stickiness": {
			sourceNAT: true,
			change: func(lb *LoadBalancer) {
				lb.Members = []string{"vm-2", "vm-1"}
				lb.Stickiness = &Stickiness{Method: "LbCookie", Name: "sticky", Params: map[string]string{"cookie-name": "SRV"}}
			},
			want: []string{
				"createLoadBalancerRule publicipid=ip-nat publicport=80 privateport=8080 protocol=tcp openfirewall=false name=web-80",
				"createFirewallRule protocol=tcp cidrlist=0.0.0.0/0",
				"assignToLoadBalancerRule virtualmachineids=vm-1,vm-2",
				"createLBStickinessPolicy name=sticky methodname=LbCookie param[0].name=cookie-name param[0].value=SRV",
			},
			address: "ip-nat",
		},
		"taken up after the rule": {
			sourceNAT: true,
			resume:    []cloudstack.Settled{{Key: "rule", Status: cloudstack.Adopted, ID: "lb-1"}},
			want:      []string{"createFirewallRule protocol=tcp cidrlist=0.0.0.0/0"},
			address:   "ip-nat",
			reason:    "what was made is not made again",
		},
		"a member that cannot be": {
			sourceNAT: true,
			change:    func(lb *LoadBalancer) { lb.Members = []string{"vm-bad"} },
			want: []string{
				"createLoadBalancerRule publicipid=ip-nat publicport=80 privateport=8080 protocol=tcp openfirewall=false name=web-80",
				"createFirewallRule protocol=tcp cidrlist=0.0.0.0/0",
				"assignToLoadBalancerRule virtualmachineids=vm-bad",
			},
			address: "ip-nat", fails: "do they exist",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSmall(tc.sourceNAT)
			s.addresses = append(s.addresses, apifake.Object{"id": own, "ipaddress": "192.0.2.5", "associatednetworkid": "net-1"})
			if tc.resume != nil {
				s.rules = append(s.rules, apifake.Object{"id": "lb-1", "publicipid": "ip-nat"})
			}
			plan := wanted()
			if tc.change != nil {
				tc.change(&plan)
			}
			got, err := handler{}.Create(t.Context(), s.request(t, kept{}, tc.resume...), plan)
			if (err == nil) != (tc.fails == "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
				t.Fatalf("Create: %v, want %q", err, tc.fails)
			}
			changes := s.Changes("publicipid", "publicport", "privateport", "protocol", "openfirewall", "name", "cidrlist", "virtualmachineids", "methodname", "param[0].name", "param[0].value")
			if diff := cmp.Diff(tc.want, changes); diff != "" {
				t.Errorf("changes (-want +got): %s\n%s", tc.reason, diff)
			}
			if got.ID != "lb-1" || got.PublicIPID != tc.address || got.AddressOwned != tc.owned {
				t.Errorf("got id %s on %s, owned %v; want lb-1 on %s, %v", got.ID, got.PublicIPID, got.AddressOwned, tc.address, tc.owned)
			}
		})
	}
}

// whole is a rule that exists, as the state holds it.
func whole(t *testing.T) (*small, LoadBalancer, kept) {
	t.Helper()
	s := newSmall(true)
	plan := wanted()
	plan.Members = []string{"vm-1"}
	plan.Stickiness = &Stickiness{Method: "LbCookie", Name: "sticky", Params: map[string]string{"cookie-name": "SRV"}}
	made, err := handler{}.Create(t.Context(), s.request(t, kept{}), plan)
	if err != nil {
		t.Fatal(err)
	}
	s.Forget()
	return s, made, kept{Network: "net-1", Firewall: "fw-0.0.0.0/0", Allocated: "then"}
}

func TestReadAfterCreateIsUnchanged(t *testing.T) {
	t.Parallel()
	s, made, k := whole(t)
	got, err := handler{}.Read(t.Context(), s.request(t, k), made)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made, got); diff != "" {
		t.Errorf("(-created +read):\n%s", diff)
	}
	s.firewall = nil
	if got, err = (handler{}).Read(t.Context(), s.request(t, k), made); err != nil || len(got.CIDRs) != 0 {
		t.Errorf("with the firewall rule gone: cidrs %v, %v; want none", got.CIDRs, err)
	}
	s.rules = nil
	if _, err := (handler{}).Read(t.Context(), s.request(t, k), made); !errors.Is(err, sdk.ErrGone) {
		t.Errorf("with the rule gone: %v, want ErrGone", err)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*LoadBalancer)
		want   []string
	}{
		"nothing":   {func(*LoadBalancer) {}, nil},
		"algorithm": {func(lb *LoadBalancer) { lb.Algorithm = "leastconn" }, []string{"updateLoadBalancerRule algorithm=leastconn protocol=tcp"}},
		"cidrs":     {func(lb *LoadBalancer) { lb.CIDRs = []string{"10.0.0.0/8"} }, []string{"deleteFirewallRule", "createFirewallRule cidrlist=10.0.0.0/8 protocol=tcp"}},
		"closed":    {func(lb *LoadBalancer) { lb.CIDRs = []string{} }, []string{"deleteFirewallRule"}},
		"members": {func(lb *LoadBalancer) { lb.Members = []string{"vm-2"} }, []string{
			"assignToLoadBalancerRule virtualmachineids=vm-2", "removeFromLoadBalancerRule virtualmachineids=vm-1",
		}},
		"members no longer ours": {func(lb *LoadBalancer) { lb.Members = nil }, nil},
		"stickiness": {func(lb *LoadBalancer) { lb.Stickiness = &Stickiness{Method: "SourceBased", Name: "sticky"} }, []string{
			"createLBStickinessPolicy methodname=SourceBased",
		}},
		"no stickiness": {func(lb *LoadBalancer) { lb.Stickiness = nil }, []string{"deleteLBStickinessPolicy"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, prior, k := whole(t)
			plan := prior
			tc.change(&plan)
			got, err := handler{}.Update(t.Context(), s.request(t, k), prior, plan)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(plan, got); diff != "" {
				t.Errorf("value (-plan +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.want, s.Changes("algorithm", "cidrlist", "protocol", "virtualmachineids", "methodname")); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before func(*small, *LoadBalancer, *kept)
		want   []string
		fails  string
	}{
		"source NAT address stays": {func(*small, *LoadBalancer, *kept) {}, []string{"deleteFirewallRule", "deleteLoadBalancerRule"}, ""},
		"own address goes": {func(s *small, lb *LoadBalancer, _ *kept) {
			lb.AddressOwned, s.addresses[0]["issourcenat"] = true, false
		}, []string{"deleteFirewallRule", "deleteLoadBalancerRule", "disassociateIpAddress"}, ""},
		"own address that is somebody else's by now": {func(s *small, lb *LoadBalancer, _ *kept) {
			lb.AddressOwned, s.addresses[0]["issourcenat"], s.addresses[0]["allocated"] = true, false, "later"
		}, []string{"deleteFirewallRule", "deleteLoadBalancerRule"}, ""},
		"all gone already": {func(s *small, _ *LoadBalancer, _ *kept) { s.rules, s.firewall = nil, nil }, []string{"deleteFirewallRule", "deleteLoadBalancerRule"}, ""},
		"a group uses it": {func(s *small, _ *LoadBalancer, _ *kept) {
			s.groups = []apifake.Object{{"id": "g", "name": "web"}}
		}, nil, "the autoscale group web uses it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, prior, k := whole(t)
			tc.before(s, &prior, &k)
			err := handler{}.Delete(t.Context(), s.request(t, k), prior)
			if (err == nil) != (tc.fails == "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
				t.Fatalf("Delete: %v, want %q", err, tc.fails)
			}
			if diff := cmp.Diff(tc.want, s.Changes()); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change   func(*LoadBalancer)
		provider string
		want     []string
	}{
		"fine":             {func(*LoadBalancer) {}, "VirtualRouter", nil},
		"statistics port":  {func(lb *LoadBalancer) { lb.PublicPort = 8081 }, "VirtualRouter", []string{"public_port"}},
		"udp":              {func(lb *LoadBalancer) { lb.Protocol = "udp" }, "VpcVirtualRouter", []string{"protocol"}},
		"app cookie":       {func(lb *LoadBalancer) { lb.Stickiness = &Stickiness{Method: "AppCookie"} }, "VirtualRouter", []string{"stickiness.method"}},
		"another provider": {func(lb *LoadBalancer) { lb.Protocol = "udp" }, "Netscaler", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lb := wanted()
			tc.change(&lb)
			network := cloudstack.Object{"service": []any{map[string]any{"name": "Lb", "provider": []any{map[string]any{"name": tc.provider}}}}}
			var got []string
			for _, p := range (handler{}).Check(t.Context(), &sdk.PlanRequest{Lookups: map[string]cloudstack.Object{"network": network}}, lb) {
				got = append(got, p.Attribute)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

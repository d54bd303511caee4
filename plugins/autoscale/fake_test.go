package autoscale

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/cloudstack/apifake"
)

// scaler is a cloud with one load balancer rule and what is made for a group on it. It fills a group up to its least members when it is
// enabled, and refuses to change one that is.
type scaler struct {
	*apifake.API
	t *testing.T

	conditions, policies, profiles, groups, machines []apifake.Object
	balanced                                         []string // ids of who takes traffic
	serial                                           int
	broken                                           string   // template whose machines never run
	least                                            int      // fewest members that took traffic since the group had enough
	enabled                                          []string // bounds at each enable
}

func (s *scaler) id(kind string) string { s.serial++; return fmt.Sprintf("%s-%d", kind, s.serial) }

func find(objects []apifake.Object, id string) apifake.Object {
	for _, o := range objects {
		if o["id"] == id {
			return o
		}
	}
	return nil
}

func (s *scaler) rows(list, key string, objects *[]apifake.Object, by ...string) {
	s.On(list, func(p url.Values) apifake.Answer {
		var out []apifake.Object
		for _, o := range *objects {
			fits := !p.Has("id") || o["id"] == p.Get("id")
			for _, name := range by {
				fits = fits && (!p.Has(name) || o[name] == p.Get(name))
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

func newScaler(t *testing.T) *scaler {
	s := &scaler{API: apifake.New(), t: t, least: 99}
	s.Always("listLoadBalancerRules", apifake.List("loadbalancerrule", apifake.Object{"id": "lb-1", "name": "web", "networkid": "net-1"}))
	s.Always("listNetworks", apifake.List("network", apifake.Object{"id": "net-1", "name": "web", "zoneid": "zone-id", "supportsvmautoscaling": true}))
	s.Always("listServiceOfferings", apifake.List("serviceoffering", apifake.Object{"id": "so-1", "iscustomized": false}))
	s.On("listTemplates", func(p url.Values) apifake.Answer {
		if strings.HasPrefix(p.Get("id"), "tmpl") {
			return apifake.List("template", apifake.Object{"id": p.Get("id"), "name": p.Get("id"), "isready": p.Get("id") != "tmpl-unready"})
		}
		return apifake.List("template")
	})
	s.Always("listCounters", apifake.List("counter",
		apifake.Object{"id": "c-net", "provider": "Netscaler", "value": "vm.cpu.average.percentage", "name": "x"},
		apifake.Object{"id": "c-cpu", "provider": "VirtualRouter", "value": "vm.cpu.average.percentage", "name": "VM CPU - average percentage"},
		apifake.Object{"id": "c-mem", "provider": "VirtualRouter", "value": "vm.memory.average.percentage", "name": "VM Memory - average percentage"},
	))
	s.rows("listConditions", "condition", &s.conditions, "counterid")
	s.rows("listAutoScalePolicies", "autoscalepolicy", &s.policies)
	s.rows("listAutoScaleVmProfiles", "autoscalevmprofile", &s.profiles, "templateid")
	s.rows("listVirtualMachines", "virtualmachine", &s.machines, "autoscalevmgroupid")
	s.On("listAutoScaleVmGroups", s.listGroups)
	s.On("listLoadBalancerRuleInstances", func(url.Values) apifake.Answer {
		var out []apifake.Object
		for _, id := range s.balanced {
			out = append(out, apifake.Object{"id": id})
		}
		return apifake.List("loadbalancerruleinstance", out...)
	})
	s.On("getVirtualMachineUserData", func(p url.Values) apifake.Answer {
		m := find(s.machines, p.Get("virtualmachineid"))
		return apifake.Make("virtualmachineuserdata", apifake.Object{"virtualmachineid": m["id"], "userdata": m["userdata"]})
	})
	s.parts()
	s.groupCommands()
	return s
}

func (s *scaler) parts() {
	s.On("createCondition", func(p url.Values) apifake.Answer {
		o := apifake.Object{"id": s.id("cond"), "counterid": p.Get("counterid"), "relationaloperator": p.Get("relationaloperator")}
		o["threshold"], _ = strconv.Atoi(p.Get("threshold"))
		s.conditions = append(s.conditions, o)
		return apifake.Start("condition", o)
	})
	s.On("updateCondition", func(p url.Values) apifake.Answer {
		o := find(s.conditions, p.Get("id"))
		o["relationaloperator"] = p.Get("relationaloperator")
		o["threshold"], _ = strconv.Atoi(p.Get("threshold"))
		return s.whenDisabled(apifake.Start("condition", o))
	})
	s.On("createAutoScalePolicy", func(p url.Values) apifake.Answer {
		o := apifake.Object{"id": s.id("policy"), "action": strings.ToUpper(p.Get("action")), "name": p.Get("name"), "conditionids": p.Get("conditionids")}
		o["duration"], _ = strconv.Atoi(p.Get("duration"))
		o["quiettime"], _ = strconv.Atoi(p.Get("quiettime"))
		s.policies = append(s.policies, o)
		return apifake.Start("autoscalepolicy", o)
	})
	s.On("updateAutoScalePolicy", func(p url.Values) apifake.Answer {
		o := find(s.policies, p.Get("id"))
		if p.Has("duration") {
			o["duration"], _ = strconv.Atoi(p.Get("duration"))
		}
		if p.Has("conditionids") {
			o["conditionids"] = p.Get("conditionids")
		}
		return s.whenDisabled(apifake.Start("autoscalepolicy", o))
	})
	s.On("createAutoScaleVmProfile", func(p url.Values) apifake.Answer {
		o := apifake.Object{"id": s.id("profile")}
		s.fillProfile(o, p)
		s.profiles = append(s.profiles, o)
		return apifake.Start("autoscalevmprofile", o)
	})
	s.On("updateAutoScaleVmProfile", func(p url.Values) apifake.Answer {
		o := find(s.profiles, p.Get("id"))
		s.fillProfile(o, p)
		return s.whenDisabled(apifake.Start("autoscalevmprofile", o))
	})
	for command, objects := range map[string]*[]apifake.Object{
		"deleteCondition": &s.conditions, "deleteAutoScalePolicy": &s.policies, "deleteAutoScaleVmProfile": &s.profiles, "destroyVirtualMachine": &s.machines,
	} {
		s.On(command, func(p url.Values) apifake.Answer {
			if strings.HasPrefix(command, "deleteAutoScale") && len(s.groups) > 0 && strings.Contains(fmt.Sprint(s.groups), p.Get("id")) {
				return apifake.Fail("", 431, "Cannot delete when it is in use")
			}
			*objects = slices.DeleteFunc(*objects, func(o apifake.Object) bool { return o["id"] == p.Get("id") })
			s.balanced = slices.DeleteFunc(s.balanced, func(id string) bool { return id == p.Get("id") })
			return apifake.Done()
		})
	}
}

func (s *scaler) fillProfile(o apifake.Object, p url.Values) {
	for _, name := range []string{"templateid", "serviceofferingid", "userdata"} {
		if p.Has(name) {
			o[name] = p.Get(name)
		}
	}
	if p.Has("expungevmgraceperiod") {
		o["expungevmgraceperiod"], _ = strconv.Atoi(p.Get("expungevmgraceperiod"))
	}
	o["otherdeployparams"] = apifake.Object{}
}

// whenDisabled lets a change through only while the group is disabled.
func (s *scaler) whenDisabled(answer apifake.Answer) apifake.Answer {
	if len(s.groups) > 0 && s.groups[0]["state"] != "DISABLED" {
		return apifake.Fail("", 431, "can be updated only when it is in disabled state")
	}
	return answer
}

func (s *scaler) groupCommands() {
	s.On("createAutoScaleVmGroup", func(p url.Values) apifake.Answer {
		o := apifake.Object{
			"id": "group-1", "name": p.Get("name"), "lbruleid": p.Get("lbruleid"), "vmprofileid": p.Get("vmprofileid"), "state": "ENABLED",
			"up": p.Get("scaleuppolicyids"), "down": p.Get("scaledownpolicyids"),
		}
		s.groups = append(s.groups, o)
		s.setBounds(o, p)
		s.fill()
		return apifake.Start("autoscalevmgroup", o)
	})
	s.On("updateAutoScaleVmGroup", func(p url.Values) apifake.Answer {
		o := s.groups[0]
		if p.Has("name") {
			o["name"] = p.Get("name")
			return apifake.Start("autoscalevmgroup", o)
		}
		if o["state"] == "DISABLED" {
			s.setBounds(o, p)
			if p.Has("scaleuppolicyids") {
				o["up"] = p.Get("scaleuppolicyids")
			}
		}
		return s.whenDisabled(apifake.Start("autoscalevmgroup", o))
	})
	s.On("disableAutoScaleVmGroup", func(url.Values) apifake.Answer { s.groups[0]["state"] = "DISABLED"; return apifake.Done() })
	s.On("enableAutoScaleVmGroup", func(url.Values) apifake.Answer {
		s.groups[0]["state"] = "ENABLED"
		s.enabled = append(s.enabled, fmt.Sprintf("%v-%v", s.groups[0]["minmembers"], s.groups[0]["maxmembers"]))
		s.fill()
		return apifake.Done()
	})
	s.On("deleteAutoScaleVmGroup", func(url.Values) apifake.Answer {
		s.groups, s.machines, s.balanced = nil, nil, nil
		return apifake.Done()
	})
	s.On("removeFromLoadBalancerRule", func(p url.Values) apifake.Answer {
		m := find(s.machines, p.Get("virtualmachineids"))
		if m == nil || s.groups[0]["state"] != "DISABLED" {
			return apifake.Fail("", 431, "Failed to remove instance from load balancer rule")
		}
		delete(m, "autoscalevmgroupid")
		s.balanced = slices.DeleteFunc(s.balanced, func(id string) bool { return id == m["id"] })
		s.least = min(s.least, len(s.balanced))
		return apifake.Done()
	})
}

func (s *scaler) setBounds(o apifake.Object, p url.Values) {
	for _, name := range []string{"minmembers", "maxmembers", "interval"} {
		if p.Has(name) {
			o[name], _ = strconv.Atoi(p.Get(name))
		}
	}
}

// fill makes members until the group has its least.
func (s *scaler) fill() {
	g := s.groups[0]
	for {
		n := 0
		for _, m := range s.machines {
			if m["autoscalevmgroupid"] == g["id"] && m["state"] == "Running" {
				n++
			}
		}
		if n >= g["minmembers"].(int) {
			return
		}
		profile := find(s.profiles, g["vmprofileid"].(string))
		m := apifake.Object{"id": s.id("vm"), "state": "Running", "autoscalevmgroupid": g["id"], "templateid": profile["templateid"], "serviceofferingid": profile["serviceofferingid"], "userdata": profile["userdata"]}
		s.machines = append(s.machines, m)
		if m["templateid"] == s.broken {
			m["state"] = "Stopped"
			return
		}
		s.balanced = append(s.balanced, m["id"].(string))
	}
}

func (s *scaler) listGroups(p url.Values) apifake.Answer {
	if p.Has("id") && (len(s.groups) == 0 || p.Get("id") != "group-1") {
		return apifake.Unknown("id")
	}
	var out []apifake.Object
	for _, g := range s.groups {
		full := apifake.Object{}
		for k, v := range g {
			full[k] = v
		}
		full["scaleuppolicies"], full["scaledownpolicies"] = s.policiesOf(g["up"]), s.policiesOf(g["down"])
		out = append(out, full)
	}
	return apifake.List("autoscalevmgroup", out...)
}

func (s *scaler) policiesOf(ids any) []apifake.Object {
	var out []apifake.Object
	for _, id := range strings.Split(fmt.Sprint(ids), ",") {
		p := find(s.policies, id)
		if p == nil {
			continue
		}
		var conditions []apifake.Object
		for _, c := range strings.Split(fmt.Sprint(p["conditionids"]), ",") {
			o := find(s.conditions, c)
			value := "vm.cpu.average.percentage"
			if o["counterid"] == "c-mem" {
				value = "vm.memory.average.percentage"
			}
			conditions = append(conditions, apifake.Object{
				"id": o["id"], "threshold": o["threshold"], "relationaloperator": o["relationaloperator"], "counter": apifake.Object{"id": o["counterid"], "value": value},
			})
		}
		slices.Reverse(conditions) // the cloud keeps no order
		out = append(out, apifake.Object{"id": p["id"], "name": p["name"], "duration": p["duration"], "quiettime": p["quiettime"], "conditions": conditions})
	}
	return out
}

func (s *scaler) request(k *kept, template string, resume ...cloudstack.Settled) *sdk.Request {
	s.t.Helper()
	c, err := s.Client(resume...)
	if err != nil {
		s.t.Fatal(err)
	}
	r := &sdk.Request{
		Type: "autoscale_group", Address: "autoscale_group.web", Stack: "shop", Cloud: c, Progress: s.t.Logf, Identity: cloudstack.CallerIdentity{MayExpunge: true},
		Lookups: map[string]cloudstack.Object{"template": {"id": template}, "offering": {"id": "so-1"}}, Resume: map[string]cloudstack.Settled{},
	}
	for _, x := range resume {
		r.Resume[x.Key] = x
	}
	if k != nil {
		if r.Private, err = json.Marshal(k); err != nil {
			s.t.Fatal(err)
		}
	}
	return r
}

func wanted() Group {
	return Group{
		LoadBalancer: "lb-1", Template: "web image", Offering: "Medium Instance", MinMembers: 2, MaxMembers: 4, Interval: "30s", GracePeriod: "30s",
		Enabled: true, WaitForMembers: true,
		ScaleUp:   map[string]Policy{"load": {Duration: "1m", QuietTime: "60s", Condition: []Condition{{"cpu", ">", 70}, {"memory", ">=", 80}}}},
		ScaleDown: map[string]Policy{"idle": {Duration: "120s", QuietTime: "60s", Condition: []Condition{{"cpu", "LT", 20}}}},
		Rollout:   &Rollout{Strategy: "surge", MaxSurge: "1", MaxUnavailable: "0", MinReady: "1ms", ReadyTimeout: "300ms", DrainTimeout: "1ms", OnFailure: "rollback"},
	}
}

// existing is a group that was made, as the state holds it.
func existing(t *testing.T) (*scaler, Group, *kept) {
	t.Helper()
	s := newScaler(t)
	w, err := open(s.request(nil, "tmpl-1"))
	if err != nil {
		t.Fatal(err)
	}
	made, err := w.create(t.Context(), wanted())
	if err != nil {
		t.Fatal(err)
	}
	s.Forget()
	return s, made, &w.kept
}

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

package cloudsim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// scaled is a balanced cloud with all a group needs but the group.
type scaled struct {
	*balanced
	rule, profile, template string
	over, under             string // conditions
	up, down                string // policies
}

func startScaled(t *testing.T, f *farm, opts Options) *scaled {
	t.Helper()
	s := &scaled{balanced: startFarm(t, f, opts)}
	cpu := must(t, s.Cloud, "admin", "listCounters", "provider", "VirtualRouter", "source", "cpu").items("counter")[0]["id"].(string)
	s.over = s.ok("createCondition", "counterid", cpu, "relationaloperator", "ge", "threshold", "80").object("condition")["id"].(string)
	s.under = s.ok("createCondition", "counterid", cpu, "relationaloperator", "LE", "threshold", "20").object("condition")["id"].(string)
	s.up = s.ok("createAutoScalePolicy", "action", "scaleup", "duration", "20", "quiettime", "10", "conditionids", s.over).object("autoscalepolicy")["id"].(string)
	s.down = s.ok("createAutoScalePolicy", "action", "ScaleDown", "duration", "20", "quiettime", "10", "conditionids", s.under).object("autoscalepolicy")["id"].(string)
	zone := must(t, s.Cloud, "admin", "listZones").items("zone")[0]["id"].(string)
	s.mu.Lock()
	for tpl := range s.store.Templates.All() {
		s.template = tpl.ID
	}
	s.mu.Unlock()
	offering := idOf(t, s.Cloud, "admin", "listServiceOfferings", "serviceoffering", "Small Instance")
	s.profile = s.ok("createAutoScaleVmProfile", "zoneid", zone, "serviceofferingid", offering, "templateid", s.template,
		"expungevmgraceperiod", "10").object("autoscalevmprofile")["id"].(string)
	s.rule = s.balanced.rule("80")
	return s
}

// args are the parameters of a good group, with changes; "-" leaves one out.
func (s *scaled) args(change ...string) []string {
	all := map[string]string{"name": "web", "lbruleid": s.rule, "minmembers": "1", "maxmembers": "3", "interval": "10",
		"scaleuppolicyids": s.up, "scaledownpolicyids": s.down, "vmprofileid": s.profile}
	for i := 0; i < len(change); i += 2 {
		all[change[i]] = change[i+1]
	}
	var kv []string
	for k, v := range all {
		if v != "-" {
			kv = append(kv, k, v)
		}
	}
	return kv
}

// group makes a group in a cloud whose monitor has not come around to it yet.
func (s *scaled) group(change ...string) string {
	s.t.Helper()
	return s.ok("createAutoScaleVmGroup", s.args(change...)...).object("autoscalevmgroup")["id"].(string)
}

func (s *scaled) show(id string) map[string]any {
	s.t.Helper()
	return must(s.t, s.Cloud, "admin", "listAutoScaleVmGroups", "id", id).items("autoscalevmgroup")[0]
}

// still is a cloud whose autoscale monitor does nothing by itself within a test.
func still() Options {
	return Options{Clock: NewManualClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}
}

func TestAutoscaleRefusals(t *testing.T) {
	t.Parallel()
	s := startScaled(t, &farm{machines: map[string]*webMachine{}}, still())
	cpu := must(t, s.Cloud, "admin", "listCounters", "provider", "VirtualRouter", "source", "CPU").items("counter")[0]["id"].(string)
	snmp := must(t, s.Cloud, "admin", "listCounters", "source", "snmp").items("counter")[0]["id"].(string)
	foreign := s.ok("createCondition", "counterid", snmp, "relationaloperator", "GT", "threshold", "1").object("condition")["id"].(string)
	measured := s.ok("createAutoScalePolicy", "action", "scaleup", "duration", "20", "conditionids", foreign).object("autoscalepolicy")["id"].(string)
	full := s.balanced.rule("81")
	s.ok("assignToLoadBalancerRule", "id", full, "virtualmachineids", s.vms[0])
	taken := s.balanced.rule("82")
	s.group("name", "first", "lbruleid", taken)
	zone := must(t, s.Cloud, "admin", "listZones").items("zone")[0]["id"].(string)
	offering := idOf(t, s.Cloud, "admin", "listServiceOfferings", "serviceoffering", "Small Instance")
	profile := func(kv ...string) []string {
		return append([]string{"zoneid", zone, "serviceofferingid", offering, "templateid", s.template}, kv...)
	}
	tests := map[string]struct {
		command string
		kv      []string
		cs      float64
		text    string
	}{
		"operator":           {"createCondition", []string{"counterid", cpu, "relationaloperator", "XX", "threshold", "1"}, 4350, "The Operator XX does not exist; Unable to create Condition."},
		"threshold":          {"createCondition", []string{"counterid", cpu, "relationaloperator", "GT", "threshold", "-1"}, 4350, "The threshold -1 must be equal to or greater than 0."},
		"counter":            {"createCondition", []string{"counterid", "00000000-0000-4000-8000-000000000000", "relationaloperator", "GT", "threshold", "1"}, 9999, "Unable to execute API command condition due to invalid value. Invalid parameter counterid value=00000000-0000-4000-8000-000000000000 due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class."},
		"same counter twice": {"createAutoScalePolicy", []string{"action", "scaleup", "duration", "60", "conditionids", s.over + "," + s.under}, 4350, "at least two conditions in the conditionids have the same counter. It is not right to apply two different conditions for the same counter"},
		"action":             {"createAutoScalePolicy", []string{"action", "sideways", "duration", "60", "conditionids", s.over}, 4350, "action is invalid. Supported actions are: [SCALEUP, SCALEDOWN]"},
		"duration":           {"createAutoScalePolicy", []string{"action", "scaleup", "duration", "-1", "conditionids", s.over}, 4350, "duration is an invalid value: -1"},
		"no conditions":      {"createAutoScalePolicy", []string{"action", "scaleup", "duration", "60"}, 9999, "Unable to execute API command autoscalepolicy due to missing parameter conditionids"},
		"deploy parameter":   {"createAutoScaleVmProfile", profile("otherdeployparams[0].name", "size", "otherdeployparams[0].value", "1"), 4350, "Unsupported otherdeployparams key: size. Supported values are [rootdisksize, diskofferingid, disksize, securitygroupids, overridediskofferingid, keypairs, affinitygroupids, networkids]"},
		"grace":              {"createAutoScaleVmProfile", profile("expungevmgraceperiod", "-1"), 4350, "Expunge Vm Grace Period cannot be less than 0."},
		"user data":          {"createAutoScaleVmProfile", profile("userdata", "%%%"), 9999, `URLDecoder: Illegal hex characters in escape (%) pattern - Error at index 0 in: "%%"`},
		"min over max":       {"createAutoScaleVmGroup", s.args("minmembers", "5", "maxmembers", "2"), 4350, "minmembers (5)cannot be greater than maxmembers (2)"},
		"min 0":              {"createAutoScaleVmGroup", s.args("minmembers", "0"), 4350, "minmembers is an invalid value: 0"},
		"rule has machines":  {"createAutoScaleVmGroup", s.args("lbruleid", full), 4350, "there are Vms already bound to the specified LoadBalancing Rule. User bound Vms and AutoScaled Vm Group cannot co-exist on a Load Balancing Rule"},
		"rule has a group":   {"createAutoScaleVmGroup", s.args("lbruleid", taken), 4350, "an AutoScaleVmGroup is already attached to the lb rule, the existing vm group has to be first deleted"},
		"swapped policies":   {"createAutoScaleVmGroup", s.args("scaleuppolicyids", s.down, "scaledownpolicyids", s.up), 4350, "Only scaleup policies can be specified in scaleuppolicyids"},
		"interval":           {"createAutoScaleVmGroup", s.args("interval", "1000"), 4350, "duration : 20 specified in a policy cannot be less than vm group's interval : 1000"},
		"no scale-down":      {"createAutoScaleVmGroup", s.args("scaledownpolicyids", "-"), 9999, "Unable to execute API command autoscalevmgroup due to missing parameter scaledownpolicyids"},
		"foreign counter":    {"createAutoScaleVmGroup", s.args("scaleuppolicyids", measured), 4350, "AutoScale counter with source='snmp' is not supported in the network"},
		"name":               {"createAutoScaleVmGroup", s.args("name", "my_group"), 4350, "Invalid AutoScale VM group name. It can contain the ASCII letters 'a' through 'z', 'A' through 'Z', the digits '0' through '9' and the hyphen ('-'), must be between 1 and 255 characters long."},
		"id with others":     {"listAutoScaleVmGroups", []string{"id", s.show(must(t, s.Cloud, "admin", "listAutoScaleVmGroups").items("autoscalevmgroup")[0]["id"].(string))["id"].(string), "lbruleid", taken}, 4350, "When id is specified other parameters need not be specified"},
		"enable without id":  {"enableAutoScaleVmGroup", nil, 9999, "Unable to execute API command enableautoscalevmGroup due to missing parameter id"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := call(t, s.Cloud, "admin", test.command, test.kv...)
			if diff := cmp.Diff([]any{431, test.cs, test.text}, []any{r.status, r.body["cserrorcode"], r.text()}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestGroupIsChangedOnlyWhileDisabled(t *testing.T) {
	t.Parallel()
	s := startScaled(t, &farm{machines: map[string]*webMachine{}}, still())
	id := s.group()
	var group, rule, profile int64
	var condition Condition
	s.mu.Lock()
	g, _ := s.store.AutoScaleGroups.Get(id)
	r, _ := s.store.LBRules.Get(s.rule)
	p, _ := s.store.AutoScaleProfiles.Get(s.profile)
	condition, _ = s.store.Conditions.Get(s.over)
	group, rule, profile = g.N, r.N, p.N
	s.mu.Unlock()
	text := fmt.Sprintf(`AutoScaleVmGroup {"id":%d,"loadBalancerId":%d,"name":"web","profileId":%d,"uuid":"%s"}.`, group, rule, profile, id)
	tests := []struct {
		command string
		kv      []string
		code    float64
		text    string
	}{
		{"updateAutoScaleVmGroup", []string{"id", id, "minmembers", "1"}, 431, "An AutoScale Vm Group can be updated with minMembers/maxMembers/Interval only when it is in disabled state"},
		{"updateAutoScaleVmProfile", []string{"id", s.profile, "templateid", s.template}, 431, "The AutoScale Vm Profile can be updated only if the Vm Group it is associated with is disabled in state"},
		{"updateAutoScalePolicy", []string{"id", s.up, "name", "new"}, 431, "The AutoScale Policy can be updated only if the Vm Group it is associated with is disabled in state"},
		{"updateCondition", []string{"id", s.over, "relationaloperator", "GT", "threshold", "5"}, 536, fmt.Sprintf(`Cannot update condition Condition {"id":%d,"uuid":"%s"} as it is being used in 1 vm groups NOT in Disabled state.`, condition.N, s.over)},
		{"deleteAutoScalePolicy", []string{"id", s.up}, 431, "Cannot delete AutoScale Policy when it is in use by one or more AutoScale Vm Groups"},
		{"deleteAutoScaleVmProfile", []string{"id", s.profile}, 431, "Cannot delete AutoScale Vm Profile when it is in use by one more vm groups"},
		{"deleteCondition", []string{"id", s.over}, 536, "Cannot delete Condition when it is in use by one or more AutoScale Policies."},
		{"deleteLoadBalancerRule", []string{"id", s.rule}, 530, fmt.Sprintf("Cannot delete load balancer rule %d because it is being used by 1 Autoscale VM group.", rule)},
		{"assignToLoadBalancerRule", []string{"id", s.rule, "virtualmachineids", s.vms[0]}, 530, "Failed to assign load balancer rule"},
		{"deleteAutoScaleVmGroup", []string{"id", id}, 431, "Cannot delete autoscale vm group : " + text + " because it is in ENABLED state. Please disable it or pass cleanup=true flag which will destroy all VMs."},
	}
	for _, test := range tests {
		r := s.job(test.command, test.kv...)
		if diff := cmp.Diff(map[string]any{"errorcode": test.code, "errortext": test.text}, r.body); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.command, diff)
		}
	}
	if fw := must(t, s.Cloud, "admin", "listFirewallRules").items("firewallrule"); len(fw) != 0 {
		t.Errorf("the refused delete of the rule has closed its firewall: still %v", fw)
	}
	s.ok("updateAutoScaleVmGroup", "id", id, "name", "renamed")
	s.ok("updateAutoScaleVmProfile", "id", s.profile, "serviceofferingid", idOf(t, s.Cloud, "admin", "listServiceOfferings", "serviceoffering", "Medium Instance"))
	for range 2 {
		if state := s.ok("disableAutoScaleVmGroup", "id", id).object("autoscalevmgroup")["state"]; state != GroupDisabled {
			t.Errorf("state %v", state)
		}
	}
	s.ok("updateAutoScaleVmGroup", "id", id, "minmembers", "2", "maxmembers", "4")
	s.ok("updateAutoScalePolicy", "id", s.up, "duration", "40")
	s.ok("updateCondition", "id", s.over, "relationaloperator", "GT", "threshold", "5")
	if r := s.job("updateAutoScaleVmGroup", "id", id, "minmembers", "9"); r.text() != "minmembers (9)cannot be greater than maxmembers (4)" {
		t.Errorf("got %q", r.text())
	}
	if r := s.job("updateAutoScalePolicy", "id", s.up, "duration", "5"); r.text() != "duration is less than the associated AutoScaleVmGroup's interval" {
		t.Errorf("got %q", r.text())
	}
	for range 2 {
		s.ok("enableAutoScaleVmGroup", "id", id)
	}
	got := s.show(id)
	if got["name"] != "renamed" || got["minmembers"] != 2.0 || got["maxmembers"] != 4.0 || got["state"] != GroupEnabled {
		t.Errorf("group: %v", got)
	}
	s.ok("disableAutoScaleVmGroup", "id", id)
	s.ok("deleteAutoScaleVmGroup", "id", id)
	if r := s.job("deleteAutoScaleVmGroup", "id", id); r.text() != "Unable to find AutoScale Vm Group" {
		t.Errorf("delete again: %q", r.text())
	}
	for _, command := range []string{"deleteAutoScalePolicy " + s.up, "deleteAutoScalePolicy " + s.down, "deleteAutoScaleVmProfile " + s.profile,
		"deleteCondition " + s.over, "deleteCondition " + s.under, "deleteLoadBalancerRule " + s.rule} {
		name, id, _ := strings.Cut(command, " ")
		s.ok(name, "id", id)
	}
	if r := s.job("deleteCondition", "id", s.over); r.text() != "Unable to find Condition" {
		t.Errorf("delete again: %q", r.text())
	}
}

// TestDeletedTemplateWedgesGroup is the trap of a template that only a profile still names.
func TestDeletedTemplateWedgesGroup(t *testing.T) {
	t.Parallel()
	s := startScaled(t, &farm{machines: map[string]*webMachine{}}, still())
	id := s.group()
	err := s.update(t.Context(), func(c *Call) error {
		tpl, _ := c.Templates.Get(s.template)
		tpl.Removed = c.gone()
		c.Templates.Put(tpl)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ command, text, state string }{
		{"disableAutoScaleVmGroup", "Failed to disable AutoScale Vm Group", GroupDisabled},
		{"enableAutoScaleVmGroup", "Failed to enable AutoScale Vm Group", GroupEnabled},
		{"deleteAutoScaleVmGroup", "Failed to delete autoscale vm group", GroupRevoke},
	} {
		r := s.job(step.command, "id", id, "cleanup", "true")
		if r.body["errorcode"] != 530.0 || r.text() != step.text {
			t.Errorf("%s: %v %q", step.command, r.body["errorcode"], r.text())
		}
		if got := s.show(id)["state"]; got != step.state {
			t.Errorf("%s leaves state %v, want %s", step.command, got, step.state)
		}
	}
	if r := s.job("deleteAutoScalePolicy", "id", s.up); !strings.Contains(r.text(), "in use") {
		t.Errorf("a wedged group's policy went: %v", r.body)
	}
	failed := s.balanced.rule("90")
	r := s.job("createAutoScaleVmGroup", s.args("lbruleid", failed, "name", "second")...)
	if r.text() != "Failed to create Autoscale Vm Group" {
		t.Errorf("a group on a deleted template: %v", r.body)
	}
}

func TestFailedGroupKeepsItsPolicies(t *testing.T) {
	t.Parallel()
	s := startScaled(t, &farm{machines: map[string]*webMachine{}}, still())
	err := s.update(t.Context(), func(c *Call) error {
		tpl, _ := c.Templates.Get(s.template)
		tpl.Removed = c.gone()
		c.Templates.Put(tpl)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.job("createAutoScaleVmGroup", s.args()...)
	if r := must(t, s.Cloud, "admin", "listAutoScaleVmGroups"); len(r.body) != 0 {
		t.Errorf("the failed group is still there: %s", r.raw)
	}
	if r := s.job("deleteAutoScalePolicy", "id", s.up); r.text() != "Cannot delete AutoScale Policy when it is in use by one or more AutoScale Vm Groups" {
		t.Errorf("policy of a failed group: %v", r.body)
	}
	s.ok("deleteLoadBalancerRule", "id", s.rule)
}

func TestAutoscaleAnswers(t *testing.T) {
	t.Parallel()
	s := startScaled(t, &farm{machines: map[string]*webMachine{}}, still())
	got := s.show(s.group("name", "-", "interval", "-", "scaleuppolicyids", s.long("scaleup", s.over), "scaledownpolicyids", s.long("scaledown", s.under)))
	if got["name"] != got["id"] || got["interval"] != 30.0 || got["availablevirtualmachinecount"] != 0.0 || got["lbprovider"] != "VirtualRouter" ||
		got["publicport"] != "80" || got["associatednetworkid"] != s.network || got["publicip"] != s.address {
		t.Errorf("group: %v", got)
	}
	up := got["scaleuppolicies"].([]any)[0].(map[string]any)
	if up["action"] != "SCALEUP" || up["quiettime"] != 300.0 || up["name"] != nil {
		t.Errorf("policy: %v", up)
	}
	condition := up["conditions"].([]any)[0].(map[string]any)
	if condition["relationaloperator"] != "GE" || condition["threshold"] != 80.0 || condition["countername"] != "VM CPU - average percentage" {
		t.Errorf("condition: %v", condition)
	}
	profile := must(t, s.Cloud, "admin", "listAutoScaleVmProfiles", "id", s.profile).items("autoscalevmprofile")[0]
	if diff := cmp.Diff(map[string]any{}, profile["otherdeployparams"]); diff != "" || profile["expungevmgraceperiod"] != 10.0 {
		t.Errorf("profile: %v", profile)
	}
	for command, envelope := range map[string]string{"listCounters": "counterresponse", "enableAutoScaleVmGroup": "enableautoscalevmGroupresponse",
		"createCondition": "conditionresponse", "createAutoScaleVmProfile": "autoscalevmprofileresponse",
		"createLBStickinessPolicy": "createLBStickinessPolicy", "deleteLBStickinessPolicy": "deleteLBstickinessrruleresponse"} {
		if r := call(t, s.Cloud, "admin", command); r.envelope != envelope {
			t.Errorf("%s answers in %s, want %s", command, r.envelope, envelope)
		}
	}
}

// long makes a policy whose duration suits the default interval.
func (s *scaled) long(action, condition string) string {
	return s.ok("createAutoScalePolicy", "action", action, "duration", "60", "conditionids", condition).object("autoscalepolicy")["id"].(string)
}

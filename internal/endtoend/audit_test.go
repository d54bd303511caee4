package endtoend_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// calls counts the mutating calls made so far.
func (w *world) calls() int { return len(w.cloud.Audit()) }

// kill runs an action and kills it at a call.
func (w *world) kill(action string, at int, after bool) {
	w.t.Helper()
	w.mu.Lock()
	w.killAt, w.after = at, after
	w.mu.Unlock()
	if _, killed := w.start(action); !killed && w.victim != aPlugin {
		// Calls run in parallel, so fewer may come than in another run.
		w.t.Logf("%s ended before call %d", action, at)
	}
	w.mu.Lock()
	w.killAt = 0
	w.mu.Unlock()
}

// settled checks that the stack is as it should be and the cloud holds just
// that.
func (w *world) settled(want []string) {
	w.t.Helper()
	if out := w.must("plan"); len(out.Steps) != 0 {
		w.t.Errorf("the plan afterwards is not empty: %v", out.Steps)
	}
	if diff := cmp.Diff(want, w.inventory()); diff != "" {
		w.t.Errorf("what exists (-want +got):\n%s", diff)
	}
}

// listed is what an inventory lists: the command, the key of its answer, and
// the fields that tell what a thing is.
var listed = []struct {
	command, key string
	fields       []string
	params       cloudstack.Params
}{
	{"listNetworks", "network", []string{"name"}, nil},
	{"listVirtualMachines", "virtualmachine", []string{"state"}, nil},
	{"listTemplates", "template", []string{"name"}, cloudstack.Params{"templatefilter": "self"}},
	{"listPublicIpAddresses", "publicipaddress", []string{"issourcenat"}, nil},
	{"listFirewallRules", "firewallrule", []string{"protocol", "startport", "endport"}, nil},
	{"listEgressFirewallRules", "firewallrule", []string{"protocol", "startport", "endport"}, nil},
	{"listPortForwardingRules", "portforwardingrule", []string{"publicport"}, nil},
	{"listLoadBalancerRules", "loadbalancerrule", []string{"name", "publicport"}, nil},
	{"listAutoScaleVmGroups", "autoscalevmgroup", []string{"minmembers", "maxmembers"}, nil},
	{"listAutoScaleVmProfiles", "autoscalevmprofile", nil, nil},
	{"listAutoScalePolicies", "autoscalepolicy", []string{"action"}, nil},
	{"listConditions", "condition", []string{"relationaloperator", "threshold"}, nil},
	{"listSSHKeyPairs", "sshkeypair", []string{"name"}, nil},
	{"listAffinityGroups", "affinitygroup", []string{"name"}, nil},
	{"listVMSnapshot", "vmSnapshot", []string{"state"}, nil},
	{"listSnapshots", "snapshot", []string{"state"}, nil},
}

// inventory lists what exists in the account, without ids.
func (w *world) inventory() []string {
	w.t.Helper()
	keys, _ := w.cloud.Keys("admin")
	client, err := cloudstack.New(cloudstack.Settings{
		Endpoint: w.cloud.Endpoint(), APIKey: keys.APIKey, SecretKey: keys.SecretKey, Transport: &http.Transport{DisableKeepAlives: true},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, l := range listed {
		objects, err := client.List(w.t.Context(), l.command, l.params, l.key)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, o := range objects {
			line := []string{l.key}
			for _, f := range l.fields {
				data, err := json.Marshal(o[f])
				if err != nil {
					w.t.Fatal(err)
				}
				line = append(line, strings.Trim(string(data), `"`))
			}
			out = append(out, strings.Join(line, " "))
		}
	}
	slices.Sort(out)
	return out
}

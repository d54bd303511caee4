package cloudsim

import (
	"slices"
	"strings"
	"testing"
)

// everybody is what a root administrator sees of the owners.
const everybody = "admin chief ann amy bob"

// sights are the ways to list and whose things each role then sees; "no" is a refusal.
var sights = []struct {
	name string
	kv   []string
	seen map[string]string
}{
	{"own", nil,
		map[string]string{"admin": "admin", "eye": "", "chief": "chief", "ann": "ann", "mat": "", "looker": "", "amy": "amy", "bob": "bob"}},
	{"all", []string{"listall", "true"},
		map[string]string{"admin": everybody, "eye": everybody, "chief": "chief ann amy", "ann": "ann", "mat": "", "looker": "", "amy": "amy", "bob": "bob"}},
	{"a project", []string{"projectid", "$p"},
		map[string]string{"admin": "p", "eye": "p", "chief": "p", "ann": "p", "mat": "p", "looker": "no", "amy": "no", "bob": "no"}},
	{"projects", []string{"projectid", "-1"},
		map[string]string{"admin": "p", "eye": "p", "chief": "", "ann": "p", "mat": "p", "looker": "", "amy": "", "bob": ""}},
	{"all and projects", []string{"projectid", "-1", "listall", "true"},
		map[string]string{"admin": everybody + " p", "eye": everybody + " p", "chief": "chief", "ann": "ann p", "mat": "p", "looker": "", "amy": "amy", "bob": "bob"}},
	{"a domain", []string{"domainid", "$east"},
		map[string]string{"admin": "chief ann", "eye": "chief ann", "chief": "chief ann", "ann": "ann", "mat": "", "looker": "", "amy": "no", "bob": "no"}},
	{"a domain and below", []string{"domainid", "$east", "isrecursive", "true"},
		map[string]string{"admin": "chief ann amy", "eye": "chief ann amy", "chief": "chief ann amy", "ann": "ann", "mat": "", "looker": "", "amy": "no", "bob": "no"}},
	{"the domain below", []string{"domainid", "$south"},
		map[string]string{"admin": "amy", "eye": "amy", "chief": "amy", "ann": "no", "mat": "no", "looker": "no", "amy": "amy", "bob": "no"}},
	{"an account", []string{"account", "ann", "domainid", "$east"},
		map[string]string{"admin": "ann", "eye": "ann", "chief": "ann", "ann": "ann", "mat": "no", "looker": "no", "amy": "no", "bob": "no"}},
}

// networkSights are what listNetworks does in its own way: with projectid -1 it adds projects to what it shows without.
var networkSights = map[string]map[string]string{
	"projects": {"admin": "admin", "eye": "", "chief": "chief", "ann": "ann p", "mat": "p", "looker": "", "amy": "amy", "bob": "bob"},
	"all and projects": {"admin": everybody + " p", "eye": everybody + " p", "chief": "chief ann amy p", "ann": "ann p", "mat": "p", "looker": "",
		"amy": "amy", "bob": "bob"},
}

// removers end the things of a list.
var removers = map[string]string{
	"listNetworks": "deleteNetwork", "listPublicIpAddresses": "disassociateIpAddress", "listVirtualMachines": "destroyVirtualMachine",
	"listVolumes": "deleteVolume", "listFirewallRules": "deleteFirewallRule", "listEgressFirewallRules": "deleteEgressFirewallRule",
	"listPortForwardingRules": "deletePortForwardingRule", "listLoadBalancerRules": "deleteLoadBalancerRule", "listAffinityGroups": "deleteAffinityGroup",
	"listInstanceGroups": "deleteInstanceGroup", "listSecurityGroups": "deleteSecurityGroup", "listUserData": "deleteUserData", "listVPCs": "deleteVPC",
	"listNetworkACLLists": "deleteNetworkACLList", "listVpnCustomerGateways": "deleteVpnCustomerGateway", "listConditions": "deleteCondition",
}

// seen tells whose things a list shows to a role; "no" if it is refused.
func (r *realm) seen(role, list string, kv ...string) string {
	r.t.Helper()
	args := slices.Clone(kv)
	for i, v := range args {
		if name, ok := strings.CutPrefix(v, "$"); ok {
			args[i] = r.vars[name]
		}
	}
	answer := call(r.t, r.Cloud, role, list, args...)
	if answer.status == 531 {
		return "no"
	}
	if answer.status != 200 {
		r.t.Errorf("%s %q as %s: %d %s", list, kv, role, answer.status, answer.raw)
	}
	found := make(map[string]bool)
	for key := range answer.body {
		for _, o := range answer.items(key) {
			if owner, ok := r.made[list][text(o, "id")]; ok {
				found[owner] = true
			}
		}
	}
	return strings.Join(slices.DeleteFunc(slices.Clone(owners), func(o string) bool { return !found[o] }), " ")
}

// TestWhatRolesSee lists every kind of thing that accounts own, in every way and as every role.
func TestWhatRolesSee(t *testing.T) {
	t.Parallel()
	r := startRealm(t)
	for _, list := range sortedKeys(r.made) {
		for _, s := range sights {
			if len(s.kv) > 0 {
				if _, ok := r.table[list].Param(s.kv[0]); !ok {
					continue
				}
			}
			want := s.seen
			if other, ok := networkSights[s.name]; ok && list == "listNetworks" {
				want = other
			}
			for _, role := range roles {
				if got := r.seen(role, list, s.kv...); got != want[role] {
					t.Errorf("%s, %s: %s sees %q, want %q", list, s.name, role, got, want[role])
				}
			}
		}
		for id, owner := range r.made[list] {
			for _, role := range roles {
				all := everybody + " p"
				visible := map[string]string{"admin": all, "eye": all, "chief": "chief ann amy p", "mat": "", "looker": ""}
				want := ""
				if may, ok := visible[role]; ok && slices.Contains(strings.Fields(may), owner) || !ok && role == owner {
					want = owner
				}
				if got := r.seen(role, list, "id", id); got != want && (want != "" || got != "no") {
					t.Errorf("%s by id of %s's: %s sees %q, want %q", list, owner, role, got, want)
				}
			}
		}
	}
}

// TestWhatRolesMayNotRemove has those who must not remove things of others, and looks whether everything is still there.
func TestWhatRolesMayNotRemove(t *testing.T) {
	t.Parallel()
	r := startRealm(t)
	strangers := map[string][]string{
		"admin": {"eye", "chief", "ann", "mat", "looker", "amy", "bob"}, "chief": {"eye", "ann", "mat", "looker", "amy", "bob"},
		"ann": {"eye", "mat", "looker", "amy", "bob"}, "amy": {"eye", "ann", "bob"}, "bob": {"eye", "chief", "ann"}, "p": {"eye", "looker", "amy", "bob"},
	}
	for list, remove := range removers {
		for id, owner := range r.made[list] {
			for _, role := range strangers[owner] {
				want := 531
				if role == "eye" || role == "looker" {
					want = 432
				}
				if answer := call(t, r.Cloud, role, remove, "id", id); answer.status != want {
					t.Errorf("%s of %s's as %s: %d, want %d: %s", remove, owner, role, answer.status, want, answer.raw)
				}
			}
			if got := r.seen("admin", list, "id", id); got != owner {
				t.Errorf("%s: %s's is gone", list, owner)
			}
		}
	}
}

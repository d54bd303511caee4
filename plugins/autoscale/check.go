package autoscale

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/moldctl/moldctl/sdk"
)

// Check refuses while planning what the cloud would refuse while applying.
func (handler) Check(_ context.Context, r *sdk.PlanRequest, config Group) []sdk.Problem {
	out := problems(config)
	network := r.Lookups["network"]
	if _, told := network["supportsvmautoscaling"]; told && !network.Bool("supportsvmautoscaling") {
		out = append(out, sdk.Problem{Attribute: "network", Summary: "Network without autoscaling",
			Detail: "The offering of the network " + network.Str("name") + " lacks the capability VmAutoScaling."})
	}
	if r.Lookups["offering"].Bool("iscustomized") {
		out = append(out, sdk.Problem{Attribute: "offering", Summary: "Offering not usable",
			Detail: "Members of an autoscale group need an offering of fixed size; " + r.Lookups["offering"].Str("name") + " has none."})
	}
	return out
}

// deployParams are the settings the cloud accepts for members.
var deployParams = []string{"rootdisksize", "diskofferingid", "disksize", "securitygroupids", "overridediskofferingid", "keypairs", "affinitygroupids", "networkids"}

// problems are those that need no cloud to see. What is not known yet is zero, and passes.
func problems(g Group) []sdk.Problem {
	var out []sdk.Problem
	bad := func(attribute, summary, format string, args ...any) {
		out = append(out, sdk.Problem{Attribute: attribute, Summary: summary, Detail: fmt.Sprintf(format, args...)})
	}
	if g.MinMembers > 0 && g.MaxMembers > 0 && g.MinMembers > g.MaxMembers {
		bad("max_members", "Bounds contradict each other", "min_members is %d and max_members is %d.", g.MinMembers, g.MaxMembers)
	}
	for _, key := range slices.Sorted(maps.Keys(g.DeployParams)) {
		if !slices.Contains(deployParams, key) {
			bad("deploy_params", "Unknown setting", "%q is not one of the settings that members take: %v.", key, deployParams)
		}
	}
	interval, err := seconds(g.Interval)
	for _, side := range []struct {
		block    string
		policies map[string]Policy
	}{{"scale_up", g.ScaleUp}, {"scale_down", g.ScaleDown}} {
		for _, name := range slices.Sorted(maps.Keys(side.policies)) {
			p := side.policies[name]
			where := fmt.Sprintf("%s[%q].duration", side.block, name)
			if duration, durationErr := seconds(p.Duration); err == nil && durationErr == nil && duration < interval {
				bad(where, "Duration too short", "The policy %q looks at %s, but the load is measured every %s only.", name, p.Duration, g.Interval)
			}
			if len(p.Condition) == 0 {
				bad(side.block, "Policy without condition", "The policy %q has no condition.", name)
			}
		}
	}
	return out
}

package autoscale

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// Read brings the attributes up to date with the cloud.
func (handler) Read(ctx context.Context, r *sdk.Request, prior Group) (Group, error) {
	w, err := open(r)
	if err != nil {
		return prior, err
	}
	group, err := w.readGroup(ctx, prior.ID)
	if cloudstack.IsGone(err) {
		return prior, sdk.ErrGone
	}
	if err != nil {
		return prior, err
	}
	profile, err := w.readProfile(ctx, group.Str("vmprofileid"))
	if err != nil {
		return prior, err
	}
	members, err := w.members(ctx, prior.ID)
	if err != nil {
		return prior, err
	}
	w.kept.Profile = profile.ID()
	now := prior
	now.Name, now.LoadBalancer, now.ProfileID = group.Str("name"), group.Str("lbruleid"), profile.ID()
	now.MinMembers, now.MaxMembers = group.Int("minmembers"), group.Int("maxmembers")
	now.Interval = spell(prior.Interval, group.Int("interval"))
	now.State, now.Members = group.Str("state"), available(members)
	now.Enabled = now.State != "DISABLED"
	if id := group.Str("associatednetworkid"); prior.Network != nil && id != "" {
		now.Network = &id
	}
	now.GracePeriod = spell(prior.GracePeriod, profile.Int("expungevmgraceperiod"))
	now.UserData = userData(profile, prior.UserData)
	now.DeployParams = deployParamsOf(profile, prior.DeployParams)
	now.Template, now.Offering = profile.Str("templateid"), profile.Str("serviceofferingid")
	if now.rollout().Strategy != "none" && now.Enabled {
		// The members count, not what the next one would be: so a rollout that was interrupted is seen, and goes on.
		for _, m := range members {
			if outdated(profile, nil)(m) {
				now.Template, now.Offering = m.Str("templateid"), m.Str("serviceofferingid")
				break
			}
		}
	}
	now.ScaleUp = readPolicies(group.List("scaleuppolicies"), w.kept.Up, prior.ScaleUp)
	now.ScaleDown = readPolicies(group.List("scaledownpolicies"), w.kept.Down, prior.ScaleDown)
	return now, w.save()
}

func deployParamsOf(profile cloudstack.Object, prior map[string]string) map[string]string {
	found := profile.Map("otherdeployparams")
	if len(found) == 0 {
		if len(prior) == 0 {
			return prior
		}
		return nil
	}
	out := map[string]string{}
	for k := range found {
		out[k] = found.Str(k)
	}
	return out
}

// readPolicies takes a group's policies apart, under the names of their blocks. Those of an imported group get the names the cloud has.
func readPolicies(list []cloudstack.Object, known map[string]keptPolicy, prior map[string]Policy) map[string]Policy {
	out := map[string]Policy{}
	for _, p := range list {
		name := blockName(p, known, out)
		was := prior[name]
		read := Policy{Duration: spell(was.Duration, p.Int("duration")), QuietTime: spell(was.QuietTime, p.Int("quiettime"))}
		k := keptPolicy{ID: p.ID()}
		for _, c := range ordered(p.List("conditions"), known[name].Conditions) {
			condition, spelled := readCondition(c, known[name].Conditions)
			read.Condition = append(read.Condition, condition)
			k.Conditions = append(k.Conditions, spelled)
		}
		out[name], known[name] = read, k
	}
	// A policy that the group lost is not kept as one of its own, but the object may be there still.
	for name, k := range known {
		if _, there := out[name]; !there && k.ID == "" {
			delete(known, name)
		}
	}
	return out
}

func blockName(p cloudstack.Object, known map[string]keptPolicy, taken map[string]Policy) string {
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if known[name].ID == p.ID() {
			return name
		}
	}
	name := p.Str("name")
	if _, double := taken[name]; name == "" || double {
		return p.ID()
	}
	return name
}

// ordered puts conditions in the order of the spec; the cloud has none.
func ordered(list []cloudstack.Object, known []keptCondition) []cloudstack.Object {
	place := func(o cloudstack.Object) int {
		at := slices.IndexFunc(known, func(k keptCondition) bool { return k.ID == o.ID() })
		if at < 0 {
			return len(known)
		}
		return at
	}
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b cloudstack.Object) int { return place(a) - place(b) })
	return out
}

// readCondition reads a condition in the words of the spec where they mean the same.
func readCondition(c cloudstack.Object, known []keptCondition) (Condition, keptCondition) {
	counter := c.Map("counter")
	if counter == nil && len(c.List("counter")) > 0 {
		counter = c.List("counter")[0]
	}
	k := keptCondition{ID: c.ID(), CounterID: counter.ID(), Counter: shortName(counter), Operator: symbol(c.Str("relationaloperator"))}
	for _, was := range known {
		if was.ID != k.ID {
			continue
		}
		if was.CounterID == k.CounterID || k.CounterID == "" {
			k.CounterID, k.Counter = was.CounterID, was.Counter
		}
		if operator(was.Operator) == strings.ToUpper(c.Str("relationaloperator")) {
			k.Operator = was.Operator
		}
	}
	return Condition{Counter: k.Counter, Operator: k.Operator, Threshold: c.Int("threshold")}, k
}

// symbol is the sign of a comparison.
func symbol(word string) string {
	for _, sign := range []string{">", ">=", "<", "<=", "="} {
		if operator(sign) == strings.ToUpper(word) {
			return sign
		}
	}
	return word
}

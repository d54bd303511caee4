package autoscale

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// Create makes the conditions, the policies, the profile and last the group, and waits for its members.
func (handler) Create(ctx context.Context, r *sdk.Request, plan Group) (Group, error) {
	w, err := open(r)
	if err != nil {
		return plan, err
	}
	plan, err = w.create(ctx, plan)
	if err != nil && plan.ID == "" && ctx.Err() == nil && cloudstack.CodeOf(err) != 0 {
		err = errors.Join(err, w.discard(ctx))
	}
	return plan, errors.Join(err, w.save())
}

// discard removes the parts of a group that the cloud refused to make.
func (w *work) discard(ctx context.Context) error {
	var errs []error
	for _, s := range w.sides(Group{}) {
		for _, name := range slices.Sorted(maps.Keys(s.kept)) {
			if err := w.deletePolicy(ctx, name, s.kept[name]); err != nil {
				errs = append(errs, err)
				continue
			}
			delete(s.kept, name)
		}
	}
	if w.kept.Profile == "" {
		return errors.Join(errs...)
	}
	if err := w.remove(ctx, "deleteAutoScaleVmProfile", w.kept.Profile); err != nil {
		return errors.Join(append(errs, fmt.Errorf("delete the machine profile: %w", err))...)
	}
	w.kept.Profile = ""
	return errors.Join(errs...)
}

func (w *work) create(ctx context.Context, plan Group) (Group, error) {
	if plan.Name == "" {
		plan.Name = groupName(w.r.Stack, w.r.Address)
	}
	if err := w.survey(ctx, plan); err != nil {
		return plan, err
	}
	for _, s := range w.sides(plan) {
		for _, name := range slices.Sorted(maps.Keys(s.want)) {
			if s.kept[name].ID != "" {
				continue
			}
			if err := w.makePolicy(ctx, s, name, s.want[name]); err != nil {
				return plan, err
			}
		}
	}
	if w.kept.Profile == "" {
		if err := w.makeProfile(ctx, plan); err != nil {
			return plan, err
		}
	}
	group, err := w.makeGroup(ctx, plan)
	if err != nil {
		return plan, err
	}
	plan.ID, plan.ProfileID, plan.State = group.ID(), w.kept.Profile, group.Str("state")
	if err := w.sweep(ctx); err != nil {
		return plan, err
	}
	if !plan.Enabled {
		err := w.repeat(ctx, "disable", "disableAutoScaleVmGroup", plan.ID, cloudstack.Params{"id": plan.ID})
		if err != nil {
			return plan, fmt.Errorf("disable the group: %w", err)
		}
		plan.State = "DISABLED"
		return plan, nil
	}
	if plan.WaitForMembers {
		return w.awaitMembers(ctx, plan)
	}
	return plan, nil
}

// survey finds what the group is made for and checks everything that could make its creation fail: after a failed one the cloud keeps its
// policies and conditions for good.
func (w *work) survey(ctx context.Context, plan Group) error {
	rule, err := w.r.Cloud.ReadByID(ctx, "createLoadBalancerRule", plan.LoadBalancer)
	if cloudstack.IsGone(err) {
		return sdk.Problem{Attribute: "load_balancer", Summary: "No such load balancer rule", Detail: "The cloud has no load balancer rule with the id " + plan.LoadBalancer + "."}
	}
	if err != nil {
		return fmt.Errorf("read the load balancer rule: %w", err)
	}
	if err := w.surveyNetwork(ctx, rule.Str("networkid")); err != nil {
		return err
	}
	if w.counters, err = listCounters(ctx, w.r.Cloud, w.provider); err != nil {
		return err
	}
	if plan.ID != "" || w.resumedGroup() {
		return nil // it exists: what follows is about its creation
	}
	if err := w.surveyMembers(ctx, plan, rule); err != nil {
		return err
	}
	return w.surveyPolicies(plan)
}

func (w *work) resumedGroup() bool { return w.r.Resume["group"].Status == cloudstack.Adopted }

// surveyNetwork learns the zone and the load balancer provider.
func (w *work) surveyNetwork(ctx context.Context, id string) error {
	w.network = id
	network, err := w.r.Cloud.ReadByID(ctx, "createNetwork", id)
	if err != nil {
		return fmt.Errorf("read the network of the load balancer rule: %w", err)
	}
	w.zone, w.provider = network.Str("zoneid"), lbProvider(network)
	if _, told := network["supportsvmautoscaling"]; told && !network.Bool("supportsvmautoscaling") {
		return fmt.Errorf("the network %s does not support autoscaling: its offering %s lacks the capability VmAutoScaling", network.Str("name"), network.Str("networkofferingname"))
	}
	return nil
}

// lbProvider is who balances in a network. Counters belong to a provider.
func lbProvider(network cloudstack.Object) string {
	for _, service := range network.List("service") {
		if service.Str("name") != "Lb" {
			continue
		}
		for _, p := range service.List("provider") {
			return p.Str("name")
		}
	}
	if network.Str("vpcid") != "" {
		return "VpcVirtualRouter"
	}
	return "VirtualRouter"
}

// surveyMembers checks the rule, the template and the offering.
func (w *work) surveyMembers(ctx context.Context, plan Group, rule cloudstack.Object) error {
	groups, err := w.r.Cloud.List(ctx, "listAutoScaleVmGroups", cloudstack.Params{"lbruleid": rule.ID(), "listall": "true"}, "autoscalevmgroup")
	if err != nil {
		return fmt.Errorf("see whether the load balancer rule has a group: %w", err)
	}
	if len(groups) > 0 {
		return fmt.Errorf("the load balancer rule %s has the autoscale group %s already; a rule has one at most", rule.Str("name"), groups[0].Str("name"))
	}
	machines, err := w.r.Cloud.List(ctx, "listLoadBalancerRuleInstances", cloudstack.Params{"id": rule.ID()}, "loadbalancerruleinstance")
	if err != nil {
		return fmt.Errorf("see whether the load balancer rule has members: %w", err)
	}
	if len(machines) > 0 {
		return fmt.Errorf("the load balancer rule %s has members of its own (%s); an autoscale group needs an empty rule", rule.Str("name"), machines[0].Str("name"))
	}
	if err := w.surveyTemplate(ctx, w.lookedUp("template", plan.Template)); err != nil {
		return err
	}
	offerings, err := w.r.Cloud.List(ctx, "listServiceOfferings", cloudstack.Params{"id": w.lookedUp("offering", plan.Offering)}, "serviceoffering")
	if err != nil {
		return fmt.Errorf("read the offering: %w", err)
	}
	if len(offerings) > 0 && offerings[0].Bool("iscustomized") {
		return sdk.Problem{Attribute: "offering", Summary: "Offering not usable", Detail: "The offering " + offerings[0].Str("name") + " has no fixed size; members of an autoscale group need one that has."}
	}
	return nil
}

// surveyTemplate makes sure that the template can be deployed. The cloud does not check that, and a group with a broken template makes
// machines without end.
func (w *work) surveyTemplate(ctx context.Context, id string) error {
	templates, err := w.r.Cloud.List(ctx, "listTemplates", cloudstack.Params{"id": id, "templatefilter": "executable", "zoneid": w.zone}, "template")
	if err != nil {
		return fmt.Errorf("read the template: %w", err)
	}
	if len(templates) == 0 {
		return sdk.Problem{Attribute: "template", Summary: "No such template", Detail: "The cloud has no template with the id " + id + " in the zone of the group."}
	}
	if !templates[0].Bool("isready") {
		return sdk.Problem{Attribute: "template", Summary: "Template not ready", Detail: "The template " + templates[0].Str("name") + " cannot be deployed yet (" + templates[0].Str("status") + ")."}
	}
	return nil
}

// surveyPolicies checks what the cloud checks when it makes the group.
func (w *work) surveyPolicies(plan Group) error {
	if list := problems(plan); len(list) > 0 {
		return list[0]
	}
	for _, s := range w.sides(plan) {
		for _, name := range slices.Sorted(maps.Keys(s.want)) {
			seen := map[string]bool{}
			for _, c := range s.want[name].Condition {
				counter, err := w.counters.find(c.Counter)
				if err != nil {
					return fmt.Errorf("policy %q: %w", name, err)
				}
				if seen[counter.ID()] {
					return fmt.Errorf("policy %q: two conditions are on the counter %s; a policy takes one for each counter", name, c.Counter)
				}
				seen[counter.ID()] = true
			}
		}
	}
	return nil
}

func (w *work) makeGroup(ctx context.Context, plan Group) (cloudstack.Object, error) {
	interval, err := seconds(plan.Interval)
	if err != nil {
		return nil, fmt.Errorf("interval: %w", err)
	}
	params := cloudstack.Params{"lbruleid": plan.LoadBalancer, "vmprofileid": w.kept.Profile, "name": plan.Name}
	params.Int("minmembers", plan.MinMembers).Int("maxmembers", plan.MaxMembers).Int("interval", interval)
	for _, s := range w.sides(plan) {
		params.List(s.ids, s.policyIDs())
	}
	group, err := w.r.Cloud.Call(ctx, cloudstack.Mutation{
		Key: "group", Command: "createAutoScaleVmGroup", Result: "autoscalevmgroup", Params: params, Network: w.network,
		Identity: cloudstack.Identity{
			Kind: cloudstack.Natural, List: "listAutoScaleVmGroups", Result: "autoscalevmgroup",
			Params: cloudstack.Params{"lbruleid": plan.LoadBalancer, "listall": "true"}, Match: map[string]string{"vmprofileid": w.kept.Profile},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("make the group: %w", err)
	}
	return group, nil
}

// awaitMembers waits until the group has its least members, running and in the load balancer.
func (w *work) awaitMembers(ctx context.Context, plan Group) (Group, error) {
	limit := 15 * time.Minute
	if text := w.r.Timeouts["create"]; text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			return plan, fmt.Errorf("timeouts: %w", err)
		}
		limit = d
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	told := -1
	err := cloudstack.Poll(ctx, 3*time.Second, func(ctx context.Context) (bool, error) {
		ready, err := w.ready(ctx, plan)
		if err != nil {
			return false, err
		}
		plan.Members = len(ready)
		if plan.Members != told {
			told = plan.Members
			w.r.Progress("%d of %d members are ready", plan.Members, plan.MinMembers)
		}
		return plan.Members >= plan.MinMembers, nil
	})
	if err != nil && ctx.Err() != nil {
		return plan, fmt.Errorf("wait for the members: %d of %d are running and in the load balancer: %w", plan.Members, plan.MinMembers, err)
	}
	return plan, err
}

// groupName is a name made of the stack's and the block's, in the letters the cloud allows.
func groupName(stack, address string) string {
	_, block, found := strings.Cut(address, ".")
	if !found {
		block = address
	}
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, strings.Trim(stack+"-"+block, "-"))
	clean = strings.Trim(clean, "-")
	if clean == "" {
		clean = "group"
	}
	return clean[:min(len(clean), 255)]
}

package lb

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// access keeps the firewall rule that lets clients reach the rule. On a VPC there is none: the rule has a list of its own.
func (w *rule) access(ctx context.Context, prior, plan LoadBalancer) error {
	if w.kept.VPC {
		return nil
	}
	same := slices.Equal(sorted(prior.CIDRs), sorted(plan.CIDRs))
	if same && (w.kept.Firewall != "" || len(plan.CIDRs) == 0) {
		return nil
	}
	if w.kept.Firewall != "" {
		// Its networks cannot be changed, and two rules for the same port conflict.
		if err := w.r.Cloud.Delete(ctx, w.onAddress("close", "deleteFirewallRule", plan, w.kept.Firewall)); err != nil {
			return fmt.Errorf("delete the firewall rule: %w", err)
		}
		w.kept.Firewall = ""
	}
	if len(plan.CIDRs) == 0 {
		return nil
	}
	port := strconv.Itoa(plan.PublicPort)
	// The firewall of the virtual router knows tcp and udp; what a tcp rule carries is not its business.
	protocol := "tcp"
	if plan.Protocol == "udp" {
		protocol = "udp"
	}
	cidrs := strings.Join(sorted(plan.CIDRs), ",")
	made, err := w.r.Cloud.Call(ctx, cloudstack.Mutation{
		Key: "open", Command: "createFirewallRule", Result: "firewallrule",
		Params: cloudstack.Params{"ipaddressid": plan.PublicIPID, "protocol": protocol, "startport": port, "endport": port, "cidrlist": cidrs},
		Identity: cloudstack.Identity{
			Kind: cloudstack.Natural, List: "listFirewallRules", Result: "firewallrule", Params: cloudstack.Params{"ipaddressid": plan.PublicIPID},
			Match: map[string]string{"startport": port, "endport": port, "protocol": protocol, "cidrlist": cidrs},
		},
		Serial: []string{plan.PublicIPID}, Network: w.kept.Network,
	})
	if cloudstack.CodeOf(err) == 537 {
		return fmt.Errorf("another firewall rule opens port %s of %s already; remove it, or set cidrs = [] here to leave access to it: %w", port, plan.Address, err)
	}
	if err != nil {
		return fmt.Errorf("open port %s of %s: %w", port, plan.Address, err)
	}
	w.kept.Firewall = made.ID()
	return nil
}

// members assigns who is missing and removes who is too many. Without members in the spec it leaves them alone.
func (w *rule) members(ctx context.Context, _, plan LoadBalancer) error {
	if plan.Members == nil {
		return nil
	}
	have, err := w.listMembers(ctx, plan.ID)
	if err != nil {
		return err
	}
	missing, extra := differ(plan.Members, have)
	for _, step := range []struct {
		key, command string
		ids          []string
	}{{"assign", "assignToLoadBalancerRule", missing}, {"remove", "removeFromLoadBalancerRule", extra}} {
		if len(step.ids) == 0 {
			continue
		}
		params := cloudstack.Params{"id": plan.ID}.List("virtualmachineids", step.ids)
		_, err := w.r.Cloud.Call(ctx, w.onRule(step.key, step.command, plan, params))
		if err == nil {
			continue
		}
		// The cloud gives no reason, and refuses who is a member already: look whether it is as wanted all the same.
		now, listErr := w.listMembers(ctx, plan.ID)
		if listErr != nil {
			return listErr
		}
		if missing, extra := differ(plan.Members, now); len(missing) == 0 && (step.key == "assign" || len(extra) == 0) {
			continue
		}
		return fmt.Errorf("%s the members %s (do they exist, with a NIC in the rule's network, and does no autoscale group fill the rule?): %w",
			step.key, strings.Join(step.ids, ", "), err)
	}
	return nil
}

func (w *rule) listMembers(ctx context.Context, id string) ([]string, error) {
	machines, err := w.r.Cloud.List(ctx, "listLoadBalancerRuleInstances", cloudstack.Params{"id": id}, "loadbalancerruleinstance")
	if err != nil {
		return nil, fmt.Errorf("list the members: %w", err)
	}
	ids := make([]string, 0, len(machines))
	for _, m := range machines {
		ids = append(ids, m.ID())
	}
	slices.Sort(ids)
	return ids, nil
}

// differ is what is wanted and not there, and what is there and not wanted.
func differ(want, have []string) (missing, extra []string) {
	for _, id := range sorted(want) {
		if !slices.Contains(have, id) {
			missing = append(missing, id)
		}
	}
	for _, id := range sorted(have) {
		if !slices.Contains(want, id) {
			extra = append(extra, id)
		}
	}
	return missing, extra
}

// stickiness keeps the one policy a rule can have. A new one takes the place of the old one.
func (w *rule) stickiness(ctx context.Context, prior, plan LoadBalancer) error {
	if plan.Stickiness.equal(prior.Stickiness) {
		return nil
	}
	if plan.Stickiness == nil {
		policies, err := w.policies(ctx, plan.ID)
		if err != nil {
			return err
		}
		for _, p := range policies {
			m := w.onRule("unstick "+p.ID(), "deleteLBStickinessPolicy", plan, cloudstack.Params{"id": p.ID()})
			m.Target = p.ID()
			if _, err := w.r.Cloud.Call(ctx, m); err != nil {
				return fmt.Errorf("delete the stickiness policy: %w", err)
			}
		}
		return nil
	}
	s := plan.Stickiness
	params := cloudstack.Params{"lbruleid": plan.ID, "name": s.Name, "methodname": s.Method}.Pairs("param", "name", "value", s.Params)
	if _, err := w.r.Cloud.Call(ctx, w.onRule("stick", "createLBStickinessPolicy", plan, params)); err != nil {
		return fmt.Errorf("stickiness %s: %w", s.Method, err)
	}
	return nil
}

func (s *Stickiness) equal(other *Stickiness) bool {
	if s == nil || other == nil {
		return s == other
	}
	return strings.EqualFold(s.Method, other.Method) && s.Name == other.Name && maps.Equal(s.Params, other.Params)
}

// policies are the rule's stickiness policies. The listing wraps them, and keeps those that are going.
func (w *rule) policies(ctx context.Context, id string) ([]cloudstack.Object, error) {
	wrappers, err := w.r.Cloud.List(ctx, "listLBStickinessPolicies", cloudstack.Params{"lbruleid": id}, "stickinesspolicies")
	if err != nil {
		return nil, fmt.Errorf("list the stickiness policies: %w", err)
	}
	var out []cloudstack.Object
	for _, wrapper := range wrappers {
		for _, p := range wrapper.List("stickinesspolicy") {
			if p.Str("state") != "Revoked" {
				out = append(out, p)
			}
		}
	}
	return out, nil
}

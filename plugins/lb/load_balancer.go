package lb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// LoadBalancer is a load_balancer block with what the cloud adds.
type LoadBalancer struct {
	ID           string      `mold:"id"`
	Name         string      `mold:"name"`
	Network      string      `mold:"network"`
	PublicIP     *string     `mold:"public_ip"`
	PublicPort   int         `mold:"public_port"`
	PrivatePort  int         `mold:"private_port"`
	Algorithm    string      `mold:"algorithm"`
	Protocol     string      `mold:"protocol"`
	CIDRs        []string    `mold:"cidrs"`
	Members      []string    `mold:"members"` // nil: not ours
	Address      string      `mold:"address"`
	PublicIPID   string      `mold:"public_ip_id"`
	AddressOwned bool        `mold:"address_owned"`
	Stickiness   *Stickiness `mold:"stickiness"`
}

// Stickiness is the stickiness block.
type Stickiness struct {
	Method string            `mold:"method"`
	Name   string            `mold:"name"`
	Params map[string]string `mold:"params"`
}

// kept is what the plugin remembers beside the attributes.
type kept struct {
	Network   string `json:"network"`             // id: the attribute may hold a name
	VPC       bool   `json:"vpc,omitempty"`       // access is the rule's own list, there is no firewall
	Firewall  string `json:"firewall,omitempty"`  // id of the firewall rule
	Allocated string `json:"allocated,omitempty"` // when the address was allocated: ids are used again
}

// handler carries out the verbs of load_balancer.
type handler struct{}

// rule is one object under work.
type rule struct {
	r    *sdk.Request
	kept kept
}

func open(r *sdk.Request) (*rule, error) {
	w := &rule{r: r}
	if len(r.Private) > 0 {
		if err := json.Unmarshal(r.Private, &w.kept); err != nil {
			return nil, fmt.Errorf("read what was kept about %s: %w", r.Address, err)
		}
	}
	return w, nil
}

// save keeps what is known, also when the operation fails later.
func (w *rule) save() error {
	data, err := json.Marshal(w.kept)
	if err != nil {
		return fmt.Errorf("keep what is known about %s: %w", w.r.Address, err)
	}
	w.r.SetPrivate(data)
	return nil
}

// Create makes the rule and all that belongs to it.
func (handler) Create(ctx context.Context, r *sdk.Request, plan LoadBalancer) (LoadBalancer, error) {
	w, err := open(r)
	if err != nil {
		return plan, err
	}
	if plan.Name == "" {
		plan.Name = strings.TrimPrefix(r.Stack+"-", "-") + strconv.Itoa(plan.PublicPort)
	}
	if err := w.address(ctx, &plan); err != nil {
		return plan, err
	}
	if err := w.save(); err != nil {
		return plan, err
	}
	made, err := r.Cloud.Call(ctx, w.createRule(plan))
	if err != nil {
		return plan, explain(err, plan)
	}
	plan.ID = made.ID()
	return plan, w.parts(ctx, LoadBalancer{}, plan)
}

// address settles which public address the rule is on.
func (w *rule) address(ctx context.Context, plan *LoadBalancer) error {
	w.kept.Network = plan.Network
	if found := w.r.Lookups["network"]; found.ID() != "" {
		w.kept.Network = found.ID()
	}
	var address cloudstack.Object
	var err error
	if plan.PublicIP != nil && *plan.PublicIP != "" {
		address, err = w.r.Cloud.ReadByID(ctx, "associateIpAddress", *plan.PublicIP)
		if cloudstack.IsGone(err) {
			return sdk.Problem{Attribute: "public_ip", Summary: "No such public address", Detail: "The cloud has no allocated address with the id " + *plan.PublicIP + "."}
		}
	} else {
		address, plan.AddressOwned, err = w.r.Cloud.AddressFor(ctx, "address", w.kept.Network)
	}
	if err != nil {
		return fmt.Errorf("find an address to listen on: %w", err)
	}
	plan.PublicIPID, plan.Address = address.ID(), address.Str("ipaddress")
	w.kept.VPC = address.Str("vpcid") != ""
	w.kept.Allocated = address.Str("allocated")
	return nil
}

// createRule is the call that makes the rule. The protocol is always sent: a rule made without one can never be changed.
func (w *rule) createRule(plan LoadBalancer) cloudstack.Mutation {
	params := cloudstack.Params{
		"name": plan.Name, "algorithm": plan.Algorithm, "protocol": plan.Protocol,
		"publicipid": plan.PublicIPID, "networkid": w.kept.Network, "openfirewall": "false",
	}
	params.Int("publicport", plan.PublicPort).Int("privateport", plan.PrivatePort)
	if w.kept.VPC {
		params.List("cidrlist", sorted(plan.CIDRs))
	}
	return cloudstack.Mutation{
		Key: "rule", Command: "createLoadBalancerRule", Params: params, Result: "loadbalancer",
		Serial: []string{plan.PublicIPID}, Network: w.kept.Network,
		Identity: cloudstack.Identity{
			Kind: cloudstack.Natural, List: "listLoadBalancerRules", Result: "loadbalancerrule",
			Params: cloudstack.Params{"publicipid": plan.PublicIPID},
			Match:  map[string]string{"publicport": strconv.Itoa(plan.PublicPort), "name": plan.Name},
		},
	}
}

// parts brings what hangs on the rule from prior to plan.
func (w *rule) parts(ctx context.Context, prior, plan LoadBalancer) error {
	steps := []func(context.Context, LoadBalancer, LoadBalancer) error{w.access, w.members, w.stickiness}
	var errs []error
	for _, step := range steps {
		if err := step(ctx, prior, plan); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, w.save())...)
}

// Update changes the rule in place; its address, ports and network cannot change.
func (handler) Update(ctx context.Context, r *sdk.Request, prior, plan LoadBalancer) (LoadBalancer, error) {
	w, err := open(r)
	if err != nil {
		return prior, err
	}
	plan.ID, plan.Address, plan.PublicIPID, plan.AddressOwned = prior.ID, prior.Address, prior.PublicIPID, prior.AddressOwned
	if plan.Name == "" {
		plan.Name = prior.Name
	}
	now := prior
	if changes := w.changes(prior, plan); len(changes) > 0 {
		// The protocol goes with every update: without it the server fails on rules that others made without one.
		params := cloudstack.Params{"id": prior.ID, "protocol": plan.Protocol}
		for k, v := range changes {
			params[k] = v
		}
		if _, err := r.Cloud.Call(ctx, w.onRule("update", "updateLoadBalancerRule", plan, params)); err != nil {
			return now, explain(err, plan)
		}
		now.Name, now.Algorithm, now.Protocol = plan.Name, plan.Algorithm, plan.Protocol
		if w.kept.VPC {
			now.CIDRs = plan.CIDRs
		}
	}
	if err := w.parts(ctx, prior, plan); err != nil {
		return now, err
	}
	return plan, nil
}

func (w *rule) changes(prior, plan LoadBalancer) cloudstack.Params {
	changes := cloudstack.Params{}
	if plan.Name != prior.Name {
		changes["name"] = plan.Name
	}
	if plan.Algorithm != prior.Algorithm {
		changes["algorithm"] = plan.Algorithm
	}
	if plan.Protocol != prior.Protocol {
		changes["protocol"] = plan.Protocol
	}
	if w.kept.VPC && !slices.Equal(sorted(plan.CIDRs), sorted(prior.CIDRs)) {
		changes["cidrlist"] = strings.Join(sorted(plan.CIDRs), ",")
	}
	return changes
}

// onRule is a repeatable change of the rule.
func (w *rule) onRule(key, command string, lb LoadBalancer, params cloudstack.Params) cloudstack.Mutation {
	return cloudstack.Mutation{
		Key: key, Command: command, Params: params, Target: lb.ID, Identity: cloudstack.Identity{Kind: cloudstack.Repeat},
		Serial: []string{lb.PublicIPID}, Network: w.kept.Network,
	}
}

// Delete removes what belongs to the rule, the rule, and the address if it was allocated for it.
func (handler) Delete(ctx context.Context, r *sdk.Request, prior LoadBalancer) error {
	w, err := open(r)
	if err != nil {
		return err
	}
	w.adoptResumed(&prior)
	if prior.ID != "" {
		groups, err := r.Cloud.List(ctx, "listAutoScaleVmGroups", cloudstack.Params{"lbruleid": prior.ID, "listall": "true"}, "autoscalevmgroup")
		if err != nil && cloudstack.CodeOf(err) != 431 {
			return fmt.Errorf("see whether an autoscale group uses the rule: %w", err)
		}
		if len(groups) > 0 {
			// The server would close the firewall first and only then refuse.
			return fmt.Errorf("delete the load balancer rule %s: the autoscale group %s uses it; delete the group first", prior.Name, groups[0].Str("name"))
		}
	}
	if w.kept.Firewall != "" {
		if err := r.Cloud.Delete(ctx, w.onAddress("close", "deleteFirewallRule", prior, w.kept.Firewall)); err != nil {
			return fmt.Errorf("delete the firewall rule: %w", err)
		}
	}
	if prior.ID != "" {
		m := w.onRule("delete", "deleteLoadBalancerRule", prior, nil)
		if err := r.Cloud.Delete(ctx, m); err != nil {
			return explain(err, prior)
		}
	}
	if !prior.AddressOwned || prior.PublicIPID == "" {
		return nil
	}
	return w.releaseAddress(ctx, prior)
}

// adoptResumed takes over what an interrupted operation made and the state does not know yet.
func (w *rule) adoptResumed(lb *LoadBalancer) {
	if s := w.r.Resume["rule"]; lb.ID == "" && s.Status == cloudstack.Adopted {
		lb.ID = s.ID
	}
	if s := w.r.Resume["open"]; w.kept.Firewall == "" && s.Status == cloudstack.Adopted {
		w.kept.Firewall = s.ID
	}
	if s := w.r.Resume["address"]; lb.PublicIPID == "" && s.Status == cloudstack.Adopted {
		lb.PublicIPID, lb.AddressOwned = s.ID, true
	}
}

// releaseAddress gives the address back, unless its id means another allocation by now, or it cannot be released alone.
func (w *rule) releaseAddress(ctx context.Context, prior LoadBalancer) error {
	address, err := w.r.Cloud.ReadByID(ctx, "associateIpAddress", prior.PublicIPID)
	if cloudstack.IsGone(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at the address before it is released: %w", err)
	}
	if w.kept.Allocated != "" && address.Str("allocated") != w.kept.Allocated || address.Bool("issourcenat") ||
		w.kept.Network != "" && address.Str("associatednetworkid") != "" && address.Str("associatednetworkid") != w.kept.Network {
		return nil
	}
	if err := w.r.Cloud.Delete(ctx, w.onAddress("release", "disassociateIpAddress", prior, prior.PublicIPID)); err != nil {
		return fmt.Errorf("release the address %s: %w", prior.Address, err)
	}
	return nil
}

// onAddress is a delete of something on the rule's address.
func (w *rule) onAddress(key, command string, lb LoadBalancer, target string) cloudstack.Mutation {
	return cloudstack.Mutation{Key: key, Command: command, Target: target, Serial: []string{lb.PublicIPID}, Network: w.kept.Network}
}

// explain adds to a refusal what the user can do about it.
func explain(err error, lb LoadBalancer) error {
	switch {
	case cloudstack.CodeOf(err) == 537:
		return fmt.Errorf("port %d of %s is taken by another rule; choose another public_port or public_ip: %w", lb.PublicPort, lb.Address, err)
	case cloudstack.CodeOf(err) == 431 && strings.Contains(err.Error(), "LB service provider cannot support"):
		return fmt.Errorf("the virtual router balances tcp, tcp-proxy and ssl, and keeps port 8081 for itself: %w", err)
	}
	return fmt.Errorf("load balancer rule %s: %w", lb.Name, err)
}

func sorted(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return out
}

package cloudsim

import (
	"slices"
	"strings"
	"time"
)

// policyCommands are the rules by which groups grow and shrink.
var policyCommands = map[string]command{
	"createAutoScalePolicy": {start: startPolicy, job: createPolicyJob, creates: true, envelope: "autoscalepolicyresponse",
		event: "AUTOSCALEPOLICY.CREATE"},
	"updateAutoScalePolicy": {start: namedPolicy, job: updatePolicyJob, id: kindAutoScalePolicy, event: "AUTOSCALEPOLICY.UPDATE"},
	"deleteAutoScalePolicy": {start: namedPolicy, job: deletePolicyJob, id: kindAutoScalePolicy, event: "AUTOSCALEPOLICY.DELETE"},
	"listAutoScalePolicies": {run: listPolicies, id: kindAutoScalePolicy},
}

// Actions of a policy.
const (
	actionUp   = "SCALEUP"
	actionDown = "SCALEDOWN"
)

// gone is the time of removal for a row that is kept, so that a second delete fails in its job.
func (c *Call) gone() *time.Time {
	now := c.Now()
	return &now
}

func startPolicy(c *Call) (string, error) {
	p := AutoScalePolicy{Name: c.Str("name"), Action: strings.ToUpper(c.Str("action")), Duration: c.Int("duration", 0),
		QuietTime: c.Int("quiettime", 300), ConditionIDs: c.List("conditionids")}
	if p.Action != actionUp && p.Action != actionDown {
		return "", Invalid("action is invalid. Supported actions are: [%s, %s]", actionUp, actionDown)
	}
	if err := c.checkPolicy(&p); err != nil {
		return "", err
	}
	p.Base = c.AutoScalePolicies.NewBase()
	c.AutoScalePolicies.Put(p)
	return p.ID, nil
}

// checkPolicy checks times and conditions, and gives the policy the owner of its first condition.
func (c *Call) checkPolicy(p *AutoScalePolicy) error {
	if p.Duration < 0 {
		return Invalid("duration is an invalid value: %d", p.Duration)
	}
	if p.QuietTime < 0 {
		return Invalid("quietTime is an invalid value: %d", p.QuietTime)
	}
	if len(p.ConditionIDs) == 0 {
		return Invalid("AutoScale policy must have at least one condition")
	}
	counters := map[string]bool{}
	for i, id := range p.ConditionIDs {
		r, ok := c.Conditions.Get(id)
		if !ok || slices.Contains(p.ConditionIDs[:i], id) {
			return Invalid("Unable to find the condition specified")
		}
		if err := c.Own(r.Owner); err != nil {
			return err
		}
		if counters[r.CounterID] {
			return Invalid("at least two conditions in the conditionids have the same counter. It is not right to apply two different conditions for the same counter")
		}
		counters[r.CounterID] = true
		if i == 0 {
			p.Owner = r.Owner
		}
	}
	return nil
}

func createPolicyJob(c *Call) (Obj, error) {
	p, ok := c.AutoScalePolicies.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find AutoScale policy")
	}
	return Obj{"autoscalepolicy": c.policyResponse(p)}, nil
}

func namedPolicy(c *Call) (string, error) {
	p, _ := c.AutoScalePolicies.Any(c.Str("id"))
	return c.Str("id"), c.Own(p.Owner)
}

// updatePolicyJob changes a policy, even its name, only while all its groups are disabled.
func updatePolicyJob(c *Call) (Obj, error) {
	p, ok := c.AutoScalePolicies.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find AutoScale policy")
	}
	p.Name = c.Or("name", p.Name)
	p.Duration, p.QuietTime = c.Int("duration", p.Duration), c.Int("quiettime", p.QuietTime)
	if ids := c.List("conditionids"); len(ids) > 0 {
		p.ConditionIDs = ids
	}
	if err := c.checkPolicy(&p); err != nil {
		return nil, err
	}
	for g := range c.AutoScaleGroups.All() {
		if !slices.Contains(g.policies(), p.ID) {
			continue
		}
		if g.State != GroupDisabled {
			return nil, Invalid("The AutoScale Policy can be updated only if the Vm Group it is associated with is disabled in state")
		}
		if p.Duration < g.Interval {
			return nil, Invalid("duration is less than the associated AutoScaleVmGroup's interval")
		}
	}
	c.AutoScalePolicies.Put(p)
	return Obj{"autoscalepolicy": c.policyResponse(p)}, nil
}

// deletePolicyJob refuses a policy in use. A group whose creation failed is gone, yet its policies stay in use for good.
func deletePolicyJob(c *Call) (Obj, error) {
	p, ok := c.AutoScalePolicies.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find AutoScale Policy")
	}
	for _, g := range c.AutoScaleGroups.rows {
		if (g.Removed == nil || g.State == GroupNew) && slices.Contains(g.policies(), p.ID) {
			return nil, Invalid("Cannot delete AutoScale Policy when it is in use by one or more AutoScale Vm Groups")
		}
	}
	p.Removed = c.gone()
	c.AutoScalePolicies.Put(p)
	return Success(), nil
}

func listPolicies(c *Call) (any, error) {
	group, filtered := c.AutoScaleGroups.Get(c.Str("vmgroupid"))
	rows, err := Visible(c, newestFirst(c.AutoScalePolicies.Where(func(p AutoScalePolicy) bool {
		return c.named(p.ID, p.Name) && (!c.Has("action") || strings.EqualFold(c.Str("action"), p.Action)) &&
			(!c.Has("conditionid") || slices.Contains(p.ConditionIDs, c.Str("conditionid"))) &&
			(!filtered || slices.Contains(group.policies(), p.ID))
	})))
	if err != nil {
		return nil, err
	}
	return Listing("autoscalepolicy", rows, c.policyResponse), nil
}

func (c *Call) policyResponse(p AutoScalePolicy) Obj {
	conditions := []Obj{}
	for _, id := range p.ConditionIDs {
		if r, ok := c.Conditions.Get(id); ok {
			conditions = append(conditions, c.conditionResponse(r))
		}
	}
	o := Obj{"id": p.ID, "action": p.Action, "duration": p.Duration, "quiettime": p.QuietTime, "conditions": conditions}
	c.putOwner(o, p.Owner)
	return o.Opt("name", p.Name)
}

// policies are the ids of a group's policies, scale-up first.
func (g AutoScaleGroup) policies() []string {
	return append(slices.Clone(g.ScaleUpPolicyIDs), g.ScaleDownPolicyIDs...)
}

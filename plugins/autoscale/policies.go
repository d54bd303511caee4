package autoscale

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// makeCondition creates one condition. What it asks for is part of the call's key: an interrupted call is taken up only if it asked for the
// same.
func (w *work) makeCondition(ctx context.Context, where string, c Condition) (keptCondition, error) {
	counter, err := w.counters.find(c.Counter)
	if err != nil {
		return keptCondition{}, err
	}
	op, threshold := operator(c.Operator), strconv.Itoa(c.Threshold)
	made, err := w.r.Cloud.Call(ctx, cloudstack.Mutation{
		Key: fmt.Sprintf("condition %s %s %s %s", where, counter.ID(), op, threshold), Command: "createCondition", Result: "condition",
		Params: cloudstack.Params{"counterid": counter.ID(), "relationaloperator": op, "threshold": threshold},
		Identity: cloudstack.Identity{
			Kind: cloudstack.Serial, List: "listConditions", Result: "condition", Params: cloudstack.Params{"counterid": counter.ID(), "listall": "true"},
			Match: map[string]string{"relationaloperator": op, "threshold": threshold},
		},
	})
	if err != nil {
		return keptCondition{}, fmt.Errorf("condition on %s: %w", c.Counter, err)
	}
	return keptCondition{ID: made.ID(), CounterID: counter.ID(), Counter: c.Counter, Operator: c.Operator}, nil
}

// makePolicy creates a policy with its conditions.
func (w *work) makePolicy(ctx context.Context, s side, name string, p Policy) error {
	var k keptPolicy
	for i, c := range p.Condition {
		made, err := w.makeCondition(ctx, fmt.Sprintf("%s/%s/%d", s.key, name, i), c)
		if err != nil {
			return fmt.Errorf("policy %q: %w", name, err)
		}
		k.Conditions = append(k.Conditions, made)
		s.kept[name] = k
	}
	duration, quiet, err := p.times()
	if err != nil {
		return fmt.Errorf("policy %q: %w", name, err)
	}
	ids := k.conditionIDs()
	made, err := w.r.Cloud.Call(ctx, cloudstack.Mutation{
		Key: fmt.Sprintf("policy %s/%s %v", s.key, name, ids), Command: "createAutoScalePolicy", Result: "autoscalepolicy",
		Params: cloudstack.Params{"action": s.action, "name": name}.Int("duration", duration).Int("quiettime", quiet).List("conditionids", ids),
		Identity: cloudstack.Identity{
			Kind: cloudstack.Serial, List: "listAutoScalePolicies", Result: "autoscalepolicy", Params: cloudstack.Params{"conditionid": ids[0], "listall": "true"},
		},
	})
	if err != nil {
		return fmt.Errorf("policy %q: %w", name, err)
	}
	k.ID = made.ID()
	s.kept[name] = k
	return nil
}

func (p Policy) times() (duration, quiet int, err error) {
	if duration, err = seconds(p.Duration); err != nil {
		return 0, 0, fmt.Errorf("duration: %w", err)
	}
	if quiet, err = seconds(p.QuietTime); err != nil {
		return 0, 0, fmt.Errorf("quiet_time: %w", err)
	}
	return duration, quiet, nil
}

func (k keptPolicy) conditionIDs() []string {
	ids := make([]string, 0, len(k.Conditions))
	for _, c := range k.Conditions {
		ids = append(ids, c.ID)
	}
	return ids
}

// policyIDs are the ids of a side's wanted policies.
func (s side) policyIDs() []string {
	var ids []string
	for _, name := range slices.Sorted(maps.Keys(s.want)) {
		if id := s.kept[name].ID; id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// changePolicy brings an existing policy to what is wanted. The group is paused.
func (w *work) changePolicy(ctx context.Context, s side, name string, prior, want Policy) error {
	k := s.kept[name]
	params := cloudstack.Params{}
	duration, quiet, err := want.times()
	if err != nil {
		return fmt.Errorf("policy %q: %w", name, err)
	}
	if wasDuration, wasQuiet, err := prior.times(); err != nil || wasDuration != duration || wasQuiet != quiet {
		params.Int("duration", duration).Int("quiettime", quiet)
	}
	var conditions, old []keptCondition
	for i, c := range want.Condition {
		counter, err := w.counters.find(c.Counter)
		if err != nil {
			return fmt.Errorf("policy %q: %w", name, err)
		}
		if i < len(k.Conditions) && k.Conditions[i].CounterID == counter.ID() {
			have := k.Conditions[i]
			have.Counter, have.Operator = c.Counter, c.Operator
			conditions = append(conditions, have)
			if i < len(prior.Condition) && operator(prior.Condition[i].Operator) == operator(c.Operator) && prior.Condition[i].Threshold == c.Threshold {
				continue
			}
			if err := w.repeat(ctx, "change condition "+have.ID, "updateCondition", have.ID, cloudstack.Params{
				"id": have.ID, "relationaloperator": operator(c.Operator), "threshold": strconv.Itoa(c.Threshold),
			}); err != nil {
				return fmt.Errorf("policy %q: change the condition on %s: %w", name, c.Counter, err)
			}
			continue
		}
		made, err := w.makeCondition(ctx, fmt.Sprintf("%s/%s/%d", s.key, name, i), c)
		if err != nil {
			return fmt.Errorf("policy %q: %w", name, err)
		}
		conditions = append(conditions, made)
	}
	for _, c := range k.Conditions {
		if !slices.ContainsFunc(conditions, func(n keptCondition) bool { return n.ID == c.ID }) {
			old = append(old, c)
		}
	}
	k.Conditions = conditions
	if len(old) > 0 || !slices.Equal(s.kept[name].conditionIDs(), k.conditionIDs()) {
		params.List("conditionids", k.conditionIDs())
	}
	if len(params) > 0 {
		params["id"] = k.ID
		if err := w.repeat(ctx, "change policy "+k.ID, "updateAutoScalePolicy", k.ID, params); err != nil {
			return fmt.Errorf("change the policy %q: %w", name, err)
		}
	}
	s.kept[name] = k
	return w.deleteConditions(ctx, old)
}

// repeat is a change that may be sent again.
func (w *work) repeat(ctx context.Context, key, command, target string, params cloudstack.Params) error {
	_, err := w.r.Cloud.Call(ctx, cloudstack.Mutation{
		Key: key, Command: command, Target: target, Params: params, Identity: cloudstack.Identity{Kind: cloudstack.Repeat},
	})
	return err
}

func (w *work) deleteConditions(ctx context.Context, list []keptCondition) error {
	for _, c := range list {
		if err := w.remove(ctx, "deleteCondition", c.ID); err != nil {
			return fmt.Errorf("delete the condition on %s: %w", c.Counter, err)
		}
	}
	return nil
}

// deletePolicy removes a policy that no group uses, and then its conditions.
func (w *work) deletePolicy(ctx context.Context, name string, k keptPolicy) error {
	if k.ID != "" {
		if err := w.remove(ctx, "deleteAutoScalePolicy", k.ID); err != nil {
			return fmt.Errorf("delete the policy %q: %w", name, err)
		}
	}
	return w.deleteConditions(ctx, k.Conditions)
}

// remove deletes an object that may be gone already.
func (w *work) remove(ctx context.Context, command, id string) error {
	return w.r.Cloud.Delete(ctx, cloudstack.Mutation{Key: command + " " + id, Command: command, Target: id})
}

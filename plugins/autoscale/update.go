package autoscale

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// change is all that an update has to do.
type change struct {
	name     string            // new name, "" when it stays
	profile  cloudstack.Params // for the profile
	replaces bool              // the members are replaced
	group    cloudstack.Params // bounds and interval
	policies bool
	userData bool // members may differ in their user data
	least    int  // fewest members as the cloud has it
}

func (c change) needsPause() bool {
	return len(c.profile) > 0 || len(c.group) > 0 || c.policies || c.replaces
}

// Update pauses the group where the cloud wants that, changes it, lets it go on, and replaces the members if what they are made of changed.
// Whatever fails, the group does not stay paused unless the spec says so.
func (handler) Update(ctx context.Context, r *sdk.Request, prior, plan Group) (Group, error) {
	w, err := open(r)
	if err != nil {
		return prior, err
	}
	plan.ID, plan.ProfileID = prior.ID, prior.ProfileID
	if plan.Name == "" {
		plan.Name = prior.Name
	}
	now, err := w.update(ctx, prior, plan)
	return now, errors.Join(err, w.save())
}

func (w *work) update(ctx context.Context, prior, plan Group) (Group, error) {
	if prior.ID == "" {
		return w.create(ctx, plan)
	}
	if err := w.sweepEvicted(ctx); err != nil {
		return prior, err
	}
	if err := w.survey(ctx, plan); err != nil {
		return prior, err
	}
	if list := problems(plan); len(list) > 0 {
		return prior, list[0]
	}
	group, err := w.readGroup(ctx, plan.ID)
	if err != nil {
		return prior, err
	}
	w.kept.Profile = group.Str("vmprofileid")
	profile, err := w.readProfile(ctx, w.kept.Profile)
	if err != nil {
		return prior, err
	}
	c, err := w.changes(ctx, group, profile, prior, plan)
	if err != nil {
		return prior, err
	}
	now := prior
	if c.name != "" {
		if err := w.repeat(ctx, "rename", "updateAutoScaleVmGroup", plan.ID, cloudstack.Params{"id": plan.ID, "name": c.name}); err != nil {
			return prior, fmt.Errorf("rename the group: %w", err)
		}
		now.Name = plan.Name
	}
	if c.needsPause() || plan.Enabled != (group.Str("state") != "DISABLED") {
		if now, err = w.paused(ctx, c, profile, now, plan); err != nil {
			return now, err
		}
	}
	plan.State, plan.Members = now.State, now.Members
	return plan, w.sweep(ctx)
}

// changes compares the cloud and the spec.
func (w *work) changes(ctx context.Context, group, profile cloudstack.Object, prior, plan Group) (change, error) {
	c := change{least: group.Int("minmembers")}
	var err error
	if plan.Name != group.Str("name") {
		c.name = plan.Name
	}
	if c.profile, c.replaces, err = w.profileChange(profile, prior, plan); err != nil {
		return c, err
	}
	interval, err := seconds(plan.Interval)
	if err != nil {
		return c, fmt.Errorf("interval: %w", err)
	}
	c.group = cloudstack.Params{}
	for name, want := range map[string]int{"minmembers": plan.MinMembers, "maxmembers": plan.MaxMembers, "interval": interval} {
		if group.Int(name) != want {
			c.group.Int(name, want)
		}
	}
	was, is := w.sides(prior), w.sides(plan)
	for i, s := range is {
		c.policies = c.policies || !reflect.DeepEqual(was[i].want, s.want) || len(s.policyIDs()) != len(s.want) || len(s.kept) != len(s.want)
	}
	if plan.rollout().Strategy == "none" || !plan.Enabled {
		// A disabled group makes no members; what it has is replaced when it is enabled again.
		c.replaces = false
		return c, nil
	}
	_, c.userData = c.profile["userdata"]
	if c.replaces {
		return c, nil
	}
	// An interrupted rollout left members of before: it goes on.
	members, err := w.members(ctx, plan.ID)
	if err != nil {
		return c, err
	}
	if interrupted := group.Str("state") == "DISABLED" || group.Int("minmembers") != plan.MinMembers; interrupted && plan.UserData != nil {
		stale, err := w.staleData(ctx, profile, members)
		if err != nil {
			return c, err
		}
		c.userData = len(stale) > 0
	}
	c.replaces = c.userData || slices.ContainsFunc(members, outdated(profile, nil))
	return c, nil
}

// paused carries out what needs a disabled group.
func (w *work) paused(ctx context.Context, c change, profile cloudstack.Object, now, plan Group) (_ Group, err error) {
	if err := w.pause(ctx, plan.ID); err != nil {
		return now, err
	}
	now.State = "DISABLED"
	enable := plan.Enabled
	defer func() {
		if err == nil || !enable || ctx.Err() != nil {
			return
		}
		// The group worked before, and it works again whatever failed.
		again, cancel := context.WithTimeout(ctx, enableAgain)
		defer cancel()
		if resumeErr := w.resume(again, plan.ID); resumeErr != nil {
			err = errors.Join(err, resumeErr)
			return
		}
		now.State = "ENABLED"
	}()
	if err := w.changePolicies(ctx, now, plan, c); err != nil {
		return now, err
	}
	if c.replaces {
		r := &rollout{work: w, plan: plan, settings: plan.rollout(), old: profileOf(profile), change: c.profile, least: c.least, userData: c.userData}
		paused, err := r.run(ctx)
		enable = enable && !paused
		if err != nil {
			return now, err
		}
	} else if err := w.setProfile(ctx, w.kept.Profile, c.profile); err != nil {
		return now, err
	}
	if c.replaces || len(c.group) > 0 {
		if err := w.bounds(ctx, plan.ID, plan.MinMembers, plan.MaxMembers); err != nil {
			return now, err
		}
	}
	if !plan.Enabled {
		return now, nil
	}
	if err := w.resume(ctx, plan.ID); err != nil {
		return now, err
	}
	now.State = "ENABLED"
	members, err := w.members(ctx, plan.ID)
	now.Members = available(members)
	return now, err
}

// changePolicies brings interval and policies to what is wanted: new ones first, then the group is told, then old ones go.
func (w *work) changePolicies(ctx context.Context, prior, plan Group, c change) error {
	params := cloudstack.Params{}
	if v, ok := c.group["interval"]; ok {
		params["interval"] = v
	}
	var gone []func() error
	was := w.sides(prior)
	for i, s := range w.sides(plan) {
		before := s.liveIDs()
		for _, name := range slices.Sorted(maps.Keys(s.want)) {
			var err error
			if old, ok := was[i].want[name]; ok && s.kept[name].ID != "" {
				if !reflect.DeepEqual(old, s.want[name]) {
					err = w.changePolicy(ctx, s, name, old, s.want[name])
				}
			} else {
				err = w.makePolicy(ctx, s, name, s.want[name])
			}
			if err != nil {
				return err
			}
		}
		if after := s.policyIDs(); !slices.Equal(before, sorted(after)) {
			params.List(s.ids, after)
		}
		for _, name := range slices.Sorted(maps.Keys(s.kept)) {
			if _, wanted := s.want[name]; wanted {
				continue
			}
			k := s.kept[name]
			gone = append(gone, func() error {
				if err := w.deletePolicy(ctx, name, k); err != nil {
					return err
				}
				delete(s.kept, name)
				return nil
			})
		}
	}
	if len(params) > 0 {
		params["id"] = plan.ID
		if err := w.repeat(ctx, "policies", "updateAutoScaleVmGroup", plan.ID, params); err != nil {
			return fmt.Errorf("give the group its policies: %w", err)
		}
	}
	for _, remove := range gone {
		if err := remove(); err != nil {
			return err
		}
	}
	return nil
}

// liveIDs are the policies a side has before a change.
func (s side) liveIDs() []string {
	var ids []string
	for _, k := range s.kept {
		if k.ID != "" {
			ids = append(ids, k.ID)
		}
	}
	return sorted(ids)
}

func sorted(list []string) []string {
	out := slices.Clone(list)
	slices.SortFunc(out, strings.Compare)
	return out
}

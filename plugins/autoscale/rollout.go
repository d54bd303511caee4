package autoscale

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// rollout replaces the members of a paused group. It reads where it stands from the cloud at every turn, so that an interrupted one goes on
// where it was.
type rollout struct {
	*work
	plan     Group
	settings Rollout
	old      cloudstack.Params // of the profile, to go back to
	change   cloudstack.Params // of the profile, to go to
	userData bool              // members may differ in their user data
	least    int               // fewest members the group may have as it was found
	size     int               // members to end with
}

// profileOf are the parameters that bring a profile back to what it is now.
func profileOf(profile cloudstack.Object) cloudstack.Params {
	params := cloudstack.Params{"templateid": profile.Str("templateid"), "serviceofferingid": profile.Str("serviceofferingid")}
	params.Set("userdata", profile.Str("userdata")).Set("expungevmgraceperiod", profile.Str("expungevmgraceperiod"))
	deploy := map[string]string{}
	for k := range profile.Map("otherdeployparams") {
		deploy[k] = profile.Map("otherdeployparams").Str(k)
	}
	return params.Pairs("otherdeployparams", "name", "value", deploy)
}

// outdated tells the members that are not made of what the profile says. What does not show in a listing is known beforehand: before are
// the ids of members that differ in it.
func outdated(profile cloudstack.Object, before []string) func(cloudstack.Object) bool {
	return func(m cloudstack.Object) bool {
		return m.Str("templateid") != profile.Str("templateid") || m.Str("serviceofferingid") != profile.Str("serviceofferingid") || slices.Contains(before, m.ID())
	}
}

// run replaces the members and leaves the group paused with raised bounds; the caller sets them. stay says that it is to stay paused.
func (r *rollout) run(ctx context.Context) (stay bool, err error) {
	if template := r.change["templateid"]; template != "" {
		if err := r.surveyTemplate(ctx, template); err != nil {
			return false, err
		}
	}
	members, err := r.members(ctx, r.plan.ID)
	if err != nil {
		return false, err
	}
	// The settings of a deploy do not show on a machine: all that are there now are of before.
	var before []string
	if r.change["otherdeployparams[0].name"] != "" {
		before = ids(members)
	}
	if err := r.setProfile(ctx, r.kept.Profile, r.change); err != nil {
		return false, err
	}
	if r.userData {
		profile, err := r.readProfile(ctx, r.kept.Profile)
		if err != nil {
			return false, err
		}
		stale, err := r.staleData(ctx, profile, members)
		if err != nil {
			return false, err
		}
		before = append(before, stale...)
	}
	r.size = r.finalSize(available(members), len(members))
	err = r.replaceAll(ctx, before)
	if err == nil || ctx.Err() != nil {
		return false, err
	}
	switch r.settings.OnFailure {
	case "pause":
		return true, fmt.Errorf("replace the members: %w; the group stays disabled with old and new members", err)
	case "abort":
		return false, r.restore(ctx, fmt.Errorf("replace the members: %w; old and new members stay side by side", err))
	}
	r.r.Progress("going back to the members of before")
	if backErr := r.rollBack(ctx, members); backErr != nil {
		return false, r.restore(ctx, errors.Join(fmt.Errorf("replace the members: %w", err), fmt.Errorf("go back to the members of before: %w", backErr)))
	}
	return false, r.restore(ctx, fmt.Errorf("replace the members: %w; all members are as before again", err))
}

// finalSize is how many members to end with: as many as now, within the bounds. When an interrupted rollout has raised the least, the new
// members it had started come on top of that and do not count.
func (r *rollout) finalSize(now, all int) int {
	if r.least > r.plan.MinMembers && r.settings.Strategy != "replace" {
		now = min(now, r.least-max(share(r.settings.MaxSurge, all, true), 1))
	}
	return max(min(now, r.plan.MaxMembers), r.plan.MinMembers)
}

// restore sets the bounds of the spec after a failure. The group may have been enabled when it came.
func (r *rollout) restore(ctx context.Context, cause error) error {
	if err := r.pause(ctx, r.plan.ID); err != nil {
		return errors.Join(cause, err)
	}
	return errors.Join(cause, r.bounds(ctx, r.plan.ID, r.plan.MinMembers, r.plan.MaxMembers))
}

// rollBack gives the profile back what it was, removes new members that never got ready, and replaces the others.
func (r *rollout) rollBack(ctx context.Context, before []cloudstack.Object) error {
	if err := r.pause(ctx, r.plan.ID); err != nil {
		return err
	}
	if err := r.setProfile(ctx, r.kept.Profile, r.old); err != nil {
		return err
	}
	all, err := r.members(ctx, r.plan.ID)
	if err != nil {
		return err
	}
	good, err := r.ready(ctx, r.plan)
	if err != nil {
		return err
	}
	kept := ids(before)
	var useless, fresh []string
	for _, m := range all {
		if slices.Contains(kept, m.ID()) {
			continue
		}
		if slices.Contains(ids(good), m.ID()) {
			fresh = append(fresh, m.ID())
		} else {
			useless = append(useless, m.ID())
		}
	}
	if err := r.retire(ctx, useless); err != nil {
		return err
	}
	return r.replaceAll(ctx, fresh)
}

// replaceAll goes on until no member is outdated. The group is paused before and after.
func (r *rollout) replaceAll(ctx context.Context, before []string) error {
	for {
		profile, err := r.readProfile(ctx, r.kept.Profile)
		if err != nil {
			return err
		}
		all, err := r.members(ctx, r.plan.ID)
		if err != nil {
			return err
		}
		isOld := outdated(profile, before)
		var old []cloudstack.Object
		for _, m := range all {
			if isOld(m) {
				old = append(old, m)
			}
		}
		if len(old) == 0 {
			return nil
		}
		if r.settings.Strategy == "replace" {
			err = r.replaceSome(ctx, all, old, isOld)
		} else {
			err = r.surge(ctx, all, old, isOld)
		}
		if err != nil {
			return err
		}
	}
}

// surge starts some new members beside the old ones, and takes as many old ones away when they are ready.
func (r *rollout) surge(ctx context.Context, all, old []cloudstack.Object, isOld func(cloudstack.Object) bool) error {
	n := max(min(share(r.settings.MaxSurge, len(all), true), len(old)), 1)
	r.r.Progress("replacing %d of %d old members", n, len(old))
	if err := r.grow(ctx, r.size+n, r.size+n-len(old), isOld); err != nil {
		return err
	}
	return r.retireSome(ctx, isOld, n)
}

// replaceSome takes some old members away, and lets the group fill up with new ones.
func (r *rollout) replaceSome(ctx context.Context, all, old []cloudstack.Object, isOld func(cloudstack.Object) bool) error {
	n := max(min(share(r.settings.MaxUnavailable, len(all), false), len(old)), 1)
	r.r.Progress("replacing %d of %d old members", n, len(old))
	if err := r.retireSome(ctx, isOld, n); err != nil {
		return err
	}
	return r.grow(ctx, r.size, r.size-len(old)+n, isOld)
}

// grow lets the group work until it has so many members of which so many are new and ready, and pauses it again. New members come only
// because there are fewer than the least: policies may add more, or take some away, in the meantime.
func (r *rollout) grow(ctx context.Context, least, fresh int, isOld func(cloudstack.Object) bool) error {
	if err := r.bounds(ctx, r.plan.ID, least, max(r.plan.MaxMembers, least)); err != nil {
		return err
	}
	if err := r.resume(ctx, r.plan.ID); err != nil {
		return err
	}
	if err := r.awaitFresh(ctx, fresh, isOld); err != nil {
		return errors.Join(err, r.pause(ctx, r.plan.ID))
	}
	return r.pause(ctx, r.plan.ID)
}

// awaitFresh waits until enough new members have been ready for min_ready without a break.
func (r *rollout) awaitFresh(ctx context.Context, want int, isOld func(cloudstack.Object) bool) error {
	limit, err := time.ParseDuration(r.settings.ReadyTimeout)
	if err != nil {
		return fmt.Errorf("rollout.ready_timeout: %w", err)
	}
	steady, err := time.ParseDuration(r.settings.MinReady)
	if err != nil {
		return fmt.Errorf("rollout.min_ready: %w", err)
	}
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	since := map[string]time.Time{}
	count := 0
	err = cloudstack.Poll(waiting, 2*time.Second, func(ctx context.Context) (bool, error) {
		good, err := r.ready(ctx, r.plan)
		if err != nil {
			return false, err
		}
		good = slices.DeleteFunc(good, isOld)
		for id := range since {
			if !slices.Contains(ids(good), id) {
				delete(since, id)
			}
		}
		count = 0
		for _, m := range good {
			if _, seen := since[m.ID()]; !seen {
				since[m.ID()] = time.Now()
			}
			if time.Since(since[m.ID()]) >= steady {
				count++
			}
		}
		return count >= want, nil
	})
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("%d of %d new members were ready within %s", count, want, limit)
	}
	return err
}

// retireSome takes n members away that are old now: the list is read again, since the group was at work since the last look.
func (r *rollout) retireSome(ctx context.Context, isOld func(cloudstack.Object) bool, n int) error {
	all, err := r.members(ctx, r.plan.ID)
	if err != nil {
		return err
	}
	var old []string
	for _, m := range all {
		if isOld(m) {
			old = append(old, m.ID())
		}
	}
	return r.retire(ctx, old[:min(n, len(old))])
}

// retire takes members out of the load balancer, which takes them out of the group too, lets them finish their requests, and destroys
// them.
func (r *rollout) retire(ctx context.Context, machines []string) error {
	if len(machines) == 0 {
		return nil
	}
	drain, err := time.ParseDuration(r.settings.DrainTimeout)
	if err != nil {
		return fmt.Errorf("rollout.drain_timeout: %w", err)
	}
	for _, id := range machines {
		params := cloudstack.Params{"id": r.plan.LoadBalancer, "virtualmachineids": id}
		if err := r.repeat(ctx, evictKey(id), "removeFromLoadBalancerRule", r.plan.LoadBalancer, params); err != nil {
			return fmt.Errorf("take the member %s out of the load balancer: %w", id, err)
		}
	}
	timer := time.NewTimer(drain)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, id := range machines {
		if err := r.destroy(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// share is a number, or a part of n.
func share(text string, n int, up bool) int {
	percent, isShare := strings.CutSuffix(text, "%")
	value, err := strconv.Atoi(percent)
	if err != nil || !isShare {
		return value
	}
	if up {
		return (n*value + 99) / 100
	}
	return n * value / 100
}

func ids(machines []cloudstack.Object) []string {
	out := make([]string, 0, len(machines))
	for _, m := range machines {
		out = append(out, m.ID())
	}
	return out
}

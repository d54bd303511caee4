package cloudsim

import (
	"context"
	"errors"
	"sync"
)

// enableGroupJob and disableGroupJob keep the new state even when the router part of the original fails on a deleted
// template.
func enableGroupJob(c *Call) (Obj, error) {
	g, ok := c.AutoScaleGroups.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find AutoScale Vm Group")
	}
	if g.State == GroupEnabled {
		return Obj{"autoscalevmgroup": c.groupResponse(g)}, nil
	}
	if g.State != GroupDisabled {
		return nil, Invalid("Only a AutoScale Vm Group which is in Disabled state can be enabled.")
	}
	if err := c.switchGroup(&g, GroupEnabled, "Failed to enable AutoScale Vm Group"); err != nil {
		return nil, err
	}
	c.AfterCommit(func() { c.Cloud.scaler.watch(g.ID) })
	return Obj{"autoscalevmgroup": c.groupResponse(g)}, nil
}

func disableGroupJob(c *Call) (Obj, error) {
	g, ok := c.AutoScaleGroups.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find AutoScale Vm Group")
	}
	if g.State == GroupDisabled {
		return Obj{"autoscalevmgroup": c.groupResponse(g)}, nil
	}
	if g.State != GroupEnabled && g.State != GroupScaling {
		return nil, Invalid("Only a AutoScale Vm Group which is in Enabled or Scaling state can be disabled.")
	}
	if err := c.switchGroup(&g, GroupDisabled, "Failed to disable AutoScale Vm Group"); err != nil {
		return nil, err
	}
	c.AfterCommit(func() { c.Cloud.scaler.unwatch(g.ID) })
	return Obj{"autoscalevmgroup": c.groupResponse(g)}, nil
}

// switchGroup changes the state for good, and then fails with text if the group is wedged.
func (c *Call) switchGroup(g *AutoScaleGroup, state, text string) error {
	g.State = state
	c.AutoScaleGroups.Put(*g)
	if !c.wedged(*g) {
		return nil
	}
	if err := c.Commit(); err != nil {
		return err
	}
	return Fail(530, csServer, "%s", text)
}

// deleteGroupJob deletes a disabled, empty group, or with cleanup any group with its machines. Rule, policies, conditions and
// profile stay.
func deleteGroupJob(c *Call) (Obj, error) {
	g, ok := c.AutoScaleGroups.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find AutoScale Vm Group")
	}
	cleanup, members := c.Bool("cleanup", false), c.membersOf(g.ID)
	resumed := g.State == GroupRevoke && c.Noted("revoked") != ""
	if g.State != GroupNew && g.State != GroupDisabled && !cleanup && !resumed {
		return nil, Invalid("Cannot delete autoscale vm group : %s because it is in %s state. Please disable it or pass cleanup=true flag which will destroy all VMs.", c.groupText(g), g.State)
	}
	if len(members) > 0 && !cleanup {
		return nil, Invalid("Cannot delete autoscale vm group : %s because there are %d VMs. Please remove the VMs or pass cleanup=true flag which will destroy all VMs.", c.groupText(g), len(members))
	}
	g.State = GroupRevoke
	c.AutoScaleGroups.Put(g)
	c.Note("revoked", "true")
	c.AfterCommit(func() { c.Cloud.scaler.unwatch(g.ID) })
	if err := c.Unlocked(func(ctx context.Context) error { return c.Cloud.destroyAll(ctx, members) }); err != nil {
		return nil, errors.Join(Fail(530, csServer, "Failed to delete autoscale vm group"), err)
	}
	if c.wedged(g) {
		return nil, Fail(530, csServer, "Failed to delete autoscale vm group")
	}
	if g, ok = c.AutoScaleGroups.Get(g.ID); !ok {
		return Success(), nil
	}
	g.Removed = c.gone()
	c.AutoScaleGroups.Put(g)
	c.AfterCommit(func() { c.Cloud.scaler.forget(g.ID) })
	return Success(), nil
}

// destroyAll destroys and expunges machines, all at once and without any grace.
func (c *Cloud) destroyAll(ctx context.Context, vms []VM) error {
	failed := make([]error, len(vms))
	var all sync.WaitGroup
	for i, vm := range vms {
		all.Go(func() {
			job, err := c.prepareDestroy(vm.ID)
			if err == nil {
				err = c.carryOut(ctx, job)
			}
			failed[i] = err
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

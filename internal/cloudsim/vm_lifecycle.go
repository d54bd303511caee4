package cloudsim

import (
	"context"
	"maps"
	"slices"
	"time"
)

// reservedFlag is a detail the server leaves on a machine it has stopped.
const reservedFlag = "Message.ReservedCapacityFreed.Flag"

// vmNow is the machine a job is about.
func (c *Call) vmNow() (VM, error) {
	vm, ok := c.VMs.Get(c.EntityID)
	if !ok {
		gone, _ := c.VMs.Any(c.EntityID)
		return gone, Invalid("Unable to find a virtual machine with id %d", gone.N)
	}
	return vm, nil
}

// startVM is the first half of commands that act on the machine named by id; their rules are checked in the job.
func startVM(c *Call) (string, error) {
	vm, ok := c.VMs.Get(c.Str("id"))
	if !ok {
		gone, _ := c.VMs.Any(c.Str("id"))
		return "", Invalid("Unable to find UUID for id [%d] of type [VirtualMachine]", gone.N)
	}
	if err := c.Own(vm.Owner); err != nil {
		return "", err
	}
	if c.Has("volumeid") {
		return "", Invalid("Volume cannot be given")
	}
	return vm.ID, nil
}

// notMember refuses to touch a machine that belongs to an autoscale group which is not disabled.
func (c *Call) notMember(vm VM) error {
	g, ok := c.AutoScaleGroups.Get(vm.AutoScaleGroupID)
	if !ok || g.State == GroupDisabled {
		return nil
	}
	return Invalid("Cannot perform actions on VM in an AutoScale VM group, Please disable the VM group and retry.")
}

func startVMJob(c *Call) (Obj, error) {
	vm, err := c.vmNow()
	if err != nil {
		return nil, err
	}
	switch vm.State {
	case VMRunning:
		return nil, Invalid("The virtual machine %s (%s) is already running", vm.ID, vm.DisplayName)
	case VMStopped, VMStarting: // Starting: this job, interrupted
	default:
		return nil, Internal("Unable to start a VM [%s] in state %s", vm.ID, vm.State)
	}
	if c.activeProject(vm.ProjectID) != nil {
		return nil, Fail(530, csPermission, "Unable to start VM %s: its project is not active", vm.ID)
	}
	if err := c.bringUp(vm); err != nil {
		if now, ok := c.VMs.Get(vm.ID); ok && c.Ctx.Err() == nil {
			now.State, now.HostID = VMStopped, ""
			c.VMs.Put(now)
			if err := c.Commit(); err != nil {
				return nil, err
			}
		}
		return nil, err
	}
	result := c.vmResult(vm.ID)
	if c.Noted("password") != "" {
		result["virtualmachine"].(Obj)["password"] = c.Noted("password")
	}
	return result, nil
}

func stopVMJob(c *Call) (Obj, error) {
	vm, err := c.vmNow()
	if err != nil {
		return nil, err
	}
	if err := c.notMember(vm); err != nil {
		return nil, err
	}
	if err := c.bringDown(vm, c.Bool("forced", false)); err != nil {
		return nil, err
	}
	return c.vmResult(vm.ID), nil
}

// bringDown stops a machine; one that is not up is left alone.
func (c *Call) bringDown(vm VM, hard bool) error {
	if vm.State != VMRunning && vm.State != VMStopping && vm.State != VMStarting {
		return nil
	}
	vm.State, vm.LastUpdated = VMStopping, c.Now()
	c.VMs.Put(vm)
	if farm := c.Cloud.guests; farm != nil {
		err := c.Unlocked(func(context.Context) error { return farm.stop(vm.ID, hard) })
		if err != nil {
			return Internal("Unable to stop the guest of machine %s: %v", vm.Name, err)
		}
	}
	now, ok := c.VMs.Get(vm.ID)
	if !ok {
		return Internal("Unable to find the machine to stop")
	}
	c.halted(now)
	return nil
}

// halted notes that a machine is down.
func (c *Call) halted(vm VM) {
	vm.State, vm.LastHostID, vm.HostID, vm.LastUpdated = VMStopped, vm.HostID, "", c.Now()
	vm.Details = maps.Clone(detailsObj(vm.Details))
	vm.Details[reservedFlag] = "false"
	c.plug(&vm, false)
	if !c.measured(vm, c.Now()) {
		vm.FirstUp = time.Time{} // it is measured anew when it comes up again
	}
	c.VMs.Put(vm)
	for _, nic := range vm.NICs {
		c.NetworkChanged(nic.NetworkID)
	}
}

func rebootVMJob(c *Call) (Obj, error) {
	vm, err := c.vmNow()
	if err != nil {
		return nil, err
	}
	if vm.State != VMRunning {
		return nil, Invalid("The VM %s (%s) is not running, unable to reboot it", vm.ID, vm.DisplayName)
	}
	if farm := c.Cloud.guests; farm != nil {
		err := c.Unlocked(func(ctx context.Context) error {
			if err := farm.stop(vm.ID, c.Bool("forced", false)); err != nil {
				return err
			}
			return farm.boot(ctx, vm.ID)
		})
		if err != nil {
			return nil, Internal("Unable to reboot the guest of machine %s: %v", vm.Name, err)
		}
	}
	for _, nic := range vm.NICs {
		c.NetworkChanged(nic.NetworkID)
	}
	return c.vmResult(vm.ID), nil
}

// vmText is how a machine shows in the server's texts.
func (c *Call) vmText(vm VM) string {
	return `VM instance {"id":` + itoa(vm.N) + `,"instanceName":"` + vm.InstanceName + `","state":"` + vm.State + `","type":"User","uuid":"` + vm.ID + `"}`
}

// stoppedOrRunning tells whether a machine is in one of the states in which its disks may change.
func stoppedOrRunning(vm VM) bool { return slices.Contains([]string{VMRunning, VMStopped}, vm.State) }

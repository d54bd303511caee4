package cloudsim

import (
	"strings"
	"time"
)

// mayExpunge tells whether the caller may expunge and recover machines.
func (c *Call) mayExpunge() bool {
	return c.Caller.Root() || c.Cloud.setting("allow.user.expunge.recover.vm") == "true"
}

func startDestroy(c *Call) (string, error) {
	id, err := startVM(c)
	return id, err
}

func destroyVMJob(c *Call) (Obj, error) {
	expunge := c.Bool("expunge", false)
	if vm, ok := c.VMs.Any(c.EntityID); ok && vm.Removed != nil {
		if c.Noted("expunging") != "" {
			return c.vmResult(vm.ID), nil // this job, interrupted behind its work
		}
		return nil, Fail(530, csServer, "Failed to destroy vm with specified vmId")
	}
	vm, err := c.vmNow()
	if err != nil {
		return nil, err
	}
	if expunge && !c.mayExpunge() {
		return nil, errExpunge()
	}
	if vm.DeleteProtection {
		return nil, Invalid("Instance [id = %s, name = %s] has delete protection enabled and cannot be deleted.", vm.ID, vm.InstanceName)
	}
	if err := c.notMember(vm); err != nil {
		return nil, err
	}
	doomed, err := c.doomedVolumes(vm)
	if err != nil {
		return nil, err
	}
	if vm.State != VMDestroyed && vm.State != VMExpunging {
		if err := c.destroy(vm); err != nil {
			return nil, err
		}
		for _, v := range doomed {
			c.dropVolume(v)
		}
	}
	if expunge {
		c.Note("expunging", "true")
		c.expunge(vm.ID)
	}
	return c.vmResult(vm.ID), nil
}

// errExpunge is what an ordinary user's expunge ends with.
func errExpunge() *APIError {
	return Fail(530, csPermission, "Account does not have permission for expunging.")
}

func (c *Call) doomedVolumes(vm VM) ([]Volume, error) {
	var doomed []Volume
	for _, id := range c.List("volumeids") {
		v, ok := c.Volumes.Get(id)
		if !ok || v.VMID != vm.ID || v.Type != volumeData {
			return nil, Invalid("The following supplied volumes are not DATADISK attached to the VM: %s", strings.Join(c.List("volumeids"), ", "))
		}
		doomed = append(doomed, v)
	}
	return doomed, nil
}

// destroy stops a machine and marks it Destroyed; its data disks are detached and kept.
func (c *Call) destroy(vm VM) error {
	if err := c.bringDown(vm, true); err != nil {
		return err
	}
	now, ok := c.VMs.Get(vm.ID)
	if !ok {
		return Fail(530, csServer, "Failed to destroy vm with specified vmId")
	}
	now.State, now.LastUpdated, now.FirstUp = VMDestroyed, c.Now(), time.Time{}
	c.VMs.Put(now)
	for v := range c.Volumes.All() {
		if v.VMID != vm.ID {
			continue
		}
		if v.Type == volumeData {
			c.detach(v)
			continue
		}
		if v.State == volumeAllocated {
			v.PoolID = "" // nothing of it was on a pool yet
		}
		v.State = volumeDestroy
		c.Volumes.Put(v)
	}
	for s := range c.VMSnapshots.All() {
		if s.VMID == vm.ID {
			c.dropVMSnapshot(s)
		}
	}
	return nil
}

// expunge removes a destroyed machine for good: cards, rules that lead to it, root volume.
func (c *Call) expunge(id string) {
	vm, ok := c.VMs.Get(id)
	if !ok {
		return
	}
	networks := vm.NICs
	c.forgetMachine(vm.ID)
	for r := range c.Firewall.All() {
		if r.VMID == vm.ID {
			c.forgetRule(r)
		}
	}
	for ip := range c.PublicIPs.All() {
		if ip.StaticNAT && ip.VMID == vm.ID {
			ip.StaticNAT, ip.VMID, ip.VMAddress = false, "", ""
			c.PublicIPs.Put(ip)
		}
	}
	for v := range c.Volumes.All() {
		if v.VMID == vm.ID {
			c.dropVolume(v)
		}
	}
	c.forgetSchedules(vm.ID)
	c.ForgetTags(vm.ID)
	now := c.Now()
	vm.State, vm.Removed, vm.NICs, vm.LastUpdated, vm.HostID = VMExpunging, &now, nil, now, ""
	c.VMs.Put(vm)
	for _, nic := range networks {
		c.NetworkChanged(nic.NetworkID)
	}
}

func expungeVMJob(c *Call) (Obj, error) {
	if vm, ok := c.VMs.Any(c.EntityID); ok && vm.Removed != nil {
		return Success(), nil
	}
	vm, err := c.vmNow()
	if err != nil {
		return nil, err
	}
	if !c.mayExpunge() {
		return nil, errExpunge()
	}
	if vm.State != VMDestroyed && vm.State != VMExpunging && vm.State != VMError {
		return nil, Invalid("Please destroy vm with specified vmId before expunge")
	}
	c.expunge(vm.ID)
	return Success(), nil
}

func recoverVM(c *Call) (any, error) {
	vm, ok := c.VMs.Get(c.Str("id"))
	if !ok {
		gone, _ := c.VMs.Any(c.Str("id"))
		return nil, Invalid("unable to find a virtual machine with id %d", gone.N)
	}
	if err := c.Own(vm.Owner); err != nil {
		return nil, err
	}
	if !c.mayExpunge() {
		return nil, Denied("Recovering a vm can only be done by an Admin. Or when the allow.user.expunge.recover.vm key is set.")
	}
	if vm.State != VMDestroyed {
		return nil, Invalid("Vm with id %s is not in the right state", vm.ID)
	}
	if err := c.CheckLimit(vm.Owner, limitVM, 1); err != nil {
		return nil, err
	}
	vm.State, vm.LastUpdated = VMStopped, c.Now()
	c.VMs.Put(vm)
	for v := range c.Volumes.All() {
		if v.VMID == vm.ID && v.State == volumeDestroy {
			v.State = volumeReady
			if vm.NeverStarted || v.PoolID == "" {
				v.State = volumeAllocated
			}
			c.Volumes.Put(v)
		}
	}
	c.Made(vm.ID)
	return Obj{"virtualmachine": c.vmResponse(vm)}, nil
}

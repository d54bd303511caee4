package cloudsim

import (
	"context"
	"sync"
	"time"
)

// resetUserData replaces the user data of a machine; its guest sees it at the next boot.
func resetUserData(c *Call) (any, error) {
	id, err := startVM(c)
	if err != nil {
		return nil, err
	}
	vm, _ := c.VMs.Get(id)
	if c.Has("userdata") && c.Has("userdataid") {
		return nil, Invalid("Both userdata and userdata ID inputs are not allowed, please provide only one")
	}
	text, dataID := c.Str("userdata"), c.Str("userdataid")
	if u, ok := c.UserData.Get(dataID); ok {
		text = u.Data
	}
	clean, err := cleanUserData(text)
	if err != nil {
		return nil, err
	}
	vm.UserData, vm.UserDataID, vm.UserDataDetails = clean, dataID, ""
	c.VMs.Put(vm)
	c.Made(vm.ID)
	return Obj{"virtualmachine": restricted(c.vmResponse(vm))}, nil
}

func startRestore(c *Call) (string, error) {
	vm, ok := c.VMs.Get(c.Str("virtualmachineid"))
	if !ok {
		return "", Invalid("Cannot find VM with ID %s", c.Str("virtualmachineid"))
	}
	if err := c.Own(vm.Owner); err != nil {
		return "", err
	}
	if id := c.Str("templateid"); id != "" {
		t, ok := c.Templates.Get(id)
		if !ok || !c.mayUse(t) || !t.Ready {
			return "", Invalid("Invalid template id provided to restore the VM ")
		}
	}
	return vm.ID, nil
}

// restoreVMJob gives a machine a fresh root disk from its template or another one.
func restoreVMJob(c *Call) (Obj, error) {
	vm, err := c.vmNow()
	if err != nil {
		return nil, err
	}
	if err := c.notMember(vm); err != nil {
		return nil, err
	}
	if !stoppedOrRunning(vm) && c.Noted("was") == "" {
		return nil, Internal("Vm %s currently in %s state, restore vm can only execute when VM in Running or Stopped", vm.ID, vm.State)
	}
	if c.hasVMSnapshot(vm.ID) {
		return nil, Invalid("Unable to restore VM, please remove VM snapshots before restoring VM")
	}
	if c.Noted("was") == "" {
		c.Note("was", vm.State)
	}
	if err := c.bringDown(vm, false); err != nil {
		return nil, err
	}
	id := vm.ID
	vm, _ = c.VMs.Get(id)
	root, ok := c.diskOf(vm, volumeRoot)
	if !ok || vm.ID == "" { // its account may have been deleted meanwhile
		return nil, Invalid("Can not find root volume for VM %s", id)
	}
	c.dropDisk(root.DiskPath)
	if t, ok := c.Templates.Get(c.Str("templateid")); ok {
		vm.TemplateID, vm.OSTypeID, vm.PasswordEnabled, root.TemplateID = t.ID, t.OSTypeID, t.PasswordEnabled, t.ID
		root.Size = max(root.Size, t.Size)
	}
	// A disk of another name: the old one goes with the commit.
	root.DiskPath = "r-" + newUUID()
	if !vm.NeverStarted {
		root.State = volumeAllocated // until the next start
	}
	vm.InstanceID = newUUID()
	c.Volumes.Put(root)
	c.VMs.Put(vm)
	if c.Noted("was") == VMRunning {
		if err := c.bringUp(vm); err != nil {
			return nil, err
		}
	} else if farm := c.Cloud.guests; farm != nil && !vm.NeverStarted {
		disk, image, source := c.rootDisk(vm)
		if err := c.Unlocked(func(context.Context) error { return farm.make(disk, image, source) }); err != nil {
			return nil, Internal("Unable to make a new root disk for machine %s: %v", vm.Name, err)
		}
	}
	result := c.vmResult(vm.ID)
	if vm, _ = c.VMs.Get(vm.ID); vm.PasswordEnabled {
		result["virtualmachine"].(Obj)["password"] = vm.Password
	}
	return result, nil
}

// expunger removes machines that have been Destroyed, or in Error, for the time of the setting expunge.delay, looking every
// expunge.interval of the cloud's clock.
type expunger struct {
	cloud *Cloud
	stop  context.CancelFunc
	wait  sync.WaitGroup
}

// Start implements service.
func (e *expunger) Start(ctx context.Context) error {
	ctx, e.stop = context.WithCancel(ctx)
	e.cloud.mu.Lock()
	interval, delay := e.seconds("expunge.interval"), e.seconds("expunge.delay")
	e.cloud.mu.Unlock()
	e.wait.Go(func() {
		for sleep(ctx, e.cloud.clock, interval) == nil {
			if err := e.cloud.update(ctx, func(c *Call) error { return expungeOld(c, delay) }); err != nil && ctx.Err() == nil {
				e.cloud.opts.Log("expunge destroyed machines: %v", err)
			}
		}
	})
	return nil
}

// Stop implements service.
func (e *expunger) Stop() {
	if e.stop == nil {
		return // the cloud did not get so far
	}
	e.stop()
	e.wait.Wait()
}

func (e *expunger) seconds(setting string) time.Duration {
	d, err := time.ParseDuration(e.cloud.setting(setting) + "s")
	if err != nil || d <= 0 {
		return 24 * time.Hour
	}
	return d
}

func expungeOld(c *Call, delay time.Duration) error {
	for vm := range c.VMs.All() {
		if (vm.State == VMDestroyed || vm.State == VMError) && c.Now().Sub(vm.LastUpdated) >= delay {
			c.expunge(vm.ID)
		}
	}
	return nil
}

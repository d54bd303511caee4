package cloudsim

import (
	"context"
	"maps"
	"slices"
	"strings"
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

// mayExpunge tells whether the caller may expunge and recover machines.
func (c *Call) mayExpunge() bool {
	return c.Caller.Root() || c.Cloud.setting("allow.user.expunge.recover.vm") == "true"
}

func startDestroy(c *Call) (string, error) {
	id, err := startVM(c)
	if err != nil {
		return "", err
	}
	vm, _ := c.VMs.Get(id)
	if vm.DeleteProtection {
		return "", Invalid("Instance [id = %s, name = %s] has delete protection enabled and cannot be deleted.", vm.ID, vm.Name)
	}
	return id, nil
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
	now.State, now.LastUpdated = VMDestroyed, c.Now()
	c.VMs.Put(now)
	for v := range c.Volumes.All() {
		if v.VMID != vm.ID {
			continue
		}
		if v.Type == volumeData {
			c.detach(v)
			continue
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
			if vm.NeverStarted {
				v.State = volumeAllocated
			}
			c.Volumes.Put(v)
		}
	}
	c.Made(vm.ID)
	return Obj{"virtualmachine": c.vmResponse(vm)}, nil
}

func updateVM(c *Call) (any, error) {
	vm, ok := c.VMs.Get(c.Str("id"))
	if !ok {
		gone, _ := c.VMs.Any(c.Str("id"))
		return nil, Invalid("unable to find virtual machine with id %d", gone.N)
	}
	if err := c.Own(vm.Owner); err != nil {
		return nil, err
	}
	c.Made(vm.ID)
	if err := c.amendVM(&vm); err != nil {
		// Every failure of this command arrives wrapped.
		return nil, Internal("Failed to update VM, due to: %s", asAPIError(err).Text)
	}
	c.VMs.Put(vm)
	for _, nic := range vm.NICs {
		c.NetworkChanged(nic.NetworkID)
	}
	o := c.vmResponse(vm)
	delete(o, "bootmode")
	delete(o, "boottype")
	return Obj{"virtualmachine": o}, nil
}

func (c *Call) amendVM(vm *VM) error {
	if name := c.Str("name"); name != "" && name != vm.Name {
		if !hostNameText.MatchString(name) {
			return Invalid("Invalid name. Vm name can contain ASCII letters 'a' through 'z', the digits '0' through '9', and the hyphen ('-'), must be between 1 and 63 characters long, and can't start or end with \"-\" and can't start with digit")
		}
		if vm.DisplayName == vm.Name {
			vm.DisplayName = name
		}
		vm.Name = name
		if err := c.uniqueHostName(*vm); err != nil {
			return err
		}
	}
	vm.DisplayName = c.Or("displayname", vm.DisplayName)
	vm.HAEnabled = c.Bool("haenable", vm.HAEnabled)
	vm.DynamicScaling = c.Bool("isdynamicallyscalable", vm.DynamicScaling)
	vm.DeleteProtection = c.Bool("deleteprotection", vm.DeleteProtection)
	vm.HideDisplay = !c.Bool("displayvm", !vm.HideDisplay)
	vm.OSTypeID = c.Or("ostypeid", vm.OSTypeID)
	if c.Has("userdata") && c.Has("userdataid") {
		return Invalid("Both userdata and userdata ID inputs are not allowed, please provide only one")
	}
	if c.Has("userdata") {
		text, err := cleanUserData(c.Str("userdata"))
		if err != nil {
			return err
		}
		vm.UserData, vm.UserDataID = text, ""
	}
	if u, ok := c.UserData.Get(c.Str("userdataid")); ok {
		vm.UserData, vm.UserDataID = u.Data, u.ID
	}
	if name := c.Str("group"); name != "" {
		vm.GroupID = c.instanceGroup(vm.Owner, name)
	}
	switch {
	case c.Bool("cleanupdetails", false):
		vm.Details = map[string]string{}
	case c.Has("details"):
		vm.Details = c.Map("details") // the whole map is replaced
	}
	return nil
}

func scaleVMJob(c *Call) (Obj, error) {
	vm, err := c.vmNow()
	if err != nil {
		return nil, err
	}
	if vm.State == VMRunning {
		return nil, Internal(`Unable to live scale VM on KVM when current service offering is a "Fixed Offering". KVM needs the tag "maxMemory" to live scale and it is only configured when VM is deployed with a custom service offering and "Dynamic Scalable" is enabled.`)
	}
	if err := c.changeOffering(vm); err != nil {
		return nil, err
	}
	return c.vmResult(vm.ID), nil
}

func changeService(c *Call) (any, error) {
	id, err := startVM(c)
	if err != nil {
		return nil, err
	}
	vm, _ := c.VMs.Get(id)
	c.Made(id)
	if vm.State != VMStopped {
		return nil, Invalid("Unable to upgrade virtual machine %s  in state %s; make sure the virtual machine is stopped", c.vmText(vm), vm.State)
	}
	if err := c.changeOffering(vm); err != nil {
		return nil, err
	}
	return c.vmResult(id), nil
}

func (c *Call) changeOffering(vm VM) error {
	o, ok := c.ServiceOfferings.Get(c.Str("serviceofferingid"))
	if !ok {
		return Invalid("Unable to find service offering: %s", c.Str("serviceofferingid"))
	}
	if o.ID == vm.OfferingID && !o.Customized {
		return Invalid("Not upgrading vm %s since it already has the requested service offering (%s)", c.vmText(vm), o.Name)
	}
	vm.OfferingID, vm.CPUNumber, vm.CPUSpeed, vm.Memory = o.ID, o.CPUNumber, o.CPUSpeed, o.Memory
	if details := c.Map("details"); len(details) > 0 {
		vm.Details = maps.Clone(detailsObj(vm.Details))
		maps.Copy(vm.Details, details)
	}
	if err := c.customSize(o, &vm); err != nil {
		return err
	}
	c.VMs.Put(vm)
	for v := range c.Volumes.All() {
		if v.VMID == vm.ID && v.Type == volumeRoot {
			v.OfferingID = o.ID
			c.Volumes.Put(v)
		}
	}
	return nil
}

func resetPasswordJob(c *Call) (Obj, error) {
	vm, err := c.vmNow()
	if err != nil {
		return nil, err
	}
	t, _ := c.Templates.Any(vm.TemplateID)
	if !t.PasswordEnabled {
		return nil, Invalid("Fail to reset password for the virtual machine, the template is not password enabled")
	}
	if vm.State != VMStopped {
		return nil, Invalid("Vm %s should be stopped to do password reset", c.vmText(vm))
	}
	if c.Noted("password") == "" {
		c.Note("password", valueOr(c.Str("password"), newPassword()))
	}
	vm.Password = c.Noted("password")
	c.VMs.Put(vm)
	result := c.vmResult(vm.ID)
	result["virtualmachine"].(Obj)["password"] = vm.Password
	return result, nil
}

func startResetKey(c *Call) (string, error) {
	id, err := startVM(c)
	if err != nil {
		return "", err
	}
	vm, _ := c.VMs.Get(id)
	names := c.keyNames()
	if len(names) == 0 {
		return "", Invalid("Please provide either keypair or keypairs")
	}
	probe := vm
	if err := c.setKeys(&probe, names); err != nil {
		return "", err
	}
	return id, nil
}

func (c *Call) keyNames() []string {
	names := c.List("keypairs")
	if one := c.Str("keypair"); one != "" {
		names = append(names, one)
	}
	return names
}

func resetKeyJob(c *Call) (Obj, error) {
	vm, err := c.vmNow()
	if err != nil {
		return nil, err
	}
	if vm.State != VMStopped {
		return nil, Invalid("Vm %s should be stopped to do SSH Key reset", c.vmText(vm))
	}
	if err := c.setKeys(&vm, c.keyNames()); err != nil {
		return nil, err
	}
	c.VMs.Put(vm)
	result := c.vmResult(vm.ID)
	if t, _ := c.Templates.Any(vm.TemplateID); t.PasswordEnabled {
		result["virtualmachine"].(Obj)["password"] = vm.Password
	}
	return result, nil
}

// getVMPassword answers with the password encrypted by the machine's key pair; without one there is nothing to give.
func getVMPassword(c *Call) (any, error) {
	id, err := startVM(c)
	if err != nil {
		return nil, err
	}
	vm, _ := c.VMs.Get(id)
	if vm.Password == "" || len(vm.PublicKeys) == 0 {
		return nil, Invalid("No password for VM with id '%s' found.", vm.ID)
	}
	text, err := sealPassword(vm.PublicKeys[0], vm.Password)
	if err != nil {
		return nil, Invalid("No password for VM with id '%s' found.", vm.ID)
	}
	return Obj{"password": Obj{"encryptedpassword": text}}, nil
}

func getUserData(c *Call) (any, error) {
	vm, ok := c.VMs.Get(c.Str("virtualmachineid"))
	if !ok {
		return nil, Invalid("unable to find a virtual machine by id")
	}
	if err := c.Own(vm.Owner); err != nil {
		return nil, err
	}
	return Obj{"virtualmachineuserdata": Obj{"virtualmachineid": vm.ID}.Opt("userdata", vm.UserData)}, nil
}

// vmText is how a machine shows in the server's texts.
func (c *Call) vmText(vm VM) string {
	return `VM instance {"id":` + itoa(vm.N) + `,"instanceName":"` + vm.InstanceName + `","state":"` + vm.State + `","type":"User","uuid":"` + vm.ID + `"}`
}

// stoppedOrRunning tells whether a machine is in one of the states in which its disks may change.
func stoppedOrRunning(vm VM) bool { return slices.Contains([]string{VMRunning, VMStopped}, vm.State) }

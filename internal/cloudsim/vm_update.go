package cloudsim

import (
	"maps"
	"strconv"
)

func updateVM(c *Call) (any, error) {
	vm, ok := c.VMs.Get(c.Str("id"))
	if !ok {
		gone, _ := c.VMs.Any(c.Str("id"))
		return nil, Invalid("Unable to find UUID for id [%d] of type [VirtualMachine]", gone.N)
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
	if t, _ := c.Templates.Any(vm.TemplateID); c.Bool("isdynamicallyscalable", false) && !t.DynamicScaling {
		return Invalid("Dynamic Scaling cannot be enabled for the VM since its template does not have dynamic scaling enabled")
	}
	vm.DynamicScaling = c.Bool("isdynamicallyscalable", vm.DynamicScaling)
	vm.DeleteProtection = c.Bool("deleteprotection", vm.DeleteProtection)
	vm.HideDisplay = !c.Bool("displayvm", !vm.HideDisplay)
	vm.OSTypeID = c.Or("ostypeid", vm.OSTypeID)
	if err := c.amendSecurityGroups(vm); err != nil {
		return err
	}
	if c.Has("userdata") && c.Has("userdataid") {
		return Invalid("Both userdata and userdata ID inputs are not allowed, please provide only one")
	}
	if c.Has("userdata") {
		text, err := cleanUserData(c.Str("userdata"))
		if err != nil {
			return err
		}
		vm.UserData = text // the server goes on naming the registered user data
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
	if vm.State == VMRunning && !vm.DynamicScaling {
		return nil, Internal("Unable to scale %s as it does not have tools to support dynamic scaling.", c.vmText(vm))
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
	given := VM{CPUNumber: o.CPUNumber, CPUSpeed: o.CPUSpeed, Memory: o.Memory, Details: c.Map("details")}
	if err := c.customSize(o, &given); err != nil {
		return err
	}
	vm.CPUNumber, vm.CPUSpeed, vm.Memory = given.CPUNumber, given.CPUSpeed, given.Memory
	vm.Details = maps.Clone(detailsObj(vm.Details))
	maps.Copy(vm.Details, given.Details)
	if o.Customized {
		vm.Details["cpuNumber"], vm.Details["cpuSpeed"], vm.Details["memory"] = strconv.Itoa(vm.CPUNumber), strconv.Itoa(vm.CPUSpeed), strconv.Itoa(vm.Memory)
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

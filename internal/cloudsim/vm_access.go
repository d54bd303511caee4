package cloudsim

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

package cloudsim

import (
	"fmt"
	"slices"
)

// startNICChange is the first half of commands that change the cards of the machine named by virtualmachineid.
func startNICChange(c *Call) (string, error) {
	vm, ok := c.VMs.Get(c.Str("virtualmachineid"))
	if !ok {
		return "", Invalid("unable to find a virtual machine with id %s", c.Str("virtualmachineid"))
	}
	return vm.ID, c.Own(vm.Owner)
}

func addNICJob(c *Call) (Obj, error) {
	vm, err := c.vmNow()
	if err != nil {
		return nil, err
	}
	if c.hasVMSnapshot(vm.ID) {
		return nil, Invalid("NIC cannot be added to VM with VM Snapshots")
	}
	if !stoppedOrRunning(vm) {
		return nil, Internal("Unable to add NIC to a VM in state %s", vm.State)
	}
	n, _ := c.Networks.Get(c.Str("networkid"))
	if _, on := vm.NICOn(n.ID); on {
		return nil, Internal("A NIC already exists for VM:%s in network: %s", vm.InstanceName, n.ID)
	}
	if err := c.addCard(&vm, n.ID, c.Str("ipaddress"), c.Str("macaddress"), len(vm.NICs) == 0); err != nil {
		return nil, err
	}
	if err := c.uniqueHostName(vm); err != nil {
		return nil, Internal("Network %s already has a vm with host name: %s", n.Name, vm.Name)
	}
	c.VMs.Put(vm)
	if vm.State == VMRunning {
		if err := c.Implement(n.ID); err != nil {
			return nil, err
		}
		if vm, err = c.vmNow(); err != nil {
			return nil, err
		}
		c.plug(&vm, true)
		c.VMs.Put(vm)
	}
	c.NetworkChanged(n.ID)
	return Obj{"virtualmachine": c.jobOf(c.brief(vm.ID))}, nil
}

// cardOf finds a card of a machine by its id.
func cardOf(vm VM, id string) (int, bool) {
	i := slices.IndexFunc(vm.NICs, func(n NIC) bool { return n.ID == id })
	return i, i >= 0
}

func removeNICJob(c *Call) (Obj, error) {
	vm, err := c.vmNow()
	if err != nil {
		return nil, err
	}
	i, ok := cardOf(vm, c.Str("nicid"))
	if !ok {
		return nil, Invalid("unable to find nic with id %s", c.Str("nicid"))
	}
	nic := vm.NICs[i]
	n, _ := c.Networks.Any(nic.NetworkID)
	_, forwarded := c.Firewall.Find(func(r FirewallRule) bool { return r.VMID == vm.ID && r.NetworkID == n.ID })
	_, balanced := c.LBRules.Find(func(r LBRule) bool { return r.NetworkID == n.ID && r.has(vm.ID) })
	_, natted := c.PublicIPs.Find(func(p PublicIP) bool { return p.StaticNAT && p.VMID == vm.ID && p.NetworkID == n.ID })
	switch {
	case nic.IsDefault:
		return nil, Invalid("Unable to remove nic from %s in %s, nic is default.", c.vmText(vm), c.networkText(n))
	case forwarded || balanced || natted:
		return nil, Internal("Unable to remove nic from %s in %s, nic has associated Port forwarding or Load balancer or Static NAT rules.", c.vmText(vm), c.networkText(n))
	}
	vm.NICs = slices.Delete(slices.Clone(vm.NICs), i, i+1)
	c.VMs.Put(vm)
	c.NetworkChanged(n.ID)
	return Obj{"virtualmachine": c.brief(vm.ID)}, nil
}

func defaultNICJob(c *Call) (Obj, error) {
	vm, err := c.vmNow()
	if err != nil {
		return nil, err
	}
	i, ok := cardOf(vm, c.Str("nicid"))
	switch {
	case !ok:
		return nil, Invalid("unable to find nic with id %s", c.Str("nicid"))
	case vm.NICs[i].IsDefault:
		return nil, Internal("refusing to set default nic because chosen nic is already the default")
	case !stoppedOrRunning(vm):
		return nil, Internal("refusing to set default %s is not Running or Stopped", c.vmText(vm))
	}
	vm.NICs = slices.Clone(vm.NICs)
	for j := range vm.NICs {
		vm.NICs[j].IsDefault = j == i
	}
	c.VMs.Put(vm)
	return Obj{"virtualmachine": c.brief(vm.ID)}, nil
}

func listNICs(c *Call) (any, error) {
	vm, ok := c.VMs.Get(c.Str("virtualmachineid"))
	if !ok {
		return nil, Invalid("unable to find a virtual machine with id %s", c.Str("virtualmachineid"))
	}
	if err := c.Own(vm.Owner); err != nil {
		return nil, err
	}
	cards := slices.DeleteFunc(slices.Clone(vm.NICs), func(n NIC) bool { return !c.is("nicid", n.ID) || !c.is("networkid", n.NetworkID) })
	return Listing("nic", cards, func(n NIC) Obj {
		o := c.nicResponse(n)
		o["virtualmachineid"] = vm.ID
		if len(n.SecondaryIPs) == 0 {
			delete(o, "secondaryip") // only here
		}
		return o
	}), nil
}

// vmWithCard finds the machine that has a card.
func (c *Call) vmWithCard(nicID string) (VM, int, bool) {
	for v := range c.VMs.All() {
		if i, ok := cardOf(v, nicID); ok {
			return v, i, true
		}
	}
	return VM{}, 0, false
}

func startAddIP(c *Call) (string, error) {
	vm, i, ok := c.vmWithCard(c.Str("nicid"))
	if !ok {
		return "", Invalid("There is no nic for the %s", c.Str("nicid"))
	}
	if err := c.Own(vm.Owner); err != nil {
		return "", err
	}
	n, _ := c.Networks.Get(vm.NICs[i].NetworkID)
	ip, err := c.GuestAddress(n, c.Str("ipaddress"))
	if err != nil {
		return "", Fail(530, csServer, "Failed to assign secondary ip to nic")
	}
	s := SecondaryIP{ID: newUUID(), IPAddress: ip}
	vm.NICs = slices.Clone(vm.NICs)
	vm.NICs[i].SecondaryIPs = append(slices.Clone(vm.NICs[i].SecondaryIPs), s)
	c.VMs.Put(vm)
	return s.ID, nil
}

func addIPJob(c *Call) (Obj, error) {
	vm, i, ok := c.vmWithCard(c.Str("nicid"))
	if ok {
		for _, s := range vm.NICs[i].SecondaryIPs {
			if s.ID == c.EntityID {
				return Obj{"nicsecondaryip": Obj{"id": s.ID, "ipaddress": s.IPAddress, "nicid": c.Str("nicid"), "networkid": vm.NICs[i].NetworkID}}, nil
			}
		}
	}
	return nil, Internal("Failed to assign secondary ip to nic")
}

func startRemoveIP(c *Call) (string, error) {
	for v := range c.VMs.All() {
		for _, n := range v.NICs {
			if slices.ContainsFunc(n.SecondaryIPs, func(s SecondaryIP) bool { return s.ID == c.Str("id") }) {
				return c.Str("id"), c.Own(v.Owner)
			}
		}
	}
	return "", errNoEntity(c.Label(), "id", c.Str("id"))
}

func removeIPJob(c *Call) (Obj, error) {
	for v := range c.VMs.All() {
		for i, n := range v.NICs {
			left := slices.DeleteFunc(slices.Clone(n.SecondaryIPs), func(s SecondaryIP) bool { return s.ID == c.EntityID })
			if len(left) == len(n.SecondaryIPs) {
				continue
			}
			v.NICs = slices.Clone(v.NICs)
			v.NICs[i].SecondaryIPs = left
			c.VMs.Put(v)
			c.NetworkChanged(n.NetworkID)
		}
	}
	return Success(), nil
}

// networkText is how a network shows in the server's texts.
func (c *Call) networkText(n Network) string {
	return fmt.Sprintf(`Network {"id": %d, "name": "%s", "uuid": "%s", "networkofferingid": %d}`, n.N, n.Name, n.ID, c.offeringNumber(n))
}

func startNICIP(c *Call) (string, error) {
	vm, _, ok := c.vmWithCard(c.Str("nicid"))
	if !ok {
		return "", Invalid("There is no nic for the %s", c.Str("nicid"))
	}
	return vm.ID, c.Own(vm.Owner)
}

// updateNICIPJob gives a card of a stopped machine another address.
func updateNICIPJob(c *Call) (Obj, error) {
	vm, i, ok := c.vmWithCard(c.Str("nicid"))
	if !ok {
		return nil, Invalid("There is no nic for the %s", c.Str("nicid"))
	}
	n, _ := c.Networks.Get(vm.NICs[i].NetworkID)
	switch {
	case n.Type == "L2":
		return nil, Invalid("UpdateVmNicIpCmd is not supported in L2 network")
	case vm.State != VMStopped:
		return nil, Invalid("VM is not Stopped, unable to update the vm nic having the specified id")
	}
	if c.Str("ipaddress") == vm.NICs[i].IPAddress {
		return Obj{"virtualmachine": restricted(c.brief(vm.ID))}, nil
	}
	ip, err := c.GuestAddress(n, c.Str("ipaddress"))
	if err != nil {
		nic := vm.NICs[i]
		return nil, Invalid(`Allocating ip to guest nic Nic {"broadcastUri":null,"deviceId":%d,"iPv4Address":"%s","id":%d,"instanceId":%d,"reservationId":null,"uuid":"%s"} failed, please choose another ip`, nic.DeviceID, nic.IPAddress, nic.N, vm.N, nic.ID)
	}
	vm.NICs = slices.Clone(vm.NICs)
	vm.NICs[i].IPAddress = ip
	c.VMs.Put(vm)
	c.NetworkChanged(n.ID)
	return Obj{"virtualmachine": restricted(c.brief(vm.ID))}, nil
}

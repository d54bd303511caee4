package cloudsim

import (
	"slices"
)

// chooseNetworks finds the networks and their addresses.
func chooseNetworks(c *Call, d *deployment) error {
	wanted := c.List("networkids")
	addresses := map[string]string{}
	if entries := c.Maps("iptonetworklist"); len(entries) > 0 {
		if len(wanted) > 0 || c.Str("ipaddress") != "" {
			return Invalid("ipToNetworkMap can't be specified along with networkIds or ipAddress")
		}
		for _, e := range entries {
			id := e["networkid"]
			if _, ok := c.Networks.Get(id); !ok {
				return Invalid("Unable to find network by id %s", id)
			}
			wanted = append(wanted, id)
			addresses[id] = e["ip"]
		}
	}
	if len(wanted) == 0 {
		n, err := c.onlyNetwork(d.vm)
		if err != nil {
			return err
		}
		wanted = []string{n.ID}
	}
	if ip := c.Str("ipaddress"); ip != "" {
		addresses[wanted[0]] = ip
	}
	for i, id := range wanted {
		if err := c.addCard(&d.vm, id, addresses[id], c.Str("macaddress"), i == 0); err != nil {
			return err
		}
	}
	if d.vm.UserData == "" {
		return nil
	}
	n, _ := c.Networks.Get(wanted[0])
	if o, _ := c.NetworkOfferings.Any(n.OfferingID); !o.Has("UserData") {
		return Invalid("Unable to deploy VM as UserData is provided while deploying the VM, but there is no support for UserData service in the default network %d/%s.", n.N, n.ID)
	}
	return nil
}

// addCard gives a machine a network card with the requested address, or a free one.
func (c *Call) addCard(vm *VM, networkID, address, mac string, isDefault bool) error {
	n, ok := c.Networks.Get(networkID)
	if !ok {
		return Invalid("Unable to find network by id %s", networkID)
	}
	if n.ACLType != "Domain" && c.Own(n.Owner) != nil && !c.permitted(n) {
		return Denied("Unable to use network with id= %s, permission denied", n.ID)
	}
	if n.ZoneID != vm.ZoneID {
		zone, _ := c.Zones.Any(vm.ZoneID)
		return Invalid("Network %s doesn't belong to zone %s", n.Name, zone.Name)
	}
	if _, on := vm.NICOn(n.ID); on {
		return Invalid("A NIC already exists for VM:%s in network: %s", vm.InstanceName, n.ID)
	}
	ip, err := c.GuestAddress(n, address)
	if err != nil {
		return err
	}
	device := 0
	for _, nic := range vm.NICs {
		device = max(device, nic.DeviceID+1)
	}
	vm.NICs = append(slices.Clone(vm.NICs), NIC{ID: newUUID(), N: vm.N*10 + int64(device), NetworkID: n.ID, IPAddress: ip,
		MAC: valueOr(mac, newMAC("02:02")), DeviceID: device, IsDefault: isDefault, VLAN: n.VLAN})
	return nil
}

// onlyNetwork is the account's single isolated network; it is made if there is none.
func (c *Call) onlyNetwork(vm VM) (Network, error) {
	own := c.Networks.Where(func(n Network) bool {
		return n.AccountID == vm.AccountID && n.ZoneID == vm.ZoneID && n.Type == "Isolated" && n.VPCID == ""
	})
	a, _ := c.Accounts.Get(vm.AccountID)
	switch len(own) {
	case 1:
		return own[0], nil
	case 0:
	default:
		return Network{}, Invalid("More than 1 default Isolated networks are found for account %s; please specify networkIds", accountText(a))
	}
	o, ok := c.NetworkOfferings.Find(func(o NetworkOffering) bool {
		return o.Availability == "Required" && o.GuestIPType == "Isolated" && o.State == "Enabled" && !o.ForVPC && o.Has("SourceNat")
	})
	if !ok {
		return Network{}, Invalid("Unable to find network offering with availability=Required to automatically create the network as a part of vm creation")
	}
	made := *c
	name := a.Name + "-network"
	made.Params = Params{"name": name, "displaytext": name, "networkofferingid": o.ID, "zoneid": vm.ZoneID, "account": a.Name, "domainid": a.DomainID}
	out, err := createNetwork(&made)
	if err != nil {
		return Network{}, err
	}
	id, _ := out.(Obj)["network"].(Obj)["id"].(string)
	n, _ := c.Networks.Get(id)
	return n, nil
}

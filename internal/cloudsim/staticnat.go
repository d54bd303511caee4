package cloudsim

// staticNATCommands bind a public address to one machine.
var staticNATCommands = map[string]command{
	"enableStaticNat": {run: enableStaticNAT, event: "STATICNAT.ENABLE"},
	"disableStaticNat": {start: startDisableStaticNAT, job: disableStaticNATJob,
		queue: queueOfIP("ipaddressid"), address: addressOf("ipaddressid"), event: "STATICNAT.DISABLE"},
}

func enableStaticNAT(c *Call) (any, error) {
	ip, _ := c.PublicIPs.Get(c.Str("ipaddressid"))
	vm, ok := c.VMs.Get(c.Str("virtualmachineid"))
	if !ok {
		return nil, Invalid("Can't enable static nat for the address id=%d, invalid virtual machine id specified (%s).", ip.N, c.Str("virtualmachineid"))
	}
	for _, o := range []Owner{ip.Owner, vm.Owner} {
		if err := c.Own(o); err != nil {
			return nil, err
		}
	}
	c.Made(ip.ID)
	if ip.StaticNAT && ip.VMID == vm.ID {
		return Success(), nil
	}
	networkID := valueOr(c.Str("networkid"), ip.NetworkID)
	nic, on := vm.NICOn(networkID)
	if networkID == "" || !on {
		return nil, Invalid("Vm doesn't belong to the network with specified id")
	}
	if err := c.checkStaticNAT(ip, vm); err != nil {
		return nil, err
	}
	ip.VMAddress = nic.IPAddress
	if guest := c.Str("vmguestip"); guest != "" {
		if !nic.has(guest) {
			return nil, Invalid("Vm doesn't have guest ip %s", guest)
		}
		ip.VMAddress = guest
	}
	ip.NetworkID, ip.StaticNAT, ip.VMID = networkID, true, vm.ID
	c.PublicIPs.Put(ip)
	c.NetworkChanged(networkID)
	return Success(), nil
}

func (c *Call) checkStaticNAT(ip PublicIP, vm VM) error {
	if ip.SourceNAT {
		return Invalid("Can't enable static, ip address %s is a sourceNat ip address", c.ipText(ip))
	}
	if purpose := c.rulesOn(ip); purpose != "" {
		return Fail(537, csServer, "Failed to enable static nat for the ip address %s as it already has %s rules assigned", c.ipText(ip), purpose)
	}
	if ip.StaticNAT {
		return Fail(537, csServer, "Failed to enable static for the ip address %s and vm id=%d as it's already assigned to antoher vm", c.ipText(ip), vm.N)
	}
	other, taken := c.PublicIPs.Find(func(p PublicIP) bool { return p.StaticNAT && p.VMID == vm.ID && p.NetworkID == ip.NetworkID })
	if taken {
		return Fail(537, csServer, "Failed to enable static nat on the  ip %s with Id %s as the vm %s with Id %s is already associated with another public ip %s with id %s",
			ip.Address, ip.ID, vm.Name, vm.ID, other.Address, other.ID)
	}
	return nil
}

// rulesOn is the purpose of the rules an address has; "" if none that exclude static NAT.
func (c *Call) rulesOn(ip PublicIP) string {
	if _, ok := c.Firewall.Find(func(r FirewallRule) bool { return r.IPAddressID == ip.ID && r.Purpose == PurposePortForwarding }); ok {
		return PurposePortForwarding
	}
	if _, ok := c.LBRules.Find(func(r LBRule) bool { return r.PublicIPID == ip.ID }); ok {
		return PurposeLoadBalancing
	}
	return ""
}

func startDisableStaticNAT(c *Call) (string, error) {
	ip, _ := c.PublicIPs.Get(c.Str("ipaddressid"))
	return ip.ID, c.Own(ip.Owner)
}

func disableStaticNATJob(c *Call) (Obj, error) {
	ip, _ := c.PublicIPs.Get(c.EntityID)
	if !ip.StaticNAT {
		return nil, Invalid("Specified IP address id is not associated with any vm Id")
	}
	c.endStaticNAT(ip)
	return Success(), nil
}

// endStaticNAT loosens an address from its machine.
func (c *Call) endStaticNAT(ip PublicIP) {
	c.forgetIPForwarding(ip)
	ip.StaticNAT, ip.VMID, ip.VMAddress = false, "", ""
	c.PublicIPs.Put(ip)
	c.NetworkChanged(ip.NetworkID)
}

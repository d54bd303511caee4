package cloudsim

import (
	"strconv"
	"strings"
)

// portForwardCommands forward ports of a public address to a machine.
var portForwardCommands = map[string]command{
	"createPortForwardingRule": {start: startCreatePortForward, job: createRuleJob("portforwardingrule", "Failed to apply port forwarding rule", (*Call).portForwardResponse), creates: true,
		queue: queueOfIP("ipaddressid"), address: addressOf("ipaddressid"), event: "NET.RULEADD"},
	"listPortForwardingRules": {run: listRules(PurposePortForwarding), id: kindPortForward},
	"updatePortForwardingRule": {start: startRuleByID, job: updatePortForwardJob, id: kindPortForward,
		queue: queueOfRule, address: addressOfRule, event: "NET.RULEMODIFY"},
	"deletePortForwardingRule": {start: startRuleByID, job: deleteRuleJob, id: kindPortForward,
		queue: queueOfRule, address: addressOfRule, event: "NET.RULEDELETE"},
}

// ipText is how an address shows in texts.
func (c *Call) ipText(ip PublicIP) string {
	zone, _ := c.Zones.Any(ip.ZoneID)
	return `IPAddress {"address":"` + ip.Address + `","dataCenterId":` + strconv.FormatInt(zone.N, 10) + `,"id":` + strconv.FormatInt(ip.N, 10) + `,"uuid":"` + ip.ID + `"}`
}

func startCreatePortForward(c *Call) (string, error) {
	ip, _ := c.PublicIPs.Get(c.Str("ipaddressid"))
	vm, ok := c.VMs.Get(c.Str("virtualmachineid"))
	if !ok || vm.State == VMDestroyed || vm.State == VMExpunging {
		return "", Invalid("Invalid user vm: %s", c.Str("virtualmachineid"))
	}
	for _, o := range []Owner{ip.Owner, vm.Owner} {
		if err := c.Own(o); err != nil {
			return "", err
		}
	}
	if ip.StaticNAT {
		return "", Invalid("Unable to create port forwarding rule; ip %s has static nat enabled", c.ipText(ip))
	}
	if ip.NetworkID == "" && ip.VPCID != "" {
		ip = c.bindToTier(ip, vm)
	}
	if ip.NetworkID == "" {
		return "", Invalid("Unable to create port forwarding rule ; ip with specified id is not associated with any network")
	}
	nic, ok := vm.NICOn(ip.NetworkID)
	if !ok {
		return "", Invalid("Vm doesn't belong to network associated with ipAddress")
	}
	r := FirewallRule{Base: c.Firewall.NewBase(), Owner: ip.Owner, Purpose: PurposePortForwarding, State: RuleAdd, NetworkID: ip.NetworkID,
		IPAddressID: ip.ID, VMID: vm.ID, VMAddress: nic.IPAddress, CIDRs: c.List("cidrlist"), HideDisplay: !c.Bool("fordisplay", true)}
	if err := c.fillPortForward(&r, nic); err != nil {
		return "", err
	}
	if err := c.PortConflict(ip.ID, PurposePortForwarding, r.Protocol, r.StartPort, r.EndPort, ""); err != nil {
		return "", err
	}
	c.Firewall.Put(r)
	if c.Bool("openfirewall", ip.VPCID == "") {
		if err := c.OpenFirewall(ip, r.Protocol, r.StartPort, r.EndPort, r.CIDRs, r.ID); err != nil {
			return "", err
		}
	}
	return r.ID, nil
}

// bindToTier gives an address of a VPC that no tier uses yet to the tier of a machine.
func (c *Call) bindToTier(ip PublicIP, vm VM) PublicIP {
	for _, nic := range vm.NICs {
		if n, ok := c.Networks.Get(nic.NetworkID); ok && n.VPCID == ip.VPCID && (!c.Has("networkid") || c.Str("networkid") == n.ID) {
			ip.NetworkID = n.ID
			c.PublicIPs.Put(ip)
			break
		}
	}
	return ip
}

func (c *Call) fillPortForward(r *FirewallRule, nic NIC) error {
	n, _ := c.Networks.Get(r.NetworkID)
	zone, _ := c.Zones.Get(n.ZoneID)
	r.Protocol, r.HasPorts = strings.ToLower(c.Str("protocol")), true
	r.StartPort = c.Int("publicport", 0)
	r.EndPort = c.Int("publicendport", r.StartPort)
	r.PrivateStart = c.Int("privateport", 0)
	r.PrivateEnd = c.Int("privateendport", r.PrivateStart)
	if err := checkPorts(r.StartPort, r.EndPort); err != nil {
		return err
	}
	if r.PrivateStart < 1 || r.PrivateStart > 65535 {
		return Invalid("privatePort is an invalid value: %d", r.PrivateStart)
	}
	if r.EndPort-r.StartPort != r.PrivateEnd-r.PrivateStart {
		return Invalid("Source port and destination port ranges should be of equal sizes.")
	}
	if r.EndPort != r.StartPort && r.PrivateStart != r.StartPort {
		return Invalid("Private port start should be equal to public port start")
	}
	if r.Protocol != "tcp" && r.Protocol != "udp" {
		return Invalid("Protocol %s is not supported in zone %d", c.Str("protocol"), zone.N)
	}
	for _, cidr := range r.CIDRs {
		if !validCIDR(cidr) {
			return BadParam("Source CIDRs formatting error %s", cidr)
		}
	}
	if ip := c.Str("vmguestip"); ip != "" {
		if !nic.has(ip) {
			return Invalid("IP Address is not in the VM nic's network ")
		}
		r.VMAddress = ip
	}
	return nil
}

// has reports whether a network card carries an address.
func (n NIC) has(ip string) bool {
	if n.IPAddress == ip {
		return true
	}
	for _, s := range n.SecondaryIPs {
		if s.IPAddress == ip {
			return true
		}
	}
	return false
}

func updatePortForwardJob(c *Call) (Obj, error) {
	r, ok := c.Firewall.Get(c.EntityID)
	if !ok {
		return nil, Internal("Unable to find the rule to update")
	}
	if id := c.Str("virtualmachineid"); id != "" {
		vm, ok := c.VMs.Get(id)
		nic, on := vm.NICOn(r.NetworkID)
		if !ok || !on {
			return nil, Invalid("Vm doesn't belong to network associated with ipAddress")
		}
		r.VMID, r.VMAddress = vm.ID, nic.IPAddress
	}
	if c.Has("vmguestip") {
		r.VMAddress = c.Str("vmguestip")
	}
	if c.Has("privateport") {
		size := r.EndPort - r.StartPort
		r.PrivateStart = c.Int("privateport", r.PrivateStart)
		r.PrivateEnd = c.Int("privateendport", r.PrivateStart+size)
		if r.PrivateEnd-r.PrivateStart != size {
			return nil, Invalid("Source port and destination port ranges should be of equal sizes.")
		}
	}
	if c.Has("cidrlist") {
		r.CIDRs = c.List("cidrlist")
	}
	r.HideDisplay = !c.Bool("fordisplay", !r.HideDisplay)
	c.Firewall.Put(r)
	c.NetworkChanged(r.NetworkID)
	return Obj{"portforwardingrule": c.portForwardResponse(r)}, nil
}

// portForwardResponse is a port forwarding rule as the API shows it: ports are texts.
func (c *Call) portForwardResponse(r FirewallRule) Obj {
	o := Obj{"id": r.ID, "protocol": r.Protocol, "publicport": strconv.Itoa(r.StartPort), "publicendport": strconv.Itoa(r.EndPort),
		"privateport": strconv.Itoa(r.PrivateStart), "privateendport": strconv.Itoa(r.PrivateEnd), "networkid": r.NetworkID,
		"state": r.State, "cidrlist": strings.Join(r.CIDRs, ","), "tags": c.tagsOf("PortForwardingRule", r.ID), "vmguestip": r.VMAddress}
	if ip, ok := c.PublicIPs.Any(r.IPAddressID); ok {
		o["ipaddressid"], o["ipaddress"] = ip.ID, ip.Address
	}
	if v, ok := c.VMs.Any(r.VMID); ok {
		o["virtualmachineid"], o["virtualmachinename"], o["virtualmachinedisplayname"] = v.ID, v.Name, v.DisplayName
	}
	if c.Caller.Root() {
		o["fordisplay"] = !r.HideDisplay
	}
	return o
}

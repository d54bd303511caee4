package cloudsim

import (
	"slices"
	"strings"
)

// ipForwardingCommands are the rules of a statically translated address: from before firewall rules existed, and still what
// some clients ask for.
var ipForwardingCommands = map[string]command{
	"createIpForwardingRule": {start: startCreateIPForwarding, job: createRuleJob("ipforwardingrule", "Failed to apply static nat rule", (*Call).ipForwardingResponse), creates: true,
		queue: queueOfIP("ipaddressid"), address: addressOf("ipaddressid"), event: "NET.RULEADD"},
	"listIpForwardingRules": {run: listIPForwarding, id: kindIPForwarding},
	"deleteIpForwardingRule": {start: startRuleByID, job: deleteRuleJob, id: kindIPForwarding,
		queue: queueOfRule, address: addressOfRule, event: "NET.RULEDELETE"},
}

func startCreateIPForwarding(c *Call) (string, error) {
	ip, _ := c.PublicIPs.Get(c.Str("ipaddressid"))
	if err := c.Own(ip.Owner); err != nil {
		return "", err
	}
	if ip.SourceNAT || !ip.StaticNAT {
		return "", Fail(537, csServer, "Can't do static nat on ip address: %s", ip.Address)
	}
	r := FirewallRule{Base: c.Firewall.NewBase(), Owner: ip.Owner, Purpose: PurposeStaticNAT, State: RuleAdd, NetworkID: ip.NetworkID,
		IPAddressID: ip.ID, VMID: ip.VMID, VMAddress: ip.VMAddress, CIDRs: c.List("cidrlist")}
	if err := c.fillRule(&r); err != nil {
		return "", err
	}
	for o := range c.Firewall.All() {
		same := o.Purpose == r.Purpose && o.IPAddressID == r.IPAddressID && o.Protocol == r.Protocol
		if same && o.StartPort <= r.EndPort && r.StartPort <= o.EndPort {
			return "", RuleConflict("%s", rangeText(r.StartPort, r.EndPort, c.ruleText(o), o.StartPort, o.EndPort))
		}
	}
	c.Firewall.Put(r)
	if c.Bool("openfirewall", true) {
		if err := c.OpenFirewall(ip, r.Protocol, r.StartPort, r.EndPort, r.CIDRs, r.ID); err != nil {
			return "", err
		}
	}
	return r.ID, nil
}

func listIPForwarding(c *Call) (any, error) {
	rows, err := Visible(c, c.Firewall.Where(func(r FirewallRule) bool {
		return r.Purpose == PurposeStaticNAT && c.is("id", r.ID) && c.is("ipaddressid", r.IPAddressID) && c.is("virtualmachineid", r.VMID)
	}))
	if err != nil {
		return nil, err
	}
	slices.Reverse(rows) // newest first
	return Listing("ipforwardingrule", rows, c.ipForwardingResponse), nil
}

// ipForwardingResponse is such a rule as the API shows it.
func (c *Call) ipForwardingResponse(r FirewallRule) Obj {
	o := Obj{"id": r.ID, "protocol": r.Protocol, "startport": r.StartPort, "endport": r.EndPort, "networkid": r.NetworkID,
		"state": r.State, "cidrlist": strings.Join(r.CIDRs, ","), "tags": c.tagsOf("FirewallRule", r.ID), "vmguestip": r.VMAddress}
	if ip, ok := c.PublicIPs.Any(r.IPAddressID); ok {
		o["ipaddressid"], o["ipaddress"] = ip.ID, ip.Address
	}
	if v, ok := c.VMs.Any(r.VMID); ok {
		o["virtualmachineid"], o["virtualmachinename"], o["virtualmachinedisplayname"] = v.ID, v.Name, v.DisplayName
	}
	return o
}

// forgetIPForwarding takes the rules of an address away when it is translated no longer.
func (c *Call) forgetIPForwarding(ip PublicIP) {
	for _, r := range c.Firewall.Where(func(r FirewallRule) bool { return r.Purpose == PurposeStaticNAT && r.IPAddressID == ip.ID }) {
		c.forgetRule(r)
	}
}

package cloudsim

import (
	"slices"
	"strings"
)

// firewallCommands are firewall rules of public addresses and egress rules of networks.
var firewallCommands = map[string]command{
	"createFirewallRule": {start: startCreateFirewall, job: createRuleJob("firewallrule", "Failed to create firewall rule", (*Call).ruleResponse), creates: true,
		queue: queueOfIP("ipaddressid"), address: addressOf("ipaddressid"), event: "FIREWALL.OPEN"},
	"listFirewallRules": {run: listRules(PurposeFirewall), id: kindFirewallRule},
	"updateFirewallRule": {start: startRuleByID, job: displayRuleJob(), id: kindFirewallRule,
		queue: queueOfRule, event: "FIREWALL.UPDATE"},
	"deleteFirewallRule": {start: startRuleByID, job: deleteRuleJob, id: kindFirewallRule,
		queue: queueOfRule, address: addressOfRule, event: "FIREWALL.CLOSE"},
	"createEgressFirewallRule": {start: startCreateEgress, job: createRuleJob("firewallrule", "Failed to create firewall rule", (*Call).ruleResponse), creates: true,
		queue: queueNetworkParam, event: "FIREWALL.EGRESS.OPEN"},
	"listEgressFirewallRules": {run: listRules(PurposeEgress), id: kindEgressRule},
	"updateEgressFirewallRule": {start: startRuleByID, job: displayRuleJob(), id: kindEgressRule,
		queue: queueOfRule, event: "FIREWALL.EGRESS.UPDATE"},
	"deleteEgressFirewallRule": {start: startRuleByID, job: deleteRuleJob, id: kindEgressRule,
		queue: queueOfRule, event: "FIREWALL.EGRESS.CLOSE"},
}

func queueOfRule(c *Call) string {
	r, _ := c.Firewall.Get(c.Str("id"))
	return queueNetwork(r.NetworkID)
}

func addressOfRule(c *Call) string {
	r, _ := c.Firewall.Get(c.Str("id"))
	return r.IPAddressID
}

func startCreateFirewall(c *Call) (string, error) {
	ip, _ := c.PublicIPs.Get(c.Str("ipaddressid"))
	if ip.State != IPFree {
		if err := c.Own(ip.Owner); err != nil {
			return "", err
		}
	}
	if ip.NetworkID == "" && ip.VPCID == "" {
		return "", Invalid("Unable to create firewall rule for the IP address ID=%d as IP is not associated with any network and no networkId is passed in", ip.N)
	}
	if ip.VPCID != "" {
		return "", Invalid("There is no new provider for IP %s of service Firewall!", ip.Address)
	}
	r := FirewallRule{Base: c.Firewall.NewBase(), Owner: ip.Owner, Purpose: PurposeFirewall, State: RuleAdd, NetworkID: ip.NetworkID,
		IPAddressID: ip.ID, CIDRs: c.List("cidrlist")}
	if len(r.CIDRs) == 0 {
		r.CIDRs = []string{"0.0.0.0/0"}
	}
	for _, cidr := range r.CIDRs {
		if !validCIDR(cidr) {
			return "", BadParam("Source CIDRs formatting error %s", cidr)
		}
	}
	if err := c.fillRule(&r); err != nil {
		return "", err
	}
	if err := c.firewallConflict(r); err != nil {
		return "", err
	}
	c.Firewall.Put(r)
	return r.ID, nil
}

// fillRule reads and checks protocol, ports, ICMP type and visibility of a firewall or egress rule.
func (c *Call) fillRule(r *FirewallRule) error {
	n, _ := c.Networks.Get(r.NetworkID)
	zone, _ := c.Zones.Get(n.ZoneID)
	r.Protocol = strings.ToLower(c.Str("protocol"))
	r.HideDisplay = !c.Bool("fordisplay", true)
	r.HasPorts = c.Has("startport") || c.Has("endport")
	if r.HasPorts {
		r.StartPort = c.Int("startport", c.Int("endport", 0))
		r.EndPort = c.Int("endport", r.StartPort)
		if err := checkPorts(r.StartPort, r.EndPort); err != nil {
			return err
		}
	}
	known := []string{"tcp", "udp", "icmp"}
	if r.Purpose == PurposeEgress {
		known = append(known, "all")
	}
	if !slices.Contains(known, r.Protocol) {
		return Invalid("Protocol %s is not supported in zone %d", c.Str("protocol"), zone.N)
	}
	if r.Protocol != "icmp" {
		if c.Has("icmptype") || c.Has("icmpcode") {
			return Invalid("Can specify icmpCode and icmpType for ICMP protocol only")
		}
		return nil
	}
	if r.HasPorts {
		return Invalid("Can't specify start/end port when protocol is ICMP")
	}
	kind, code := c.Int("icmptype", -1), c.Int("icmpcode", -1)
	r.ICMPType, r.ICMPCode = &kind, &code
	return nil
}

func checkPorts(start, end int) error {
	switch {
	case start < 1 || start > 65535:
		return Invalid("publicPort is an invalid value: %d", start)
	case end < 1 || end > 65535:
		return Invalid("Public port range is an invalid value: %d", end)
	case start > end:
		return Invalid("Start port can't be bigger than end port")
	}
	return nil
}

func startCreateEgress(c *Call) (string, error) {
	n, ok := c.Networks.Get(c.Str("networkid"))
	if !ok {
		return "", Invalid("Invalid networkId is given")
	}
	if err := c.Own(n.Owner); err != nil {
		return "", err
	}
	o, _ := c.NetworkOfferings.Any(n.OfferingID)
	if n.Type != "Isolated" {
		return "", Invalid("Egress firewall rules are not supported for %s  networks", n.Type)
	}
	if n.VPCID != "" || !o.Has("Firewall") {
		return "", Invalid("Unable to create firewall rule for the network id=[%s] as firewall egress rule can be created only for non VPC networks.", n.ID)
	}
	if strings.EqualFold(c.Str("protocol"), "all") && (c.Has("startport") || c.Has("endport")) {
		return "", Invalid("Unable to create firewall rule for the network id=[%s] due to: ports must not be informed to protocol ALL, as it does not require them.", n.ID)
	}
	r := FirewallRule{Base: c.Firewall.NewBase(), Owner: n.Owner, Purpose: PurposeEgress, State: RuleAdd, NetworkID: n.ID,
		CIDRs: c.List("cidrlist"), DestCIDRs: c.List("destcidrlist")}
	if err := checkEgressCIDRs(&r, n); err != nil {
		return "", err
	}
	if err := c.fillRule(&r); err != nil {
		return "", err
	}
	if err := c.firewallConflict(r); err != nil {
		return "", err
	}
	c.Firewall.Put(r)
	return r.ID, nil
}

func checkEgressCIDRs(r *FirewallRule, n Network) error {
	if len(r.CIDRs) == 0 {
		r.CIDRs = []string{n.CIDR}
	}
	for _, cidr := range r.CIDRs {
		if !validCIDR(cidr) {
			return BadParam("Source CIDRs formatting error [%s].", cidr)
		}
		if cidr != "0.0.0.0/0" && !withinText(cidr, n.CIDR) {
			return BadParam("[%s] is not within the guest CIDR [%s]. ", cidr, n.CIDR)
		}
	}
	for _, cidr := range r.DestCIDRs {
		if !validCIDR(cidr) {
			return BadParam("Destination CIDRs formatting error [%s].", cidr)
		}
	}
	return nil
}

// firewallConflict refuses a rule that covers what another one of its kind covers. Rules of other purposes never matter.
func (c *Call) firewallConflict(r FirewallRule) error {
	for o := range c.Firewall.All() {
		same := o.Purpose == r.Purpose && o.NetworkID == r.NetworkID && o.IPAddressID == r.IPAddressID && o.Protocol == r.Protocol && o.ID != r.ID
		if !same || !overlap(o.CIDRs, r.CIDRs) || len(o.DestCIDRs)+len(r.DestCIDRs) > 0 && !overlap(orAny(o.DestCIDRs), orAny(r.DestCIDRs)) {
			continue
		}
		if r.Protocol == "icmp" {
			if *o.ICMPType == *r.ICMPType && *o.ICMPCode == *r.ICMPCode {
				return Invalid("New rule conflicts with existing rule: %s", c.ruleText(o))
			}
			continue
		}
		if !o.HasPorts || !r.HasPorts {
			return c.firewallRefusal(r, "There is already a firewall rule specified with protocol = "+r.Protocol+" and no ports")
		}
		if o.StartPort <= r.EndPort && r.StartPort <= o.EndPort {
			return c.firewallRefusal(r, rangeText(r.StartPort, r.EndPort, c.ruleText(o), o.StartPort, o.EndPort))
		}
	}
	return nil
}

// firewallRefusal is 4360 for ingress and 9999 for egress rules, as measured.
func (c *Call) firewallRefusal(r FirewallRule, text string) error {
	e := RuleConflict("%s", text)
	if r.Purpose == PurposeEgress {
		e.CS = csServer
	}
	return e
}

func orAny(cidrs []string) []string {
	if len(cidrs) == 0 {
		return []string{"0.0.0.0/0"}
	}
	return cidrs
}

// createRuleJob puts a rule on the router, or takes it away again if the router refuses; failure is what the cloud says then.
func createRuleJob(key, failure string, response func(*Call, FirewallRule) Obj) func(*Call) (Obj, error) {
	return func(c *Call) (Obj, error) {
		r, ok := c.Firewall.Get(c.EntityID)
		if !ok {
			return nil, Internal("%s", failure)
		}
		if err := c.RouterReady(r.NetworkID, failure); err != nil {
			c.forgetRule(r)
			if commitErr := c.Commit(); commitErr != nil {
				return nil, commitErr
			}
			return nil, err
		}
		r.State = RuleActive
		c.Firewall.Put(r)
		c.NetworkChanged(r.NetworkID)
		return Obj{key: response(c, r)}, nil
	}
}

func startRuleByID(c *Call) (string, error) {
	r, _ := c.Firewall.Get(c.Str("id"))
	return r.ID, c.Own(r.Owner)
}

func displayRuleJob() func(*Call) (Obj, error) {
	return displayJob("firewallrule", func(c *Call) *Table[FirewallRule] { return c.Firewall },
		func(r *FirewallRule) *bool { return &r.HideDisplay }, (*Call).ruleResponse)
}

func deleteRuleJob(c *Call) (Obj, error) {
	r, ok := c.Firewall.Get(c.EntityID)
	if !ok {
		return Success(), nil
	}
	if err := c.RouterReady(r.NetworkID, "Failed to delete firewall rule"); err != nil {
		return nil, err
	}
	c.forgetRule(r)
	return Success(), nil
}

// tagTypeOf is the resource type under which a rule's tags are kept.
func tagTypeOf(r FirewallRule) string {
	if r.Purpose == PurposePortForwarding {
		return "PortForwardingRule"
	}
	return "FirewallRule"
}

func listRules(purpose string) func(*Call) (any, error) {
	return func(c *Call) (any, error) {
		rows, err := Visible(c, c.Firewall.Where(func(r FirewallRule) bool {
			return r.Purpose == purpose && c.is("id", r.ID) && c.is("ipaddressid", r.IPAddressID) && c.is("networkid", r.NetworkID) &&
				c.isBool("fordisplay", !r.HideDisplay) && c.matchTags(tagTypeOf(r), r.ID)
		}))
		if err != nil {
			return nil, err
		}
		slices.Reverse(rows) // newest first
		if purpose == PurposePortForwarding {
			return Listing("portforwardingrule", rows, c.portForwardResponse), nil
		}
		return Listing("firewallrule", rows, c.ruleResponse), nil
	}
}

// ruleResponse is a firewall or egress rule as the API shows it.
func (c *Call) ruleResponse(r FirewallRule) Obj {
	o := Obj{"id": r.ID, "protocol": r.Protocol, "networkid": r.NetworkID, "state": r.State, "cidrlist": strings.Join(r.CIDRs, ","),
		"tags": c.tagsOf("FirewallRule", r.ID), "destcidrlist": strings.Join(r.DestCIDRs, ","), "traffictype": "Ingress"}
	if r.Purpose == PurposeEgress {
		o["traffictype"] = "Egress"
	}
	if ip, ok := c.PublicIPs.Any(r.IPAddressID); ok {
		o["ipaddressid"], o["ipaddress"] = ip.ID, ip.Address
	}
	if r.HasPorts {
		o["startport"], o["endport"] = r.StartPort, r.EndPort
	}
	if r.ICMPType != nil {
		o["icmptype"], o["icmpcode"] = *r.ICMPType, *r.ICMPCode
	}
	if c.Caller.Root() {
		o["fordisplay"] = !r.HideDisplay
	}
	return o
}

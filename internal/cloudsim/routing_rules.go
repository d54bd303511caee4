package cloudsim

import (
	"slices"
	"strings"
)

// routingCommands are firewall rules of networks whose guests are reached at addresses of their own: IPv6, or routed IPv4.
var routingCommands = map[string]command{
	"createIpv6FirewallRule":    {start: startRoutingRule(true), job: routingRuleJob, creates: true, queue: queueNetworkParam, event: "IPV6.FIREWALL.RULE.CREATE"},
	"listIpv6FirewallRules":     {run: listRoutingRules(true), id: kindIPv6Rule},
	"updateIpv6FirewallRule":    {start: startNamedRouting, job: displayRoutingJob(), id: kindIPv6Rule, event: "IPV6.FIREWALL.RULE.UPDATE"},
	"deleteIpv6FirewallRule":    {start: startNamedRouting, job: deleteRoutingJob, id: kindIPv6Rule, event: "IPV6.FIREWALL.RULE.DELETE"},
	"createRoutingFirewallRule": {start: startRoutingRule(false), job: routingRuleJob, creates: true, queue: queueNetworkParam, event: "ROUTING.IPV4.FIREWALL.RULE.CREATE"},
	"listRoutingFirewallRules":  {run: listRoutingRules(false), id: kindRoutingRule},
	"updateRoutingFirewallRule": {start: startNamedRouting, job: displayRoutingJob(), id: kindRoutingRule, event: "ROUTING.IPV4.FIREWALL.RULE.UPDATE"},
	"deleteRoutingFirewallRule": {start: startNamedRouting, job: deleteRoutingJob, id: kindRoutingRule, event: "ROUTING.IPV4.FIREWALL.RULE.DELETE"},
}

// routed reports whether a network's guests have addresses of their own outside.
func (c *Call) routed(n Network, ipv6 bool) bool {
	o, _ := c.NetworkOfferings.Any(n.OfferingID)
	if ipv6 {
		return strings.EqualFold(o.InternetProtocol, "DualStack") || strings.EqualFold(o.InternetProtocol, "IPv6")
	}
	return o.NetworkMode == "ROUTED"
}

func startRoutingRule(ipv6 bool) func(*Call) (string, error) {
	return func(c *Call) (string, error) {
		n, _ := c.Networks.Get(c.Str("networkid"))
		if err := c.Own(n.Owner); err != nil {
			return "", err
		}
		switch {
		case n.VPCID != "":
			return "", Invalid("Unable to create the firewall rule for the network ID: %s as it belongs to a VPC: use its network ACLs", n.ID)
		case n.Type != "Isolated" || !c.routed(n, ipv6):
			return "", Invalid("Unable to create %s firewall rule for the network ID: %s as it is not supported by the network", map[bool]string{true: "IPv6", false: "routing"}[ipv6], n.ID)
		}
		r := RoutingRule{Base: c.RoutingRules.NewBase(), Owner: n.Owner, IPv6: ipv6, NetworkID: n.ID, Protocol: strings.ToLower(c.Str("protocol")), State: RuleAdd,
			CIDRs: c.List("cidrlist"), DestCIDRs: c.List("destcidrlist"), HideDisplay: !c.Bool("fordisplay", true)}
		if err := c.fillRouting(&r); err != nil {
			return "", err
		}
		c.RoutingRules.Put(r)
		return r.ID, nil
	}
}

// fillRouting reads and checks direction, addresses, ports and ICMP type.
func (c *Call) fillRouting(r *RoutingRule) error {
	everywhere := map[bool]string{true: "::/0", false: "0.0.0.0/0"}[r.IPv6]
	switch t := strings.ToLower(c.Or("traffictype", "ingress")); t {
	case "ingress", "egress":
		r.Traffic = strings.ToUpper(t[:1]) + t[1:]
	default:
		return Invalid("Traffic Type: %s is invalid", c.Str("traffictype"))
	}
	if !slices.Contains([]string{"tcp", "udp", "icmp", "all"}, r.Protocol) {
		return Invalid("Invalid protocol [%s]. Expected one of: [tcp, udp, icmp, all].", c.Str("protocol"))
	}
	if len(r.CIDRs) == 0 {
		r.CIDRs = []string{everywhere}
	}
	for _, cidr := range slices.Concat(r.CIDRs, r.DestCIDRs) {
		if !validCIDR(cidr) || strings.Contains(cidr, ":") != r.IPv6 {
			return BadParam("CIDR formatting error: %s is not a valid %s CIDR", cidr, map[bool]string{true: "IPv6", false: "IPv4"}[r.IPv6])
		}
	}
	set := func(param string) *int {
		if !c.Has(param) {
			return nil
		}
		n := c.Int(param, 0)
		return &n
	}
	r.StartPort, r.EndPort, r.ICMPType, r.ICMPCode = set("startport"), set("endport"), set("icmptype"), set("icmpcode")
	if r.StartPort != nil && r.EndPort == nil {
		r.EndPort = r.StartPort
	}
	switch {
	case r.StartPort != nil && (r.Protocol == "icmp" || r.Protocol == "all"):
		return Invalid("Can't specify start/end port when protocol is %s", strings.ToUpper(r.Protocol))
	case r.Protocol != "icmp" && (r.ICMPType != nil || r.ICMPCode != nil):
		return Invalid("Can specify icmpCode and icmpType for ICMP protocol only")
	case r.StartPort != nil:
		return checkPorts(*r.StartPort, *r.EndPort)
	}
	return nil
}

func routingRuleJob(c *Call) (Obj, error) {
	r, ok := c.RoutingRules.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to create firewall rule")
	}
	r.State = RuleActive
	c.RoutingRules.Put(r)
	return Obj{"firewallrule": c.routingResponse(r)}, nil
}

func (c *Call) routingResponse(r RoutingRule) Obj {
	o := Obj{"id": r.ID, "protocol": r.Protocol, "networkid": r.NetworkID, "state": r.State, "cidrlist": strings.Join(r.CIDRs, ","), "destcidrlist": strings.Join(r.DestCIDRs, ","),
		"traffictype": r.Traffic, "tags": c.tagsOf("FirewallRule", r.ID)}
	for field, n := range map[string]*int{"startport": r.StartPort, "endport": r.EndPort, "icmptype": r.ICMPType, "icmpcode": r.ICMPCode} {
		if n != nil {
			o[field] = *n
		}
	}
	if c.Caller.Root() {
		o["fordisplay"] = !r.HideDisplay
	}
	return o
}

func listRoutingRules(ipv6 bool) func(*Call) (any, error) {
	return func(c *Call) (any, error) {
		rows, err := Visible(c, c.RoutingRules.Where(func(r RoutingRule) bool {
			return r.IPv6 == ipv6 && c.is("id", r.ID) && c.is("networkid", r.NetworkID) && c.isBool("fordisplay", !r.HideDisplay) &&
				(!c.Has("traffictype") || strings.EqualFold(c.Str("traffictype"), r.Traffic))
		}))
		if err != nil {
			return nil, err
		}
		return Listing("firewallrule", rows, c.routingResponse), nil
	}
}

func startNamedRouting(c *Call) (string, error) {
	r, ok := c.RoutingRules.Get(c.Str("id"))
	if !ok {
		return "", Invalid("Unable to find firewall rule with ID: %s", c.Str("id"))
	}
	return r.ID, c.Own(r.Owner)
}

func displayRoutingJob() func(*Call) (Obj, error) {
	return displayJob("firewallrule", func(c *Call) *Table[RoutingRule] { return c.RoutingRules },
		func(r *RoutingRule) *bool { return &r.HideDisplay }, (*Call).routingResponse)
}

func deleteRoutingJob(c *Call) (Obj, error) {
	c.ForgetTags(c.EntityID)
	c.RoutingRules.Delete(c.EntityID)
	return Success(), nil
}

// forgetInside removes what belongs to a network beside its addresses and rules, when it goes.
func (c *Call) forgetInside(networkID string) {
	for r := range c.RoutingRules.All() {
		if r.NetworkID == networkID {
			c.RoutingRules.Delete(r.ID)
		}
	}
	for b := range c.InternalLBs.All() {
		if b.NetworkID == networkID || b.SourceNetID == networkID {
			c.InternalLBs.Delete(b.ID)
		}
	}
	for p := range c.NetworkPermits.All() {
		if p.NetworkID == networkID {
			c.NetworkPermits.Delete(p.ID)
		}
	}
}

package cloudsim

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// lbCommands are load balancer rules, their members and their stickiness.
var lbCommands = map[string]command{
	"createLoadBalancerRule": {start: startLBRule, job: createLBRuleJob, creates: true, queue: lbQueue, address: lbAddress, event: "LB.CREATE"},
	"updateLoadBalancerRule": {start: namedLBRule, job: updateLBRuleJob, id: kindLBRule, queue: lbQueue, address: lbAddress, event: "LB.UPDATE"},
	"deleteLoadBalancerRule": {start: namedLBRule, job: deleteLBRuleJob, id: kindLBRule, queue: lbQueue, address: lbAddress, event: "LB.DELETE"},
	"listLoadBalancerRules":  {run: listLBRules, id: kindLBRule},

	"assignToLoadBalancerRule":      {start: namedAnyLB, job: assignLBJob, id: kindAnyLB, queue: lbQueue, address: lbAddress, event: "LB.ASSIGN.TO.RULE"},
	"removeFromLoadBalancerRule":    {start: namedAnyLB, job: unassignLBJob, id: kindAnyLB, queue: lbQueue, address: lbAddress, event: "LB.REMOVE.FROM.RULE"},
	"listLoadBalancerRuleInstances": {run: listLBMembers, id: kindLBRule},

	"createLBStickinessPolicy": {start: startStickiness, job: createStickinessJob, creates: true, queue: lbQueue, address: lbAddress,
		envelope: "createLBStickinessPolicy", event: "LB.STICKINESSPOLICY.CREATE"},
	"deleteLBStickinessPolicy": {start: namedStickiness, job: deleteStickinessJob, id: kindStickiness, queue: lbQueue, address: lbAddress,
		envelope: "deleteLBstickinessrruleresponse", event: "LB.STICKINESSPOLICY.DELETE"},
	"listLBStickinessPolicies":  {run: listStickiness, id: kindStickiness},
	"createLBHealthCheckPolicy": {start: startHealthCheck, job: noJob},
	"listLBHealthCheckPolicies": {run: listHealthChecks},
}

// statsPort is where a router's haproxy shows its own statistics; no rule may use it.
const statsPort = 8081

var lbProtocols = []string{"tcp", "udp", "tcp-proxy", "ssl"}

// lbQueue serialises the jobs on one network's rules, as the router can take one configuration at a time.
func lbQueue(c *Call) string {
	id := c.EntityID
	if p, ok := c.Stickiness.Get(id); ok {
		id = p.LBRuleID
	}
	for _, id := range []string{id, c.Str("id"), c.Str("lbruleid")} {
		if r, ok := c.LBRules.Get(id); ok {
			return "network:" + r.NetworkID
		}
	}
	return ""
}

// namedLBRule is the checking half of commands on one rule: everything else is found out by the job.
func namedLBRule(c *Call) (string, error) {
	r, ok := c.LBRules.Get(c.Str("id"))
	if !ok {
		return "", errNoEntity(c.Label(), "id", c.Str("id"))
	}
	return r.ID, c.Own(r.Owner)
}

// ruleOfJob reads the rule a job works on; it may have gone with its network meanwhile.
func (c *Call) ruleOfJob() (LBRule, error) {
	r, ok := c.LBRules.Get(c.EntityID)
	if !ok {
		return r, Invalid("Unable to find load balancer rule %s", c.EntityID)
	}
	return r, nil
}

func startLBRule(c *Call) (string, error) {
	ip, ok := c.PublicIPs.Get(c.Str("publicipid"))
	if !ok || ip.State == IPFree {
		return "", BadParam("Unable to create load balance rule; can't find/allocate source IP")
	}
	if err := c.Own(ip.owner()); err != nil {
		return "", err
	}
	if ip.StaticNAT {
		return "", Fail(537, csServer, "Can't do load balance on ip address: %s", ip.Address)
	}
	for _, cidr := range c.List("cidrlist") {
		if !isPrefix(cidr) && !isAddr(cidr) {
			return "", BadParam("CIDR [%s] is invalid.", cidr)
		}
	}
	network, err := c.lbNetwork(ip)
	if err != nil {
		return "", err
	}
	rule := LBRule{Owner: ip.Owner, Name: c.Str("name"), Description: c.Str("description"), PublicIPID: ip.ID,
		PublicPort: c.Int("publicport", 0), PublicEnd: c.Int("publicport", 0), PrivatePort: c.Int("privateport", 0), PrivateEnd: c.Int("privateport", 0),
		Algorithm: c.Str("algorithm"), Protocol: strings.ToLower(strings.TrimSpace(c.Str("protocol"))), NetworkID: network.ID,
		ZoneID: network.ZoneID, CIDRs: c.List("cidrlist"), State: RuleAdd, HideDisplay: !c.Bool("fordisplay", true)}
	if err := c.checkNewLBRule(rule, network, ip); err != nil {
		return "", err
	}
	if ip.NetworkID == "" {
		ip.NetworkID = network.ID
		c.PublicIPs.Put(ip)
	}
	rule.Base = c.LBRules.NewBase()
	if c.Bool("openfirewall", ip.VPCID == "") {
		if err := c.openFirewallFor(rule, ip); err != nil {
			return "", err
		}
	}
	c.LBRules.Put(rule)
	return rule.ID, nil
}

// lbNetwork is the network a rule on an address works in. An address of a VPC that no tier uses yet goes to the one named.
func (c *Call) lbNetwork(ip PublicIP) (Network, error) {
	id := ip.NetworkID
	if id == "" && ip.VPCID != "" {
		id = c.Str("networkid")
	}
	n, ok := c.Networks.Get(id)
	if !ok {
		return n, BadParam("Unable to create load balancer rule ; specified sourceip id is not associated with any network")
	}
	if n.VPCID != ip.VPCID {
		return n, BadParam("Ip address %s is not assigned to the network %s", ip.Address, n.Name)
	}
	return n, nil
}

// checkNewLBRule makes the checks of a new rule in the server's order.
func (c *Call) checkNewLBRule(r LBRule, n Network, ip PublicIP) error {
	if r.PublicPort == 53 && ip.SourceNAT {
		return BadParam("Error adding load balancer rule, cannot add port 53 with network service offering having DNS service and Source NAT.")
	}
	if !isPort(r.PrivatePort) {
		return BadParam("privatePort is an invalid value: %d", r.PrivatePort)
	}
	if !slices.Contains([]string{"roundrobin", "leastconn", "source"}, strings.ToLower(r.Algorithm)) {
		return BadParam("Invalid algorithm: %s", r.Algorithm)
	}
	if !isPort(r.PublicPort) {
		return BadParam("publicPort is an invalid value: %d", r.PublicPort)
	}
	if o, ok := c.NetworkOfferings.Any(n.OfferingID); !ok || !o.Has("Lb") {
		return BadParam("LB service is not supported in specified network id")
	}
	if err := c.checkProvider(r); err != nil {
		return err
	}
	if ip.VPCID != "" && c.Bool("openfirewall", false) {
		return BadParam("Can't have openFirewall=true when IP address belongs to VPC")
	}
	if err := c.PortConflict(ip.ID, PurposeLoadBalancing, "tcp", r.PublicPort, r.PublicPort, ""); err != nil {
		conflict := asAPIError(err)
		return Fail(conflict.HTTP, csServer, "%s", conflict.Text)
	}
	return nil
}

func isPort(n int) bool { return n >= 1 && n <= 65535 }

func isAddr(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}

func isPrefix(text string) bool {
	_, err := netip.ParsePrefix(text)
	return err == nil
}

// hasRouter tells whether a network has a virtual router yet; only that looks at a rule's protocol and configuration.
func (c *Call) hasRouter(networkID string) bool {
	_, ok := c.Routers.Find(func(r Router) bool { return r.NetworkID == networkID })
	return ok
}

func (c *Call) checkProvider(r LBRule) error {
	switch {
	case !c.hasRouter(r.NetworkID):
		return nil
	case r.PublicPort == statsPort || r.Protocol == "udp":
		return BadParam("LB service provider cannot support this rule")
	case r.Protocol != "" && !slices.Contains(lbProtocols, r.Protocol):
		return BadParam("protocol %s is not in valid protocols [%s]", r.Protocol, strings.Join(lbProtocols, ", "))
	}
	return nil
}

// openFirewallFor lets everybody through to the rule's port. A firewall rule that is there already is used as it is, and
// stays when the load balancer rule goes.
func (c *Call) openFirewallFor(r LBRule, ip PublicIP) error {
	_, there := c.Firewall.Find(func(f FirewallRule) bool {
		return f.Purpose == PurposeFirewall && f.IPAddressID == ip.ID && strings.EqualFold(f.Protocol, "tcp") &&
			f.StartPort == r.PublicPort && f.EndPort == r.PublicPort
	})
	if there {
		return nil
	}
	return c.OpenFirewall(ip, "tcp", r.PublicPort, r.PublicPort, nil, r.ID)
}

func createLBRuleJob(c *Call) (Obj, error) {
	r, err := c.ruleOfJob()
	if err != nil {
		return nil, err
	}
	if err := c.RouterReady(r.NetworkID, "Failed to create load balancer rule: "+r.Name); err != nil {
		c.forgetLB(r)
		if err := c.Commit(); err != nil {
			return nil, err
		}
		return nil, err
	}
	c.NetworkChanged(r.NetworkID)
	return Obj{"loadbalancer": c.lbRuleResponse(r)}, nil
}

// updateLBRuleJob keeps two traps of the original: it takes any algorithm, and a rule made without protocol is changed and
// then reported as failed.
func updateLBRuleJob(c *Call) (Obj, error) {
	old, err := c.ruleOfJob()
	if err != nil {
		return nil, err
	}
	r := old
	r.Name = c.Or("name", r.Name)
	r.Algorithm = c.Or("algorithm", r.Algorithm)
	r.Protocol = c.Or("protocol", r.Protocol)
	if c.Has("description") {
		r.Description = c.Str("description")
	}
	if c.Has("fordisplay") {
		r.HideDisplay = !c.Bool("fordisplay", true)
	}
	if c.Has("cidrlist") {
		r.CIDRs, r.CIDRsUpdated = c.List("cidrlist"), true
		for _, cidr := range r.CIDRs {
			if p, err := netip.ParsePrefix(cidr); err != nil || !p.Addr().Is4() {
				return nil, Invalid("Invalid CIDR list: %s", c.Str("cidrlist"))
			}
		}
	}
	if c.Has("protocol") {
		if err := c.checkProvider(r); err != nil {
			return nil, err
		}
		if r.Protocol != "ssl" {
			r.SSLCertID = ""
		}
	}
	c.LBRules.Put(r)
	if c.Str("algorithm") == old.Algorithm && c.Str("protocol") == old.Protocol && slices.Equal(r.CIDRs, old.CIDRs) {
		return Obj{"loadbalancer": c.lbRuleResponse(r)}, nil
	}
	if c.RouterReady(r.NetworkID, "") != nil || c.loadable(r) != nil {
		return nil, Fail(530, csRuntime, "Failed to update load balancer rule: %s", balancerText(old))
	}
	c.NetworkChanged(r.NetworkID)
	if r.Protocol == "" && !c.ideal() {
		if err := c.Commit(); err != nil {
			return nil, err
		}
		return nil, Internal(`Cannot invoke "String.equals(Object)" because the return value of "com.cloud.network.dao.LoadBalancerVO.getLbProtocol()" is null`)
	}
	return Obj{"loadbalancer": c.lbRuleResponse(r)}, nil
}

// balancerText is how a rule shows in the server's texts.
func balancerText(r LBRule) string {
	return fmt.Sprintf(`LoadBalancer {"name":"%s","id":%d,"purpose":"LoadBalancing","state":"%s","uuid":"%s"}`, r.Name, r.N, r.State, r.ID)
}

// deleteLBRuleJob closes the firewall before it finds out whether the rule may go, as the original does.
func deleteLBRuleJob(c *Call) (Obj, error) {
	r, err := c.ruleOfJob()
	if err != nil {
		return nil, err
	}
	c.forgetRelated(r.ID)
	c.NetworkChanged(r.NetworkID)
	if err := c.Commit(); err != nil {
		return nil, err
	}
	if err := c.deletableLB(r); err != nil {
		return nil, err
	}
	c.forgetLB(r)
	ip, ok := c.PublicIPs.Get(r.PublicIPID)
	if _, more := c.LBRules.Find(func(o LBRule) bool { return o.PublicIPID == r.PublicIPID }); ok && ip.VPCID != "" && !more && !ip.StaticNAT {
		ip.NetworkID = "" // an address of a VPC leaves its tier with its last rule
		c.PublicIPs.Put(ip)
	}
	return Success(), nil
}

func listLBRules(c *Call) (any, error) {
	rows, err := Visible(c, c.LBRules.Where(func(r LBRule) bool {
		if v := c.Str("virtualmachineid"); v != "" && !r.has(v) {
			return false
		}
		return c.named(r.ID, r.Name, r.Description) && c.is("publicipid", r.PublicIPID) && c.is("networkid", r.NetworkID) &&
			c.is("zoneid", r.ZoneID) && c.isBool("fordisplay", !r.HideDisplay) && c.matchTags("LoadBalancer", r.ID)
	}))
	if err != nil {
		return nil, err
	}
	return Listing("loadbalancerrule", rows, c.lbRuleResponse), nil
}

// has tells whether a machine is a member of the rule.
func (r LBRule) has(vmID string) bool {
	return slices.ContainsFunc(r.Members, func(m LBMember) bool { return m.VMID == vmID })
}

func (c *Call) lbRuleResponse(r LBRule) Obj {
	o := Obj{"id": r.ID, "name": r.Name, "publicipid": r.PublicIPID, "publicport": strconv.Itoa(r.PublicPort),
		"privateport": strconv.Itoa(r.PrivatePort), "algorithm": r.Algorithm, "networkid": r.NetworkID, "state": r.State,
		"tags": c.tagsOf("LoadBalancer", r.ID), "fordisplay": !r.HideDisplay}
	if ip, ok := c.PublicIPs.Any(r.PublicIPID); ok {
		o["publicip"] = ip.Address
	}
	separator := " "
	if r.CIDRsUpdated {
		separator = ","
	}
	c.putOwner(o, r.Owner)
	c.putZone(o, r.ZoneID)
	return o.Opt("description", r.Description).Opt("protocol", r.Protocol).Opt("cidrlist", strings.Join(r.CIDRs, separator))
}

package cloudsim

import (
	"slices"
	"strconv"
	"strings"
)

// startAuthorize finds the group a rule is wanted for; the rule itself is checked in the job.
func startAuthorize(c *Call) (string, error) {
	g, err := c.groupGiven("securitygroupid", "securitygroupname")
	return g.ID, err
}

// authorizeJob adds rules to a group: one for each range of addresses and one for each group that is named.
func authorizeJob(egress bool) func(*Call) (Obj, error) {
	return func(c *Call) (Obj, error) {
		g, ok := c.SecurityGroups.Get(c.EntityID)
		if !ok {
			return nil, Invalid("Unable to find security group by id %s", c.EntityID)
		}
		model, err := c.securityRuleModel(egress)
		if err != nil {
			return nil, err
		}
		added, err := c.securityRulesLike(model, g)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(added, func(r SecurityRule) bool { return slices.ContainsFunc(g.Rules, r.same) }) {
			return nil, Fail(530, csServer, "Failed to authorize security group %s rule(s)", map[bool]string{false: "ingress", true: "egress"}[egress])
		}
		g.Rules = append(slices.Clone(g.Rules), added...)
		c.SecurityGroups.Put(g)
		c.securityChanged(g.ID)
		o := c.shortGroupResponse(g)
		c.putOwner(o, g.Owner)
		c.putSecurityRules(o, g, added)
		return Obj{"securitygroup": o}, nil
	}
}

// same reports whether a rule allows exactly what another one does.
func (r SecurityRule) same(o SecurityRule) bool {
	r.ID, r.N = o.ID, o.N
	return r == o
}

// securityRuleModel reads and checks protocol and ports.
func (c *Call) securityRuleModel(egress bool) (SecurityRule, error) {
	r := SecurityRule{Egress: egress, Protocol: strings.ToLower(c.Or("protocol", "all"))}
	if n, err := strconv.Atoi(r.Protocol); err == nil {
		if n < 0 || n > 255 {
			return r, Invalid("Invalid protocol number: %d", n)
		}
		if name, ok := map[int]string{1: "icmp", 6: "tcp", 17: "udp"}[n]; ok {
			r.Protocol = name
		}
	} else if !slices.Contains([]string{"tcp", "udp", "icmp", "esp", "ah", "sctp", "all"}, r.Protocol) {
		return r, Invalid("Invalid protocol %s", c.Str("protocol"))
	}
	switch r.Protocol {
	case "icmp":
		return r, c.fillICMP(&r)
	case "all":
		if c.Has("startport") || c.Has("endport") {
			return r, Invalid("Cannot specify startPort or endPort without specifying protocol")
		}
		return r, nil
	}
	r.Start, r.End = c.Int("startport", 0), c.Int("endport", 0)
	switch {
	case !c.Has("startport") || !c.Has("endport"):
		return r, Invalid("Invalid port range specified, startPort = %s, endPort = %s", c.Or("startport", "null"), c.Or("endport", "null"))
	case r.Start > r.End:
		return r, Invalid("Invalid port range %d:%d", r.Start, r.End)
	case r.Start > 65535 || r.End > 65535 || r.Start < -1 || r.End < -1:
		return r, Invalid("Invalid port numbers %d:%d", r.Start, r.End)
	case r.Start < 0 || r.End < 0:
		return r, Invalid("Invalid port range %d:%d", r.Start, r.End)
	}
	return r, nil
}

func (c *Call) fillICMP(r *SecurityRule) error {
	r.Start, r.End = c.Int("icmptype", -1), c.Int("icmpcode", -1)
	switch {
	case !c.Has("icmptype") || !c.Has("icmpcode"):
		return Invalid("Invalid ICMP type/code specified, icmpType = %s, icmpCode = %s", c.Or("icmptype", "null"), c.Or("icmpcode", "null"))
	case r.Start == -1 && r.End != -1:
		return Invalid("Invalid icmp code")
	case r.Start < -1 || r.Start > 255 || r.End < -1 || r.End > 255:
		return Invalid("Invalid icmp type or code: %d, %d", r.Start, r.End)
	}
	return nil
}

// securityRulesLike makes the rules of a model for every range and group that the call names.
func (c *Call) securityRulesLike(model SecurityRule, g SecurityGroup) ([]SecurityRule, error) {
	cidrs, groups := c.List("cidrlist"), c.Maps("usersecuritygrouplist")
	if len(cidrs) == 0 && len(groups) == 0 {
		return nil, Invalid("At least one cidr or at least one security group needs to be specified")
	}
	var rules []SecurityRule
	for _, cidr := range cidrs {
		if !validCIDR(cidr) {
			return nil, Invalid("Invalid cidr %s", cidr)
		}
		r := model
		r.ID, r.CIDR = newUUID(), cidr
		rules = append(rules, r)
	}
	for _, entry := range groups {
		other, err := c.authorizedGroup(entry["group"], entry["account"], model, g)
		if err != nil {
			return nil, err
		}
		r := model
		r.ID, r.GroupID = newUUID(), other.ID
		rules = append(rules, r)
	}
	return rules, nil
}

// authorizedGroup is a group of an account in the same domain whose machines a rule lets through.
func (c *Call) authorizedGroup(name, account string, model SecurityRule, g SecurityGroup) (SecurityGroup, error) {
	if name == "" || account == "" {
		return SecurityGroup{}, Invalid("Invalid user group specified, fields 'group' and 'account' cannot be null, please specify groups in the form:  userGroupList[0].group=XXX&userGroupList[0].account=YYY")
	}
	a, ok := c.Accounts.Find(func(a Account) bool { return a.Name == account && a.DomainID == g.DomainID && a.Type != AccountProject })
	if !ok {
		return SecurityGroup{}, Invalid("Nonexistent account: %s when trying to authorize security group rule  for %d:%s:%d:%d", account, g.N, model.Protocol, model.Start, model.End)
	}
	other, ok := c.securityGroupNamed(Owner{AccountID: a.ID, DomainID: a.DomainID}, name)
	if !ok {
		d, _ := c.Domains.Any(g.DomainID)
		return other, Invalid("Nonexistent group %s for account %s/%d is given, unable to authorize security group rule.", name, account, d.N)
	}
	return other, nil
}

// ruleGiven is the rule that id names, and its group.
func (c *Call) ruleGiven(id string) (SecurityGroup, SecurityRule, bool) {
	for g := range c.SecurityGroups.All() {
		if i := slices.IndexFunc(g.Rules, func(r SecurityRule) bool { return r.ID == id }); i >= 0 {
			return g, g.Rules[i], true
		}
	}
	return SecurityGroup{}, SecurityRule{}, false
}

func startRevoke(c *Call) (string, error) {
	g, r, ok := c.ruleGiven(c.Str("id"))
	if !ok {
		return "", Invalid("Unable to find security rule with id %s", c.Str("id"))
	}
	return r.ID, c.Own(g.Owner)
}

func revokeJob(egress bool) func(*Call) (Obj, error) {
	return func(c *Call) (Obj, error) {
		g, r, ok := c.ruleGiven(c.EntityID)
		switch {
		case !ok:
			return nil, Invalid("Unable to find security rule with id %s", c.EntityID)
		case r.Egress != egress:
			return nil, Invalid("Mismatch in rule type for security rule %s", r.ID)
		}
		g.Rules = slices.DeleteFunc(slices.Clone(g.Rules), func(o SecurityRule) bool { return o.ID == r.ID })
		c.ForgetTags(r.ID)
		c.SecurityGroups.Put(g)
		c.securityChanged(g.ID)
		return Success(), nil
	}
}

// securityChanged tells the data plane about the networks of a group's machines.
func (c *Call) securityChanged(groupID string) {
	for _, vm := range c.machinesIn(groupID) {
		for _, nic := range vm.NICs {
			c.NetworkChanged(nic.NetworkID)
		}
	}
}

// admits reports whether a machine's security groups let a guest of a network reach it on a TCP port. A machine without groups
// is in a zone that does not work with them: it is open to its network.
func (t *Tables) admits(vm VM, networkID, source string, port int) bool {
	if len(vm.SecurityGroupIDs) == 0 {
		return true
	}
	for _, id := range vm.SecurityGroupIDs {
		g, _ := t.SecurityGroups.Get(id)
		for _, r := range g.Rules {
			ports := r.Protocol == "all" || r.Protocol == "tcp" && r.Start <= port && port <= r.End
			if !r.Egress && ports && (r.CIDR != "" && inAny(source, []string{r.CIDR}) || r.GroupID != "" && t.groupHas(r.GroupID, networkID, source)) {
				return true
			}
		}
	}
	return false
}

// groupHas reports whether an address of a network is that of a machine in a group.
func (t *Tables) groupHas(groupID, networkID, address string) bool {
	_, ok := t.VMs.Find(func(v VM) bool {
		nic, on := v.NICOn(networkID)
		return on && nic.has(address) && slices.Contains(v.SecurityGroupIDs, groupID)
	})
	return ok
}

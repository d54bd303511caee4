package cloudsim

import (
	"slices"
	"strings"
)

// securityGroupCommands are security groups: what may reach the machines of zones that keep guests apart by them.
var securityGroupCommands = map[string]command{
	"createSecurityGroup": {run: createSecurityGroup, event: "SG.CREATE"},
	"updateSecurityGroup": {run: updateSecurityGroup, id: kindSecurityGroup, event: "SG.UPDATE"},
	"deleteSecurityGroup": {run: deleteSecurityGroup, id: kindSecurityGroup, event: "SG.DELETE"},
	"listSecurityGroups":  {run: listSecurityGroups, id: kindSecurityGroup},

	"authorizeSecurityGroupIngress": {start: startAuthorize, job: authorizeJob(false), event: "SG.AUTH.INGRESS"},
	"authorizeSecurityGroupEgress":  {start: startAuthorize, job: authorizeJob(true), event: "SG.AUTH.EGRESS"},
	"revokeSecurityGroupIngress":    {start: startRevoke, job: revokeJob(false), id: kindSecurityRule, event: "SG.REVOKE.INGRESS"},
	"revokeSecurityGroupEgress":     {start: startRevoke, job: revokeJob(true), id: kindSecurityRule, event: "SG.REVOKE.EGRESS"},
}

// defaultGroupName is the group that every account has and machines without a choice are in.
const defaultGroupName = "default"

// defaultGroup is an account's group of that name; it is made if it is missing.
func (t *Tables) defaultGroup(o Owner) SecurityGroup {
	g, ok := t.SecurityGroups.Find(func(g SecurityGroup) bool { return g.AccountID == o.AccountID && g.Name == defaultGroupName })
	if !ok {
		g = SecurityGroup{Base: t.SecurityGroups.NewBase(), Owner: o, Name: defaultGroupName, Description: "Default Security Group"}
		t.SecurityGroups.Put(g)
	}
	return g
}

func (c *Call) securityGroupNamed(owner Owner, name string) (SecurityGroup, bool) {
	if name == defaultGroupName {
		return c.defaultGroup(owner), true
	}
	return c.SecurityGroups.Find(func(g SecurityGroup) bool { return g.AccountID == owner.AccountID && g.Name == name })
}

func createSecurityGroup(c *Call) (any, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return nil, err
	}
	name := c.Str("name")
	if strings.TrimSpace(name) == "" {
		return nil, Invalid("Security group name cannot be empty")
	}
	if _, taken := c.securityGroupNamed(owner, name); taken {
		return nil, Invalid("Unable to create security group, a group with name %s already exists.", name)
	}
	g := SecurityGroup{Base: c.SecurityGroups.NewBase(), Owner: owner, Name: name, Description: c.Str("description")}
	c.SecurityGroups.Put(g)
	c.Made(g.ID)
	return Obj{"securitygroup": c.securityGroupResponse(g)}, nil
}

func updateSecurityGroup(c *Call) (any, error) {
	g, ok := c.SecurityGroups.Get(c.Str("id"))
	if !ok {
		return nil, Invalid("Unable to find security group: %s; failed to update security group.", c.Str("id"))
	}
	if err := c.Own(g.Owner); err != nil {
		return nil, err
	}
	name := c.Or("name", g.Name)
	switch _, taken := c.securityGroupNamed(g.Owner, name); {
	case strings.TrimSpace(name) == "":
		return nil, Invalid("Security group name cannot be empty")
	case name == g.Name:
	case strings.EqualFold(name, defaultGroupName):
		return nil, Invalid("The security group name %s is reserved", defaultGroupName)
	case strings.EqualFold(g.Name, defaultGroupName):
		return nil, Invalid("The default security group cannot be renamed")
	case taken:
		return nil, Invalid("Unable to update security group, a group with name %s already exists.", name)
	}
	g.Name = name
	g.Base = c.freeID(g.Base, func(string) bool { return true }, c.Str("customid"))
	c.SecurityGroups.Put(g)
	c.Made(g.ID)
	return Obj{"securitygroup": c.securityGroupResponse(g)}, nil
}

// groupGiven is the group that an id parameter, or a name parameter within an owner's groups, names.
func (c *Call) groupGiven(idParam, nameParam string) (SecurityGroup, error) {
	id, name := c.Str(idParam), c.Str(nameParam)
	switch {
	case id != "" && name != "":
		return SecurityGroup{}, Invalid("%s and %s parameters are mutually exclusive", idParam, nameParam)
	case id == "" && name == "":
		return SecurityGroup{}, Invalid("Either %s or %s is required", idParam, nameParam)
	case id != "":
		g, ok := c.SecurityGroups.Get(id)
		if !ok {
			return g, Invalid("Unable to find security group by id %s", id)
		}
		return g, c.Own(g.Owner)
	}
	owner, err := c.NewOwner()
	if err != nil {
		return SecurityGroup{}, err
	}
	g, ok := c.securityGroupNamed(owner, name)
	if !ok {
		return g, Invalid("Unable to find security group %s for account %s", name, owner.AccountID)
	}
	return g, nil
}

func deleteSecurityGroup(c *Call) (any, error) {
	g, err := c.groupGiven("id", "name")
	if err != nil {
		return nil, err
	}
	_, allowing := c.SecurityGroups.Find(func(o SecurityGroup) bool {
		return o.ID != g.ID && slices.ContainsFunc(o.Rules, func(r SecurityRule) bool { return r.GroupID == g.ID })
	})
	switch {
	case strings.EqualFold(g.Name, defaultGroupName):
		return nil, Invalid("The network group default is reserved")
	case allowing:
		return nil, Fail(536, csServer, "Cannot delete group when there are security rules that allow this group")
	case len(c.machinesIn(g.ID)) > 0:
		return nil, Fail(536, csServer, "Cannot delete group when it's in use by virtual machines")
	}
	c.ForgetTags(g.ID)
	c.SecurityGroups.Delete(g.ID)
	c.Made(g.ID)
	return Success(), nil
}

func (c *Call) machinesIn(groupID string) []VM {
	return c.VMs.Where(func(v VM) bool { return slices.Contains(v.SecurityGroupIDs, groupID) })
}

func listSecurityGroups(c *Call) (any, error) {
	rows, err := Visible(c, c.SecurityGroups.Where(func(g SecurityGroup) bool {
		if id := c.Str("virtualmachineid"); id != "" {
			if vm, _ := c.VMs.Get(id); !slices.Contains(vm.SecurityGroupIDs, g.ID) {
				return false
			}
		}
		return c.named(g.ID, g.Name, g.Description) && c.is("securitygroupname", g.Name) && c.matchTags("SecurityGroup", g.ID)
	}))
	if err != nil {
		return nil, err
	}
	return Listing("securitygroup", rows, c.securityGroupResponse), nil
}

func (c *Call) securityGroupResponse(g SecurityGroup) Obj {
	machines := []string{}
	for _, vm := range c.machinesIn(g.ID) {
		machines = append(machines, vm.ID)
	}
	o := c.shortGroupResponse(g)
	c.putOwner(o, g.Owner)
	o["virtualmachinecount"], o["virtualmachineids"] = len(machines), machines
	c.putSecurityRules(o, g, g.Rules)
	o["tags"] = c.tagsOf("SecurityGroup", g.ID)
	return o
}

// shortGroupResponse is a group as machines show it, without its rules.
func (c *Call) shortGroupResponse(g SecurityGroup) Obj {
	o := Obj{"id": g.ID, "name": g.Name, "description": g.Description, "ingressrule": []Obj{}, "egressrule": []Obj{}, "tags": []Obj{},
		"virtualmachineids": []string{}}
	c.putOwner(o, g.Owner)
	for _, field := range []string{"domain", "domainid", "domainpath"} {
		delete(o, field)
	}
	return o
}

func (c *Call) putSecurityRules(o Obj, g SecurityGroup, rules []SecurityRule) {
	ingress, egress := []Obj{}, []Obj{}
	for _, r := range rules {
		if r.Egress {
			egress = append(egress, c.securityRuleResponse(r))
			continue
		}
		ingress = append(ingress, c.securityRuleResponse(r))
	}
	o["ingressrule"], o["egressrule"] = ingress, egress
}

func (c *Call) securityRuleResponse(r SecurityRule) Obj {
	o := Obj{"ruleid": r.ID, "protocol": r.Protocol, "tags": c.tagsOf("SecurityGroupRule", r.ID)}
	if r.Protocol == "icmp" {
		o["icmptype"], o["icmpcode"] = r.Start, r.End
	} else {
		o["startport"], o["endport"] = r.Start, r.End
	}
	if g, ok := c.SecurityGroups.Get(r.GroupID); ok {
		a, _ := c.Accounts.Any(g.AccountID)
		o["securitygroupname"], o["account"] = g.Name, a.Name
		return o
	}
	return o.Opt("cidr", r.CIDR)
}

// groupsOfVM are a machine's groups as its answers show them.
func (c *Call) groupsOfVM(v VM) []Obj {
	out := []Obj{}
	for _, id := range v.SecurityGroupIDs {
		if g, ok := c.SecurityGroups.Get(id); ok {
			out = append(out, c.shortGroupResponse(g))
		}
	}
	return out
}

// chooseSecurityGroups finds the groups of a new machine. Only zones that work with groups take them; there a machine for
// which none is named joins the default one.
func chooseSecurityGroups(c *Call, d *deployment) error {
	zone, _ := c.Zones.Get(d.vm.ZoneID)
	if c.Has("securitygroupids") && c.Has("securitygroupnames") {
		return Invalid("securitygroupids parameter is mutually exclusive with securitygroupnames parameter")
	}
	ids, err := c.securityGroupIDs(d.vm.Owner)
	if err != nil {
		return err
	}
	if !zone.SecurityGroups {
		if len(ids) > 0 {
			return Invalid("Can't create vm with security groups; security group feature is not enabled per zone")
		}
		return nil
	}
	if len(ids) == 0 {
		ids = []string{c.defaultGroup(d.vm.Owner).ID}
	}
	d.vm.SecurityGroupIDs = ids
	return nil
}

// securityGroupIDs are the groups that securitygroupids and securitygroupnames name.
func (c *Call) securityGroupIDs(owner Owner) ([]string, error) {
	var ids []string
	for _, id := range c.List("securitygroupids") {
		g, ok := c.SecurityGroups.Get(id)
		if !ok {
			return nil, Invalid("Unable to find security group by id %s", id)
		}
		if err := c.Own(g.Owner); err != nil {
			return nil, err
		}
		ids = append(ids, g.ID)
	}
	for _, name := range c.List("securitygroupnames") {
		g, ok := c.securityGroupNamed(owner, name)
		if !ok {
			return nil, Invalid("Unable to find group by name %s", name)
		}
		ids = append(ids, g.ID)
	}
	return ids, nil
}

// amendSecurityGroups changes the groups of a stopped machine.
func (c *Call) amendSecurityGroups(vm *VM) error {
	if !c.Has("securitygroupids") && !c.Has("securitygroupnames") {
		return nil
	}
	zone, _ := c.Zones.Get(vm.ZoneID)
	ids, err := c.securityGroupIDs(vm.Owner)
	if err != nil {
		return err
	}
	switch {
	case !zone.SecurityGroups && len(ids) == 0:
		return nil
	case !zone.SecurityGroups:
		return Invalid("Virtual machine with id [%s] does not support security groups: its zone has none", vm.ID)
	case vm.State != VMStopped:
		return Invalid("VM %s must be stopped prior to update security groups", vm.ID)
	}
	vm.SecurityGroupIDs = ids
	return nil
}

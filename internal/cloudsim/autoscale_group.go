package cloudsim

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// groupCommands are the groups themselves.
var groupCommands = map[string]command{
	"createAutoScaleVmGroup": {start: startGroup, job: createGroupJob, creates: true, envelope: "autoscalevmgroupresponse",
		event: "AUTOSCALEVMGROUP.CREATE"},
	"updateAutoScaleVmGroup": {start: namedGroup, job: updateGroupJob, id: kindAutoScaleGroup, event: "AUTOSCALEVMGROUP.UPDATE"},
	"enableAutoScaleVmGroup": {start: namedGroup, job: enableGroupJob, id: kindAutoScaleGroup, envelope: "enableautoscalevmGroupresponse",
		event: "AUTOSCALEVMGROUP.ENABLE"},
	"disableAutoScaleVmGroup": {start: namedGroup, job: disableGroupJob, id: kindAutoScaleGroup, envelope: "disableautoscalevmGroupresponse",
		event: "AUTOSCALEVMGROUP.DISABLE"},
	"deleteAutoScaleVmGroup": {start: namedGroup, job: deleteGroupJob, id: kindAutoScaleGroup, event: "AUTOSCALEVMGROUP.DELETE"},
	"listAutoScaleVmGroups":  {run: listGroups, id: kindAutoScaleGroup},
}

var groupName = regexp.MustCompile(`^[a-zA-Z0-9-]{1,255}$`)

func startGroup(c *Call) (string, error) {
	rule, _ := c.LBRules.Get(c.Str("lbruleid"))
	profile, ok := c.AutoScaleProfiles.Get(c.Str("vmprofileid"))
	if !ok {
		return "", Invalid("Unable to find the vm profile specified")
	}
	for _, o := range []Owner{rule.Owner, profile.Owner} {
		if err := c.Own(o); err != nil {
			return "", err
		}
	}
	if _, used := c.groupOfRule(rule.ID); used {
		return "", Invalid("an AutoScaleVmGroup is already attached to the lb rule, the existing vm group has to be first deleted")
	}
	if len(rule.Members) > 0 {
		return "", Invalid("there are Vms already bound to the specified LoadBalancing Rule. User bound Vms and AutoScaled Vm Group cannot co-exist on a Load Balancing Rule")
	}
	g := AutoScaleGroup{Owner: rule.Owner, Name: strings.TrimSpace(c.Str("name")), LBRuleID: rule.ID, ProfileID: profile.ID,
		MinMembers: c.Int("minmembers", 0), MaxMembers: c.Int("maxmembers", 0), Interval: c.Int("interval", 30), State: GroupNew,
		ScaleUpPolicyIDs: c.List("scaleuppolicyids"), ScaleDownPolicyIDs: c.List("scaledownpolicyids"), HideDisplay: !c.Bool("fordisplay", true)}
	if err := c.checkGroup(g); err != nil {
		return "", err
	}
	g.Base = c.AutoScaleGroups.NewBase()
	g.Name = valueOr(g.Name, g.ID)
	c.AutoScaleGroups.Put(g)
	return g.ID, nil
}

// checkGroup makes the checks of a new or changed group in the server's order. A blank name is none.
func (c *Call) checkGroup(g AutoScaleGroup) error {
	switch {
	case g.Name != "" && !groupName.MatchString(g.Name):
		return Invalid("Invalid AutoScale VM group name. It can contain the ASCII letters 'a' through 'z', 'A' through 'Z', the digits '0' through '9' and the hyphen ('-'), must be between 1 and 255 characters long.")
	case g.MinMembers <= 0:
		return Invalid("minmembers is an invalid value: %d", g.MinMembers)
	case g.MaxMembers <= 0:
		return Invalid("maxmembers is an invalid value: %d", g.MaxMembers)
	case g.MinMembers > g.MaxMembers:
		return Invalid("minmembers (%d)cannot be greater than maxmembers (%d)", g.MinMembers, g.MaxMembers)
	case g.Interval <= 0:
		return Invalid("interval is an invalid value: %d", g.Interval)
	}
	if err := c.checkPoliciesOf(g, g.ScaleUpPolicyIDs, actionUp, "ScaleUp", "Only scaleup policies can be specified in scaleuppolicyids"); err != nil {
		return err
	}
	if err := c.checkPoliciesOf(g, g.ScaleDownPolicyIDs, actionDown, "ScaleDown", "Only scaledown policies can be specified in scaledownpolicyids"); err != nil {
		return err
	}
	return c.checkGroupNetwork(g)
}

func (c *Call) checkPoliciesOf(g AutoScaleGroup, ids []string, action, label, wrong string) error {
	if len(ids) == 0 {
		return Invalid("AutoScale VM group must have at least one %s policy", label)
	}
	policies := make([]AutoScalePolicy, len(ids))
	for i, id := range ids {
		p, ok := c.AutoScalePolicies.Get(id)
		if !ok {
			return Invalid("Unable to find the autoscale policy specified")
		}
		if err := c.Own(p.Owner); err != nil {
			return err
		}
		if p.Duration < g.Interval {
			return Invalid("duration : %d specified in a policy cannot be less than vm group's interval : %d", p.Duration, g.Interval)
		}
		policies[i] = p
	}
	if slices.ContainsFunc(policies, func(p AutoScalePolicy) bool { return p.Action != action }) {
		return Invalid("%s", wrong)
	}
	return nil
}

// checkGroupNetwork asks whether the network's provider can scale by the policies' counters.
func (c *Call) checkGroupNetwork(g AutoScaleGroup) error {
	rule, _ := c.LBRules.Get(g.LBRuleID)
	if c.lbProvider(rule.NetworkID) == "" {
		return Invalid("AutoScale is not supported in the network")
	}
	for _, id := range g.policies() {
		p, _ := c.AutoScalePolicies.Get(id)
		if p.AccountID != g.AccountID {
			return Invalid("The owner of the AutoScale policy and of the load balancer rule must be the same")
		}
		for _, id := range p.ConditionIDs {
			condition, _ := c.Conditions.Get(id)
			counter, _ := c.Counters.Get(condition.CounterID)
			if !slices.Contains([]string{"CPU", "MEMORY", "VIRTUALROUTER"}, counter.Source) {
				return Invalid("AutoScale counter with source='%s' is not supported in the network", strings.ToLower(counter.Source))
			}
		}
	}
	return nil
}

// lbProvider is the provider of a network's load balancers that can autoscale, or "".
func (c *Call) lbProvider(networkID string) string {
	n, _ := c.Networks.Any(networkID)
	o, _ := c.NetworkOfferings.Any(n.OfferingID)
	for _, s := range o.Services {
		if s.Name == "Lb" && (s.Provider == "VirtualRouter" || s.Provider == "VpcVirtualRouter") {
			return s.Provider
		}
	}
	return ""
}

// createGroupJob enables the group. When that fails the group is gone but its policies stay in use for good.
func createGroupJob(c *Call) (Obj, error) {
	g, ok := c.AutoScaleGroups.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find AutoScale Vm Group")
	}
	if g.State == GroupNew && c.wedged(g) {
		g.Removed = c.gone()
		c.AutoScaleGroups.Put(g)
		if err := c.Commit(); err != nil {
			return nil, err
		}
		return nil, Fail(530, csServer, "Failed to create Autoscale Vm Group")
	}
	g.State = GroupEnabled
	c.AutoScaleGroups.Put(g)
	c.AfterCommit(func() { c.Cloud.scaler.watch(g.ID) })
	return Obj{"autoscalevmgroup": c.groupResponse(g)}, nil
}

// wedged tells whether a group's template or offering was deleted: the original then fails in everything it does with the
// group, until the profile points to living ones.
func (c *Call) wedged(g AutoScaleGroup) bool {
	if c.ideal() {
		return false
	}
	p, _ := c.AutoScaleProfiles.Any(g.ProfileID)
	_, template := c.Templates.Get(p.TemplateID)
	_, offering := c.ServiceOfferings.Get(p.OfferingID)
	return !template || !offering
}

func namedGroup(c *Call) (string, error) {
	g, _ := c.AutoScaleGroups.Any(c.Str("id"))
	return c.Str("id"), c.Own(g.Owner)
}

// updateGroupJob changes a group. Naming a size, even the present one, is a change and needs the group disabled.
func updateGroupJob(c *Call) (Obj, error) {
	g, ok := c.AutoScaleGroups.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find AutoScale Vm Group")
	}
	physical := c.Has("minmembers") || c.Has("maxmembers") || c.Has("scaleuppolicyids") || c.Has("scaledownpolicyids") ||
		c.Int("interval", g.Interval) != g.Interval
	if physical && g.State != GroupDisabled {
		return nil, Invalid("An AutoScale Vm Group can be updated with minMembers/maxMembers/Interval only when it is in disabled state")
	}
	g.Name = c.Or("name", g.Name)
	g.MinMembers, g.MaxMembers, g.Interval = c.Int("minmembers", g.MinMembers), c.Int("maxmembers", g.MaxMembers), c.Int("interval", g.Interval)
	if ids := c.List("scaleuppolicyids"); len(ids) > 0 {
		g.ScaleUpPolicyIDs = ids
	}
	if ids := c.List("scaledownpolicyids"); len(ids) > 0 {
		g.ScaleDownPolicyIDs = ids
	}
	if c.Has("fordisplay") {
		g.HideDisplay = !c.Bool("fordisplay", true)
	}
	if err := c.checkGroup(g); err != nil {
		return nil, err
	}
	c.AutoScaleGroups.Put(g)
	return Obj{"autoscalevmgroup": c.groupResponse(g)}, nil
}

func listGroups(c *Call) (any, error) {
	if c.Has("id") && (c.Has("lbruleid") || c.Has("vmprofileid") || c.Has("policyid")) {
		return nil, Invalid("When id is specified other parameters need not be specified")
	}
	rows, err := Visible(c, newestFirst(c.AutoScaleGroups.Where(func(g AutoScaleGroup) bool {
		p, _ := c.AutoScaleProfiles.Any(g.ProfileID)
		return c.named(g.ID, g.Name) && c.is("lbruleid", g.LBRuleID) && c.is("vmprofileid", g.ProfileID) && c.is("zoneid", p.ZoneID) &&
			c.isBool("fordisplay", !g.HideDisplay) && (!c.Has("policyid") || slices.Contains(g.policies(), c.Str("policyid")))
	})))
	if err != nil {
		return nil, err
	}
	return Listing("autoscalevmgroup", rows, c.groupResponse), nil
}

// membersOf lists a group's machines, the stopped and broken ones too, not those destroyed.
func (c *Call) membersOf(groupID string) []VM {
	return c.VMs.Where(func(v VM) bool {
		return v.AutoScaleGroupID == groupID && v.State != VMExpunging && v.State != VMDestroyed
	})
}

func (c *Call) groupResponse(g AutoScaleGroup) Obj {
	available := 0
	for _, v := range c.membersOf(g.ID) {
		if slices.Contains([]string{VMStarting, VMRunning, VMStopping, "Migrating"}, v.State) {
			available++
		}
	}
	o := Obj{"id": g.ID, "name": g.Name, "lbruleid": g.LBRuleID, "vmprofileid": g.ProfileID, "minmembers": g.MinMembers, "maxmembers": g.MaxMembers,
		"availablevirtualmachinecount": available, "interval": g.Interval, "state": g.State, "fordisplay": !g.HideDisplay,
		"created": timeText(g.Created), "hasannotations": false,
		"scaleuppolicies": c.policyResponses(g.ScaleUpPolicyIDs), "scaledownpolicies": c.policyResponses(g.ScaleDownPolicyIDs)}
	if r, ok := c.LBRules.Any(g.LBRuleID); ok {
		o["publicport"], o["privateport"] = strconv.Itoa(r.PublicPort), strconv.Itoa(r.PrivatePort)
		o.Opt("lbprovider", c.lbProvider(r.NetworkID))
		if n, ok := c.Networks.Any(r.NetworkID); ok {
			o["associatednetworkid"], o["associatednetworkname"] = n.ID, n.Name
		}
		if ip, ok := c.PublicIPs.Any(r.PublicIPID); ok {
			o["publicipid"], o["publicip"] = ip.ID, ip.Address
		}
	}
	c.putOwner(o, g.Owner)
	return o
}

func (c *Call) policyResponses(ids []string) []Obj {
	all := []Obj{}
	for _, id := range ids {
		if p, ok := c.AutoScalePolicies.Get(id); ok {
			all = append(all, c.policyResponse(p))
		}
	}
	return all
}

// groupText is how a group shows in the server's texts, with its dot.
func (c *Call) groupText(g AutoScaleGroup) string {
	r, _ := c.LBRules.Any(g.LBRuleID)
	p, _ := c.AutoScaleProfiles.Any(g.ProfileID)
	return fmt.Sprintf(`AutoScaleVmGroup {"id":%d,"loadBalancerId":%d,"name":"%s","profileId":%d,"uuid":"%s"}.`, g.N, r.N, g.Name, p.N, g.ID)
}

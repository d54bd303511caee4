package cloudsim

import (
	"slices"
	"strings"
)

// errAssign is all a client learns when machines could not be assigned, whatever the reason.
func errAssign() error { return Fail(530, csServer, "Failed to assign load balancer rule") }

// assignLBJob adds machines to a rule.
func assignLBJob(c *Call) (Obj, error) {
	if done, err := c.assignInternalLB(c.EntityID, true); done {
		return Success(), err
	}
	fresh, err := c.membersNamed()
	if err != nil {
		return nil, err
	}
	r, err := c.ruleOfJob()
	if err != nil {
		return nil, err
	}
	if _, scaled := c.groupOfRule(r.ID); scaled || len(fresh) == 0 {
		return nil, errAssign()
	}
	if c.RouterReady(r.NetworkID, "") != nil || c.addMembers(r, fresh) != nil {
		return nil, errAssign()
	}
	return Success(), nil
}

// membersNamed reads virtualmachineids and vmidipmap; an empty address means the machine's own.
func (c *Call) membersNamed() ([]LBMember, error) {
	var all []LBMember
	for _, id := range c.List("virtualmachineids") {
		all = append(all, LBMember{VMID: id})
	}
	for _, entry := range c.Maps("vmidipmap") {
		vm, ok := c.VMs.Get(entry["vmid"])
		if !ok {
			return nil, BadParam("Unable to find virtual machine ID: %s", valueOr(entry["vmid"], "null"))
		}
		if !isAddr(entry["vmip"]) {
			return nil, BadParam("Invalid ip address %s passed in vmidipmap for vmid %s", valueOr(entry["vmip"], "null"), entry["vmid"])
		}
		all = append(all, LBMember{VMID: vm.ID, IPAddress: entry["vmip"]})
	}
	return all, nil
}

// addMembers assigns machines in the given order. A stopped machine is accepted.
func (c *Call) addMembers(r LBRule, fresh []LBMember) error {
	members := slices.Clone(r.Members)
	for _, m := range fresh {
		vm, ok := c.VMs.Get(m.VMID)
		if !ok || vm.State == VMDestroyed || vm.State == VMExpunging || vm.AccountID != r.AccountID {
			return Invalid("Invalid instance id specified")
		}
		nic, ok := vm.NICOn(r.NetworkID)
		if !ok {
			return Invalid("VM with id specified cannot be added because it doesn't belong in the same network.")
		}
		address := valueOr(m.IPAddress, nic.IPAddress)
		if address != nic.IPAddress && !slices.ContainsFunc(nic.SecondaryIPs, func(s SecondaryIP) bool { return s.IPAddress == address }) {
			n, _ := c.Networks.Any(r.NetworkID)
			return Invalid("VM ip %s specified does not belong to nic in network %d", address, n.N)
		}
		if slices.ContainsFunc(members, func(o LBMember) bool { return o.VMID == vm.ID && o.IPAddress == address }) {
			return Invalid("VM %d with %s is already mapped to load balancer.", vm.N, address)
		}
		members = append(members, LBMember{VMID: vm.ID, IPAddress: address})
	}
	r.Members, r.State = members, RuleActive
	if err := c.loadable(r); err != nil {
		return err
	}
	c.LBRules.Put(r)
	c.NetworkChanged(r.NetworkID)
	return nil
}

// unassignLBJob takes machines out of a rule; one that is not in it is no error. Out of an autoscale group's rule a machine
// leaves the group too, and cannot come back.
func unassignLBJob(c *Call) (Obj, error) {
	if done, err := c.assignInternalLB(c.EntityID, false); done {
		return Success(), err
	}
	named, err := c.membersNamed()
	if err != nil {
		return nil, err
	}
	r, err := c.ruleOfJob()
	if err != nil {
		return nil, err
	}
	refused := BadParam("Failed to remove instance from load balancer rule")
	for _, m := range named {
		vm, _ := c.VMs.Get(m.VMID)
		if g, ok := c.AutoScaleGroups.Get(vm.AutoScaleGroupID); ok && g.State != GroupDisabled {
			return nil, refused
		}
		if m.IPAddress != "" && !slices.Contains(r.Members, m) {
			return nil, refused
		}
	}
	if len(named) == 0 && !c.Has("virtualmachineids") {
		return nil, refused
	}
	for _, m := range named {
		r = c.removeMember(r, m)
	}
	return Success(), nil
}

// removeMember takes a machine (at one address, or all if none is given) out of a rule and returns the rule.
func (c *Call) removeMember(r LBRule, m LBMember) LBRule {
	r.Members = slices.DeleteFunc(slices.Clone(r.Members), func(o LBMember) bool {
		return o.VMID == m.VMID && (m.IPAddress == "" || o.IPAddress == m.IPAddress)
	})
	if len(r.Members) == 0 {
		r.State = RuleAdd
	}
	c.LBRules.Put(r)
	if g, ok := c.groupOfRule(r.ID); ok {
		if vm, ok := c.VMs.Get(m.VMID); ok && vm.AutoScaleGroupID == g.ID && !r.has(vm.ID) {
			vm.AutoScaleGroupID = ""
			c.VMs.Put(vm)
		}
	}
	c.NetworkChanged(r.NetworkID)
	return r
}

// forgetMachine takes an expunged machine out of every rule.
func (c *Call) forgetMachine(vmID string) {
	for r := range c.LBRules.All() {
		if r.has(vmID) {
			c.removeMember(r, LBMember{VMID: vmID})
		}
	}
}

// groupOfRule is the autoscale group a rule belongs to for life.
func (c *Call) groupOfRule(ruleID string) (AutoScaleGroup, bool) {
	return c.AutoScaleGroups.Find(func(g AutoScaleGroup) bool { return g.LBRuleID == ruleID })
}

// listLBMembers shows a rule's machines; applied=false finds none, ever.
func listLBMembers(c *Call) (any, error) {
	r, ok := c.LBRules.Get(c.Str("id"))
	if !ok {
		return nil, errNoEntity(c.Label(), "id", c.Str("id"))
	}
	if err := c.Own(r.Owner); err != nil {
		return nil, err
	}
	withAddresses := c.Bool("lbvmips", false)
	key := "loadbalancerruleinstance"
	if withAddresses {
		key = "lbrulevmidip"
	}
	list := List{Key: key}
	if !c.Bool("applied", true) {
		return list, nil
	}
	shown := map[string]bool{}
	for _, m := range r.Members {
		vm, ok := c.VMs.Get(m.VMID)
		if !ok || shown[vm.ID] || slices.Contains([]string{VMDestroyed, VMExpunging, VMError, "Unknown"}, vm.State) {
			continue
		}
		shown[vm.ID] = true
		o := c.vmResponse(vm)
		c.putStats(o, vm)
		if withAddresses {
			o = Obj{"loadbalancerruleinstance": o, "lbvmipaddresses": addressesOf(r, vm.ID)}
		} else {
			for _, hidden := range []string{"hostid", "hostname", "instancename", "arch"} {
				delete(o, hidden)
			}
		}
		list.Items = append(list.Items, o)
	}
	return list, nil
}

func addressesOf(r LBRule, vmID string) []string {
	var all []string
	for _, m := range r.Members {
		if m.VMID == vmID {
			all = append(all, strings.TrimSpace(m.IPAddress))
		}
	}
	return all
}

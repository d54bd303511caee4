package cloudsim

// forgetAccount removes an account with everything it owns, in the order in which things hang together. It runs in jobs, and
// again from its start after a kill, so every step copes with what is already gone.
func (c *Call) forgetAccount(id string) error {
	a, ok := c.Accounts.Get(id)
	if !ok {
		return nil
	}
	if err := c.forgetMachines(id); err != nil {
		return err
	}
	for v := range c.Volumes.All() {
		if v.AccountID == id {
			c.dropVolume(v)
		}
	}
	for s := range c.Snapshots.All() {
		if s.AccountID == id {
			c.Snapshots.Delete(s.ID)
			c.dropDisk(s.DiskPath)
		}
	}
	for n := range c.Networks.All() {
		if n.AccountID == id && n.ACLType == "Account" {
			c.dropNetwork(n)
		}
	}
	for v := range c.VPCs.All() {
		if v.AccountID == id {
			c.dropVPC(v)
		}
	}
	deleteOwned(c.VPNCustomerGateways, id)
	deleteOwned(c.VPNUsers, id)
	for ip := range c.PublicIPs.All() {
		if ip.AccountID == id && ip.State != IPFree {
			c.freeIP(ip)
		}
	}
	c.forgetSmallThings(id)
	now := c.Now()
	for u := range c.Users.All() {
		if u.AccountID == id {
			u.Removed, u.APIKey, u.SecretKey = &now, "", ""
			c.Users.Put(u)
		}
	}
	a.Removed, a.State = &now, "removed"
	c.Accounts.Put(a)
	return nil
}

// forgetMachines stops and expunges the machines of an account; its autoscale groups go first, or they would make new ones.
func (c *Call) forgetMachines(accountID string) error {
	for g := range c.AutoScaleGroups.All() {
		if g.AccountID == accountID {
			c.AutoScaleGroups.Delete(g.ID)
		}
	}
	for p := range c.AutoScalePolicies.All() {
		if p.AccountID == accountID {
			c.AutoScalePolicies.Delete(p.ID)
		}
	}
	for p := range c.AutoScaleProfiles.All() {
		if p.AccountID == accountID {
			c.AutoScaleProfiles.Delete(p.ID)
		}
	}
	for p := range c.Conditions.All() {
		if p.AccountID == accountID {
			c.Conditions.Delete(p.ID)
		}
	}
	for _, vm := range c.VMs.Where(func(v VM) bool { return v.AccountID == accountID }) {
		if err := c.bringDown(vm, true); err != nil {
			return err
		}
		c.expunge(vm.ID)
	}
	return nil
}

// forgetSmallThings removes keys, groups, user data, certificates and own templates, and the memberships in projects.
func (c *Call) forgetSmallThings(accountID string) {
	deleteOwned(c.SSHKeys, accountID)
	deleteOwned(c.AffinityGroups, accountID)
	deleteOwned(c.InstanceGroups, accountID)
	deleteOwned(c.UserData, accountID)
	deleteOwned(c.SSLCerts, accountID)
	deleteOwned(c.SecurityGroups, accountID)
	now := c.Now()
	for t := range c.Templates.All() {
		if t.AccountID == accountID {
			t.Removed = &now
			c.Templates.Put(t)
		}
	}
	for l := range c.Limits.All() {
		if l.AccountID == accountID {
			c.Limits.Delete(l.ID)
		}
	}
	for p := range c.Projects.All() {
		for i, m := range p.Members {
			if m == accountID && i > 0 {
				p.Members = append(append([]string(nil), p.Members[:i]...), p.Members[i+1:]...)
				c.Projects.Put(p)
				break
			}
		}
	}
}

func deleteOwned[T interface {
	row
	owned
}](t *Table[T], accountID string) {
	for r := range t.All() {
		if r.owner().AccountID == accountID {
			t.Delete(r.base().ID)
		}
	}
}

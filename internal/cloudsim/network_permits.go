package cloudsim

// permitCommands let other accounts use a network.
var permitCommands = map[string]command{
	"createNetworkPermissions": {run: changePermits(true)},
	"removeNetworkPermissions": {run: changePermits(false)},
	"resetNetworkPermissions":  {run: resetPermits},
	"listNetworkPermissions":   {run: listPermits},
}

// networkToShare is the network whose permissions a call changes.
func (c *Call) networkToShare() (Network, error) {
	n, ok := c.Networks.Get(c.Str("networkid"))
	if !ok {
		return n, Invalid("unable to find network with id %s", c.Str("networkid"))
	}
	if err := c.Own(n.Owner); err != nil {
		return n, err
	}
	switch {
	case n.ACLType == "Domain":
		return n, Invalid("network is already shared in domain")
	case n.VPCID != "":
		return n, Invalid("VPC tiers cannot be shared")
	case n.ProjectID != "":
		return n, Invalid("Update network permissions is an invalid operation on network %s. Project owned networks cannot be shared outside network.", n.Name)
	}
	return n, nil
}

// accountsToPermit are the accounts and projects that a call names.
func (c *Call) accountsToPermit(n Network) ([]string, error) {
	var ids []string
	for _, name := range c.List("accounts") {
		a, ok := c.Accounts.Find(func(a Account) bool { return a.Name == name && a.DomainID == n.DomainID })
		if !ok {
			return nil, Invalid("Unable to find account %s in the domain of network %s. No permissions is added", name, c.networkText(n))
		}
		ids = append(ids, a.ID)
	}
	for _, id := range c.List("accountids") {
		a, ok := c.Accounts.Get(id)
		if !ok || a.DomainID != n.DomainID {
			return nil, Invalid("Unable to find account %s in the domain of network %s. No permissions is added", id, c.networkText(n))
		}
		ids = append(ids, a.ID)
	}
	for _, id := range c.List("projectids") {
		p, ok := c.Projects.Get(id)
		if !ok {
			return nil, Invalid("Unable to find project by id %s", id)
		}
		ids = append(ids, p.AccountID)
	}
	return ids, nil
}

func changePermits(add bool) func(*Call) (any, error) {
	return func(c *Call) (any, error) {
		n, err := c.networkToShare()
		if err != nil {
			return nil, err
		}
		ids, err := c.accountsToPermit(n)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			old, has := c.NetworkPermits.Find(func(p NetworkPermit) bool { return p.NetworkID == n.ID && p.AccountID == id })
			switch {
			case add && !has && id != n.AccountID:
				c.NetworkPermits.Put(NetworkPermit{Base: c.NetworkPermits.NewBase(), NetworkID: n.ID, AccountID: id})
			case !add && has:
				c.NetworkPermits.Delete(old.ID)
			}
		}
		return Success(), nil
	}
}

func resetPermits(c *Call) (any, error) {
	n, err := c.networkToShare()
	if err != nil {
		return nil, err
	}
	for p := range c.NetworkPermits.All() {
		if p.NetworkID == n.ID {
			c.NetworkPermits.Delete(p.ID)
		}
	}
	return Success(), nil
}

func listPermits(c *Call) (any, error) {
	n, ok := c.Networks.Get(c.Str("networkid"))
	if !ok {
		return nil, Invalid("unable to find network with id %s", c.Str("networkid"))
	}
	if err := c.Own(n.Owner); err != nil {
		return nil, err
	}
	rows := c.NetworkPermits.Where(func(p NetworkPermit) bool { return p.NetworkID == n.ID })
	return Listing("networkpermission", rows, func(p NetworkPermit) Obj {
		a, _ := c.Accounts.Any(p.AccountID)
		o := Obj{"networkid": n.ID}
		c.putOwner(o, Owner{AccountID: a.ID, DomainID: a.DomainID, ProjectID: c.projectOf(a.ID)})
		delete(o, "domainpath")
		if o["projectid"] == nil {
			o["accountid"] = a.ID
		}
		return o
	}), nil
}

// permitted reports whether the caller was let in to a network of somebody else's.
func (c *Call) permitted(n Network) bool {
	_, ok := c.NetworkPermits.Find(func(p NetworkPermit) bool { return p.NetworkID == n.ID && p.AccountID == c.Caller.Account.ID })
	return ok
}

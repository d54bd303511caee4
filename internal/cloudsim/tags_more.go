package cloudsim

// The owners of what can be tagged and is not simply a row with an owner.

func ownerOfSecurityRule(t *Tables, id string) (Owner, bool) {
	for g := range t.SecurityGroups.All() {
		for _, r := range g.Rules {
			if r.ID == id {
				return g.Owner, true
			}
		}
	}
	return Owner{}, false
}

// ownerOfProject is the project itself, so that its members may tag it.
func ownerOfProject(t *Tables, id string) (Owner, bool) {
	p, ok := t.Projects.Get(id)
	return Owner{AccountID: p.AccountID, DomainID: p.DomainID, ProjectID: p.ID}, ok
}

func ownerOfAccount(t *Tables, id string) (Owner, bool) {
	a, ok := t.Accounts.Get(id)
	return Owner{AccountID: a.ID, DomainID: a.DomainID}, ok
}

func ownerOfUser(t *Tables, id string) (Owner, bool) {
	u, ok := t.Users.Get(id)
	if !ok {
		return Owner{}, false
	}
	return ownerOfAccount(t, u.AccountID)
}

func ownerOfACLItem(t *Tables, id string) (Owner, bool) {
	i, ok := t.ACLItems.Get(id)
	if !ok {
		return Owner{}, false
	}
	return ownerOfACLList(t, i.ListID)
}

// ownerOfACLList is the owner of the list's VPC; the lists of every cloud belong to the operator.
func ownerOfACLList(t *Tables, id string) (Owner, bool) {
	l, ok := t.ACLLists.Get(id)
	if !ok {
		return Owner{}, false
	}
	if v, has := t.VPCs.Get(l.VPCID); has {
		return v.Owner, true
	}
	return t.operator(), true
}

func ownerOfVPCOffering(t *Tables, id string) (Owner, bool) {
	_, ok := t.VPCOfferings.Get(id)
	return t.operator(), ok
}

// operator is the owner of what belongs to the cloud itself.
func (t *Tables) operator() Owner {
	a, _ := t.Accounts.Find(func(a Account) bool { return a.Name == "system" })
	return Owner{AccountID: a.ID, DomainID: a.DomainID}
}

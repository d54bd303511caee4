package cloudsim

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// internalLBCommands balance inside a VPC: from an address of one tier to machines of a tier.
var internalLBCommands = map[string]command{
	"createLoadBalancer": {start: startInternalLB, job: internalLBJob, creates: true, kinds: map[string]kind{"sourceipaddressnetworkid": kindNetwork}, queue: queueNetworkParam, event: "LB.CREATE"},
	"listLoadBalancers":  {run: listInternalLBs, id: kindInternalLB, kinds: map[string]kind{"sourceipaddressnetworkid": kindNetwork}},
	"updateLoadBalancer": {start: startNamedInternalLB, job: displayJob("loadbalancer", func(c *Call) *Table[InternalLB] { return c.InternalLBs },
		func(r *InternalLB) *bool { return &r.HideDisplay }, (*Call).internalLBResponse), id: kindInternalLB, event: "LB.UPDATE"},
	"deleteLoadBalancer":          {start: startNamedInternalLB, job: deleteInternalLBJob, id: kindInternalLB, event: "LB.DELETE"},
	"listInternalLoadBalancerVMs": {run: listInternalLBVMs, id: kindInternalLB, rootOnly: true},
}

func startInternalLB(c *Call) (string, error) {
	n, _ := c.Networks.Get(c.Str("networkid"))
	if err := c.Own(n.Owner); err != nil {
		return "", err
	}
	from, _ := c.Networks.Get(c.Str("sourceipaddressnetworkid"))
	o, _ := c.NetworkOfferings.Any(n.OfferingID)
	source, instance := c.Int("sourceport", 0), c.Int("instanceport", 0)
	algorithm := strings.ToLower(c.Str("algorithm"))
	internal := slices.ContainsFunc(o.Services, func(s Service) bool { return s.Name == "Lb" && s.Provider == "InternalLbVm" })
	switch {
	case !strings.EqualFold(c.Str("scheme"), "Internal"):
		return "", Invalid("Invalid value for scheme. Supported value is internal")
	case !isPort(source):
		return "", Invalid("Invalid value for source port: %d", source)
	case !isPort(instance):
		return "", Invalid("Invalid value for instance port: %d", instance)
	case !slices.Contains([]string{"roundrobin", "leastconn", "source"}, algorithm):
		return "", Invalid("Invalid algorithm: %s", c.Str("algorithm"))
	case !internal:
		return "", Invalid("Scheme Internal is not supported by the network offering %s", o.Name)
	case from.VPCID != n.VPCID:
		return "", Invalid("Networks of source and destination of the load balancer do not belong to the same VPC")
	}
	ip, err := c.internalAddress(from)
	if err != nil {
		return "", err
	}
	if _, taken := c.InternalLBs.Find(func(b InternalLB) bool { return b.SourceIP == ip && b.SourceNetID == from.ID && b.SourcePort == source }); taken {
		return "", RuleConflict("The range specified, %d-%d, conflicts with rule of another internal load balancer at %s", source, source, ip)
	}
	b := InternalLB{Base: c.InternalLBs.NewBase(), Owner: n.Owner, Name: c.Str("name"), Description: c.Str("description"), Algorithm: algorithm, NetworkID: n.ID, SourceNetID: from.ID,
		SourceIP: ip, SourcePort: source, InstancePort: instance, State: RuleAdd, HideDisplay: !c.Bool("fordisplay", true)}
	c.InternalLBs.Put(b)
	return b.ID, nil
}

// internalAddress is the address of a tier to balance at: one that is a balancer's already or nobody's.
func (c *Call) internalAddress(n Network) (string, error) {
	wanted := c.Str("sourceipaddress")
	if wanted == "" {
		return c.GuestAddress(n, "")
	}
	prefix, err := netip.ParsePrefix(n.CIDR)
	a, errA := netip.ParseAddr(wanted)
	if err != nil || errA != nil || !prefix.Contains(a) {
		return "", Invalid("IP address %s is not within the network's cidr %s", wanted, n.CIDR)
	}
	if _, ours := c.InternalLBs.Find(func(b InternalLB) bool { return b.SourceIP == wanted && b.SourceNetID == n.ID }); ours {
		return wanted, nil
	}
	return c.GuestAddress(n, wanted)
}

func internalLBJob(c *Call) (Obj, error) {
	b, ok := c.InternalLBs.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to create load balancer")
	}
	b.State = RuleActive
	c.InternalLBs.Put(b)
	return Obj{"loadbalancer": c.internalLBResponse(b)}, nil
}

func (c *Call) internalLBResponse(b InternalLB) Obj {
	members := []Obj{}
	for _, id := range b.VMIDs {
		if vm, ok := c.VMs.Get(id); ok {
			nic, _ := vm.NICOn(b.NetworkID)
			members = append(members, Obj{"id": vm.ID, "name": vm.Name, "state": vm.State, "ipaddress": nic.IPAddress})
		}
	}
	o := Obj{"id": b.ID, "name": b.Name, "algorithm": b.Algorithm, "networkid": b.NetworkID, "sourceipaddress": b.SourceIP, "sourceipaddressnetworkid": b.SourceNetID,
		"loadbalancerrule":     []Obj{{"sourceport": b.SourcePort, "instanceport": b.InstancePort, "state": b.State}},
		"loadbalancerinstance": members, "tags": c.tagsOf("LoadBalancer", b.ID)}
	c.putOwner(o, b.Owner)
	if c.Caller.Root() {
		o["fordisplay"] = !b.HideDisplay
	}
	return o.Opt("description", b.Description)
}

func listInternalLBs(c *Call) (any, error) {
	if s := c.Str("scheme"); s != "" && !strings.EqualFold(s, "Internal") {
		return nil, Invalid("Invalid value for scheme. Supported value is internal")
	}
	rows, err := Visible(c, c.InternalLBs.Where(func(b InternalLB) bool {
		return c.named(b.ID, b.Name) && c.is("networkid", b.NetworkID) && c.is("sourceipaddress", b.SourceIP) && c.is("sourceipaddressnetworkid", b.SourceNetID) &&
			c.isBool("fordisplay", !b.HideDisplay) && c.matchTags("LoadBalancer", b.ID)
	}))
	if err != nil {
		return nil, err
	}
	return Listing("loadbalancer", rows, c.internalLBResponse), nil
}

func startNamedInternalLB(c *Call) (string, error) {
	b, ok := c.InternalLBs.Get(c.Str("id"))
	if !ok {
		return "", Invalid("Unable to find the load balancer %s", c.Str("id"))
	}
	return b.ID, c.Own(b.Owner)
}

func deleteInternalLBJob(c *Call) (Obj, error) {
	c.ForgetTags(c.EntityID)
	c.InternalLBs.Delete(c.EntityID)
	return Success(), nil
}

// assignInternalLB puts machines behind an internal balancer, or takes them away; done is false if the id is no such balancer's.
func (c *Call) assignInternalLB(id string, add bool) (done bool, err error) {
	b, ok := c.InternalLBs.Get(id)
	if !ok {
		return false, nil
	}
	for _, vmID := range c.List("virtualmachineids") {
		vm, _ := c.VMs.Get(vmID)
		_, on := vm.NICOn(b.NetworkID)
		has := slices.Contains(b.VMIDs, vmID)
		switch {
		case add && !on:
			return true, Invalid("VM %s cannot be added because it doesn't belong in the same network.", vmID)
		case add && has:
			return true, Invalid("VM %s is already mapped to load balancer.", vmID)
		case !add && !has:
			return true, Invalid("The virtual machine %s is not part of load balancer %s", vmID, b.Name)
		case add:
			b.VMIDs = append(slices.Clone(b.VMIDs), vmID)
		default:
			b.VMIDs = slices.DeleteFunc(slices.Clone(b.VMIDs), func(o string) bool { return o == vmID })
		}
	}
	c.InternalLBs.Put(b)
	return true, nil
}

// listInternalLBVMs are the machines that balance: one for each address that has a member behind it.
func listInternalLBVMs(c *Call) (any, error) {
	seen := map[string]bool{}
	rows := c.InternalLBs.Where(func(b InternalLB) bool {
		first := len(b.VMIDs) > 0 && !seen[b.SourceNetID+b.SourceIP] && c.is("networkid", b.SourceNetID)
		seen[b.SourceNetID+b.SourceIP] = seen[b.SourceNetID+b.SourceIP] || first
		return first
	})
	return Listing("internalloadbalancervm", rows, func(b InternalLB) Obj {
		n, _ := c.Networks.Any(b.SourceNetID)
		o := Obj{"id": b.ID, "name": "b-" + strconv.FormatInt(b.N, 10) + "-VM", "state": VMRunning, "role": "INTERNAL_LB_VM", "guestipaddress": b.SourceIP, "guestnetworkid": n.ID,
			"guestnetworkname": n.Name, "vpcid": n.VPCID, "created": timeText(b.Created), "isredundantrouter": false, "redundantstate": "UNKNOWN", "nic": []Obj{}}
		c.putZone(o, n.ZoneID)
		c.putOwner(o, b.Owner)
		return o
	}), nil
}

// namedAnyLB is namedLBRule for commands that take both kinds of balancers.
func namedAnyLB(c *Call) (string, error) {
	if _, ok := c.InternalLBs.Get(c.Str("id")); ok {
		return startNamedInternalLB(c)
	}
	return namedLBRule(c)
}

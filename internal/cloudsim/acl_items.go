package cloudsim

import (
	"slices"
	"strconv"
	"strings"
)

// listForItem is the list that createNetworkACL adds to: the one named, or the tier's, which is made if it has none.
func (c *Call) listForItem() (ACLList, error) {
	if id := c.Str("aclid"); id != "" {
		l, ok := c.ACLLists.Get(id)
		if !ok {
			return l, Invalid("Unable to find specified ACL")
		}
		return l, c.ownList(l)
	}
	n, ok := c.Networks.Get(c.Str("networkid"))
	if !ok {
		return ACLList{}, Invalid("Cannot create Network ACL Item. ACL Id or network Id is required")
	}
	if n.VPCID == "" {
		return ACLList{}, Invalid("Network: %s is not part of a VPC. Unable to create a network ACL item", c.networkText(n))
	}
	if err := c.Own(n.Owner); err != nil {
		return ACLList{}, err
	}
	if l, ok := c.ACLLists.Get(n.ACLID); ok && l.VPCID != "" {
		return l, nil
	}
	l := ACLList{Base: c.ACLLists.NewBase(), Name: "VPC_" + n.Name + "ACL_" + n.ID, Description: "ACL for " + n.Name, VPCID: n.VPCID}
	c.ACLLists.Put(l)
	n.ACLID = l.ID
	c.Networks.Put(n)
	c.NetworkChanged(n.ID)
	return l, nil
}

func startCreateACL(c *Call) (string, error) {
	l, err := c.listForItem()
	if err != nil {
		return "", err
	}
	i := ACLItem{Base: c.ACLItems.NewBase(), ListID: l.ID, State: RuleActive, Reason: c.Str("reason"), HideDisplay: !c.Bool("fordisplay", true), CIDRs: []string{"0.0.0.0/0"}}
	for _, other := range c.aclItems(l.ID) {
		i.Number = max(i.Number, other.Number)
	}
	i.Number++
	if err := c.fillACL(&i); err != nil {
		return "", err
	}
	c.ACLItems.Put(i)
	return i.ID, nil
}

// fillACL reads a rule from the call's parameters, checking as it goes.
func (c *Call) fillACL(i *ACLItem) error {
	if c.Has("number") {
		i.Number = c.Int("number", 0)
		if i.Number < 1 {
			return Invalid("Invalid number [%d]. Number cannot be < 1", i.Number)
		}
		if _, taken := c.ACLItems.Find(func(o ACLItem) bool { return o.ListID == i.ListID && o.Number == i.Number && o.ID != i.ID }); taken {
			return Invalid("ACL item with number %d already exists in ACL: %s", i.Number, i.ListID)
		}
	}
	if err := c.fillACLKind(i); err != nil {
		return err
	}
	if list := c.List("cidrlist"); len(list) > 0 {
		for _, cidr := range list {
			if !validCIDR(cidr) {
				return BadParam("Source cidrs formatting error %s", cidr)
			}
		}
		i.CIDRs = list
	}
	return c.fillACLPorts(i)
}

func (c *Call) fillACLKind(i *ACLItem) error {
	if p := strings.ToLower(c.Str("protocol")); p != "" {
		number, err := strconv.Atoi(p)
		if err != nil && !slices.Contains([]string{"tcp", "udp", "icmp", "all"}, p) {
			return Invalid("Invalid protocol [%s]. Expected one of: [tcp,udp,icmp,all]", p)
		}
		if err == nil && (number < 0 || number > 255) {
			return Invalid("Invalid protocol number: %d", number)
		}
		i.Protocol = p
	}
	switch a := strings.ToLower(c.Str("action")); a {
	case "":
	case "allow", "deny":
		i.Deny = a == "deny"
	default:
		return Invalid("Invalid action [%s]. Permitted actions are Allow and Deny", a)
	}
	switch t := strings.ToLower(c.Str("traffictype")); t {
	case "":
	case "ingress", "egress":
		i.Egress = t == "egress"
	default:
		return Invalid("Invalid traffic type %s", c.Str("traffictype"))
	}
	return nil
}

func (c *Call) fillACLPorts(i *ACLItem) error {
	if c.Has("startport") {
		start := c.Int("startport", 0)
		end := c.Int("endport", start)
		for _, p := range []int{start, end} {
			if !isPort(p) {
				return Invalid("publicPort is an invalid value: %d", p)
			}
		}
		if start > end {
			return Invalid("Start port can't be bigger than end port")
		}
		i.StartPort, i.EndPort = &start, &end
	}
	if c.Has("icmptype") {
		kind, code := c.Int("icmptype", -1), c.Int("icmpcode", -1)
		if kind < -1 || kind > 255 || code < -1 || code > 15 {
			return Invalid("Invalid icmp type %d or code %d", kind, code)
		}
		i.ICMPType, i.ICMPCode = &kind, &code
	}
	switch {
	case i.Protocol == "all" && i.StartPort != nil:
		return Invalid("start port and end port must be null if protocol = 'all'")
	case i.Protocol != "icmp" && i.ICMPType != nil:
		return Invalid("Can specify icmpCode and icmpType for ICMP protocol only")
	case i.Protocol == "icmp" && i.StartPort != nil:
		return Invalid("Can't specify start/end port when protocol is ICMP")
	case i.Protocol == "icmp" && i.ICMPType == nil:
		any1, any2 := -1, -1
		i.ICMPType, i.ICMPCode = &any1, &any2
	}
	return nil
}

func createACLJob(c *Call) (Obj, error) {
	i, ok := c.ACLItems.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to create network ACL item")
	}
	c.listChanged(i.ListID)
	return Obj{"networkacl": c.aclResponse(i)}, nil
}

// listChanged tells the data plane of the tiers that use a list.
func (c *Call) listChanged(listID string) {
	for n := range c.Networks.All() {
		if n.ACLID == listID {
			c.NetworkChanged(n.ID)
		}
	}
}

func startACLItem(c *Call) (string, error) {
	i, ok := c.ACLItems.Get(c.Str("id"))
	if !ok {
		return "", Invalid("Unable to find network ACL item with ID [%s].", c.Str("id"))
	}
	l, _ := c.ACLLists.Get(i.ListID)
	return i.ID, c.ownList(l)
}

// updateACLJob changes a rule. Its answer shows the state before the routers have taken it.
func updateACLJob(c *Call) (Obj, error) {
	i, ok := c.ACLItems.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find network ACL item with ID [%s].", c.EntityID)
	}
	if p := strings.ToLower(c.Str("protocol")); p != "" && p != i.Protocol {
		i.StartPort, i.EndPort, i.ICMPType, i.ICMPCode = nil, nil, nil, nil
	}
	if err := c.fillACL(&i); err != nil {
		return nil, err
	}
	i.Reason, i.HideDisplay = c.Or("reason", i.Reason), !c.Bool("fordisplay", !i.HideDisplay)
	c.ACLItems.Put(i)
	c.listChanged(i.ListID)
	o := c.aclResponse(i)
	o["state"] = RuleAdd
	return Obj{"networkacl": o}, nil
}

func deleteACLJob(c *Call) (Obj, error) {
	i, ok := c.ACLItems.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to delete network ACL item")
	}
	c.ForgetTags(i.ID)
	c.ACLItems.Delete(i.ID)
	c.listChanged(i.ListID)
	return Success(), nil
}

// moveACLJob puts a rule between two others; to make room, those behind it move on.
func moveACLJob(c *Call) (Obj, error) {
	i, ok := c.ACLItems.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Could not find any ACL rule with id [%s]", c.EntityID)
	}
	previous, after := c.ACLItems.Get(c.Str("previousaclruleid"))
	next, before := c.ACLItems.Get(c.Str("nextaclruleid"))
	switch {
	case !after && !before:
		return nil, Invalid("Both previous and next ACL rule IDs cannot be blank")
	case after && previous.ListID != i.ListID, before && next.ListID != i.ListID:
		return nil, Invalid("Cannot use ACL rules from differnt ACLs. Rule being moved [%s] and its neighbours must be in the same ACL", i.ID)
	}
	number := 1
	if after {
		number = previous.Number + 1
	}
	c.makeRoom(i, number)
	i.Number = number
	c.ACLItems.Put(i)
	c.listChanged(i.ListID)
	return Obj{"networkacl": c.aclResponse(i)}, nil
}

// makeRoom moves the rules from a number on up by one, as far as they are in the way.
func (c *Call) makeRoom(moved ACLItem, number int) {
	for _, o := range c.aclItems(moved.ListID) {
		if o.ID == moved.ID || o.Number != number {
			continue
		}
		number++
		o.Number = number
		c.ACLItems.Put(o)
	}
}

package cloudsim

import (
	"slices"
	"sort"
	"strconv"
	"strings"
)

// aclCommands are lists of rules for the tiers of VPCs.
var aclCommands = map[string]command{
	"createNetworkACLList":  {start: startCreateACLList, job: aclListJob, creates: true, event: "NETWORK.ACL.CREATE"},
	"listNetworkACLLists":   {run: listACLLists, id: kindACLList},
	"updateNetworkACLList":  {start: startACLList, job: updateACLListJob, id: kindACLList, event: "NETWORK.ACL.UPDATE"},
	"deleteNetworkACLList":  {start: startACLList, job: deleteACLListJob, id: kindACLList, event: "NETWORK.ACL.DELETE"},
	"replaceNetworkACLList": {start: startReplaceACL, job: replaceACLJob, event: "NETWORK.ACL.REPLACE"},
	"createNetworkACL":      {start: startCreateACL, job: createACLJob, creates: true, event: "NETWORK.ACL.ITEM.CREATE"},
	"listNetworkACLs":       {run: listACLs, id: kindACLItem},
	"updateNetworkACLItem":  {start: startACLItem, job: updateACLJob, id: kindACLItem, event: "NETWORK.ACL.ITEM.UPDATE", envelope: "createnetworkaclresponse"},
	"deleteNetworkACL":      {start: startACLItem, job: deleteACLJob, id: kindACLItem, event: "NETWORK.ACL.ITEM.DELETE"},
	"moveNetworkAclItem":    {start: startACLItem, job: moveACLJob, id: kindACLItem, event: "NETWORK.ACL.ITEM.UPDATE", envelope: "moveNetworkAclItemResponse"},
}

// ownList refuses a caller who may not change a list, and anybody for the lists that every cloud has.
func (c *Call) ownList(l ACLList) error {
	if l.VPCID == "" {
		return Invalid("Default ACL cannot be modified")
	}
	v, _ := c.VPCs.Any(l.VPCID)
	return c.Own(v.Owner)
}

func (c *Call) aclListResponse(l ACLList) Obj {
	o := Obj{"id": l.ID, "name": l.Name, "description": l.Description, "fordisplay": !l.HideDisplay}
	if v, ok := c.VPCs.Any(l.VPCID); ok {
		o["vpcid"], o["vpcname"] = v.ID, v.Name
	}
	return o
}

func startCreateACLList(c *Call) (string, error) {
	v, ok := c.VPCs.Get(c.Str("vpcid"))
	if !ok {
		return "", Invalid("Unable to find VPC")
	}
	if err := c.Own(v.Owner); err != nil {
		return "", err
	}
	l := ACLList{Base: c.ACLLists.NewBase(), Name: c.Str("name"), Description: c.Str("description"), VPCID: v.ID, HideDisplay: !c.Bool("fordisplay", true)}
	c.ACLLists.Put(l)
	return l.ID, nil
}

func aclListJob(c *Call) (Obj, error) {
	l, ok := c.ACLLists.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to create network ACL")
	}
	return Obj{"networkacllist": c.aclListResponse(l)}, nil
}

func listACLLists(c *Call) (any, error) {
	in, err := c.scope()
	if err != nil {
		return nil, err
	}
	used := ""
	if n, ok := c.Networks.Get(c.Str("networkid")); ok {
		used = valueOr(n.ACLID, "none")
	}
	rows := c.ACLLists.Where(func(l ACLList) bool {
		v, _ := c.VPCs.Any(l.VPCID)
		return c.named(l.ID, l.Name) && (l.VPCID == "" || in(v.Owner) && c.is("vpcid", l.VPCID)) && (used == "" || used == l.ID)
	})
	slices.Reverse(rows) // newest first
	return Listing("networkacllist", rows, c.aclListResponse), nil
}

func startACLList(c *Call) (string, error) {
	l, ok := c.ACLLists.Get(c.Str("id"))
	if !ok {
		return "", Invalid("Unable to find specified Network ACL: %s", c.Str("id"))
	}
	return l.ID, c.ownList(l)
}

func updateACLListJob(c *Call) (Obj, error) {
	l, ok := c.ACLLists.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find specified Network ACL: %s", c.EntityID)
	}
	l.Name, l.Description, l.HideDisplay = c.Or("name", l.Name), c.Or("description", l.Description), !c.Bool("fordisplay", !l.HideDisplay)
	c.ACLLists.Put(l)
	return Obj{"networkacllist": c.aclListResponse(l)}, nil
}

func deleteACLListJob(c *Call) (Obj, error) {
	l, ok := c.ACLLists.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find specified Network ACL: %s", c.EntityID)
	}
	if tiers := len(c.Networks.Where(func(n Network) bool { return n.ACLID == l.ID })); tiers > 0 {
		return nil, Internal("ACL is still associated with %d tier(s). Cannot delete network ACL: %s", tiers, l.ID)
	}
	if gateways := len(c.PrivateGateways.Where(func(g PrivateGateway) bool { return g.ACLID == l.ID })); gateways > 0 {
		return nil, Internal("ACL is still associated with %d private gateway(s). Cannot delete network ACL: %s", gateways, l.ID)
	}
	c.dropACL(l)
	return Success(), nil
}

func (c *Call) dropACL(l ACLList) {
	for _, i := range c.aclItems(l.ID) {
		c.ForgetTags(i.ID)
		c.ACLItems.Delete(i.ID)
	}
	c.ACLLists.Delete(l.ID)
}

// startReplaceACL gives a tier, or a private gateway, another list.
func startReplaceACL(c *Call) (string, error) {
	l, ok := c.ACLLists.Get(c.Str("aclid"))
	if !ok {
		return "", Invalid("Unable to find specified NetworkACL")
	}
	n, tier := c.Networks.Get(c.Str("networkid"))
	g, gateway := c.PrivateGateways.Get(c.Str("gatewayid"))
	switch {
	case tier == gateway:
		return "", Invalid("Network id and private gateway can't be passed at the same time, and one of them is needed")
	case tier && n.VPCID == "":
		return "", Invalid("Network: %s is not part of a VPC. Cannot apply Network ACL", c.networkText(n))
	case l.VPCID != "" && l.VPCID != valueOr(n.VPCID, g.VPCID):
		return "", Invalid("Network ACL %s and the network or gateway do not belong to the same VPC", l.ID)
	case tier:
		return n.ID, c.Own(n.Owner)
	}
	return g.ID, c.Own(g.Owner)
}

func replaceACLJob(c *Call) (Obj, error) {
	if n, ok := c.Networks.Get(c.EntityID); ok {
		n.ACLID = c.Str("aclid")
		c.Networks.Put(n)
		c.NetworkChanged(n.ID)
		return Success(), nil
	}
	g, ok := c.PrivateGateways.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to replace network ACL")
	}
	g.ACLID = c.Str("aclid")
	c.PrivateGateways.Put(g)
	return Success(), nil
}

// aclItems are the rules of a list in the order in which they are judged.
func (t *Tables) aclItems(listID string) []ACLItem {
	items := t.ACLItems.Where(func(i ACLItem) bool { return i.ListID == listID })
	sort.SliceStable(items, func(a, b int) bool { return items[a].Number < items[b].Number })
	return items
}

func (c *Call) aclResponse(i ACLItem) Obj {
	l, _ := c.ACLLists.Any(i.ListID)
	o := Obj{"id": i.ID, "protocol": i.Protocol, "traffictype": "Ingress", "state": i.State, "cidrlist": strings.Join(i.CIDRs, ","),
		"tags": c.tagsOf("NetworkACL", i.ID), "aclid": l.ID, "aclname": l.Name, "number": i.Number, "action": "Allow", "fordisplay": !i.HideDisplay}
	if i.Egress {
		o["traffictype"] = "Egress"
	}
	if i.Deny {
		o["action"] = "Deny"
	}
	if i.StartPort != nil && i.EndPort != nil {
		o["startport"], o["endport"] = strconv.Itoa(*i.StartPort), strconv.Itoa(*i.EndPort)
	}
	if i.ICMPType != nil && i.ICMPCode != nil {
		o["icmptype"], o["icmpcode"] = *i.ICMPType, *i.ICMPCode
	}
	return o.Opt("reason", i.Reason)
}

func listACLs(c *Call) (any, error) {
	in, err := c.scope()
	if err != nil {
		return nil, err
	}
	list := c.Str("aclid")
	if n, ok := c.Networks.Get(c.Str("networkid")); ok && list == "" {
		list = valueOr(n.ACLID, aclDefaultDeny)
	}
	rows := c.ACLItems.Where(func(i ACLItem) bool {
		l, _ := c.ACLLists.Any(i.ListID)
		v, _ := c.VPCs.Any(l.VPCID)
		shown := in(v.Owner) || l.VPCID == "" && (list == l.ID || c.Has("id"))
		o := c.aclResponse(i)
		return shown && c.named(i.ID, i.Reason) && (list == "" || list == i.ListID) && (!c.Has("protocol") || strings.EqualFold(c.Str("protocol"), i.Protocol)) &&
			(!c.Has("action") || strings.EqualFold(c.Str("action"), o["action"].(string))) &&
			(!c.Has("traffictype") || strings.EqualFold(c.Str("traffictype"), o["traffictype"].(string))) && c.matchTags("NetworkACL", i.ID)
	})
	slices.Reverse(rows) // newest first
	return Listing("networkacl", rows, c.aclResponse), nil
}

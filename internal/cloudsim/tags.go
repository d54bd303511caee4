package cloudsim

import (
	"slices"
	"strings"
)

// tagCommands put keys and values on resources.
var tagCommands = map[string]command{
	"createTags": {start: startNothing, job: createTagsJob, kinds: map[string]kind{"resourceids": kindAny}, event: "CREATE_TAGS"},
	"deleteTags": {start: startNothing, job: deleteTagsJob, kinds: map[string]kind{"resourceids": kindAny}, event: "DELETE_TAGS"},
	"listTags":   {run: listTags},
}

// startNothing is the first half of commands whose checks are all in the job.
func startNothing(*Call) (string, error) { return "", nil }

// owners finds the owner of a taggable resource; ok is false if there is no such resource.
type ownerLookup func(t *Tables, id string) (o Owner, ok bool)

func ownerIn[T interface {
	row
	owned
}](table func(*Tables) *Table[T]) ownerLookup {
	return func(t *Tables, id string) (Owner, bool) {
		r, ok := table(t).Get(id)
		if !ok {
			return Owner{}, false
		}
		return r.owner(), true
	}
}

// taggable are the resource types that can carry tags.
var taggable = map[string]ownerLookup{
	"UserVm":             ownerIn(func(t *Tables) *Table[VM] { return t.VMs }),
	"Template":           ownerIn(func(t *Tables) *Table[Template] { return t.Templates }),
	"ISO":                ownerIn(func(t *Tables) *Table[Template] { return t.Templates }),
	"Volume":             ownerIn(func(t *Tables) *Table[Volume] { return t.Volumes }),
	"Snapshot":           ownerIn(func(t *Tables) *Table[Snapshot] { return t.Snapshots }),
	"VMSnapshot":         ownerIn(func(t *Tables) *Table[VMSnapshot] { return t.VMSnapshots }),
	"Network":            ownerIn(func(t *Tables) *Table[Network] { return t.Networks }),
	"LoadBalancer":       ownerOfBalancer,
	"PortForwardingRule": ownerIn(func(t *Tables) *Table[FirewallRule] { return t.Firewall }),
	"FirewallRule":       ownerIn(func(t *Tables) *Table[FirewallRule] { return t.Firewall }),
	"PublicIpAddress":    ownerIn(func(t *Tables) *Table[PublicIP] { return t.PublicIPs }),
	"Vpc":                ownerIn(func(t *Tables) *Table[VPC] { return t.VPCs }),
	"SecurityGroup":      ownerIn(func(t *Tables) *Table[SecurityGroup] { return t.SecurityGroups }),
	"SecurityGroupRule":  ownerOfSecurityRule,
	"Project":            ownerOfProject,
	"Account":            ownerOfAccount,
	"User":               ownerOfUser,
	"NetworkACL":         ownerOfACLItem,
	"NetworkACLList":     ownerOfACLList,
	"StaticRoute":        ownerIn(func(t *Tables) *Table[StaticRoute] { return t.StaticRoutes }),
	"RemoteAccessVpn":    ownerIn(func(t *Tables) *Table[RemoteVPN] { return t.RemoteVPNs }),
	"SnapshotPolicy":     ownerIn(func(t *Tables) *Table[SnapshotPolicy] { return t.SnapshotPolicies }),
	"VpcOffering":        ownerOfVPCOffering,
}

// untaggable are known types that have details but no tags.
var untaggable = []string{"Zone", "Domain", "Nic", "ServiceOffering", "DiskOffering", "NetworkOffering", "Storage", "ImageStore", "Host",
	"VPNGateway", "AutoScaleVmGroup", "AutoScaleVmProfile", "GuestOs", "LBStickinessPolicy", "LBHealthCheckPolicy", "Bucket", "ObjectStore", "ResourceDetail", "RoutingFirewallRule"}

// taggedType finds the type by its name in any case.
func taggedType(name string) (string, ownerLookup, error) {
	for _, t := range sortedKeys(taggable) {
		if strings.EqualFold(t, name) {
			return t, taggable[t], nil
		}
	}
	for _, t := range untaggable {
		if strings.EqualFold(t, name) {
			return "", nil, Invalid("The resource type %s doesn't support resource tags", name)
		}
	}
	return "", nil, Invalid("Invalid resource type %s", name)
}

func createTagsJob(c *Call) (Obj, error) {
	kind, lookup, err := taggedType(c.Str("resourcetype"))
	if err != nil {
		return nil, err
	}
	for _, id := range c.List("resourceids") {
		owner, ok := lookup(c.Tables, id)
		if !ok {
			return nil, Invalid("Unable to find resource by uuid %s and type %s", id, kind)
		}
		if err := c.Own(owner); err != nil {
			return nil, Fail(530, csPermission, "%s", err.Error())
		}
		for _, t := range c.Maps("tags") {
			key, value := t["key"], t["value"]
			if value == "" {
				return nil, Invalid("Value for the key %s is either null or empty", key)
			}
			if c.hasTag(kind, id, key) {
				return nil, Internal("tag %s already on %s with id %s", key, kind, id)
			}
			c.Tags.Put(Tag{Base: c.Tags.NewBase(), Owner: owner, Key: key, Value: value, ResourceType: kind, ResourceID: id})
		}
	}
	return Success(), nil
}

func (c *Call) hasTag(kind, id, key string) bool {
	_, ok := c.Tags.Find(func(t Tag) bool {
		return t.ResourceType == kind && t.ResourceID == id && strings.EqualFold(t.Key, key)
	})
	return ok
}

func deleteTagsJob(c *Call) (Obj, error) {
	kind, _, err := taggedType(c.Str("resourcetype"))
	if err != nil {
		return nil, err
	}
	wanted, ids, deleted := c.Maps("tags"), c.List("resourceids"), 0
	for t := range c.Tags.All() {
		if t.ResourceType != kind || !slices.Contains(ids, t.ResourceID) || c.Own(t.Owner) != nil {
			continue
		}
		match := len(wanted) == 0
		for _, w := range wanted {
			match = match || strings.EqualFold(w["key"], t.Key) && (w["value"] == "" || strings.EqualFold(w["value"], t.Value))
		}
		if match {
			c.Tags.Delete(t.ID)
			deleted++
		}
	}
	if deleted == 0 {
		return nil, Internal("Failed to delete tags")
	}
	return Success(), nil
}

// ForgetTags removes the tags of a resource that goes away.
func (c *Call) ForgetTags(resourceID string) {
	for t := range c.Tags.All() {
		if t.ResourceID == resourceID {
			c.Tags.Delete(t.ID)
		}
	}
}

func listTags(c *Call) (any, error) {
	rows, err := Visible(c, c.Tags.Where(func(t Tag) bool {
		return c.is("key", t.Key) && c.is("value", t.Value) && c.is("resourceid", t.ResourceID) &&
			(!c.Has("resourcetype") || strings.EqualFold(c.Str("resourcetype"), t.ResourceType)) &&
			strings.Contains(strings.ToLower(t.Key+" "+t.Value), strings.ToLower(c.Str("keyword")))
	}))
	if err != nil {
		return nil, err
	}
	return Listing("tag", rows, c.tagResponse), nil
}

func (c *Call) tagResponse(t Tag) Obj {
	o := Obj{"key": t.Key, "value": t.Value, "resourcetype": t.ResourceType, "resourceid": t.ResourceID}
	c.putOwner(o, t.Owner)
	return o
}

// ownerOfBalancer finds the owner of a load balancer rule, or of a load balancer within a VPC: both are of one kind.
func ownerOfBalancer(t *Tables, id string) (Owner, bool) {
	if r, ok := t.LBRules.Get(id); ok {
		return r.Owner, true
	}
	b, ok := t.InternalLBs.Get(id)
	return b.Owner, ok
}

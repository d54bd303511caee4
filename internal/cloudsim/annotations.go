package cloudsim

import (
	"slices"
	"strings"
)

// annotationCommands are notes on things.
var annotationCommands = map[string]command{
	"addAnnotation":              {run: addAnnotation, event: "ANNOTATION.CREATE"},
	"listAnnotations":            {run: listAnnotations, id: kindAnnotation},
	"removeAnnotation":           {run: removeAnnotation, id: kindAnnotation, event: "ANNOTATION.REMOVE"},
	"updateAnnotationVisibility": {run: updateAnnotation, id: kindAnnotation, rootOnly: true},
}

// annotatable are the types of things that can have notes, with how to find one and who may see it; those of the operator are
// only for administrators.
var annotatable = map[string]ownerLookup{
	"VM": taggable["UserVm"], "VOLUME": taggable["Volume"], "SNAPSHOT": taggable["Snapshot"], "VM_SNAPSHOT": taggable["VMSnapshot"],
	"INSTANCE_GROUP": ownerIn(func(t *Tables) *Table[InstanceGroup] { return t.InstanceGroups }), "SSH_KEYPAIR": ownerIn(func(t *Tables) *Table[SSHKey] { return t.SSHKeys }),
	"USER_DATA": ownerIn(func(t *Tables) *Table[UserDataEntry] { return t.UserData }), "NETWORK": taggable["Network"], "VPC": taggable["Vpc"],
	"PUBLIC_IP_ADDRESS": taggable["PublicIpAddress"], "VPN_CUSTOMER_GATEWAY": ownerIn(func(t *Tables) *Table[VPNCustomerGateway] { return t.VPNCustomerGateways }),
	"TEMPLATE": taggable["Template"], "ISO": taggable["Template"], "AUTOSCALE_VM_GROUP": ownerIn(func(t *Tables) *Table[AutoScaleGroup] { return t.AutoScaleGroups }),
	"SERVICE_OFFERING": ofOperator(kindServiceOffering), "DISK_OFFERING": ofOperator(kindDiskOffering), "NETWORK_OFFERING": ofOperator(kindNetworkOffering),
	"ZONE": ofOperator(kindZone), "POD": ofOperator(kindPod), "CLUSTER": ofOperator(kindCluster), "HOST": ofOperator(kindHost), "DOMAIN": ofOperator(kindDomain),
	"PRIMARY_STORAGE": ofOperator(kindStoragePool), "SECONDARY_STORAGE": ofOperator(kindImageStore), "VR": ofOperator(kindRouter), "SYSTEM_VM": ofOperator(kindSystemVM),
}

func ofOperator(k kind) ownerLookup {
	return func(t *Tables, id string) (Owner, bool) {
		o := t.operator()
		return o, entityExists(t, k, id)
	}
}

// annotated reports whether the caller would see a note on something.
func (c *Call) annotated(entityType, id string) bool {
	_, ok := c.Annotations.Find(func(a Annotation) bool {
		return a.EntityType == entityType && a.EntityID == id && (!a.AdminsOnly || c.Caller.Root())
	})
	return ok
}

// annotate puts a note on something.
func (c *Call) annotate(entityType, id, text string, adminsOnly bool) Annotation {
	a := Annotation{Base: c.Annotations.NewBase(), Text: text, UserID: c.Caller.User.ID, EntityID: id, EntityType: entityType, AdminsOnly: adminsOnly}
	c.Annotations.Put(a)
	return a
}

// forgetAnnotations removes the notes on something that goes.
func (c *Call) forgetAnnotations(id string) {
	for a := range c.Annotations.All() {
		if a.EntityID == id {
			c.Annotations.Delete(a.ID)
		}
	}
}

func addAnnotation(c *Call) (any, error) {
	kind := strings.ToUpper(c.Str("entitytype"))
	lookup, ok := annotatable[kind]
	if !ok {
		return nil, Internal("Could not find a correct entity type: %s", c.Str("entitytype"))
	}
	if strings.TrimSpace(c.Str("annotation")) == "" {
		return nil, Invalid("The annotation must not be empty")
	}
	owner, found := lookup(c.Tables, c.Str("entityid"))
	if !found {
		return nil, Internal("Invalid entity type: %s and ID: %s - annotation will not be saved", kind, c.Str("entityid"))
	}
	if err := c.Own(owner); err != nil {
		return nil, Internal("User: %s is not allowed to add annotations to entity type: %s", c.Caller.User.Username, kind)
	}
	a := c.annotate(kind, c.Str("entityid"), c.Str("annotation"), c.Caller.Root() && c.Bool("adminsonly", false))
	c.Made(a.ID)
	return Obj{"annotation": c.annotationResponse(a)}, nil
}

func (c *Call) annotationResponse(a Annotation) Obj {
	u, _ := c.Users.Any(a.UserID)
	return Obj{"id": a.ID, "entitytype": a.EntityType, "entityid": a.EntityID, "annotation": a.Text, "userid": u.ID, "username": u.Username, "adminsonly": a.AdminsOnly,
		"created": timeText(a.Created)}
}

func listAnnotations(c *Call) (any, error) {
	if c.Has("entityid") != c.Has("entitytype") && !c.Has("id") {
		return nil, BadParam("entity type and entity ID are required together")
	}
	rows := c.Annotations.Where(func(a Annotation) bool {
		owner, ok := annotatable[a.EntityType](c.Tables, a.EntityID)
		mine := c.Str("annotationfilter") == "self" || !c.Caller.Root() && !c.Has("entityid") && !c.Has("id")
		return ok && (c.Own(owner) == nil) && (!a.AdminsOnly || c.Caller.Root()) && (!mine || a.UserID == c.Caller.User.ID) && c.is("id", a.ID) && c.is("entityid", a.EntityID) &&
			(!c.Has("entitytype") || strings.EqualFold(c.Str("entitytype"), a.EntityType)) && c.is("userid", a.UserID) &&
			strings.Contains(strings.ToLower(a.Text), strings.ToLower(c.Str("keyword")))
	})
	slices.Reverse(rows) // newest first
	return Listing("annotation", rows, c.annotationResponse), nil
}

func removeAnnotation(c *Call) (any, error) {
	a, ok := c.Annotations.Get(c.Str("id"))
	if !ok {
		return nil, Internal("Annotation does not exist: %s", c.Str("id"))
	}
	if a.UserID != c.Caller.User.ID && !c.Caller.Root() {
		return nil, Internal("Only administrators or entity owner users can delete annotations, cannot remove annotation with uuid: %s - type: %s", a.ID, a.EntityType)
	}
	c.Annotations.Delete(a.ID)
	c.Made(a.ID)
	return Obj{"annotation": c.annotationResponse(a)}, nil
}

func updateAnnotation(c *Call) (any, error) {
	a, ok := c.Annotations.Get(c.Str("id"))
	if !ok {
		return nil, Internal("Annotation does not exist: %s", c.Str("id"))
	}
	a.AdminsOnly = c.Bool("adminsonly", false)
	c.Annotations.Put(a)
	return Obj{"annotation": c.annotationResponse(a)}, nil
}

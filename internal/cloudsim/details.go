package cloudsim

import (
	"maps"
	"strings"
)

// detailCommands are keys and values on resources.
var detailCommands = map[string]command{
	"addResourceDetail":    {start: startNothing, job: addDetailJob, kinds: map[string]kind{"resourceid": kindAny}, rootOnly: true},
	"removeResourceDetail": {start: startNothing, job: removeDetailJob, kinds: map[string]kind{"resourceid": kindAny}, rootOnly: true},
	"listResourceDetails":  {run: listDetails, kinds: map[string]kind{"resourceid": kindAny}},
	"listDetailOptions":    {run: listDetailOptions},
}

// detailed are the types of resources that have details and no tags.
var detailed = map[string]ownerLookup{
	"Zone": ofOperator(kindZone), "ServiceOffering": ofOperator(kindServiceOffering), "DiskOffering": ofOperator(kindDiskOffering), "NetworkOffering": ofOperator(kindNetworkOffering),
	"Storage": ofOperator(kindStoragePool), "Domain": ofOperator(kindDomain), "GuestOs": ofOperator(kindOSType), "Host": ofOperator(kindHost),
	"VPNGateway": ownerIn(func(t *Tables) *Table[VPNGateway] { return t.VPNGateways }), "Nic": ownerOfNIC,
	"AutoScaleVmGroup":   ownerIn(func(t *Tables) *Table[AutoScaleGroup] { return t.AutoScaleGroups }),
	"AutoScaleVmProfile": ownerIn(func(t *Tables) *Table[AutoScaleProfile] { return t.AutoScaleProfiles }),
}

func ownerOfNIC(t *Tables, id string) (Owner, bool) {
	for v := range t.VMs.All() {
		if _, ok := cardOf(v, id); ok {
			return v.Owner, true
		}
	}
	return Owner{}, false
}

// detailedType finds a type that has details, by its name in any case.
func detailedType(name string) (string, ownerLookup, error) {
	for _, types := range []map[string]ownerLookup{taggable, detailed} {
		for t, lookup := range types {
			if strings.EqualFold(t, name) {
				return t, lookup, nil
			}
		}
	}
	return "", nil, Invalid("Invalid resource type %s", name)
}

// detailsOf are a resource's details with where they are shown. Those of machines and templates are part of them.
func (c *Call) detailsOf(kind, id string) []Detail {
	var own map[string]string
	switch kind {
	case "UserVm":
		vm, _ := c.VMs.Get(id)
		own = vm.Details
	case "Template", "ISO":
		t, _ := c.Templates.Get(id)
		own = t.Details
	default:
		return c.Details.Where(func(d Detail) bool { return d.ResourceType == kind && d.ResourceID == id })
	}
	var all []Detail
	for _, key := range sortedKeys(own) {
		all = append(all, Detail{ResourceType: kind, ResourceID: id, Key: key, Value: own[key]})
	}
	return all
}

// setDetails changes the details of a machine or template; ok is false for all others.
func (c *Call) setDetails(kind, id string, change func(map[string]string)) (ok bool) {
	switch kind {
	case "UserVm":
		vm, _ := c.VMs.Get(id)
		vm.Details = maps.Clone(detailsObj(vm.Details))
		change(vm.Details)
		c.VMs.Put(vm)
	case "Template", "ISO":
		t, _ := c.Templates.Get(id)
		t.Details = maps.Clone(detailsObj(t.Details))
		change(t.Details)
		c.Templates.Put(t)
	default:
		return false
	}
	return true
}

// detailTarget is the resource a call is about.
func (c *Call) detailTarget() (kind string, err error) {
	kind, lookup, err := detailedType(c.Str("resourcetype"))
	if err != nil {
		return "", err
	}
	owner, ok := lookup(c.Tables, c.Str("resourceid"))
	if !ok {
		return "", Invalid("Unable to find resource by uuid %s and type %s", c.Str("resourceid"), kind)
	}
	return kind, c.Own(owner)
}

func addDetailJob(c *Call) (Obj, error) {
	kind, err := c.detailTarget()
	if err != nil {
		return nil, err
	}
	id, added := c.Str("resourceid"), c.Map("details")
	for _, key := range sortedKeys(added) {
		if added[key] == "" {
			return nil, Invalid("Value for the key %s is either null or empty", key)
		}
	}
	if c.setDetails(kind, id, func(m map[string]string) { maps.Copy(m, added) }) {
		return Success(), nil
	}
	for _, key := range sortedKeys(added) {
		d, ok := c.Details.Find(func(d Detail) bool { return d.ResourceType == kind && d.ResourceID == id && d.Key == key })
		if !ok {
			d = Detail{Base: c.Details.NewBase(), ResourceType: kind, ResourceID: id, Key: key}
		}
		d.Value, d.HideDisplay = added[key], !c.Bool("fordisplay", true)
		c.Details.Put(d)
	}
	return Success(), nil
}

func removeDetailJob(c *Call) (Obj, error) {
	kind, err := c.detailTarget()
	if err != nil {
		return nil, err
	}
	id, key := c.Str("resourceid"), c.Str("key")
	gone := func(k string) bool { return key == "" || k == key }
	if c.setDetails(kind, id, func(m map[string]string) { maps.DeleteFunc(m, func(k, _ string) bool { return gone(k) }) }) {
		return Success(), nil
	}
	for d := range c.Details.All() {
		if d.ResourceType == kind && d.ResourceID == id && gone(d.Key) {
			c.Details.Delete(d.ID)
		}
	}
	return Success(), nil
}

func listDetails(c *Call) (any, error) {
	id, value := c.Str("resourceid"), c.Str("value")
	switch {
	case id == "" && value == "":
		return nil, Invalid("Insufficient parameters passed for listing by resourceId OR key,value pair. Please check your params and try again.")
	case value != "" && c.Str("key") == "":
		return nil, Invalid("Listing by (key, value) but key is null. Please check the params and try again")
	}
	kind, lookup, err := detailedType(c.Str("resourcetype"))
	if err != nil {
		return nil, err
	}
	var rows []Detail
	if id != "" {
		if _, err := c.detailTarget(); err != nil {
			return nil, err
		}
		rows = c.detailsOf(kind, id)
	} else {
		rows = c.Details.Where(func(d Detail) bool {
			owner, ok := lookup(c.Tables, d.ResourceID)
			return d.ResourceType == kind && ok && c.Own(owner) == nil
		})
	}
	var shown []Detail
	for _, d := range rows {
		if c.is("key", d.Key) && c.is("value", d.Value) && c.isBool("fordisplay", !d.HideDisplay) {
			shown = append(shown, d)
		}
	}
	return Listing("resourcedetail", shown, func(d Detail) Obj {
		return Obj{"resourceid": d.ResourceID, "resourcetype": d.ResourceType, "key": d.Key, "value": d.Value, "fordisplay": !d.HideDisplay}
	}), nil
}

// detailOptions are what details of a machine on KVM can say.
var detailOptions = map[string][]string{
	"keyboard": {"de-ch", "es", "es-latam", "fi", "fr", "fr-be", "fr-ch", "is", "it", "jp", "nl-be", "no", "pt", "uk", "us"}, "boot.mode": {}, "cpu.corespersocket": {},
	"cpu.threadspercore": {}, "rootdisksize": {}, "nicAdapter": {"e1000", "virtio", "rtl8139", "vmxnet3", "ne2k_pci"},
	"rootDiskController": {"osdefault", "ide", "scsi", "virtio", "virtio-blk"}, "dataDiskController": {"osdefault", "ide", "scsi", "virtio", "virtio-blk"},
	"video.hardware": {"cirrus", "vga", "qxl", "virtio"}, "video.ram": {}, "io.policy": {"threads", "native", "io_uring", "storage_specific"}, "iothreads": {"enabled"},
	"nic.multiqueue.number": {}, "nic.packed.virtqueues.enabled": {"true", "false"}, "virtual.tpm.model": {"tpm-tis", "tpm-crb"}, "virtual.tpm.version": {"1.2", "2.0"},
}

func listDetailOptions(c *Call) (any, error) {
	kind, _, err := detailedType(c.Str("resourcetype"))
	if err != nil {
		return nil, err
	}
	options := map[string][]string{}
	if kind == "UserVm" || kind == "Template" {
		options = detailOptions
	}
	return Obj{"detailoptions": Obj{"details": options}}, nil
}

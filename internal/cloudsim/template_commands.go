package cloudsim

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/internal/cloudsim/guest"
)

// templateCommands are images.
var templateCommands = map[string]command{
	"listTemplates":             {run: listTemplates, id: kindTemplate},
	"listIsos":                  {run: listISOs, id: kindTemplate},
	"createTemplate":            {start: startCreateTemplate, job: createTemplateJob, creates: true, event: "TEMPLATE.CREATE"},
	"registerTemplate":          {run: registerTemplate, event: "TEMPLATE.CREATE", kinds: map[string]kind{"zoneids": kindAny}},
	"updateTemplate":            {run: updateTemplate, id: kindTemplate, event: "TEMPLATE.UPDATE"},
	"updateTemplatePermissions": {run: updateTemplatePermissions, id: kindTemplate, event: "TEMPLATE.UPDATE"},
	"listTemplatePermissions":   {run: listTemplatePermissions, id: kindTemplate},
	"deleteTemplate":            {start: startTemplate, job: deleteTemplateJob, id: kindTemplate, event: "TEMPLATE.DELETE"},
	"copyTemplate":              {start: startTemplate, job: copyImageJob("template"), id: kindTemplate, event: "TEMPLATE.COPY"},
}

// mayUse tells whether the caller may deploy from a template.
func (c *Call) mayUse(t Template) bool {
	return t.Public || c.Own(t.Owner) == nil || slices.Contains(t.PermittedAccounts, c.Caller.Account.ID)
}

// templateFilters are the values of templatefilter.
var templateFilters = map[string]func(c *Call, t Template) bool{
	"featured":         func(_ *Call, t Template) bool { return t.Public && t.Featured },
	"community":        func(_ *Call, t Template) bool { return t.Public && !t.Featured },
	"self":             func(c *Call, t Template) bool { return t.AccountID == c.Caller.Account.ID },
	"selfexecutable":   func(c *Call, t Template) bool { return t.AccountID == c.Caller.Account.ID && t.Ready },
	"shared":           sharedTemplate,
	"sharedexecutable": func(c *Call, t Template) bool { return t.Ready && sharedTemplate(c, t) },
	"executable":       func(c *Call, t Template) bool { return t.Ready && c.mayUse(t) },
	"all":              func(*Call, Template) bool { return true },
}

func sharedTemplate(c *Call, t Template) bool {
	return t.AccountID != c.Caller.Account.ID && slices.Contains(t.PermittedAccounts, c.Caller.Account.ID)
}

func listTemplates(c *Call) (any, error) {
	filter := c.Str("templatefilter")
	keep, ok := templateFilters[filter]
	if !ok {
		return nil, BadParam("No enum constant com.cloud.template.VirtualMachineTemplate.TemplateFilter.%s", filter)
	}
	if filter == "all" && !c.Caller.Root() {
		return nil, Invalid("Filter all can be specified by admin only")
	}
	return c.listImages("template", false, keep), nil
}

func listISOs(c *Call) (any, error) {
	keep, ok := templateFilters[c.Or("isofilter", "selfexecutable")]
	if !ok {
		return nil, BadParam("No enum constant com.cloud.template.VirtualMachineTemplate.TemplateFilter.%s", c.Str("isofilter"))
	}
	return c.listImages("iso", true, keep), nil
}

// listImages lists templates or ISOs; one named by id is shown whatever the filter says.
func (c *Call) listImages(key string, iso bool, keep func(*Call, Template) bool) List {
	rows := c.Templates.Where(func(t Template) bool {
		if t.ISO != iso || !c.named(t.ID, t.Name, t.DisplayText) || !c.mayUse(t) && !c.Caller.Root() {
			return false
		}
		if !c.Has("id") && !c.Has("ids") && !keep(c, t) {
			return false
		}
		return (!c.Has("hypervisor") || strings.EqualFold(c.Str("hypervisor"), t.Hypervisor)) &&
			c.isBool("ispublic", t.Public) && c.isBool("isready", t.Ready) && (!c.Has("templatetype") || strings.EqualFold(c.Str("templatetype"), t.Type)) &&
			c.matchTags(map[bool]string{true: "ISO", false: "Template"}[iso], t.ID)
	})
	slices.SortStableFunc(rows, func(a, b Template) int { return a.SortKey - b.SortKey })
	var shown []Template
	for _, t := range rows {
		shown = append(shown, c.zoneRows(t)...)
	}
	shown = slices.DeleteFunc(shown, func(t Template) bool { return !c.is("zoneid", t.ZoneID) })
	if iso {
		return Listing(key, shown, c.isoResponse)
	}
	return Listing(key, shown, c.templateResponse)
}

// templateResponse is a template as lists show it.
func (c *Call) templateResponse(t Template) Obj {
	zone, _ := c.Zones.Any(t.ZoneID)
	os, _ := c.OSTypes.Any(t.OSTypeID)
	o := Obj{"id": t.ID, "name": t.Name, "displaytext": t.DisplayText, "ispublic": t.Public, "created": timeText(t.Created), "isready": t.Ready,
		"passwordenabled": t.PasswordEnabled, "format": t.Format, "isfeatured": t.Featured, "crossZones": t.CrossZones, "ostypeid": os.ID, "ostypename": os.Name,
		"zoneid": zone.ID, "zonename": zone.Name, "templatetype": t.Type, "hypervisor": t.Hypervisor, "isextractable": t.Extractable,
		"details": detailsObj(t.Details), "arch": t.Arch, "bits": t.Bits, "sshkeyenabled": t.SSHKeyEnabled, "isdynamicallyscalable": t.DynamicScaling,
		"directdownload": t.DirectDownload, "deployasis": t.DeployAsIs, "forcks": t.ForCKS, "requireshvm": t.RequiresHVM,
		"tags": c.tagsOf("Template", t.ID), "hasannotations": false}
	c.putOwner(o, t.Owner)
	if t.Ready {
		o["status"] = t.Status
	}
	if t.Size > 0 {
		o["size"] = t.Size
	}
	if t.Type != "USER" {
		o["checksum"], o["url"], o["physicalsize"], o["bits"] = t.Checksum, t.URL, t.PhysicalSize, 0
	}
	if c.Caller.Root() {
		o["downloaddetails"] = []Obj{}
		if t.Type == "USER" {
			o["downloaddetails"] = []Obj{{"downloadState": "DOWNLOADED", "datastore": "secondary", "datastoreRole": "Image", "downloadPercent": "100", "datastoreId": zone.Token}}
		}
	}
	if t.UserDataID != "" {
		o["userdataid"], o["userdataname"], o["userdatapolicy"] = t.UserDataID, t.UserDataName, t.UserDataPolicy
	}
	return o.Opt("sourcetemplateid", t.SourceTemplateID).Opt("templatetag", t.TemplateTag)
}

func startCreateTemplate(c *Call) (string, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return "", err
	}
	t := Template{Base: c.Templates.NewBase(), Owner: owner, Name: c.Str("name"), DisplayText: c.Or("displaytext", c.Str("name")), Format: "QCOW2",
		OSTypeID: c.Str("ostypeid"), Status: "Download Complete", Public: c.Bool("ispublic", false), Featured: c.Bool("isfeatured", false) && c.Caller.Root(),
		Extractable: c.Bool("isextractable", false), PasswordEnabled: c.Bool("passwordenabled", false), SSHKeyEnabled: c.Bool("sshkeyenabled", false),
		DynamicScaling: c.Bool("isdynamicallyscalable", false), RequiresHVM: c.Bool("requireshvm", true), Type: "USER", Arch: c.Or("arch", "x86_64"),
		TemplateTag: c.Str("templatetag"), Bootable: true}
	details, err := c.templateSource(&t)
	if err != nil {
		return "", err
	}
	t.Details = maps.Clone(details)
	if t.Details == nil {
		t.Details = map[string]string{}
	}
	maps.Copy(t.Details, c.Map("details"))
	if err := c.CheckLimit(owner, limitTemplate, 1); err != nil {
		return "", err
	}
	c.Templates.Put(t)
	for _, tag := range c.Maps("tags") {
		c.Tags.Put(Tag{Base: c.Tags.NewBase(), Owner: owner, Key: tag["key"], Value: tag["value"], ResourceType: "Template", ResourceID: t.ID})
	}
	return t.ID, nil
}

// templateSource finds the volume or snapshot a template is made of; it returns the details of the machine behind it.
func (c *Call) templateSource(t *Template) (map[string]string, error) {
	if id := c.Str("volumeid"); id != "" {
		if c.Str("snapshotid") != "" {
			return nil, BadParam("Please specify only one of volume id, snapshot id")
		}
		v, ok := c.Volumes.Get(id)
		if !ok {
			return nil, errNoEntity(c.Label(), "volumeid", id)
		}
		if err := c.Own(v.Owner); err != nil {
			return nil, err
		}
		vm, attached := c.VMs.Get(v.VMID)
		if attached && vm.State != VMStopped && vm.State != VMDestroyed {
			return nil, Internal("Unable to create private template for volume: %s; volume is attached to a non-stopped VM, please stop the VM first", volumeText(v, vm.N))
		}
		t.FromVolumeID, t.ZoneID, t.Size, t.SourceTemplateID = v.ID, v.ZoneID, v.Size, v.TemplateID
		t.Hypervisor = c.hypervisorOf(v.ZoneID)
		return userDetails(vm), nil
	}
	s, ok := c.Snapshots.Get(c.Str("snapshotid"))
	if !ok {
		return nil, Invalid("Unable to find snapshot by id=%s", c.Or("snapshotid", "null"))
	}
	if err := c.Own(s.Owner); err != nil {
		return nil, err
	}
	if s.State != snapshotBackedUp {
		return nil, Invalid("Snapshot id=%s is not in %s state yet and can't be used for template creation", s.ID, snapshotBackedUp)
	}
	v, _ := c.Volumes.Get(s.VolumeID)
	vm, _ := c.VMs.Get(v.VMID)
	t.FromSnapshotID, t.ZoneID, t.SourceTemplateID = s.ID, s.ZoneID, s.TemplateID
	t.Hypervisor = c.hypervisorOf(s.ZoneID)
	return userDetails(vm), nil
}

// userDetails are the details a template takes over from its machine: not the keys, and not what its user marked it with.
func userDetails(vm VM) map[string]string {
	out := map[string]string{}
	for _, k := range []string{reservedFlag, "keyboard", "rootDiskController", "nicAdapter"} {
		if v, ok := vm.Details[k]; ok {
			out[k] = v
		}
	}
	return out
}

func createTemplateJob(c *Call) (Obj, error) {
	t, ok := c.Templates.Get(c.EntityID)
	if !ok {
		return nil, Internal("Unable to find the template to create")
	}
	source, running := "", ""
	if v, ok := c.Volumes.Get(t.FromVolumeID); ok {
		source, running = v.DiskPath, v.VMID
		if v.State == volumeAllocated {
			c.Templates.Delete(t.ID)
			if err := c.Commit(); err != nil {
				return nil, err
			}
			return nil, Internal("Failed to create templatecan't find data store")
		}
	}
	if s, ok := c.Snapshots.Get(t.FromSnapshotID); ok {
		source = s.DiskPath
	}
	if farm := c.Cloud.guests; farm != nil && source != "" {
		t.DiskPath = "t-" + t.ID
		if err := c.Unlocked(func(context.Context) error { return farm.clone(source, t.DiskPath, running) }); err != nil {
			if c.Ctx.Err() == nil {
				c.Templates.Delete(t.ID)
				if err := c.Commit(); err != nil {
					return nil, err
				}
			}
			return nil, Internal("Failed to create template: %v", err)
		}
	}
	t.Ready = true
	if t.DiskPath == "" {
		base, _ := c.Templates.Any(t.SourceTemplateID)
		t.BaseImage = base.BaseImage
	}
	c.Templates.Put(t)
	return Obj{"template": c.templateResponse(t)}, nil
}

// imageFormats are what registerTemplate accepts.
var imageFormats = []string{"QCOW2", "RAW", "VHD", "ISO", "OVA", "VHDX", "BAREMETAL", "EXTERNAL", "VMDK", "VDI", "TAR", "ZIP", "DIR"}

// registerTemplate takes a template from a URL. Nothing is downloaded: its machines run the built-in image that fits the
// name of the operating system best.
func registerTemplate(c *Call) (any, error) {
	format := strings.ToUpper(c.Str("format"))
	if !slices.Contains(imageFormats, format) {
		return nil, BadParam("Image format: %s is incorrect. Supported formats are [%s, ]", c.Str("format"), strings.Join(imageFormats, ", "))
	}
	supported := c.hypervisors("")
	kind := slices.IndexFunc(supported, func(h string) bool { return strings.EqualFold(h, c.Str("hypervisor")) })
	if kind < 0 {
		return nil, BadParam("Hypervisor Type: %s is invalid. Supported Hypervisor types are: %s", c.Str("hypervisor"), strings.Join(supported, ", "))
	}
	if c.Has("zoneid") && c.Has("zoneids") {
		return nil, BadParam("Both zoneid and zoneids cannot be specified at the same time")
	}
	if !c.Has("zoneid") && !c.Has("zoneids") {
		return nil, BadParam("Either zoneid or zoneids is required. Both cannot be null.")
	}
	if !c.Has("ostypeid") {
		return nil, BadParam("Please provide a guest OS type")
	}
	u, err := url.Parse(c.Str("url"))
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, Invalid("Please specify a valid URL")
	}
	if u.Hostname() == "localhost" || strings.HasPrefix(u.Hostname(), "127.") {
		return nil, BadParam("Illegal host specified in URL.")
	}
	owner, err := c.NewOwner()
	if err != nil {
		return nil, err
	}
	if err := c.CheckLimit(owner, limitTemplate, 1); err != nil {
		return nil, err
	}
	zone, _ := c.Zones.Find(func(z Zone) bool {
		return c.Str("zoneid") == z.ID || slices.Contains(c.List("zoneids"), z.ID) || c.Str("zoneids") == "-1"
	})
	os, _ := c.OSTypes.Get(c.Str("ostypeid"))
	t := Template{Base: c.Templates.NewBase(), Owner: owner, Name: c.Str("name"), DisplayText: c.Or("displaytext", c.Str("name")), Format: format, Hypervisor: supported[kind],
		OSTypeID: os.ID, ZoneID: zone.ID, Status: "Download Complete", Ready: true, Public: c.Bool("ispublic", false), Featured: c.Bool("isfeatured", false) && c.Caller.Root(),
		Extractable: c.Bool("isextractable", false), PasswordEnabled: c.Bool("passwordenabled", false), SSHKeyEnabled: c.Bool("sshkeyenabled", false),
		DynamicScaling: c.Bool("isdynamicallyscalable", false), RequiresHVM: c.Bool("requireshvm", true), Type: "USER", Arch: c.Or("arch", "x86_64"), URL: c.Str("url"),
		Size: 10 * gib, PhysicalSize: gib, Details: c.Map("details"), BaseImage: guest.ImageFor(os.Name + " " + c.Str("name")), Bootable: true}
	c.Templates.Put(t)
	c.Made(t.ID)
	return Listing("template", []Template{t}, c.templateResponse), nil
}

// templateToChange is the template that parameter id names, if the caller may change it.
func (c *Call) templateToChange() (Template, error) {
	t, ok := c.Templates.Get(c.Str("id"))
	if !ok {
		return t, Invalid("unable to find template/iso with specified id")
	}
	return t, c.Own(t.Owner)
}

func updateTemplate(c *Call) (any, error) {
	t, err := c.templateToChange()
	if err != nil {
		return nil, err
	}
	t.Name, t.DisplayText, t.OSTypeID = c.Or("name", t.Name), c.Or("displaytext", t.DisplayText), c.Or("ostypeid", t.OSTypeID)
	t.PasswordEnabled = c.Bool("passwordenabled", t.PasswordEnabled)
	t.SSHKeyEnabled = c.Bool("sshkeyenabled", t.SSHKeyEnabled)
	t.DynamicScaling = c.Bool("isdynamicallyscalable", t.DynamicScaling)
	t.RequiresHVM = c.Bool("requireshvm", t.RequiresHVM)
	t.Bootable = c.Bool("bootable", t.Bootable)
	t.SortKey = c.Int("sortkey", t.SortKey)
	t.TemplateTag = c.Or("templatetag", t.TemplateTag)
	switch {
	case c.Bool("cleanupdetails", false):
		t.Details = nil
	case c.Has("details"):
		t.Details = c.Map("details")
	}
	c.Templates.Put(t)
	c.Made(t.ID)
	// The answer is not the truth: not ready, not featured, and half the fields missing, whatever the template is.
	full := c.templateResponse(t)
	o := Obj{"isready": false, "isfeatured": false, "bootable": t.Bootable, "bits": 0}
	for _, k := range []string{"id", "name", "displaytext", "ispublic", "created", "format", "crossZones", "ostypeid", "ostypename", "account", "templatetype", "hypervisor", "domain", "domainpath", "domainid", "details", "isdynamicallyscalable", "tags", "hasannotations"} {
		if v, ok := full[k]; ok {
			o[k] = v
		}
	}
	return Obj{"template": o}, nil
}

func updateTemplatePermissions(c *Call) (any, error) {
	t, err := c.templateToChange()
	if err != nil {
		return nil, err
	}
	op := strings.ToLower(c.Str("op"))
	accounts := c.List("accounts")
	if op != "" && !slices.Contains([]string{"add", "remove", "reset"}, op) {
		return nil, Invalid("Invalid operation on accounts, the operation must be either 'add' or 'remove' in order to modify launch permissions.  Given operation is: '%s'", c.Str("op"))
	}
	if op != "reset" && op != "" && len(accounts) == 0 {
		return nil, Invalid("Operation %s requires accounts or projectIds to be passed in", c.Str("op"))
	}
	permitted := slices.Clone(t.PermittedAccounts)
	for _, name := range accounts {
		a, ok := c.Accounts.Find(func(a Account) bool { return a.Name == name && a.DomainID == t.DomainID })
		if !ok {
			return nil, Invalid("Unable to grant a launch permission to account %s in domain id=%s, account not found.  No permissions updated, please verify the account names and retry.", name, t.DomainID)
		}
		permitted = slices.DeleteFunc(permitted, func(id string) bool { return id == a.ID })
		if op == "add" {
			permitted = append(permitted, a.ID)
		}
	}
	if op == "reset" {
		permitted, t.Public, t.Featured = nil, false, false
	}
	t.PermittedAccounts = permitted
	t.Public = c.Bool("ispublic", t.Public)
	if c.Caller.Root() {
		t.Featured = c.Bool("isfeatured", t.Featured)
	}
	t.Extractable = c.Bool("isextractable", t.Extractable)
	c.Templates.Put(t)
	c.Made(t.ID)
	return Success(), nil
}

func listTemplatePermissions(c *Call) (any, error) {
	t, err := c.templateToChange()
	if err != nil {
		return nil, err
	}
	o := Obj{"id": t.ID, "ispublic": t.Public, "domainid": t.DomainID}
	names := []string{}
	if a, ok := c.Accounts.Any(t.AccountID); ok && !t.Public {
		names = append(names, a.Name)
	}
	for _, id := range t.PermittedAccounts {
		if a, ok := c.Accounts.Any(id); ok {
			names = append(names, a.Name)
		}
	}
	if len(names) > 0 {
		o["account"] = names
	}
	return Obj{"templatepermission": o}, nil
}

func startTemplate(c *Call) (string, error) {
	t, err := c.templateToChange()
	return t.ID, err
}

func deleteTemplateJob(c *Call) (Obj, error) {
	t, ok := c.Templates.Get(c.EntityID)
	if !ok {
		return nil, Invalid("unable to find template with id %s", c.EntityID)
	}
	if rest, left := t.without(c.Str("zoneid")); left {
		c.Templates.Put(rest)
		return Success(), nil
	}
	var users []string
	for v := range c.VMs.All() {
		if v.TemplateID == t.ID {
			users = append(users, c.vmText(v))
		}
	}
	if len(users) > 0 && !c.Bool("forced", false) {
		a, _ := c.Accounts.Any(t.AccountID)
		return nil, Invalid("Unable to delete template: %s because VM instances: [%s] are using it.", templateText(t, a), strings.Join(users, ", "))
	}
	now := c.Now()
	t.Removed = &now
	path := t.DiskPath
	c.ForgetTags(t.ID)
	c.Templates.Put(t)
	c.dropDisk(path)
	return Success(), nil
}

// templateText is how a template shows in the server's texts.
func templateText(t Template, a Account) string {
	return fmt.Sprintf(`Template {"format":"%s","id":%d,"name":"%s","uniqueName":"%d-%d-%s","uuid":"%s"}`, t.Format, t.N, t.Name, t.N, a.N, t.ID, t.ID)
}

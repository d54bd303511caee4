package cloudsim

import (
	"net/url"
	"slices"
	"strings"
)

// isoCommands are CD images: they are rows of Templates with ISO set, and their permissions work as those of templates.
var isoCommands = map[string]command{
	"registerIso":          {run: registerISO, event: "ISO.CREATE", kinds: map[string]kind{"zoneid": kindAny}},
	"updateIso":            {run: updateISO, id: kindTemplate, event: "ISO.UPDATE"},
	"updateIsoPermissions": {run: updateISOPermissions, id: kindTemplate, event: "ISO.UPDATE"},
	"listIsoPermissions":   {run: listISOPermissions, id: kindTemplate},
	"deleteIso":            {start: startISO, job: deleteISOJob, id: kindTemplate, event: "ISO.DELETE"},
	"copyIso":              {start: startISO, job: copyImageJob("iso"), id: kindTemplate, event: "ISO.COPY"},
	"extractIso":           {start: startExtract, job: extractImageJob(true), id: kindTemplate, event: "ISO.EXTRACT"},
	"extractTemplate":      {start: startExtract, job: extractImageJob(false), id: kindTemplate, event: "TEMPLATE.EXTRACT"},
	"attachIso":            {start: startISODrive, job: attachISOJob, queue: queueVM("virtualmachineid"), id: kindTemplate, event: "ISO.ATTACH"},
	"detachIso":            {start: startISODrive, job: detachISOJob, queue: queueVM("virtualmachineid"), event: "ISO.DETACH"},
	"prepareTemplate":      {run: prepareTemplate, rootOnly: true},
}

// isoResponse is an ISO as the API shows it: a template without what only disks of machines have.
func (c *Call) isoResponse(t Template) Obj {
	o := c.templateResponse(t)
	for _, field := range []string{"hypervisor", "requireshvm", "sshkeyenabled", "templatetag"} {
		delete(o, field)
	}
	o["bootable"], o["bits"], o["tags"] = t.Bootable, 0, c.tagsOf("ISO", t.ID)
	if t.OSTypeID == "" {
		o["ostypeid"], o["ostypename"] = "-1", ""
	}
	return o
}

// imageURL checks where an image is said to come from. Nothing is fetched.
func imageURL(text, extension string) error {
	u, err := url.Parse(text)
	switch {
	case strings.Contains(strings.ToLower(text), "file://"):
		return Invalid("File:// type urls are currently unsupported")
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "ftp":
		return Invalid("Please specify a valid %s URL", extension)
	case u.Hostname() == "localhost" || strings.HasPrefix(u.Hostname(), "127."):
		return BadParam("Illegal host specified in URL.")
	case !strings.Contains(strings.ToLower(u.Path), "."+extension):
		return Invalid("Please specify a valid %s URL", extension)
	}
	return nil
}

// imageZone is the zone of a new image; "-1" is all of them, which only the operator may ask for.
func (c *Call) imageZone() (Zone, error) {
	if c.Str("zoneid") == "-1" {
		if !c.Caller.Root() {
			return Zone{}, Invalid("Template registered for 'All zones' can only be owned a Root Admin account. Please select specific zone(s).")
		}
		z, ok := c.Zones.Find(func(Zone) bool { return true })
		if !ok {
			return z, Internal("No zones are present in the system, can't add template")
		}
		return z, nil
	}
	z, ok := c.Zones.Get(c.Str("zoneid"))
	if !ok {
		return z, errNoEntity(c.Label(), "zoneid", c.Str("zoneid"))
	}
	if z.AllocationState == "Disabled" && !c.Caller.Root() {
		return z, Denied("Cannot perform this operation, Zone %s is currently disabled", z.ID)
	}
	return z, nil
}

func registerISO(c *Call) (any, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return nil, err
	}
	zone, err := c.imageZone()
	if err != nil {
		return nil, err
	}
	bootable := c.Bool("bootable", true)
	if bootable && c.Str("ostypeid") == "" {
		return nil, Invalid("Please pass a valid GuestOS Id")
	}
	if err := imageURL(c.Str("url"), "iso"); err != nil {
		return nil, err
	}
	if c.Bool("ispublic", false) && !c.Caller.Root() && c.Setting("allow.public.user.templates") == "false" {
		return nil, Invalid("Only private templates/ISO can be created.")
	}
	if err := c.CheckLimit(owner, limitTemplate, 1); err != nil {
		return nil, err
	}
	t := Template{Base: c.Templates.NewBase(), Owner: owner, Name: c.Str("name"), DisplayText: c.Or("displaytext", c.Str("name")), ISO: true, Format: "ISO",
		Hypervisor: "None", OSTypeID: c.Str("ostypeid"), ZoneID: zone.ID, Status: "Successfully Installed", Ready: true, Public: c.Bool("ispublic", false),
		Featured: c.Bool("isfeatured", false) && c.Caller.Root(), Extractable: c.Bool("isextractable", false), CrossZones: c.Str("zoneid") == "-1",
		PasswordEnabled: c.Bool("passwordenabled", false), DynamicScaling: c.Bool("isdynamicallyscalable", false), DirectDownload: c.Bool("directdownload", false),
		Type: "USER", Size: gib, PhysicalSize: gib, Checksum: c.Str("checksum"), URL: c.Str("url"), Arch: c.Or("arch", "x86_64"), Bootable: bootable}
	c.Templates.Put(t)
	c.Made(t.ID)
	return Listing("iso", []Template{t}, c.isoResponse), nil
}

// isoToChange is the ISO that id names, if the caller may change it.
func (c *Call) isoToChange() (Template, error) {
	t, err := c.templateToChange()
	if err == nil && !t.ISO {
		err = Invalid("Please provide a valid iso")
	}
	return t, err
}

func updateISO(c *Call) (any, error) {
	t, err := c.isoToChange()
	if err != nil {
		return nil, err
	}
	if c.Has("isrouting") && !c.Caller.Root() {
		return nil, Denied("Parameter isrouting can only be specified by a Root Admin, permission denied")
	}
	if f := strings.ToUpper(c.Str("format")); f != "" && !slices.Contains(imageFormats, f) {
		return nil, Invalid("Image format: %s is incorrect. Supported formats are [%s, ]", c.Str("format"), strings.Join(imageFormats, ", "))
	}
	t.Name, t.DisplayText, t.OSTypeID = c.Or("name", t.Name), c.Or("displaytext", t.DisplayText), c.Or("ostypeid", t.OSTypeID)
	t.Bootable, t.PasswordEnabled = c.Bool("bootable", t.Bootable), c.Bool("passwordenabled", t.PasswordEnabled)
	t.DynamicScaling, t.SortKey, t.Arch = c.Bool("isdynamicallyscalable", t.DynamicScaling), c.Int("sortkey", t.SortKey), c.Or("arch", t.Arch)
	switch {
	case c.Bool("cleanupdetails", false):
		t.Details = nil
	case c.Has("details"):
		t.Details = c.Map("details")
	}
	c.Templates.Put(t)
	c.Made(t.ID)
	return Obj{"iso": c.isoResponse(t)}, nil
}

func updateISOPermissions(c *Call) (any, error) {
	if _, err := c.isoToChange(); err != nil {
		return nil, err
	}
	return updateTemplatePermissions(c)
}

func listISOPermissions(c *Call) (any, error) {
	if _, err := c.isoToChange(); err != nil {
		return nil, err
	}
	return listTemplatePermissions(c)
}

func startISO(c *Call) (string, error) {
	t, err := c.templateToChange()
	return t.ID, err
}

func deleteISOJob(c *Call) (Obj, error) {
	t, ok := c.Templates.Get(c.EntityID)
	switch _, used := c.VMs.Find(func(v VM) bool { return v.ISOID == t.ID }); {
	case !ok:
		return nil, Invalid("unable to find iso with id %s", c.EntityID)
	case !t.ISO:
		return nil, Invalid("Please specify a valid iso.")
	case used:
		return nil, Invalid("Unable to delete iso, as it's used by other vms")
	}
	if t, left := t.without(c.Str("zoneid")); left {
		c.Templates.Put(t)
		return Success(), nil
	}
	now := c.Now()
	t.Removed = &now
	c.ForgetTags(t.ID)
	c.Templates.Put(t)
	return Success(), nil
}

// startExtract finds the image; that it may be taken out is checked in the job.
func startExtract(c *Call) (string, error) {
	t, ok := c.Templates.Get(c.Str("id"))
	if !ok {
		return "", Invalid("unable to find template with id %s", c.Str("id"))
	}
	if !c.mayUse(t) {
		return "", errNoPermission()
	}
	return t.ID, nil
}

// checkExtractMode refuses what is no way of taking an image or a volume out.
func (c *Call) checkExtractMode() error {
	if m := c.Str("mode"); m != "HTTP_DOWNLOAD" && m != "FTP_UPLOAD" {
		return Invalid("Please specify a valid extract Mode. Supported modes: [FTP_UPLOAD, HTTP_DOWNLOAD]")
	}
	return nil
}

// extractImageJob refuses in the end: this cloud has no machine that hands images out, and answers as one whose secondary
// storage machine is down.
func extractImageJob(iso bool) func(*Call) (Obj, error) {
	return func(c *Call) (Obj, error) {
		what := map[bool]string{true: "ISO", false: "template"}[iso]
		t, ok := c.Templates.Get(c.EntityID)
		a, _ := c.Accounts.Any(t.AccountID)
		if !ok {
			return nil, Invalid("Unable to find %s with id %s", what, c.EntityID)
		}
		if err := c.checkExtractMode(); err != nil {
			return nil, err
		}
		switch {
		case t.ISO != iso:
			return nil, Invalid("Unsupported format, could not extract the %s", what)
		case !c.Caller.Root() && !t.Extractable:
			return nil, Invalid("Unable to extract template %s as it's not extractable", templateText(t, a))
		case !t.Ready:
			return nil, Invalid("The %s has not been downloaded ", what)
		}
		return nil, Fail(530, csServer, "Failed to extract %s", map[bool]string{true: "ISO", false: "template"}[iso])
	}
}

// startISODrive is the first half of commands on the CD-ROM drive of the machine named by virtualmachineid.
func startISODrive(c *Call) (string, error) {
	vm, ok := c.VMs.Get(c.Str("virtualmachineid"))
	if !ok {
		return "", Invalid("Unable to find a virtual machine with id %s", c.Str("virtualmachineid"))
	}
	if err := c.Own(vm.Owner); err != nil {
		return "", err
	}
	if t, ok := c.Templates.Get(c.Str("id")); ok && !c.mayUse(t) {
		return "", errNoPermission()
	}
	return vm.ID, nil
}

// attachISOJob puts an ISO into a machine's drive; one that is in there goes out.
func attachISOJob(c *Call) (Obj, error) {
	vm, err := c.vmNow()
	if err != nil {
		return nil, err
	}
	iso, ok := c.Templates.Get(c.Str("id"))
	switch {
	case !ok || !iso.ISO:
		return nil, Invalid("Unable to find an ISO with id %s", c.Str("id"))
	case !iso.in(vm.ZoneID):
		return nil, Invalid("ISO is not available in the zone the VM is in.")
	case !stoppedOrRunning(vm):
		return nil, Invalid("Please specify a VM that is either Stopped or Running.")
	}
	vm.ISOID = iso.ID
	c.VMs.Put(vm)
	return c.vmResult(vm.ID), nil
}

func detachISOJob(c *Call) (Obj, error) {
	vm, err := c.vmNow()
	switch {
	case err != nil:
		return nil, Invalid("Please specify a valid VM.")
	case vm.ISOID == "":
		return nil, Invalid("The specified VM has no ISO attached to it.")
	case !stoppedOrRunning(vm):
		return nil, Invalid("Please specify a VM that is either Stopped or Running.")
	}
	vm.ISOID = ""
	c.VMs.Put(vm)
	return c.vmResult(vm.ID), nil
}

// putISO adds what is in a machine's drive.
func (c *Call) putISO(o Obj, v VM) {
	if t, ok := c.Templates.Any(v.ISOID); ok {
		o["isoid"], o["isoname"], o["isodisplaytext"] = t.ID, t.Name, t.DisplayText
	}
}

// prepareTemplate loads a template onto the zone's primary storage beforehand; here every template is at hand.
func prepareTemplate(c *Call) (any, error) {
	t, ok := c.Templates.Get(c.Str("templateid"))
	if !ok {
		return nil, Invalid("Unable to find template id=%s", c.Str("templateid"))
	}
	return Listing("template", []Template{t}, c.templateResponse), nil
}

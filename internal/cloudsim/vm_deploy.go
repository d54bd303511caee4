package cloudsim

import (
	"crypto/rand"
	"fmt"
	"maps"
	"regexp"
	"strings"
)

var hostNameText = regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

const badHostName = `Invalid value provided for API arg: %s - it can contain ASCII letters 'a' through 'z', the digits '0' through '9', and the hyphen ('-'), must be between 1 and 63 characters long, and can't start or end with "-" and can't start with digit`

// startDeploy checks a deployment and makes machine, root volume and network cards.
func startDeploy(c *Call) (string, error) {
	if name := c.Str("name"); name != "" && !hostNameText.MatchString(name) {
		return "", BadParam("Unable to execute API command %s due to invalid value. %s", c.Label(), fmt.Sprintf(badHostName, "name"))
	}
	if b := c.Str("boottype"); b != "" && !strings.EqualFold(b, "UEFI") && !strings.EqualFold(b, "BIOS") {
		return "", Invalid("Invalid bootType %sSpecified for vm %s Valid values are: [UEFI, BIOS]", b, c.Or("name", "null"))
	}
	owner, err := c.NewOwner()
	if err != nil {
		return "", err
	}
	d := &deployment{vm: VM{Base: c.VMs.NewBase(), Owner: owner, UserID: c.Caller.User.ID, State: VMStopped, ZoneID: c.Str("zoneid"),
		NeverStarted: true, InstanceID: newUUID(), DisplayName: c.Str("displayname"), HideDisplay: !c.Bool("displayvm", true),
		Details: c.Map("details"), BootType: bootType(c.Str("boottype")), BootMode: strings.ToLower(c.Str("bootmode")), DynamicScaling: c.Bool("dynamicscalingenabled", false)}}
	for _, step := range []func(*Call, *deployment) error{chooseTemplate, chooseOffering, chooseUserData, chooseKeys, chooseGroups, chooseSecurityGroups, chooseNetworks, chooseName} {
		if err := step(c, d); err != nil {
			return "", c.leaveBroken(d.vm, err)
		}
	}
	for _, l := range []struct {
		kind   int
		wanted int64
	}{{limitVM, 1}, {limitCPU, int64(d.vm.CPUNumber)}, {limitMemory, int64(d.vm.Memory)}, {limitVolume, 1}} {
		if err := c.CheckLimit(owner, l.kind, l.wanted); err != nil {
			return "", err
		}
	}
	d.create(c)
	return d.vm.ID, nil
}

// leaveBroken keeps a machine whose address could not be had, in state Error and without cards, as the server does. It returns
// the reason of the failure.
func (c *Call) leaveBroken(vm VM, reason error) error {
	if e := asAPIError(reason); e.CS != 0 || !strings.HasPrefix(e.Text, "Unable to acquire Guest IP address") {
		return reason
	}
	a, _ := c.Accounts.Get(vm.AccountID)
	vm.InstanceName = fmt.Sprintf("i-%d-%d-VM", a.N, vm.N)
	vm.Name = c.Or("name", "VM-"+vm.ID)
	vm.DisplayName = valueOr(vm.DisplayName, vm.Name)
	vm.State, vm.LastUpdated, vm.NICs = VMError, c.Now(), nil
	vm.Details = maps.Clone(detailsObj(vm.Details))
	vm.Details["deployvm"] = "true"
	c.VMs.Put(vm)
	if err := c.Commit(); err != nil {
		return err
	}
	return reason
}

// deployment is what the steps of startDeploy gather.
type deployment struct {
	vm       VM
	template Template
	offering ServiceOffering
	rootSize int64
	disk     DiskOffering
	hasDisk  bool
}

func bootType(t string) string {
	if strings.EqualFold(t, "UEFI") {
		return "Uefi"
	}
	return "Bios"
}

func chooseTemplate(c *Call, d *deployment) error {
	given := 0
	for _, p := range []string{"templateid", "volumeid", "snapshotid"} {
		if c.Str(p) != "" {
			given++
		}
	}
	if given != 1 || c.Str("templateid") == "" {
		return Internal("Please provide only one of the following parameters - template ID, volume ID or snapshot ID")
	}
	t, ok := c.Templates.Get(c.Str("templateid"))
	if !ok {
		gone, _ := c.Templates.Any(c.Str("templateid"))
		return Invalid("Unable to use template %d", gone.N)
	}
	if !c.mayUse(t) {
		return errNoPermission()
	}
	if !t.Ready || !t.in(d.vm.ZoneID) {
		return Invalid("The template %d is not available for use", t.N)
	}
	if h := c.Str("hypervisor"); h != "" && !strings.EqualFold(h, t.Hypervisor) {
		return Invalid("Hypervisor passed to the deployVm call, is different from the hypervisor type of the template")
	}
	d.template, d.vm.TemplateID, d.vm.OSTypeID, d.vm.Hypervisor = t, t.ID, t.OSTypeID, t.Hypervisor
	d.vm.PasswordEnabled = t.PasswordEnabled
	d.vm.DynamicScaling = d.vm.DynamicScaling && t.DynamicScaling
	details := maps.Clone(t.Details)
	if details == nil {
		details = map[string]string{}
	}
	maps.Copy(details, d.vm.Details)
	d.vm.Details = details
	return nil
}

func chooseOffering(c *Call, d *deployment) error {
	o, ok := c.ServiceOfferings.Get(c.Str("serviceofferingid"))
	if !ok {
		return Invalid("Unable to find service offering: %s", c.Str("serviceofferingid"))
	}
	d.offering, d.vm.OfferingID, d.vm.HAEnabled = o, o.ID, o.OfferHA
	d.vm.CPUNumber, d.vm.CPUSpeed, d.vm.Memory = o.CPUNumber, o.CPUSpeed, o.Memory
	if err := c.customSize(o, &d.vm); err != nil {
		return err
	}
	d.rootSize = d.template.Size
	if o.RootDiskSize > 0 {
		d.rootSize = o.RootDiskSize * gib
	}
	if size := c.Int64("rootdisksize", 0); c.Has("rootdisksize") {
		if size <= 0 {
			return Invalid("Root disk size should be a positive number.")
		}
		if size*gib < d.template.Size {
			return Invalid("Unsupported: rootdisksize override (%d GB) is smaller than template size (%d GB)", size, d.template.Size/gib)
		}
		d.rootSize = size * gib
		d.vm.Details["rootdisksize"] = c.Str("rootdisksize")
	}
	if kb := c.Str("keyboard"); kb != "" {
		d.vm.Details["keyboard"] = kb
	}
	id := c.Str("diskofferingid")
	if id == "" {
		return nil
	}
	d.disk, d.hasDisk = c.DiskOfferings.Get(id)
	if d.disk.Customized {
		if d.disk.Size = c.Int64("size", 0); d.disk.Size <= 0 {
			return Invalid("This disk offering requires a custom size specified")
		}
	}
	return nil
}

// customSize takes the size of a machine whose offering leaves it open from the details.
func (c *Call) customSize(o ServiceOffering, vm *VM) error {
	for _, f := range []struct {
		name, text, limit string
		to                *int
	}{{"cpuNumber", "cpu cores", "cpunumber", &vm.CPUNumber}, {"cpuSpeed", "cpu speed", "", &vm.CPUSpeed}, {"memory", "memory", "memory", &vm.Memory}} {
		if *f.to != 0 {
			continue
		}
		n := (Params{"n": vm.Details[f.name]}).Int("n", 0)
		if n <= 0 {
			return Invalid("Need to specify custom parameter values cpu, cpu speed and memory when using custom offering")
		}
		least, most := o.Details["min"+f.limit], o.Details["max"+f.limit]
		if limits := (Params{"least": least, "most": most}); most != "" && (n < limits.Int("least", 0) || n > limits.Int("most", n)) {
			return Invalid("Invalid %s value, specify a value between %s and %s", f.text, least, most)
		}
		*f.to = n
	}
	return nil
}

func chooseKeys(c *Call, d *deployment) error {
	names := c.List("keypairs")
	if one := c.Str("keypair"); one != "" {
		names = append(names, one)
	}
	return c.setKeys(&d.vm, names)
}

// keyNamesDetail is the detail that names a machine's key pairs.
const keyNamesDetail = "SSH.KeyPairNames"

// setKeys gives a machine key pairs of its owner.
func (c *Call) setKeys(vm *VM, names []string) error {
	vm.SSHKeys, vm.PublicKeys = nil, nil
	for _, name := range names {
		k, ok := c.SSHKeys.Find(func(k SSHKey) bool { return k.Name == name && k.AccountID == vm.AccountID })
		if !ok {
			return Invalid("Not all specified keypairs exist")
		}
		vm.SSHKeys, vm.PublicKeys = append(vm.SSHKeys, k.Name), append(vm.PublicKeys, k.PublicKey)
	}
	if len(names) == 0 {
		return nil
	}
	details := maps.Clone(detailsObj(vm.Details))
	details["SSH.PublicKey"], details[keyNamesDetail] = strings.Join(vm.PublicKeys, "\n"), strings.Join(vm.SSHKeys, ",")
	vm.Details = details
	return nil
}

func chooseGroups(c *Call, d *deployment) error {
	ids := c.List("affinitygroupids")
	for _, name := range c.List("affinitygroupnames") {
		g, ok := c.AffinityGroups.Find(func(g AffinityGroup) bool { return g.Name == name && g.AccountID == d.vm.AccountID })
		if !ok {
			return Invalid("Unable to find group by name %s", name)
		}
		ids = append(ids, g.ID)
	}
	for _, id := range ids {
		g, ok := c.AffinityGroups.Get(id)
		if !ok {
			return Invalid("Unable to find affinity group by id %s", id)
		}
		if err := c.Own(g.Owner); err != nil {
			return err
		}
	}
	d.vm.AffinityGroupIDs = ids
	if name := c.Str("group"); name != "" {
		d.vm.GroupID = c.instanceGroup(d.vm.Owner, name)
	}
	return nil
}

func chooseName(c *Call, d *deployment) error {
	a, _ := c.Accounts.Get(d.vm.AccountID)
	d.vm.InstanceName = fmt.Sprintf("i-%d-%d-VM", a.N, d.vm.N)
	d.vm.Name = c.Or("name", "VM-"+d.vm.ID)
	d.vm.DisplayName = valueOr(d.vm.DisplayName, d.vm.Name)
	return c.uniqueHostName(d.vm)
}

// uniqueHostName refuses a name that another machine of one of the networks has.
func (c *Call) uniqueHostName(vm VM) error {
	for other := range c.VMs.All() {
		if other.ID == vm.ID || !strings.EqualFold(other.Name, vm.Name) {
			continue
		}
		for _, nic := range vm.NICs {
			n, _ := c.Networks.Get(nic.NetworkID)
			if _, on := other.NICOn(nic.NetworkID); on {
				return Invalid("The vm with hostName %s already exists in the network domain: %s; network=%s", vm.Name, n.Domain, n.Name)
			}
		}
	}
	return nil
}

// create puts the rows of a checked deployment.
func (d *deployment) create(c *Call) {
	d.vm.Details["deployvm"] = "true" // until it comes up for the first time
	if d.vm.PasswordEnabled {
		d.vm.Password = valueOr(c.Str("password"), newPassword())
	}
	c.VMs.Put(d.vm)
	device := 0
	root := Volume{Base: c.Volumes.NewBase(), Owner: d.vm.Owner, Name: fmt.Sprintf("ROOT-%d", d.vm.N), Type: volumeRoot, State: volumeAllocated, Size: d.rootSize,
		ZoneID: d.vm.ZoneID, VMID: d.vm.ID, DeviceID: &device, TemplateID: d.template.ID, OfferingID: d.offering.ID}
	c.Volumes.Put(root)
	if d.hasDisk {
		one := 1
		c.Volumes.Put(Volume{Base: c.Volumes.NewBase(), Owner: d.vm.Owner, Name: fmt.Sprintf("DATA-%d", d.vm.N), Type: volumeData, State: volumeAllocated,
			Size: d.disk.Size * gib, ZoneID: d.vm.ZoneID, VMID: d.vm.ID, DeviceID: &one, DiskOfferingID: d.disk.ID})
	}
	for _, tag := range c.Maps("tags") {
		c.Tags.Put(Tag{Base: c.Tags.NewBase(), Owner: d.vm.Owner, Key: tag["key"], Value: tag["value"], ResourceType: "UserVm", ResourceID: d.vm.ID})
	}
}

// newPassword is six letters and digits, as the server makes them.
func newPassword() string { return strings.ToLower(rand.Text()[:6]) }

func deployJob(c *Call) (Obj, error) {
	vm, ok := c.VMs.Get(c.EntityID)
	if !ok {
		return nil, Internal("Unable to find the machine to deploy")
	}
	if !c.Bool("startvm", true) {
		return c.vmResult(vm.ID), nil
	}
	if err := c.bringUp(vm); err != nil {
		if c.Ctx.Err() != nil {
			return nil, err
		}
		// A deployment that fails leaves a machine that has to be destroyed.
		if broken, ok := c.VMs.Get(vm.ID); ok {
			broken.State, broken.LastUpdated, broken.HostID = VMError, c.Now(), ""
			c.VMs.Put(broken)
			if commitErr := c.Commit(); commitErr != nil {
				return nil, commitErr
			}
		}
		return nil, err
	}
	result := c.vmResult(vm.ID)
	if vm, _ = c.VMs.Get(vm.ID); vm.PasswordEnabled {
		result["virtualmachine"].(Obj)["password"] = vm.Password
	}
	return result, nil
}

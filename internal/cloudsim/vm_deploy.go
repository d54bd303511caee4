package cloudsim

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// vmCommands are machines.
var vmCommands = map[string]command{
	"deployVirtualMachine":              {start: startDeploy, job: deployJob, creates: true, queue: queueDeploy, event: "VM.CREATE", kinds: map[string]kind{"hostid": kindAny}},
	"listVirtualMachines":               {run: listVMs, id: kindVM, kinds: map[string]kind{"hostid": kindAny, "storageid": kindAny, "autoscalevmgroupid": kindAny}},
	"startVirtualMachine":               {start: startVM, job: startVMJob, queue: queueVM("id"), id: kindVM, event: "VM.START", kinds: map[string]kind{"hostid": kindAny}},
	"stopVirtualMachine":                {start: startVM, job: stopVMJob, queue: queueVM("id"), id: kindVM, event: "VM.STOP"},
	"rebootVirtualMachine":              {start: startVM, job: rebootVMJob, queue: queueVM("id"), id: kindVM, event: "VM.REBOOT"},
	"destroyVirtualMachine":             {start: startDestroy, job: destroyVMJob, queue: queueVM("id"), id: kindVM, event: "VM.DESTROY", kinds: map[string]kind{"volumeids": kindVolume}},
	"expungeVirtualMachine":             {start: startVM, job: expungeVMJob, queue: queueVM("id"), id: kindVM, event: "VM.EXPUNGE"},
	"recoverVirtualMachine":             {run: recoverVM, id: kindVM},
	"updateVirtualMachine":              {run: updateVM, id: kindVM, event: "VM.UPDATE", kinds: map[string]kind{"securitygroupids": kindAny}},
	"scaleVirtualMachine":               {start: startVM, job: scaleVMJob, queue: queueVM("id"), id: kindVM, event: "VM.UPGRADE"},
	"changeServiceForVirtualMachine":    {run: changeService, id: kindVM, event: "VM.UPGRADE"},
	"resetPasswordForVirtualMachine":    {start: startVM, job: resetPasswordJob, queue: queueVM("id"), id: kindVM, event: "VM.RESETPASSWORD"},
	"resetSSHKeyForVirtualMachine":      {start: startResetKey, job: resetKeyJob, queue: queueVM("id"), id: kindVM, event: "VM.RESETSSHKEY", envelope: "resetSSHKeyforvirtualmachineresponse"},
	"resetUserDataForVirtualMachine":    {run: resetUserData, id: kindVM, event: "VM.RESETUSERDATA"},
	"restoreVirtualMachine":             {start: startRestore, job: restoreVMJob, queue: queueVM("virtualmachineid"), event: "VM.RESTORE", envelope: "restorevmresponse"},
	"updateVmNicIp":                     {start: startNICIP, job: updateNICIPJob, event: "NIC.UPDATE"},
	"getVMPassword":                     {run: getVMPassword, id: kindVM},
	"getVirtualMachineUserData":         {run: getUserData},
	"addNicToVirtualMachine":            {start: startNICChange, job: addNICJob, queue: queueVM("virtualmachineid"), event: "NIC.CREATE"},
	"removeNicFromVirtualMachine":       {start: startNICChange, job: removeNICJob, queue: queueVM("virtualmachineid"), event: "NIC.DELETE"},
	"updateDefaultNicForVirtualMachine": {start: startNICChange, job: defaultNICJob, queue: queueVM("virtualmachineid"), event: "NIC.UPDATE"},
	"listNics":                          {run: listNICs},
	"addIpToNic":                        {start: startAddIP, job: addIPJob, creates: true, event: "NIC.SECONDARY.IP.ASSIGN", envelope: "addiptovmnicresponse"},
	"removeIpFromNic":                   {start: startRemoveIP, job: removeIPJob, event: "NIC.SECONDARY.IP.UNASSIGN", kinds: map[string]kind{"id": kindAny}},
}

// queueVM is the queue of jobs that change the machine a parameter names.
func queueVM(param string) func(*Call) string {
	return func(c *Call) string { return "vm:" + c.Str(param) }
}

func queueDeploy(c *Call) string { return "vm:" + c.EntityID }

var hostNameText = regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

const badHostName = `Invalid value provided for API arg: %s - it can contain ASCII letters 'a' through 'z', the digits '0' through '9', and the hyphen ('-'), must be between 1 and 63 characters long, and can't start or end with "-" and can't start with digit`

// startDeploy checks a deployment and makes machine, root volume and network cards.
func startDeploy(c *Call) (string, error) {
	if name := c.Str("name"); name != "" && !hostNameText.MatchString(name) {
		return "", BadParam("Unable to execute API command %s due to invalid value. %s", c.Label(), fmt.Sprintf(badHostName, "name"))
	}
	owner, err := c.NewOwner()
	if err != nil {
		return "", err
	}
	d := &deployment{vm: VM{Base: c.VMs.NewBase(), Owner: owner, UserID: c.Caller.User.ID, State: VMStopped, ZoneID: c.Str("zoneid"),
		NeverStarted: true, Hypervisor: "KVM", InstanceID: newUUID(), DisplayName: c.Str("displayname"), HideDisplay: !c.Bool("displayvm", true),
		Details: c.Map("details"), BootType: bootType(c.Str("boottype")), BootMode: strings.ToLower(c.Str("bootmode")), DynamicScaling: c.Bool("dynamicscalingenabled", false)}}
	for _, step := range []func(*Call, *deployment) error{chooseTemplate, chooseOffering, chooseUserData, chooseKeys, chooseGroups, chooseNetworks, chooseName} {
		if err := step(c, d); err != nil {
			return "", err
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
	if !t.Ready {
		return Invalid("The template %d is not available for use", t.N)
	}
	if h := c.Str("hypervisor"); h != "" && !strings.EqualFold(h, t.Hypervisor) {
		return Invalid("Hypervisor passed to the deployVm call, is different from the hypervisor type of the template")
	}
	d.template, d.vm.TemplateID, d.vm.OSTypeID = t, t.ID, t.OSTypeID
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
		name string
		to   *int
	}{{"cpuNumber", &vm.CPUNumber}, {"cpuSpeed", &vm.CPUSpeed}, {"memory", &vm.Memory}} {
		if *f.to != 0 {
			continue
		}
		n := (Params{"n": vm.Details[f.name]}).Int("n", 0)
		if n <= 0 {
			return Invalid("Need to specify custom parameter values cpu, cpu speed and memory when using custom offering")
		}
		*f.to = n
	}
	return nil
}

// maxUserData is the longest user data after decoding.
const maxUserData = 32768

func chooseUserData(c *Call, d *deployment) error {
	text, id := c.Str("userdata"), c.Str("userdataid")
	if text != "" && id != "" {
		return Invalid("Both userdata and userdata ID inputs are not allowed, please provide only one")
	}
	own := id != "" || text != ""
	linked, hasLinked := c.UserData.Get(d.template.UserDataID)
	if hasLinked && own && d.template.UserDataPolicy == "DENYOVERRIDE" {
		return Internal("UserData is not allowed to override the template's: its policy is DENYOVERRIDE")
	}
	if hasLinked && !own {
		id = linked.ID
	}
	if id != "" {
		u, ok := c.UserData.Get(id)
		if !ok {
			return Invalid("Unable to find userdata by id %s", id)
		}
		text, d.vm.UserDataID = u.Data, u.ID
	}
	if hasLinked && own && d.template.UserDataPolicy == "APPEND" {
		text = appendUserData(linked.Data, text)
	}
	clean, err := cleanUserData(text)
	if err != nil {
		return err
	}
	d.vm.UserData = clean
	if details := c.Map("userdatadetails"); len(details) > 0 {
		var pairs []string
		for _, k := range slices.Sorted(maps.Keys(details)) {
			pairs = append(pairs, k+"="+details[k])
		}
		d.vm.UserDataDetails = "{" + strings.Join(pairs, ", ") + "}"
	}
	return nil
}

// appendUserData joins two documents of user data, base64, as parts of one message.
func appendUserData(first, second string) string {
	const boundary = "cloudstack-user-data"
	var b strings.Builder
	b.WriteString("Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\nMIME-Version: 1.0\n")
	for _, part := range []string{first, second} {
		b.WriteString("\n--" + boundary + "\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + part + "\n")
	}
	b.WriteString("--" + boundary + "--\n")
	return base64.StdEncoding.EncodeToString([]byte(b.String()))
}

// cleanUserData checks user data as the server does and pads it.
func cleanUserData(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	if strings.Contains(text, "%") {
		if _, err := checkedUserData(text); err != nil && asAPIError(err).CS == csServer {
			return "", err // the server stumbles over its own second decoding
		}
		plain, err := url.PathUnescape(text)
		if err != nil {
			return "", Invalid("User data is not base64 encoded.")
		}
		text = plain
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		if data, err = base64.RawStdEncoding.DecodeString(text); err != nil {
			return "", Invalid("User data is not base64 encoded.")
		}
	}
	if len(data) > maxUserData {
		return "", Invalid("User data has exceeded configurable max length: %d", maxUserData)
	}
	return base64.StdEncoding.EncodeToString(data), nil
}

func chooseKeys(c *Call, d *deployment) error {
	names := c.List("keypairs")
	if one := c.Str("keypair"); one != "" {
		names = append(names, one)
	}
	return c.setKeys(&d.vm, names)
}

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
	details["SSH.PublicKey"], details["SSH.KeyPairNames"] = strings.Join(vm.PublicKeys, "\n"), strings.Join(vm.SSHKeys, ",")
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

// chooseNetworks finds the networks and their addresses.
func chooseNetworks(c *Call, d *deployment) error {
	wanted := c.List("networkids")
	addresses := map[string]string{}
	if entries := c.Maps("iptonetworklist"); len(entries) > 0 {
		if len(wanted) > 0 || c.Str("ipaddress") != "" {
			return Invalid("ipToNetworkMap can't be specified along with networkIds or ipAddress")
		}
		for _, e := range entries {
			id := e["networkid"]
			if _, ok := c.Networks.Get(id); !ok {
				return Invalid("Unable to find network by id %s", id)
			}
			wanted = append(wanted, id)
			addresses[id] = e["ip"]
		}
	}
	if len(wanted) == 0 {
		n, err := c.onlyNetwork(d.vm)
		if err != nil {
			return err
		}
		wanted = []string{n.ID}
	}
	if ip := c.Str("ipaddress"); ip != "" {
		addresses[wanted[0]] = ip
	}
	for i, id := range wanted {
		if err := c.addCard(&d.vm, id, addresses[id], c.Str("macaddress"), i == 0); err != nil {
			return err
		}
	}
	if d.vm.UserData == "" {
		return nil
	}
	n, _ := c.Networks.Get(wanted[0])
	if o, _ := c.NetworkOfferings.Any(n.OfferingID); !o.Has("UserData") {
		return Invalid("Unable to deploy VM as UserData is provided while deploying the VM, but there is no support for UserData service in the default network %d/%s.", n.N, n.ID)
	}
	return nil
}

// addCard gives a machine a network card with the requested address, or a free one.
func (c *Call) addCard(vm *VM, networkID, address, mac string, isDefault bool) error {
	n, ok := c.Networks.Get(networkID)
	if !ok {
		return Invalid("Unable to find network by id %s", networkID)
	}
	if n.ACLType != "Domain" && c.Own(n.Owner) != nil {
		return Denied("Unable to use network with id= %s, permission denied", n.ID)
	}
	if n.ZoneID != vm.ZoneID {
		zone, _ := c.Zones.Any(vm.ZoneID)
		return Invalid("Network %s doesn't belong to zone %s", n.Name, zone.Name)
	}
	if _, on := vm.NICOn(n.ID); on {
		return Invalid("A NIC already exists for VM:%s in network: %s", vm.InstanceName, n.ID)
	}
	ip, err := c.GuestAddress(n, address)
	if err != nil {
		return err
	}
	device := 0
	for _, nic := range vm.NICs {
		device = max(device, nic.DeviceID+1)
	}
	vm.NICs = append(slices.Clone(vm.NICs), NIC{ID: newUUID(), N: vm.N*10 + int64(device), NetworkID: n.ID, IPAddress: ip,
		MAC: valueOr(mac, newMAC("02:02")), DeviceID: device, IsDefault: isDefault})
	return nil
}

// onlyNetwork is the account's single isolated network; it is made if there is none.
func (c *Call) onlyNetwork(vm VM) (Network, error) {
	own := c.Networks.Where(func(n Network) bool {
		return n.AccountID == vm.AccountID && n.ZoneID == vm.ZoneID && n.Type == "Isolated" && n.VPCID == ""
	})
	a, _ := c.Accounts.Get(vm.AccountID)
	switch len(own) {
	case 1:
		return own[0], nil
	case 0:
	default:
		return Network{}, Invalid("More than 1 default Isolated networks are found for account %s; please specify networkIds", accountText(a))
	}
	o, ok := c.NetworkOfferings.Find(func(o NetworkOffering) bool {
		return o.Availability == "Required" && o.GuestIPType == "Isolated" && o.State == "Enabled" && !o.ForVPC && o.Has("SourceNat")
	})
	if !ok {
		return Network{}, Invalid("Unable to find network offering with availability=Required to automatically create the network as a part of vm creation")
	}
	made := *c
	name := a.Name + "-network"
	made.Params = Params{"name": name, "displaytext": name, "networkofferingid": o.ID, "zoneid": vm.ZoneID, "account": a.Name, "domainid": a.DomainID}
	out, err := createNetwork(&made)
	if err != nil {
		return Network{}, err
	}
	id, _ := out.(Obj)["network"].(Obj)["id"].(string)
	n, _ := c.Networks.Get(id)
	return n, nil
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
	if !c.Bool("startvm", true) {
		d.vm.Details["deployvm"] = "true"
	}
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
func newPassword() string {
	const letters = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	var b strings.Builder
	for range 6 {
		b.WriteByte(letters[rand.IntN(len(letters))])
	}
	return b.String()
}

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

// bringUp starts a machine: networks, host, disk, guest. It may be repeated after a kill.
func (c *Call) bringUp(vm VM) error {
	host, err := c.place(vm)
	if err != nil {
		return err
	}
	vm.State, vm.HostID, vm.LastUpdated = VMStarting, host.ID, c.Now()
	c.VMs.Put(vm)
	for _, nic := range vm.NICs {
		if err := c.Implement(nic.NetworkID); err != nil {
			return err
		}
	}
	farm := c.Cloud.guests
	if farm != nil {
		disk, image, source := c.rootDisk(vm)
		err = c.Unlocked(func(ctx context.Context) error {
			if err := farm.make(disk, image, source); err != nil {
				return err
			}
			return farm.boot(ctx, vm.ID)
		})
		if err != nil {
			return Fail(530, csRuntime, "Unable to start the guest of machine %s: %v", vm.Name, err)
		}
	}
	now, ok := c.VMs.Get(vm.ID)
	if !ok {
		return Internal("Unable to find the machine to start")
	}
	now.State, now.NeverStarted, now.LastUpdated, now.HostID = VMRunning, false, c.Now(), host.ID
	now.Details = maps.Clone(detailsObj(now.Details))
	delete(now.Details, "deployvm")
	c.VMs.Put(now)
	for v := range c.Volumes.All() {
		if v.VMID == vm.ID && v.State == volumeAllocated {
			v.State, v.PoolID, v.Path = volumeReady, c.poolOf(v), valueOr(v.Path, newUUID())
			c.Volumes.Put(v)
		}
	}
	for _, nic := range now.NICs {
		c.NetworkChanged(nic.NetworkID)
	}
	return nil
}

// rootDisk says what the root volume is made of: a built-in image or another disk. It also notes the disk in the volume.
func (c *Call) rootDisk(vm VM) (disk, image, source string) {
	root, _ := c.Volumes.Find(func(v Volume) bool { return v.VMID == vm.ID && v.Type == volumeRoot })
	t, _ := c.Templates.Any(root.TemplateID)
	if root.DiskPath == "" {
		root.DiskPath = root.ID
		c.Volumes.Put(root)
	}
	if t.DiskPath != "" {
		return root.DiskPath, "", t.DiskPath
	}
	return root.DiskPath, t.BaseImage, ""
}

func (c *Call) poolOf(v Volume) string {
	pool, _ := c.StoragePools.Find(func(p StoragePool) bool { return p.ZoneID == v.ZoneID })
	return pool.ID
}

// place finds the host with the most free memory; strict anti-affinity keeps machines of a group apart.
func (c *Call) place(vm VM) (Host, error) {
	used := map[string]int64{}
	apart := map[string]bool{}
	for other := range c.VMs.All() {
		if other.ID == vm.ID || other.State != VMRunning && other.State != VMStarting {
			continue
		}
		used[other.HostID] += int64(other.Memory) << 20
		for _, id := range other.AffinityGroupIDs {
			g, _ := c.AffinityGroups.Get(id)
			if g.Type == "host anti-affinity" && slices.Contains(vm.AffinityGroupIDs, id) {
				apart[other.HostID] = true
			}
		}
	}
	var best Host
	for h := range c.Hosts.All() {
		need := int64(vm.Memory) << 20
		if h.ZoneID != vm.ZoneID || apart[h.ID] || vm.CPUNumber > h.Cores || vm.CPUSpeed > h.CPUSpeed || used[h.ID]+need > h.Memory {
			continue
		}
		if best.ID == "" || used[h.ID] < used[best.ID] {
			best = h
		}
	}
	if best.ID == "" {
		return best, Fail(533, csServer, `No destination found for a deployment for VM instance {"id":%d,"instanceName":"%s","state":"Stopped","type":"User","uuid":"%s"}`, vm.N, vm.InstanceName, vm.ID)
	}
	return best, nil
}

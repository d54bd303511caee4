package cloudsim

import (
	"strconv"
	"strings"
)

// Types and states of a volume.
const (
	volumeRoot      = "ROOT"
	volumeData      = "DATADISK"
	volumeAllocated = "Allocated"
	volumeReady     = "Ready"
	volumeDestroy   = "Destroy"
)

// volumeCommands are disks, their snapshots and the snapshots of whole machines.
var volumeCommands = map[string]command{
	"listVolumes":        {run: listVolumes, id: kindVolume, kinds: map[string]kind{"storageid": kindAny}},
	"createVolume":       {start: startCreateVolume, job: createVolumeJob, creates: true, event: "VOLUME.CREATE"},
	"attachVolume":       {start: startVolume, job: attachVolumeJob, queue: queueVM("virtualmachineid"), id: kindVolume, event: "VOLUME.ATTACH"},
	"detachVolume":       {start: startDetachVolume, job: detachVolumeJob, id: kindVolume, event: "VOLUME.DETACH"},
	"resizeVolume":       {start: startVolume, job: resizeVolumeJob, id: kindVolume, event: "VOLUME.RESIZE"},
	"updateVolume":       {start: startVolume, job: updateVolumeJob, id: kindVolume, event: "VOLUME.UPDATE", kinds: map[string]kind{"storageid": kindAny}},
	"destroyVolume":      {start: startVolume, job: destroyVolumeJob, id: kindVolume, event: "VOLUME.DESTROY"},
	"recoverVolume":      {run: recoverVolume, id: kindVolume, event: "VOLUME.RECOVER"},
	"deleteVolume":       {run: deleteVolume, id: kindVolume, event: "VOLUME.DELETE"},
	"createSnapshot":     {start: startCreateSnapshot, job: createSnapshotJob, creates: true, event: "SNAPSHOT.CREATE"},
	"listSnapshots":      {run: listSnapshots, id: kindSnapshot},
	"deleteSnapshot":     {start: startDeleteSnapshot, job: deleteSnapshotJob, id: kindSnapshot, event: "SNAPSHOT.DELETE"},
	"createVMSnapshot":   {start: startCreateVMSnapshot, job: createVMSnapshotJob, creates: true, queue: queueVM("virtualmachineid"), event: "VMSNAPSHOT.CREATE"},
	"listVMSnapshot":     {run: listVMSnapshots, kinds: map[string]kind{"vmsnapshotids": kindVMSnapshot}},
	"deleteVMSnapshot":   {start: startVMSnapshot, job: deleteVMSnapshotJob, event: "VMSNAPSHOT.DELETE"},
	"revertToVMSnapshot": {start: startVMSnapshot, job: revertVMSnapshotJob, event: "VMSNAPSHOT.REVERTTO"},
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// volumeResponse is a volume as the API shows it.
func (c *Call) volumeResponse(v Volume) Obj {
	zone, _ := c.Zones.Any(v.ZoneID)
	o := Obj{"id": v.ID, "name": v.Name, "zoneid": zone.ID, "zonename": zone.Name, "type": v.Type, "provisioningtype": "thin", "size": v.Size,
		"created": timeText(v.Created), "state": v.State, "storagetype": "shared", "hypervisor": c.hypervisorOf(v.ZoneID), "destroyed": v.State == volumeDestroy,
		"isextractable": v.Type == volumeData, "displayvolume": !v.HideDisplay, "quiescevm": false, "supportsstoragesnapshot": false,
		"deleteprotection": v.DeleteProtection, "tags": c.tagsOf("Volume", v.ID), "hasannotations": false}
	c.putOwner(o, v.Owner)
	if v.State == volumeAllocated && v.VMID == "" {
		o["hypervisor"] = "None"
	}
	if v.DeviceID != nil {
		o["deviceid"] = *v.DeviceID
	}
	if vm, ok := c.VMs.Get(v.VMID); ok {
		o["virtualmachineid"], o["vmname"], o["vmdisplayname"], o["vmstate"], o["vmtype"] = vm.ID, vm.Name, vm.DisplayName, vm.State, "User"
		if v.State == volumeReady {
			for _, field := range []string{"diskkbsread", "diskkbswrite", "diskioread", "diskiowrite"} {
				o[field] = 0
			}
		}
	}
	if t, ok := c.Templates.Any(v.TemplateID); ok {
		o["templateid"], o["templatename"], o["templatedisplaytext"] = t.ID, t.Name, t.DisplayText
	}
	if s, ok := c.ServiceOfferings.Any(v.OfferingID); ok {
		o["serviceofferingid"], o["serviceofferingname"], o["serviceofferingdisplaytext"] = itoa(s.N), s.Name, s.DisplayText
	}
	if d, ok := c.DiskOfferings.Any(v.DiskOfferingID); ok {
		o["diskofferingid"], o["diskofferingname"], o["diskofferingdisplaytext"] = d.ID, d.Name, d.DisplayText
		putRates(o, d)
	}
	if v.AttachedAt != nil {
		o["attached"] = timeText(*v.AttachedAt)
	}
	o.Opt("path", v.Path).Opt("snapshotid", v.SnapshotID)
	c.putPool(o, v)
	return o
}

// putRates adds the limits of a disk's throughput. The server shows the bytes read and the requests written for both directions.
func putRates(o Obj, d DiskOffering) {
	if n := d.Rates["diskBytesReadRate"]; n > 0 {
		o["diskBytesReadRate"], o["diskBytesWriteRate"] = n, n
	}
	if n := d.Rates["diskIopsWriteRate"]; n > 0 {
		o["diskIopsReadRate"], o["diskIopsWriteRate"] = n, n
	}
}

// putPool adds where a volume lies, for administrators.
func (c *Call) putPool(o Obj, v Volume) {
	pool, ok := c.StoragePools.Any(v.PoolID)
	if !ok || !c.Caller.Root() {
		return
	}
	pod, _ := c.Pods.Any(pool.PodID)
	cluster, _ := c.Clusters.Any(pool.ClusterID)
	o["storage"], o["storageid"] = pool.Name, pool.ID
	o["podid"], o["podname"], o["clusterid"], o["clustername"] = pod.ID, pod.Name, cluster.ID, cluster.Name
}

func listVolumes(c *Call) (any, error) {
	rows, err := Visible(c, c.Volumes.Where(func(v Volume) bool {
		return c.named(v.ID, v.Name) && c.is("virtualmachineid", v.VMID) && c.is("zoneid", v.ZoneID) && c.is("diskofferingid", v.DiskOfferingID) &&
			(!c.Has("type") || strings.EqualFold(c.Str("type"), v.Type)) && (!c.Has("state") || strings.EqualFold(c.Str("state"), v.State)) &&
			c.matchTags("Volume", v.ID) && (v.State != volumeDestroy || c.Caller.Root())
	}))
	if err != nil {
		return nil, err
	}
	return Listing("volume", rows, c.volumeResponse), nil
}

func (c *Call) volumeResult(id string) Obj {
	v, _ := c.Volumes.Any(id)
	return Obj{"volume": c.jobOf(c.volumeResponse(v))}
}

const maxVolumeGB = 1024

func startCreateVolume(c *Call) (string, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return "", err
	}
	v := Volume{Base: c.Volumes.NewBase(), Owner: owner, Type: volumeData, State: volumeAllocated, ZoneID: c.Str("zoneid"), HideDisplay: !c.Bool("displayvolume", true)}
	v.Name = c.Or("name", newUUID())
	if id := c.Str("snapshotid"); id != "" {
		s, _ := c.Snapshots.Get(id)
		if err := c.Own(s.Owner); err != nil {
			return "", err
		}
		v.SnapshotID, v.Size, v.ZoneID, v.State = s.ID, s.Size, s.ZoneID, volumeReady
		source, _ := c.Volumes.Any(s.VolumeID)
		v.TemplateID, v.OfferingID, v.DiskOfferingID = source.TemplateID, source.OfferingID, source.DiskOfferingID
		v.PoolID, v.Path = c.poolOf(v), newUUID()
	} else if err := c.sizeVolume(&v); err != nil {
		return "", err
	}
	for _, l := range []struct {
		kind   int
		wanted int64
	}{{limitVolume, 1}, {limitPrimary, v.Size / gib}} {
		if err := c.CheckLimit(owner, l.kind, l.wanted); err != nil {
			return "", err
		}
	}
	c.Volumes.Put(v)
	return v.ID, nil
}

// sizeVolume takes the size of a new volume from its offering or, if that leaves it open, from the call.
func (c *Call) sizeVolume(v *Volume) error {
	o, ok := c.DiskOfferings.Get(c.Str("diskofferingid"))
	if !ok {
		return Invalid("Missing parameter(s),either a positive volume size or a valid disk offering id must be specified.")
	}
	if v.ZoneID == "" {
		return errMissing(c.Label(), "zoneid")
	}
	size := o.Size
	switch {
	case o.Customized:
		size = c.Int64("size", 0)
		if size <= 0 {
			return Invalid("This disk offering requires a custom size specified")
		}
	case c.Has("size"):
		return Invalid("This disk offering does not allow custom size")
	}
	if size < 1 || size > maxVolumeGB {
		return Invalid("Volume size: %d GB is out of allowed range. Min: 1. Max: %d", size, maxVolumeGB)
	}
	v.DiskOfferingID, v.Size = o.ID, size*gib
	return nil
}

func createVolumeJob(c *Call) (Obj, error) { return c.volumeResult(c.EntityID), nil }

// startVolume is the first half of commands that act on the volume named by id.
func startVolume(c *Call) (string, error) {
	v, ok := c.Volumes.Get(c.Str("id"))
	if !ok {
		return "", errNoEntity(c.Label(), "id", c.Str("id"))
	}
	return v.ID, c.Own(v.Owner)
}

func attachVolumeJob(c *Call) (Obj, error) {
	v, _ := c.Volumes.Get(c.EntityID)
	vm, ok := c.VMs.Get(c.Str("virtualmachineid"))
	switch {
	case v.ID == "" || v.Type != volumeData:
		return nil, Invalid("Unable to find volume with id: %s", c.EntityID)
	case v.VMID != "":
		return nil, Invalid("Please specify a volume that is not attached to any VM.")
	case !ok || !stoppedOrRunning(vm):
		return nil, Invalid("Please specify a VM that is either running or stopped.")
	case v.ZoneID != vm.ZoneID:
		return nil, Invalid("Please specify a VM that is in the same zone as the volume.")
	case c.hasVMSnapshot(vm.ID):
		return nil, Invalid("Unable to attach volume, please specify a VM that does not have VM snapshots")
	}
	if err := c.Own(vm.Owner); err != nil {
		return nil, err
	}
	device, err := c.freeDevice(vm)
	if err != nil {
		return nil, err
	}
	now := c.Now()
	v.VMID, v.DeviceID, v.AttachedAt = vm.ID, &device, &now
	if v.State == volumeUploaded || v.State == volumeAllocated && !vm.NeverStarted {
		v.State, v.PoolID, v.Path = volumeReady, c.poolOf(v), valueOr(v.Path, v.Name)
	}
	c.Volumes.Put(v)
	return c.volumeResult(v.ID), nil
}

// maxDevice is the highest device number on KVM.
const maxDevice = 33

// freeDevice is the device number asked for, or the lowest free one; 0 is the root disk, 3 the CD-ROM.
func (c *Call) freeDevice(vm VM) (int, error) {
	taken := map[int]Volume{}
	for v := range c.Volumes.All() {
		if v.VMID == vm.ID && v.DeviceID != nil {
			taken[*v.DeviceID] = v
		}
	}
	if c.Has("deviceid") {
		n := c.Int("deviceid", -1)
		if n < 1 || n > maxDevice || n == 3 {
			return 0, Internal("deviceId should be 1,2,4-%d", maxDevice)
		}
		if other, used := taken[n]; used {
			return 0, Internal("deviceId %d is used by vol %s on vm %s", n, other.Name, vm.Name)
		}
		return n, nil
	}
	for n := 1; n <= maxDevice; n++ {
		if _, used := taken[n]; !used && n != 3 {
			return n, nil
		}
	}
	return 0, Internal("The specified VM already has the maximum number of data disks (%d) attached. Please specify another VM.", maxDevice-1)
}

func (c *Call) hasVMSnapshot(vmID string) bool {
	_, has := c.VMSnapshots.Find(func(s VMSnapshot) bool { return s.VMID == vmID })
	return has
}

func startDetachVolume(c *Call) (string, error) {
	if c.Str("id") != "" {
		return startVolume(c)
	}
	vmID, device := c.Str("virtualmachineid"), c.Int("deviceid", -1)
	v, ok := c.Volumes.Find(func(v Volume) bool { return v.VMID == vmID && vmID != "" && v.DeviceID != nil && *v.DeviceID == device })
	if !ok {
		return "", Invalid("Please provide either a volume id, or a tuple(device id, instance id)")
	}
	return v.ID, c.Own(v.Owner)
}

func detachVolumeJob(c *Call) (Obj, error) {
	v, _ := c.Volumes.Get(c.EntityID)
	vm, ok := c.VMs.Get(v.VMID)
	switch {
	case !ok:
		return nil, Invalid("The specified volume is not attached to a VM.")
	case !stoppedOrRunning(vm):
		return nil, Invalid("Please specify a VM that is either running or stopped.")
	case v.Type == volumeRoot:
		return nil, Invalid("Please specify a data volume.")
	case c.hasVMSnapshot(vm.ID):
		return nil, Invalid("Unable to detach volume, please specify a VM that does not have VM snapshots")
	}
	c.detach(v)
	return c.volumeResult(v.ID), nil
}

func (c *Call) detach(v Volume) {
	v.VMID, v.DeviceID, v.AttachedAt = "", nil, nil
	c.Volumes.Put(v)
}

func resizeVolumeJob(c *Call) (Obj, error) {
	v, _ := c.Volumes.Get(c.EntityID)
	size := v.Size
	if o, ok := c.DiskOfferings.Get(c.Str("diskofferingid")); ok {
		v.DiskOfferingID, size = o.ID, o.Size*gib
		if o.Customized {
			size = c.Int64("size", 0) * gib
		}
	} else if c.Has("size") {
		if o, ok := c.DiskOfferings.Any(v.DiskOfferingID); ok && !o.Customized {
			return nil, Invalid("To change a volume's size without providing a new disk offering, its current disk offering must be customizable or it must be a root volume (if providing a disk offering, make sure it is different from the current disk offering).")
		}
		size = c.Int64("size", 0) * gib
	}
	vm, attached := c.VMs.Get(v.VMID)
	switch {
	case size <= 0 || size > maxVolumeGB*gib:
		return nil, Invalid("Requested size out of range")
	case size < v.Size && !c.Bool("shrinkok", false):
		return nil, Fail(432, csServer, "Going from existing size of %d to size of %d would shrink the volume.Need to sign off by supplying the shrinkok parameter with value of true.", v.Size, size)
	case attached && v.Type == volumeRoot && vm.State != VMStopped && vm.State != VMRunning:
		return nil, Invalid("Cannot resize ROOT volume [%s] when VM is not on Stopped State. VM %s is in state %s", v.Name, vm.Name, vm.State)
	case attached && c.hasVMSnapshot(vm.ID):
		return nil, Invalid("A volume that is attached to a VM with VM snapshots cannot be resized")
	}
	v.Size = size
	c.Volumes.Put(v)
	return c.volumeResult(v.ID), nil
}

func deleteVolume(c *Call) (any, error) {
	v, ok := c.Volumes.Get(c.Str("id"))
	if !ok {
		return nil, errNoEntity(c.Label(), "id", c.Str("id"))
	}
	if err := c.Own(v.Owner); err != nil {
		return nil, err
	}
	if v.VMID != "" {
		return nil, Invalid("Please specify a volume that is not attached to any VM.")
	}
	if v.DeleteProtection {
		return nil, errProtected(v)
	}
	c.Made(v.ID)
	c.dropVolume(v)
	return Success(), nil
}

// dropVolume removes a volume and, after the commit, its disk.
func (c *Call) dropVolume(v Volume) {
	for p := range c.SnapshotPolicies.All() {
		if p.VolumeID == v.ID {
			c.SnapshotPolicies.Delete(p.ID)
		}
	}
	c.ForgetTags(v.ID)
	c.Volumes.Delete(v.ID)
	c.dropDisk(v.DiskPath)
}

// dropDisk removes a disk once the transaction is durable.
func (c *Call) dropDisk(path string) {
	if farm := c.Cloud.guests; farm != nil && path != "" {
		c.AfterCommit(func() { farm.remove(path) })
	}
}

// snapshotName is the name the server gives: of machine, volume and moment.
func (c *Call) snapshotName(v Volume) string {
	vm, ok := c.VMs.Get(v.VMID)
	host := "detached"
	if ok {
		host = vm.Name
	}
	return host + "_" + v.Name + "_" + c.Now().Format("20060102150405")
}

// copyable tells whether a volume has content to copy.
func copyable(v Volume) bool { return v.State == volumeReady }

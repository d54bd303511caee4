package cloudsim

import (
	"context"
	"slices"
	"strings"
)

// volumeMoveCommands move volumes between pools, offerings, owners and the world outside.
var volumeMoveCommands = map[string]command{
	"migrateVolume":              {start: startVolumeParam, job: migrateVolumeJob, kinds: map[string]kind{"newdiskofferingid": kindDiskOffering}, event: "VOLUME.MIGRATE"},
	"changeOfferingForVolume":    {start: startVolume, job: changeVolumeOfferingJob, id: kindVolume, event: "VOLUME.CHANGE.DISK.OFFERING"},
	"extractVolume":              {start: startVolume, job: extractVolumeJob, id: kindVolume, event: "VOLUME.EXTRACT"},
	"uploadVolume":               {start: startUploadVolume, job: createVolumeJob, event: "VOLUME.UPLOAD"},
	"assignVolume":               {run: assignVolume, event: "VOLUME.UPDATE"},
	"checkVolume":                {start: startVolume, job: checkVolumeJob, id: kindVolume, envelope: "checkandrepairvolumeresponse", event: "VOLUME.CHECK"},
	"getUploadParamsForVolume":   {run: refuseUpload, envelope: "postuploadvolumeresponse"},
	"getUploadParamsForTemplate": {run: refuseUpload, envelope: "postuploadtemplateresponse"},
	"getUploadParamsForIso":      {run: refuseUpload, envelope: "postuploadisoresponse"},
}

// volumeUploaded is the state of a volume that came from a URL and has not been attached yet.
const volumeUploaded = "Uploaded"

// startVolumeParam is the first half of commands on the volume that volumeid names.
func startVolumeParam(c *Call) (string, error) {
	v, ok := c.Volumes.Get(c.Str("volumeid"))
	if !ok {
		return "", Invalid("Failed to find the volume id: %s", c.Str("volumeid"))
	}
	return v.ID, c.Own(v.Owner)
}

// volumeMoved is the answer of commands that move a volume: not marked as a job's, unlike those of the others.
func (c *Call) volumeMoved(id string) Obj {
	v, _ := c.Volumes.Any(id)
	return Obj{"volume": c.volumeResponse(v)}
}

func migrateVolumeJob(c *Call) (Obj, error) {
	v, ok := c.Volumes.Get(c.EntityID)
	pool, _ := c.StoragePools.Get(c.Str("storageid"))
	vm, attached := c.VMs.Get(v.VMID)
	switch {
	case !ok:
		return nil, Invalid("Failed to find the volume id: %s", c.EntityID)
	case v.State != volumeReady:
		return nil, Invalid("Volume must be in ready state")
	case v.PoolID == pool.ID:
		return nil, Invalid("Volume %s is already on the destination storage pool", volumeText(v, vm.N))
	case attached && c.hasVMSnapshot(vm.ID):
		return nil, Invalid("Volume cannot be migrated, please remove all VM snapshots for VM to which this volume is attached")
	case attached && vm.State == VMRunning && !c.Bool("livemigrate", false):
		return nil, Invalid("The volume %sis attached to a vm and for migrating it the parameter livemigrate should be specified", volumeText(v, vm.N))
	case attached && vm.State == VMRunning:
		return nil, Invalid("KVM does not support volume live migration due to the limited possibility to refresh VM XML domain. Therefore, to live migrate a volume between storage pools, one must migrate the VM to a different host as well to force the VM XML domain update. Use 'migrateVirtualMachineWithVolumes' instead.")
	}
	if o, ok := c.DiskOfferings.Get(c.Str("newdiskofferingid")); ok {
		v.DiskOfferingID = o.ID
	}
	if err := c.poolFits(pool, v); err != nil {
		return nil, err
	}
	v.PoolID = pool.ID
	c.Volumes.Put(v)
	return c.volumeMoved(v.ID), nil
}

func changeVolumeOfferingJob(c *Call) (Obj, error) {
	v, ok := c.Volumes.Get(c.EntityID)
	o, _ := c.DiskOfferings.Get(c.Str("diskofferingid"))
	old, _ := c.DiskOfferings.Any(v.DiskOfferingID)
	vm, attached := c.VMs.Get(v.VMID)
	size := c.Int64("size", 0)
	switch {
	case !ok:
		return nil, Invalid("No such volume")
	case v.State != volumeReady && v.State != volumeAllocated:
		return nil, Invalid("Volume should be in ready or allocated state before attempting a resize. Volume %s is in state %s.", v.ID, v.State)
	case o.State == "Inactive":
		return nil, Invalid("Requested disk offering has been removed.")
	case o.Customized && size == 0:
		return nil, Invalid("The new disk offering requires that a size be specified.")
	case !o.Customized && size != 0:
		return nil, Invalid("You cannot pass in a custom disk size to a non-custom disk offering.")
	case o.ID == old.ID && !o.Customized:
		return nil, Invalid("Volume %s is already having disk offering %s", volumeText(v, vm.N), o.ID)
	case old.Strict != o.Strict:
		return nil, Invalid("Disk offering size strictness does not match with new disk offering.")
	case v.Type == volumeRoot && attached && vm.State != VMStopped:
		return nil, Invalid("VM current state is : PowerOn. But VM should be in PowerOff state.")
	}
	size *= gib
	if !o.Customized {
		size = o.Size * gib
	}
	if size < v.Size && !c.Bool("shrinkok", false) {
		return nil, Invalid("Going from existing size of %d to size of %d would shrink the volume.Need to sign off by supplying the shrinkok parameter with value of true.", v.Size, size)
	}
	if err := c.followTags(&v, o, vm); err != nil {
		return nil, err
	}
	v.DiskOfferingID, v.Size = o.ID, size
	c.Volumes.Put(v)
	return c.volumeMoved(v.ID), nil
}

// followTags moves a volume to a pool that its new offering's tags ask for.
func (c *Call) followTags(v *Volume, o DiskOffering, vm VM) error {
	pool, ok := c.StoragePools.Get(v.PoolID)
	if !ok || hasTags(pool.Tags, o.Tags) {
		return nil
	}
	if !c.Bool("automigrate", true) {
		return Invalid("Failed to change offering for volume %s since automigrate is set to false but volume needs to migrated", v.ID)
	}
	h, _ := c.Hosts.Any(valueOr(vm.HostID, vm.LastHostID))
	to, found := c.poolFor(v.ZoneID, h.ClusterID, o.Tags)
	if !found {
		return Internal("Volume change offering operation failed for volume: %s as no suitable pool(s) found for migrating to support new disk offering", volumeText(*v, vm.N))
	}
	v.PoolID = to.ID
	return nil
}

// extractVolumeJob refuses in the end, as extractImageJob does.
func extractVolumeJob(c *Call) (Obj, error) {
	v, ok := c.Volumes.Get(c.EntityID)
	vm, attached := c.VMs.Get(v.VMID)
	switch err := c.checkExtractMode(); {
	case !ok:
		return nil, Invalid("Unable to find volume with specified volumeId")
	case v.PoolID == "":
		return nil, Invalid("The volume doesn't belong to a storage pool so can't extract it")
	case attached && vm.State != VMStopped:
		return nil, Internal("Invalid state of the volume with specified ID. It should be either detached or the VM should be in stopped state.")
	case err != nil:
		return nil, err
	}
	return nil, Fail(530, csServer, "Failed to extract volume")
}

// refuseUpload answers as a cloud whose secondary storage machine, which would take the upload, is down.
func refuseUpload(c *Call) (any, error) {
	if f := strings.ToUpper(c.Str("format")); !slices.Contains(imageFormats, f) {
		return nil, BadParam("Image format: %s is incorrect. Supported formats are [%s, ]", c.Str("format"), strings.Join(imageFormats, ", "))
	}
	if _, err := c.NewOwner(); err != nil {
		return nil, err
	}
	return nil, Internal("There is no secondary storage VM for downloading template to image store")
}

// startUploadVolume takes a volume from a URL. Nothing is downloaded: it is empty.
func startUploadVolume(c *Call) (string, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return "", err
	}
	format := strings.ToLower(c.Str("format"))
	if !slices.Contains(imageFormats, strings.ToUpper(format)) {
		return "", Invalid("Please provide a format")
	}
	if err := imageURL(c.Str("url"), format); err != nil {
		return "", err
	}
	o, named := c.DiskOfferings.Get(c.Str("diskofferingid"))
	zone, _ := c.Zones.Get(c.Str("zoneid"))
	switch {
	case zone.AllocationState == hostDisabled && !c.Caller.Root():
		return "", Denied("Cannot perform this operation, Zone is currently disabled: %d", zone.N)
	case named && !o.Customized:
		return "", Invalid("Please specify a custom sized disk offering.")
	}
	if !named {
		o, _ = c.DiskOfferings.Find(func(d DiskOffering) bool { return d.Customized })
	}
	if err := c.CheckLimit(owner, limitVolume, 1); err != nil {
		return "", err
	}
	v := Volume{Base: c.Volumes.NewBase(), Owner: owner, Name: c.Str("name"), Type: volumeData, State: volumeUploaded, Size: gib, ZoneID: zone.ID, DiskOfferingID: o.ID}
	c.Volumes.Put(v)
	return v.ID, nil
}

// assignVolume gives a detached volume to another account or a project.
func assignVolume(c *Call) (any, error) {
	v, ok := c.Volumes.Get(c.Str("volumeid"))
	fail := func(format string, args ...any) (any, error) { return nil, Fail(530, csServer, format, args...) }
	if !ok {
		return nil, Invalid("No volume was found with UUID [%s].", c.Str("volumeid"))
	}
	if err := c.Own(v.Owner); err != nil {
		return nil, err
	}
	owner := Owner{}
	switch account, project := c.Str("accountid"), c.Str("projectid"); {
	case account != "" && project != "":
		return fail("Both 'accountid' and 'projectid' were informed. You must inform only one of them.")
	case project != "":
		o, err := c.projectOwner(project)
		if err != nil {
			return nil, err
		}
		owner = o
	default:
		a, ok := c.Accounts.Get(account)
		if !ok {
			return fail("UUID of the destination account is invalid. No account was found with UUID [%s].", account)
		}
		if a.State != "enabled" {
			return fail("Unable to assign volume to destination account [%s], as it is in [%s] state.", accountText(a), a.State)
		}
		owner = Owner{AccountID: a.ID, DomainID: a.DomainID}
	}
	old, _ := c.Accounts.Any(v.AccountID)
	_, snapped := c.Snapshots.Find(func(s Snapshot) bool { return s.VolumeID == v.ID })
	switch {
	case owner.AccountID == v.AccountID:
		return fail("The new account and the old account are the same [%s].", accountText(old))
	case v.VMID != "":
		return fail("Unable to assign volume [%s] as it is attached to a VM. Detach it first", v.ID)
	case snapped:
		return fail("Volume [%s] has snapshots. Remove the volume's snapshots before assigning it to another account.", volumeText(v, 0))
	}
	if err := c.CheckLimit(owner, limitVolume, 1); err != nil {
		return nil, err
	}
	v.Owner = owner
	c.Volumes.Put(v)
	c.Made(v.ID)
	return c.volumeMoved(v.ID), nil
}

// checkVolumeJob looks for leaks and corruptions in a volume; these have none.
func checkVolumeJob(c *Call) (Obj, error) {
	v, _ := c.Volumes.Get(c.EntityID)
	vm, attached := c.VMs.Get(v.VMID)
	switch {
	case v.State != volumeReady:
		return nil, Invalid("Volume: %s is not in Ready state", v.ID)
	case attached && vm.State != VMStopped:
		return nil, Internal("VM: %s to which the volume is attached should be in stopped state", vm.ID)
	}
	o := c.volumeMoved(v.ID)
	o["volume"].(Obj)["volumecheckresult"] = Obj{"image-end-offset": itoa(v.Size), "check-errors": "0", "format": "qcow2", "filename": v.Path}
	return o, nil
}

// snapshotMoveCommands bring snapshots back, elsewhere or out.
var snapshotMoveCommands = map[string]command{
	"revertSnapshot":               {start: startDeleteSnapshot, job: revertSnapshotJob, id: kindSnapshot, event: "SNAPSHOT.REVERT"},
	"archiveSnapshot":              {start: startDeleteSnapshot, job: archiveSnapshotJob, id: kindSnapshot, envelope: "createsnapshotresponse"},
	"extractSnapshot":              {start: startDeleteSnapshot, job: extractSnapshotJob, id: kindSnapshot, event: "SNAPSHOT.EXTRACT"},
	"copySnapshot":                 {start: startDeleteSnapshot, job: copySnapshotJob, id: kindSnapshot, event: "SNAPSHOT.COPY"},
	"createSnapshotFromVMSnapshot": {start: startSnapshotOfVMSnapshot, job: snapshotOfVMSnapshotJob, creates: true, event: "SNAPSHOT.CREATE"},
}

// revertSnapshotJob gives a volume the content of a snapshot back.
func revertSnapshotJob(c *Call) (Obj, error) {
	s, ok := c.Snapshots.Get(c.EntityID)
	v, found := c.Volumes.Get(s.VolumeID)
	vm, attached := c.VMs.Get(v.VMID)
	switch {
	case !ok:
		return nil, Invalid("No such snapshot")
	case !found || v.State != volumeReady:
		return nil, Invalid("The volume is not in Ready state.")
	case attached && vm.State != VMStopped:
		return nil, Invalid("The VM the specified disk is attached to is not in the shutdown state.")
	case attached && c.hasVMSnapshot(vm.ID):
		return nil, Invalid("Unable to revert snapshot for VM, please remove VM snapshots before reverting VM from snapshot")
	}
	if farm := c.Cloud.guests; farm != nil && s.DiskPath != "" && v.DiskPath != "" {
		if err := c.Unlocked(func(context.Context) error { return farm.clone(s.DiskPath, v.DiskPath, "") }); err != nil {
			return nil, Internal("Failed to revert snapshot: %v", err)
		}
	}
	v, _ = c.Volumes.Get(v.ID)
	v.Size = s.Size
	c.Volumes.Put(v)
	return Obj{"snapshot": c.snapshotResponse(s)}, nil
}

// archiveSnapshotJob refuses: every snapshot here is on secondary storage already.
func archiveSnapshotJob(c *Call) (Obj, error) {
	s, _ := c.Snapshots.Get(c.EntityID)
	return nil, Internal("Can only archive snapshots present on primary storage. Cannot find snapshot %d on primary storage", s.N)
}

func extractSnapshotJob(*Call) (Obj, error) {
	return nil, Internal("Extraction could not be completed")
}

func copySnapshotJob(c *Call) (Obj, error) {
	s, ok := c.Snapshots.Get(c.EntityID)
	targets := append(c.List("destzoneids"), c.List("destzoneid")...)
	from := c.Or("sourcezoneid", s.ZoneID)
	switch {
	case !ok:
		return nil, Invalid("Unable to find snapshot with id")
	case s.State != snapshotBackedUp:
		return nil, Invalid("Snapshot is not backed up")
	case len(targets) == 0:
		return nil, Invalid("Please specify valid destination zone(s).")
	case slices.Contains(targets, from):
		return nil, Invalid("Please specify different source and destination zones.")
	case from != s.ZoneID && !slices.Contains(s.OtherZoneIDs, from):
		return nil, Invalid("There is no snapshot ID: %s ready on image store", s.ID)
	}
	for _, id := range targets {
		if id != s.ZoneID && !slices.Contains(s.OtherZoneIDs, id) {
			s.OtherZoneIDs = append(slices.Clone(s.OtherZoneIDs), id)
		}
	}
	c.Snapshots.Put(s)
	s.ZoneID = targets[0]
	return Obj{"snapshot": c.snapshotResponse(s)}, nil
}

// snapshotRows are snapshots as lists show them, once for each zone they are in.
func (c *Call) snapshotRows(rows []Snapshot) []Snapshot {
	var shown []Snapshot
	for _, s := range rows {
		for _, id := range append([]string{s.ZoneID}, s.OtherZoneIDs...) {
			row := s
			row.ZoneID = id
			if c.is("zoneid", id) {
				shown = append(shown, row)
			}
		}
	}
	return shown
}

func startSnapshotOfVMSnapshot(c *Call) (string, error) {
	v, okV := c.Volumes.Get(c.Str("volumeid"))
	from, okS := c.VMSnapshots.Get(c.Str("vmsnapshotid"))
	vm, okM := c.VMs.Get(from.VMID)
	switch {
	case !okS || !okM:
		return "", Invalid("Creating snapshot failed due to vm:%s doesn't exist", from.VMID)
	case !okV:
		return "", Invalid("Creating snapshot failed due to volume:%s doesn't exist", c.Str("volumeid"))
	case v.VMID != vm.ID:
		return "", Invalid("Creating snapshot failed due to volume:%s doesn't attach to vm :%s", v.Name, c.vmText(vm))
	case v.State != volumeReady:
		return "", Invalid("Volume: %s is not in Ready state but %s. Cannot take snapshot.", v.Name, v.State)
	}
	if err := c.Own(v.Owner); err != nil {
		return "", err
	}
	if err := c.CheckLimit(v.Owner, limitSnapshot, 1); err != nil {
		return "", err
	}
	s := Snapshot{Base: c.Snapshots.NewBase(), Owner: v.Owner, Name: c.Or("name", c.snapshotName(v)), VolumeID: v.ID, VolumeName: v.Name, VolumeType: v.Type,
		ZoneID: v.ZoneID, State: "Creating", Size: v.Size, Interval: "MANUAL", Type: "MANUAL", OSTypeID: vm.OSTypeID, TemplateID: v.TemplateID}
	c.Snapshots.Put(s)
	return s.ID, nil
}

func snapshotOfVMSnapshotJob(c *Call) (Obj, error) {
	s, ok := c.Snapshots.Get(c.EntityID)
	from, found := c.VMSnapshots.Get(c.Str("vmsnapshotid"))
	if !ok || !found {
		return nil, Invalid("Creating snapshot failed due to vmSnapshot:%s doesn't exist", c.Str("vmsnapshotid"))
	}
	if farm := c.Cloud.guests; farm != nil && from.DiskPath != "" && s.VolumeType == volumeRoot {
		s.DiskPath = "s-" + s.ID
		if err := c.Unlocked(func(context.Context) error { return farm.clone(from.DiskPath, s.DiskPath, "") }); err != nil {
			return nil, Internal("Failed to backup snapshot from vm snapshot")
		}
	}
	s.State = snapshotBackedUp
	c.Snapshots.Put(s)
	return Obj{"snapshot": c.snapshotResponse(s)}, nil
}

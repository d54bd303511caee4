package cloudsim

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

const snapshotBackedUp = "BackedUp"

func startCreateSnapshot(c *Call) (string, error) {
	v, ok := c.Volumes.Get(c.Str("volumeid"))
	if !ok {
		return "", errNoEntity(c.Label(), "volumeid", c.Str("volumeid"))
	}
	if err := c.Own(v.Owner); err != nil {
		return "", err
	}
	if !copyable(v) {
		return "", Invalid("Volume: %s is not in Ready state but %s. Cannot take snapshot.", v.Name, v.State)
	}
	if err := c.CheckLimit(v.Owner, limitSnapshot, 1); err != nil {
		return "", err
	}
	t, _ := c.Templates.Any(v.TemplateID)
	vm, _ := c.VMs.Get(v.VMID)
	s := Snapshot{Base: c.Snapshots.NewBase(), Owner: v.Owner, Name: c.Or("name", c.snapshotName(v)), VolumeID: v.ID, VolumeName: v.Name, VolumeType: v.Type,
		ZoneID: v.ZoneID, State: "Creating", Size: v.Size, Interval: "MANUAL", Type: "MANUAL", OSTypeID: valueOr(vm.OSTypeID, t.OSTypeID), TemplateID: v.TemplateID}
	c.Snapshots.Put(s)
	for _, tag := range c.Maps("tags") {
		c.Tags.Put(Tag{Base: c.Tags.NewBase(), Owner: v.Owner, Key: tag["key"], Value: tag["value"], ResourceType: "Snapshot", ResourceID: s.ID})
	}
	return s.ID, nil
}

func createSnapshotJob(c *Call) (Obj, error) {
	s, ok := c.Snapshots.Get(c.EntityID)
	if !ok {
		return nil, Internal("unable to find a snapshot with id %s", c.EntityID)
	}
	v, _ := c.Volumes.Get(s.VolumeID)
	if farm := c.Cloud.guests; farm != nil && v.DiskPath != "" {
		s.DiskPath = "s-" + s.ID
		err := c.Unlocked(func(context.Context) error { return farm.clone(v.DiskPath, s.DiskPath, v.VMID) })
		if err != nil {
			if c.Ctx.Err() == nil {
				c.Snapshots.Delete(s.ID)
				if err := c.Commit(); err != nil {
					return nil, err
				}
			}
			return nil, Internal("Failed to create snapshot due to an internal error creating snapshot for volume %s", v.ID)
		}
	}
	s.State = snapshotBackedUp
	c.Snapshots.Put(s)
	o := c.snapshotResponse(s)
	os, _ := c.OSTypes.Any(s.OSTypeID)
	o["snapshottype"] = "MANUAL"
	tags := []Obj{} // the list shows more of them
	for _, tag := range c.tagsOf("Snapshot", s.ID) {
		tags = append(tags, Obj{"key": tag["key"], "value": tag["value"]})
	}
	o["tags"] = tags
	o.Opt("osdisplayname", os.Name)
	return Obj{"snapshot": o}, nil
}

func (c *Call) snapshotResponse(s Snapshot) Obj {
	zone, _ := c.Zones.Any(s.ZoneID)
	o := Obj{"id": s.ID, "volumename": s.VolumeName, "volumetype": s.VolumeType, "created": timeText(s.Created), "name": s.Name, "intervaltype": s.Interval,
		"state": s.State, "physicalsize": 0, "zoneid": zone.ID, "zonename": zone.Name, "revertable": false, "virtualsize": s.Size,
		"tags": c.tagsOf("Snapshot", s.ID), "hasannotations": false}
	c.putOwner(o, s.Owner)
	if v, ok := c.Volumes.Get(s.VolumeID); ok {
		o["volumeid"], o["volumestate"] = v.ID, v.State
	}
	return o.Opt("ostypeid", s.OSTypeID)
}

func listSnapshots(c *Call) (any, error) {
	rows, err := Visible(c, c.Snapshots.Where(func(s Snapshot) bool {
		return c.named(s.ID, s.Name) && c.is("volumeid", s.VolumeID) && c.is("snapshottype", s.Type) && c.matchTags("Snapshot", s.ID)
	}))
	if err != nil {
		return nil, err
	}
	return Listing("snapshot", c.snapshotRows(rows), c.snapshotResponse), nil
}

func startDeleteSnapshot(c *Call) (string, error) {
	s, ok := c.Snapshots.Get(c.Str("id"))
	if !ok {
		return "", Invalid("unable to find a snapshot with id %s", c.Str("id"))
	}
	return s.ID, c.Own(s.Owner)
}

func deleteSnapshotJob(c *Call) (Obj, error) {
	s, ok := c.Snapshots.Get(c.EntityID)
	if !ok {
		return nil, Invalid("unable to find a snapshot with id %s", c.EntityID)
	}
	c.ForgetTags(s.ID)
	c.Snapshots.Delete(s.ID)
	c.dropDisk(s.DiskPath)
	return Success(), nil
}

// maxVMSnapshots is the setting vmsnapshot.max.
const maxVMSnapshots = 10

func startCreateVMSnapshot(c *Call) (string, error) {
	vm, ok := c.VMs.Get(c.Str("virtualmachineid"))
	if !ok {
		return "", Invalid("Creating VM snapshot failed due to VM:%s is a system VM or does not exist", c.Str("virtualmachineid"))
	}
	if err := c.Own(vm.Owner); err != nil {
		return "", err
	}
	if !stoppedOrRunning(vm) {
		return "", Invalid("Creating vm snapshot failed due to VM:%s is not in the running or Stopped state", vm.Name)
	}
	memory := c.Bool("snapshotmemory", false)
	if memory && vm.State != VMRunning {
		return "", Invalid("Can not snapshot memory when VM is not in Running state")
	}
	old := c.VMSnapshots.Where(func(s VMSnapshot) bool { return s.VMID == vm.ID })
	if len(old) >= maxVMSnapshots {
		return "", Internal("Creating vm snapshot failed due to a VM can just have : %d VM snapshots. Please delete old ones", maxVMSnapshots)
	}
	s := VMSnapshot{Base: c.VMSnapshots.NewBase(), Owner: vm.Owner, Name: vm.InstanceName + "_VS_" + c.Now().Format("20060102150405"), Description: c.Str("description"),
		VMID: vm.ID, ZoneID: vm.ZoneID, State: "Allocated", Type: "Disk", Current: true}
	s.DisplayName = c.Or("name", s.Name)
	if memory {
		s.Type = "DiskAndMemory"
	}
	for _, o := range old {
		if o.Current {
			s.ParentID, o.Current = o.ID, false
			c.VMSnapshots.Put(o)
		}
	}
	c.VMSnapshots.Put(s)
	return s.ID, nil
}

func createVMSnapshotJob(c *Call) (Obj, error) {
	s, ok := c.VMSnapshots.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to create vm snapshot due to an internal error creating snapshot for vm %s", c.Str("virtualmachineid"))
	}
	root, _ := c.Volumes.Find(func(v Volume) bool { return v.VMID == s.VMID && v.Type == volumeRoot })
	if farm := c.Cloud.guests; farm != nil && root.DiskPath != "" {
		s.DiskPath = "v-" + s.ID
		if err := c.Unlocked(func(context.Context) error { return farm.clone(root.DiskPath, s.DiskPath, s.VMID) }); err != nil {
			return nil, Internal("Failed to create vm snapshot due to an internal error creating snapshot for vm %s", s.VMID)
		}
	}
	s.State = "Ready"
	c.VMSnapshots.Put(s)
	return Obj{"vmsnapshot": c.vmSnapshotResponse(s)}, nil
}

func (c *Call) vmSnapshotResponse(s VMSnapshot) Obj {
	zone, _ := c.Zones.Any(s.ZoneID)
	vm, _ := c.VMs.Any(s.VMID)
	o := Obj{"id": s.ID, "name": s.Name, "state": s.State, "displayname": s.DisplayName, "zoneid": zone.ID, "zonename": zone.Name, "virtualmachineid": vm.ID,
		"virtualmachinename": vm.DisplayName, "current": s.Current, "type": s.Type, "created": timeText(s.Created), "hypervisor": vm.Hypervisor,
		"tags": c.tagsOf("VMSnapshot", s.ID), "hasannotations": false}
	c.putOwner(o, s.Owner)
	if p, ok := c.VMSnapshots.Get(s.ParentID); ok {
		o["parent"], o["parentName"] = p.ID, p.DisplayName
	}
	return o.Opt("description", s.Description)
}

func listVMSnapshots(c *Call) (any, error) {
	ids := c.List("vmsnapshotids")
	rows, err := Visible(c, c.VMSnapshots.Where(func(s VMSnapshot) bool {
		k := strings.ToLower(c.Str("keyword"))
		return c.is("vmsnapshotid", s.ID) && (len(ids) == 0 || slices.Contains(ids, s.ID)) && c.is("virtualmachineid", s.VMID) && c.is("name", s.DisplayName) &&
			(!c.Has("state") || strings.EqualFold(c.Str("state"), s.State)) && strings.Contains(strings.ToLower(s.DisplayName), k) && c.matchTags("VMSnapshot", s.ID)
	}))
	if err != nil {
		return nil, err
	}
	return Listing("vmSnapshot", rows, c.vmSnapshotResponse), nil
}

func startVMSnapshot(c *Call) (string, error) {
	s, ok := c.VMSnapshots.Get(c.Str("vmsnapshotid"))
	if !ok {
		return "", Invalid("unable to find the vm snapshot with id %s", c.Str("vmsnapshotid"))
	}
	return s.ID, c.Own(s.Owner)
}

func deleteVMSnapshotJob(c *Call) (Obj, error) {
	s, ok := c.VMSnapshots.Get(c.EntityID)
	if !ok {
		return nil, Invalid("unable to find the vm snapshot with id %s", c.EntityID)
	}
	c.dropVMSnapshot(s)
	return Success(), nil
}

// dropVMSnapshot removes a snapshot; those taken after it follow the one before.
func (c *Call) dropVMSnapshot(s VMSnapshot) {
	for o := range c.VMSnapshots.All() {
		if o.ParentID == s.ID {
			o.ParentID = s.ParentID
			c.VMSnapshots.Put(o)
		}
		if s.Current && o.ID == s.ParentID {
			o.Current = true
			c.VMSnapshots.Put(o)
		}
	}
	c.ForgetTags(s.ID)
	c.VMSnapshots.Delete(s.ID)
	c.dropDisk(s.DiskPath)
}

func revertVMSnapshotJob(c *Call) (Obj, error) {
	s, ok := c.VMSnapshots.Get(c.EntityID)
	vm, found := c.VMs.Get(s.VMID)
	switch {
	case !ok || !found:
		return nil, Invalid("Revert vm to snapshot: %s failed due to vm is not found", c.EntityID)
	case s.State != "Ready":
		return nil, Internal("VM Snapshot reverting failed due to vm snapshot is not in the state of Ready.")
	case vm.State == VMRunning && s.Type == "Disk":
		return nil, Invalid("VM Snapshot revert not allowed. This will result in VM state change. You can revert running VM to disk and memory type snapshot and stopped VM to disk type snapshot")
	case vm.State == VMStopped && s.Type == "DiskAndMemory":
		return nil, Invalid("VM Snapshot revert not allowed. This will result in VM state change. You can revert running VM to disk and memory type snapshot and stopped VM to disk type snapshot")
	case !stoppedOrRunning(vm):
		return nil, Internal("VM Snapshot reverting failed due to vm is not in the state of Running or Stopped.")
	}
	root, _ := c.Volumes.Find(func(v Volume) bool { return v.VMID == vm.ID && v.Type == volumeRoot })
	if farm := c.Cloud.guests; farm != nil && s.DiskPath != "" {
		err := c.Unlocked(func(ctx context.Context) error {
			if err := farm.stop(vm.ID, true); err != nil {
				return err
			}
			if err := farm.clone(s.DiskPath, root.DiskPath, ""); err != nil {
				return err
			}
			if vm.State != VMRunning {
				return nil
			}
			return farm.boot(ctx, vm.ID)
		})
		if err != nil {
			return nil, Internal("Failed to revert VM snapshot: %v", err)
		}
	}
	for o := range c.VMSnapshots.All() {
		if o.VMID == vm.ID && o.Current != (o.ID == s.ID) {
			o.Current = o.ID == s.ID
			c.VMSnapshots.Put(o)
		}
	}
	for _, nic := range vm.NICs {
		c.NetworkChanged(nic.NetworkID)
	}
	return c.vmResult(vm.ID), nil
}

// volumeText is how a volume shows in the server's texts.
func volumeText(v Volume, instance int64) string {
	return fmt.Sprintf(`Volume {"id":%d,"instanceId":%d,"name":"%s","uuid":"%s","volumeType":"%s"}`, v.N, instance, v.Name, v.ID, v.Type)
}

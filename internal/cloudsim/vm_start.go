package cloudsim

import (
	"context"
	"maps"
	"slices"
)

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
	if now.FirstUp.IsZero() {
		now.FirstUp = c.Now()
	}
	c.plug(&now, true)
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
	if farm != nil && !farm.isUp(vm.ID) { // its user data turned it off meanwhile, when that could not be noted yet
		c.halted(now)
	}
	return nil
}

// plug notes that a machine's cards are on their networks' VLANs, or no longer. Only those of isolated networks leave.
func (c *Call) plug(vm *VM, in bool) {
	vm.NICs = slices.Clone(vm.NICs)
	for i := range vm.NICs {
		n, _ := c.Networks.Get(vm.NICs[i].NetworkID)
		switch {
		case in:
			vm.NICs[i].VLAN = n.VLAN
		case n.Type == "Isolated":
			vm.NICs[i].VLAN = 0
		}
	}
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
	offering, _ := c.ServiceOfferings.Any(vm.OfferingID)
	var best Host
	for h := range c.Hosts.All() {
		need := int64(vm.Memory) << 20
		if h.ZoneID != vm.ZoneID || !c.usable(h) || !c.mayPlace(h, vm) || !hasTags(h.Tags, offering.HostTags) || !c.hasPools(vm, h) {
			continue
		}
		if apart[h.ID] || vm.CPUNumber > h.Cores || vm.CPUSpeed > h.CPUSpeed || used[h.ID]+need > h.Memory {
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

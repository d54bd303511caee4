package cloudsim

import (
	"slices"
	"strings"
)

// migrationCommands move machines between hosts and owners.
var migrationCommands = map[string]command{
	"migrateVirtualMachine":           {start: startMigrate, job: migrateVMJob, queue: queueVM("virtualmachineid"), adminOnly: true, kinds: map[string]kind{"storageid": kindStoragePool}, event: "VM.MIGRATE"},
	"migrateVirtualMachineWithVolume": {start: startMigrate, job: migrateVMWithVolumeJob, queue: queueVM("virtualmachineid"), adminOnly: true, event: "VM.MIGRATE"},
	"findHostsForMigration":           {run: findHosts, rootOnly: true},
	"assignVirtualMachine":            {run: assignVM, event: "VM.MOVE"},
}

func startMigrate(c *Call) (string, error) {
	vm, ok := c.VMs.Get(c.Str("virtualmachineid"))
	if !ok {
		return "", Invalid("Unable to find the VM by id=%s", c.Str("virtualmachineid"))
	}
	if c.Has("hostid") && c.Has("storageid") {
		return "", Invalid("Only one of hostId and storageId can be specified")
	}
	return vm.ID, c.Own(vm.Owner)
}

// move has a machine run on another host from now on. The guest keeps running: it never ran on a host.
func (c *Call) move(vm VM, to Host) {
	vm.LastHostID, vm.HostID, vm.LastUpdated = vm.HostID, to.ID, c.Now()
	c.VMs.Put(vm)
}

func migrateVMJob(c *Call) (Obj, error) {
	vm, err := c.vmNow()
	if err != nil {
		return nil, Invalid("Unable to find the VM by id=%s", c.EntityID)
	}
	if pool, ok := c.StoragePools.Get(c.Str("storageid")); ok {
		return c.migrateDisks(vm, pool)
	}
	switch {
	case !c.Caller.Root():
		return nil, Fail(530, csPermission, "No permission to migrate VM, Only Root Admin can migrate a VM!")
	case vm.State != VMRunning:
		return nil, Invalid("VM is not Running, unable to migrate the vm with specified id")
	}
	to, err := c.migrationTarget(vm)
	if err != nil {
		return nil, err
	}
	c.move(vm, to)
	return c.vmResult(vm.ID), nil
}

// migrationTarget is the host a machine is to go to: the one that is named, or the best.
func (c *Call) migrationTarget(vm VM) (Host, error) {
	to, named := c.Hosts.Get(c.Str("hostid"))
	if !named {
		if !c.Bool("autoselect", true) {
			return to, Invalid("Either hostId or storageId must be specified")
		}
		for _, h := range c.hostsFor(vm) {
			if c.fits(h, vm) {
				return h, nil
			}
		}
		return to, Internal("Unable to find suitable destination to migrate VM %s", vm.InstanceName)
	}
	switch {
	case to.ID == vm.HostID:
		return to, Invalid("Cannot migrate VM, VM is already present on this host, please specify valid destination host to migrate the VM")
	case to.ZoneID != vm.ZoneID:
		return to, Invalid("Cannot migrate VM, destination host %s is in another zone", to.Name)
	case to.resourceState() != hostEnabled:
		return to, Invalid("Cannot migrate VM, destination host is not in correct state, has status: Up, state: %s", to.resourceState())
	case !c.fits(to, vm):
		return to, Fail(533, csServer, "Destination host %s does not have enough capacity for VM %s", to.Name, vm.InstanceName)
	}
	return to, nil
}

// fits reports whether a host has room for a machine.
func (c *Call) fits(h Host, vm VM) bool {
	_, memory := c.hostLoad(h.ID)
	return vm.CPUNumber <= h.Cores && vm.CPUSpeed <= h.CPUSpeed && memory+int64(vm.Memory)<<20 <= h.Memory
}

// hostsFor are the other hosts a machine could run on.
func (c *Call) hostsFor(vm VM) []Host {
	return c.Hosts.Where(func(h Host) bool {
		return h.ZoneID == vm.ZoneID && h.ID != vm.HostID && h.Hypervisor == vm.Hypervisor && c.usable(h) && c.namedHost(h)
	})
}

func (c *Call) namedHost(h Host) bool {
	return strings.Contains(strings.ToLower(h.Name), strings.ToLower(c.Str("keyword")))
}

func (c *Call) hostForMigration(h Host, vm VM) Obj {
	o := c.hostResponse(h)
	o["suitableformigration"], o["requiresStorageMotion"] = c.fits(h, vm), false
	return o
}

func findHosts(c *Call) (any, error) {
	vm, ok := c.VMs.Get(c.Str("virtualmachineid"))
	switch {
	case !ok:
		return nil, Invalid("Unable to find the VM with given id")
	case vm.State != VMRunning:
		return nil, Invalid("VM is not running, cannot migrate the vm with specified id")
	}
	return Listing("host", c.hostsFor(vm), func(h Host) Obj { return c.hostForMigration(h, vm) }), nil
}

// migrateDisks moves all disks of a stopped machine to another storage pool.
func (c *Call) migrateDisks(vm VM, pool StoragePool) (Obj, error) {
	switch {
	case vm.State != VMStopped:
		return nil, Invalid("VM is not Stopped, unable to migrate the vm having the specified id")
	case c.hasVMSnapshot(vm.ID):
		return nil, Invalid("VM's disk cannot be migrated, please remove all the VM Snapshots for this VM")
	}
	for v := range c.Volumes.All() {
		if v.VMID != vm.ID {
			continue
		}
		if err := c.poolFits(pool, v); err != nil {
			return nil, err
		}
		v.PoolID = pool.ID
		c.Volumes.Put(v)
	}
	return c.vmResult(vm.ID), nil
}

// migrateVMWithVolumeJob moves a running machine to a host and disks of it to pools.
func migrateVMWithVolumeJob(c *Call) (Obj, error) {
	vm, err := c.vmNow()
	if err != nil {
		return nil, Invalid("Unable to find the VM by ID %s", c.EntityID)
	}
	if vm.State != VMRunning {
		return nil, Invalid("VM is not Running, unable to migrate the vm %s", vm.Name)
	}
	to, err := c.migrationTarget(vm)
	if err != nil {
		return nil, err
	}
	for _, m := range c.Maps("migrateto") {
		v, okV := c.Volumes.Get(m["volume"])
		pool, okP := c.StoragePools.Get(m["pool"])
		if !okV || !okP || v.VMID != vm.ID {
			return nil, Invalid("There is no volume present with the given id %s that is associated with vm %s", m["volume"], vm.Name)
		}
		if err := c.poolFits(pool, v); err != nil {
			return nil, err
		}
		v.PoolID = pool.ID
		c.Volumes.Put(v)
	}
	c.move(vm, to)
	return c.vmResult(vm.ID), nil
}

// assignVM gives a stopped machine to another account, with its disks.
func assignVM(c *Call) (any, error) {
	vm, ok := c.VMs.Get(c.Str("virtualmachineid"))
	if !ok {
		return nil, Invalid("There is no VM by ID [%s].", c.Str("virtualmachineid"))
	}
	c.Made(vm.ID)
	if err := c.giveAway(vm); err != nil {
		c.Cloud.opts.Log("assign %s: %v", vm.Name, err)
		return nil, BadParam("Failed to move VM [%d].", vm.N) // all that the real one says
	}
	return Obj{"virtualmachine": c.vmResponse(c.now(vm))}, nil
}

func (c *Call) now(vm VM) VM {
	vm, _ = c.VMs.Any(vm.ID)
	return vm
}

func (c *Call) giveAway(vm VM) error {
	if err := c.mayAssign(vm); err != nil {
		return err
	}
	owner, err := c.NewOwner()
	if err != nil {
		return err
	}
	a, _ := c.Accounts.Get(owner.AccountID)
	switch {
	case a.State == "disabled":
		return Invalid("The new account owner [%s] is disabled.", accountText(a))
	case owner.AccountID == vm.AccountID:
		return Invalid("The new account [%s] is the same as the old account.", accountText(a))
	}
	for _, l := range []struct {
		kind   int
		wanted int64
	}{{limitVM, 1}, {limitCPU, int64(vm.CPUNumber)}, {limitMemory, int64(vm.Memory)}, {limitVolume, 1}} {
		if err := c.CheckLimit(owner, l.kind, l.wanted); err != nil {
			return err
		}
	}
	for v := range c.Volumes.All() {
		if v.VMID == vm.ID {
			v.Owner = owner
			c.Volumes.Put(v)
		}
	}
	old := vm.NICs
	vm.Owner, vm.NICs, vm.SSHKeys, vm.PublicKeys, vm.GroupID, vm.AffinityGroupIDs, vm.SecurityGroupIDs = owner, nil, nil, nil, "", nil, nil
	u, _ := c.Users.Find(func(u User) bool { return u.AccountID == owner.AccountID })
	vm.UserID = u.ID
	d := &deployment{vm: vm}
	if err := chooseSecurityGroups(c, d); err != nil {
		return err
	}
	d.vm.UserData, vm.UserData = "", d.vm.UserData // its support was checked when it was given
	if err := chooseNetworks(c, d); err != nil {
		return err
	}
	d.vm.UserData = vm.UserData
	c.VMs.Put(d.vm)
	for _, nic := range slices.Concat(old, d.vm.NICs) {
		c.NetworkChanged(nic.NetworkID)
	}
	return nil
}

// mayAssign refuses a machine that cannot change hands as it is.
func (c *Call) mayAssign(vm VM) error {
	_, forwarded := c.Firewall.Find(func(r FirewallRule) bool { return r.VMID == vm.ID })
	_, balanced := c.LBRules.Find(func(r LBRule) bool { return r.has(vm.ID) })
	_, natted := c.PublicIPs.Find(func(p PublicIP) bool { return p.StaticNAT && p.VMID == vm.ID })
	_, snapped := c.Snapshots.Find(func(s Snapshot) bool { v, ok := c.Volumes.Get(s.VolumeID); return ok && v.VMID == vm.ID })
	switch {
	case c.Caller.Account.Type != AccountAdmin && c.Caller.Account.Type != AccountDomainAdmin:
		return Invalid("Only root or domain admins are allowed to assign VMs. Caller [%s] is of type [%d].", accountText(c.Caller.Account), c.Caller.Account.Type)
	case c.Own(vm.Owner) != nil:
		return errNoPermission()
	case c.Has("projectid") && !c.Has("domainid"):
		return Invalid("Please provide a valid domain ID; cannot assign VM to a project if domain ID is NULL.")
	case vm.State == VMRunning:
		return Invalid("Unable to move VM [%s] in [%s] state.", c.vmText(vm), vm.State)
	case forwarded:
		return Invalid("Remove any Port Forwarding rules for VM [%s] before assigning it to another user.", c.vmText(vm))
	case balanced:
		return Invalid("Remove the Load Balancing rules for VM [%s] before assigning it to another user.", c.vmText(vm))
	case natted:
		return Invalid("Remove the StaticNat rules for VM [%s] before assigning it to another user.", c.vmText(vm))
	case snapped:
		return Invalid("Snapshots exist for volume. Detach volume or remove snapshots for the volume before assigning VM to another user.")
	}
	return nil
}

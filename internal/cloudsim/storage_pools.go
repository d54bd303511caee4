package cloudsim

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
)

// poolCommands are primary storage.
var poolCommands = map[string]command{
	"listStoragePools":             {run: listPools, id: kindStoragePool, rootOnly: true},
	"createStoragePool":            {run: createPool, rootOnly: true, event: "PRIMARY.STORAGE.CREATE"},
	"updateStoragePool":            {run: updatePool, id: kindStoragePool, rootOnly: true, event: "UPDATE.PS"},
	"deleteStoragePool":            {run: deletePool, id: kindStoragePool, rootOnly: true, event: "PRIMARY.STORAGE.DELETE"},
	"enableStorageMaintenance":     {start: startGiven, job: maintainPoolJob, id: kindStoragePool, rootOnly: true, envelope: "prepareprimarystorageformaintenanceresponse", event: "MAINT.PREPARE.PS"},
	"cancelStorageMaintenance":     {start: startGiven, job: cancelPoolJob, id: kindStoragePool, rootOnly: true, envelope: "cancelprimarystoragemaintenanceresponse", event: "MAINT.CANCEL.PS"},
	"syncStoragePool":              {start: startGiven, job: syncPoolJob, id: kindStoragePool, rootOnly: true, event: "SYNC.STORAGE.POOL"},
	"listStorageTags":              {run: listStorageTags, rootOnly: true},
	"listStorageProviders":         {run: listStorageProviders, rootOnly: true},
	"findStoragePoolsForMigration": {run: findPools, id: kindVolume, rootOnly: true},
}

// States of a storage pool.
const (
	poolUp          = "Up"
	poolDisabled    = "Disabled"
	poolMaintenance = "Maintenance"
)

func (p StoragePool) state() string { return valueOr(p.State, poolUp) }

// allocated is what the volumes of a pool take.
func (t *Tables) allocated(poolID string) int64 {
	var n int64
	for v := range t.Volumes.All() {
		if v.PoolID == poolID {
			n += v.Size
		}
	}
	return n
}

// poolFor is the pool for a new disk: the emptiest that is up, reaches the host and has the tags.
func (t *Tables) poolFor(zoneID, clusterID, tags string) (StoragePool, bool) {
	used := map[string]int64{}
	for v := range t.Volumes.All() {
		used[v.PoolID] += v.Size
	}
	var best StoragePool
	for p := range t.StoragePools.All() {
		unfit := p.ZoneID != zoneID || p.state() != poolUp || clusterID != "" && p.ClusterID != "" && p.ClusterID != clusterID || !hasTags(p.Tags, tags)
		if !unfit && (best.ID == "" || used[p.ID] < used[best.ID]) {
			best = p
		}
	}
	return best, best.ID != ""
}

// hasTags reports whether a list of tags has all those wanted.
func hasTags(tags, wanted string) bool {
	has := strings.Split(tags, ",")
	for _, w := range strings.Split(wanted, ",") {
		if w != "" && !slices.Contains(has, w) {
			return false
		}
	}
	return true
}

// poolOf is the pool that a volume gets when its machine first starts; "" if none will have it.
func (c *Call) poolOf(v Volume) string {
	vm, _ := c.VMs.Any(v.VMID)
	h, _ := c.Hosts.Any(vm.HostID)
	pool, _ := c.poolFor(v.ZoneID, h.ClusterID, c.storageTags(v))
	return pool.ID
}

// storageTags are the tags that the offering of a volume wants its pool to have.
func (c *Call) storageTags(v Volume) string {
	if o, ok := c.ServiceOfferings.Any(v.OfferingID); ok && o.StorageTags != nil {
		return *o.StorageTags
	}
	o, _ := c.DiskOfferings.Any(v.DiskOfferingID)
	return o.Tags
}

// hasPools reports whether there is a pool for every disk that a machine has not got yet, if it starts on a host.
func (c *Call) hasPools(vm VM, h Host) bool {
	for v := range c.Volumes.All() {
		if v.VMID != vm.ID || v.State != volumeAllocated {
			continue
		}
		if _, ok := c.poolFor(v.ZoneID, h.ClusterID, c.storageTags(v)); !ok {
			return false
		}
	}
	return true
}

func listPools(c *Call) (any, error) {
	rows := c.StoragePools.Where(func(p StoragePool) bool {
		return c.named(p.ID, p.Name) && c.is("zoneid", p.ZoneID) && c.is("podid", p.PodID) && c.is("clusterid", p.ClusterID) && c.is("ipaddress", p.address()) &&
			c.is("path", p.path()) && (!c.Has("scope") || strings.EqualFold(c.Str("scope"), p.scope())) && (!c.Has("status") || strings.EqualFold(c.Str("status"), p.state()))
	})
	return Listing("storagepool", rows, func(p StoragePool) Obj {
		o := c.poolResponse(p)
		o["storagecapabilities"], o["details"] = Obj{"VOLUME_SNAPSHOT_QUIESCEVM": "false"}, detailsObj(p.Details)
		return o
	}), nil
}

// address, path and scope of the installation's pools are not written down anywhere.
func (p StoragePool) address() string { return valueOr(p.Address, "172.16.0.250") }
func (p StoragePool) path() string    { return valueOr(p.Path, "/export/"+p.Name) }
func (p StoragePool) scope() string {
	if p.Scope == "" && p.ClusterID == "" {
		return "ZONE"
	}
	return valueOr(p.Scope, "CLUSTER")
}

// poolResponse is a pool as all commands show it; listStoragePools adds its abilities.
func (c *Call) poolResponse(p StoragePool) Obj {
	o := Obj{"id": p.ID, "name": p.Name, "ipaddress": p.address(), "path": p.path(), "created": timeText(p.Created), "type": valueOr(p.Type, "NetworkFilesystem"),
		"capacitybytes": p.Capacity, "disksizetotal": p.Capacity, "disksizeallocated": c.allocated(p.ID), "disksizeused": 0, "capacityiops": 1000000, "usediops": 0,
		"istagarule": p.TagRule, "state": p.state(), "scope": p.scope(), "overprovisionfactor": "2.0", "hypervisor": valueOr(p.Hypervisor, "KVM"),
		"provider": valueOr(p.Provider, "DefaultPrimary"), "managed": false, "hasannotations": c.annotated("PRIMARY_STORAGE", p.ID)}
	c.putZone(o, p.ZoneID)
	if pod, ok := c.Pods.Any(p.PodID); ok {
		o["podid"], o["podname"] = pod.ID, pod.Name
	}
	if r, ok := c.Clusters.Any(p.ClusterID); ok {
		o["clusterid"], o["clustername"] = r.ID, r.Name
	}
	return o.Opt("tags", p.Tags)
}

// poolTypes are the kinds of storage by the scheme of their URL.
var poolTypes = map[string]string{"nfs": "NetworkFilesystem", "iscsi": "IscsiLUN", "rbd": "RBD", "sharedmountpoint": "SharedMountPoint", "gluster": "Gluster",
	"clvm": "CLVM", "powerflex": "PowerFlex", "file": "Filesystem", "ocfs2": "OCFS2", "presetup": "PreSetup"}

func createPool(c *Call) (any, error) {
	u, err := url.Parse(c.Str("url"))
	if err != nil {
		return nil, Invalid("%s is not a valid uri", c.Str("url"))
	}
	kind, ok := poolTypes[strings.ToLower(u.Scheme)]
	cluster, inCluster := c.Clusters.Get(c.Str("clusterid"))
	scope := strings.ToUpper(c.Or("scope", map[bool]string{true: "CLUSTER", false: "ZONE"}[inCluster]))
	_, taken := c.StoragePools.Find(func(p StoragePool) bool { return p.address() == u.Hostname() && p.path() == u.Path })
	switch {
	case u.Scheme == "":
		return nil, Invalid("scheme is null %s, add nfs:// (or cifs://) as a prefix", c.Str("url"))
	case !ok:
		return nil, Invalid("Unable to figure out the scheme for URI: %s", c.Str("url"))
	case u.Scheme == "nfs" && (u.Hostname() == "" || u.Path == ""):
		return nil, Invalid("host or path is null, should be nfs://hostname/path")
	case scope != "CLUSTER" && scope != "ZONE" && scope != "HOST":
		return nil, Invalid("scope %sis wrong", c.Str("scope")) // sic
	case scope == "CLUSTER" && !inCluster:
		return nil, Invalid("Cluster ID and Pod ID must be specified when scope is cluster")
	case scope == "ZONE" && !c.Has("hypervisor") && !inCluster:
		return nil, Invalid("Missing parameter hypervisor. Hypervisor type is required to create zone wide primary storage.")
	case taken:
		return nil, Internal("Storage pool %s already exists", path.Join(u.Hostname(), u.Path))
	}
	p := StoragePool{Base: c.StoragePools.NewBase(), Name: c.Str("name"), ZoneID: c.Str("zoneid"), Capacity: c.Int64("capacitybytes", 1024*gib), Address: u.Hostname(),
		Path: u.Path, Type: kind, Scope: scope, Tags: strings.Join(c.List("tags"), ","), TagRule: c.Bool("istagarule", false), Hypervisor: c.Str("hypervisor"),
		Provider: c.Or("provider", "DefaultPrimary"), Details: c.Map("details")}
	if scope == "CLUSTER" {
		p.PodID, p.ClusterID, p.Hypervisor = cluster.PodID, cluster.ID, cluster.Hypervisor
	}
	c.StoragePools.Put(p)
	c.Made(p.ID)
	o := c.poolResponse(p)
	if u.Path == "" {
		delete(o, "path")
	}
	return Obj{"storagepool": o}, nil
}

func updatePool(c *Call) (any, error) {
	p, _ := c.StoragePools.Get(c.Str("id"))
	if c.Has("tags") {
		p.Tags, p.TagRule = strings.Join(c.List("tags"), ","), c.Bool("istagarule", false)
	}
	if c.Has("enabled") {
		if p.state() == poolMaintenance {
			return nil, Invalid("To %s the pool %s, it must be in Up or Disabled state, but it is in state %s", map[bool]string{true: "enable", false: "disable"}[c.Bool("enabled", true)], p.Name, p.state())
		}
		p.State = map[bool]string{true: poolUp, false: poolDisabled}[c.Bool("enabled", true)]
	}
	if c.Has("capacitybytes") && c.Int64("capacitybytes", 0) < c.allocated(p.ID) {
		return nil, Invalid("Size of the storage pool %s cannot be made smaller than what is used of it", p.Name)
	}
	p.Name, p.Capacity = c.Or("name", p.Name), c.Int64("capacitybytes", p.Capacity)
	if d := c.Map("details"); len(d) > 0 {
		p.Details = d
	}
	c.StoragePools.Put(p)
	c.Made(p.ID)
	return Obj{"storagepool": c.poolResponse(p)}, nil
}

func deletePool(c *Call) (any, error) {
	p, _ := c.StoragePools.Get(c.Str("id"))
	volumes := c.Volumes.Where(func(v Volume) bool { return v.PoolID == p.ID })
	left := slices.ContainsFunc(volumes, func(v Volume) bool { return v.State != volumeDestroy })
	switch {
	case p.state() != poolMaintenance:
		return nil, Invalid("Unable to delete storage due to it is not in Maintenance state, pool: %s", p.Name)
	case left:
		return nil, Internal("Cannot delete pool %s as there are associated non-destroyed vols for this pool", p.Name)
	case len(volumes) > 0 && !c.Bool("forced", false):
		return nil, Internal("Cannot delete pool %s as there are associated vols for this pool", p.Name)
	}
	for _, v := range volumes {
		c.dropVolume(v)
	}
	c.forgetAnnotations(p.ID)
	c.StoragePools.Delete(p.ID)
	c.Made(p.ID)
	return Success(), nil
}

// maintainPoolJob takes a pool out of use: machines with disks on it are stopped until it is back.
func maintainPoolJob(c *Call) (Obj, error) {
	p, ok := c.StoragePools.Get(c.EntityID)
	if !ok || p.state() != poolUp && p.state() != poolDisabled && c.Noted("begun") == "" {
		return nil, Invalid("Primary storage with id %s is not ready for migration, as the status is:%s", c.EntityID, p.state())
	}
	c.Note("begun", "true")
	for _, v := range c.Volumes.Where(func(v Volume) bool { return v.PoolID == p.ID && v.VMID != "" }) {
		vm, _ := c.VMs.Get(v.VMID)
		if vm.State != VMRunning {
			continue
		}
		p, _ = c.StoragePools.Get(p.ID)
		if !slices.Contains(p.Stopped, vm.ID) {
			p.Stopped = append(slices.Clone(p.Stopped), vm.ID)
			c.StoragePools.Put(p)
		}
		if err := c.bringDown(vm, false); err != nil {
			return nil, err
		}
	}
	p, _ = c.StoragePools.Get(p.ID)
	p.State = poolMaintenance
	c.StoragePools.Put(p)
	return Obj{"storagepool": c.poolResponse(p)}, nil
}

func cancelPoolJob(c *Call) (Obj, error) {
	p, ok := c.StoragePools.Get(c.EntityID)
	if !ok || p.state() != poolMaintenance && c.Noted("begun") == "" {
		return nil, Invalid("Primary storage with id %s is not ready to complete migration, as the status is:%s", c.EntityID, p.state())
	}
	c.Note("begun", "true")
	p.State = poolUp
	c.StoragePools.Put(p)
	for _, id := range p.Stopped {
		vm, ok := c.VMs.Get(id)
		if !ok || vm.State != VMStopped {
			continue
		}
		if err := c.bringUp(vm); err != nil {
			return nil, fmt.Errorf("start machine %s again: %w", vm.Name, err)
		}
	}
	p, _ = c.StoragePools.Get(p.ID)
	p.Stopped = nil
	c.StoragePools.Put(p)
	return Obj{"storagepool": c.poolResponse(p)}, nil
}

// syncPoolJob refuses: only clusters of datastores can be brought in line, and no pool here is one.
func syncPoolJob(c *Call) (Obj, error) {
	p, ok := c.StoragePools.Get(c.EntityID)
	switch {
	case !ok:
		return nil, Invalid("Unable to find primary storage with id %s", c.EntityID)
	case p.state() != poolUp:
		return nil, Invalid("Primary storage %s is not in Up state", p.Name)
	}
	return nil, Invalid("SyncStoragePool API is currently supported only for storage type of datastore cluster")
}

func listStorageTags(c *Call) (any, error) {
	type row struct {
		pool StoragePool
		tag  string
	}
	var rows []row
	for p := range c.StoragePools.All() {
		for _, tag := range strings.Split(p.Tags, ",") {
			if tag != "" && strings.Contains(strings.ToLower(tag), strings.ToLower(c.Str("keyword"))) {
				rows = append(rows, row{p, tag})
			}
		}
	}
	return Listing("storagetag", rows, func(r row) Obj { return Obj{"id": r.pool.ID + "-" + r.tag, "name": r.tag, "poolid": r.pool.N} }), nil
}

func listStorageProviders(c *Call) (any, error) {
	kind := strings.ToLower(c.Str("type"))
	names, ok := map[string][]string{"primary": {"DefaultPrimary", "SolidFire", "PowerFlex", "Linstor", "StorPool"}, "image": {"NFS", "SMB", "S3", "Swift", "Simulator"},
		"imagecache": {"NFS"}, "objectstore": {"Simulator", "MinIO", "Ceph"}}[kind]
	if !ok {
		return nil, Invalid("Data store provider type: %s is not supported", c.Str("type"))
	}
	return Listing("dataStoreProvider", names, func(n string) Obj { return Obj{"name": n, "type": strings.ToUpper(kind)} }), nil
}

// poolFits refuses to put a volume on a pool.
func (c *Call) poolFits(p StoragePool, v Volume) error {
	o, _ := c.DiskOfferings.Any(v.DiskOfferingID)
	vm, attached := c.VMs.Get(v.VMID)
	h, _ := c.Hosts.Any(valueOr(vm.HostID, vm.LastHostID))
	switch {
	case p.ZoneID != v.ZoneID:
		return Internal("Storage pool %s is not suitable to migrate volume %s", p.Name, v.Name)
	case p.state() == poolMaintenance:
		return Invalid("Cannot migrate volume %sto the destination storage pool %s as the storage pool is in maintenance mode.", volumeText(v, vm.N), p.Name)
	case c.allocated(p.ID)+v.Size > p.Capacity*2:
		return Internal("Storage pool %s does not have enough space to migrate volume %s", p.Name, v.Name)
	case attached && h.ClusterID != "" && p.ClusterID != "" && p.ClusterID != h.ClusterID:
		return Invalid("Cannot migrate a volume of a virtual machine to a storage pool in a different cluster")
	case !hasTags(p.Tags, o.Tags):
		return Invalid("Migration failed: target pool [%s, tags:%s] has no matching tags for volume [%s, uuid:%s, tags:%s]", p.Name, p.Tags, v.Name, v.ID, o.Tags)
	}
	return nil
}

func findPools(c *Call) (any, error) {
	v, ok := c.Volumes.Get(c.Str("id"))
	if !ok {
		return nil, Invalid("Unable to find volume with ID: %s", c.Str("id"))
	}
	rows := c.StoragePools.Where(func(p StoragePool) bool { return p.ID != v.PoolID && p.ZoneID == v.ZoneID && p.state() == poolUp })
	return Listing("storagepool", rows, func(p StoragePool) Obj {
		o := c.poolResponse(p)
		o["suitableformigration"] = c.poolFits(p, v) == nil
		return o
	}), nil
}

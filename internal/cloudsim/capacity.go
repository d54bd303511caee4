package cloudsim

import (
	"sort"
	"strconv"
)

// capacityCommands are how full the cloud is, and what the server tells of itself.
var capacityCommands = map[string]command{
	"listCapacity":          {run: listCapacity, rootOnly: true},
	"listManagementServers": {run: listServers, id: kindAny, rootOnly: true},
	"listInfrastructure":    {run: listInfrastructure, rootOnly: true},
	"listRegions":           {run: listRegions},
	"listUsageTypes":        {run: listUsageTypes},
	"quotaIsEnabled":        {run: quotaIsEnabled},
	"getCloudIdentifier":    {run: getCloudIdentifier},
}

// capacity is how much there is of something in one place.
type capacity struct {
	kind        int
	zone        Zone
	total, used int64
}

// capacityNames are the kinds of capacity by their number.
var capacityNames = map[int]string{0: "MEMORY", 1: "CPU", 2: "STORAGE", 3: "STORAGE_ALLOCATED", 4: "VIRTUAL_NETWORK_PUBLIC_IP", 5: "PRIVATE_IP", 6: "SECONDARY_STORAGE", 7: "VLAN",
	8: "DIRECT_ATTACHED_PUBLIC_IP", 9: "LOCAL_STORAGE", 90: "CPU_CORE"}

func listCapacity(c *Call) (any, error) {
	var rows []capacity
	for z := range c.Zones.All() {
		if !c.is("zoneid", z.ID) {
			continue
		}
		for _, r := range append(c.hostCapacity(z), c.netCapacity(z)...) {
			if c.is("type", strconv.Itoa(r.kind)) {
				rows = append(rows, r)
			}
		}
	}
	if c.Str("sortby") == "usage" {
		sort.SliceStable(rows, func(i, j int) bool { return share(rows[i].used, rows[i].total) > share(rows[j].used, rows[j].total) })
	}
	return Listing("capacity", rows, func(r capacity) Obj {
		o := Obj{"type": r.kind, "name": capacityNames[r.kind], "zoneid": r.zone.ID, "zonename": r.zone.Name, "capacityallocated": r.used, "capacityused": r.used,
			"capacitytotal": r.total, "percentused": percentUsed(r.used, r.total)}
		return o
	}), nil
}

// percentUsed is a share with two digits and no sign.
func percentUsed(part, whole int64) string {
	if whole == 0 {
		return "0"
	}
	return strconv.FormatFloat(float64(part)*100/float64(whole), 'f', 2, 64)
}

// hostCapacity is what hosts and storage of a zone have.
func (c *Call) hostCapacity(z Zone) []capacity {
	memory, cpu, cores := capacity{kind: 0, zone: z}, capacity{kind: 1, zone: z}, capacity{kind: 90, zone: z}
	for h := range c.Hosts.All() {
		if h.ZoneID != z.ID || !c.is("podid", h.PodID) || !c.is("clusterid", h.ClusterID) {
			continue
		}
		mhz, bytes := c.hostLoad(h.ID)
		memory.total, memory.used = memory.total+h.Memory, memory.used+bytes
		cpu.total, cpu.used = cpu.total+int64(h.Cores)*int64(h.CPUSpeed), cpu.used+mhz
		cores.total += int64(h.Cores)
		for _, vm := range c.machinesOn(h.ID) {
			cores.used += int64(vm.CPUNumber)
		}
	}
	storage := capacity{kind: 3, zone: z}
	for p := range c.StoragePools.All() {
		if p.ZoneID == z.ID && c.is("podid", p.PodID) && c.is("clusterid", p.ClusterID) {
			storage.total, storage.used = storage.total+p.Capacity*2, storage.used+c.allocated(p.ID) // overprovisioned twice
		}
	}
	return []capacity{memory, cpu, storage, cores}
}

// netCapacity is what a zone has of public addresses, VLANs and secondary storage; pods and clusters have none of it.
func (c *Call) netCapacity(z Zone) []capacity {
	if c.Has("podid") || c.Has("clusterid") {
		return nil
	}
	public, vlans, secondary := capacity{kind: 4, zone: z}, capacity{kind: 7, zone: z}, capacity{kind: 6, zone: z}
	for ip := range c.PublicIPs.All() {
		if ip.ZoneID != z.ID {
			continue
		}
		public.total++
		if ip.State != IPFree {
			public.used++
		}
	}
	for v := 0; v <= maxVLAN; v++ {
		if c.guestVLAN(z.ID, v) {
			vlans.total++
		}
	}
	vlans.used = int64(len(c.Networks.Where(func(n Network) bool { return n.ZoneID == z.ID && c.guestVLAN(z.ID, n.VLAN) })))
	for s := range c.ImageStores.All() {
		if s.ZoneID == z.ID && !s.Staging {
			secondary.total += s.Total
		}
	}
	for t := range c.Templates.All() {
		if t.in(z.ID) {
			secondary.used += t.PhysicalSize
		}
	}
	return []capacity{public, secondary, vlans}
}

func listServers(c *Call) (any, error) {
	if c.Has("id") && c.Str("id") != managementServerID || c.Has("name") && c.Str("name") != "localhost" {
		return List{Key: "managementserver"}, nil
	}
	return Listing("managementserver", []string{managementServerID}, func(id string) Obj {
		return Obj{"id": id, "name": "localhost", "state": "Up", "version": "4.22.0.0", "ipaddress": "127.0.0.1", "serviceip": "127.0.0.1", "agentscount": c.Hosts.Len(),
			"pendingjobscount": len(c.Jobs.Where(func(j Job) bool { return j.Status == JobPending })), "agents": []string{}, "lastagents": []string{}, "peers": []Obj{}}
	}), nil
}

func listInfrastructure(c *Call) (any, error) {
	return Obj{"infrastructure": Obj{"zones": c.Zones.Len(), "pods": c.Pods.Len(), "clusters": c.Clusters.Len(), "hosts": c.Hosts.Len(), "cpusockets": c.Hosts.Len(),
		"storagepools": c.StoragePools.Len(), "imagestores": len(c.ImageStores.Where(func(s ImageStore) bool { return !s.Staging })), "systemvms": c.SystemVMs.Len(),
		"routers": c.Routers.Len(), "ilbvms": c.InternalLBs.Len(), "alerts": len(c.Alerts.Where(func(a Alert) bool { return !a.Archived })), "managementservers": 1,
		"objectstores": 0, "backuprepositories": 0}}, nil
}

func listRegions(c *Call) (any, error) {
	if !c.is("id", "1") || !c.is("name", "Local") {
		return List{Key: "region"}, nil
	}
	return Listing("region", []string{"Local"}, func(n string) Obj {
		return Obj{"id": 1, "name": n, "endpoint": "http://localhost:8080/client/", "gslbserviceenabled": true, "portableipserviceenabled": false}
	}), nil
}

// usageTypes are what a usage server counts, by the number it has.
var usageTypes = []struct {
	number            int
	name, description string
}{{1, "RUNNING_VM", "Running Vm Usage"}, {2, "ALLOCATED_VM", "Allocated Vm Usage"}, {3, "IP_ADDRESS", "IP Address Usage"}, {4, "NETWORK_BYTES_SENT", "Network Usage (Bytes Sent)"},
	{5, "NETWORK_BYTES_RECEIVED", "Network Usage (Bytes Received)"}, {6, "VOLUME", "Volume Usage"}, {7, "TEMPLATE", "Template Usage"}, {8, "ISO", "ISO Usage"},
	{9, "SNAPSHOT", "Snapshot Usage"}, {10, "SECURITY_GROUP", "Security Group Usage"}, {11, "LOAD_BALANCER_POLICY", "Load Balancer Usage"}, {12, "PORT_FORWARDING_RULE", "Port Forwarding Usage"},
	{13, "NETWORK_OFFERING", "Network Offering Usage"}, {14, "VPN_USERS", "VPN users usage"}, {21, "VM_DISK_IO_READ", "VM Disk usage(I/O Read)"}, {22, "VM_DISK_IO_WRITE", "VM Disk usage(I/O Write)"},
	{23, "VM_DISK_BYTES_READ", "VM Disk usage(Bytes Read)"}, {24, "VM_DISK_BYTES_WRITE", "VM Disk usage(Bytes Write)"}, {25, "VM_SNAPSHOT", "VM Snapshot storage usage"},
	{26, "VOLUME_SECONDARY", "Volume on secondary storage usage"}, {27, "VM_SNAPSHOT_ON_PRIMARY", "VM Snapshot on primary storage usage"}, {28, "BACKUP", "Backup storage usage"},
	{29, "BUCKET", "Bucket storage usage"}, {30, "NETWORK", "Network usage"}, {31, "VPC", "VPC usage"}}

func listUsageTypes(*Call) (any, error) {
	return Listing("usagetype", usageTypes, func(u struct {
		number            int
		name, description string
	}) Obj {
		return Obj{"id": u.number, "name": u.name, "description": u.description}
	}), nil
}

// quotaIsEnabled tells that there are no quotas.
func quotaIsEnabled(*Call) (any, error) { return Obj{"isenabled": Obj{"isenabled": false}}, nil }

func getCloudIdentifier(c *Call) (any, error) {
	u, ok := c.Users.Get(c.Str("userid"))
	if !ok {
		return nil, Invalid("Unable to find user: %s", c.Str("userid"))
	}
	a, _ := c.Accounts.Any(u.AccountID)
	if err := c.Own(Owner{AccountID: a.ID, DomainID: a.DomainID}); err != nil {
		return nil, err
	}
	return Obj{"cloudidentifier": Obj{"userid": u.ID, "cloudidentifier": managementServerID, "signature": hashPassword(managementServerID, u.ID)}}, nil
}

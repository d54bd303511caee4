package cloudsim

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hostCommands are the hypervisor hosts. A host that is added exists on paper only: it has the size of the others, and guests
// run in this process wherever they are placed.
var hostCommands = map[string]command{
	"addHost":                   {run: addHost, rootOnly: true, event: "HOST.ADD"},
	"updateHost":                {run: updateHost, id: kindHost, rootOnly: true, event: "HOST.UPDATE"},
	"deleteHost":                {run: deleteHost, id: kindHost, rootOnly: true, event: "HOST.DELETE"},
	"reconnectHost":             {start: startGiven, job: reconnectHostJob, id: kindHost, rootOnly: true, event: "HOST.RECONNECT"},
	"prepareHostForMaintenance": {start: startGiven, job: maintainHostJob, id: kindHost, rootOnly: true, event: "MAINT.PREPARE"},
	"cancelHostMaintenance":     {start: startGiven, job: cancelMaintenanceJob, id: kindHost, rootOnly: true, event: "MAINT.CANCEL"},
	"declareHostAsDegraded":     {start: startGiven, job: degradeHostJob, id: kindHost, rootOnly: true, event: "HOST.DECLARE.DEGRADED"},
	"cancelHostAsDegraded":      {start: startGiven, job: undegradeHostJob, id: kindHost, rootOnly: true, event: "HOST.CANCEL.DEGRADED"},
	"updateHostPassword":        {run: updateHostPassword, rootOnly: true},
	"listHosts":                 {run: listHosts, id: kindHost, rootOnly: true, kinds: map[string]kind{"managementserverid": kindAny}},
	"listHostTags":              {run: listHostTags, rootOnly: true},
}

// Resource states of a host.
const (
	hostEnabled     = "Enabled"
	hostDisabled    = "Disabled"
	hostMaintenance = "Maintenance"
	hostPreparing   = "ErrorInPrepareForMaintenance"
	hostDegraded    = "Degraded"
)

// hostEvents are what may happen to a host that is up.
const hostEvents = "AgentDisconnected; ShutdownRequested; StartAgentRebalance; HostDown; Remove; PingTimeout; AgentConnected; ManagementServerDown; Ping"

func (h Host) resourceState() string { return valueOr(h.ResourceState, hostEnabled) }

// usable reports whether machines may be started on a host: it, its cluster and its pod are enabled.
func (t *Tables) usable(h Host) bool {
	cluster, _ := t.Clusters.Get(h.ClusterID)
	pod, _ := t.Pods.Get(h.PodID)
	return h.resourceState() == hostEnabled && valueOr(cluster.AllocationState, hostEnabled) == hostEnabled && valueOr(cluster.ManagedState, "Managed") == "Managed" &&
		valueOr(pod.AllocationState, hostEnabled) == hostEnabled
}

func listHosts(c *Call) (any, error) {
	if vm, ok := c.VMs.Get(c.Str("virtualmachineid")); ok {
		return Listing("host", c.hostsFor(vm), func(h Host) Obj { return c.hostForMigration(h, vm) }), nil
	}
	rows := c.Hosts.Where(func(h Host) bool {
		return c.named(h.ID, h.Name) && c.is("zoneid", h.ZoneID) && c.is("podid", h.PodID) && c.is("clusterid", h.ClusterID) &&
			c.is("type", "Routing") && (!c.Has("hypervisor") || strings.EqualFold(c.Str("hypervisor"), h.Hypervisor)) && c.is("state", "Up") &&
			(!c.Has("resourcestate") || strings.EqualFold(c.Str("resourcestate"), h.resourceState()))
	})
	wanted := c.List("details")
	return Listing("host", rows, func(h Host) Obj { return trimHost(c.hostResponse(h), wanted) }), nil
}

// trimHost leaves out what the parameter details did not ask for.
func trimHost(o Obj, wanted []string) Obj {
	if len(wanted) == 0 || slices.Contains(wanted, "all") {
		return o
	}
	capacity := slices.Contains(wanted, "capacity")
	for field := range o {
		if !capacity && (strings.HasPrefix(field, "cpuallocated") || strings.HasPrefix(field, "memoryallocated")) {
			delete(o, field)
		}
	}
	return o
}

// share is a share as hosts show it.
func share(part, whole int64) string {
	if whole == 0 {
		return "0%"
	}
	return strings.TrimSuffix(strings.TrimSuffix(strconv.FormatFloat(float64(part)*100/float64(whole), 'f', 2, 64), "0"), ".0") + "%"
}

// hostLoad is what the machines on a host have been given, in MHz and bytes.
func (t *Tables) hostLoad(id string) (mhz, memory int64) {
	for v := range t.VMs.All() {
		if v.HostID == id && (v.State == VMRunning || v.State == VMStarting) {
			mhz += int64(v.CPUNumber) * int64(v.CPUSpeed)
			memory += int64(v.Memory) << 20
		}
	}
	return mhz, memory
}

func (c *Call) hostResponse(h Host) Obj {
	mhz, memory := c.hostLoad(h.ID)
	all := int64(h.Cores) * int64(h.CPUSpeed)
	o := Obj{"id": h.ID, "name": h.Name, "state": "Up", "type": "Routing", "ipaddress": h.IPAddress, "version": "4.22.0.0", "hypervisor": h.Hypervisor,
		"cpunumber": h.Cores, "cpuspeed": h.CPUSpeed, "cpuallocated": share(mhz, all), "cpuallocatedvalue": mhz, "cpuallocatedpercentage": share(mhz, all),
		"cpuallocatedwithoverprovisioning": share(mhz, all), "cpuused": "0%", "cpuwithoverprovisioning": itoa(all), "cpuloadaverage": 0.0,
		"networkkbsread": 0, "networkkbswrite": 0, "memorytotal": h.Memory, "memorywithoverprovisioning": itoa(h.Memory), "memoryallocated": memory,
		"memoryallocatedpercentage": share(memory, h.Memory), "memoryallocatedbytes": memory, "memoryused": 0, "gputotal": 0, "gpuused": 0, "gpugroup": []Obj{},
		"capabilities": "hvm,snapshot", "lastpinged": timeText(time.UnixMilli(c.Now().Unix())), // sic: seconds taken for milliseconds
		"managementserverid": managementServerID, "managementservername": "localhost", "islocalstorageactive": false, "created": timeText(h.Created),
		"events": hostEvents, "hostha": Obj{"haenable": false, "hastate": "Disabled"}, "outofbandmanagement": Obj{"powerstate": "Disabled", "enabled": false},
		"resourcestate": h.resourceState(), "hypervisorversion": "9.0", "hahost": false, "ueficapability": false, "arch": "x86_64", "hasannotations": c.annotated("HOST", h.ID)}
	c.putZone(o, h.ZoneID)
	if p, ok := c.Pods.Any(h.PodID); ok {
		o["podid"], o["podname"] = p.ID, p.Name
	}
	if r, ok := c.Clusters.Any(h.ClusterID); ok {
		o["clusterid"], o["clustername"], o["clustertype"] = r.ID, r.Name, "CloudManaged"
	}
	if h.Tags != "" {
		o["hosttags"], o["explicithosttags"], o["istagarule"] = h.Tags, h.Tags, h.TagRule
	}
	return o
}

func addHost(c *Call) (any, error) {
	u, err := url.Parse(c.Str("url"))
	switch {
	case c.Str("username") == "" || c.Str("password") == "":
		return nil, Invalid("Username and Password need to be provided.")
	case err != nil:
		return nil, Invalid("%s is not a valid uri", c.Str("url"))
	case u.Scheme == "":
		return nil, Invalid("uri.scheme is null %s, add nfs:// (or cifs://) as a prefix", c.Str("url"))
	case u.Hostname() == "":
		return nil, Invalid("%s is not a valid uri", c.Str("url"))
	}
	pod, _ := c.Pods.Get(c.Str("podid"))
	cluster, ok := c.Clusters.Get(c.Str("clusterid"))
	if name := c.Str("clustername"); !ok && name != "" {
		cluster, ok = c.Clusters.Find(func(r Cluster) bool { return r.Name == name && r.PodID == pod.ID })
	}
	switch {
	case pod.ZoneID != c.Str("zoneid"):
		return nil, Invalid("Can't add host: pod %s does not belong to zone %s", pod.ID, c.Str("zoneid"))
	case !ok:
		return nil, Invalid("Can't specify cluster without specifying the pod and cluster %s", c.Or("clusterid", c.Or("clustername", "null")))
	case !strings.EqualFold(c.Str("hypervisor"), cluster.Hypervisor):
		return nil, Invalid("%s is not the hypervisor of cluster %s, which has %s", c.Str("hypervisor"), cluster.Name, cluster.Hypervisor)
	}
	if _, taken := c.Hosts.Find(func(h Host) bool { return h.IPAddress == u.Hostname() }); taken {
		return nil, Fail(530, csServer, "Could not add host at [%s] with zone [%d], pod [%d] and cluster [%d] due to: [ can't setup agent, due to it is there already]", c.Str("url"), c.zoneNumber(pod.ZoneID), pod.N, cluster.N)
	}
	h := Host{Base: c.Hosts.NewBase(), Name: u.Hostname(), ZoneID: pod.ZoneID, PodID: pod.ID, ClusterID: cluster.ID, Hypervisor: cluster.Hypervisor, IPAddress: u.Hostname(),
		Cores: 64, CPUSpeed: 2000, Memory: 256 * gib, Tags: strings.Join(c.List("hosttags"), ","), ResourceState: hostEnabled}
	if c.Str("allocationstate") == "Disabled" {
		h.ResourceState = hostDisabled
	}
	c.Hosts.Put(h)
	c.Made(h.ID)
	return Listing("host", []Host{h}, c.hostResponse), nil
}

func (c *Call) zoneNumber(id string) int64 {
	z, _ := c.Zones.Any(id)
	return z.N
}

func updateHost(c *Call) (any, error) {
	h, _ := c.Hosts.Get(c.Str("id"))
	switch state := c.Str("allocationstate"); {
	case state == "":
	case state == "Enable" || state == "Disable":
		if h.resourceState() != hostEnabled && h.resourceState() != hostDisabled {
			return nil, Invalid("Host %s is in state %s and cannot be changed to %s", h.ID, h.resourceState(), state)
		}
		h.ResourceState = state + "d"
	default:
		return nil, Invalid("Unable to resolve resource event '%s' to a supported value {Enable or Disable}", state)
	}
	if c.Has("hosttags") {
		h.Tags, h.TagRule = strings.Join(c.List("hosttags"), ","), c.Bool("istagarule", false)
	}
	h.Name = c.Or("name", h.Name)
	if text := c.Str("annotation"); text != "" {
		c.annotate("HOST", h.ID, text, true)
	}
	c.Hosts.Put(h)
	c.Made(h.ID)
	return Obj{"host": c.hostResponse(h)}, nil
}

func (c *Call) machinesOn(hostID string) []VM {
	return c.VMs.Where(func(v VM) bool { return v.HostID == hostID && (v.State == VMRunning || v.State == VMStarting) })
}

func deleteHost(c *Call) (any, error) {
	h, _ := c.Hosts.Get(c.Str("id"))
	forced := c.Bool("forced", false)
	switch {
	case len(c.machinesOn(h.ID)) > 0:
		return nil, Internal("Unable to delete the host %s: it has running machines. Put it into maintenance first", h.Name)
	case !forced && h.resourceState() != hostMaintenance:
		return nil, Internal("Failed to delete host: %s as it is not in Maintenance state", h.Name)
	}
	c.forgetAnnotations(h.ID)
	c.forgetDedication(h.ID)
	c.Hosts.Delete(h.ID)
	c.Made(h.ID)
	return Success(), nil
}

func (c *Call) hostResult() (Obj, error) {
	h, ok := c.Hosts.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find host by id %s", c.EntityID)
	}
	return Obj{"host": c.hostResponse(h)}, nil
}

func reconnectHostJob(c *Call) (Obj, error) { return c.hostResult() }

// maintainHostJob empties a host. What finds no place elsewhere keeps it from maintenance.
func maintainHostJob(c *Call) (Obj, error) {
	h, ok := c.Hosts.Get(c.EntityID)
	switch {
	case !ok:
		return nil, Invalid("Unable to find host with ID: %s. Please specify a valid host ID.", c.EntityID)
	case h.resourceState() == hostMaintenance:
		return nil, Internal("Host is already in state Maintenance. Cannot recall for maintenance until resolved.")
	}
	h.ResourceState = hostPreparing // nothing new is placed here meanwhile
	c.Hosts.Put(h)
	var stuck []string
	for _, vm := range c.machinesOn(h.ID) {
		to, err := c.place(vm)
		if err != nil {
			stuck = append(stuck, vm.InstanceName)
			continue
		}
		c.move(vm, to)
	}
	if len(stuck) > 0 {
		if err := c.Commit(); err != nil {
			return nil, err
		}
		return nil, Internal("Failed to prepare host for maintenance due to: there is no other host for %s", strings.Join(stuck, ", "))
	}
	h, _ = c.Hosts.Get(h.ID)
	h.ResourceState = hostMaintenance
	c.Hosts.Put(h)
	return c.hostResult()
}

func cancelMaintenanceJob(c *Call) (Obj, error) {
	h, ok := c.Hosts.Get(c.EntityID)
	switch {
	case !ok:
		return nil, Invalid("Host with id %s doesn't exist", c.EntityID)
	case h.resourceState() != hostMaintenance && h.resourceState() != hostPreparing:
		return nil, Internal("Cannot perform cancelMaintenance when resource state is %s, hostId = %d", h.resourceState(), h.N)
	}
	h.ResourceState = hostEnabled
	c.Hosts.Put(h)
	return c.hostResult()
}

// degradeHostJob refuses here: only a host that is down can be declared degraded, and these are always up.
func degradeHostJob(c *Call) (Obj, error) {
	h, _ := c.Hosts.Get(c.EntityID)
	return nil, Invalid("Host %s is in Up state and can't be declared as Degraded; it has to be in Alert or Disconnected state", h.Name)
}

func undegradeHostJob(c *Call) (Obj, error) {
	h, _ := c.Hosts.Get(c.EntityID)
	if h.resourceState() != hostDegraded {
		return nil, Internal("Cannot perform cancelHostAsDegraded when resource state is %s, hostId = %d", h.resourceState(), h.N)
	}
	h.ResourceState = hostEnabled
	c.Hosts.Put(h)
	return c.hostResult()
}

// updateHostPassword forgets what it is told: no host here has a password.
func updateHostPassword(c *Call) (any, error) {
	if c.Str("hostid") == "" && c.Str("clusterid") == "" {
		return nil, Invalid("You should provide one of cluster id or a host id.")
	}
	if c.Str("hostid") != "" && c.Str("clusterid") != "" {
		return nil, Invalid("You can't specify both cluster id and a host id.")
	}
	return Success(), nil
}

func listHostTags(c *Call) (any, error) {
	type row struct {
		host Host
		tag  string
	}
	var rows []row
	for h := range c.Hosts.All() {
		for _, tag := range strings.Split(h.Tags, ",") {
			if tag != "" && strings.Contains(strings.ToLower(tag), strings.ToLower(c.Str("keyword"))) {
				rows = append(rows, row{h, tag})
			}
		}
	}
	return Listing("hosttag", rows, func(r row) Obj {
		return Obj{"id": fmt.Sprintf("%s-%s", r.host.ID, r.tag), "name": r.tag, "hostid": r.host.N, "isimplicit": false}
	}), nil
}

package cloudsim

import (
	"slices"
	"strings"
)

// clusterCommands are sets of like hosts.
var clusterCommands = map[string]command{
	"addCluster":    {run: addCluster, rootOnly: true, event: "CLUSTER.CREATE"},
	"updateCluster": {run: updateCluster, id: kindCluster, rootOnly: true, event: "CLUSTER.EDIT"},
	"deleteCluster": {run: deleteCluster, id: kindCluster, rootOnly: true, event: "CLUSTER.DELETE"},
	"listClusters":  {run: listClusters, id: kindCluster, rootOnly: true},
}

// hypervisorNames are what a cluster may consist of.
var hypervisorNames = []string{"KVM", "VMware", "XenServer", "Hyperv", "LXC", "Ovm3", "BareMetal", "Simulator", "External"}

func listClusters(c *Call) (any, error) {
	rows := c.Clusters.Where(func(r Cluster) bool {
		return c.named(r.ID, r.Name, r.Hypervisor) && c.is("zoneid", r.ZoneID) && c.is("podid", r.PodID) && c.is("hypervisor", r.Hypervisor) &&
			c.is("allocationstate", valueOr(r.AllocationState, hostEnabled)) && c.is("managedstate", valueOr(r.ManagedState, "Managed")) && c.is("clustertype", "CloudManaged")
	})
	return Listing("cluster", rows, c.clusterResponse), nil
}

func (c *Call) clusterResponse(r Cluster) Obj {
	o := Obj{"id": r.ID, "name": r.Name, "podid": r.PodID, "hypervisortype": r.Hypervisor, "clustertype": "CloudManaged",
		"allocationstate": valueOr(r.AllocationState, hostEnabled), "managedstate": valueOr(r.ManagedState, "Managed"), "cpuovercommitratio": "1.0",
		"memoryovercommitratio": "1.0", "arch": valueOr(r.Arch, "x86_64"), "hasannotations": c.annotated("CLUSTER", r.ID)}
	if p, ok := c.Pods.Any(r.PodID); ok {
		o["podname"] = p.Name
	}
	c.putZone(o, r.ZoneID)
	return o
}

func addCluster(c *Call) (any, error) {
	pod, _ := c.Pods.Get(c.Str("podid"))
	zone, _ := c.Zones.Get(c.Str("zoneid"))
	name, kind := c.Str("clustername"), c.Str("clustertype")
	i := slices.IndexFunc(hypervisorNames, func(h string) bool { return strings.EqualFold(h, c.Str("hypervisor")) })
	_, taken := c.Clusters.Find(func(r Cluster) bool { return r.Name == name && r.PodID == pod.ID })
	switch {
	case pod.ZoneID != zone.ID:
		return nil, Invalid("Can't find pod with specified podId %d in zone %d", pod.N, zone.N)
	case i < 0:
		return nil, Invalid("Unable to resolve %s to a supported supported hypervisor type", c.Str("hypervisor")) // sic
	case !strings.EqualFold(kind, "CloudManaged") && !strings.EqualFold(kind, "ExternalManaged"):
		return nil, Invalid("Unable to resolve %s to a supported supported cluster type", kind)
	case taken:
		return nil, Internal("Unable to create cluster %s in pod %s and data center %s", name, pod.Name, zone.Name)
	}
	state, err := allocationState(c.Str("allocationstate"))
	if err != nil {
		return nil, err
	}
	r := Cluster{Base: c.Clusters.NewBase(), Name: name, ZoneID: zone.ID, PodID: pod.ID, Hypervisor: hypervisorNames[i], Arch: c.Str("arch"), AllocationState: state}
	c.Clusters.Put(r)
	c.Made(r.ID)
	return Listing("cluster", []Cluster{r}, c.clusterResponse), nil
}

// allocationState checks a state that says whether something may be used for new machines.
func allocationState(text string) (string, error) {
	switch {
	case text == "" || strings.EqualFold(text, hostEnabled):
		return hostEnabled, nil
	case strings.EqualFold(text, hostDisabled):
		return hostDisabled, nil
	}
	return "", Invalid("Unable to resolve Allocation State '%s' to a supported state", text)
}

func updateCluster(c *Call) (any, error) {
	r, ok := c.Clusters.Get(c.Str("id"))
	if !ok {
		return nil, Invalid("Unable to find the cluster by id=%s", c.Str("id"))
	}
	if h := c.Str("hypervisor"); h != "" && !strings.EqualFold(h, r.Hypervisor) {
		if _, used := c.Hosts.Find(func(h Host) bool { return h.ClusterID == r.ID }); used {
			return nil, Invalid("Cannot change the hypervisor of cluster %s: it has hosts", r.Name)
		}
		i := slices.IndexFunc(hypervisorNames, func(name string) bool { return strings.EqualFold(name, h) })
		if i < 0 {
			return nil, Invalid("Unable to resolve %s to a supported supported hypervisor type", h)
		}
		r.Hypervisor = hypervisorNames[i]
	}
	state, err := allocationState(c.Or("allocationstate", r.AllocationState))
	if err != nil {
		return nil, err
	}
	switch managed := c.Or("managedstate", valueOr(r.ManagedState, "Managed")); managed {
	case "Managed", "Unmanaged":
		r.ManagedState = managed
	default:
		return nil, Invalid("Unable to resolve Managed State '%s' to a supported state", managed)
	}
	r.Name, r.AllocationState, r.Arch = c.Or("clustername", r.Name), state, c.Or("arch", r.Arch)
	c.Clusters.Put(r)
	c.Made(r.ID)
	return Obj{"cluster": c.clusterResponse(r)}, nil
}

func deleteCluster(c *Call) (any, error) {
	r, _ := c.Clusters.Get(c.Str("id"))
	_, hosts := c.Hosts.Find(func(h Host) bool { return h.ClusterID == r.ID })
	_, pools := c.StoragePools.Find(func(p StoragePool) bool { return p.ClusterID == r.ID })
	switch {
	case hosts:
		return nil, Internal("Cluster: %s cannot be removed. Cluster still has hosts", r.Name)
	case pools:
		return nil, Internal("Cluster: %s cannot be removed. Cluster still has storage pools", r.Name)
	}
	c.forgetAnnotations(r.ID)
	c.forgetDedication(r.ID)
	c.Clusters.Delete(r.ID)
	c.Made(r.ID)
	return Success(), nil
}

package cloudsim

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"
)

// shapeCloud gives the cloud the start content of the recorded one, where that differs from ours: names, hosts and pools, one
// template of 2 GiB that does not scale, the public addresses.
func (r *replayer) shapeCloud(t *testing.T) {
	t.Helper()
	s := r.cloud.store
	for _, table := range []anyTable{s.NetworkOfferings, s.ServiceOfferings, s.DiskOfferings, s.VPCOfferings, s.OSTypes, s.Counters, s.Roles} {
		if err := table.dump(func(id string, _ any) error { r.ids[id] = id; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	template, ok := s.Templates.Find(func(t Template) bool { return t.Name == "CentOS 9" })
	if !ok {
		t.Fatal("no template CentOS 9")
	}
	template.Size, template.DynamicScaling = 2*gib, false
	s.Templates.Put(template)
	for other := range s.Templates.All() {
		if other.ID != template.ID {
			s.Templates.Delete(other.ID)
		}
	}
	if large, ok := s.ServiceOfferings.Find(func(o ServiceOffering) bool { return o.Name == "Large Instance" }); ok {
		s.ServiceOfferings.Delete(large.ID)
	}
	if spare, ok := s.DiskOfferings.Find(func(o DiskOffering) bool { return o.Name == "TestDiskOffering" }); ok {
		s.DiskOfferings.Delete(spare.ID)
	}
	r.shapeZone()
	zone, _ := s.Zones.Find(func(Zone) bool { return true })
	root, _ := s.Domains.Find(func(Domain) bool { return true })
	allow, _ := s.ACLLists.Find(func(l ACLList) bool { return l.Name == "default_allow" })
	for recorded, here := range map[string]string{
		"42c8f471-e679-11f1-92f9-02fc00000001": template.ID, "113489ee-eb97-4260-8e83-4f7736f8f724": zone.ID,
		"d460b373-e678-11f1-92f9-02fc00000001": root.ID, "df0dcb30-e678-11f1-92f9-02fc00000001": allow.ID,
	} {
		r.ids[recorded] = here
	}
	if _, err := s.commit(); err != nil {
		t.Fatal(err)
	}
}

// shapeZone makes the recorded zone's two clusters of two hosts and four pools.
func (r *replayer) shapeZone() {
	s := r.cloud.store
	cluster, _ := s.Clusters.Find(func(Cluster) bool { return true })
	host, _ := s.Hosts.Find(func(Host) bool { return true })
	pool, _ := s.StoragePools.Find(func(StoragePool) bool { return true })
	for table, ids := range map[interface{ Delete(string) }][]string{s.Hosts: rowIDs(s.Hosts), s.Clusters: rowIDs(s.Clusters), s.StoragePools: rowIDs(s.StoragePools)} {
		for _, id := range ids {
			table.Delete(id)
		}
	}
	for c := range 2 {
		cluster.Base, cluster.Name = s.Clusters.NewBase(), fmt.Sprintf("C%d", c)
		s.Clusters.Put(cluster)
		r.ids[[]string{"da247b2b-872e-4662-a9f6-67d9c5085947", "the second cluster"}[c]] = cluster.ID
		for n := range 2 {
			host.Base, host.ClusterID, host.Name = s.Hosts.NewBase(), cluster.ID, fmt.Sprintf("SimulatedAgent.%d", 2*c+n)
			s.Hosts.Put(host)
			pool.Base, pool.ClusterID, pool.Name = s.StoragePools.NewBase(), cluster.ID, fmt.Sprintf("PS%d", 2*c+n)
			s.StoragePools.Put(pool)
		}
	}
	for pod := range s.Pods.All() {
		r.ids["9a0d0165-47c0-48f6-a918-d90df5f26aaf"] = pod.ID
	}
	for p := range s.PhysicalNetworks.All() {
		p.Name = "Sandbox-pnet"
		s.PhysicalNetworks.Put(p)
	}
}

func rowIDs[T row](table *Table[T]) (ids []string) {
	for r := range table.All() {
		ids = append(ids, r.base().ID)
	}
	return ids
}

// prepare does what was done between the recorded exchanges, or had happened by then.
func (r *replayer) prepare(t *testing.T, e exchange) {
	t.Helper()
	switch e.number() {
	case "061", "104": // loads were collected
		r.clock.Advance(time.Minute)
	case "243":
		r.clock.Advance(time.Minute)
	case "547":
		r.until(t, "no job runs", r.idle)
		r.expungeOld(t)
	case "833":
		r.bringNetworksUp(t)
	case "861": // the default card was the first again
		mustJob(t, r.cloud, "admin", "updateDefaultNicForVirtualMachine", "virtualmachineid", r.ids["b8837b81-272b-461a-92d3-c471622ed672"],
			"nicid", r.ids["1bf1aac8-0857-40c7-84c4-8115a5d9bce0"])
	case "864":
		r.clock.Advance(time.Minute)
		mustJob(t, r.cloud, "admin", "stopVirtualMachine", "id", r.ids["b8837b81-272b-461a-92d3-c471622ed672"])
	case "873":
		got := mustJob(t, r.cloud, "admin", "associateIpAddress", "networkid", r.ids["6ca2fcea-ac0e-4c50-8915-4ab93d16b4c1"])
		r.ids[e.Request["ipaddressid"].(string)], _ = got.object("ipaddress")["id"].(string)
	case "868":
		r.ids["58bf7ae8-0792-4e5a-a63e-f35e8ed134a6"] = r.freeAddress(t)
	case "887":
		e.Request["certificate"], e.Request["privatekey"] = r.certificate(t)
	case "937":
		got := mustJob(t, r.cloud, "admin", "associateIpAddress", "vpcid", r.ids["65b97028-2b2a-4173-a1cc-1794f90c25ac"])
		r.ids[e.Request["publicipid"].(string)] = got.object("ipaddress")["id"].(string)
	case "1079": // the zone had a network for all
		zone, offering := r.ids["113489ee-eb97-4260-8e83-4f7736f8f724"], must(t, r.cloud, "admin", "listNetworkOfferings", "name", "DefaultSharedNetworkOffering")
		must(t, r.cloud, "admin", "createNetwork", "zoneid", zone, "networkofferingid", offering.items("networkoffering")[0]["id"].(string), "name", "for-all",
			"gateway", "10.91.0.1", "netmask", "255.255.255.0", "startip", "10.91.0.10", "endip", "10.91.0.99", "vlan", "1091", "acltype", "Domain")
	case "1187": // the disk of some machine
		root := must(t, r.cloud, "admin", "listVolumes", "type", "ROOT").items("volume")[0]
		r.ids[e.Request["volumeid"].(string)], _ = root["id"].(string)
	case "1163":
		r.expungeOld(t)
	}
}

// idle reports whether no job is under way, the server's own included.
func (r *replayer) idle() bool {
	r.cloud.mu.Lock()
	defer r.cloud.mu.Unlock()
	_, busy := r.cloud.store.Jobs.Find(func(j Job) bool { return j.Status == JobPending })
	return !busy
}

// expungeOld removes destroyed machines, as the recorded server did after 20 s.
func (r *replayer) expungeOld(t *testing.T) {
	t.Helper()
	if err := r.cloud.update(t.Context(), func(c *Call) error { return expungeOld(c, 0) }); err != nil {
		t.Fatal(err)
	}
}

// bringNetworksUp makes what the zone of the recording had by then: two networks more, a machine on the first one, and a tag.
func (r *replayer) bringNetworksUp(t *testing.T) {
	t.Helper()
	zone := r.ids["113489ee-eb97-4260-8e83-4f7736f8f724"]
	offering := must(t, r.cloud, "admin", "listNetworkOfferings", "name", "DefaultIsolatedNetworkOfferingWithSourceNatService").items("networkoffering")[0]["id"].(string)
	size := must(t, r.cloud, "admin", "listServiceOfferings", "name", "Small Instance").items("serviceoffering")[0]["id"].(string)
	for _, name := range []string{"admin-network", "rc-net"} {
		must(t, r.cloud, "admin", "createNetwork", "zoneid", zone, "networkofferingid", offering, "name", name)
	}
	network := r.ids["6ca2fcea-ac0e-4c50-8915-4ab93d16b4c1"]
	first := mustJob(t, r.cloud, "admin", "deployVirtualMachine", "zoneid", zone, "serviceofferingid", size,
		"templateid", r.ids["42c8f471-e679-11f1-92f9-02fc00000001"], "networkids", network, "name", "first")
	r.ids["9be3326f-dd7e-4dcd-9dda-901e3bf1201e"], _ = first.object("virtualmachine")["id"].(string)
	mustJob(t, r.cloud, "admin", "createTags", "resourcetype", "Network", "resourceids", network, "tags[0].key", "rn", "tags[0].value", "one")
}

// certificate is one with its key: the recording leaves keys out.
func (r *replayer) certificate(t *testing.T) (certificate, key string) {
	t.Helper()
	secure := httptest.NewTLSServer(nil)
	defer secure.Close()
	return pemOf(t, secure.TLS.Certificates[0])
}

// freeAddress is the id of an address nobody has.
func (r *replayer) freeAddress(t *testing.T) string {
	t.Helper()
	free := must(t, r.cloud, "admin", "listPublicIpAddresses", "state", "Free", "allocatedonly", "false", "listall", "true").items("publicipaddress")
	if len(free) == 0 {
		t.Fatal("no address is free")
	}
	return free[0]["id"].(string)
}

// afterwards notes who the callers are once they are made.
func (r *replayer) afterwards(t *testing.T, e exchange) {
	t.Helper()
	switch e.number() {
	case "529":
		r.as["user"] = "limited"
		user := must(t, r.cloud, "admin", "listUsers", "username", "limited", "listall", "true").items("user")[0]
		must(t, r.cloud, "admin", "registerUserKeys", "id", user["id"].(string))
	case "1033":
		r.as["dadmin"] = "rc-dadmin"
	case "1034":
		r.as["user"] = "rc-acct"
	case "801":
		r.as["user"] = "rn-acct"
	}
}

// until lets time pass until a condition holds.
func (r *replayer) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	stepped := time.Now()
	settled(t, what, func() bool {
		if ok() {
			return true
		}
		// Who is at work now should end it first, unless it is waiting for time to pass.
		switch {
		case r.idle():
			r.clock.Advance(time.Second)
		case time.Since(stepped) > 30*time.Millisecond:
			r.clock.Advance(5 * time.Second)
		default:
			return false
		}
		stepped = time.Now()
		return false
	})
}

// watch lets time pass until a group is as the recorded one was at last, and compares the sizes it went through.
func (r *replayer) watch(t *testing.T, e exchange) []string {
	t.Helper()
	groups := must(t, r.cloud, "admin", "listAutoScaleVmGroups", "listall", "true").items("autoscalevmgroup")
	id, _ := groups[len(groups)-1]["id"].(string)
	if _, err := r.cloud.SetLoad(Load{Group: id, CPU: 10}); err != nil { // as the recorded machines had it
		t.Fatal(err)
	}
	want, wantState := recordedSizes(t, e)
	var got []int
	measured := false
	reached := func() bool {
		state, size := r.group(t, id)
		if len(got) == 0 || got[len(got)-1] != size {
			got = append(got, size)
		}
		if size == 2 && state == GroupEnabled && want[len(want)-1] == 3 && !measured { // so that two of three machines are measured
			r.clock.Advance(statsInterval)
			measured = true
		}
		return size == want[len(want)-1] && state == wantState
	}
	r.until(t, fmt.Sprintf("%s: the group has %d members and is %s", e.Name, want[len(want)-1], wantState), reached)
	if !passedOver(got, want) || got[0] != want[0] {
		return []string{fmt.Sprintf("sizes: want %v, got %v", want, got)}
	}
	return nil
}

// passedOver reports whether a is b with some elements left out: at zero latency two machines may come in one moment.
func passedOver(a, b []int) bool {
	for _, v := range b {
		if len(a) > 0 && a[0] == v {
			a = a[1:]
		}
	}
	return len(a) == 0
}

// recordedSizes are the numbers of members a recorded group went through, and its last state.
func recordedSizes(t *testing.T, e exchange) (sizes []int, state string) {
	t.Helper()
	for _, raw := range e.History {
		var moment []json.RawMessage
		var seen []any
		if err := json.Unmarshal(raw, &moment); err != nil || len(moment) != 2 || json.Unmarshal(moment[1], &seen) != nil || len(seen) < 3 {
			t.Fatalf("%s: not a moment of a group: %s", e.Name, raw)
		}
		members, _ := seen[len(seen)-1].([]any)
		if len(sizes) == 0 || sizes[len(sizes)-1] != len(members) {
			sizes = append(sizes, len(members))
		}
		state, _ = seen[0].(string)
	}
	return sizes, state
}

// group is a group's state and the number of its machines.
func (r *replayer) group(t *testing.T, id string) (state string, size int) {
	t.Helper()
	state, _ = must(t, r.cloud, "admin", "listAutoScaleVmGroups", "id", id).items("autoscalevmgroup")[0]["state"].(string)
	return state, len(must(t, r.cloud, "admin", "listVirtualMachines", "autoscalevmgroupid", id).items("virtualmachine"))
}

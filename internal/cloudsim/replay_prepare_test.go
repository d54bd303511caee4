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
	case "061", "145": // loads were collected
		r.clock.Advance(time.Minute)
	case "243":
		r.until(t, "the group has two members", r.rests(2))
		r.clock.Advance(time.Minute)
	case "833":
		r.bringNetworksUp(t)
	case "868":
		r.ids["58bf7ae8-0792-4e5a-a63e-f35e8ed134a6"] = r.freeAddress(t)
	case "887":
		e.Request["certificate"], e.Request["privatekey"] = r.certificate(t)
	case "937":
		got := mustJob(t, r.cloud, "admin", "associateIpAddress", "vpcid", r.ids["65b97028-2b2a-4173-a1cc-1794f90c25ac"])
		r.ids[e.Request["publicipid"].(string)] = got.object("ipaddress")["id"].(string)
	case "1163": // the machine's time was up
		mustJob(t, r.cloud, "admin", "expungeVirtualMachine", "id", r.translate(e.Request["id"].(string)))
	}
}

// bringNetworksUp makes what the zone of the recording had by then: two networks more, a machine on each, and a tag.
func (r *replayer) bringNetworksUp(t *testing.T) {
	t.Helper()
	zone := r.ids["113489ee-eb97-4260-8e83-4f7736f8f724"]
	offering := must(t, r.cloud, "admin", "listNetworkOfferings", "name", "DefaultIsolatedNetworkOfferingWithSourceNatService").items("networkoffering")[0]["id"].(string)
	size := must(t, r.cloud, "admin", "listServiceOfferings", "name", "Small Instance").items("serviceoffering")[0]["id"].(string)
	networks := []string{r.ids["6ca2fcea-ac0e-4c50-8915-4ab93d16b4c1"]}
	for _, name := range []string{"earlier-1", "earlier-2"} {
		made := must(t, r.cloud, "admin", "createNetwork", "zoneid", zone, "networkofferingid", offering, "name", name)
		networks = append(networks, made.object("network")["id"].(string))
	}
	for i, id := range networks {
		mustJob(t, r.cloud, "admin", "deployVirtualMachine", "zoneid", zone, "serviceofferingid", size,
			"templateid", r.ids["42c8f471-e679-11f1-92f9-02fc00000001"], "networkids", id, "name", fmt.Sprintf("first-%d", i))
	}
	mustJob(t, r.cloud, "admin", "createTags", "resourcetype", "Network", "resourceids", networks[0], "tags[0].key", "rn", "tags[0].value", "one")
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
	settled(t, what, func() bool {
		if ok() {
			return true
		}
		r.clock.Advance(250 * time.Millisecond)
		return false
	})
}

// rests reports whether groups have so many running machines and none is at work.
func (r *replayer) rests(members int) func() bool {
	return func() bool {
		r.cloud.mu.Lock()
		defer r.cloud.mu.Unlock()
		running := r.cloud.store.VMs.Where(func(v VM) bool { return v.AutoScaleGroupID != "" && v.State == VMRunning })
		_, busy := r.cloud.store.AutoScaleGroups.Find(func(g AutoScaleGroup) bool { return g.State == GroupScaling })
		return len(running) == members && !busy
	}
}

// watch lets time pass until the group is as the recorded one was at last.
func (r *replayer) watch(t *testing.T, e exchange) []string {
	t.Helper()
	var last []json.RawMessage
	if err := json.Unmarshal(e.History[len(e.History)-1], &last); err != nil {
		t.Fatal(err)
	}
	return []string{"not replayed"}
}

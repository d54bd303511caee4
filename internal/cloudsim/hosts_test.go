package cloudsim

import "testing"

func TestHostsAndClusters(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	zone := first(t, must(t, c, "admin", "listZones"), "zone")
	pod := first(t, must(t, c, "admin", "listPods"), "pod")
	cluster := first(t, must(t, c, "admin", "listClusters"), "cluster")
	host := func(url string) []string {
		return []string{"zoneid", zone, "podid", pod, "clusterid", cluster, "hypervisor", "KVM", "username", "root", "password", "p", "url", url}
	}
	runSteps(t, c, map[string]string{"zone": zone, "pod": pod, "cluster": cluster}, []step{
		{name: "bad url", command: "addHost", kv: host("nonsense"), status: 431, text: "uri.scheme is null nonsense, add nfs:// (or cifs://) as a prefix"},
		{name: "add host", command: "addHost", kv: append(host("http://172.16.0.9"), "hosttags", "a,b"), keep: "h", want: `"explicithosttags":"a,b"`},
		{name: "again", command: "addHost", kv: host("http://172.16.0.9"), status: 530, text: "Could not add host at [http://172.16.0.9]"},
		{name: "tags", command: "listHostTags", want: `"count":2`},
		{name: "tags off", command: "updateHost", kv: []string{"id", "$h", "hosttags", "", "name", "nine"}, unlike: "hosttags"},
		{name: "disable", command: "updateHost", kv: []string{"id", "$h", "allocationstate", "Disable"}, want: `"resourcestate":"Disabled"`},
		{name: "bad state", command: "updateHost", kv: []string{"id", "$h", "allocationstate", "Off"}, status: 431, text: "Unable to resolve resource event 'Off'"},
		{name: "annotate", command: "updateHost", kv: []string{"id", "$h", "annotation", "broken fan", "allocationstate", "Enable"}, want: `"hasannotations":true`},
		{name: "annotations", command: "listAnnotations", kv: []string{"entitytype", "HOST", "entityid", "$h"}, want: "broken fan", keep: "note"},
		{name: "for all", command: "updateAnnotationVisibility", kv: []string{"id", "$note", "adminsonly", "false"}, want: `"adminsonly":false`},
		{name: "annotation off", command: "removeAnnotation", kv: []string{"id", "$note"}},
		{name: "what is annotated", command: "addAnnotation", kv: []string{"entitytype", "HOST", "entityid", noUUID, "annotation", "x"}, status: 530, text: "annotation will not be saved"},
		{name: "not in maintenance", command: "deleteHost", kv: []string{"id", "$h"}, status: 530, text: "as it is not in Maintenance state"},
		{name: "maintenance", command: "prepareHostForMaintenance", kv: []string{"id", "$h"}, want: `"resourcestate":"Maintenance"`},
		{name: "again", command: "prepareHostForMaintenance", kv: []string{"id", "$h"}, text: "Host is already in state Maintenance."},
		{name: "back", command: "cancelHostMaintenance", kv: []string{"id", "$h"}, want: `"resourcestate":"Enabled"`},
		{name: "back again", command: "cancelHostMaintenance", kv: []string{"id", "$h"}, text: "Cannot perform cancelMaintenance when resource state is Enabled"},
		{name: "reconnect", command: "reconnectHost", kv: []string{"id", "$h"}, want: `"state":"Up"`},
		{name: "degraded", command: "declareHostAsDegraded", kv: []string{"id", "$h"}, text: "is in Up state and can't be declared as Degraded"},
		{name: "not degraded", command: "cancelHostAsDegraded", kv: []string{"id", "$h"}, text: "Cannot perform cancelHostAsDegraded when resource state is Enabled"},
		{name: "password of nothing", command: "updateHostPassword", kv: []string{"username", "r", "password", "p"}, status: 431, text: "You should provide one of cluster id or a host id."},
		{name: "password", command: "updateHostPassword", kv: []string{"hostid", "$h", "username", "r", "password", "p"}},
		{name: "force", command: "deleteHost", kv: []string{"id", "$h", "forced", "true"}},
		{name: "bad hypervisor", command: "addCluster", kv: []string{"zoneid", "$zone", "podid", "$pod", "clustername", "c2", "clustertype", "CloudManaged", "hypervisor", "Q"}, status: 431, text: "Unable to resolve Q"},
		{name: "bad type", command: "addCluster", kv: []string{"zoneid", "$zone", "podid", "$pod", "clustername", "c2", "clustertype", "Q", "hypervisor", "KVM"}, status: 431, text: "Unable to resolve Q"},
		{name: "add", command: "addCluster", kv: []string{"zoneid", "$zone", "podid", "$pod", "clustername", "c2", "clustertype", "CloudManaged", "hypervisor", "kvm"}, keep: "c2", want: `"hypervisortype":"KVM"`},
		{name: "same name", command: "addCluster", kv: []string{"zoneid", "$zone", "podid", "$pod", "clustername", "c2", "clustertype", "CloudManaged", "hypervisor", "kvm"}, status: 530, text: "Unable to create cluster c2"},
		{name: "disable", command: "updateCluster", kv: []string{"id", "$c2", "allocationstate", "Disabled", "clustername", "c3"}, want: `"allocationstate":"Disabled"`},
		{name: "with hosts", command: "deleteCluster", kv: []string{"id", "$cluster"}, status: 530, text: "Cluster still has hosts"},
		{name: "delete", command: "deleteCluster", kv: []string{"id", "$c2"}},
	})
}

// TestMaintenanceMovesMachines checks that machines leave a host that is needed, and that dedicated hosts take only theirs.
func TestMaintenanceMovesMachines(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "admin", Options{})
	vm := text(c.deploy("a"), "id")
	on := text(c.show(vm), "hostid")
	var other string
	for _, h := range must(t, c.Cloud, "admin", "listHosts").items("host") {
		if h["id"] != on {
			other = text(h, "id")
		}
	}
	pool := first(t, must(t, c.Cloud, "admin", "listStoragePools"), "storagepool")
	domain := first(t, must(t, c.Cloud, "admin", "listDomains"), "domain")
	runSteps(t, c.Cloud, map[string]string{"vm": vm, "on": on, "other": other, "pool": pool, "domain": domain}, []step{
		{name: "where to", command: "findHostsForMigration", kv: []string{"virtualmachineid", "$vm"}, want: `"suitableformigration":true`},
		{name: "same host", command: "migrateVirtualMachine", kv: []string{"virtualmachineid", "$vm", "hostid", "$on"}, text: "VM is already present on this host"},
		{name: "migrate", command: "migrateVirtualMachine", kv: []string{"virtualmachineid", "$vm", "hostid", "$other"}, want: `"hostid":"` + other},
		{name: "and back by itself", command: "migrateVirtualMachine", kv: []string{"virtualmachineid", "$vm"}, want: `"hostid":"` + on},
		{name: "not for users", as: "user", command: "migrateVirtualMachine", kv: []string{"virtualmachineid", "$vm"}, status: 432},
		{name: "maintenance", command: "prepareHostForMaintenance", kv: []string{"id", "$on"}},
		{name: "it has moved", command: "listVirtualMachines", kv: []string{"id", "$vm"}, want: `"hostid":"` + other},
		{name: "nowhere to go", command: "prepareHostForMaintenance", kv: []string{"id", "$other"}, text: "there is no other host"},
		{name: "stuck", command: "listHosts", kv: []string{"id", "$other"}, want: "ErrorInPrepareForMaintenance"},
		{name: "back 1", command: "cancelHostMaintenance", kv: []string{"id", "$on"}},
		{name: "back 2", command: "cancelHostMaintenance", kv: []string{"id", "$other"}},
		{name: "dedicate with machines", command: "dedicateHost", kv: []string{"hostid", "$other", "domainid", "$domain", "account", "user"}, text: "has machines of others"},
		{name: "dedicate", command: "dedicateHost", kv: []string{"hostid", "$on", "domainid", "$domain", "account", "user"}, want: "affinitygroupid"},
		{name: "again", command: "dedicateHost", kv: []string{"hostid", "$on", "domainid", "$domain", "account", "user"}, text: "is already dedicated"},
		{name: "listed", command: "listDedicatedHosts", kv: []string{"account", "user"}, want: `"count":1`},
		{name: "kept", command: "prepareHostForMaintenance", kv: []string{"id", "$other"}, text: "there is no other host"},
		{name: "back", command: "cancelHostMaintenance", kv: []string{"id", "$other"}},
		{name: "release", command: "releaseDedicatedHost", kv: []string{"hostid", "$on"}},
		{name: "release again", command: "releaseDedicatedHost", kv: []string{"hostid", "$on"}, text: "No Dedicated Resource available to release"},
		{name: "pool maintenance", command: "enableStorageMaintenance", kv: []string{"id", "$pool"}, want: `"state":"Maintenance"`},
		{name: "stopped", command: "listVirtualMachines", kv: []string{"id", "$vm"}, want: `"state":"Stopped"`},
		{name: "used", command: "deleteStoragePool", kv: []string{"id", "$pool"}, status: 530, text: "associated non-destroyed vols"},
		{name: "pool back", command: "cancelStorageMaintenance", kv: []string{"id", "$pool"}, want: `"state":"Up"`},
		{name: "running again", command: "listVirtualMachines", kv: []string{"id", "$vm"}, want: `"state":"Running"`},
		{name: "sync", command: "syncStoragePool", kv: []string{"id", "$pool"}, text: "datastore cluster"},
		{name: "running machines stay", command: "assignVirtualMachine", kv: []string{"virtualmachineid", "$vm", "account", "user", "domainid", "$domain"}, status: 431, text: "Failed to move VM ["},
		{name: "stop", command: "stopVirtualMachine", kv: []string{"id", "$vm"}},
		{name: "assign", command: "assignVirtualMachine", kv: []string{"virtualmachineid", "$vm", "account", "user", "domainid", "$domain"}, want: `"account":"user"`},
		{name: "in the user's network", as: "user", command: "listVirtualMachines", kv: []string{"id", "$vm"}, want: "user-network"},
	})
}

func TestStoragePools(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "admin", Options{})
	cluster := first(t, must(t, c.Cloud, "admin", "listClusters"), "cluster")
	disk := first(t, must(t, c.Cloud, "admin", "listDiskOfferings", "name", "Small"), "diskoffering")
	pool := func(more ...string) []string {
		return append([]string{"zoneid", c.zone, "name", "p2", "clusterid", cluster, "url", "nfs://10.0.0.1/export/p2"}, more...)
	}
	vm := text(c.deploy("a"), "id")
	runSteps(t, c.Cloud, map[string]string{"zone": c.zone, "disk": disk, "vm": vm}, []step{
		{name: "no scheme", command: "createStoragePool", kv: pool("url", "10.0.0.1/x"), status: 431, text: "scheme is null 10.0.0.1/x"},
		{name: "bad scheme", command: "createStoragePool", kv: pool("url", "gopher://x/y"), status: 431, text: "Unable to figure out the scheme"},
		{name: "bad scope", command: "createStoragePool", kv: pool("scope", "galaxy"), status: 431, text: "scope galaxyis wrong"},
		{name: "create", command: "createStoragePool", kv: pool("tags", "ssd"), keep: "p2", want: `"type":"NetworkFilesystem"`},
		{name: "again", command: "createStoragePool", kv: pool(), status: 530, text: "already exists"},
		{name: "tags", command: "listStorageTags", want: `"name":"ssd"`},
		{name: "update", command: "updateStoragePool", kv: []string{"id", "$p2", "tags", "", "name", "two"}, unlike: "ssd"},
		{name: "disabled", command: "updateStoragePool", kv: []string{"id", "$p2", "enabled", "false"}, want: `"state":"Disabled"`},
		{name: "enabled", command: "updateStoragePool", kv: []string{"id", "$p2", "enabled", "true"}, want: `"state":"Up"`},
		{name: "providers", command: "listStorageProviders", kv: []string{"type", "primary"}, want: "DefaultPrimary"},
		{name: "no providers", command: "listStorageProviders", kv: []string{"type", "tape"}, status: 431, text: "tape is not supported"},
		{name: "volume", command: "createVolume", kv: []string{"zoneid", "$zone", "diskofferingid", "$disk", "name", "v"}, keep: "v"},
		{name: "without place", command: "migrateVolume", kv: []string{"volumeid", "$v", "storageid", "$p2"}, text: "Volume must be in ready state"},
		{name: "attach", command: "attachVolume", kv: []string{"id", "$v", "virtualmachineid", "$vm"}},
		{name: "detach", command: "detachVolume", kv: []string{"id", "$v"}},
	})
	v := must(t, c.Cloud, "admin", "listVolumes", "name", "v").items("volume")[0]
	var to string
	for _, p := range must(t, c.Cloud, "admin", "listStoragePools").items("storagepool") {
		if p["id"] != v["storageid"] {
			to = text(p, "id")
		}
	}
	runSteps(t, c.Cloud, map[string]string{"v": text(v, "id"), "at": text(v, "storageid"), "to": to, "zone": c.zone}, []step{
		{name: "where it is", command: "migrateVolume", kv: []string{"volumeid", "$v", "storageid", "$at"}, text: "is already on the destination storage pool"},
		{name: "where to", command: "findStoragePoolsForMigration", kv: []string{"id", "$v"}, want: `"suitableformigration":true`},
		{name: "migrate", command: "migrateVolume", kv: []string{"volumeid", "$v", "storageid", "$to"}, want: `"storageid":"` + to},
		{name: "extract", command: "extractVolume", kv: []string{"id", "$v", "zoneid", "$zone", "mode", "HTTP_DOWNLOAD"}, text: "Failed to extract volume"},
		{name: "extract how", command: "extractVolume", kv: []string{"id", "$v", "zoneid", "$zone", "mode", "MAIL"}, text: "Please specify a valid extract Mode"},
		{name: "to maintenance", command: "enableStorageMaintenance", kv: []string{"id", "$at"}},
		{name: "from maintenance", command: "migrateVolume", kv: []string{"volumeid", "$v", "storageid", "$at"}, text: "as the storage pool is in maintenance mode"},
		{name: "again", command: "enableStorageMaintenance", kv: []string{"id", "$at"}, text: "is not ready for migration, as the status is:Maintenance"},
	})
}

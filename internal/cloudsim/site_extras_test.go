package cloudsim

import "testing"

func TestGuestOperatingSystems(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	rocky := first(t, must(t, c, "admin", "listOsTypes", "description", "Rocky Linux 9"), "ostype")
	runSteps(t, c, map[string]string{"rocky": rocky}, []step{
		{name: "category", command: "addOsCategory", kv: []string{"name", "Toys"}, keep: "k", want: `"isfeatured":false`},
		{name: "again", command: "addOsCategory", kv: []string{"name", "Toys"}, status: 431, text: "already exists"},
		{name: "system", command: "addGuestOs", kv: []string{"oscategoryid", "$k", "osdisplayname", "ToyOS 1"}, keep: "o", want: `"isuserdefined":true`},
		{name: "same", command: "addGuestOs", kv: []string{"oscategoryid", "$k", "osdisplayname", "ToyOS 1"}, status: 431, text: "The specified Guest OS name : ToyOS 1 already exists."},
		{name: "rename", command: "updateGuestOs", kv: []string{"id", "$o", "osdisplayname", "ToyOS 2"}, want: "ToyOS 2"},
		{name: "installed", command: "updateGuestOs", kv: []string{"id", "$rocky", "osdisplayname", "X"}, text: "Unable to modify system defined guest OS"},
		{name: "found", as: "user", command: "listOsTypes", kv: []string{"oscategoryid", "$k"}, want: `"isuserdefined":true`},
		{name: "used category", command: "deleteOsCategory", kv: []string{"id", "$k"}, status: 431, text: "has guest OS entries"},
		{name: "category's name", command: "updateOsCategory", kv: []string{"id", "$k", "name", "Games"}, want: `"name":"Games"`},
		{name: "mapping of what", command: "addGuestOsMapping", kv: []string{"hypervisor", "KVM", "hypervisorversion", "default", "osnameforhypervisor", "toy"}, status: 431, text: "Please specify either a guest OS name or UUID"},
		{name: "mapping", command: "addGuestOsMapping", kv: []string{"ostypeid", "$o", "hypervisor", "kvm", "hypervisorversion", "default", "osnameforhypervisor", "toy"}, keep: "m", want: `"hypervisor":"KVM"`},
		{name: "mapping again", command: "addGuestOsMapping", kv: []string{"ostypeid", "$o", "hypervisor", "kvm", "hypervisorversion", "default", "osnameforhypervisor", "toy"}, status: 431, text: "already exists!"},
		{name: "change", command: "updateGuestOsMapping", kv: []string{"id", "$m", "osnameforhypervisor", "game"}, want: "game"},
		{name: "mappings", command: "listGuestOsMapping", kv: []string{"osnameforhypervisor", "game"}, want: `"count":1`},
		{name: "remove mapping", command: "removeGuestOsMapping", kv: []string{"id", "$m"}},
		{name: "remove installed", command: "removeGuestOs", kv: []string{"id", "$rocky"}, text: "Unable to remove system defined guest OS"},
		{name: "remove", command: "removeGuestOs", kv: []string{"id", "$o"}},
		{name: "remove category", command: "deleteOsCategory", kv: []string{"id", "$k"}},
	})
}

func TestImageStoresAndCapacity(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "admin", Options{})
	c.deploy("a")
	runSteps(t, c.Cloud, map[string]string{"zone": c.zone}, []step{
		{name: "one", command: "listImageStores", want: `"count":1`, keep: "s"},
		{name: "no scheme", command: "addImageStore", kv: []string{"provider", "NFS", "url", "x/y", "zoneid", "$zone"}, status: 431, text: "scheme is null x/y"},
		{name: "no zone", command: "addImageStore", kv: []string{"provider", "NFS", "url", "nfs://x/y"}, status: 431, text: "Zone scope is required"},
		{name: "the only one", command: "deleteImageStore", kv: []string{"id", "$s"}, status: 530, text: "Cannot delete image store with active templates"},
		{name: "add", command: "addImageStore", kv: []string{"provider", "NFS", "url", "nfs://x/y", "zoneid", "$zone", "name", "two"}, keep: "t", want: `"protocol":"nfs"`},
		{name: "again", command: "addImageStore", kv: []string{"provider", "NFS", "url", "nfs://x/y", "zoneid", "$zone"}, status: 530, text: "already exists"},
		{name: "read only", command: "updateImageStore", kv: []string{"id", "$t", "readonly", "true"}, want: `"readonly":true`},
		{name: "delete", command: "deleteImageStore", kv: []string{"id", "$t"}},
		{name: "staging", command: "createSecondaryStagingStore", kv: []string{"url", "nfs://s/t", "zoneid", "$zone"}, keep: "g"},
		{name: "staging listed", command: "listSecondaryStagingStores", want: `"count":1`},
		{name: "staging off", command: "deleteSecondaryStagingStore", kv: []string{"id", "$g"}},
		{name: "memory", command: "listCapacity", kv: []string{"type", "0"}, want: `"capacityused":1073741824`},
		{name: "vlans", command: "listCapacity", kv: []string{"type", "7"}, want: `"capacitytotal":900`},
		{name: "all", command: "listCapacity", kv: []string{"zoneid", "$zone", "sortby", "usage"}, want: `"count":7`},
		{name: "server", command: "listManagementServers", want: `"state":"Up"`},
		{name: "infrastructure", command: "listInfrastructure", want: `"systemvms":2`},
		{name: "region", as: "user", command: "listRegions", want: `"name":"Local"`},
		{name: "usage", as: "user", command: "listUsageTypes", want: "RUNNING_VM"},
		{name: "quota", as: "user", command: "quotaIsEnabled", want: `"isenabled":false`},
		{name: "planners", command: "listDeploymentPlanners", want: "FirstFitPlanner"},
	})
}

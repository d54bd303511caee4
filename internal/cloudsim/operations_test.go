package cloudsim

import "testing"

func TestAlertsAndEvents(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	must(t, c, "user", "createSecurityGroup", "name", "g")
	must(t, c, "admin", "createSecurityGroup", "name", "g")
	foreign := first(t, must(t, c, "admin", "listEvents", "type", "SG.CREATE"), "event")
	runSteps(t, c, map[string]string{"foreign": foreign}, []step{
		{name: "types", command: "listAlertTypes", want: "ALERT.COMPUTE.HOST"},
		{name: "no such type", command: "generateAlert", kv: []string{"type", "99", "name", "n", "description", "d"}, text: "Invalid alert type: 99"},
		{name: "make", command: "generateAlert", kv: []string{"type", "7", "name", "n", "description", "fan"}},
		{name: "another", command: "generateAlert", kv: []string{"type", "14", "name", "n", "description", "disk"}},
		{name: "listed", command: "listAlerts", kv: []string{"type", "7"}, keep: "a", want: "fan"},
		{name: "which", command: "archiveAlerts", status: 431, text: "either ids, type or enddate must be specified"},
		{name: "since when", command: "archiveAlerts", kv: []string{"type", "7", "startdate", "2020-01-01"}, status: 431, text: "enddate must be specified with startdate parameter"},
		{name: "archive", command: "archiveAlerts", kv: []string{"ids", "$a"}},
		{name: "one left", command: "listAlerts", want: `"count":1`, unlike: "fan"},
		{name: "delete by time", command: "deleteAlerts", kv: []string{"startdate", "2020-01-01", "enddate", "2100-01-01"}},
		{name: "none left", command: "listAlerts", unlike: "count"},
		{name: "not for users", as: "user", command: "listAlerts", status: 432},
		{name: "own event", as: "user", command: "listEvents", kv: []string{"type", "SG.CREATE"}, keep: "e"},
		{name: "not somebody else's", as: "user", command: "deleteEvents", kv: []string{"ids", "$foreign"}, status: 530},
		{name: "archive event", as: "user", command: "archiveEvents", kv: []string{"ids", "$e"}},
		{name: "it is away", as: "user", command: "listEvents", kv: []string{"type", "SG.CREATE"}, unlike: "count"},
		{name: "but there", as: "user", command: "listEvents", kv: []string{"type", "SG.CREATE", "archived", "true"}, want: `"count":1`},
		{name: "delete event", as: "user", command: "deleteEvents", kv: []string{"type", "SG.CREATE"}},
		{name: "gone", as: "user", command: "listEvents", kv: []string{"type", "SG.CREATE", "archived", "true"}, unlike: "count"},
		{name: "the other's stays", command: "listEvents", kv: []string{"type", "SG.CREATE"}, want: `"count":1`},
	})
}

func TestResourceDetails(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "admin", Options{})
	vm := text(c.deploy("a", "startvm", "false"), "id")
	runSteps(t, c.Cloud, map[string]string{"zone": c.zone, "vm": vm}, []step{
		{name: "type", command: "addResourceDetail", kv: []string{"resourcetype", "Moon", "resourceid", "$zone", "details[0].key", "k", "details[0].value", "v"}, text: "Invalid resource type Moon"},
		{name: "nothing there", command: "addResourceDetail", kv: []string{"resourcetype", "Zone", "resourceid", noUUID, "details[0].key", "k", "details[0].value", "v"}, text: "Unable to find resource by uuid"},
		{name: "empty", command: "addResourceDetail", kv: []string{"resourcetype", "Zone", "resourceid", "$zone", "details[0].key", "k", "details[0].value", ""}, text: "Value for the key k is either null or empty"},
		{name: "add", command: "addResourceDetail", kv: []string{"resourcetype", "zone", "resourceid", "$zone", "details[0].key", "k", "details[0].value", "v"}},
		{name: "change", command: "addResourceDetail", kv: []string{"resourcetype", "Zone", "resourceid", "$zone", "details[0].key", "k", "details[0].value", "w"}},
		{name: "listed", command: "listResourceDetails", kv: []string{"resourcetype", "Zone", "resourceid", "$zone"}, want: `"value":"w"`},
		{name: "by value", command: "listResourceDetails", kv: []string{"resourcetype", "Zone", "key", "k", "value", "w"}, want: `"count":1`},
		{name: "by what", command: "listResourceDetails", kv: []string{"resourcetype", "Zone"}, status: 431, text: "Insufficient parameters passed for listing"},
		{name: "key of it", command: "listResourceDetails", kv: []string{"resourcetype", "Zone", "value", "w"}, status: 431, text: "Listing by (key, value) but key is null."},
		{name: "remove", command: "removeResourceDetail", kv: []string{"resourcetype", "Zone", "resourceid", "$zone", "key", "k"}},
		{name: "removed", command: "listResourceDetails", kv: []string{"resourcetype", "Zone", "resourceid", "$zone"}, unlike: "count"},
		{name: "machine", command: "addResourceDetail", kv: []string{"resourcetype", "UserVm", "resourceid", "$vm", "details[0].key", "x.y", "details[0].value", "z"}},
		{name: "shows", command: "listVirtualMachines", kv: []string{"id", "$vm"}, want: `"x.y":"z"`},
		{name: "its own", command: "listResourceDetails", kv: []string{"resourcetype", "UserVm", "resourceid", "$vm", "key", "x.y"}, want: `"count":1`},
		{name: "all off", command: "removeResourceDetail", kv: []string{"resourcetype", "UserVm", "resourceid", "$vm"}},
		{name: "no more", command: "listVirtualMachines", kv: []string{"id", "$vm"}, unlike: "x.y"},
		{name: "options", as: "user", command: "listDetailOptions", kv: []string{"resourcetype", "UserVm"}, want: "rootDiskController"},
	})
}

func TestSystemMachinesAndRouters(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "admin", Options{})
	c.deploy("a")
	r := first(t, must(t, c.Cloud, "admin", "listRouters"), "router")
	vars := runSteps(t, c.Cloud, map[string]string{"r": r, "net": c.network}, []step{
		{name: "two", command: "listSystemVms", want: `"count":2`},
		{name: "proxy", command: "listSystemVms", kv: []string{"systemvmtype", "consoleproxy"}, keep: "v", want: `"name":"v-2-VM"`},
		{name: "stop", command: "stopSystemVm", kv: []string{"id", "$v"}, want: `"state":"Stopped"`, unlike: "agentstate"},
		{name: "reboot what is off", command: "rebootSystemVm", kv: []string{"id", "$v"}, text: "Fail to reboot system vm"},
		{name: "move what is off", command: "migrateSystemVm", kv: []string{"virtualmachineid", "$v"}, text: "VM is not Running"},
		{name: "start", command: "startSystemVm", kv: []string{"id", "$v"}, want: `"state":"Running"`},
		{name: "move", command: "migrateSystemVm", kv: []string{"virtualmachineid", "$v"}, want: "systemvm"},
		{name: "reboot", command: "rebootSystemVm", kv: []string{"id", "$v"}, want: `"state":"Running"`},
		{name: "destroy", command: "destroySystemVm", kv: []string{"id", "$v"}, want: `"state":"Destroyed"`},
		{name: "another came", command: "listSystemVms", kv: []string{"systemvmtype", "consoleproxy"}, want: `"name":"v-3-VM"`},
		{name: "router off", command: "stopRouter", kv: []string{"id", "$r"}, want: `"state":"Stopped"`},
		{name: "reboot it", command: "rebootRouter", kv: []string{"id", "$r"}, text: "it is not in right state Stopped"},
		{name: "router on", command: "startRouter", kv: []string{"id", "$r"}, want: `"state":"Running"`},
		{name: "again", command: "rebootRouter", kv: []string{"id", "$r"}, want: `"state":"Running"`},
		{name: "away", command: "destroyRouter", kv: []string{"id", "$r"}},
		{name: "none", command: "listRouters", unlike: "count"},
		{name: "restart", command: "restartNetwork", kv: []string{"id", "$net"}},
		{name: "back", command: "listRouters", want: `"state":"Running"`},
	})
	if vars["v"] == "" {
		t.Error("no console proxy")
	}
}

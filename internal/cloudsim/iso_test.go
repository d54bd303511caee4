package cloudsim

import "testing"

func TestISO(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "user", Options{})
	os := first(t, must(t, c.Cloud, "user", "listOsTypes", "description", "Rocky Linux 9"), "ostype")
	vm := text(c.deploy("a", "startvm", "false"), "id")
	other := text(must(t, c.Cloud, "admin", "createZone", "name", "z2", "networktype", "Advanced", "dns1", "8.8.8.8", "internaldns1", "8.8.8.8").object("zone"), "id")
	register := func(more ...string) []string {
		return append([]string{"name", "cd", "displaytext", "CD", "zoneid", c.zone, "url", "http://images.example.com/cd.iso"}, more...)
	}
	runSteps(t, c.Cloud, map[string]string{"vm": vm, "z2": other, "zone": c.zone, "template": c.template}, []step{
		{name: "bootable without system", as: "user", command: "registerIso", kv: register(), status: 431, text: "Please pass a valid GuestOS Id"},
		{name: "file url", as: "user", command: "registerIso", kv: register("ostypeid", os, "url", "file:///cd.iso"), status: 431, text: "File:// type urls are currently unsupported"},
		{name: "not an iso", as: "user", command: "registerIso", kv: register("ostypeid", os, "url", "http://images.example.com/cd.img"), status: 431, text: "Please specify a valid iso URL"},
		{name: "unknown zone", as: "user", command: "registerIso", kv: register("ostypeid", os, "zoneid", noUUID), status: 431, text: "Invalid parameter zoneid"},
		{name: "all zones", as: "user", command: "registerIso", kv: register("ostypeid", os, "zoneid", "-1"), status: 431, text: "Template registered for 'All zones' can only be owned a Root Admin account."},
		{name: "register", as: "user", command: "registerIso", kv: register("ostypeid", os), keep: "iso", want: `"bootable":true`},
		{name: "listed", as: "user", command: "listIsos", kv: []string{"name", "cd"}, want: `"isready":true`},
		{name: "update", as: "user", command: "updateIso", kv: []string{"id", "$iso", "displaytext", "disc"}, want: `"displaytext":"disc"`},
		{name: "a template is no ISO", as: "admin", command: "updateIso", kv: []string{"id", "$template"}, status: 431, text: "Please provide a valid iso"},
		{name: "nothing in the drive", as: "user", command: "detachIso", kv: []string{"virtualmachineid", "$vm"}, text: "The specified VM has no ISO attached to it."},
		{name: "a template in the drive", as: "user", command: "attachIso", kv: []string{"id", "$template", "virtualmachineid", "$vm"}, text: "Unable to find an ISO with id"},
		{name: "attach", as: "user", command: "attachIso", kv: []string{"id", "$iso", "virtualmachineid", "$vm"}, want: `"isoname":"cd"`},
		{name: "shown", as: "user", command: "listVirtualMachines", kv: []string{"id", "$vm"}, want: `"isodisplaytext":"disc"`},
		{name: "in use", as: "user", command: "deleteIso", kv: []string{"id", "$iso"}, text: "Unable to delete iso, as it's used by other vms"},
		{name: "detach", as: "user", command: "detachIso", kv: []string{"virtualmachineid", "$vm"}, unlike: "isoname"},
		{name: "copy to its own zone", as: "user", command: "copyIso", kv: []string{"id", "$iso", "destzoneid", "$zone"}, text: "Please specify different source and destination zones."},
		{name: "copy", as: "user", command: "copyIso", kv: []string{"id", "$iso", "sourcezoneid", "$zone", "destzoneid", "$z2"}, want: `"zonename":"z2"`},
		{name: "in both zones", as: "user", command: "listIsos", kv: []string{"id", "$iso"}, want: `"count":2`},
		{name: "in one", as: "user", command: "listIsos", kv: []string{"id", "$iso", "zoneid", "$z2"}, want: `"count":1`},
		{name: "out of one zone", as: "user", command: "deleteIso", kv: []string{"id", "$iso", "zoneid", "$z2"}},
		{name: "left in the other", as: "user", command: "listIsos", kv: []string{"id", "$iso"}, want: `"count":1`},
		{name: "permissions", as: "user", command: "updateIsoPermissions", kv: []string{"id", "$iso", "op", "add", "accounts", "admin"}},
		{name: "permitted", as: "user", command: "listIsoPermissions", kv: []string{"id", "$iso"}, want: `"admin"`},
		{name: "not extractable", as: "user", command: "extractIso", kv: []string{"id", "$iso", "mode", "HTTP_DOWNLOAD"}, text: "as it's not extractable"},
		{name: "bad mode", as: "admin", command: "extractIso", kv: []string{"id", "$iso", "mode", "X"}, text: "Please specify a valid extract Mode"},
		{name: "not a template", as: "admin", command: "extractTemplate", kv: []string{"id", "$iso", "mode", "HTTP_DOWNLOAD"}, text: "Unsupported format, could not extract the template"},
		{name: "nobody hands it out", as: "admin", command: "extractTemplate", kv: []string{"id", "$template", "mode", "HTTP_DOWNLOAD"}, text: "Failed to extract template"},
		{name: "delete", as: "user", command: "deleteIso", kv: []string{"id", "$iso"}},
		{name: "gone", as: "user", command: "listIsos", kv: []string{"name", "cd"}, unlike: "count"},
	})
}

package cloudsim

import (
	"strings"
	"testing"
)

// TestWhatPeersDo holds what tools that others wrote rely on, and the API's texts do not tell.
func TestWhatPeersDo(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})

	if offerings := must(t, c, "admin", "listVPCOfferings", "name", "default vpc OFFERING").items("vpcoffering"); len(offerings) != 1 {
		t.Errorf("an offering by its name in other letters: %d found", len(offerings))
	}

	account := must(t, c, "admin", "createAccount", "username", "ann", "password", "secret1", "firstname", "Ann", "lastname", "A",
		"email", "ann@example.com", "roleid", "4").object("account")
	if got := text(account, "rolename"); got != "User" {
		t.Errorf("an account with the role 4 has the role %q", got)
	}

	zone := must(t, c, "admin", "createZone", "name", "z2", "networktype", "Advanced", "dns1", "8.8.8.8", "internaldns1", "8.8.8.8",
		"internaldns2", "8.8.4.4").object("zone")
	if got := text(zone, "internaldns2"); got != "8.8.4.4" {
		t.Errorf("the second internal name server is %q", got)
	}

	first := must(t, c, "admin", "listZones").items("zone")[0]
	disk := must(t, c, "admin", "listDiskOfferings", "name", "Small").items("diskoffering")[0]
	made := await(t, c, "admin", must(t, c, "admin", "createVolume", "name", "v", "zoneid", text(first, "id"), "diskofferingid", text(disk, "id")))
	volume := text(made.object("volume"), "id")
	await(t, c, "admin", must(t, c, "admin", "updateVolume", "id", volume, "deleteprotection", "true"))
	if r := call(t, c, "admin", "deleteVolume", "id", volume); r.status != 431 || !strings.Contains(r.text(), "has delete protection enabled") {
		t.Errorf("delete of a protected volume: %d %s", r.status, r.text())
	}
}

// TestStorageRanges goes through the life of a range of storage addresses.
func TestStorageRanges(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	pod := text(must(t, c, "admin", "listPods").items("pod")[0], "id")
	create := func(start, end string) result {
		return call(t, c, "admin", "createStorageNetworkIpRange", "podid", pod, "gateway", "10.9.0.1", "netmask", "255.255.255.0",
			"startip", start, "endip", end, "vlan", "7")
	}
	made := await(t, c, "admin", create("10.9.0.10", "10.9.0.20")).object("storagenetworkiprange")
	if made["vlan"] != float64(7) || text(made, "endip") != "10.9.0.20" {
		t.Errorf("made: %v", made)
	}
	for name, r := range map[string]result{
		"overlaps":     create("10.9.0.20", "10.9.0.30"),
		"out of place": create("10.8.0.20", "10.8.0.30"),
		"backwards":    create("10.9.0.40", "10.9.0.30"),
	} {
		if r.status != 431 {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	await(t, c, "admin", must(t, c, "admin", "updateStorageNetworkIpRange", "id", text(made, "id"), "endip", "10.9.0.25"))
	if rows := must(t, c, "admin", "listStorageNetworkIpRange").items("storagenetworkiprange"); len(rows) != 1 || text(rows[0], "endip") != "10.9.0.25" {
		t.Errorf("listed: %v", rows)
	}
	await(t, c, "admin", must(t, c, "admin", "deleteStorageNetworkIpRange", "id", text(made, "id")))
	if rows := must(t, c, "admin", "listStorageNetworkIpRange").items("storagenetworkiprange"); len(rows) != 0 {
		t.Errorf("listed after the delete: %v", rows)
	}
}

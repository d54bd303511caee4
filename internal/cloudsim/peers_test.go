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

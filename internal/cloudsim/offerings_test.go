package cloudsim

import "testing"

// TestOfferings makes, changes and removes offerings of all kinds, and checks who sees them.
func TestOfferings(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	domain := must(t, c, "admin", "createDomain", "name", "d").object("domain")["id"].(string)
	hidden := must(t, c, "admin", "createServiceOffering", "name", "s", "displaytext", "s", "cpunumber", "1", "cpuspeed", "500", "memory", "256", "domainid", domain).object("serviceoffering")["id"].(string)
	if r := must(t, c, "user", "listServiceOfferings", "id", hidden); r.body["count"] != nil {
		t.Errorf("an offering of another domain is shown: %s", r.raw)
	}
	must(t, c, "admin", "updateServiceOffering", "id", hidden, "domainid", "public")
	if r := must(t, c, "user", "listServiceOfferings", "id", hidden); r.body["count"] != float64(1) {
		t.Errorf("a public offering is not shown: %s", r.raw)
	}
	must(t, c, "admin", "deleteServiceOffering", "id", hidden)
	if r := must(t, c, "admin", "listServiceOfferings", "id", hidden); r.body["count"] != nil {
		t.Errorf("a deleted offering is shown: %s", r.raw)
	}
	if r := call(t, c, "user", "createDiskOffering", "name", "x", "displaytext", "x", "disksize", "1"); r.status != 432 {
		t.Errorf("a user made an offering: %s", r.raw)
	}
	net := must(t, c, "admin", "createNetworkOffering", "name", "n", "displaytext", "n", "guestiptype", "Isolated", "traffictype", "GUEST",
		"supportedservices", "Dhcp,Dns,SourceNat,Lb").object("networkoffering")["id"].(string)
	zone := must(t, c, "admin", "listZones").items("zone")[0]["id"].(string)
	if r := call(t, c, "admin", "createNetwork", "name", "n", "zoneid", zone, "networkofferingid", net); r.status != 431 {
		t.Errorf("a disabled offering was used: %s", r.raw)
	}
	must(t, c, "admin", "updateNetworkOffering", "id", net, "state", "Enabled")
	must(t, c, "admin", "createNetwork", "name", "n", "zoneid", zone, "networkofferingid", net)
	if r := call(t, c, "admin", "deleteNetworkOffering", "id", net); r.status != 431 {
		t.Errorf("an offering in use was deleted: %s", r.raw)
	}
}

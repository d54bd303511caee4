package cloudsim

import "testing"

// vpcWithTier makes a VPC and one tier of it, with the list of rules given.
func vpcWithTier(t *testing.T, c *Cloud, acl string) (vpc, tier string) {
	t.Helper()
	zone := must(t, c, "admin", "listZones").items("zone")[0]["id"].(string)
	offering := must(t, c, "admin", "listVPCOfferings", "name", "Default VPC offering").items("vpcoffering")[0]["id"].(string)
	vpc = mustJob(t, c, "admin", "createVPC", "name", "v", "zoneid", zone, "vpcofferingid", offering, "cidr", "10.80.0.0/16").object("vpc")["id"].(string)
	tierOffering := must(t, c, "admin", "listNetworkOfferings", "name", "DefaultIsolatedNetworkOfferingForVpcNetworks").items("networkoffering")[0]["id"].(string)
	tier = must(t, c, "admin", "createNetwork", "name", "t", "zoneid", zone, "networkofferingid", tierOffering, "vpcid", vpc,
		"gateway", "10.80.1.1", "netmask", "255.255.255.0", "aclid", acl).object("network")["id"].(string)
	return vpc, tier
}

// TestVPCKeepsItsThings checks in which order a VPC and its parts can be deleted.
func TestVPCKeepsItsThings(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	vpc, tier := vpcWithTier(t, c, aclDefaultAllow)
	if r := await(t, c, "admin", must(t, c, "admin", "deleteVPC", "id", vpc)); r.text() == "" {
		t.Error("a VPC with a tier was deleted")
	}
	list := mustJob(t, c, "admin", "createNetworkACLList", "name", "l", "vpcid", vpc).object("networkacllist")["id"].(string)
	mustJob(t, c, "admin", "replaceNetworkACLList", "networkid", tier, "aclid", list)
	if r := await(t, c, "admin", must(t, c, "admin", "deleteNetworkACLList", "id", list)); r.text() == "" {
		t.Error("a list in use was deleted")
	}
	mustJob(t, c, "admin", "deleteNetwork", "id", tier)
	mustJob(t, c, "admin", "deleteNetworkACLList", "id", list)
	mustJob(t, c, "admin", "deleteVPC", "id", vpc)
	if r := must(t, c, "admin", "listPublicIpAddresses", "listall", "true"); r.body["count"] != nil {
		t.Errorf("the VPC's address is still taken: %s", r.raw)
	}
}

// TestACLJudgesInOrder checks who is let in to a port by a list of rules.
func TestACLJudgesInOrder(t *testing.T) {
	t.Parallel()
	port := func(n int) *int { return &n }
	tcp := func(deny bool, p int, cidr string) ACLItem {
		return ACLItem{Protocol: "tcp", Deny: deny, StartPort: port(p), EndPort: port(p), CIDRs: []string{cidr}}
	}
	for name, tc := range map[string]struct {
		items []ACLItem
		want  int
	}{
		"nothing fits":              {[]ACLItem{tcp(false, 80, "0.0.0.0/0")}, 0},
		"allowed":                   {[]ACLItem{tcp(false, 22, "10.0.0.0/8")}, 1},
		"denied before":             {[]ACLItem{tcp(true, 22, "0.0.0.0/0"), tcp(false, 22, "10.0.0.0/8")}, 0},
		"denied after":              {[]ACLItem{tcp(false, 22, "10.0.0.0/8"), tcp(true, 22, "0.0.0.0/0")}, 1},
		"another network denied":    {[]ACLItem{tcp(true, 22, "192.168.0.0/16"), tcp(false, 22, "10.0.0.0/8")}, 1},
		"all protocols":             {[]ACLItem{{Protocol: "all", CIDRs: []string{"0.0.0.0/0"}}}, 1},
		"egress rules do not count": {[]ACLItem{{Protocol: "all", Egress: true, CIDRs: []string{"0.0.0.0/0"}}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := admitted(tc.items, 22); len(got) != tc.want {
				t.Errorf("admitted %v, want %d networks", got, tc.want)
			}
		})
	}
}

// TestMoveACLItem checks that rules make room for one that is put between them.
func TestMoveACLItem(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	vpc, _ := vpcWithTier(t, c, aclDefaultAllow)
	list := mustJob(t, c, "admin", "createNetworkACLList", "name", "l", "vpcid", vpc).object("networkacllist")["id"].(string)
	ids := make([]string, 3)
	for i := range ids {
		ids[i] = mustJob(t, c, "admin", "createNetworkACL", "aclid", list, "protocol", "all").object("networkacl")["id"].(string)
	}
	mustJob(t, c, "admin", "moveNetworkAclItem", "id", ids[2], "previousaclruleid", ids[0])
	numbers := map[string]float64{}
	for _, i := range must(t, c, "admin", "listNetworkACLs", "aclid", list).items("networkacl") {
		numbers[i["id"].(string)] = i["number"].(float64)
	}
	if !(numbers[ids[0]] < numbers[ids[2]] && numbers[ids[2]] < numbers[ids[1]]) {
		t.Errorf("numbers after the move: %v of %v", numbers, ids)
	}
}

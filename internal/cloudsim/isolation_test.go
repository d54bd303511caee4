package cloudsim

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

// sshFrom tells what a machine meets at port 22 of an address: "open" if a server greets it there.
func (c *compute) sshFrom(vmID, address string) string {
	c.t.Helper()
	cfg, _, err := c.guests.config(vmID)
	if err != nil {
		c.t.Fatal(err)
	}
	conn, err := cfg.Network.Dial(c.t.Context(), netip.AddrPortFrom(netip.MustParseAddr(address), 22))
	if err != nil {
		return "closed"
	}
	return greets(c.t, conn)
}

func greets(t *testing.T, conn net.Conn) string {
	t.Helper()
	defer func() { _ = conn.Close() }()
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	greeting := make([]byte, 4)
	if _, err := io.ReadFull(conn, greeting); err != nil || string(greeting) != "SSH-" {
		return "closed"
	}
	return "open"
}

// sshOutside tells what this machine meets at port 22 of a public address.
func (c *compute) sshOutside(address string) string {
	c.t.Helper()
	at := net.JoinHostPort(address, "22")
	if mapped, ok := c.Status().Public[at]; ok {
		at = mapped
	}
	conn, err := net.Dial("tcp", at)
	if err != nil {
		return "closed"
	}
	return greets(c.t, conn)
}

func privateAddress(vm map[string]any) string {
	nics, _ := vm["nic"].([]any)
	if len(nics) == 0 {
		return ""
	}
	nic, _ := nics[0].(map[string]any)
	return text(nic, "ipaddress")
}

// TestNoRuleNoPath opens one thing after the other and looks each time who reaches a machine.
func TestNoRuleNoPath(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "admin", Options{PublicRange: ownRange()})
	web, mate := c.deploy("web"), c.deploy("mate")
	here := c.network
	offering := first(t, must(t, c.Cloud, "admin", "listNetworkOfferings", "name", "DefaultIsolatedNetworkOfferingWithSourceNatService"), "networkoffering")
	c.network = text(must(t, c.Cloud, "admin", "createNetwork", "name", "other", "zoneid", c.zone, "networkofferingid", offering,
		"gateway", "10.9.0.1", "netmask", "255.255.255.0").object("network"), "id")
	stranger := c.deploy("stranger")
	there := c.network
	ip := must(t, c.Cloud, "admin", "listPublicIpAddresses", "associatednetworkid", here).items("publicipaddress")[0]
	address, private := text(ip, "ipaddress"), privateAddress(web)
	check := func(step, want string) {
		t.Helper()
		got := "mate " + c.sshFrom(text(mate, "id"), private) + ", stranger " + c.sshFrom(text(stranger, "id"), private) +
			"; by the public address: itself " + c.sshFrom(text(web, "id"), address) + ", mate " + c.sshFrom(text(mate, "id"), address) +
			", stranger " + c.sshFrom(text(stranger, "id"), address) + ", outside " + c.sshOutside(address)
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", step, got, want)
		}
	}
	check("no rule", "mate open, stranger closed; by the public address: itself closed, mate closed, stranger closed, outside closed")
	mustJob(t, c.Cloud, "admin", "createPortForwardingRule", "ipaddressid", text(ip, "id"), "protocol", "tcp", "publicport", "22", "privateport", "22",
		"virtualmachineid", text(web, "id"), "openfirewall", "false")
	check("forwarded, firewall closed", "mate open, stranger closed; by the public address: itself closed, mate closed, stranger closed, outside closed")
	rule := mustJob(t, c.Cloud, "admin", "createFirewallRule", "ipaddressid", text(ip, "id"), "protocol", "tcp", "startport", "22", "endport", "22",
		"cidrlist", "10.1.1.0/24").object("firewallrule")
	check("open for the network itself", "mate open, stranger closed; by the public address: itself open, mate open, stranger closed, outside closed")
	mustJob(t, c.Cloud, "admin", "deleteFirewallRule", "id", text(rule, "id"))
	mustJob(t, c.Cloud, "admin", "createFirewallRule", "ipaddressid", text(ip, "id"), "protocol", "tcp", "startport", "22", "endport", "22")
	check("open for all, the other network lets nothing out", "mate open, stranger closed; by the public address: itself open, mate open, stranger closed, outside open")
	mustJob(t, c.Cloud, "admin", "createEgressFirewallRule", "networkid", there, "protocol", "tcp", "startport", "22", "endport", "22")
	check("the other network lets out", "mate open, stranger closed; by the public address: itself open, mate open, stranger open, outside open")
}

// TestTiersTalkAsTheirListsSay lets one tier of a VPC reach another.
func TestTiersTalkAsTheirListsSay(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "admin", Options{PublicRange: ownRange()})
	vpc, front := vpcWithTier(t, c.Cloud, aclDefaultAllow)
	offering := first(t, must(t, c.Cloud, "admin", "listNetworkOfferings", "name", "DefaultIsolatedNetworkOfferingForVpcNetworks"), "networkoffering")
	back := text(must(t, c.Cloud, "admin", "createNetwork", "name", "back", "zoneid", c.zone, "networkofferingid", offering, "vpcid", vpc,
		"gateway", "10.80.2.1", "netmask", "255.255.255.0", "aclid", aclDefaultDeny).object("network"), "id")
	c.network = front
	web := c.deploy("web")
	c.network = back
	db := c.deploy("db")
	check := func(step, want string) {
		t.Helper()
		got := "web to db " + c.sshFrom(text(web, "id"), privateAddress(db)) + ", db to web " + c.sshFrom(text(db, "id"), privateAddress(web))
		if got != want {
			t.Errorf("%s: %s, want %s", step, got, want)
		}
	}
	check("the back tier denies all", "web to db closed, db to web closed")
	list := mustJob(t, c.Cloud, "admin", "createNetworkACLList", "name", "db", "vpcid", vpc).object("networkacllist")["id"].(string)
	mustJob(t, c.Cloud, "admin", "replaceNetworkACLList", "aclid", list, "networkid", back)
	check("an empty list lets out, not in", "web to db closed, db to web open")
	item := func(kv ...string) {
		t.Helper()
		mustJob(t, c.Cloud, "admin", "createNetworkACL", append([]string{"aclid", list, "protocol", "tcp", "startport", "22", "endport", "22"}, kv...)...)
	}
	item("number", "20", "cidrlist", "10.80.1.0/24", "traffictype", "ingress", "action", "allow")
	check("let in from the front tier", "web to db open, db to web open")
	item("number", "10", "cidrlist", "10.80.0.0/16", "traffictype", "ingress", "action", "deny")
	check("an earlier rule denies", "web to db closed, db to web open")
	item("number", "30", "cidrlist", "172.16.0.0/12", "traffictype", "egress", "action", "allow")
	check("with egress rules only those get out", "web to db closed, db to web closed")
}

package cloudsim

import (
	"encoding/base64"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// webServer is user data of a machine that says its name on port 80.
const webServer = `#!/bin/sh
dnf install -y httpd php
printf '<?php echo gethostname(); ?>' > /var/www/html/index.php
firewall-cmd --permanent --add-service=http
firewall-cmd --reload
systemctl enable --now httpd
`

// TestImageBalancedAndScaled goes the whole way with real guests: a machine sets itself up by user data, its disk becomes a
// template, and a group of that template serves behind a rule, grows under load and shrinks again.
func TestImageBalancedAndScaled(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{PublicRange: ownRange()})
	b := &balanced{Cloud: c, t: t}
	b.network = makeNetwork(t, c, "admin", "web")
	b.ok("createEgressFirewallRule", "networkid", b.network, "protocol", "all")
	zone := must(t, c, "admin", "listZones").items("zone")[0]["id"].(string)
	offering := idOf(t, c, "admin", "listServiceOfferings", "serviceoffering", "Small Instance")
	rocky := must(t, c, "admin", "listTemplates", "templatefilter", "featured", "name", "Rocky Linux 9").items("template")[0]["id"].(string)
	vm := b.ok("deployVirtualMachine", "zoneid", zone, "serviceofferingid", offering, "templateid", rocky, "name", "image", "networkids", b.network,
		"userdata", base64.StdEncoding.EncodeToString([]byte(webServer))).object("virtualmachine")["id"].(string)
	ip := must(t, c, "admin", "listPublicIpAddresses", "associatednetworkid", b.network).items("publicipaddress")[0]
	b.ip, b.address = ip["id"].(string), ip["ipaddress"].(string)

	rule := b.rule("80")
	b.ok("assignToLoadBalancerRule", "id", rule, "virtualmachineids", vm)
	settled(t, "the machine serves", func() bool { return b.fetch("80") == "image" })
	b.ok("removeFromLoadBalancerRule", "id", rule, "virtualmachineids", vm)
	b.ok("stopVirtualMachine", "id", vm)
	root := must(t, c, "admin", "listVolumes", "virtualmachineid", vm, "type", "ROOT").items("volume")[0]["id"].(string)
	os := must(t, c, "admin", "listTemplates", "templatefilter", "featured", "id", rocky).items("template")[0]["ostypeid"].(string)
	template := b.ok("createTemplate", "name", "web", "displaytext", "web", "ostypeid", os, "volumeid", root).object("template")["id"].(string)

	s := &scaled{balanced: b, rule: rule, template: template}
	cpu := must(t, c, "admin", "listCounters", "provider", "VirtualRouter", "source", "cpu").items("counter")[0]["id"].(string)
	s.over = b.ok("createCondition", "counterid", cpu, "relationaloperator", "GE", "threshold", "80").object("condition")["id"].(string)
	s.under = b.ok("createCondition", "counterid", cpu, "relationaloperator", "LE", "threshold", "20").object("condition")["id"].(string)
	s.up = b.ok("createAutoScalePolicy", "action", "scaleup", "duration", "10", "quiettime", "10", "conditionids", s.over).object("autoscalepolicy")["id"].(string)
	s.down = b.ok("createAutoScalePolicy", "action", "scaledown", "duration", "10", "quiettime", "10", "conditionids", s.under).object("autoscalepolicy")["id"].(string)
	s.profile = b.ok("createAutoScaleVmProfile", "zoneid", zone, "serviceofferingid", offering, "templateid", template,
		"expungevmgraceperiod", "5").object("autoscalevmprofile")["id"].(string)
	id := s.group("minmembers", "2")

	settled(t, "two members serve", func() bool { return len(s.members()) == 2 && len(s.servedBy(4)) == 2 })
	want := s.members()
	sort.Strings(want)
	if diff := cmp.Diff(want, s.servedBy(4)); diff != "" {
		t.Errorf("served by (-members +answers):\n%s", diff)
	}
	if n, err := c.SetLoad(Load{Group: "web", CPU: 95}); n != 2 || err != nil {
		t.Errorf("load reached %d machines: %v", n, err)
	}
	settled(t, "the group grows", func() bool { return len(s.members()) == 3 })
	settled(t, "the new member serves", func() bool { return len(s.servedBy(6)) == 3 })
	if _, err := c.SetLoad(Load{Group: id, CPU: -1}); err != nil {
		t.Error(err)
	}
	settled(t, "the idle group shrinks", func() bool { return len(s.members()) == 2 && len(s.machines()) == 2 })
	settled(t, "the group rests", func() bool { return s.show(id)["state"] == GroupEnabled })

	b.ok("deleteAutoScaleVmGroup", "id", id, "cleanup", "true")
	b.ok("destroyVirtualMachine", "id", vm, "expunge", "true")
	b.ok("deleteLoadBalancerRule", "id", rule)
	b.ok("deleteNetwork", "id", b.network)
	if got := b.fetch("80"); got != "refused" {
		t.Errorf("after everything is gone: %s", got)
	}
}

// servedBy are the names that a number of requests meet, each once.
func (s *scaled) servedBy(n int) []string {
	seen := map[string]bool{}
	for range n {
		if name := s.fetch("80"); strings.HasPrefix(name, "autoScaleVm-") {
			seen[name] = true
		}
	}
	return sortedKeys(seen)
}

package cloudsim

import (
	"testing"
	"time"
)

func TestSnapshotPolicies(t *testing.T) {
	t.Parallel()
	clock := NewManualClock(time.Date(2026, 3, 1, 10, 20, 0, 0, time.UTC)) // a Sunday
	c := startCompute(t, "user", Options{Clock: clock})
	c.deploy("a")
	root := first(t, must(t, c.Cloud, "user", "listVolumes", "type", "ROOT"), "volume")
	disk := first(t, must(t, c.Cloud, "user", "listDiskOfferings", "name", "Small"), "diskoffering")
	empty := text(mustJob(t, c.Cloud, "user", "createVolume", "zoneid", c.zone, "diskofferingid", disk, "name", "e").object("volume"), "id")
	policy := func(more ...string) []string {
		return append([]string{"volumeid", root, "intervaltype", "hourly", "schedule", "30", "timezone", "UTC", "maxsnaps", "2"}, more...)
	}
	runSteps(t, c.Cloud, map[string]string{"root": root}, []step{
		{name: "kind", as: "user", command: "createSnapshotPolicy", kv: policy("intervaltype", "yearly"), status: 431, text: "Unsupported interval type yearly"},
		{name: "hourly with hour", as: "user", command: "createSnapshotPolicy", kv: policy("schedule", "30:10"), status: 431, text: "has an invalid schedule [30:10] for interval type [HOURLY]."},
		{name: "minute", as: "user", command: "createSnapshotPolicy", kv: policy("schedule", "61"), status: 431, text: "has an invalid schedule"},
		{name: "none", as: "user", command: "createSnapshotPolicy", kv: policy("maxsnaps", "0"), status: 431, text: "should be greater than 0."},
		{name: "too many", as: "user", command: "createSnapshotPolicy", kv: policy("maxsnaps", "9"), status: 431, text: "exceeds limit [8] for interval type [HOURLY]."},
		{name: "not ready", as: "user", command: "createSnapshotPolicy", kv: policy("volumeid", empty), status: 431, text: "is not in Ready state but Allocated"},
		{name: "create", as: "user", command: "createSnapshotPolicy", kv: policy(), keep: "p", want: `"intervaltype":0`},
		{name: "again is a change", as: "user", command: "createSnapshotPolicy", kv: policy("timezone", "Nowhere/Land"), want: `"timezone":"GMT"`},
		{name: "one", as: "user", command: "listSnapshotPolicies", kv: []string{"volumeid", "$root"}, want: `"count":1`},
		{name: "hide", command: "updateSnapshotPolicy", kv: []string{"id", "$p", "fordisplay", "false"}, want: `"fordisplay":false`},
	})
	for _, want := range []int{1, 2, 2} { // the third takes the place of the first
		clock.Advance(time.Hour)
		waitUntil(t, func() bool {
			jobs := c.jobsOf("createSnapshot", JobSucceeded)
			return jobs >= want && len(must(t, c.Cloud, "user", "listSnapshots").items("snapshot")) == want
		})
	}
	s := must(t, c.Cloud, "user", "listSnapshots", "snapshottype", "HOURLY").items("snapshot")[0]
	if s["intervaltype"] != "HOURLY" || s["state"] != snapshotBackedUp {
		t.Errorf("snapshot %v", s)
	}
	p := first(t, must(t, c.Cloud, "admin", "listSnapshotPolicies", "volumeid", root), "snapshotpolicy")
	runSteps(t, c.Cloud, map[string]string{"p": p, "root": root}, []step{
		{name: "nothing to delete", as: "user", command: "deleteSnapshotPolicies", status: 431, text: "No policy id (or list of ids) specified."},
		{name: "delete", as: "user", command: "deleteSnapshotPolicies", kv: []string{"ids", "$p"}},
		{name: "gone", command: "listSnapshotPolicies", kv: []string{"volumeid", "$root"}, unlike: "count"},
	})
}

// jobsOf counts the jobs of a command that ended so.
func (c *compute) jobsOf(command string, status int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.store.Jobs.Where(func(j Job) bool { return j.Command == command && j.Status == status }))
}

// waitUntil polls for something that goroutines of the cloud do.
func waitUntil(t *testing.T, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatal("it does not happen")
		}
		tick := time.NewTimer(2 * time.Millisecond)
		<-tick.C
	}
}

func TestMoments(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC) // a Saturday
	for name, tc := range map[string]struct {
		interval int
		schedule string
		want     string // "" if it is none
	}{
		"this hour":   {0, "5", "2026-01-31 12:05"},
		"next hour":   {0, "0", "2026-01-31 13:00"},
		"today":       {1, "0:13", "2026-01-31 13:00"},
		"tomorrow":    {1, "0:12", "2026-02-01 12:00"},
		"on Sunday":   {2, "30:1:1", "2026-02-01 01:30"},
		"on Saturday": {2, "30:1:7", "2026-02-07 01:30"},
		"next month":  {3, "0:0:15", "2026-02-15 00:00"},
		"no such day": {3, "0:0:29", ""},
		"an hour on":  {1, "0:24", "2026-02-01 00:00"},
		"no hour":     {1, "0:60", ""},
		"day 0":       {2, "30:1:0", "2026-02-07 01:30"},
		"too short":   {2, "0:1", ""},
		"no number":   {0, "x", ""},
	} {
		m, ok := readMoment(tc.interval, tc.schedule)
		if ok != (tc.want != "") || ok && m.next(tc.interval, now).Format("2006-01-02 15:04") != tc.want {
			t.Errorf("%s: %v %s, want %q", name, ok, m.next(tc.interval, now), tc.want)
		}
	}
}

func TestCron(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 31, 12, 0, 30, 0, time.UTC) // a Saturday
	for text, want := range map[string]string{
		"* * * * *":      "2026-01-31 12:01",
		"*/15 * * * *":   "2026-01-31 12:15",
		"0 9-17 * * MON": "2026-02-02 09:00",
		"0 0 29 FEB *":   "2028-02-29 00:00",
		"0 0 1 * 0":      "2026-02-01 00:00", // the first, or a Sunday
		"5,10 13 * * 7":  "2026-02-01 13:05",
		"0 0 30 2 *":     "",
		"60 * * * *":     "",
		"* * * *":        "",
		"5-1 * * * *":    "",
		"*/0 * * * *":    "",
		"a * * * *":      "",
	} {
		c, err := readCron(text)
		switch {
		case (err == nil) != (want != ""):
			t.Errorf("%q: %v, want %q", text, err, want)
		case err == nil && c.next(now).Format("2006-01-02 15:04") != want:
			t.Errorf("%q: %s, want %s", text, c.next(now), want)
		}
	}
}

func TestVMSchedules(t *testing.T) {
	t.Parallel()
	clock := NewManualClock(time.Date(2026, 3, 1, 10, 20, 0, 0, time.UTC))
	c := startCompute(t, "user", Options{Clock: clock})
	vm := text(c.deploy("a"), "id")
	schedule := func(more ...string) []string {
		return append([]string{"virtualmachineid", vm, "action", "stop", "schedule", "30 10 * * *", "timezone", "UTC"}, more...)
	}
	runSteps(t, c.Cloud, map[string]string{"vm": vm}, []step{
		{name: "action", as: "user", command: "createVMSchedule", kv: schedule("action", "explode"), status: 431, text: "Invalid value for action: explode"},
		{name: "cron", as: "user", command: "createVMSchedule", kv: schedule("schedule", "x"), status: 431, text: "Invalid value for schedule: x"},
		{name: "zone", as: "user", command: "createVMSchedule", kv: schedule("timezone", "Nowhere/Land"), status: 431, text: "Invalid value for timezone"},
		{name: "past", as: "user", command: "createVMSchedule", kv: schedule("startdate", "2020-01-01 00:00:00"), status: 431, text: "Invalid value for start date."},
		{name: "ends first", as: "user", command: "createVMSchedule", kv: schedule("startdate", "2026-03-05 00:00:00", "enddate", "2026-03-04 00:00:00"), status: 431, text: "can't be before start date"},
		{name: "stop", as: "user", command: "createVMSchedule", kv: schedule(), keep: "s", want: `"description":"STOP - 30 10 * * *"`},
		{name: "start", as: "user", command: "createVMSchedule", kv: schedule("action", "START", "schedule", "30 11 * * *", "enddate", "2026-03-02 00:00:00"), keep: "e", want: "enddate"},
		{name: "listed", as: "user", command: "listVMSchedule", kv: []string{"virtualmachineid", "$vm", "action", "START"}, want: `"count":1`},
		{name: "another's", as: "admin", command: "listVMSchedule", kv: []string{"virtualmachineid", "$vm"}, want: `"count":2`},
	})
	state := func() string { return text(c.show(vm), "state") }
	clock.Advance(11 * time.Minute)
	waitUntil(t, func() bool { return state() == VMStopped })
	clock.Advance(time.Hour)
	waitUntil(t, func() bool { return state() == VMRunning })
	s := first(t, must(t, c.Cloud, "user", "listVMSchedule", "virtualmachineid", vm, "action", "STOP"), "vmschedule")
	runSteps(t, c.Cloud, map[string]string{"vm": vm, "s": s}, []step{
		{name: "off", as: "user", command: "updateVMSchedule", kv: []string{"id", "$s", "enabled", "false", "schedule", "0 12 * * *"}, want: `"enabled":false`},
		{name: "nothing named", as: "user", command: "deleteVMSchedule", kv: []string{"virtualmachineid", "$vm"}, status: 431, text: "Either id or ids parameter must be specified"},
		{name: "delete", as: "user", command: "deleteVMSchedule", kv: []string{"virtualmachineid", "$vm", "id", "$s"}},
		{name: "one left", as: "user", command: "listVMSchedule", kv: []string{"virtualmachineid", "$vm"}, want: `"count":1`},
	})
}

func TestSmallUpdates(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "admin", Options{})
	rule := c.deploy("a") // for its network's router
	ip := first(t, must(t, c.Cloud, "admin", "listPublicIpAddresses", "issourcenat", "true"), "publicipaddress")
	vpc, _ := vpcWithTier(t, c.Cloud, aclDefaultAllow)
	runSteps(t, c.Cloud, map[string]string{"vm": text(rule, "id"), "ip": ip, "vpc": vpc}, []step{
		{name: "group", command: "createInstanceGroup", kv: []string{"name", "g"}, keep: "g"},
		{name: "another", command: "createInstanceGroup", kv: []string{"name", "h"}},
		{name: "taken", command: "updateInstanceGroup", kv: []string{"id", "$g", "name", "h"}, status: 431, text: "a group with name h already exists"},
		{name: "rename", command: "updateInstanceGroup", kv: []string{"id", "$g", "name", "i"}, want: `"name":"i"`},
		{name: "vpn", command: "createRemoteAccessVpn", kv: []string{"publicipid", "$ip"}, keep: "v"},
		{name: "hide vpn", command: "updateRemoteAccessVpn", kv: []string{"id", "$v", "fordisplay", "false"}, want: `"fordisplay":false`},
		{name: "gateway", command: "createVpnGateway", kv: []string{"vpcid", "$vpc"}, keep: "gw"},
		{name: "hide gateway", command: "updateVpnGateway", kv: []string{"id", "$gw", "fordisplay", "false"}, want: `"fordisplay":false`},
		{name: "rule", command: "createLoadBalancerRule", kv: []string{"publicipid", "$ip", "name", "r", "algorithm", "roundrobin", "publicport", "80", "privateport", "80"}, keep: "r"},
		{name: "sticky", command: "createLBStickinessPolicy", kv: []string{"lbruleid", "$r", "name", "s", "methodname", "SourceBased"}},
		{name: "no check", command: "deleteLBHealthCheckPolicy", kv: []string{"id", "$r"}, status: 431, text: "entity does not exist"},
	})
	r := must(t, c.Cloud, "admin", "listLBStickinessPolicies", "listall", "true", "lbruleid", first(t, must(t, c.Cloud, "admin", "listLoadBalancerRules"), "loadbalancerrule")).items("stickinesspolicies")
	policy, _ := r[0]["stickinesspolicy"].([]any)[0].(map[string]any)
	mustJob(t, c.Cloud, "admin", "updateLBStickinessPolicy", "id", text(policy, "id"), "fordisplay", "false")
}

func TestVolumeAndSnapshotMoves(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "admin", Options{})
	user := must(t, c.Cloud, "admin", "listAccounts", "name", "user", "listall", "true")
	vm := text(c.deploy("a"), "id")
	vars := map[string]string{"vm": vm, "zone": c.zone, "z2": newZone(t, c.Cloud, "z2"), "user": first(t, user, "account"),
		"root":   first(t, must(t, c.Cloud, "admin", "listVolumes", "type", "ROOT"), "volume"),
		"small":  first(t, must(t, c.Cloud, "admin", "listDiskOfferings", "name", "Small"), "diskoffering"),
		"medium": first(t, must(t, c.Cloud, "admin", "listDiskOfferings", "name", "Medium"), "diskoffering"),
		"custom": first(t, must(t, c.Cloud, "admin", "listDiskOfferings", "name", "Custom"), "diskoffering")}
	runSteps(t, c.Cloud, vars, []step{
		{name: "volume", command: "createVolume", kv: []string{"zoneid", "$zone", "diskofferingid", "$small", "name", "v"}, keep: "v"},
		{name: "same offering", command: "changeOfferingForVolume", kv: []string{"id", "$v", "diskofferingid", "$small"}, text: "is already having disk offering"},
		{name: "size of a fixed one", command: "changeOfferingForVolume", kv: []string{"id", "$v", "diskofferingid", "$medium", "size", "9"}, text: "You cannot pass in a custom disk size"},
		{name: "no size", command: "changeOfferingForVolume", kv: []string{"id", "$v", "diskofferingid", "$custom"}, text: "The new disk offering requires that a size be specified."},
		{name: "change", command: "changeOfferingForVolume", kv: []string{"id", "$v", "diskofferingid", "$medium"}, want: `"diskofferingname":"Medium"`},
		{name: "shrink", command: "changeOfferingForVolume", kv: []string{"id", "$v", "diskofferingid", "$small"}, text: "would shrink the volume"},
		{name: "give away", command: "assignVolume", kv: []string{"volumeid", "$v", "accountid", "$user"}, want: `"account":"user"`},
		{name: "again", command: "assignVolume", kv: []string{"volumeid", "$v", "accountid", "$user"}, status: 530, text: "The new account and the old account are the same"},
		{name: "attached", command: "assignVolume", kv: []string{"volumeid", "$root", "accountid", "$user"}, status: 530, text: "Detach it first"},
		{name: "check while it runs", command: "checkVolume", kv: []string{"id", "$root"}, text: "should be in stopped state"},
		{name: "upload what", command: "uploadVolume", kv: []string{"zoneid", "$zone", "name", "u", "format", "QCOW2", "url", "http://x.example.com/v.img"}, status: 431, text: "Please specify a valid qcow2 URL"},
		{name: "upload", command: "uploadVolume", kv: []string{"zoneid", "$zone", "name", "u", "format", "QCOW2", "url", "http://x.example.com/v.qcow2"}, keep: "u", want: `"state":"Uploaded"`},
		{name: "use it", command: "attachVolume", kv: []string{"id", "$u", "virtualmachineid", "$vm"}, want: `"state":"Ready"`},
		{name: "nobody takes uploads", command: "getUploadParamsForVolume", kv: []string{"zoneid", "$zone", "name", "u", "format", "QCOW2"}, status: 530, text: "There is no secondary storage VM"},
		{name: "detach", command: "detachVolume", kv: []string{"id", "$u"}},
		{name: "snapshot", command: "createSnapshot", kv: []string{"volumeid", "$root"}, keep: "s"},
		{name: "back while it runs", command: "revertSnapshot", kv: []string{"id", "$s"}, text: "is not in the shutdown state"},
		{name: "stop", command: "stopVirtualMachine", kv: []string{"id", "$vm"}},
		{name: "back", command: "revertSnapshot", kv: []string{"id", "$s"}, want: `"snapshot"`},
		{name: "check", command: "checkVolume", kv: []string{"id", "$root"}, want: "volumecheckresult"},
		{name: "archive", command: "archiveSnapshot", kv: []string{"id", "$s"}, text: "Can only archive snapshots present on primary storage"},
		{name: "out", command: "extractSnapshot", kv: []string{"id", "$s", "zoneid", "$zone"}, text: "Extraction could not be completed"},
		{name: "copy where", command: "copySnapshot", kv: []string{"id", "$s"}, text: "Please specify valid destination zone(s)."},
		{name: "copy", command: "copySnapshot", kv: []string{"id", "$s", "destzoneids", "$z2"}, want: `"zonename":"z2"`},
		{name: "in both", command: "listSnapshots", kv: []string{"id", "$s"}, want: `"count":2`},
		{name: "of the machine", command: "createVMSnapshot", kv: []string{"virtualmachineid", "$vm"}, keep: "vs"},
		{name: "not attached", command: "createSnapshotFromVMSnapshot", kv: []string{"volumeid", "$u", "vmsnapshotid", "$vs"}, status: 431, text: "doesn't attach to vm"},
		{name: "of it", command: "createSnapshotFromVMSnapshot", kv: []string{"volumeid", "$root", "vmsnapshotid", "$vs", "name", "n"}, want: `"state":"BackedUp"`},
	})
}

package cloudsim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

func TestRestoreVM(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "user", Options{Dir: t.TempDir()})
	id := text(c.deploy("one", "userdata", b64("#!/bin/sh\necho run >> /root/runs\n")), "id")
	m := c.ready(id)
	if err := m.Disk().WriteFile(vfs.Root(), "/root/mine", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	restored := mustJob(t, c.Cloud, "user", "restoreVirtualMachine", "virtualmachineid", id).object("virtualmachine")
	if restored["state"] != VMRunning {
		t.Errorf("restored: %v", restored["state"])
	}
	m = c.ready(id)
	if _, err := m.Disk().ReadFile(vfs.Root(), "/root/mine"); err == nil {
		t.Error("a file of the old disk is still there")
	}
	if data, err := m.Disk().ReadFile(vfs.Root(), "/root/runs"); err != nil || string(data) != "run\n" {
		t.Errorf("user data on the new disk: %q, %v", data, err)
	}
}

func TestAddressOfStoppedVM(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "user", Options{})
	vm := c.deploy("one")
	id := text(vm, "id")
	cards, _ := vm["nic"].([]any)
	card, _ := cards[0].(map[string]any)
	if r := await(t, c.Cloud, "user", must(t, c.Cloud, "user", "updateVmNicIp", "nicid", text(card, "id"), "ipaddress", "10.1.1.77")); !strings.HasPrefix(r.text(), "VM is not Stopped") {
		t.Errorf("running: %v", r.body)
	}
	mustJob(t, c.Cloud, "user", "stopVirtualMachine", "id", id)
	mustJob(t, c.Cloud, "user", "updateVmNicIp", "nicid", text(card, "id"), "ipaddress", "10.1.1.77")
	mustJob(t, c.Cloud, "user", "startVirtualMachine", "id", id)
	if got := c.guestOf(id).Address().String(); got != "10.1.1.77" {
		t.Errorf("the guest has %s", got)
	}
}

func TestUserDataOfTemplate(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "admin", Options{})
	linked := must(t, c.Cloud, "admin", "registerUserData", "name", "base", "userdata", b64("#!/bin/sh\necho base > /root/base\n")).object("userdata")
	link := func(policy string) {
		t.Helper()
		must(t, c.Cloud, "admin", "linkUserDataToTemplate", "templateid", c.template, "userdataid", text(linked, "id"), "userdatapolicy", policy)
	}
	files := func(vm map[string]any) string {
		t.Helper()
		var found []string
		m := c.ready(text(vm, "id"))
		for _, name := range []string{"base", "own"} {
			if _, err := m.Disk().ReadFile(vfs.Root(), "/root/"+name); err == nil {
				found = append(found, name)
			}
		}
		return strings.Join(found, " ")
	}
	own := b64("#!/bin/sh\necho own > /root/own\n")
	link("APPEND")
	if got := files(c.deploy("appended", "userdata", own)); got != "base own" {
		t.Errorf("appended: %q", got)
	}
	if got := files(c.deploy("alone")); got != "base" {
		t.Errorf("alone: %q", got)
	}
	link("ALLOWOVERRIDE")
	if got := files(c.deploy("overridden", "userdata", own)); got != "own" {
		t.Errorf("overridden: %q", got)
	}
	link("DENYOVERRIDE")
	r := call(t, c.Cloud, "admin", "deployVirtualMachine", "name", "denied", "zoneid", c.zone, "templateid", c.template, "serviceofferingid", c.offering, "networkids", c.network, "userdata", own)
	if r.status != 530 {
		t.Errorf("denied: %s", r.raw)
	}
	if r := call(t, c.Cloud, "admin", "deleteUserData", "id", text(linked, "id")); r.status != 530 {
		t.Errorf("delete user data in use: %s", r.raw)
	}
}

// TestExpunger: a destroyed machine goes by itself once the delay has passed.
func TestExpunger(t *testing.T) {
	t.Parallel()
	clock := NewManualClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	c := startCompute(t, "user", Options{Clock: clock})
	id := text(c.deploy("one", "startvm", "false"), "id")
	mustJob(t, c.Cloud, "user", "destroyVirtualMachine", "id", id)
	if r := await(t, c.Cloud, "user", must(t, c.Cloud, "user", "deleteNetwork", "id", c.network)); r.text() != "Failed to delete network" {
		t.Errorf("network of a destroyed machine: %v", r.body)
	}
	deadline := time.Now().Add(10 * time.Second)
	for c.show(id) != nil {
		if time.Now().After(deadline) {
			t.Fatalf("still there: %v", c.show(id))
		}
		clock.Advance(time.Second)
	}
	if passed := clock.Now().Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); passed < 20*time.Second {
		t.Errorf("expunged after %v, before the delay", passed)
	}
	mustJob(t, c.Cloud, "user", "deleteNetwork", "id", c.network)
}

func TestVolumeChanges(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "user", Options{})
	custom := first(t, must(t, c.Cloud, "user", "listDiskOfferings", "name", "Custom"), "diskoffering")
	id := text(mustJob(t, c.Cloud, "user", "createVolume", "name", "data", "zoneid", c.zone, "diskofferingid", custom, "size", "2").object("volume"), "id")
	v := mustJob(t, c.Cloud, "user", "resizeVolume", "id", id, "size", "3").object("volume")
	if v["size"] != float64(3*gib) {
		t.Errorf("resized: %v", v["size"])
	}
	r := await(t, c.Cloud, "user", must(t, c.Cloud, "user", "resizeVolume", "id", id, "size", "1"))
	if want := "Going from existing size of 3221225472 to size of 1073741824 would shrink the volume.Need to sign off by supplying the shrinkok parameter with value of true."; r.body["errorcode"] != float64(432) || r.text() != want {
		t.Errorf("shrink: %v", r.body)
	}
	if v := mustJob(t, c.Cloud, "user", "updateVolume", "id", id, "name", "renamed").object("volume"); v["name"] != "renamed" {
		t.Errorf("renamed: %v", v["name"])
	}
	if v := mustJob(t, c.Cloud, "user", "destroyVolume", "id", id).object("volume"); v["state"] != volumeDestroy {
		t.Errorf("destroyed: %v", v["state"])
	}
	if v := must(t, c.Cloud, "user", "recoverVolume", "id", id).object("volume"); v["state"] != volumeAllocated {
		t.Errorf("recovered: %v", v["state"])
	}
	must(t, c.Cloud, "user", "deleteVolume", "id", id)
}

// TestGuestsTalk: machines of one network reach each other by address and name, through the other's firewall.
func TestGuestsTalk(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "user", Options{})
	mustJob(t, c.Cloud, "user", "createEgressFirewallRule", "networkid", c.network, "protocol", "all")
	server := c.deploy("server", "userdata", b64(webData))
	c.ready(text(server, "id"))
	client := c.deploy("client", "userdata", b64("#!/bin/sh\ncurl -s http://server/ > /root/by-name\ncurl -s http://"+text(server, "ipaddress")+"/ > /root/by-address\ncurl -s http://server:8080/; echo $? > /root/closed\n"))
	m := c.ready(text(client, "id"))
	for name, want := range map[string]string{"by-name": "server", "by-address": "server", "closed": "7\n"} {
		if data, err := m.Disk().ReadFile(vfs.Root(), "/root/"+name); err != nil || string(data) != want {
			t.Errorf("%s: %q, %v; want %q", name, data, err, want)
		}
	}
}

// TestSweep: a disk that nobody owns is removed at the next start.
func TestSweep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cloud, err := Start(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	c := useCompute(t, "user", cloud)
	id := text(c.deploy("one"), "id")
	if err := cloud.guests.create("t-lost", "rocky9"); err != nil {
		t.Fatal(err)
	}
	cloud.Close()
	again := startCloud(t, Options{Dir: dir})
	left, err := os.ReadDir(filepath.Join(dir, "disks"))
	if err != nil || len(left) != 1 {
		t.Errorf("disks %v, %v; want that of machine %s alone", left, err, id)
	}
	if again.guests.exists("t-lost") {
		t.Error("the lost disk is still there")
	}
}

// TestRestoreWithoutRootDisk: what belongs to an account that is being deleted may be gone before its job's turn.
func TestRestoreWithoutRootDisk(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "admin", Options{})
	vm := text(c.deploy("a", "startvm", "false"), "id")
	c.mu.Lock()
	for v := range c.store.Volumes.All() {
		c.store.Volumes.Delete(v.ID)
	}
	_, err := c.store.commit()
	c.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	r := await(t, c.Cloud, "admin", must(t, c.Cloud, "admin", "restoreVirtualMachine", "virtualmachineid", vm))
	if want := "Can not find root volume for VM " + vm; r.text() != want {
		t.Errorf("got %q, want %q", r.text(), want)
	}
}

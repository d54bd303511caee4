package cloudsim

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/moldctl/moldctl/internal/cloudsim/guest"
	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

// compute is a cloud with a network to deploy into.
type compute struct {
	*Cloud
	t        *testing.T
	account  string
	zone     string
	template string
	offering string
	network  string
}

func first(t *testing.T, r result, key string) string {
	t.Helper()
	items := r.items(key)
	if len(items) == 0 {
		t.Fatalf("no %s in %s", key, r.raw)
	}
	id, _ := items[0]["id"].(string)
	return id
}

func startCompute(t *testing.T, account string, opts Options) *compute {
	t.Helper()
	return useCompute(t, account, startCloud(t, opts))
}

func useCompute(t *testing.T, account string, cloud *Cloud) *compute {
	t.Helper()
	c := &compute{Cloud: cloud, t: t, account: account}
	c.zone = first(t, must(t, cloud, account, "listZones"), "zone")
	c.template = first(t, must(t, cloud, account, "listTemplates", "templatefilter", "featured", "name", "Rocky Linux 9"), "template")
	c.offering = first(t, must(t, cloud, account, "listServiceOfferings", "name", "Medium Instance"), "serviceoffering")
	isolated := first(t, must(t, cloud, account, "listNetworkOfferings", "name", "DefaultIsolatedNetworkOfferingWithSourceNatService"), "networkoffering")
	id, _ := must(t, cloud, account, "createNetwork", "name", "web", "zoneid", c.zone, "networkofferingid", isolated).object("network")["id"].(string)
	c.network = id
	return c
}

func (c *compute) deploy(name string, more ...string) map[string]any {
	c.t.Helper()
	kv := append([]string{"name", name, "zoneid", c.zone, "templateid", c.template, "serviceofferingid", c.offering, "networkids", c.network}, more...)
	return mustJob(c.t, c.Cloud, c.account, "deployVirtualMachine", kv...).object("virtualmachine")
}

func (c *compute) show(vmID string) map[string]any {
	c.t.Helper()
	items := must(c.t, c.Cloud, c.account, "listVirtualMachines", "id", vmID).items("virtualmachine")
	if len(items) == 0 {
		return nil
	}
	return items[0]
}

func text(o map[string]any, field string) string { s, _ := o[field].(string); return s }

// ready waits for the guest's user data.
func (c *compute) ready(vmID string) *guest.Machine {
	c.t.Helper()
	m := c.guestOf(vmID)
	if m == nil {
		c.t.Fatalf("machine %s has no guest", vmID)
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	if err := m.WaitInit(ctx); err != nil {
		c.t.Fatal(err)
	}
	return m
}

// get fetches the page that a guest serves.
func get(t *testing.T, m *guest.Machine) (string, error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return m.Dial(ctx, 80, netip.MustParseAddr("10.1.1.1"))
	}}}
	resp, err := client.Get("http://guest/")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

const webData = "#!/bin/sh\nset -e\ndnf -y install httpd php\nfirewall-cmd --permanent --add-service=http\nfirewall-cmd --reload\necho '<?= gethostname() ?>' > /var/www/html/index.php\nsystemctl enable --now httpd\n"

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// TestImageWay goes the way of a service image as an ordinary user: build, stop, template, machines from it.
func TestImageWay(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"", t.TempDir()} {
		t.Run(fmt.Sprintf("in memory %v", dir == ""), func(t *testing.T) {
			t.Parallel()
			c := startCompute(t, "user", Options{Dir: dir})
			mustJob(t, c.Cloud, "user", "createEgressFirewallRule", "networkid", c.network, "protocol", "all")
			vm := c.deploy("origin", "userdata", b64(webData), "details[0].moldctl.op", "op-1")
			id := text(vm, "id")
			if d, _ := vm["details"].(map[string]any); d["moldctl.op"] != "op-1" {
				t.Errorf("the marker is not shown: %v", vm["details"])
			}
			if body, err := get(t, c.ready(id)); err != nil || body != "origin" {
				t.Fatalf("origin serves %q, %v", body, err)
			}
			root := first(t, must(t, c.Cloud, "user", "listVolumes", "virtualmachineid", id, "type", "ROOT"), "volume")
			os := text(vm, "guestosid")
			if r := call(t, c.Cloud, "user", "createTemplate", "name", "web", "volumeid", root, "ostypeid", os); r.status != 530 {
				t.Errorf("template of a running machine: %s", r.raw)
			}
			mustJob(t, c.Cloud, "user", "stopVirtualMachine", "id", id)
			if c.guestOf(id) != nil {
				t.Error("the stopped machine's guest runs")
			}
			template := mustJob(t, c.Cloud, "user", "createTemplate", "name", "web", "volumeid", root, "ostypeid", os, "passwordenabled", "true", "details[0].moldctl.op", "op-2").object("template")
			if d, _ := template["details"].(map[string]any); d["moldctl.op"] != "op-2" || template["isready"] != true {
				t.Errorf("template %v", template)
			}
			mustJob(t, c.Cloud, "user", "destroyVirtualMachine", "id", id)
			c.template = text(template, "id")
			for i := range 2 {
				name := fmt.Sprintf("member-%d", i)
				made := c.deploy(name)
				if len(text(made, "password")) != 6 {
					t.Errorf("no password in %v", made)
				}
				if body, err := get(t, c.ready(text(made, "id"))); err != nil || body != name {
					t.Errorf("%s serves %q, %v", name, body, err)
				}
			}
		})
	}
}

// TestEgress: a default isolated network lets nothing out.
func TestEgress(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "user", Options{TimeScale: 200})
	vm := c.deploy("closed", "userdata", b64("#!/bin/sh\ndnf -y install httpd\n"))
	m := c.guestOf(text(vm, "id"))
	if err := m.WaitInit(t.Context()); err == nil {
		t.Error("packages were installed without an egress rule")
	}
	log, err := m.Disk().ReadFile(vfs.Root(), "/var/log/cloud-init-output.log")
	if err != nil || !bytes.Contains(log, []byte("Timeout was reached")) {
		t.Errorf("log %s, %v", log, err)
	}
}

func TestLifeCycle(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "admin", Options{})
	vm := c.deploy("one", "startvm", "false")
	id := text(vm, "id")
	state := func(want string) {
		t.Helper()
		if got := text(c.show(id), "state"); got != want {
			t.Errorf("state %s, want %s", got, want)
		}
	}
	state(VMStopped)
	if n := must(t, c.Cloud, "admin", "listNetworks", "id", c.network).items("network")[0]; n["state"] != NetworkAllocated {
		t.Errorf("network %v before the first start", n["state"])
	}
	mustJob(t, c.Cloud, "admin", "startVirtualMachine", "id", id)
	state(VMRunning)
	if n := must(t, c.Cloud, "admin", "listNetworks", "id", c.network).items("network")[0]; n["state"] != NetworkImplemented {
		t.Errorf("network %v after the first start", n["state"])
	}
	if ips := must(t, c.Cloud, "admin", "listPublicIpAddresses", "associatednetworkid", c.network, "issourcenat", "true").items("publicipaddress"); len(ips) != 1 {
		t.Errorf("source NAT addresses: %v", ips)
	}
	mustJob(t, c.Cloud, "admin", "rebootVirtualMachine", "id", id)
	mustJob(t, c.Cloud, "admin", "stopVirtualMachine", "id", id)
	state(VMStopped)
	mustJob(t, c.Cloud, "admin", "destroyVirtualMachine", "id", id)
	state(VMDestroyed)
	must(t, c.Cloud, "admin", "recoverVirtualMachine", "id", id)
	state(VMStopped)
	mustJob(t, c.Cloud, "admin", "destroyVirtualMachine", "id", id, "expunge", "true")
	if got := c.show(id); got != nil {
		t.Errorf("after expunge: %v", got)
	}
	if v := must(t, c.Cloud, "admin", "listVolumes", "listall", "true").items("volume"); len(v) != 0 {
		t.Errorf("volumes left: %v", v)
	}
	mustJob(t, c.Cloud, "admin", "deleteNetwork", "id", c.network)
}

func TestComputeErrors(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "user", Options{})
	running := text(c.deploy("running"), "id")
	stopped := text(c.deploy("stopped", "startvm", "false"), "id")
	root := first(t, must(t, c.Cloud, "user", "listVolumes", "virtualmachineid", running), "volume")
	base := []string{"zoneid", c.zone, "templateid", c.template, "serviceofferingid", c.offering, "networkids", c.network}
	with := func(kv ...string) []string { return append(append([]string{}, base...), kv...) }
	tests := map[string]struct {
		command string
		kv      []string
		code    int // of the call, or of the job if the call was accepted
		text    string
	}{
		"same name":              {"deployVirtualMachine", with("name", "running"), 431, "The vm with hostName running already exists in the network domain: "},
		"bad name":               {"deployVirtualMachine", with("name", "1st"), 431, "Invalid value provided for API arg: name - it can contain ASCII letters"},
		"user data no base64":    {"deployVirtualMachine", with("userdata", "*"), 431, "User data is not base64 encoded."},
		"unknown key":            {"deployVirtualMachine", with("keypairs", "none"), 431, "Not all specified keypairs exist"},
		"address outside":        {"deployVirtualMachine", with("ipaddress", "10.9.9.9"), 530, "Internal error executing command, please contact your system administrator"},
		"two ways to networks":   {"deployVirtualMachine", with("iptonetworklist[0].networkid", c.network), 431, "ipToNetworkMap can't be specified along with networkIds or ipAddress"},
		"no template":            {"deployVirtualMachine", []string{"zoneid", c.zone, "serviceofferingid", c.offering}, 530, "Internal error executing command, please contact your system administrator"},
		"start a running one":    {"startVirtualMachine", []string{"id", running}, 431, "The virtual machine " + running + " (running) is already running"},
		"reboot a stopped one":   {"rebootVirtualMachine", []string{"id", stopped}, 431, "The VM " + stopped + " (stopped) is not running, unable to reboot it"},
		"expunge by a user":      {"destroyVirtualMachine", []string{"id", stopped, "expunge", "true"}, 530, "Account does not have permission for expunging."},
		"expunge a living one":   {"expungeVirtualMachine", []string{"id", running}, 530, "Account does not have permission for expunging."},
		"reset password":         {"resetPasswordForVirtualMachine", []string{"id", stopped}, 431, "Fail to reset password for the virtual machine, the template is not password enabled"},
		"scale a running one":    {"scaleVirtualMachine", []string{"id", running, "serviceofferingid", c.offering}, 530, "as it does not have tools to support dynamic scaling."},
		"template, none given":   {"createTemplate", []string{"name", "x", "ostypeid", text(c.show(running), "guestosid")}, 431, "Unable to find snapshot by id=null"},
		"attach attached":        {"attachVolume", []string{"id", root, "virtualmachineid", running}, 431, "Unable to find volume with id: "},
		"delete attached":        {"deleteVolume", []string{"id", root}, 431, "Please specify a volume that is not attached to any VM."},
		"detach the root":        {"detachVolume", []string{"id", root}, 431, "Please specify a data volume."},
		"memory of stopped":      {"createVMSnapshot", []string{"virtualmachineid", stopped, "snapshotmemory", "true"}, 431, "Can not snapshot memory when VM is not in Running state"},
		"no such key":            {"deleteSSHKeyPair", []string{"name", "none"}, 431, "A key pair with name 'none' does not exist for account user in specified domain id"},
		"bad public key":         {"registerSSHKeyPair", []string{"name", "k", "publickey", "ssh-rsa nonsense"}, 431, "Public key is invalid"},
		"bad affinity type":      {"createAffinityGroup", []string{"name", "a", "type", "odd"}, 431, "Unable to create affinity group, invalid affinity group type: odd. Valid values are non-strict host affinity,host affinity,host anti-affinity,ExplicitDedication,non-strict host anti-affinity"},
		"templatefilter":         {"listTemplates", []string{"templatefilter", "odd"}, 431, "No enum constant com.cloud.template.VirtualMachineTemplate.TemplateFilter.odd"},
		"others' template":       {"deleteTemplate", []string{"id", c.template}, 531, "Caller does not have permission to operate with provided resource."},
		"recover a living one":   {"recoverVirtualMachine", []string{"id", running}, 531, "Recovering a vm can only be done by an Admin."},
		"update with a bad name": {"updateVirtualMachine", []string{"id", running, "name", "-"}, 530, "Internal error executing command, please contact your system administrator"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := call(t, c.Cloud, "user", tc.command, tc.kv...)
			got := r.status
			if r.status == 200 && r.str("jobid") != "" {
				r = await(t, c.Cloud, "user", r)
				code, _ := r.body["errorcode"].(float64)
				got = int(code)
			}
			if got != tc.code || !strings.Contains(r.text(), tc.text) {
				t.Errorf("%d %q, want %d %q", got, r.text(), tc.code, tc.text)
			}
		})
	}
	// Only a call whose address could not be had leaves a machine.
	broken := must(t, c.Cloud, "user", "listVirtualMachines", "state", "Error").items("virtualmachine")
	if len(must(t, c.Cloud, "user", "listVirtualMachines").items("virtualmachine")) != 3 || len(broken) != 1 {
		t.Errorf("machines left by refused calls: %v, want one", broken)
	}
}

// TestNoRoomLeavesErrorMachine: a deployment that fails for capacity leaves a machine that has to be destroyed.
func TestNoRoomLeavesErrorMachine(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "admin", Options{})
	group := mustJob(t, c.Cloud, "admin", "createAffinityGroup", "name", "apart", "type", "host anti-affinity").object("affinitygroup")["id"].(string)
	for i := range 2 {
		c.deploy(fmt.Sprintf("m-%d", i), "affinitygroupids", group)
	}
	started := must(t, c.Cloud, "admin", "deployVirtualMachine", "name", "m-2", "zoneid", c.zone, "templateid", c.template, "serviceofferingid", c.offering,
		"networkids", c.network, "affinitygroupids", group)
	r := await(t, c.Cloud, "admin", started)
	if r.body["errorcode"] != float64(533) || !strings.HasPrefix(r.text(), "No destination found for a deployment for VM instance {") {
		t.Errorf("got %v", r.body)
	}
	if s := text(c.show(started.str("id")), "state"); s != VMError {
		t.Errorf("state %s", s)
	}
	mustJob(t, c.Cloud, "admin", "destroyVirtualMachine", "id", started.str("id"), "expunge", "true")
}

// TestRestart: machines that ran come back with their files, address and services after the cloud's process ended.
func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cloud, err := Start(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	c := useCompute(t, "user", cloud)
	mustJob(t, cloud, "user", "createEgressFirewallRule", "networkid", c.network, "protocol", "all")
	vm := c.deploy("web", "userdata", b64(webData))
	off := text(c.deploy("off", "startvm", "false"), "id")
	c.ready(text(vm, "id"))
	before := text(c.show(text(vm, "id")), "ipaddress")
	cloud.Close()
	again := startCloud(t, Options{Dir: dir})
	c.Cloud = again
	deadline := time.Now().Add(20 * time.Second)
	for again.guestOf(text(vm, "id")) == nil {
		if time.Now().After(deadline) {
			t.Fatal("the guest did not come back")
		}
		tick := time.NewTimer(5 * time.Millisecond)
		<-tick.C
	}
	if body, err := get(t, c.ready(text(vm, "id"))); err != nil || body != "web" {
		t.Errorf("serves %q, %v", body, err)
	}
	if now := c.show(text(vm, "id")); text(now, "ipaddress") != before || text(now, "state") != VMRunning {
		t.Errorf("machine after the restart: %v", now)
	}
	if again.guestOf(off) != nil {
		t.Error("a stopped machine was started")
	}
}

func TestSSHWithKeyPair(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "user", Options{})
	pair := must(t, c.Cloud, "user", "createSSHKeyPair", "name", "k").object("keypair")
	signer, err := ssh.ParsePrivateKey([]byte(text(pair, "privatekey")))
	if err != nil {
		t.Fatal(err)
	}
	id := text(c.deploy("one", "keypair", "k"), "id")
	conn, err := c.guestOf(id).Dial(t.Context(), 22, netip.MustParseAddr("10.1.1.1"))
	if err != nil {
		t.Fatal(err)
	}
	sc, chans, reqs, err := ssh.NewClientConn(conn, "guest", &ssh.ClientConfig{User: "rocky", Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err != nil {
		t.Fatal(err)
	}
	client := ssh.NewClient(sc, chans, reqs)
	defer client.Close()
	s, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := s.CombinedOutput("hostname; sudo whoami"); err != nil || string(out) != "one\nroot\n" {
		t.Errorf("got %q, %v", out, err)
	}
	// A guest that powers itself off is noticed.
	if s, err = client.NewSession(); err != nil {
		t.Fatal(err)
	}
	_ = s.Run("sudo poweroff") // the connection may end before the answer
	deadline := time.Now().Add(10 * time.Second)
	for text(c.show(id), "state") != VMStopped {
		if time.Now().After(deadline) {
			t.Fatalf("state %s", text(c.show(id), "state"))
		}
		tick := time.NewTimer(5 * time.Millisecond)
		<-tick.C
	}
}

func TestVolumesAndSnapshots(t *testing.T) {
	t.Parallel()
	c := startCompute(t, "user", Options{})
	id := text(c.deploy("one", "userdata", b64("#!/bin/sh\necho before > /root/state\n")), "id")
	c.ready(id)
	small := first(t, must(t, c.Cloud, "user", "listDiskOfferings", "name", "Small"), "diskoffering")
	volume := text(mustJob(t, c.Cloud, "user", "createVolume", "name", "data", "zoneid", c.zone, "diskofferingid", small).object("volume"), "id")
	attached := mustJob(t, c.Cloud, "user", "attachVolume", "id", volume, "virtualmachineid", id).object("volume")
	if attached["deviceid"] != float64(1) || attached["state"] != volumeReady {
		t.Errorf("attached: %v", attached)
	}
	snap := text(mustJob(t, c.Cloud, "user", "createVMSnapshot", "virtualmachineid", id, "name", "s", "snapshotmemory", "true").object("vmsnapshot"), "id")
	if r := await(t, c.Cloud, "user", must(t, c.Cloud, "user", "detachVolume", "id", volume)); !strings.Contains(r.text(), "does not have VM snapshots") {
		t.Errorf("detach beside a snapshot: %v", r.body)
	}
	write := func(s string) {
		t.Helper()
		if err := c.guestOf(id).Disk().WriteFile(vfs.Root(), "/root/state", []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("after")
	mustJob(t, c.Cloud, "user", "revertToVMSnapshot", "vmsnapshotid", snap)
	data, err := c.guestOf(id).Disk().ReadFile(vfs.Root(), "/root/state")
	if err != nil || string(data) != "before\n" {
		t.Errorf("after the revert: %q, %v", data, err)
	}
	mustJob(t, c.Cloud, "user", "deleteVMSnapshot", "vmsnapshotid", snap)
	mustJob(t, c.Cloud, "user", "detachVolume", "id", volume)
	must(t, c.Cloud, "user", "deleteVolume", "id", volume)
	// A template from the snapshot of a running machine's disk.
	root := first(t, must(t, c.Cloud, "user", "listVolumes", "virtualmachineid", id, "type", "ROOT"), "volume")
	copied := text(mustJob(t, c.Cloud, "user", "createSnapshot", "volumeid", root, "tags[0].key", "moldctl.op", "tags[0].value", "op").object("snapshot"), "id")
	if tags := must(t, c.Cloud, "user", "listSnapshots", "tags[0].key", "moldctl.op", "tags[0].value", "op").items("snapshot"); len(tags) != 1 {
		t.Errorf("snapshots by marker: %v", tags)
	}
	c.template = text(mustJob(t, c.Cloud, "user", "createTemplate", "name", "t", "snapshotid", copied, "ostypeid", text(c.show(id), "guestosid")).object("template"), "id")
	mustJob(t, c.Cloud, "user", "deleteSnapshot", "id", copied)
	second := c.deploy("two")
	if data, err := c.guestOf(text(second, "id")).Disk().ReadFile(vfs.Root(), "/root/state"); err != nil || string(data) != "before\n" {
		t.Errorf("machine from the template: %q, %v", data, err)
	}
}

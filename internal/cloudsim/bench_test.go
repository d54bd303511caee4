package cloudsim

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
)

// benchCloud is a cloud to measure, with a way to make signed calls that costs no socket: what is measured is the server.
func benchCloud(b *testing.B, opts Options) (*Cloud, func(command string, kv ...string) *httptest.ResponseRecorder) {
	b.Helper()
	c, err := Start(context.Background(), opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	keys, _ := c.Keys("admin")
	return c, func(command string, kv ...string) *httptest.ResponseRecorder {
		params := url.Values{"command": {command}, "apikey": {keys.APIKey}, "response": {"json"}}
		for i := 0; i+1 < len(kv); i += 2 {
			params.Set(kv[i], kv[i+1])
		}
		r := httptest.NewRequest(http.MethodPost, "/client/api", strings.NewReader(signQuery(params, keys.SecretKey)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		c.serveAPI(w, r)
		if w.Code != http.StatusOK {
			b.Fatalf("%s: %d %s", command, w.Code, w.Body)
		}
		return w
	}
}

// BenchmarkList makes signed list calls, the client's signature included: 3,000 a second on one core are wanted.
func BenchmarkList(b *testing.B) {
	c, call := benchCloud(b, Options{})
	fill(b, c, 100)
	for _, command := range []string{"listZones", "listNetworks", "listVirtualMachines", "listPublicIpAddresses"} {
		b.Run(command, func(b *testing.B) {
			for b.Loop() {
				call(command, "page", "1", "pagesize", "20")
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}

// BenchmarkCreateNetwork makes networks: at most 1 ms each.
func BenchmarkCreateNetwork(b *testing.B) {
	for name, dir := range map[string]string{"memory": "", "disk": b.TempDir()} {
		b.Run(name, func(b *testing.B) {
			c, call := benchCloud(b, Options{Dir: dir})
			zone, _ := c.store.Zones.Find(func(Zone) bool { return true })
			offering, _ := c.store.NetworkOfferings.Find(func(o NetworkOffering) bool { return o.Name == sourceNATOffering })
			n := 0
			for b.Loop() {
				n++
				call("createNetwork", "name", fmt.Sprintf("n%d", n), "zoneid", zone.ID, "networkofferingid", offering.ID)
			}
		})
	}
}

// fill puts machines with a network card and a disk each into the store, as if they had been deployed and were stopped.
func fill(b *testing.B, c *Cloud, machines int) {
	b.Helper()
	err := c.update(context.Background(), func(call *Call) error {
		zone, _ := call.Zones.Find(func(Zone) bool { return true })
		owner, _ := call.Accounts.Find(func(a Account) bool { return a.Name == "admin" })
		template, _ := call.Templates.Find(func(Template) bool { return true })
		offering, _ := call.ServiceOfferings.Find(func(ServiceOffering) bool { return true })
		o := Owner{AccountID: owner.ID, DomainID: owner.DomainID}
		var network Network
		for i := range machines {
			if i%200 == 0 {
				network = Network{Base: call.Networks.NewBase(), Owner: o, Name: fmt.Sprintf("net-%d", i), ZoneID: zone.ID, Type: "Isolated", State: NetworkImplemented,
					CIDR: "10.1.0.0/16", Gateway: "10.1.0.1", Netmask: "255.255.0.0"}
				call.Networks.Put(network)
			}
			vm := VM{Base: call.VMs.NewBase(), Owner: o, Name: fmt.Sprintf("vm-%d", i), DisplayName: fmt.Sprintf("Machine %d", i), State: VMStopped, ZoneID: zone.ID,
				TemplateID: template.ID, OfferingID: offering.ID, OSTypeID: template.OSTypeID, CPUNumber: 1, CPUSpeed: 1000, Memory: 1024, Hypervisor: "KVM",
				Details: map[string]string{"moldctl.op": newUUID()}, InstanceID: newUUID(),
				NICs: []NIC{{ID: newUUID(), NetworkID: network.ID, IPAddress: fmt.Sprintf("10.1.%d.%d", i/250%250, 2+i%250), MAC: newMAC("02:00"), IsDefault: true}}}
			call.VMs.Put(vm)
			call.Volumes.Put(Volume{Base: call.Volumes.NewBase(), Owner: o, Name: "ROOT-" + itoa(vm.N), Type: volumeRoot, State: "Ready", Size: 10 * gib,
				ZoneID: zone.ID, VMID: vm.ID, TemplateID: template.ID, OfferingID: offering.ID})
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSize measures a large cloud: 10,000 machines in at most 300 MiB, and what a page of them costs.
func BenchmarkSize(b *testing.B) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	c, call := benchCloud(b, Options{})
	fill(b, c, 10_000)
	runtime.GC()
	runtime.ReadMemStats(&after)
	for b.Loop() {
		call("listVirtualMachines", "page", "3", "pagesize", "100")
	}
	b.ReportMetric(float64(after.HeapInuse-min(before.HeapInuse, after.HeapInuse))/(1<<20), "MiB")
	runtime.KeepAlive(c)
}

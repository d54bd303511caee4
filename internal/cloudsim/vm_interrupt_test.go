package cloudsim

import (
	"fmt"
	"testing"
	"time"
)

// TestInterruptedJobs: a cloud that ends while machines and images are made finishes them at its next start, once each.
func TestInterruptedJobs(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{0, 2, 5, 10, 20, 40} {
		t.Run(fmt.Sprintf("%d ms", after), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cloud, err := Start(t.Context(), Options{Dir: dir, Latency: LatencyFast})
			if err != nil {
				t.Fatal(err)
			}
			c := useCompute(t, "user", cloud)
			off := c.deploy("origin")
			mustJob(t, cloud, "user", "stopVirtualMachine", "id", text(off, "id"))
			root := first(t, must(t, cloud, "user", "listVolumes", "virtualmachineid", text(off, "id")), "volume")
			started := must(t, cloud, "user", "deployVirtualMachine", "name", "one", "zoneid", c.zone, "templateid", c.template, "serviceofferingid", c.offering, "networkids", c.network)
			made := must(t, cloud, "user", "createTemplate", "name", "image", "volumeid", root, "ostypeid", text(off, "guestosid"))
			timer := time.NewTimer(after * time.Millisecond)
			<-timer.C
			cloud.Close()
			again := startCloud(t, Options{Dir: dir, Latency: LatencyFast})
			if r := await(t, again, "user", started); r.text() != "" {
				t.Errorf("deployment: %s", r.text())
			}
			if r := await(t, again, "user", made); r.text() != "" {
				t.Errorf("template: %s", r.text())
			}
			c.Cloud = again
			if vms := must(t, again, "user", "listVirtualMachines", "name", "one").items("virtualmachine"); len(vms) != 1 || vms[0]["state"] != VMRunning {
				t.Errorf("machines: %v", vms)
			}
			deadline := time.Now().Add(10 * time.Second)
			for again.guestOf(started.str("id")) == nil {
				if time.Now().After(deadline) {
					t.Fatal("no guest")
				}
				tick := time.NewTimer(5 * time.Millisecond)
				<-tick.C
			}
			c.template = made.str("id")
			second := c.deploy("two")
			if again.guestOf(text(second, "id")) == nil {
				t.Error("a machine from the template has no guest")
			}
		})
	}
}

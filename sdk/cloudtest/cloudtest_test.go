package cloudtest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/apache/cloudstack-go/v2/cloudstack"
	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/sdk/cloudtest"
)

// client is a client that nobody here wrote.
func client(cloud *cloudtest.Cloud, account string) *cloudstack.CloudStackClient {
	keys := cloud.Keys(account)
	return cloudstack.NewAsyncClient(cloud.Endpoint, keys.API, keys.Secret, false)
}

func createNetwork(t *testing.T, c *cloudstack.CloudStackClient, name string) error {
	t.Helper()
	zone, _, err := c.Zone.GetZoneID("zone-1")
	if err != nil {
		t.Fatal(err)
	}
	offering, _, err := c.NetworkOffering.GetNetworkOfferingID("DefaultIsolatedNetworkOfferingWithSourceNatService")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Network.CreateNetwork(c.Network.NewCreateNetworkParams(name, offering, zone))
	return err
}

func TestACloudInATest(t *testing.T) {
	t.Parallel()
	cloud := cloudtest.Start(t, cloudtest.Options{})
	c := client(cloud, "user")
	if err := createNetwork(t, c, "web"); err != nil {
		t.Fatal(err)
	}
	fault := cloud.Fail(cloudtest.Fault{Command: "createNetwork", Kind: cloudtest.Status, Status: 503, After: true})
	if err := createNetwork(t, c, "lost"); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("a call that was to fail: %v", err)
	}
	if got := fault.Counts(); got != (cloudtest.Counts{Seen: 1, Struck: 1}) {
		t.Errorf("the fault did %+v", got)
	}
	cloud.ClearFaults()
	in := cloud.Inventory()
	names := []string{}
	for _, n := range in.Networks {
		names = append(names, n.Name+" of "+n.Account)
	}
	if diff := cmp.Diff([]string{"web of user", "lost of user"}, names); diff != "" || in.Counts["networks"] != 2 {
		t.Errorf("networks (-want +got):\n%s", diff)
	}
	log := cloud.Audit()
	if len(log) != 2 || log[0].Lost || !log[1].Lost || log[1].Params["name"] != "lost" || log[1].Status != http.StatusOK {
		t.Errorf("audit: %+v", log)
	}
	cloud.Reset()
	if got := cloud.Inventory().Counts["networks"]; got != 0 {
		t.Errorf("%d networks after a reset", got)
	}
}

// TestTimeGoesByHand holds a job until its time has come.
func TestTimeGoesByHand(t *testing.T) {
	t.Parallel()
	cloud := cloudtest.Start(t, cloudtest.Options{ManualClock: true, Latency: "real", Latencies: map[string]time.Duration{"createTags": time.Hour}})
	keys := cloud.Keys("admin")
	c := cloudstack.NewClient(cloud.Endpoint, keys.API, keys.Secret, false) // does not wait for jobs
	if err := createNetwork(t, c, "web"); err != nil {
		t.Fatal(err)
	}
	network := cloud.Inventory().Networks[0].ID
	job, err := c.Resourcetags.CreateTags(c.Resourcetags.NewCreateTagsParams([]string{network}, "Network", map[string]string{"a": "b"}))
	if err != nil {
		t.Fatal(err)
	}
	status := func() int {
		r, err := c.Asyncjob.QueryAsyncJobResult(c.Asyncjob.NewQueryAsyncJobResultParams(job.JobID))
		if err != nil {
			t.Fatal(err)
		}
		return r.Jobstatus
	}
	before := cloud.Now()
	if got := status(); got != 0 {
		t.Errorf("the job has status %d at once", got)
	}
	cloud.Advance(time.Hour)
	if got := cloud.Now().Sub(before); got != time.Hour {
		t.Errorf("the clock moved %v", got)
	}
	for deadline := time.Now().Add(10 * time.Second); status() != 1; {
		if time.Now().After(deadline) {
			t.Fatal("the job never ended")
		}
	}
}

func TestContent(t *testing.T) {
	t.Parallel()
	cloud := cloudtest.Start(t, cloudtest.Options{Fidelity: "ideal", Flavor: "cloudstack", Content: `
zones:
  - name: lab
    physical_networks: [{name: p}]
accounts:
  - {name: root, type: admin, users: [{name: root, api_key: k, secret_key: s}]}
service_offerings:
  - {name: tiny, cpu_number: 1, cpu_speed: 100, memory: 64}
`})
	if got := cloud.Keys("root"); got != (cloudtest.Keys{API: "k", Secret: "s"}) || cloud.Zone() != "lab" {
		t.Errorf("keys %v in zone %q", got, cloud.Zone())
	}
	c := client(cloud, "root")
	all, err := c.ServiceOffering.ListServiceOfferings(c.ServiceOffering.NewListServiceOfferingsParams())
	if err != nil || all.Count != 1 || all.ServiceOfferings[0].Name != "tiny" {
		t.Errorf("offerings: %+v, %v", all, err)
	}
}

// TestTwice starts a cloud again on its data.
func TestTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := cloudtest.Start(t, cloudtest.Options{Dir: dir})
	keys := first.Keys("admin")
	if err := createNetwork(t, client(first, "admin"), "web"); err != nil {
		t.Fatal(err)
	}
	first.Stop()
	again := cloudtest.Start(t, cloudtest.Options{Dir: dir})
	if again.Keys("admin") != keys || again.Inventory().Counts["networks"] != 1 {
		t.Error("keys or network are lost")
	}
}

// BenchmarkStart is what a test pays for a cloud: 50 ms at most.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		cloudtest.Start(b, cloudtest.Options{}).Stop()
	}
}

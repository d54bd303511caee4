package endtoend_test

import "testing"

// flat has 300 objects of four types in two plugins.
const flat = `
resource "network" "n" {
  count = 75
  name  = "n${count.index}"
}
resource "public_ip" "a" {
  count   = 75
  network = network.n[count.index].id
}
resource "ssh_keypair" "k" {
  count = 75
  name  = "k${count.index}"
}
resource "affinity_group" "g" {
  count = 75
  name  = "g${count.index}"
  type  = "host anti-affinity"
}
`

// TestFewRequestsToRefresh plans 300 objects that are as they should be: one
// request a type, and what the run has to know of the cloud once for all plugins.
func TestFewRequestsToRefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g := newGate(t, w.cloud.Endpoint(), 0)
	w.endpoint = g.URL + "/client/api"
	w.write(flat)
	w.must("apply")
	g.counts(0)
	w.must("plan")
	if _, asked, _ := g.counts(0); asked > 10 {
		t.Errorf("%d requests to refresh 300 objects, at most 10 are wanted", asked)
	}
}

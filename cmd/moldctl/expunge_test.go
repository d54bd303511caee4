package main

import (
	"strings"
	"testing"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim"
)

// TestDestroyWaitsForExpunge destroys a machine as a user who may not expunge:
// its network cannot go yet, which the exit code says. When the cloud has
// expunged it, a second destroy takes the rest away.
func TestDestroyWaitsForExpunge(t *testing.T) {
	t.Parallel()
	s := newSite(t, "user", `
resource "network" "web" {
  name = "web"
  timeouts {
    delete = "9s" # too short to wait for the expunge, which is tried once then
  }
}
resource "instance" "web" {
  name     = "web"
  template = "Rocky Linux 9"
  offering = "Medium Instance"
  network  = network.web.id
}
`, cloudsim.Options{TimeScale: 0.05}) // the cloud's 20 s until it expunges are long beside moldctl's patience
	s.run(exitOK, "apply", "--auto-approve")
	if said := s.run(exitWaiting, "destroy", "--auto-approve"); !strings.Contains(said, "expunge") {
		t.Errorf("it does not say what it waits for:\n%s", said)
	}
	if said := s.run(exitOK, "state", "list"); !strings.Contains(said, "network.web") || strings.Contains(said, "instance.web") {
		t.Errorf("the state after the first destroy:\n%s", said)
	}
	s.within(time.Minute, "the machine is expunged", func() bool {
		if err := s.cloud.Advance(time.Minute); err != nil {
			t.Fatal(err)
		}
		return s.cloud.Status().Counts["virtualmachines"] == 0
	})
	s.run(exitOK, "destroy", "--auto-approve")
	if said := s.run(exitOK, "state", "list"); strings.Contains(said, "network.web") {
		t.Errorf("the state after the second destroy:\n%s", said)
	}
	if n := s.count("destroyVirtualMachine"); n != 1 {
		t.Errorf("the machine was destroyed %d times", n)
	}
}

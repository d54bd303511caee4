package endtoend_test

import (
	"fmt"
	"testing"
)

const rules = `
resource "network" "web" {
  name = "web"
  egress {
    protocol = "tcp"
    ports    = "443"
  }
  egress {
    protocol = "tcp"
    ports    = "80"
  }
}
resource "public_ip" "a" {
  network = network.web.id
}
resource "public_ip" "b" {
  network    = network.web.id
  depends_on = [public_ip.a]
}
resource "firewall" "b" {
  public_ip = public_ip.b.id
  rule {
    protocol = "tcp"
    ports    = "80"
  }
  rule {
    protocol = "tcp"
    ports    = "443"
  }
}
resource "ssh_keypair" "k" { name = "key" }
resource "affinity_group" "g" {
  name = "apart"
  type = "host anti-affinity"
}
`

// TestKilledAtEachCall kills the program and its plugins before and after each
// mutating call of an apply and of a destroy; the next run must finish with
// nothing doubled and nothing left over.
func TestKilledAtEachCall(t *testing.T) {
	t.Parallel()
	first := newWorld(t)
	first.write(rules)
	first.must("apply")
	calls := first.calls()
	want := first.inventory()
	first.must("destroy")
	destroys := first.calls() - calls
	for at := 1; at <= calls; at++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("apply/%d/after=%t", at, after), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.write(rules)
				w.kill("apply", at, after)
				w.must("apply")
				w.settled(want)
			})
		}
	}
	for at := 1; at <= destroys; at++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("destroy/%d/after=%t", at, after), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.write(rules)
				w.must("apply")
				w.kill("destroy", at, after)
				w.must("destroy")
				if got := w.inventory(); len(got) != 0 {
					t.Errorf("left over: %v", got)
				}
			})
		}
	}
}

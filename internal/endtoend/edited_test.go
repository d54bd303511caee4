package endtoend_test

import (
	"fmt"
	"strings"
	"testing"
)

// drafted is a stack that is edited while a run of it lies dead: what stands
// in brackets before the bar, then what stands behind it. What is edited is
// beside what tells the objects and their parts from each other.
const drafted = `
resource "vpc" "v" {
  name = "v"
  cidr = "10.8.0.0/16"
}
resource "network_acl" "v" {
  name        = "v"
  description = "[first|second]"
  vpc         = vpc.v.id
  rule {
    number   = 10
    protocol = "tcp"
    ports    = "[443|8443]"
    action   = "[allow|deny]"
  }
  rule {
    number   = 20
    protocol = "[all|tcp]"
  }
}
resource "network" "web" {
  name         = "[web|shop]"
  description = "[first|second]"
  egress {
    protocol = "tcp"
    ports    = "443"
  }
}
resource "load_balancer" "web" {
  name        = "[web|shop]"
  network     = network.web.id
  public_port = 80
  algorithm   = "[roundrobin|leastconn]"
  stickiness {
    method = "LbCookie"
    params = { "cookie-name" = "[SRV|SESSION]" }
  }
}
resource "autoscale_group" "web" {
  name          = "[web|shop]"
  load_balancer = load_balancer.web.id
  network       = network.web.id
  template      = "Rocky Linux 9"
  offering      = "Medium Instance"
  min_members   = [1|2]
  max_members   = [3|4]
  user_data     = "[first|second]"
  scale_up "cpu" {
    duration = "[60s|90s]"
    condition {
      counter   = "cpu"
      operator  = ">"
      threshold = [70|80]
    }
  }
  scale_down "idle" {
    duration = "120s"
    condition {
      counter   = "cpu"
      operator  = "<"
      threshold = [20|30]
    }
  }
}
resource "ssh_keypair" "k" { name = "[key|lock]" }
resource "affinity_group" "g" {
  name        = "apart"
  type        = "host anti-affinity"
  description = "[first|second]"
}
`

// draft is the stack before (0) or after (1) it was edited.
func draft(which int) string {
	var out strings.Builder
	rest := drafted
	for {
		open := strings.IndexByte(rest, '[')
		if open < 0 {
			out.WriteString(rest)
			return out.String()
		}
		end := open + strings.IndexByte(rest[open:], ']')
		out.WriteString(rest[:open])
		out.WriteString(strings.Split(rest[open+1:end], "|")[which])
		rest = rest[end+1:]
	}
}

// TestEditedAfterAKill kills the program and its plugins at a mutating call of
// an apply, edits the stack, and applies it: everything is as the edited stack
// says, nothing is there twice, nothing is left of what was not wanted any
// more, and nothing is left to do.
func TestEditedAfterAKill(t *testing.T) {
	t.Parallel()
	first := newWorld(t)
	first.write(draft(0))
	first.must("apply")
	calls := first.calls()
	first.write(draft(1))
	first.must("apply")
	first.settled(first.inventory())
	other := newWorld(t)
	other.write(draft(1))
	other.must("apply")
	want := other.inventory()
	for at := 1; at <= calls; at++ {
		for _, after := range []bool{false, true} {
			if !soak() && (at%5 != 0 || after == (at%2 == 0)) {
				continue
			}
			t.Run(fmt.Sprintf("%d/after=%t", at, after), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.write(draft(0))
				w.kill("apply", at, after)
				w.write(draft(1))
				w.must("apply")
				w.settled(want)
			})
		}
	}
}

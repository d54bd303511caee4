package endtoend_test

import "testing"

func TestNetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write(`
resource "network" "web" {
  name = "web"
  egress {
    protocol = "all"
  }
}
output "id" { value = network.web.id }
`)
	w.must("apply")
	if out := w.must("plan"); len(out.Steps) != 0 {
		t.Errorf("the plan afterwards is not empty: %v", out.Steps)
	}
	w.must("destroy")
}

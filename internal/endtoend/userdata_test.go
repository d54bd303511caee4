package endtoend_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestUserData applies the example that does without SSH: as it is, and as on a
// cloud whose machines never get as far as to turn themselves off.
func TestUserData(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../specs/web-userdata/spec.hcl")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(string) string{
		"turns itself off": func(s string) string { return s },
		"never says that it is done": func(s string) string {
			s = strings.Replace(s, `"${local.install}  - poweroff\n"`, "local.install", 1)
			return strings.Replace(s, `default     = "10m"`, `default     = "3s"`, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			before := w.inventory()
			w.write(change(string(text)))
			out := w.must("apply")
			for _, command := range w.sent {
				if command == "registerSSHKeyPair" || command == "createPortForwardingRule" {
					t.Errorf("a way to the machine was made: %s", command)
				}
			}
			if hosts := w.visit(w.url(out), 20); len(hosts) < 2 {
				t.Errorf("answered by %v, want two guests", hosts)
			}
			if out := w.must("plan"); len(out.Steps) != 0 {
				t.Errorf("the plan afterwards is not empty: %v", out.Steps)
			}
			w.must("destroy")
			if diff := cmp.Diff(before, w.inventory()); diff != "" {
				t.Errorf("left over (-before +after):\n%s", diff)
			}
		})
	}
}

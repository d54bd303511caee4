package sdk_test

import (
	"os/exec"
	"strings"
	"testing"
)

// maxDeps bounds how many packages a plugin is made of, the standard library
// included: 395 when this was written, of which gRPC is the most.
const maxDeps = 430

// TestDependencies keeps what a plugin's author imports small: nothing of the
// host, no database, no embedded cloud, no client of a cloud that the plugin
// may not have.
func TestDependencies(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if len(deps) > maxDeps || len(deps) < 100 {
		t.Errorf("a plugin is made of %d packages, at most %d are expected", len(deps), maxDeps)
	}
	for _, dep := range deps {
		for _, unwanted := range []string{
			"moldctl/core", "moldctl/internal", "moldctl/plugins", "moldctl/cmd", "modernc.org/", "jackc/", "filippo.io/", "mvdan.cc/", "apache/cloudstack-go", "alecthomas/",
		} {
			if strings.Contains(dep, unwanted) {
				t.Errorf("a plugin is made of %s, too", dep)
			}
		}
	}
}

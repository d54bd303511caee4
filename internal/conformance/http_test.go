package conformance_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/internal/conformance"
)

// overHTTP is a plugin of transport http out of the test data.
func overHTTP(t *testing.T, name string) conformance.Subject {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", "testdata", "plugins", name))
	if err != nil {
		t.Fatal(err)
	}
	spec, err := os.ReadFile(filepath.Join(dir, "plugin.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return conformance.Subject{
		Files: os.DirFS(dir),
		Source: pluginhost.Source{
			Name: name, Spec: spec, Command: []string{self}, Env: []string{plantedVariable + "=" + filepath.Join(dir, "plugin.yaml")},
		},
	}
}

// TestOverHTTP runs the whole kit on plugins whose API a double plays.
func TestOverHTTP(t *testing.T) {
	t.Parallel()
	// The second has what the first lacks: children, waiting, cursors, markers.
	for _, name := range []string{"dns", "watch"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := conformance.Run(t.Context(), overHTTP(t, name), conformance.Options{Random: configurations(), Seed: 1, Parallel: 2, Brief: name != "dns" && !soak(), Thorough: soak()})
			if err != nil {
				t.Fatal(err)
			}
			judge(t, report)
		})
	}
}

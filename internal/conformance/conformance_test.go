package conformance_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/conformance"
	"github.com/moldctl/moldctl/plugins/autoscale"
	"github.com/moldctl/moldctl/plugins/compute"
	"github.com/moldctl/moldctl/plugins/identity"
	"github.com/moldctl/moldctl/plugins/lb"
	"github.com/moldctl/moldctl/plugins/network"
	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// The test binary is also the plugins: these variables say which.
const (
	pluginVariable  = "CONFORMANCE_PLUGIN"
	plantedVariable = "CONFORMANCE_PLANTED" // path of a plugin.yaml
)

func bundled() map[string]sdk.Plugin {
	return map[string]sdk.Plugin{"network": network.Plugin, "compute": compute.Plugin, "identity": identity.Plugin, "lb": lb.Plugin, "autoscale": autoscale.Plugin}
}

func TestMain(m *testing.M) {
	if name := os.Getenv(pluginVariable); name != "" {
		sdk.Serve(bundled()[name])
	}
	if path := os.Getenv(plantedVariable); path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		sdk.Serve(sdk.Plugin{Spec: text})
	}
	if defect := os.Getenv(defectVariable); defect != "" {
		serveDefect(defect)
	}
	os.Exit(withKey(m))
}

// withKey keeps states sealed with a key of the test's own.
func withKey(m *testing.M) int {
	dir, err := os.MkdirTemp("", "conformance-key-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Setenv(state.KeyFileVariable, filepath.Join(dir, "key")); err != nil {
		panic(err)
	}
	return m.Run()
}

// subject is one bundled plugin with the others beside it.
func subject(t *testing.T, name string) conformance.Subject {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	all := bundled()
	s := conformance.Subject{Files: os.DirFS(filepath.Join("..", "..", "plugins", name)), Inside: inside(all[name])}
	for _, n := range slices.Sorted(maps.Keys(all)) {
		src := pluginhost.Source{Name: n, Spec: all[n].Spec, Command: []string{self}, Env: []string{pluginVariable + "=" + n}}
		if n == name {
			s.Source = src
		} else {
			src.Dial = inside(all[n])
			s.Others = append(s.Others, src)
		}
	}
	return s
}

// declarative are the types whose life is calls, all of it.
func declarative(t *testing.T, s conformance.Subject) []string {
	t.Helper()
	spec, diags := pluginspec.Parse("plugin.yaml", s.Source.Spec)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(spec.Types)) {
		if typ := spec.Types[name]; typ.IsResource() && !typ.Create.Handler {
			names = append(names, name)
		}
	}
	return names
}

// TestBundledPlugins runs the kit over the declarative types of the plugins
// that come with the program.
func TestBundledPlugins(t *testing.T) {
	t.Parallel()
	for _, plugin := range slices.Sorted(maps.Keys(bundled())) {
		s := subject(t, plugin)
		for _, name := range declarative(t, s) {
			t.Run(plugin+"/"+name, func(t *testing.T) {
				t.Parallel()
				report, err := conformance.Run(t.Context(), s, conformance.Options{Types: []string{name}, Random: configurations(), Seed: seed(), Parallel: 1, Brief: brief(name), Thorough: soak()})
				if err != nil {
					t.Fatal(err)
				}
				judge(t, report)
			})
		}
	}
}

func soak() bool { return os.Getenv("MOLDCTL_SOAK") != "" }

// brief leaves the long parts of most types to soak tests: a type made at once,
// one with children and one with rules and a machine stand for the others.
func brief(name string) bool {
	return !soak() && !slices.Contains([]string{"ssh_keypair", "port_forward"}, name)
}

// configurations is how many random ones a type is tried with, as an
// administrator and as an ordinary user.
func configurations() int {
	if n, err := strconv.Atoi(os.Getenv("MOLDCTL_CONFIGURATIONS")); err == nil {
		return n
	}
	if soak() {
		return 500
	}
	return 10
}

// seed is where random configurations come from; soak tests may try others.
func seed() uint64 {
	if n, err := strconv.ParseUint(os.Getenv("MOLDCTL_SEED"), 10, 64); err == nil {
		return n
	}
	return 1
}

// judge reports what failed.
func judge(t *testing.T, report *conformance.Report) {
	t.Helper()
	for _, r := range report.Results {
		switch {
		case r.Outcome == conformance.Failed:
			t.Errorf("%s: %s\n%s", r.Name(), r.Says, r.Text)
		case r.Outcome == conformance.Skipped && testing.Verbose():
			t.Logf("skipped %s: %s", r.Name(), r.Text)
		}
	}
	if report.Count(conformance.Passed) == 0 {
		t.Error("nothing was checked")
	}
}

package conformance_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	s := conformance.Subject{Files: os.DirFS(filepath.Join("..", "..", "plugins", name))}
	all := bundled()
	for _, n := range slices.Sorted(maps.Keys(all)) {
		src := pluginhost.Source{Name: n, Spec: all[n].Spec, Command: []string{self}, Env: []string{pluginVariable + "=" + n}}
		if n == name {
			s.Source = src
		} else {
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
				report, err := conformance.Run(t.Context(), s, conformance.Options{Types: []string{name}, Random: configurations(name), Seed: 1, Parallel: 1, Brief: brief(name), Thorough: soak()})
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

// configurations is how many random ones a type is tried with: they are what
// most of the time goes to.
func configurations(name string) int {
	switch {
	case soak():
		return 500
	case slices.Contains([]string{"network", "port_forward", "instance", "volume", "load_balancer", "network_acl", "account"}, name):
		return 10
	}
	return 3
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

// TestPlantedDefects gives the kit plugins that are wrong in one way each; it
// must name the promise that is broken.
func TestPlantedDefects(t *testing.T) {
	t.Parallel()
	sound := string(compute.Plugin.Spec)
	for name, tt := range map[string]struct {
		old, new string
		want     conformance.Check
	}{
		"a command that does not exist": {"call: createAffinityGroup", "call: createAfinityGroup", conformance.LintClean},
		"an example of another type":    {"examples/affinity_group.hcl", "examples/user_data.hcl", conformance.ExampleStands},
		"a version that is none":        {"version: 1.0.0", "version: one", conformance.SpecParses},
		"nobody finds it again":         {"read: {call: listAffinityGroups, batch: true, result: affinitygroup}", "read: {call: listAffinityGroups, result: affinitygroup}", conformance.ReadBatched},
		"it is read from elsewhere":     {"description: {type: string, optional: true, replace: true, doc: A description.}", "description: {type: string, optional: true, replace: true, field: type, doc: A description.}", conformance.ChangeSettles},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := subject(t, "compute")
			text := strings.Replace(sound, tt.old, tt.new, 1)
			if text == sound {
				t.Fatalf("the plugin does not have %q any more", tt.old)
			}
			file := filepath.Join(t.TempDir(), "plugin.yaml")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s.Source.Spec = []byte(text)
			s.Source.Env = []string{plantedVariable + "=" + file}
			report, err := conformance.Run(t.Context(), s, conformance.Options{Types: []string{"affinity_group"}, Random: 2, Seed: 1, Parallel: 1})
			if err != nil {
				t.Fatal(err)
			}
			var failed []string
			for _, r := range report.Results {
				if r.Outcome == conformance.Failed {
					failed = append(failed, r.Check)
				}
			}
			if !slices.Contains(failed, tt.want.Name) {
				t.Errorf("%s is not among what failed: %v", tt.want.Name, failed)
			}
		})
	}
}

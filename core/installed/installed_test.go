package installed_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/core/installed"
	"github.com/moldctl/moldctl/core/source"
	"github.com/moldctl/moldctl/core/spec"
)

const yaml = `plugin: acme
version: 1.0.0
protocol: 1
transport: http
types:
  acme_record:
    attributes:
      name: {type: string, required: true, replace: true, doc: The name.}
    create:   {method: POST, path: /records, body: {name: "${self.name}"}, result: record}
    read:     {calls: [{method: GET, path: /records, result: records}], batch: true}
    delete:   {method: DELETE, path: "/records/${self.id}"}
    identity: {natural: [name]}
`

// cloudy is a plugin that is given credentials.
var cloudy = strings.Replace(yaml, "transport: http\n", "transport: http\nneeds: [cloud]\n", 1)

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.Contains(name, "bin/") {
			mode = 0o755
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	handled := strings.Replace(yaml, `{method: DELETE, path: "/records/${self.id}"}`, "{handler: true}", 1)
	tests := map[string]struct {
		files         map[string]string
		program, want string
	}{
		"YAML alone":       {files: map[string]string{"plugin.yaml": yaml}},
		"for all":          {files: map[string]string{"plugin.yaml": yaml, "bin/acme": "#!"}, program: "bin/acme"},
		"for this one":     {files: map[string]string{"plugin.yaml": handled, "bin/acme": "#!", "bin/linux_amd64/acme": "x"}, program: "bin/linux_amd64/acme"},
		"for others":       {files: map[string]string{"plugin.yaml": handled, "bin/plan9_arm/acme": "x"}, want: "bin/linux_amd64/acme"},
		"code is missing":  {files: map[string]string{"plugin.yaml": handled}, want: "the verb delete of acme_record is served by code"},
		"no plugin":        {files: map[string]string{"main.hcl": ""}, want: "no plugin.yaml"},
		"broken":           {files: map[string]string{"plugin.yaml": "plugin: [\n"}, want: "plugin.yaml"},
		"other people's":   {files: map[string]string{"plugin.yaml": strings.ReplaceAll(yaml, "acme_record", "network")}, want: `must begin with "acme_"`},
		"not much of one":  {files: map[string]string{"plugin.yaml": strings.ReplaceAll(yaml, "acme_record", "acmerecord")}, want: `must begin with "acme_"`},
		"dashes in a name": {files: map[string]string{"plugin.yaml": strings.NewReplacer("plugin: acme", "plugin: a-b", "acme_", "a_b_").Replace(yaml)}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, tt.files)
			p, err := installed.Read(dir, "linux_amd64")
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimPrefix(p.Program, dir+"/"); got != tt.program {
				t.Errorf("program %q, want %q", got, tt.program)
			}
		})
	}
	t.Run("not executable", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		write(t, dir, map[string]string{"plugin.yaml": yaml, "bin/acme": "#!"})
		if err := os.Chmod(filepath.Join(dir, "bin/acme"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := installed.Read(dir, "linux_amd64"); err == nil || !strings.Contains(err.Error(), "chmod +x") {
			t.Errorf("error %v", err)
		}
	})
}

func open(t *testing.T, folder, cache, platform string) *source.Store {
	t.Helper()
	s, err := source.Open(source.Options{Folder: folder, Cache: cache, Platform: platform})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestPlatforms: one source, a package for each platform, and the lock file
// keeps the hashes of all.
func TestPlatforms(t *testing.T) {
	t.Parallel()
	folder, cache := t.TempDir(), filepath.Join(t.TempDir(), "cache")
	write(t, folder, map[string]string{
		"acme_linux_amd64/plugin.yaml": yaml, "acme_linux_amd64/bin/acme": "for linux",
		"acme_darwin_arm64/plugin.yaml": yaml, "acme_darwin_arm64/bin/acme": "for darwin",
	})
	for _, platform := range []string{"linux_amd64", "darwin_arm64"} {
		s := open(t, folder, cache, platform)
		if _, _, err := installed.Install(t.Context(), s, "./acme_{platform}", folder, spec.Constraint{}, nil); err != nil {
			t.Fatal(err)
		}
		if err := s.Lock.Write(); err != nil {
			t.Fatal(err)
		}
	}
	for platform, want := range map[string]string{"linux_amd64": "for linux", "darwin_arm64": "for darwin"} {
		s := open(t, folder, cache, platform)
		p, err := installed.Find(s, s.Lock.Plugins["acme"])
		if err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(p.Program); err != nil || string(text) != want {
			t.Errorf("%s: %q, %v", platform, text, err)
		}
	}
	s := open(t, folder, cache, "plan9_amd64")
	if _, diags := installed.Load(s, nil); !diags.HasErrors() || !strings.Contains(diags.Error(), "no hash for plan9_amd64") {
		t.Errorf("diagnostics %v", diags)
	}
	if err := installed.Restore(t.Context(), s, func(string) {}); err == nil || !strings.Contains(err.Error(), "moldctl plugin install ./acme_{platform} adds it") {
		t.Errorf("error %v", err)
	}
}

// TestLoad: how the host is told to serve plugins, and what is refused.
func TestLoad(t *testing.T) {
	t.Parallel()
	folder, cache := t.TempDir(), filepath.Join(t.TempDir(), "cache")
	write(t, folder, map[string]string{
		"acme/plugin.yaml":  cloudy,
		"coded/plugin.yaml": strings.NewReplacer("plugin: acme", "plugin: coded", "acme_", "coded_").Replace(yaml), "coded/bin/coded": "#!/bin/sh\n",
	})
	s := open(t, folder, cache, "linux_amd64")
	for _, name := range []string{"acme", "coded"} {
		if _, _, err := installed.Install(t.Context(), s, "./"+name, folder, spec.Constraint{}, []string{"network"}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"cloud"}, s.Lock.Plugins["acme"].Needs); diff != "" {
		t.Errorf("needs (-want +got):\n%s", diff)
	}
	list, diags := installed.Load(s, []string{"moldctl", "plugin", "serve"})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if got := list[0]; got.Name != "acme" || got.SHA256 != "" || len(got.Command) != 6 || got.Command[3] != "--sha256" {
		t.Errorf("acme is served by %q, compared with %q", got.Command, got.SHA256)
	}
	if got := list[1]; got.Name != "coded" || len(got.SHA256) != 64 || len(got.Command) != 1 {
		t.Errorf("coded is served by %q, compared with %q", got.Command, got.SHA256)
	}
	changes := map[string]struct {
		change func(e *source.Entry)
		want   string
	}{
		"needs left out": {func(e *source.Entry) { e.Needs = nil }, "needs [cloud]"},
		"other version":  {func(e *source.Entry) { e.Version = "9.9.9" }, "says version 9.9.9"},
		"other name":     {func(e *source.Entry) { e.Name = "other" }, "install it anew"},
		"other folder":   {func(e *source.Entry) { e.Sub = "none" }, `no folder "none"`},
		"other hash":     {func(e *source.Entry) { e.Hashes = s.Lock.Plugins["coded"].Hashes }, "the plugin is coded"},
		"absent":         {func(e *source.Entry) { e.Hashes = map[string]string{"any": "h1:" + strings.Repeat("A", 43) + "="} }, "moldctl init fetches it"},
	}
	for name, tt := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := s.Lock.Plugins["acme"]
			tt.change(&e)
			if _, err := installed.Find(s, e); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

package core

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// TestRequired: what the stack and its modules require of plugins is compared
// with what is there.
func TestRequired(t *testing.T) {
	t.Parallel()
	plugins := []*pluginspec.Plugin{{Name: "network", Version: "1.4.0"}, {Name: "acme", Version: "2.0.0"}}
	tests := map[string]struct{ stack, module, want string }{
		"met":             {`{ network = "~> 1.2", acme = ">= 2", moldctl = ">= 99" }`, `{}`, ""},
		"none":            {`{}`, `{}`, ""},
		"too old":         {`{ network = ">= 2" }`, `{}`, `Version >= 2 of the plugin "network" is wanted, and 1.4.0 is there.`},
		"not there":       {`{ acne = ">= 1" }`, `{}`, `neither bundled nor installed for this stack. Did you mean "acme"?`},
		"of a module":     {`{}`, `{ acme = "~> 1.0" }`, `Version ~> 1.0 of the plugin "acme" is wanted`},
		"not there there": {`{}`, `{ other = ">= 1" }`, "moldctl plugin install SOURCE"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, text := range map[string]string{
				"main.hcl": "stack \"s\" {\n  requires = " + tt.stack + "\n}\nmodule \"m\" {\n  source = \"./m\"\n}\n",
				"m/m.hcl":  "stack \"m\" {\n  requires = " + tt.module + "\n}\n",
			} {
				path := filepath.Join(dir, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			stack, diags := spec.Load(dir, spec.Options{})
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			diags = required(stack, plugins)
			switch {
			case tt.want == "" && len(diags) > 0:
				t.Errorf("diagnostics %v", diags)
			case tt.want != "" && (len(diags) != 1 || !strings.Contains(diags[0].Detail, tt.want) || diags[0].Subject == nil):
				t.Errorf("diagnostics %v, want %q with its place", diags, tt.want)
			}
		})
	}
}

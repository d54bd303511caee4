package spec_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/core/spec"
)

// TestPluginBlocks reads the same configurations of plugins in both syntaxes.
func TestPluginBlocks(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"spec.hcl":  "plugin \"dns\" {\n  token = \"t\"\n}\nplugin \"dns\" \"office\" {\n  token = \"u\"\n}\nplugin \"watch\" {\n  key = \"k\"\n}\n",
		"spec.yaml": "plugin:\n  - dns: {token: t}\n  - dns: {office: {token: u}}\n  - watch: {key: k}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			stack, diags := spec.Load(path, spec.Options{})
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			var got []string
			for _, p := range stack.Plugins {
				got = append(got, p.Name+"/"+p.Alias)
			}
			want := []string{"dns/", "dns/office", "watch/"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("blocks (-want +got):\n%s", diff)
			}
			if p := stack.Configuration("dns", "office"); p == nil || p.Alias != "office" {
				t.Errorf("the office has %v", p)
			}
			if p := stack.Configuration("watch", "office"); p == nil || p.Alias != "" {
				t.Errorf("what has no block of its own has %v", p)
			}
		})
	}
}

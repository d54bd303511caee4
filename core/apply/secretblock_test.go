package apply_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	planrender "github.com/moldctl/moldctl/core/plan/render"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/fakeplugin"
)

// TestSecretsInRepeatedBlocks has secrets in blocks that stand more than once:
// no plan shows them, no file of the state can be read for them, and they
// change as anything else does.
func TestSecretsInRepeatedBlocks(t *testing.T) {
	t.Parallel()
	for _, nesting := range []string{"list", "set", "map"} {
		for _, kind := range []string{"sensitive", "write_only"} {
			t.Run(nesting+" "+kind, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				var err error
				w.cloud, err = fakeplugin.New(nextSpec("    unique: [number, street]\n", "    unique: [number, street]\n    blocks:\n      key:\n        nesting: "+nesting+
					"\n        doc: A key.\n        attributes:\n          name: {type: string, doc: The name.}\n          secret: {type: string, "+kind+": true, doc: The secret.}\n"))
				if err != nil {
					t.Fatal(err)
				}
				label := ""
				if nesting == "map" {
					label = ` "k"`
				}
				text := func(secret string) string {
					return "resource \"post\" \"a\" {\n  number = 1\n  key" + label + " {\n    name = \"n\"\n    secret = \"" + secret + "\"\n  }\n}\n"
				}
				w.must(text("hush-hush"))
				if left := w.steps(text("hush-hush")); len(left) != 0 {
					t.Errorf("the next plan is not empty: %v", left)
				}
				row := w.objects()[state.Key{Addr: "post.a"}]
				if !slices.Contains(row.SensitivePaths, "key") {
					t.Errorf("secret are %v", row.SensitivePaths)
				}
				files, err := filepath.Glob(filepath.Join(w.dir, ".moldctl", "*"))
				if err != nil || len(files) == 0 {
					t.Fatal(files, err)
				}
				for _, file := range files {
					data, err := os.ReadFile(file)
					if err == nil && strings.Contains(string(data), "hush-hush") {
						t.Errorf("%s holds the secret", filepath.Base(file))
					}
				}
				s := w.session()
				p, diags := w.plan(s, text("hush-more"))
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if diags.HasErrors() || len(p.Steps) == 0 {
					t.Fatalf("%s", diags.Error())
				}
				if shown := planrender.Text(p, planrender.Options{}); strings.Contains(shown, "hush") || !strings.Contains(shown, "post.a") {
					t.Errorf("the plan shows %s", shown)
				}
				w.must(text("hush-more"))
			})
		}
	}
}

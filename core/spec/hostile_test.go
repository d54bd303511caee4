package spec_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/moldctl/moldctl/core/spec"
)

// TestHostileFiles loads files made to exhaust a parser. Each is refused, or
// loaded, within memory in proportion to the largest file there may be.
func TestHostileFiles(t *testing.T) { // not parallel: it counts what is allocated
	const largest = 8 << 20
	many := 100_000
	if os.Getenv("MOLDCTL_SOAK") != "" {
		many = 1_000_000
	}
	laughs := "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 10; i++ {
		n, before := string(rune('0'+i)), string(rune('0'+i-1))
		laughs += "a" + n + ": &a" + n + " [" + strings.Repeat("*a"+before+", ", 8) + "*a" + before + "]\n"
	}
	tests := map[string]struct{ file, text, want string }{
		"billion laughs":              {"x.yaml", laughs, "Too many nodes"},
		"alias in itself":             {"x.yaml", "a: &a [*a]\n", ""},
		"line that is too long":       {"x.hcl", "a = \"" + strings.Repeat("x", 9<<20) + "\"\n", "File too large"},
		"line that is too long, YAML": {"x.yaml", "a: " + strings.Repeat("x", 9<<20) + "\n", "File too large"},
		"longest line":                {"x.hcl", "locals {\n  a = \"" + strings.Repeat("x", largest-40) + "\"\n}\n", "-"},
		"longest line, YAML":          {"x.yaml", "locals:\n  a: " + strings.Repeat("x", largest-40) + "\n", "-"},
		"many blocks":                 {"x.hcl", strings.Repeat("a {}\n", many), "Too many errors"},
		"many keys":                   {"x.yaml", strings.Repeat("a:\n", many), "Duplicate key"},
		"deep brackets":               {"x.hcl", "locals {\n  a = " + strings.Repeat("[", many) + "\n}\n", "Nested too deep"},
		"deep blocks":                 {"x.hcl", strings.Repeat("a {\n", many), "Nested too deep"},
		"deep templates":              {"x.hcl", "locals {\n  a = " + strings.Repeat(`"${`, many) + "\n}\n", "Nested too deep"},
		"deep flow":                   {"x.yaml", strings.Repeat("[", many), "Invalid YAML"},
		"deep mapping":                {"x.yaml", strings.Repeat("{a: ", 9000) + strings.Repeat("}", 9000), "Nested too deep"},
		"long sum":                    {"x.hcl", "locals {\n  a = 1" + strings.Repeat("+1", many) + "\n}\n", "Expression too long"},
		"negations":                   {"x.hcl", "locals {\n  a = " + strings.Repeat("!", many) + "true\n}\n", "Expression too long"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), tt.file)
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			stack, diags := spec.Load(path, spec.Options{})
			runtime.ReadMemStats(&after)
			said := render(t, stack.Files, diags)
			if tt.want == "-" {
				if said != "" {
					t.Errorf("said %.300s", said)
				}
			} else if !diags.HasErrors() || !strings.Contains(said, tt.want) || len(said) > 200_000 {
				t.Errorf("want %q, got %d bytes: %.300s", tt.want, len(said), said)
			}
			if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 3500 {
				t.Errorf("%d MiB were allocated", mib)
			} else {
				t.Logf("%d MiB were allocated", mib)
			}
		})
	}
}

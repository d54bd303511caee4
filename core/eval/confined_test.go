package eval_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/spec"
)

// TestConfinedFunctions: a module from elsewhere sees its own folder, links
// resolved; the stack sees what its user sees.
func TestConfinedFunctions(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	dir := filepath.Join(base, "module")
	for name, text := range map[string]string{
		"secret.txt": "secret", "module/own.txt": "own", "module/sub/deep.txt": "deep", "module/own.tmpl": "${x} ${file(\"own.txt\")}", "module/bad.tmpl": "${file(\"../secret.txt\")}",
		"other/file.txt": "other",
	} {
		path := filepath.Join(base, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"inner": "own.txt", "out": "../secret.txt", "abs": filepath.Join(base, "secret.txt"), "dir": "../other", "proc": "/proc/self/environ"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	getenv := func(name string) (string, bool) { return "set", true }
	confined := eval.FunctionsOf(&spec.Stack{Dir: dir, Confined: &spec.Confinement{Root: dir}}, getenv)
	free := eval.FunctionsOf(&spec.Stack{Dir: dir}, getenv)
	allowed := eval.FunctionsOf(&spec.Stack{Dir: dir, Confined: &spec.Confinement{Root: dir, Env: true}}, getenv)

	const outside = "does not lie in the module's folder"
	tests := map[string]string{ // expression → what a confined module is told; "" if it may
		`file("own.txt")`: "", `file("./sub/../own.txt")`: "", `file("sub/deep.txt")`: "", `file("inner")`: "", `file(abspath("own.txt"))`: "",
		`fileexists("own.txt")`: "", `filesha256("own.txt")`: "", `filebase64("own.txt")`: "", `fileset(".", "**/*.txt")`: "", `fileset("sub", "*")`: "",
		`templatefile("own.tmpl", {x = 1})`: "",
		`file("../secret.txt")`:             outside, `file("sub/../../secret.txt")`: outside, `file("out")`: outside, `file("abs")`: outside, `file("dir/file.txt")`: outside, `file("proc")`: outside,
		`file("/etc/passwd")`: outside, `filebase64("../secret.txt")`: outside, `filebase64("out")`: outside, `filesha256("../secret.txt")`: outside, `filesha256("abs")`: outside,
		`fileexists("../secret.txt")`: outside, `fileexists("out")`: outside, `fileexists("/etc/passwd")`: outside, `fileset("..", "*")`: outside, `fileset("/etc", "*")`: outside, `fileset("dir", "*")`: outside,
		`templatefile("../secret.txt", {})`: outside, `templatefile("bad.tmpl", {})`: outside, `templatefile("out", {})`: outside,
		`env("HOME")`: "may not read the environment", `env("HOME", "x")`: "may not read the environment",
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			expr, diags := hclsyntax.ParseExpression([]byte(text), "test", hcl.InitialPos)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			v, diags := expr.Value(&hcl.EvalContext{Functions: confined})
			switch {
			case want == "" && diags.HasErrors():
				t.Errorf("refused: %v", diags)
			case want != "" && (!diags.HasErrors() || !strings.Contains(diags.Error(), want)):
				t.Errorf("value %#v, diagnostics %v; want %q", v, diags, want)
			}
			if _, diags := expr.Value(&hcl.EvalContext{Functions: free}); diags.HasErrors() {
				t.Errorf("the stack itself may not: %v", diags)
			}
			if strings.HasPrefix(text, "env(") {
				if _, diags := expr.Value(&hcl.EvalContext{Functions: allowed}); diags.HasErrors() {
					t.Errorf("refused although it is allowed: %v", diags)
				}
			}
		})
	}
}

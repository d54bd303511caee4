package spec_test

import (
	"path/filepath"
	"testing"

	"github.com/moldctl/moldctl/core/spec"
)

// TestTextsStandInForFiles checks that a stack and its modules load from texts
// alone, wherever they are said to lie, and that nothing is read beside them.
func TestTextsStandInForFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "never", "made")
	texts := map[string][]byte{
		filepath.Join(dir, "web", "a.hcl"):   []byte("module \"m\" {\n  source = \"../base\"\n}\n"),
		filepath.Join(dir, "web", "b.yaml"):  []byte("stack: {web: {version: \"1.2.3\"}}\n"),
		filepath.Join(dir, "base", "in.hcl"): []byte("variable \"x\" {\n  default = 1\n}\n"),
	}
	stack, diags := spec.Load(filepath.Join(dir, "web"), spec.Options{Texts: texts})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if stack.Name != "web" || stack.Version != "1.2.3" || len(stack.Files) != 3 || stack.Modules[0].Stack.Variables["x"] == nil {
		t.Errorf("loaded %+v", stack)
	}
	stack, diags = spec.Load(filepath.Join(dir, "web", "b.yaml"), spec.Options{Texts: texts})
	if diags.HasErrors() || len(stack.Files) != 1 {
		t.Errorf("one file of them: %v, %d files", diags, len(stack.Files))
	}
	delete(texts, filepath.Join(dir, "base", "in.hcl"))
	if _, diags = spec.Load(filepath.Join(dir, "web"), spec.Options{Texts: texts}); !diags.HasErrors() {
		t.Error("a module that was not brought along was found")
	}
}

package eval_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/spec"
)

const languagePage = "../../docs/language.md"

// TestDocumentedExamples loads every example of the language's page.
func TestDocumentedExamples(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(languagePage)
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```(hcl|yaml)\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(examples) < 8 {
		t.Fatalf("only %d examples found", len(examples))
	}
	for _, example := range examples {
		dir := t.TempDir()
		files := map[string]string{"spec." + example[1]: example[2], "base/base.hcl": "variable \"name\" {}\noutput \"id\" {\n  value = var.name\n}\n"}
		for name, text := range files {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		stack, diags := spec.Load(filepath.Join(dir, "spec."+example[1]), spec.Options{Version: "0.1.0", Modules: folder(filepath.Join(dir, "base"))})
		_, more := eval.Variables(stack, nil, eval.Functions(dir, nil))
		names := eval.NewNames(stack, nil, nil)
		for _, o := range stack.Outputs {
			_, d := names.OutputReferences(o)
			more = append(more, d...)
		}
		if diags = append(diags, more...); len(diags) > 0 {
			var b strings.Builder
			if err := (diag.Printer{Files: stack.Files}).Print(&b, diags); err != nil {
				t.Fatal(err)
			}
			t.Errorf("an example is wrong:\n%s\n%s", example[2], b.String())
		}
		if example[1] == "hcl" {
			if got, _, _ := spec.Format("x.hcl", []byte(example[2])); string(got) != example[2] {
				t.Errorf("an example is not laid out as fmt does:\n%s", got)
			}
		}
	}
}

// folder stands for every module from elsewhere.
type folder string

func (f folder) Find(q spec.ModuleQuery) (spec.ModulePlace, error) {
	return spec.ModulePlace{Name: q.Source, Dir: string(f), Root: string(f), Version: "1.2.0"}, nil
}

// TestDocumentedFunctions checks that the page names every function and no other.
func TestDocumentedFunctions(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(languagePage)
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| functions |")
	table, _, _ = strings.Cut(table, "\n\n")
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("`([a-z0-9_]+)`").FindAllStringSubmatch(table, -1) {
		documented[m[1]] = true
	}
	for _, name := range eval.FunctionNames() {
		if !documented[name] {
			t.Errorf("%s is not documented", name)
		}
		delete(documented, name)
	}
	for name := range documented {
		t.Errorf("%s is documented and does not exist", name)
	}
}

// TestEveryFunctionIsTried checks that the tests call each function: the table
// of functions, and what is confined to a folder.
func TestEveryFunctionIsTried(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for _, file := range []string{"functions_test.go", "standard_test.go", "confined_test.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(source)
	}
	for _, name := range eval.FunctionNames() {
		if !regexp.MustCompile(`[^a-z0-9_.]` + name + `\(`).MatchString(text.String()) {
			t.Errorf("no test calls %s", name)
		}
	}
}

package spec_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"go.yaml.in/yaml/v4"

	"github.com/moldctl/moldctl/core/spec"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ name, in, want string }{
		"hcl":                 {"a.hcl", "resource  \"network\" \"a\" {\nname=\"a\"\n  description   = \"b\" \n}\n\n\n", "resource \"network\" \"a\" {\n  name        = \"a\"\n  description = \"b\"\n}\n"},
		"hcl with CRLF":       {"a.hcl", "locals {\r\na=1\r\n}\r\n", "locals {\r\n  a = 1\r\n}\r\n"},
		"hcl heredoc":         {"a.hcl", "locals {\n  a = <<E\nx  \n\ny\nE\n}\n", "locals {\n  a = <<E\nx  \n\ny\nE\n}\n"},
		"empty":               {"a.hcl", "", ""},
		"only comments":       {"a.hcl", "# x", "# x\n"},
		"yaml":                {"a.yaml", "resource:  \n  # why   \n  network: {a: {}}\t\n\n\n", "resource:\n  # why\n  network: {a: {}}\n"},
		"yaml without end":    {"a.yaml", "a: 1", "a: 1\n"},
		"yaml block":          {"a.yaml", "a: |\n  x  \n  y\nb: 1  \n", "a: |\n  x  \n  y\nb: 1\n"},
		"yaml kept end":       {"a.yaml", "a: |+\n  x\n\n\n", "a: |+\n  x\n\n\n"},
		"yaml in quotes":      {"a.yaml", "a: \"x   \n\n  y\"   \nb: 1 \n", "a: \"x\n\n  y\"\nb: 1\n"},
		"yaml with CRLF":      {"a.yaml", "a: 1  \r\nb: 2\r\n\r\n", "a: 1\r\nb: 2\r\n"},
		"yaml style is yours": {"a.yaml", "a:    [1,2,  3]\nb: 'x'\n", "a:    [1,2,  3]\nb: 'x'\n"},
		"broken yaml":         {"a.yaml", "a: [1  \n", "a: [1  \n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _, diags := spec.Format(tt.name, []byte(tt.in))
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			if d := cmp.Diff(tt.want, string(got)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			again, _, _ := spec.Format(tt.name, got)
			if string(again) != string(got) {
				t.Errorf("formatting twice changes it again:\n%s", again)
			}
		})
	}
}

// TestFormatManyBlanks checks that a text full of blanks that mean something
// takes no time to speak of.
func TestFormatManyBlanks(t *testing.T) {
	t.Parallel()
	in := "a: |\n" + strings.Repeat("  x  \n", 2000) + "b: 1\n"
	if got, _, _ := spec.Format("a.yaml", []byte(in)); string(got) != in {
		t.Error("the text was changed")
	}
}

func TestFormatRefuses(t *testing.T) {
	t.Parallel()
	in := []byte("resource \"a\" {\n  x = \n")
	got, file, diags := spec.Format("a.hcl", in)
	if !diags.HasErrors() || string(got) != string(in) || string(file.Bytes) != string(in) {
		t.Errorf("got %q, %v", got, diags)
	}
}

// TestFormatted checks that the stacks of the repository are in the layout.
func TestFormatted(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{filepath.Join(stacks, "good"), "../../specs"} {
		files, err := spec.FormatFiles(dir, true)
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, name := range files {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got, _, diags := spec.Format(name, src)
			if diags.HasErrors() {
				t.Errorf("%s: %v", name, diags)
			}
			if d := cmp.Diff(string(src), string(got)); d != "" {
				t.Errorf("%s is not formatted (-is +should be):\n%s", name, d)
			}
		}
	}
}

func TestFormatFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.hcl": "", "b.yaml": "resource: {}", "compose.yaml": "services: {}", "x.vars.yaml": "a: 1", "moldctl.lock.hcl": "",
		".hidden.hcl": "", "sub/c.hcl": "", ".moldctl/d.hcl": "", "readme.md": "", "sub/list.yml": "- a",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for recursive, want := range map[bool]string{false: "a.hcl b.yaml x.vars.yaml", true: "a.hcl b.yaml sub/c.hcl x.vars.yaml"} {
		files, err := spec.FormatFiles(dir, recursive)
		if err != nil {
			t.Fatal(err)
		}
		for i := range files {
			if files[i], err = filepath.Rel(dir, files[i]); err != nil {
				t.Fatal(err)
			}
		}
		if got := strings.Join(files, " "); got != want {
			t.Errorf("recursive %t: got %s, want %s", recursive, got, want)
		}
	}
}

// FuzzFormat checks that layout never changes what a text says, and that a
// text in its layout stays as it is.
func FuzzFormat(f *testing.F) {
	for _, s := range []string{"a: |\n  x  \n", "a: \"x \n  y\" \n", "a:   1 \r\n\r\n", "- >-\n  a  \n\n  b\n\n", "'a  \n b': c \n#  \n", "a: |+\n\n\n"} {
		f.Add([]byte(s), true)
	}
	f.Add([]byte("a=1\nb   = <<E\n x  \nE\nc {}\n"), false)
	f.Fuzz(func(t *testing.T, src []byte, isYAML bool) {
		name := "a.hcl"
		if isYAML {
			name = "a.yaml"
		}
		once, _, diags := spec.Format(name, src)
		if diags.HasErrors() {
			if string(once) != string(src) {
				t.Error("a text with errors is changed")
			}
			return
		}
		twice, _, _ := spec.Format(name, once)
		if string(twice) != string(once) {
			t.Errorf("%q becomes %q, and that %q", src, once, twice)
		}
		if !isYAML {
			if d := cmp.Diff(words(src), words(once)); d != "" {
				t.Errorf("%q becomes %q, which means something else:\n%s", src, once, d)
			}
			return
		}
		var before, after any
		if yaml.Unmarshal(src, &before) != nil {
			return
		}
		if err := yaml.Unmarshal(once, &after); err != nil {
			t.Fatalf("%q becomes %q: %v", src, once, err)
		}
		if d := cmp.Diff(before, after, cmpopts.EquateNaNs()); d != "" {
			t.Errorf("%q becomes %q (-was +is):\n%s", src, once, d)
		}
	})
}

// words are the tokens of a text without what lies between them.
func words(src []byte) []string {
	tokens, _ := hclsyntax.LexConfig(src, "a.hcl", hcl.InitialPos)
	var out []string
	for _, token := range tokens {
		text := token.Bytes
		if token.Type == hclsyntax.TokenComment {
			text = bytes.TrimRight(text, " \t\r\n") // a comment ends with its line
		}
		if token.Type != hclsyntax.TokenNewline {
			out = append(out, string(text))
		}
	}
	return out
}

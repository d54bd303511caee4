package spec

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// describe lists every node of a parsed file with its range, sorted: the
// library keeps attributes in a map.
func describe(f *hcl.File) []string {
	var out []string
	_ = hclsyntax.VisitAll(f.Body.(*hclsyntax.Body), func(n hclsyntax.Node) hcl.Diagnostics {
		switch n.(type) {
		case hclsyntax.Attributes, hclsyntax.Blocks:
			return nil // their range is that of any one of them
		}
		text := fmt.Sprintf("%08d %T %v %d", n.Range().Start.Byte, n, n.Range(), n.Range().End.Byte)
		if l, ok := n.(*hclsyntax.LiteralValueExpr); ok && l.Val.Type() == cty.String {
			text += " " + l.Val.AsString()
		}
		if b, ok := n.(*hclsyntax.Body); ok {
			text += fmt.Sprintf(" ends %v", b.EndRange)
		}
		out = append(out, text)
		return nil
	})
	slices.Sort(out)
	return out
}

// TestPieces parses every stack of the repository as a whole and in pieces.
func TestPieces(t *testing.T) {
	t.Parallel()
	var files []string
	for _, root := range []string{"../../testdata", "../../specs"} {
		err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
			if filepath.Ext(path) == ".hcl" {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	cut := 0
	for _, path := range files {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		whole, diags := hclsyntax.ParseConfig(src, path, hcl.InitialPos)
		pieces := parsePieces(path, src, 1)
		if diags.HasErrors() {
			if pieces != nil {
				t.Errorf("%s: in pieces its mistakes are not seen", path)
			}
			continue
		}
		if pieces == nil {
			continue
		}
		cut++
		if d := cmp.Diff(describe(whole), describe(pieces)); d != "" {
			t.Errorf("%s (-whole +pieces):\n%s", path, d)
		}
	}
	if cut < 5 {
		t.Errorf("only %d of %d files were parsed in pieces", cut, len(files))
	}
}

// TestPiecesRefused is about text that looks as if it could be cut.
func TestPiecesRefused(t *testing.T) {
	t.Parallel()
	const tail = "\nb {\n}\n"
	tests := map[string]struct {
		text string
		cut  bool
	}{
		"blocks":            {"a {\n}\n" + tail, true},
		"carriage returns":  {"a {\r\n}\r\nb {\r\n}\r\n", true},
		"no last line end":  {"a {\n}\nb {\n}", true},
		"wide characters":   {"a {\n x = \"é가\u0301\"\n}\nb {\n}\n", true},
		"heredoc":           {"a {\n x = <<E\n}\nE\n}\n" + tail, false},
		"comment":           {"/*\n}\n*/\n" + tail, false},
		"nested":            {"a {\nc {\n}\n}\n" + tail, false},
		"object":            {"x = {\n}\n" + tail, true},
		"object in a list":  {"x = [{\n}\n]\n" + tail, false},
		"template":          {"x = \"${{\n}\n}\"\n" + tail, false},
		"attribute twice":   {"x = 1\na {\n}\nx = 2\n" + tail, false},
		"mistake":           {"a {\n}\nx = = 1\n" + tail, false},
		"nested too deep":   {"a {\n}\nx = " + strings.Repeat("[", 300) + strings.Repeat("]", 300) + tail, false},
		"brackets in texts": {"a {\n x = \"" + strings.Repeat("[", 300) + "\"\n}\n" + tail, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := parsePieces("x.hcl", []byte(tt.text), 1)
			if (got != nil) != tt.cut {
				t.Fatalf("parsed in pieces: %v, want %v", got != nil, tt.cut)
			}
			if got == nil {
				return
			}
			whole, diags := hclsyntax.ParseConfig([]byte(tt.text), "x.hcl", hcl.InitialPos)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			if d := cmp.Diff(describe(whole), describe(got)); d != "" {
				t.Errorf("(-whole +pieces):\n%s", d)
			}
		})
	}
}

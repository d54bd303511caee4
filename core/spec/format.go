package spec

import (
	"bytes"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"go.yaml.in/yaml/v4"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec/nesting"
)

// Format returns the text of a source file in its usual layout. HCL gets the
// one layout of the language. YAML stays as its author wrote it, but for blanks
// at the ends of lines and empty lines at the end of the file, where they mean
// nothing. The file is there to show the diagnostics; a text with errors comes
// back as it was.
func Format(name string, src []byte) ([]byte, *hcl.File, hcl.Diagnostics) {
	shown := &hcl.File{Body: hcl.EmptyBody(), Bytes: src}
	if d := checkText(name, src); d != nil {
		shown.Bytes = printable(src)
		return src, shown, hcl.Diagnostics{d}
	}
	if ext := filepath.Ext(name); ext == ".yaml" || ext == ".yml" {
		return formatYAML(src), shown, nil
	}
	if d := nesting.Config(src, name); d != nil {
		return src, shown, hcl.Diagnostics{d}
	}
	if _, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos); diags.HasErrors() {
		return src, shown, atMost(maxParseErrors, diags)
	}
	out := bytes.TrimRight(hclwrite.Format(src), "\r\n\t ")
	if len(out) > 0 {
		out = append(out, lineEnd(src)...)
	}
	return out, shown, nil
}

// lineEnd is how the lines of a text end.
func lineEnd(src []byte) string {
	if i := bytes.IndexByte(src, '\n'); i > 0 && src[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// maxComparisons bounds how often a YAML text is read again to find the blanks
// that mean nothing; those that are not found by then stay.
const maxComparisons = 200

// formatYAML takes away blanks that mean nothing. Where they mean something,
// inside texts, they stay.
func formatYAML(src []byte) []byte {
	lines := bytes.SplitAfter(src, []byte("\n"))
	if !sameYAML(src, src) {
		return src // no YAML: left to the loader to say so
	}
	left := maxComparisons
	same := func(text []byte) bool {
		left--
		return left >= 0 && sameYAML(src, text)
	}
	trimLines(lines, 0, len(lines), same)
	out := bytes.Join(lines, nil)
	end := bytes.TrimRight(out, "\r\n\t ")
	if len(end) == 0 {
		return nil
	}
	if ended := append(slices.Clone(end), lineEnd(src)...); sameYAML(src, ended) {
		return ended
	}
	return out
}

// trimLines trims lines from to to: all of them if the meaning stays, else
// those halves of which it does.
func trimLines(lines [][]byte, from, to int, same func([]byte) bool) {
	kept := slices.Clone(lines[from:to])
	changed := false
	for i := from; i < to; i++ {
		text := bytes.TrimRight(lines[i], "\r\n")
		if trimmed := bytes.TrimRight(text, " \t"); len(trimmed) < len(text) {
			lines[i], changed = append(slices.Clone(trimmed), lines[i][len(text):]...), true
		}
	}
	if !changed || same(bytes.Join(lines, nil)) {
		return
	}
	copy(lines[from:to], kept)
	if to-from > 1 {
		middle := (from + to) / 2
		trimLines(lines, from, middle, same)
		trimLines(lines, middle, to, same)
	}
}

// sameYAML tells whether two texts hold the same nodes.
func sameYAML(x, y []byte) bool {
	var a, b yaml.Node
	if yaml.Unmarshal(x, &a) != nil || yaml.Unmarshal(y, &b) != nil {
		return false
	}
	return sameNode(&a, &b)
}

func sameNode(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.Value != b.Value || a.Tag != b.Tag || a.Anchor != b.Anchor || len(a.Content) != len(b.Content) {
		return false
	}
	for i := range a.Content {
		if !sameNode(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

// FormatFiles lists what Format is for at a path: a file itself, or the files
// of a folder, with those of its subfolders if they are wanted. Of YAML only
// files with the blocks of a stack count, because folders hold YAML of other
// programs too. Hidden folders, and the lock file, are left out.
func FormatFiles(path string, recursive bool) ([]string, error) {
	var names []string
	err := filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(e.Name(), ".") && name != path
		if e.IsDir() {
			if name != path && (!recursive || hidden) {
				return filepath.SkipDir
			}
			return nil
		}
		if name == path {
			names = append(names, name)
			return nil
		}
		ext := filepath.Ext(name)
		if hidden || !isSource(ext) || e.Name() == "moldctl.lock.hcl" || !e.Type().IsRegular() {
			return nil
		}
		if ext == ".hcl" || ownYAML(name) {
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// ownYAML tells whether a YAML file is one of a stack.
func ownYAML(name string) bool {
	switch base := strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)); filepath.Ext(base) {
	case ".vars", ".test":
		return true
	}
	src, d := readFile(name)
	if d != nil {
		return false
	}
	var root yaml.Node
	if yaml.Unmarshal(src, &root) != nil || len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
		return false
	}
	known := map[string]bool{}
	for _, b := range rootSchema.Blocks {
		known[b.Type] = true
	}
	keys := root.Content[0].Content
	for i := 0; i < len(keys); i += 2 {
		if !known[keys[i].Value] {
			return false
		}
	}
	return len(keys) > 0
}

// ReadSource reads a source file, bounded in size.
func ReadSource(name string) ([]byte, hcl.Diagnostics) {
	if ext := filepath.Ext(name); !isSource(ext) {
		return nil, hcl.Diagnostics{diag.Errorf(nil, unreadable, "%s is no stack file: the name ends neither in .hcl nor in .yaml or .yml.", name)}
	}
	src, d := readFile(name)
	if d != nil {
		return nil, hcl.Diagnostics{d}
	}
	return src, nil
}

package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec/yamlbody"
)

// maxFileSize keeps a wrong file name (a disk image, a log) from being parsed.
const maxFileSize = 8 << 20

// maxParseErrors is how many mistakes of syntax are reported per file.
const maxParseErrors = 20

// maxErrors is the same for a stack that can be read.
const maxErrors = 200

const unreadable = "Unreadable stack"

// sources are the parsed files of a stack, in the order of their names.
type sources struct {
	dir    string // absolute
	folder string // the same as the user spells it
	names  []string
	files  map[string]*hcl.File
}

// readSources reads and parses the file or folder at path. It returns nil if
// nothing could be read at all.
func readSources(path string, texts map[string][]byte) (*sources, hcl.Diagnostics) {
	find := filesAt
	if len(texts) > 0 {
		find = func(path string) (string, []string, *hcl.Diagnostic) { return textsAt(path, texts) }
	}
	folder, names, d := find(path)
	if d != nil {
		return nil, hcl.Diagnostics{d}
	}
	dir, err := filepath.Abs(folder)
	if err != nil {
		return nil, hcl.Diagnostics{pathError(path, err)}
	}
	src := &sources{dir: dir, folder: folder, files: map[string]*hcl.File{}}
	var diags hcl.Diagnostics
	for _, name := range names {
		file, moreDiags := parseGiven(name, texts)
		diags = append(diags, atMost(maxParseErrors, moreDiags)...)
		if file != nil {
			src.names = append(src.names, name)
			src.files[name] = file
		}
	}
	return src, diags
}

// filesAt lists the files of the stack at path, and their folder.
func filesAt(path string) (folder string, names []string, d *hcl.Diagnostic) {
	info, err := os.Stat(path)
	if err != nil {
		return "", nil, pathError(path, err)
	}
	if !info.IsDir() {
		return filepath.Dir(path), []string{filepath.Clean(path)}, nil
	}
	if names, err = stackFiles(path); err != nil {
		return "", nil, pathError(path, err)
	}
	if len(names) == 0 {
		return "", nil, diag.Errorf(nil, "No stack found",
			"The folder %s holds no *.hcl, *.yaml or *.yml file. Name a stack file or a folder with one.", path)
	}
	return path, names, nil
}

// textsAt is filesAt among texts that were brought along.
func textsAt(path string, texts map[string][]byte) (folder string, names []string, d *hcl.Diagnostic) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return "", nil, pathError(path, err)
	}
	if _, ok := texts[whole]; ok {
		return filepath.Dir(path), []string{filepath.Clean(path)}, nil
	}
	for name := range texts {
		if filepath.Dir(name) == whole {
			names = append(names, filepath.Join(path, filepath.Base(name)))
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "", nil, pathError(path, fs.ErrNotExist)
	}
	return path, names, nil
}

// parseGiven parses a text that was brought along, or else the file.
func parseGiven(name string, texts map[string][]byte) (*hcl.File, hcl.Diagnostics) {
	if whole, err := filepath.Abs(name); err == nil && len(texts) > 0 {
		return parseText(name, texts[whole])
	}
	return parseFile(name)
}

// atMost keeps the first n diagnostics of a file and says how many more there
// are: a wrong file is one mistake, not thousands.
func atMost(n int, diags hcl.Diagnostics) hcl.Diagnostics {
	if len(diags) <= n {
		return diags
	}
	return append(slices.Clone(diags[:n]), diag.Errorf(diags[n].Subject, "Too many errors",
		"From here on there are %d more errors. Is it the right file?", len(diags)-n))
}

// stackFiles lists the files of a folder that make up its stack, sorted.
// Hidden files, variable values, tests and the lock file are not part of it.
func stackFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") || name == "moldctl.lock.hcl" {
			continue
		}
		ext := filepath.Ext(name)
		if !isSource(ext) {
			continue
		}
		switch filepath.Ext(strings.TrimSuffix(name, ext)) {
		case ".vars", ".test":
			continue
		}
		names = append(names, filepath.Join(dir, name))
	}
	return names, nil
}

func isSource(ext string) bool { return ext == ".hcl" || ext == ".yaml" || ext == ".yml" }

// parseFile reads one file. Its bytes come back even if they do not parse, so
// that diagnostics can show them; nil means there is nothing to show.
func parseFile(name string) (*hcl.File, hcl.Diagnostics) {
	src, d := readFile(name)
	if d != nil {
		return nil, hcl.Diagnostics{d}
	}
	return parseText(name, src)
}

// parseText parses what a file holds.
func parseText(name string, src []byte) (*hcl.File, hcl.Diagnostics) {
	if d := checkText(name, src); d != nil {
		return &hcl.File{Body: hcl.EmptyBody(), Bytes: printable(src)}, hcl.Diagnostics{d}
	}
	if ext := filepath.Ext(name); ext == ".yaml" || ext == ".yml" {
		return yamlbody.Parse(name, src)
	}
	return parseHCL(name, src)
}

func readFile(name string) ([]byte, *hcl.Diagnostic) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, pathError(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, diag.Errorf(nil, unreadable, "%s is no regular file. A stack is a text file or a folder of text files.", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, pathError(name, err)
	}
	defer func() { _ = f.Close() }() // only read from
	src, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, pathError(name, err)
	}
	if len(src) > maxFileSize {
		return nil, diag.Errorf(nil, "File too large",
			"%s is %s; a stack file may have up to %s. Is it the right file? Large contents belong into files of their own, read with file().",
			name, size(max(info.Size(), int64(len(src)))), size(maxFileSize))
	}
	return src, nil
}

// checkText refuses what is not plain UTF-8 text.
func checkText(name string, src []byte) *hcl.Diagnostic {
	switch {
	case bytes.HasPrefix(src, []byte{0xEF, 0xBB, 0xBF}):
		return diag.Error(at(name, src, 0), "Byte order mark", "The file starts with a byte order mark. Save it as UTF-8 without BOM.")
	case bytes.HasPrefix(src, []byte{0xFF, 0xFE}), bytes.HasPrefix(src, []byte{0xFE, 0xFF}):
		return diag.Error(at(name, src, 0), "Not UTF-8", "The file is encoded as UTF-16. Save it as UTF-8.")
	}
	if i := bytes.IndexByte(src, 0); i >= 0 {
		return diag.Error(at(name, src, i), "Binary file", "The file holds a zero byte, so it is not text. Is it the right file?")
	}
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n == 1 {
			return diag.Error(at(name, src, i), "Not UTF-8", "The file is not valid UTF-8 from here on. Save it as UTF-8.")
		}
		i += n
	}
	return nil
}

// at is the one-character range of byte i.
func at(name string, src []byte, i int) *hcl.Range {
	line := bytes.Count(src[:i], []byte{'\n'}) + 1
	column := utf8.RuneCount(src[bytes.LastIndexByte(src[:i], '\n')+1:i]) + 1
	start := hcl.Pos{Line: line, Column: column, Byte: i}
	return &hcl.Range{Filename: name, Start: start, End: hcl.Pos{Line: line, Column: column + 1, Byte: i + 1}}
}

// printable replaces what is no UTF-8, byte by byte so that positions stay.
func printable(src []byte) []byte {
	out := make([]byte, len(src))
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n == 1 {
			out[i] = '?'
		} else {
			copy(out[i:], src[i:i+n])
		}
		i += n
	}
	return out
}

func pathError(path string, err error) *hcl.Diagnostic {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return diag.Errorf(nil, "No stack found", "There is no file or folder %s. Name a stack file (*.hcl, *.yaml, *.yml) or a folder with one.", path)
	case errors.Is(err, fs.ErrPermission):
		return diag.Errorf(nil, unreadable, "%s may not be read by this user.", path)
	}
	return diag.Errorf(nil, unreadable, "%s cannot be read: %s.", path, err)
}

func size(n int64) string {
	if n%(1<<20) != 0 && n < maxFileSize+(1<<20) {
		return fmt.Sprintf("%d bytes", n) // in MiB it would look like the limit
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// wrongStack is one mistake, spelled in one syntax or in both.
type wrongStack struct {
	name   string
	texts  map[string][]byte // by ending: "hcl", "yaml"
	beside map[string][]byte // other files, by their path beside the stack
	args   []string
}

// TestWrongStacks shows what moldctl validate says about wrong stacks, word by
// word. testdata/wrong holds one archive per topic; each case NAME in it is
//
//	NAME.hcl, NAME.yaml        the same mistake in both syntaxes
//	NAME.hcl.quoted            a text with bytes that an archive cannot hold
//	NAME/base/x.hcl            another file, beside the stack
//	NAME.args                  more arguments, one a line
//	NAME.hcl.out, NAME.yaml.out  what is said
//
// A mistake that one syntax alone can hold has no twin. Rewrite what is said
// with go test ./cmd/moldctl -run TestWrongStacks -update, and read it.
func TestWrongStacks(t *testing.T) {
	t.Parallel()
	archives, err := filepath.Glob(filepath.Join("..", "..", "testdata", "wrong", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	mistakes := 0
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		cases := wrongStacks(t, archive)
		mistakes += len(cases)
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			said := map[string][]byte{}
			for _, c := range cases {
				for ending := range c.texts {
					said[c.name+"."+ending+".out"] = c.validate(t, ending)
				}
			}
			if *update {
				rewriteSaid(t, path, archive, said)
				return
			}
			compareSaid(t, archive, said)
		})
	}
	if mistakes < 80 {
		t.Errorf("%d wrong stacks, want 80 and more", mistakes)
	}
}

// wrongStacks reads the cases of an archive, in their order.
func wrongStacks(t *testing.T, archive *txtar.Archive) []*wrongStack {
	t.Helper()
	var list []*wrongStack
	find := func(name string) *wrongStack {
		if i := slices.IndexFunc(list, func(c *wrongStack) bool { return c.name == name }); i >= 0 {
			return list[i]
		}
		list = append(list, &wrongStack{name: name, texts: map[string][]byte{}, beside: map[string][]byte{}})
		return list[len(list)-1]
	}
	for _, f := range archive.Files {
		if name, path, ok := strings.Cut(f.Name, "/"); ok {
			find(name).beside[path] = f.Data
			continue
		}
		name, kind, _ := strings.Cut(f.Name, ".")
		c := find(name)
		switch kind {
		case "hcl", "yaml":
			c.texts[kind] = f.Data
		case "hcl.quoted", "yaml.quoted":
			text, err := strconv.Unquote(string(bytes.TrimSpace(f.Data)))
			if err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			c.texts[strings.TrimSuffix(kind, ".quoted")] = []byte(text)
		case "args":
			c.args = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
		case "hcl.out", "yaml.out":
		default:
			t.Fatalf("unknown file %s", f.Name)
		}
	}
	return list
}

// validate returns what is said about one spelling.
func (c *wrongStack) validate(t *testing.T, ending string) []byte {
	t.Helper()
	dir := t.TempDir()
	stack := filepath.Join(dir, c.name+"."+ending)
	write(t, stack, c.texts[ending])
	for name, text := range c.beside {
		write(t, filepath.Join(dir, name), text)
	}
	var out, said bytes.Buffer
	args := []string{"validate", stack}
	for _, a := range c.args {
		args = append(args, strings.ReplaceAll(a, "$DIR", dir))
	}
	code := run(args, streams{in: strings.NewReader(""), out: &out, err: &said})
	text := strings.ReplaceAll(said.String(), dir+string(filepath.Separator), "")
	warned := code == exitOK && strings.HasPrefix(text, "Warning: ")
	if !warned && (code != exitError || !strings.HasPrefix(text, "Error: ")) {
		t.Errorf("%s.%s: exit code %d\n%s%s", c.name, ending, code, out.String(), text)
	}
	return []byte(strings.ReplaceAll(text, dir, "/the/folder"))
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func compareSaid(t *testing.T, archive *txtar.Archive, said map[string][]byte) {
	t.Helper()
	want := map[string]string{}
	for _, f := range archive.Files {
		if strings.HasSuffix(f.Name, ".out") {
			want[f.Name] = string(f.Data)
		}
	}
	got := map[string]string{}
	for name, text := range said {
		got[name] = string(text)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("what is said (-want +got):\n%s", d)
	}
}

// rewriteSaid puts what is said behind each spelling.
func rewriteSaid(t *testing.T, path string, archive *txtar.Archive, said map[string][]byte) {
	t.Helper()
	var files []txtar.File
	for _, f := range archive.Files {
		if strings.HasSuffix(f.Name, ".out") {
			continue
		}
		files = append(files, f)
		name := strings.TrimSuffix(f.Name, ".quoted") + ".out"
		if text, ok := said[name]; ok {
			files = append(files, txtar.File{Name: name, Data: text})
		}
	}
	archive.Files = files
	if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
		t.Fatal(err)
	}
}

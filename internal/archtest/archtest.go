// Package archtest holds, as tests, the rules this repository is built by:
// which package may import which, how deep imports may nest, how long files and
// functions may be, and that every package says what it is for.
//
// It reads source text only and imports nothing of this project.
package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// module is the import path of the repository's root.
const module = "github.com/moldctl/moldctl"

// pkg is one package of the repository, without its tests.
type pkg struct {
	path    string // below the module, "." for the root
	name    string
	doc     string
	imports []string // import paths, sorted
	files   []file   // tests included
}

type file struct {
	name      string // below the root
	lines     int
	test      bool
	generated bool
	funcs     []fn
	tree      *ast.File
}

type fn struct {
	name  string
	lines int
}

// load parses every package below root.
func load(root string) ([]*pkg, error) {
	byDir := map[string]*pkg{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if name := e.Name(); path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "docs") {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		dir = filepath.ToSlash(dir)
		if byDir[dir] == nil {
			byDir[dir] = &pkg{path: dir}
		}
		return byDir[dir].add(root, path)
	})
	if err != nil {
		return nil, fmt.Errorf("read packages below %s: %w", root, err)
	}
	var pkgs []*pkg
	for _, p := range byDir {
		slices.Sort(p.imports)
		p.imports = slices.Compact(p.imports)
		pkgs = append(pkgs, p)
	}
	slices.SortFunc(pkgs, func(a, b *pkg) int { return strings.Compare(a.path, b.path) })
	return pkgs, nil
}

func (p *pkg) add(root, path string) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, path, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	f := file{
		name: filepath.ToSlash(rel), lines: bytes.Count(src, []byte{'\n'}), tree: tree,
		test: strings.HasSuffix(path, "_test.go"), generated: ast.IsGenerated(tree),
	}
	for _, d := range tree.Decls {
		if decl, ok := d.(*ast.FuncDecl); ok {
			lines := fset.Position(decl.End()).Line - fset.Position(decl.Pos()).Line + 1
			f.funcs = append(f.funcs, fn{decl.Name.Name, lines})
		}
	}
	p.files = append(p.files, f)
	if f.test {
		return nil
	}
	p.name = tree.Name.Name
	if tree.Doc != nil && len(tree.Doc.Text()) > len(p.doc) {
		p.doc = tree.Doc.Text()
	}
	for _, spec := range tree.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		p.imports = append(p.imports, imported)
	}
	return nil
}

// ours returns the part of an import path below the module.
func ours(path string) (string, bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

// within reports whether a package is dir or below it.
func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

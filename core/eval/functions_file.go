package eval

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/moldctl/moldctl/core/spec/nesting"
)

// maxFunctionFile bounds what a file function takes into memory.
const maxFunctionFile = 64 << 20

// files are what the file functions of a stack or module see. Those of the
// stack may read whatever the user may; a module from elsewhere sees its own
// folder only, links resolved.
type files struct {
	dir      string // names are relative to it
	confined bool
}

func fileFunctions(in files) map[string]function.Function {
	return map[string]function.Function{
		"abspath": textFunction("path", func(name string) (string, error) { return in.locate(name), nil }),
		"basename": textFunction("path", func(name string) (string, error) {
			return path.Base(filepath.ToSlash(name)), nil
		}),
		"dirname": textFunction("path", func(name string) (string, error) {
			return path.Dir(filepath.ToSlash(name)), nil
		}),
		"file": textFunction("path", func(name string) (string, error) { return in.text(name) }),
		"filebase64": textFunction("path", func(name string) (string, error) {
			raw, err := in.read(name)
			return base64.StdEncoding.EncodeToString(raw), err
		}),
		"fileexists": fileExistsFunction(in),
		"fileset":    fileSetFunction(in),
		"filesha256": textFunction("path", func(name string) (string, error) { return in.digest(name) }),
	}
}

// locate makes a file name absolute, relative to the stack's folder.
func (in files) locate(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(in.dir, name)
}

// root opens the folder that a confined module sees, and says what a name is
// within it.
func (in files) root(name string) (*os.Root, string, error) {
	rel, err := filepath.Rel(in.dir, in.locate(name))
	if err != nil || !filepath.IsLocal(rel) {
		return nil, "", outside(name)
	}
	root, err := os.OpenRoot(in.dir)
	if err != nil {
		return nil, "", fileError(name, err)
	}
	return root, rel, nil
}

func outside(name string) error {
	return function.NewArgErrorf(0, "%s does not lie in the module's folder, and a module from elsewhere reads nothing else; give it the content as a variable", name)
}

// stat follows links.
func (in files) stat(name string) (fs.FileInfo, error) {
	if !in.confined {
		return os.Stat(in.locate(name))
	}
	root, rel, err := in.root(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }() // only read from
	return root.Stat(rel)
}

func (in files) read(name string) ([]byte, error) {
	f, err := in.open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read from
	raw, err := io.ReadAll(io.LimitReader(f, maxFunctionFile+1))
	if err != nil {
		return nil, fileError(name, err)
	}
	if len(raw) > maxFunctionFile {
		return nil, function.NewArgErrorf(0, "the file %s is larger than 64 MiB", name)
	}
	return raw, nil
}

func (in files) text(name string) (string, error) {
	raw, err := in.read(name)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(raw) {
		return "", function.NewArgErrorf(0, "the file %s is not UTF-8 text; filebase64() reads any file", name)
	}
	return string(raw), nil
}

// digest streams the file, so it may be of any size.
func (in files) digest(name string) (string, error) {
	f, err := in.open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // only read from
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fileError(name, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (in files) open(name string) (*os.File, error) {
	info, err := in.stat(name)
	if err != nil {
		return nil, fileError(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, function.NewArgErrorf(0, "%s is no regular file", name)
	}
	f, err := in.openAny(name)
	if err != nil {
		return nil, fileError(name, err)
	}
	return f, nil
}

func (in files) openAny(name string) (*os.File, error) {
	if !in.confined {
		return os.Open(in.locate(name))
	}
	root, rel, err := in.root(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }() // the file stays open
	return root.Open(rel)
}

// below is what lies below a folder.
func (in files) below(name string) (fs.FS, func() error, error) {
	if !in.confined {
		return os.DirFS(in.locate(name)), func() error { return nil }, nil
	}
	root, rel, err := in.root(name)
	if err != nil {
		return nil, nil, err
	}
	sub, err := fs.Sub(root.FS(), filepath.ToSlash(rel))
	return sub, root.Close, err
}

func fileError(name string, err error) error {
	var said function.ArgError
	switch {
	case errors.As(err, &said):
		return err
	case strings.Contains(err.Error(), "path escapes from parent"): // os.Root has no error of its own for it
		return outside(name)
	case errors.Is(err, fs.ErrNotExist):
		return function.NewArgErrorf(0, "there is no file %s (names are relative to the stack's folder)", name)
	case errors.Is(err, fs.ErrPermission):
		return function.NewArgErrorf(0, "the file %s may not be read by this user", name)
	}
	return function.NewArgErrorf(0, "the file %s cannot be read: %s", name, err)
}

func fileExistsFunction(in files) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			info, err := in.stat(args[0].AsString())
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return cty.NilVal, fileError(args[0].AsString(), err)
			}
			return cty.BoolVal(err == nil && info.Mode().IsRegular()), nil
		},
	})
}

// fileSetFunction lists files below a folder by a pattern in which ** stands
// for any number of folders.
func fileSetFunction(in files) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}, {Name: "pattern", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Set(cty.String)),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			pattern := args[1].AsString()
			if _, err := path.Match(pattern, ""); err != nil {
				return cty.NilVal, function.NewArgErrorf(1, "%q is no pattern: %s", pattern, err)
			}
			folder, done, err := in.below(args[0].AsString())
			if err != nil {
				return cty.NilVal, fileError(args[0].AsString(), err)
			}
			defer func() { _ = done() }() // only read from
			var found []cty.Value
			err = fs.WalkDir(folder, ".", func(name string, e fs.DirEntry, err error) error {
				if err != nil || e.IsDir() {
					return err
				}
				if matchPath(strings.Split(pattern, "/"), strings.Split(name, "/")) {
					found = append(found, cty.StringVal(name))
				}
				return nil
			})
			if err != nil {
				return cty.NilVal, fileError(args[0].AsString(), err)
			}
			if len(found) == 0 {
				return cty.SetValEmpty(cty.String), nil
			}
			return cty.SetVal(found), nil
		},
	})
}

func matchPath(pattern, name []string) bool {
	if len(pattern) == 0 {
		return len(name) == 0
	}
	if pattern[0] == "**" {
		return matchPath(pattern[1:], name) || len(name) > 0 && matchPath(pattern, name[1:])
	}
	if len(name) == 0 {
		return false
	}
	ok, err := path.Match(pattern[0], name[0])
	return err == nil && ok && matchPath(pattern[1:], name[1:])
}

// templateFileFunction evaluates a file as a template with the given variables.
func templateFileFunction(in files, functions map[string]function.Function) function.Function {
	render := func(args []cty.Value) (cty.Value, error) {
		name, _ := args[0].Unmark()
		if ty := args[1].Type(); !ty.IsObjectType() && !ty.IsMapType() {
			return cty.NilVal, function.NewArgErrorf(1, "a map of the template's variables is required")
		}
		text, err := in.text(name.AsString())
		if err != nil {
			return cty.NilVal, err
		}
		if d := nesting.Template([]byte(text), name.AsString()); d != nil {
			return cty.NilVal, function.NewArgErrorf(0, "%s", oneLine(hcl.Diagnostics{d}))
		}
		expr, diags := hclsyntax.ParseTemplate([]byte(text), name.AsString(), hcl.InitialPos)
		if diags.HasErrors() {
			return cty.NilVal, function.NewArgErrorf(0, "%s", oneLine(diags))
		}
		ctx := &hcl.EvalContext{Functions: functions, Variables: map[string]cty.Value{}}
		vars, _ := args[1].Unmark()
		for it := vars.ElementIterator(); it.Next(); {
			key, v := it.Element()
			ctx.Variables[key.AsString()] = v
		}
		v, diags := expr.Value(ctx)
		if diags.HasErrors() {
			return cty.NilVal, function.NewArgErrorf(0, "%s", oneLine(diags))
		}
		return v, nil
	}
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}, {Name: "vars", Type: cty.DynamicPseudoType}},
		Type: func(args []cty.Value) (cty.Type, error) {
			if !args[0].IsKnown() || !args[1].IsWhollyKnown() {
				return cty.DynamicPseudoType, nil
			}
			v, err := render(args)
			if err != nil {
				return cty.NilType, err
			}
			return v.Type(), nil
		},
		Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
			if !args[1].IsWhollyKnown() {
				return cty.UnknownVal(want), nil
			}
			return render(args)
		},
	})
}

func oneLine(diags hcl.Diagnostics) string {
	d := diags[0]
	if d.Subject == nil {
		return d.Detail
	}
	return fmt.Sprintf("%s, line %d: %s", d.Subject.Filename, d.Subject.Start.Line, d.Detail)
}

package source

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// LockFile is the name of the lock file, which lies beside the stack.
const LockFile = "moldctl.lock.hcl"

// lockFormat is the format that is written; newer ones are refused.
const lockFormat = 1

// AnyPlatform is the key of a hash that holds on every platform.
const AnyPlatform = "any"

// Entry pins one module or plugin.
type Entry struct {
	Name     string // of a plugin; of a module its source
	Source   string
	Sub      string            // of a plugin: its folder inside
	Version  string            // "" if nothing says one
	Ref      string            // tag that was chosen by a version constraint
	Revision string            // commit or digest that was found there
	Needs    []string          // of a plugin: what it is given
	Hashes   map[string]string // by platform, or for AnyPlatform
}

// Hash returns the hash that holds on a platform.
func (e Entry) Hash(platform string) (string, bool) {
	if h, ok := e.Hashes[AnyPlatform]; ok {
		return h, true
	}
	h, ok := e.Hashes[platform]
	return h, ok
}

// From is the source for people, with the folder inside.
func (e Entry) From() string {
	from := withoutQuery(e.Source)
	if strings.HasPrefix(e.Source, "git::") {
		from = e.Source
	}
	if e.Sub != "" {
		from += ", folder " + e.Sub
	}
	return from
}

// Lock is the content of a lock file.
type Lock struct {
	Modules map[string]Entry // by source
	Plugins map[string]Entry // by name
	path    string
}

// lockText is the file as it is read.
type lockText struct {
	Format  int           `hcl:"format"`
	Modules []moduleEntry `hcl:"module,block"`
	Plugins []pluginEntry `hcl:"plugin,block"`
}

type moduleEntry struct {
	Source   string            `hcl:"source,label"`
	Version  string            `hcl:"version,optional"`
	Ref      string            `hcl:"ref,optional"`
	Revision string            `hcl:"revision,optional"`
	Hashes   map[string]string `hcl:"hashes"`
}

type pluginEntry struct {
	Name     string            `hcl:"name,label"`
	Source   string            `hcl:"source"`
	Sub      string            `hcl:"folder,optional"`
	Version  string            `hcl:"version"`
	Ref      string            `hcl:"ref,optional"`
	Revision string            `hcl:"revision,optional"`
	Needs    []string          `hcl:"needs,optional"`
	Hashes   map[string]string `hcl:"hashes"`
}

var hashForm = regexp.MustCompile(`^h1:[A-Za-z0-9+/]{43}=$`)

func newLock(folder string) *Lock {
	return &Lock{Modules: map[string]Entry{}, Plugins: map[string]Entry{}, path: filepath.Join(folder, LockFile)}
}

// ReadLock reads the lock file of a folder. Where there is none, nothing is
// locked.
func ReadLock(folder string) (*Lock, error) {
	l := newLock(folder)
	text, err := os.ReadFile(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read lock file: %w", err)
	}
	file, diags := hclsyntax.ParseConfig(text, l.path, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, l.broken(diags)
	}
	var raw lockText
	format, _, _ := file.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "format"}}})
	if a := format.Attributes["format"]; a != nil { // before what a newer format may have is complained about
		if v, _ := a.Expr.Value(nil); v.Type() == cty.Number && v.IsKnown() && !v.IsNull() && v.GreaterThan(cty.NumberIntVal(lockFormat)).True() {
			return nil, fmt.Errorf("read lock file: %s was written by a newer moldctl; update this one", l.path)
		}
	}
	if diags := gohcl.DecodeBody(file.Body, nil, &raw); diags.HasErrors() {
		return nil, l.broken(diags)
	}
	return l, l.take(raw)
}

func (l *Lock) broken(diags hcl.Diagnostics) error {
	d := diags[0]
	line := 0
	if d.Subject != nil {
		line = d.Subject.Start.Line
	}
	return fmt.Errorf("read lock file: %s, line %d: %s: %s Take it from version control again, or remove it and run moldctl init", l.path, line, d.Summary, d.Detail)
}

func (l *Lock) take(raw lockText) error {
	for _, m := range raw.Modules {
		e := Entry{Name: m.Source, Source: m.Source, Version: m.Version, Ref: m.Ref, Revision: m.Revision, Hashes: m.Hashes}
		if err := l.check(e, l.Modules); err != nil {
			return err
		}
		l.Modules[e.Name] = e
	}
	for _, p := range raw.Plugins {
		e := Entry(p)
		if err := l.check(e, l.Plugins); err != nil {
			return err
		}
		l.Plugins[e.Name] = e
	}
	return nil
}

func (l *Lock) check(e Entry, taken map[string]Entry) error {
	if _, twice := taken[e.Name]; twice {
		return fmt.Errorf("read lock file: %s names %s twice", l.path, e.Name)
	}
	if len(e.Hashes) == 0 {
		return fmt.Errorf("read lock file: %s has no hash for %s", l.path, e.Name)
	}
	for platform, h := range e.Hashes {
		if !hashForm.MatchString(h) {
			return fmt.Errorf("read lock file: %s: the hash of %s for %s is none", l.path, e.Name, platform)
		}
	}
	return nil
}

// Write writes the lock file, or removes it when nothing is locked. A reader
// sees the old file or the new one. A file that says the same already is left
// alone.
func (l *Lock) Write() error {
	if len(l.Modules)+len(l.Plugins) == 0 {
		if err := os.Remove(l.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove lock file: %w", err)
		}
		return nil
	}
	if old, err := os.ReadFile(l.path); err == nil && bytes.Equal(old, l.bytes()) {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(l.path), ".moldctl.lock-*")
	if err != nil {
		return fmt.Errorf("write lock file: %w", err)
	}
	_, err = f.Write(l.bytes())
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), l.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write lock file: %w", err), os.Remove(f.Name()))
	}
	return nil
}

func (l *Lock) bytes() []byte {
	file := hclwrite.NewEmptyFile()
	body := file.Body()
	body.AppendUnstructuredTokens(hclwrite.Tokens{{Type: hclsyntax.TokenComment, Bytes: []byte(
		"# Which modules and plugins this stack uses, with the hashes of their content.\n" +
			"# Written by moldctl init and moldctl plugin install; keep it in version control.\n")}})
	body.SetAttributeValue("format", cty.NumberIntVal(lockFormat))
	for _, name := range slices.Sorted(maps.Keys(l.Modules)) {
		body.AppendNewline()
		e := l.Modules[name]
		e.write(body.AppendNewBlock("module", []string{name}).Body(), "")
	}
	for _, name := range slices.Sorted(maps.Keys(l.Plugins)) {
		body.AppendNewline()
		e := l.Plugins[name]
		e.write(body.AppendNewBlock("plugin", []string{name}).Body(), e.Source)
	}
	return hclwrite.Format(file.Bytes())
}

func (e Entry) write(body *hclwrite.Body, source string) {
	for _, pair := range [][2]string{{"source", source}, {"folder", e.Sub}, {"version", e.Version}, {"ref", e.Ref}, {"revision", e.Revision}} {
		if pair[1] != "" {
			body.SetAttributeValue(pair[0], cty.StringVal(pair[1]))
		}
	}
	if len(e.Needs) > 0 {
		body.SetAttributeValue("needs", texts(e.Needs))
	}
	hashes := map[string]cty.Value{}
	for platform, h := range e.Hashes {
		hashes[platform] = cty.StringVal(h)
	}
	body.SetAttributeValue("hashes", cty.ObjectVal(hashes))
}

func texts(list []string) cty.Value {
	values := make([]cty.Value, len(list))
	for i, text := range list {
		values[i] = cty.StringVal(text)
	}
	return cty.TupleVal(values)
}

package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/spec"
)

// reads remembers which files a configuration was made from.
type reads struct {
	mu    sync.Mutex
	names map[string]bool // absolute
}

func (r *reads) note(dir, name string) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.names == nil {
		r.names = map[string]bool{}
	}
	r.names[filepath.Clean(name)] = true
}

// functions are those of the language, watched as they read files.
func (r *reads) functions(stack *spec.Stack) map[string]function.Function {
	all := eval.FunctionsOf(stack, os.LookupEnv)
	for _, name := range []string{"file", "filebase64", "filesha256", "templatefile"} {
		all[name] = r.watched(stack.Dir, all[name])
	}
	return all
}

// watched calls a function whose first argument names a file.
func (r *reads) watched(dir string, f function.Function) function.Function {
	return function.New(&function.Spec{
		Description: f.Description(),
		Params:      f.Params(),
		VarParam:    f.VarParam(),
		Type:        f.ReturnTypeForValues,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if name, _ := args[0].Unmark(); name.IsKnown() && !name.IsNull() && name.Type() == cty.String {
				r.note(dir, name.AsString())
			}
			return f.Call(args)
		},
	})
}

// notePipeline remembers the files that a pipeline's steps carry.
func (r *reads) notePipeline(dir string, v cty.Value) {
	v, _ = v.UnmarkDeep()
	if !v.IsWhollyKnown() || v.IsNull() || !v.Type().IsObjectType() {
		return
	}
	_ = cty.Walk(v, func(_ cty.Path, v cty.Value) (bool, error) { // the callback returns no error
		if v.IsNull() || !v.Type().IsObjectType() {
			return true, nil
		}
		for name, ty := range v.Type().AttributeTypes() {
			file, ok := strings.CutSuffix(name, "_sha256")
			if ok && ty == cty.String && v.Type().HasAttribute(file) && v.Type().AttributeType(file) == cty.String {
				if path := v.GetAttr(file); !path.IsNull() {
					r.note(dir, path.AsString())
				}
			}
		}
		return true, nil
	})
}

// Files returns the digest of every file that the stack and its modules read
// while they were evaluated, by absolute name. One that is gone has none.
func (c *Config) Files() (map[string]string, error) {
	c.root.reads.mu.Lock()
	names := maps.Clone(c.root.reads.names)
	c.root.reads.mu.Unlock()
	out := make(map[string]string, len(names))
	for name := range names {
		sum, err := Digest(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out[name] = sum
	}
	return out, nil
}

// Digest returns the SHA-256 of a file.
func Digest(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	defer func() { _ = f.Close() }() // only read from
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Drop takes a step out of what the plan says of the future: its object stays
// as it is. The step itself is left to the caller.
func (p *Plan) Drop(s *Step) {
	v := s.Prior
	if v == cty.NilVal || v.IsNull() {
		v = cty.UnknownVal(s.Type.ImpliedType())
	}
	if s.Action != Delete && s.Action != Forget && s.Action != Prune && s.Action != Read {
		p.Config.Set(s.Instance, v)
	}
}

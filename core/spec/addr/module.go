package addr

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Module is the path of one instance of a module, in its text form: Root,
// "module.a", or `module.a["x"].module.b`. It starts the addresses of what is
// in the module.
type Module string

// Root is the stack itself.
const Root Module = ""

// Child returns the instance of the module block name inside m.
func (m Module) Child(name string, key Key) Module {
	path := "module." + name + key.String()
	if m != Root {
		path = string(m) + "." + path
	}
	return Module(path)
}

// Within reports whether m is parent, an instance of it, or inside either. A
// path without a key stands for all instances of its block.
func (m Module) Within(parent Module) bool {
	rest, ok := strings.CutPrefix(string(m), string(parent))
	return ok && (parent == Root || rest == "" || rest[0] == '.' || rest[0] == '[')
}

// Target is what moved, removed and import blocks and the state commands name:
// a module, a block, or one instance of a block.
type Target struct {
	Module   Module   // of a target that is a module
	Instance Instance // zero for a module
}

// IsModule reports whether the target is a whole module.
func (t Target) IsModule() bool { return t.Instance.Resource.Type == "" }

// String returns the text form.
func (t Target) String() string {
	if t.IsModule() {
		return string(t.Module)
	}
	return t.Instance.String()
}

// Covers reports whether i is the target or part of it: an instance of the
// block, something in the module.
func (t Target) Covers(i Instance) bool {
	if t.IsModule() {
		return i.Resource.Module.Within(t.Module)
	}
	return t.Instance == i || t.Instance.Key.IsNone() && t.Instance.Resource == i.Resource
}

// ParseTarget reads the text form of a target.
func ParseTarget(s string) (Target, error) {
	traversal, diags := hclsyntax.ParseTraversalAbs([]byte(s), "address", hcl.InitialPos)
	if diags.HasErrors() {
		return Target{}, fmt.Errorf("parse address %q: want type.name, type.name[0], type.name[\"key\"] or data.type.name: %s",
			s, diags[0].Detail)
	}
	target, diags := TargetFromTraversal(traversal)
	if diags.HasErrors() {
		return Target{}, fmt.Errorf("parse address %q: %s", s, diags[0].Detail)
	}
	return target, nil
}

// TargetFromTraversal reads a target that is written as a reference.
func TargetFromTraversal(t hcl.Traversal) (Target, hcl.Diagnostics) {
	if module, rest := moduleOf(t); rest != nil && len(rest) == 0 {
		return Target{Module: module}, nil
	}
	instance, rest, diags := FromTraversal(t)
	if diags.HasErrors() {
		return Target{}, diags
	}
	if len(rest) > 0 {
		return Target{}, incomplete(t, fmt.Sprintf("It goes on after %s; an address ends there.", instance))
	}
	return Target{Instance: instance}, nil
}

// moduleOf takes the modules off the start of a traversal. The rest is nil if
// a module's name is missing.
func moduleOf(t hcl.Traversal) (Module, hcl.Traversal) {
	module := Root
	for len(t) > 0 {
		if root, ok := stepName(t[0]); !ok || root != "module" {
			break
		}
		name, ok := attrName(t[1:])
		if !ok {
			return Root, nil
		}
		t = t[2:]
		key := NoKey()
		if len(t) > 0 {
			if index, ok := t[0].(hcl.TraverseIndex); ok {
				if k, ok := keyOf(index.Key); ok {
					key, t = k, t[1:]
				}
			}
		}
		module = module.Child(name, key)
	}
	if len(t) == 0 {
		return module, hcl.Traversal{}
	}
	return module, t
}

// stepName is the name that a root or an attribute of a traversal stands for.
func stepName(s hcl.Traverser) (string, bool) {
	switch s := s.(type) {
	case hcl.TraverseRoot:
		return s.Name, true
	case hcl.TraverseAttr:
		return s.Name, true
	}
	return "", false
}

package eval

import (
	"maps"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
)

// Names knows what references may name: what the stack declares and which
// types exist. It is built once per stack and only read.
type Names struct {
	stack     *spec.Stack
	module    addr.Module // where the stack stands as a part of another
	resources map[addr.Resource]*spec.Resource
	managed   map[string]cty.Type
	data      map[string]cty.Type
}

// NewNames indexes a stack. The maps give the object type of every known
// resource and data type by name; nil leaves types and attributes unchecked.
func NewNames(stack *spec.Stack, managed, data map[string]cty.Type) *Names {
	n := &Names{stack: stack, resources: make(map[addr.Resource]*spec.Resource, len(stack.Resources)), managed: managed, data: data}
	for _, r := range stack.Resources {
		n.resources[r.Addr] = r
	}
	return n
}

// In returns the names inside one instance of a module, whose stack n was made
// for with addresses that start with the module's path.
func (n *Names) In(module addr.Module) *Names {
	inside := *n
	inside.module = module
	return &inside
}

// Module returns the module block with the name, or nil.
func (n *Names) Module(name string) *spec.Module {
	for _, m := range n.stack.Modules {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// Resource returns the block with the address, or nil.
func (n *Names) Resource(a addr.Resource) *spec.Resource { return n.resources[a] }

// types returns the known types of a mode, nil if types are not checked.
func (n *Names) types(mode addr.Mode) map[string]cty.Type {
	if mode == addr.Data {
		return n.data
	}
	return n.managed
}

// roots are the words a reference may start with, for suggestions.
func (n *Names) roots() []string {
	roots := []string{"var", "local", "data", "pipeline", "module", "each", "count", "self", "path", "stack"}
	for a := range n.resources {
		if a.Mode == addr.Managed && !slices.Contains(roots, a.Type) {
			roots = append(roots, a.Type)
		}
	}
	return append(roots, slices.Collect(maps.Keys(n.managed))...)
}

func (n *Names) stackValue() cty.Value {
	version := cty.NullVal(cty.String)
	if n.stack.Version != "" {
		version = cty.StringVal(n.stack.Version)
	}
	return cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal(n.stack.Name), "version": version})
}

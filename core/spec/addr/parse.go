package addr

import (
	"fmt"
	"math/big"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
)

const badAddress = "Invalid address"

// ParseInstance reads the text form of an instance address.
func ParseInstance(s string) (Instance, error) {
	target, err := ParseTarget(s)
	if err != nil {
		return Instance{}, err
	}
	if target.IsModule() {
		return Instance{}, fmt.Errorf("parse address %q: after the module comes a block in it, as in %s.TYPE.NAME", s, s)
	}
	return target.Instance, nil
}

// ParseResource reads the text form of a resource address (no key).
func ParseResource(s string) (Resource, error) {
	instance, err := ParseInstance(s)
	if err != nil {
		return Resource{}, err
	}
	if !instance.Key.IsNone() {
		return Resource{}, fmt.Errorf("parse address %q: a block is meant here, not one of its instances: %s", s, instance.Resource)
	}
	return instance.Resource, nil
}

// FromTraversal reads the address a reference starts with and returns what
// follows it: `network.web[0].id` gives network.web[0] and `.id`. An index that
// is no whole number and no text, or a splat, is left to the rest. Roots other
// than `module` and `data` are taken as resource types; callers handle var, local and so on
// before they ask.
func FromTraversal(t hcl.Traversal) (Instance, hcl.Traversal, hcl.Diagnostics) {
	if t.IsRelative() || len(t) == 0 {
		return Instance{}, nil, hcl.Diagnostics{diag.Bug(t.SourceRange().Ptr(), "A relative reference was taken as an address.")}
	}
	module, start := moduleOf(t)
	if start == nil {
		return Instance{}, nil, incomplete(t, "After a module comes a block in it: module.NAME.TYPE.NAME.")
	}
	t = start
	typ, ok := stepName(t[0])
	if !ok {
		return Instance{}, nil, incomplete(t, "After a module comes a block in it: module.NAME.TYPE.NAME.")
	}
	resource := Resource{Module: module, Type: typ}
	rest := t[1:]
	if resource.Type == "data" {
		name, ok := attrName(rest)
		if !ok {
			return Instance{}, nil, incomplete(t, "After \"data\" come the type and the name of a data block: data.TYPE.NAME.")
		}
		resource.Mode, resource.Type, rest = Data, name, rest[1:]
	}
	name, ok := attrName(rest)
	if !ok {
		return Instance{}, nil, incomplete(t, fmt.Sprintf("After the type %q comes the name of a block, as in %s.NAME.", resource.Type, resource.Type))
	}
	resource.Name, rest = name, rest[1:]
	key := NoKey()
	if len(rest) > 0 {
		if index, ok := rest[0].(hcl.TraverseIndex); ok {
			if k, ok := keyOf(index.Key); ok {
				key, rest = k, rest[1:]
			}
		}
	}
	return resource.Instance(key), rest, nil
}

// KeyFromValue returns the key a known text or whole number stands for.
func KeyFromValue(v cty.Value) (Key, bool) { return keyOf(v) }

// Value returns the key as a value: null for NoKey.
func (k Key) Value() cty.Value {
	switch k.kind {
	case intKey:
		return cty.NumberIntVal(int64(k.num))
	case stringKey:
		return cty.StringVal(k.text)
	}
	return cty.NullVal(cty.DynamicPseudoType)
}

func keyOf(v cty.Value) (Key, bool) {
	if v.IsMarked() || !v.IsKnown() || v.IsNull() {
		return Key{}, false
	}
	switch v.Type() {
	case cty.String:
		return StringKey(v.AsString()), true
	case cty.Number:
		n, accuracy := v.AsBigFloat().Int64()
		if accuracy == big.Exact && n >= 0 && int64(int(n)) == n {
			return IntKey(int(n)), true
		}
	}
	return Key{}, false
}

func attrName(t hcl.Traversal) (string, bool) {
	if len(t) == 0 {
		return "", false
	}
	attr, ok := t[0].(hcl.TraverseAttr)
	return attr.Name, ok
}

func incomplete(t hcl.Traversal, detail string) hcl.Diagnostics {
	return hcl.Diagnostics{diag.Error(t.SourceRange().Ptr(), badAddress, detail)}
}

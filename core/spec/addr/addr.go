// Package addr names the things of a stack: modules, resources and data
// sources, and the instances that count and for_each make of them. Addresses are small
// comparable values, so they serve as map keys, and they have one text form
// that is also what people type.
//
// It imports only core/diag of this project.
package addr

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Mode tells a managed resource from a looked-up one.
type Mode uint8

// The modes of a resource.
const (
	Managed Mode = iota // created and kept in line
	Data                // looked up
)

// Resource names a resource or data block.
type Resource struct {
	Module Module
	Mode   Mode
	Type   string
	Name   string
}

// String returns "network.web", "data.zone.main" or "module.a.network.web".
func (r Resource) String() string {
	text := r.Type + "." + r.Name
	if r.Mode == Data {
		text = "data." + text
	}
	if r.Module != Root {
		text = string(r.Module) + "." + text
	}
	return text
}

// Instance returns the instance of r with the key.
func (r Resource) Instance(key Key) Instance { return Instance{Resource: r, Key: key} }

// Compare orders resources: the root's before modules', managed before data,
// then by type and name.
func (r Resource) Compare(other Resource) int {
	return cmp.Or(cmp.Compare(r.Module, other.Module), cmp.Compare(r.Mode, other.Mode), cmp.Compare(r.Type, other.Type), cmp.Compare(r.Name, other.Name))
}

// Key tells the instances of one block apart. The zero Key is that of a block
// with neither count nor for_each.
type Key struct {
	kind keyKind
	num  int
	text string
}

type keyKind uint8

const (
	noKey keyKind = iota
	intKey
	stringKey
)

// NoKey is the key of the only instance of a block without count and for_each.
func NoKey() Key { return Key{} }

// IntKey is the key of instance number n of a block with count.
func IntKey(n int) Key { return Key{kind: intKey, num: n} }

// StringKey is the key of an instance of a block with for_each.
func StringKey(s string) Key { return Key{kind: stringKey, text: s} }

// IsNone reports whether k is the zero Key.
func (k Key) IsNone() bool { return k.kind == noKey }

// Int returns the number of an IntKey.
func (k Key) Int() (int, bool) { return k.num, k.kind == intKey }

// Text returns the text of a StringKey.
func (k Key) Text() (string, bool) { return k.text, k.kind == stringKey }

// String returns "", "[0]" or `["a"]`, quoted as in the stack language.
func (k Key) String() string {
	switch k.kind {
	case intKey:
		return "[" + strconv.Itoa(k.num) + "]"
	case stringKey:
		return "[" + quote(k.text) + "]"
	}
	return ""
}

// Compare orders keys: none, then numbers by value, then texts.
func (k Key) Compare(other Key) int {
	return cmp.Or(cmp.Compare(k.kind, other.kind), cmp.Compare(k.num, other.num), cmp.Compare(k.text, other.text))
}

// Instance names one instance of a resource or data block.
type Instance struct {
	Resource Resource
	Key      Key
}

// String returns "network.web", "network.web[0]" or `network.web["a"]`.
func (i Instance) String() string { return i.Resource.String() + i.Key.String() }

// Compare orders instances by resource, then by key.
func (i Instance) Compare(other Instance) int {
	return cmp.Or(i.Resource.Compare(other.Resource), i.Key.Compare(other.Key))
}

// MarshalText writes the text form, so addresses serve as JSON keys and values.
func (i Instance) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads the text form.
func (i *Instance) UnmarshalText(text []byte) error {
	parsed, err := ParseInstance(string(text))
	if err != nil {
		return err
	}
	*i = parsed
	return nil
}

// quote writes s as a string literal of the stack language.
func quote(s string) string {
	return strings.TrimSpace(string(hclwrite.TokensForValue(cty.StringVal(s)).Bytes()))
}

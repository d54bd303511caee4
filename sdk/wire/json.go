package wire

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// encode makes a tree for encoding/json. What is not known is null and its
// path is noted; items of a set are counted in the order they are written. A
// value of dynamic type is an object of its type and the value, as cty's own
// JSON has it.
func encode(v cty.Value, typ cty.Type, path cty.Path, unknown *[]string) (any, error) {
	switch {
	case !v.IsKnown():
		*unknown = append(*unknown, pluginspec.FormatPath(path))
		return nil, nil
	case typ == cty.DynamicPseudoType && v.Type() == cty.DynamicPseudoType:
		return nil, nil // null of no type
	case typ == cty.DynamicPseudoType:
		inner, err := encode(v, v.Type(), path, unknown)
		if err != nil {
			return nil, err
		}
		return map[string]any{"type": v.Type(), "value": inner}, nil
	case v.IsNull():
		return nil, nil
	}
	switch {
	case typ == cty.String:
		return v.AsString(), nil
	case typ == cty.Bool:
		return v.True(), nil
	case typ == cty.Number:
		return json.Number(v.AsBigFloat().Text('f', -1)), nil
	case typ.IsListType(), typ.IsSetType(), typ.IsTupleType():
		return encodeItems(v, typ, path, unknown)
	case typ.IsMapType(), typ.IsObjectType():
		out := make(map[string]any, v.LengthInt())
		for name, inner := range v.AsValueMap() {
			var err error
			if out[name], err = encode(inner, member(typ, name), step(typ, path, name), unknown); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return nil, fmt.Errorf("%s: values of type %s do not travel", pluginspec.FormatPath(path), typ.FriendlyName())
}

func encodeItems(v cty.Value, typ cty.Type, path cty.Path, unknown *[]string) (any, error) {
	items := v.AsValueSlice()
	out := make([]any, len(items))
	for i, item := range items {
		var err error
		if out[i], err = encode(item, element(typ, i), path.Copy().IndexInt(i), unknown); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func element(typ cty.Type, i int) cty.Type {
	if typ.IsTupleType() {
		return typ.TupleElementType(i)
	}
	return typ.ElementType()
}

func member(typ cty.Type, name string) cty.Type {
	if typ.IsObjectType() {
		return typ.AttributeType(name)
	}
	return typ.ElementType()
}

func step(typ cty.Type, path cty.Path, name string) cty.Path {
	if typ.IsObjectType() {
		return path.Copy().GetAttr(name)
	}
	return path.Copy().IndexString(name)
}

// decoder reads trees; unknown tells by path what is not known yet, and
// whether the path was met.
type decoder struct{ unknown map[string]bool }

func (d decoder) decode(tree any, typ cty.Type, path cty.Path) (cty.Value, error) {
	at := pluginspec.FormatPath(path)
	if _, unknown := d.unknown[at]; unknown {
		d.unknown[at] = true
		return cty.UnknownVal(typ), nil
	}
	if tree == nil {
		return cty.NullVal(typ), nil
	}
	v, err := d.known(tree, typ, path)
	if err != nil && at != "" {
		return cty.NilVal, fmt.Errorf("%s: %w", at, err)
	}
	return v, err
}

func (d decoder) known(tree any, typ cty.Type, path cty.Path) (cty.Value, error) {
	switch {
	case typ == cty.DynamicPseudoType:
		return d.dynamic(tree, path)
	case typ.IsPrimitiveType():
		return primitive(tree, typ)
	case typ.IsListType(), typ.IsSetType(), typ.IsTupleType():
		return d.items(tree, typ, path)
	case typ.IsMapType(), typ.IsObjectType():
		return d.members(tree, typ, path)
	}
	return cty.NilVal, fmt.Errorf("values of type %s do not travel", typ.FriendlyName())
}

func (d decoder) dynamic(tree any, path cty.Path) (cty.Value, error) {
	wrapped, ok := tree.(map[string]any)
	if !ok || len(wrapped) != 2 {
		return cty.NilVal, fmt.Errorf(`a value of any type is written {"type": …, "value": …}`)
	}
	raw, err := json.Marshal(wrapped["type"])
	if err != nil {
		return cty.NilVal, err
	}
	var typ cty.Type
	if err := json.Unmarshal(raw, &typ); err != nil {
		return cty.NilVal, fmt.Errorf("read a type: %w", err)
	}
	if wrapped["value"] == nil {
		return cty.NullVal(typ), nil
	}
	return d.known(wrapped["value"], typ, path)
}

func primitive(tree any, typ cty.Type) (cty.Value, error) {
	switch v := tree.(type) {
	case string:
		if typ == cty.String {
			return cty.StringVal(v), nil
		}
	case bool:
		if typ == cty.Bool {
			return cty.BoolVal(v), nil
		}
	case json.Number:
		if typ == cty.Number {
			n, err := cty.ParseNumberVal(v.String())
			if err != nil {
				return cty.NilVal, fmt.Errorf("read a number: %w", err)
			}
			return n, nil
		}
	}
	return cty.NilVal, fmt.Errorf("a %s is needed", typ.FriendlyName())
}

func (d decoder) items(tree any, typ cty.Type, path cty.Path) (cty.Value, error) {
	list, ok := tree.([]any)
	if !ok {
		return cty.NilVal, fmt.Errorf("a list is needed")
	}
	if typ.IsTupleType() && len(list) != typ.Length() {
		return cty.NilVal, fmt.Errorf("%d items are needed, not %d", typ.Length(), len(list))
	}
	out := make([]cty.Value, len(list))
	for i, item := range list {
		var err error
		if out[i], err = d.decode(item, element(typ, i), path.Copy().IndexInt(i)); err != nil {
			return cty.NilVal, err
		}
	}
	switch {
	case typ.IsTupleType():
		return cty.TupleVal(out), nil
	case !cty.CanListVal(out):
		return cty.NilVal, fmt.Errorf("items of one type are needed")
	case typ.IsListType() && len(out) == 0:
		return cty.ListValEmpty(typ.ElementType()), nil
	case typ.IsListType():
		return cty.ListVal(out), nil
	case len(out) == 0:
		return cty.SetValEmpty(typ.ElementType()), nil
	}
	return cty.SetVal(out), nil
}

func (d decoder) members(tree any, typ cty.Type, path cty.Path) (cty.Value, error) {
	fields, ok := tree.(map[string]any)
	if !ok {
		return cty.NilVal, fmt.Errorf("an object is needed")
	}
	out := make(map[string]cty.Value, len(fields))
	for name, inner := range fields {
		if typ.IsObjectType() && !typ.HasAttribute(name) {
			return cty.NilVal, fmt.Errorf("there is no attribute %s", strconv.Quote(name))
		}
		var err error
		if out[name], err = d.decode(inner, member(typ, name), step(typ, path, name)); err != nil {
			return cty.NilVal, err
		}
	}
	if typ.IsMapType() {
		if len(out) == 0 {
			return cty.MapValEmpty(typ.ElementType()), nil
		}
		if !cty.CanMapVal(out) {
			return cty.NilVal, fmt.Errorf("members of one type are needed")
		}
		return cty.MapVal(out), nil
	}
	for name, inner := range typ.AttributeTypes() {
		if _, given := out[name]; given {
			continue
		}
		var err error
		if out[name], err = d.decode(nil, inner, step(typ, path, name)); err != nil {
			return cty.NilVal, err
		}
	}
	return cty.ObjectVal(out), nil
}

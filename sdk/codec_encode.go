package sdk

import (
	"fmt"
	"reflect"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// encode makes a value of the type from a struct. The baseline is what was
// planned, or known before: a field that still says what the baseline says
// keeps its exact value, so that null stays null and "" stays "".
func (c *codec) encode(v reflect.Value, baseline cty.Value) (cty.Value, error) {
	return encode(v, c.typ, baseline, c.shape.Name())
}

func encode(v reflect.Value, typ cty.Type, baseline cty.Value, where string) (cty.Value, error) {
	if kept, ok := unchanged(v, baseline); ok {
		return kept, nil
	}
	if v.Type() == valueType {
		return encodeValue(v.Interface().(cty.Value), typ, where)
	}
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return cty.NullVal(typ), nil
		}
		v = v.Elem()
	}
	switch {
	case typ == cty.DynamicPseudoType:
		return fromPlain(v, where)
	case typ == cty.String:
		if v.String() == "" {
			return cty.NullVal(typ), nil // the cloud does not tell them apart
		}
		return cty.StringVal(v.String()), nil
	case typ == cty.Bool:
		return cty.BoolVal(v.Bool()), nil
	case typ == cty.Number:
		return encodeNumber(v), nil
	case typ.IsObjectType() && v.IsZero() && (baseline == cty.NilVal || baseline.IsNull()):
		return cty.NullVal(typ), nil // a block that does not stand
	case typ.IsObjectType():
		return encodeStruct(v, typ, baseline, where)
	case typ.IsMapType():
		return encodeMap(v, typ, baseline, where)
	}
	return encodeItems(v, typ, baseline, where)
}

// unchanged returns the baseline when the Go value says the same.
func unchanged(v reflect.Value, baseline cty.Value) (cty.Value, bool) {
	if baseline == cty.NilVal || !baseline.IsWhollyKnown() || v.Type() == valueType {
		return cty.NilVal, false
	}
	was := reflect.New(v.Type()).Elem()
	if decode(baseline, was, "") != nil || !same(was, v) {
		return cty.NilVal, false
	}
	return baseline, true
}

// same is deep equality in which nil and empty collections are one.
func same(a, b reflect.Value) bool {
	if (a.Kind() == reflect.Slice || a.Kind() == reflect.Map) && a.Len() == 0 && b.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

func encodeValue(v cty.Value, typ cty.Type, where string) (cty.Value, error) {
	if v == cty.NilVal {
		return cty.NullVal(typ), nil
	}
	out, err := convert.Convert(v, typ)
	if err != nil {
		return cty.NilVal, fmt.Errorf("field %s: %w", where, err)
	}
	return out, nil
}

func encodeNumber(v reflect.Value) cty.Value {
	switch {
	case v.CanInt():
		return cty.NumberIntVal(v.Int())
	case v.CanUint():
		return cty.NumberUIntVal(v.Uint())
	}
	return cty.NumberFloatVal(v.Float())
}

func encodeStruct(v reflect.Value, typ cty.Type, baseline cty.Value, where string) (cty.Value, error) {
	if v.Kind() != reflect.Struct {
		return cty.NilVal, fmt.Errorf("field %s is of type %s and no object", where, v.Type())
	}
	byName := fields(v.Type())
	out := make(map[string]cty.Value, len(byName))
	for name, attr := range typ.AttributeTypes() {
		f := v.Type().FieldByIndex(byName[name])
		value, err := encode(v.FieldByIndex(byName[name]), attr, memberOf(baseline, name), where+"."+f.Name)
		if err != nil {
			return cty.NilVal, err
		}
		out[name] = value
	}
	return cty.ObjectVal(out), nil
}

// memberOf is an attribute or element of a baseline, cty.NilVal when there is
// none.
func memberOf(baseline cty.Value, name string) cty.Value {
	if baseline == cty.NilVal || baseline.IsNull() || !baseline.IsKnown() {
		return cty.NilVal
	}
	switch typ := baseline.Type(); {
	case typ.IsObjectType() && typ.HasAttribute(name):
		return baseline.GetAttr(name)
	case typ.IsMapType() && baseline.HasIndex(cty.StringVal(name)).True():
		return baseline.Index(cty.StringVal(name))
	}
	return cty.NilVal
}

func encodeMap(v reflect.Value, typ cty.Type, baseline cty.Value, where string) (cty.Value, error) {
	if v.Len() == 0 {
		return emptyOr(cty.MapValEmpty(typ.ElementType()), baseline), nil
	}
	out := make(map[string]cty.Value, v.Len())
	for _, key := range v.MapKeys() {
		name := key.String()
		value, err := encode(v.MapIndex(key), typ.ElementType(), memberOf(baseline, name), fmt.Sprintf("%s[%q]", where, name))
		if err != nil {
			return cty.NilVal, err
		}
		out[name] = value
	}
	return cty.MapVal(out), nil
}

func encodeItems(v reflect.Value, typ cty.Type, baseline cty.Value, where string) (cty.Value, error) {
	if v.Len() == 0 {
		if typ.IsSetType() {
			return emptyOr(cty.SetValEmpty(typ.ElementType()), baseline), nil
		}
		return emptyOr(cty.ListValEmpty(typ.ElementType()), baseline), nil
	}
	var was []cty.Value
	if baseline != cty.NilVal && !baseline.IsNull() && baseline.IsKnown() {
		was = baseline.AsValueSlice()
	}
	out := make([]cty.Value, v.Len())
	for i := range out {
		value, err := encode(v.Index(i), typ.ElementType(), counterpart(v.Index(i), i, was, typ), fmt.Sprintf("%s[%d]", where, i))
		if err != nil {
			return cty.NilVal, err
		}
		out[i] = value
	}
	if typ.IsSetType() {
		return cty.SetVal(out), nil
	}
	return cty.ListVal(out), nil
}

// counterpart is the item of the baseline that an item is compared with: the
// one that says the same, else the one in its place; in a set there are no
// places.
func counterpart(v reflect.Value, i int, was []cty.Value, typ cty.Type) cty.Value {
	for _, item := range was {
		if _, ok := unchanged(v, item); ok {
			return item
		}
	}
	if i < len(was) && typ.IsListType() {
		return was[i]
	}
	return cty.NilVal
}

// emptyOr keeps an empty collection null when the baseline is: for blocks it
// never is.
func emptyOr(empty, baseline cty.Value) cty.Value {
	if baseline != cty.NilVal && baseline.IsKnown() && baseline.IsNull() {
		return baseline
	}
	return empty
}

// fromPlain makes a value of what encoding/json could have read.
func fromPlain(v reflect.Value, where string) (cty.Value, error) {
	for v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return cty.NullVal(cty.DynamicPseudoType), nil
		}
		v = v.Elem()
	}
	switch {
	case v.Kind() == reflect.String:
		return cty.StringVal(v.String()), nil
	case v.Kind() == reflect.Bool:
		return cty.BoolVal(v.Bool()), nil
	case isNumber(v.Kind()):
		return encodeNumber(v), nil
	case v.Kind() == reflect.Slice:
		items := make([]cty.Value, v.Len())
		for i := range items {
			var err error
			if items[i], err = fromPlain(v.Index(i), fmt.Sprintf("%s[%d]", where, i)); err != nil {
				return cty.NilVal, err
			}
		}
		return cty.TupleVal(items), nil
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
		members := map[string]cty.Value{}
		for _, key := range v.MapKeys() {
			inner, err := fromPlain(v.MapIndex(key), fmt.Sprintf("%s[%q]", where, key.String()))
			if err != nil {
				return cty.NilVal, err
			}
			members[key.String()] = inner
		}
		return cty.ObjectVal(members), nil
	}
	return cty.NilVal, fmt.Errorf("field %s: values of type %s do not travel", where, v.Type())
}

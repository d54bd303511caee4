package sdk

import (
	"fmt"
	"math/big"
	"reflect"

	"github.com/zclconf/go-cty/cty"
)

// decode puts a value of the type into a struct.
func (c *codec) decode(v cty.Value, into reflect.Value) error { return decode(v, into, c.shape.Name()) }

func decode(v cty.Value, into reflect.Value, where string) error {
	if into.Type() == valueType {
		into.Set(reflect.ValueOf(v))
		return nil
	}
	into.SetZero()
	if v == cty.NilVal || !v.IsKnown() || v.IsNull() {
		return nil
	}
	if into.Type() == anyType {
		if plain := plainOf(v); plain != nil {
			into.Set(reflect.ValueOf(plain))
		}
		return nil
	}
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	switch typ := v.Type(); {
	case typ == cty.String && into.Kind() == reflect.String:
		into.SetString(v.AsString())
	case typ == cty.Bool && into.Kind() == reflect.Bool:
		into.SetBool(v.True())
	case typ == cty.Number:
		return decodeNumber(v.AsBigFloat(), into, where)
	case into.Kind() == reflect.Slice && v.CanIterateElements():
		return decodeItems(v.AsValueSlice(), into, where)
	case into.Kind() == reflect.Map && v.CanIterateElements():
		return decodeMap(v.AsValueMap(), into, where)
	case into.Kind() == reflect.Struct && typ.IsObjectType():
		return decodeStruct(v, into, where)
	default:
		return fmt.Errorf("field %s is of type %s and cannot hold %s", where, into.Type(), typ.FriendlyName())
	}
	return nil
}

func decodeNumber(n *big.Float, into reflect.Value, where string) error {
	wrong := fmt.Errorf("field %s is of type %s and cannot hold the number %s", where, into.Type(), n.Text('f', -1))
	switch k := into.Kind(); {
	case into.CanInt():
		i, exact := n.Int64()
		if exact != big.Exact || into.OverflowInt(i) {
			return wrong
		}
		into.SetInt(i)
	case into.CanUint():
		u, exact := n.Uint64()
		if exact != big.Exact || into.OverflowUint(u) {
			return wrong
		}
		into.SetUint(u)
	case k == reflect.Float32, k == reflect.Float64:
		f, _ := n.Float64()
		into.SetFloat(f)
	default:
		return wrong
	}
	return nil
}

func decodeItems(items []cty.Value, into reflect.Value, where string) error {
	into.Set(reflect.MakeSlice(into.Type(), len(items), len(items)))
	for i, item := range items {
		if err := decode(item, into.Index(i), fmt.Sprintf("%s[%d]", where, i)); err != nil {
			return err
		}
	}
	return nil
}

func decodeMap(members map[string]cty.Value, into reflect.Value, where string) error {
	into.Set(reflect.MakeMapWithSize(into.Type(), len(members)))
	for name, v := range members {
		item := reflect.New(into.Type().Elem()).Elem()
		if err := decode(v, item, fmt.Sprintf("%s[%q]", where, name)); err != nil {
			return err
		}
		into.SetMapIndex(reflect.ValueOf(name).Convert(into.Type().Key()), item)
	}
	return nil
}

func decodeStruct(v cty.Value, into reflect.Value, where string) error {
	for name, index := range fields(into.Type()) {
		if !v.Type().HasAttribute(name) {
			continue
		}
		f := into.Type().FieldByIndex(index)
		if err := decode(v.GetAttr(name), into.FieldByIndex(index), where+"."+f.Name); err != nil {
			return err
		}
	}
	return nil
}

// plainOf is a value as encoding/json would read it, with numbers as float64.
func plainOf(v cty.Value) any {
	if !v.IsKnown() || v.IsNull() {
		return nil
	}
	switch typ := v.Type(); {
	case typ == cty.String:
		return v.AsString()
	case typ == cty.Bool:
		return v.True()
	case typ == cty.Number:
		f, _ := v.AsBigFloat().Float64()
		return f
	case typ.IsMapType() || typ.IsObjectType():
		out := map[string]any{}
		for name, inner := range v.AsValueMap() {
			out[name] = plainOf(inner)
		}
		return out
	}
	out := []any{}
	for _, item := range v.AsValueSlice() {
		out = append(out, plainOf(item))
	}
	return out
}

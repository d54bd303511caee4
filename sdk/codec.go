package sdk

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// codec converts between values of a type and the struct of its handler. A
// value that is null or not known yet is the zero value of its field.
type codec struct {
	typ   cty.Type
	shape reflect.Type
}

var (
	valueType = reflect.TypeFor[cty.Value]()
	anyType   = reflect.TypeFor[any]()
)

// newCodec checks that every field has an attribute of fitting type, and every
// attribute a field.
func newCodec(t *pluginspec.Type, shape reflect.Type) (*codec, error) {
	if shape.Kind() != reflect.Struct {
		return nil, fmt.Errorf("its handler works on %s, which is no struct", shape)
	}
	c := &codec{typ: t.ImpliedType(), shape: shape}
	return c, fits(c.typ, shape, shape.Name())
}

// fields maps attribute names to the index of the field that holds them.
func fields(shape reflect.Type) map[string][]int {
	out := map[string][]int{}
	for _, f := range reflect.VisibleFields(shape) {
		if name, ok := f.Tag.Lookup("mold"); ok && f.IsExported() {
			out[name] = f.Index
		}
	}
	return out
}

// fits tells why values of a type cannot be held in a Go type; where names the
// place for the message.
func fits(typ cty.Type, goType reflect.Type, where string) error {
	if goType == valueType || goType == anyType {
		return nil
	}
	if goType.Kind() == reflect.Pointer {
		goType = goType.Elem()
	}
	mismatch := fmt.Errorf("field %s is of type %s, but plugin.yaml says %s", where, goType, typ.FriendlyName())
	switch {
	case typ == cty.String:
		return unless(goType.Kind() == reflect.String, mismatch)
	case typ == cty.Bool:
		return unless(goType.Kind() == reflect.Bool, mismatch)
	case typ == cty.Number:
		return unless(isNumber(goType.Kind()), mismatch)
	case typ.IsListType() || typ.IsSetType():
		if goType.Kind() != reflect.Slice {
			return mismatch
		}
		return fits(typ.ElementType(), goType.Elem(), where+"[]")
	case typ.IsMapType():
		if goType.Kind() != reflect.Map || goType.Key().Kind() != reflect.String {
			return mismatch
		}
		return fits(typ.ElementType(), goType.Elem(), where+"[]")
	case typ.IsObjectType():
		return fitsObject(typ, goType, where, mismatch)
	case typ == cty.DynamicPseudoType:
		return fmt.Errorf("field %s is of type %s; values of type any or pipeline need cty.Value or any", where, goType)
	}
	return mismatch
}

func fitsObject(typ cty.Type, goType reflect.Type, where string, mismatch error) error {
	if goType.Kind() != reflect.Struct {
		return mismatch
	}
	byName := fields(goType)
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		f := goType.FieldByIndex(byName[name])
		if !typ.HasAttribute(name) {
			errs = append(errs, fmt.Errorf("field %s.%s is tagged %q, but plugin.yaml has no attribute of that name", where, f.Name, name))
			continue
		}
		errs = append(errs, fits(typ.AttributeType(name), f.Type, where+"."+f.Name))
	}
	var missing []string
	for name := range typ.AttributeTypes() {
		if byName[name] == nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		errs = append(errs, fmt.Errorf("struct %s has no field tagged `mold:%q` for an attribute of plugin.yaml (missing: %s)", where, missing[0], strings.Join(missing, ", ")))
	}
	return errors.Join(errs...)
}

func unless(ok bool, err error) error {
	if ok {
		return nil
	}
	return err
}

func isNumber(k reflect.Kind) bool {
	return k >= reflect.Int && k <= reflect.Uint64 || k == reflect.Float32 || k == reflect.Float64
}

// idOf is the id in a struct, "" when there is none yet.
func (c *codec) idOf(v reflect.Value) string {
	index, ok := fields(c.shape)["id"]
	if !ok {
		return ""
	}
	f := v.FieldByIndex(index)
	if f.Kind() == reflect.Pointer {
		if f.IsNil() {
			return ""
		}
		f = f.Elem()
	}
	return f.String()
}

// setID puts an id into a struct that has none: an object that is imported is
// known by nothing else.
func (c *codec) setID(v reflect.Value, id string) {
	if index, ok := fields(c.shape)["id"]; ok && c.idOf(v) == "" && v.FieldByIndex(index).Kind() == reflect.String {
		v.FieldByIndex(index).SetString(id)
	}
}

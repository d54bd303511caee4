package plan

import (
	"encoding/json"
	"fmt"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// decodeJSON is the library's decoding for stored objects, which takes a tenth
// of its time for what nearly all of them hold: objects and lists of texts,
// numbers and truths. It leaves everything else to the library.
func decodeJSON(data []byte, ty cty.Type) (cty.Value, error) {
	switch {
	case ty == cty.String:
		return decodeString(data)
	case ty == cty.Bool && string(data) == "true":
		return cty.True, nil
	case ty == cty.Bool && string(data) == "false":
		return cty.False, nil
	case ty.IsObjectType():
		return decodeObject(data, ty)
	case ty.IsListType():
		return decodeList(data, ty)
	}
	return ctyjson.Unmarshal(data, ty)
}

func decodeString(data []byte) (cty.Value, error) {
	var text *string
	if err := json.Unmarshal(data, &text); err != nil {
		return ctyjson.Unmarshal(data, cty.String) // numbers and truths become texts
	}
	if text == nil {
		return cty.NullVal(cty.String), nil
	}
	return cty.StringVal(*text), nil
}

func decodeObject(data []byte, ty cty.Type) (cty.Value, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return cty.NilVal, err
	}
	if members == nil {
		return cty.NullVal(ty), nil
	}
	types := ty.AttributeTypes()
	values := make(map[string]cty.Value, len(types))
	for name, member := range members {
		want, ok := types[name]
		if !ok {
			return cty.NilVal, fmt.Errorf("unsupported attribute %q", name)
		}
		v, err := decodeJSON(member, want)
		if err != nil {
			return cty.NilVal, fmt.Errorf("%s: %w", name, err)
		}
		values[name] = v
	}
	for name, want := range types {
		if _, ok := values[name]; !ok {
			values[name] = cty.NullVal(want)
		}
	}
	return cty.ObjectVal(values), nil
}

func decodeList(data []byte, ty cty.Type) (cty.Value, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		return cty.NilVal, err
	}
	if items == nil {
		return cty.NullVal(ty), nil
	}
	if len(items) == 0 {
		return cty.ListValEmpty(ty.ElementType()), nil
	}
	values := make([]cty.Value, len(items))
	for i, item := range items {
		v, err := decodeJSON(item, ty.ElementType())
		if err != nil {
			return cty.NilVal, fmt.Errorf("[%d]: %w", i, err)
		}
		values[i] = v
	}
	if ty.ElementType().HasDynamicTypes() {
		return ctyjson.Unmarshal(data, ty) // items may be of different types
	}
	return cty.ListVal(values), nil
}

package declarative

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/httpapi"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// notReadable as an attribute's field says that no response holds it.
const notReadable = "-"

// decoder turns one object of the API into attributes.
type decoder struct {
	templates *templates
	roots     roots
	object    cloudstack.Object
	response  roots // the roots with the response, once a template asked for it
}

// attributes reads the attributes of a type, block or child. The base is what
// was known before: it keeps values that no response holds, and the spelling of
// values that are the same.
func (d *decoder) attributes(attrs []*pluginspec.Attribute, base cty.Value) (map[string]cty.Value, error) {
	out := make(map[string]cty.Value, len(attrs))
	for _, a := range attrs {
		v, err := d.attribute(a, valueOf(base, a.Name))
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", a.Name, err)
		}
		out[a.Name] = v
	}
	return out, nil
}

// attribute reads one attribute; base is cty.NilVal when nothing was known of
// the object before.
func (d *decoder) attribute(a *pluginspec.Attribute, base cty.Value) (cty.Value, error) {
	known := base != cty.NilVal
	if known {
		base, _ = base.UnmarkDeep()
		if !base.IsWhollyKnown() {
			known, base = false, cty.NilVal
		}
	}
	fallback := cty.NullVal(a.Type)
	if known {
		fallback = base
	}
	// What the user left to the cloud is not managed, whatever the cloud made of it.
	left := known && base.IsNull() && !a.Computed
	if left || a.WriteOnly || a.Field == notReadable || a.Assign != nil && a.Assign.List != nil {
		return fallback, nil
	}
	v, found, err := d.read(a)
	if err != nil {
		return cty.NilVal, err
	}
	if !found {
		if a.Computed && !a.Optional && !known {
			return cty.NullVal(a.Type), nil
		}
		return fallback, nil
	}
	if known && !base.IsNull() {
		if v.Type().IsMapType() && !v.IsNull() {
			v = onlyKeysOf(v, base)
		}
		if v.Type().Equals(base.Type()) && pluginspec.Equal(a, base, v) {
			return base, nil
		}
	}
	return v, nil
}

// read takes an attribute's value from the response.
func (d *decoder) read(a *pluginspec.Attribute) (cty.Value, bool, error) {
	if strings.Contains(a.Field, "${") {
		// Most types read no template, and some responses are large.
		if d.response == nil {
			d.response = d.roots.with("response", objectValue(d.object))
		}
		v, err := d.templates.value(a.Field, d.response)
		if err != nil {
			return cty.NilVal, false, err
		}
		// Null is an answer here: a disk that is attached nowhere.
		v, err = convert.Convert(v, a.Type)
		return v, err == nil, err
	}
	if a.Encode == encodePorts && a.Field == "" {
		return d.portRange(paramNames(a))
	}
	raw, found := d.field(a)
	if !found || raw == nil && a.Sensitive {
		return cty.NilVal, false, nil // APIs hide secrets as null
	}
	if raw == nil {
		return cty.NullVal(a.Type), true, nil // there is none, and the answer says so
	}
	if a.Encode == encodeBase64 {
		clear, err := base64.StdEncoding.DecodeString(plain(raw))
		if err != nil {
			return cty.NilVal, false, fmt.Errorf("the response is not base64: %w", err)
		}
		raw = string(clear)
	}
	v, err := fromAPI(raw, a.Type)
	return v, err == nil, err
}

func (d *decoder) field(a *pluginspec.Attribute) (any, bool) {
	name := a.Field
	if name == "" {
		name = paramName(a)
	}
	if raw, ok := d.object[name]; ok {
		return raw, true
	}
	raw := httpapi.Dig(map[string]any(d.object), name)
	return raw, raw != nil
}

func (d *decoder) portRange(names []string) (cty.Value, bool, error) {
	first := d.object.Str(names[0])
	if first == "" {
		return cty.NilVal, false, nil
	}
	if len(names) > 1 {
		if last := d.object.Str(names[1]); last != "" && last != first {
			first += "-" + last
		}
	}
	return cty.StringVal(first), true, nil
}

// fromAPI converts a decoded JSON value to a type, over the API's liberties:
// numbers and booleans as text, lists in one text, maps as lists of pairs.
func fromAPI(raw any, ty cty.Type) (cty.Value, error) {
	switch {
	case ty == cty.DynamicPseudoType:
		return anyValue(raw), nil
	case ty.IsPrimitiveType():
		return primitiveFromAPI(raw, ty)
	case ty.IsListType(), ty.IsSetType():
		return listFromAPI(raw, ty)
	case ty.IsMapType():
		return mapFromAPI(raw, ty)
	case ty.IsObjectType():
		fields, _ := raw.(map[string]any)
		attrs := map[string]cty.Value{}
		for name, at := range ty.AttributeTypes() {
			attrs[name] = cty.NullVal(at)
			inner, ok := fields[name]
			if !ok {
				inner = fields[strings.ReplaceAll(name, "_", "")]
			}
			if inner != nil {
				v, err := fromAPI(inner, at)
				if err != nil {
					return cty.NilVal, fmt.Errorf("%s: %w", name, err)
				}
				attrs[name] = v
			}
		}
		return cty.ObjectVal(attrs), nil
	}
	return cty.NilVal, fmt.Errorf("a response cannot be read as %s", ty.FriendlyName())
}

func primitiveFromAPI(raw any, ty cty.Type) (cty.Value, error) {
	var text string
	switch v := raw.(type) {
	case []any:
		words := make([]string, len(v))
		for i, item := range v {
			words[i] = plain(item)
		}
		text = strings.Join(words, ",")
	case map[string]any:
		return cty.NilVal, fmt.Errorf("the response holds an object where %s is expected", ty.FriendlyName())
	default:
		text = plain(raw)
	}
	if text == "" && ty != cty.String {
		return cty.NullVal(ty), nil
	}
	v, err := convert.Convert(cty.StringVal(text), ty)
	if err != nil {
		return cty.NilVal, fmt.Errorf("the response holds %q where %s is expected", text, ty.FriendlyName())
	}
	return v, nil
}

func listFromAPI(raw any, ty cty.Type) (cty.Value, error) {
	items, ok := raw.([]any)
	if !ok {
		for _, word := range strings.FieldsFunc(plain(raw), func(r rune) bool { return r == ',' || r == ' ' }) {
			items = append(items, word)
		}
	}
	element := ty.ElementType()
	values := make([]cty.Value, 0, len(items))
	for _, item := range items {
		v, err := fromAPI(item, element)
		if err != nil {
			return cty.NilVal, err
		}
		values = append(values, v)
	}
	switch {
	case ty.IsSetType() && len(values) == 0:
		return cty.SetValEmpty(element), nil
	case ty.IsSetType():
		return cty.SetVal(values), nil
	case len(values) == 0:
		return cty.ListValEmpty(element), nil
	}
	return cty.ListVal(values), nil
}

func mapFromAPI(raw any, ty cty.Type) (cty.Value, error) {
	entries, _ := raw.(map[string]any)
	if pairs, ok := raw.([]any); ok {
		entries = map[string]any{}
		for _, pair := range pairs {
			p, _ := pair.(map[string]any)
			key := plain(p["key"])
			if key == "" {
				key = plain(p["name"])
			}
			if key != "" {
				entries[key] = p["value"]
			}
		}
	}
	values := make(map[string]cty.Value, len(entries))
	for key, item := range entries {
		v, err := fromAPI(item, ty.ElementType())
		if err != nil {
			return cty.NilVal, fmt.Errorf("key %q: %w", key, err)
		}
		values[key] = v
	}
	if len(values) == 0 {
		return cty.MapValEmpty(ty.ElementType()), nil
	}
	return cty.MapVal(values), nil
}

// onlyKeysOf drops entries that base does not have: others put them there.
func onlyKeysOf(v, base cty.Value) cty.Value {
	ours := base.AsValueMap()
	kept := map[string]cty.Value{}
	for key, item := range v.AsValueMap() {
		if _, ok := ours[key]; ok {
			kept[key] = item
		}
	}
	if len(kept) == 0 {
		return cty.MapValEmpty(v.Type().ElementType())
	}
	return cty.MapVal(kept)
}

// plain is a JSON scalar as text.
func plain(raw any) string {
	switch v := raw.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case int:
		return strconv.Itoa(v)
	}
	return ""
}

// valueOf is an attribute of an object value, cty.NilVal when it has none.
func valueOf(v cty.Value, name string) cty.Value {
	if v == cty.NilVal || v.IsNull() || !v.IsKnown() || !v.Type().IsObjectType() || !v.Type().HasAttribute(name) {
		return cty.NilVal
	}
	return v.GetAttr(name)
}

package cloudstack

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Object is one object of the API, as decoded from JSON with numbers kept exact. The accessors accept that the API spells numbers and
// booleans as strings in some answers and not in others.
type Object map[string]any

// ID is the object's id, empty when it has none.
func (o Object) ID() string { return o.Str("id") }

// Name is what the object is known by: its id, or the paths that by names, joined as in by: virtualmachineid/id is the id within a
// machine. It is empty when one of them is absent. An object out of a list within another object has that one as its parent.
func (o Object) Name(by string) string {
	if by == "" {
		return o.ID()
	}
	parts := strings.Split(by, "/")
	for i, path := range parts {
		inner, within := strings.CutPrefix(path, "parent.")
		if parts[i] = o.Path(path); parts[i] == "" && within {
			parts[i] = o.Path(inner) // the answer to its create shows it on its own
		}
		if parts[i] == "" {
			return ""
		}
	}
	return strings.Join(parts, "/")
}

// Within are the objects in the lists that a dotted path leads to, each with the object around it as its parent.
func Within(items []Object, path string) []Object {
	if path == "" {
		return items
	}
	field, rest, _ := strings.Cut(path, ".")
	var out []Object
	for _, item := range items {
		around := maps.Clone(item)
		delete(around, field)
		for _, inner := range item.List(field) {
			inner["parent"] = map[string]any(around)
			out = append(out, inner)
		}
	}
	return Within(out, rest)
}

// Str is the field as text: empty when it is absent.
func (o Object) Str(field string) string {
	switch v := o[field].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// Int is the field as a number, 0 when it is absent or none.
func (o Object) Int(field string) int {
	n, err := strconv.ParseFloat(o.Str(field), 64)
	if err != nil {
		return 0
	}
	return int(n)
}

// Bool is true when the field says true in any spelling.
func (o Object) Bool(field string) bool { return strings.EqualFold(o.Str(field), "true") }

// List is the field's list of objects, empty when it is absent.
func (o Object) List(field string) []Object {
	items, _ := o[field].([]any)
	out := make([]Object, 0, len(items))
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// Map is the field's object, nil when it is absent.
func (o Object) Map(field string) Object {
	m, _ := o[field].(map[string]any)
	return m
}

// Strings is the field's list of plain values as text.
func (o Object) Strings(field string) []string {
	items, _ := o[field].([]any)
	out := make([]string, 0, len(items))
	for i := range items {
		out = append(out, Object{"v": items[i]}.Str("v"))
	}
	return out
}

// Words is the field's list in text, separated by commas or blanks (the API uses both, sometimes for the same field), sorted.
func (o Object) Words(field string) []string {
	words := strings.FieldsFunc(o.Str(field), func(r rune) bool { return r == ',' || r == ' ' })
	slices.Sort(words)
	return words
}

// Path follows a dotted path, for example details.moldctl.op. Keys that hold dots themselves are found too: the longest key wins.
func (o Object) Path(path string) string {
	if v, ok := o[path]; ok {
		return Object{"v": v}.Str("v")
	}
	for i := len(path) - 1; i > 0; i-- {
		if path[i] != '.' {
			continue
		}
		if inner := o.Map(path[:i]); inner != nil {
			if v := inner.Path(path[i+1:]); v != "" {
				return v
			}
		}
	}
	return ""
}

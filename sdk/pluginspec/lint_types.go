package pluginspec

import (
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/apitable"
)

// How the API describes what a field holds. Whatever is in no list is text.
var (
	numeric   = []string{"long", "integer", "int", "short", "float", "double"}
	composite = []string{"list", "set", "map"}
)

// fieldTypes checks that attributes are read from fields that can hold what
// they are: the API's liberties, as numbers in text or lists in one text, are
// none of its business. Templates may make anything of anything.
func (l *linter) fieldTypes(attrs []*Attribute, calls ...*Call) {
	for _, a := range attrs {
		names := a.FieldNames()
		if len(names) != 1 || strings.Contains(names[0], "/") || strings.HasPrefix(names[0], "parent.") || a.Encode != "" {
			continue
		}
		for _, c := range calls {
			command, ok := l.table.Command(c.Command)
			if !ok {
				break // reported already
			}
			f, ok := fieldAt(command.Shown(c.Result), names[0])
			if !ok {
				continue // reported already, or another call answers with it
			}
			if !holds(a.Type, f) {
				l.mismatch(a, names[0], c.Command, f)
			}
			break
		}
	}
}

func (l *linter) mismatch(a *Attribute, field, command string, f apitable.Field) {
	l.fail(a.Range, "Field of another type", "%q is a %s, and the field %q in the answer of %s is a %s. Change the type, or take what it needs out of the field with a template: `field: \"${response.%s…}\"`.",
		a.Name, a.Type.FriendlyName(), field, command, f.Type, field)
}

// fieldAt follows a dotted path; an index says that a list is meant, whose
// objects are looked into.
func fieldAt(fields []apitable.Field, path string) (apitable.Field, bool) {
	first, rest, nested := strings.Cut(path, ".")
	name, _, indexed := strings.Cut(first, "[")
	at := slices.IndexFunc(fields, func(f apitable.Field) bool { return f.Name == name })
	switch {
	case at < 0:
		return apitable.Field{}, false
	case nested:
		return fieldAt(fields[at].Fields, rest)
	case indexed:
		return apitable.Field{}, false // what the list holds is not described
	}
	return fields[at], true
}

// holds tells whether a field can be read as a type.
func holds(ty cty.Type, f apitable.Field) bool {
	number, boolean, date := slices.Contains(numeric, f.Type), f.Type == "boolean", f.Type == "date"
	object := f.Type == "map" || len(f.Fields) > 0 && f.Type != "list" && f.Type != "set"
	switch {
	case ty == cty.Number:
		return !boolean && !date && !object && !slices.Contains(composite, f.Type)
	case ty == cty.Bool:
		return !number && !date && !object && !slices.Contains(composite, f.Type)
	case ty == cty.String:
		return !object
	case ty.IsCollectionType() || ty.IsTupleType() || ty.IsObjectType():
		return !number && !boolean && !date
	}
	return true
}

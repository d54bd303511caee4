package pluginspec

import (
	"maps"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/sdk/apitable"
)

// NaturalAttr is the attribute that a part of a natural identity stands for,
// where it names one (natural: [name]); nil where it names a field.
func (t *Type) NaturalAttr(name string) *Attribute {
	a := t.Attr(name)
	if a == nil || t.Identity == nil || t.Identity.Natural[name] != "${self."+name+"}" || a.Field == "-" || strings.ContainsAny(a.Field, "${/") {
		return nil
	}
	return a
}

// identity checks that the listing shows what an interrupted create is found
// by: what it does not show is found never, and made again.
func (l *linter) identity(t *Type) {
	if t.Identity == nil || t.Read == nil || len(t.Read.Calls) == 0 || t.Create == nil || t.Create.Handler {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(t.Identity.Natural)) {
		field := name
		if a := t.NaturalAttr(name); a != nil {
			if names := a.FieldNames(); len(names) == 1 {
				field = names[0]
			}
		}
		base, _, _ := strings.Cut(field, ".")
		command, ok := l.table.Command(t.Read.Calls[0].Command)
		shown := command.Shown(t.Read.Calls[0].Result)
		if !ok || len(shown) == 0 || slices.ContainsFunc(shown, func(f apitable.Field) bool { return f.Name == base }) {
			continue
		}
		near := make([]string, len(shown))
		for i, f := range shown {
			near[i] = f.Name
		}
		l.fail(t.Range, "Identity that is not shown", "%q finds an interrupted create by %q, which the answer of %s does not have.%s "+
			"Name fields that it has, `natural: {FIELD: TEMPLATE}`, or another way.", t.Name, base, command.Name, didYouMean(base, near))
	}
}

package reference

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

func (w *page) attributes(attrs []*pluginspec.Attribute, how func(*pluginspec.Attribute) string) {
	if len(attrs) == 0 {
		return
	}
	w.paragraph("| attribute | type | | |\n|---|---|---|---|")
	for _, a := range attrs {
		w.line("| `%s` | %s | %s | %s |", a.Name, cell(typeName(a.Type)), cell(how(a)), cell(w.describe(a)))
	}
}

func (w *page) blocks(blocks []*pluginspec.Block, outer string) {
	for _, b := range blocks {
		w.paragraph("### block %s%s", outer, b.Name)
		w.paragraph("%s %s", b.Doc, times(b))
		w.attributes(b.Attributes, manner)
		w.blocks(b.Blocks, outer+b.Name+".")
	}
}

// times says how often a block stands.
func times(b *pluginspec.Block) string {
	switch {
	case b.Nesting == pluginspec.Single && b.Min > 0:
		return "Stands once."
	case b.Nesting == pluginspec.Single:
		return "Stands at most once."
	case b.Nesting == pluginspec.Map && b.Min == 1:
		return "Stands once or several times, each with a label of its own."
	case b.Nesting == pluginspec.Map && b.Min > 1:
		return fmt.Sprintf("Stands at least %d times, each with a label of its own.", b.Min)
	case b.Nesting == pluginspec.Map:
		return "May stand several times, each with a label of its own."
	case b.Min == 1:
		return "Stands once or several times."
	case b.Min > 0:
		return fmt.Sprintf("Stands at least %d times.", b.Min)
	}
	return "May stand several times."
}

// manner says who gives an attribute its value, and what a change of it does.
func manner(a *pluginspec.Attribute) string {
	var words []string
	switch {
	case a.Required:
		words = append(words, "**required**")
	case a.Computed && !a.Optional:
		return "filled in"
	}
	if a.Replace {
		words = append(words, "a change replaces")
	}
	if a.ReplaceWhen != "" {
		words = append(words, "a change may replace")
	}
	if a.Role != "" && a.Role != "user" {
		words = append(words, "for "+strings.ReplaceAll(a.Role, "_", " ")+"s")
	}
	return strings.Join(words, ", ")
}

// describe is an attribute's documentation with its limits.
func (w *page) describe(a *pluginspec.Attribute) string {
	parts := []string{strings.TrimSpace(a.Doc)}
	if len(a.Values) > 0 {
		parts = append(parts, "One of `"+strings.Join(a.Values, "`, `")+"`.")
	}
	if a.Lookup != "" {
		parts = append(parts, "Looked up as `"+a.Lookup+"`.")
	}
	if a.Default != nil && !w.found {
		parts = append(parts, "Default: "+w.standsIn(a.Default)+".")
	}
	if a.Sensitive {
		parts = append(parts, "Never shown.")
	}
	if a.WriteOnly {
		parts = append(parts, "Sent, and never read back.")
	}
	if len(a.Conflicts) > 0 && !w.found {
		parts = append(parts, "Not together with `"+strings.Join(a.Conflicts, "`, `")+"`.")
	}
	if len(a.Together) > 0 && !w.found {
		parts = append(parts, "Only together with `"+strings.Join(a.Together, "`, `")+"`.")
	}
	if a.Since != "" {
		parts = append(parts, "Since version "+a.Since+" of the server.")
	}
	if a.Deprecated != "" {
		parts = append(parts, "Deprecated: "+a.Deprecated)
	}
	return strings.Join(parts, " ")
}

// standsIn says what an attribute is that was left out.
func (w *page) standsIn(d *pluginspec.Default) string {
	switch {
	case d.Expr != nil:
		return "`" + string(d.Expr.Range().SliceBytes(w.source)) + "`"
	case d.Pick != nil:
		var wanted []string
		for _, field := range slices.Sorted(maps.Keys(d.Pick)) {
			wanted = append(wanted, fmt.Sprintf("`%s` %v", field, d.Pick[field]))
		}
		return "the first with " + strings.Join(wanted, ", ")
	}
	return "`" + literal(d.Literal) + "`"
}

func literal(v cty.Value) string {
	switch {
	case v.IsNull():
		return "null"
	case v.Type() == cty.String:
		return v.AsString()
	case v.Type() == cty.Bool:
		return fmt.Sprint(v.True())
	case v.Type() == cty.Number:
		return v.AsBigFloat().Text('f', -1)
	case v.CanIterateElements():
		var items []string
		for it := v.ElementIterator(); it.Next(); {
			_, item := it.Element()
			items = append(items, literal(item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return v.Type().FriendlyName()
}

func typeName(ty cty.Type) string {
	if ty == cty.DynamicPseudoType {
		return "any"
	}
	return ty.FriendlyNameForConstraint()
}

// cell keeps a text within its table cell.
func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "|", "\\|"), "\n", " ")
}

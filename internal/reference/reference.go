// Package reference writes the reference pages of plugins from their
// plugin.yaml, so that what users read is what the program checks.
//
// It knows nothing of processes, clouds or stacks, and imports only the model
// of plugin.yaml.
package reference

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

//go:generate go run ./gen ../../plugins ../../docs/reference

// Markdown is the reference page of one plugin. example returns the text of an
// example by its path beside the plugin.yaml.
func Markdown(p *pluginspec.Plugin, example func(path string) (string, error)) (string, error) {
	w := &page{}
	w.line("# Plugin %s", p.Name)
	w.paragraph("%s", p.Summary)
	w.paragraph("%s", strings.TrimSpace(p.Doc))
	var resources, data []*pluginspec.Type
	for _, name := range slices.Sorted(maps.Keys(p.Types)) {
		t := p.Types[name]
		if t.IsResource() {
			resources = append(resources, t)
		}
		if t.IsData() {
			data = append(data, t)
		}
	}
	w.contents("Resources", "resource", resources)
	w.contents("Data sources", "data", data)
	if len(p.Config) > 0 {
		w.paragraph("## plugin %s", p.Name)
		w.paragraph("What a stack says of the plugin itself, in a block `plugin %q`.", p.Name)
		w.attributes(p.Config, manner)
	}
	for _, t := range resources {
		if err := w.resource(t, example); err != nil {
			return "", fmt.Errorf("resource %s: %w", t.Name, err)
		}
	}
	for _, t := range data {
		w.data(t)
	}
	w.steps(p)
	return w.String(), nil
}

// page collects the lines of a page.
type page struct{ strings.Builder }

func (w *page) line(format string, args ...any) {
	w.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " \n"))
	w.WriteByte('\n')
}

// paragraph writes a line with a blank one before it; nothing when it is empty.
func (w *page) paragraph(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); strings.TrimSpace(text) != "" {
		w.line("\n%s", text)
	}
}

func (w *page) contents(title, kind string, types []*pluginspec.Type) {
	if len(types) == 0 {
		return
	}
	w.paragraph("%s:", title)
	w.line("")
	for _, t := range types {
		w.line("- [`%s`](#%s-%s) — %s", t.Name, kind, t.Name, t.Summary)
	}
}

func (w *page) resource(t *pluginspec.Type, example func(string) (string, error)) error {
	w.paragraph("## resource %s", t.Name)
	w.paragraph("%s", t.Summary)
	w.paragraph("%s", strings.TrimSpace(t.Doc))
	if t.Example != "" {
		text, err := example(t.Example)
		if err != nil {
			return err
		}
		w.paragraph("```hcl\n%s\n```", strings.TrimSpace(text))
	}
	w.attributes(t.Attributes, func(a *pluginspec.Attribute) string { return manner(a) })
	w.blocks(t.Blocks, "")
	w.calls(t)
	w.imports(t)
	return nil
}

// calls says which calls of the API are behind each verb.
func (w *page) calls(t *pluginspec.Type) {
	var parts []string
	for _, v := range []struct {
		name string
		verb *pluginspec.Verb
	}{{"create", t.Create}, {"read", t.Read}, {"update", t.Update}, {"delete", t.Delete}} {
		switch {
		case v.verb == nil:
		case v.verb.Handler:
			parts = append(parts, v.name+" (by code)")
		case len(v.verb.Calls) > 0:
			parts = append(parts, v.name+" "+commands(v.verb.Calls...))
		}
	}
	for _, b := range t.Blocks {
		if c := b.Child; c != nil {
			calls := slices.DeleteFunc([]*pluginspec.Call{c.List, c.Create, c.Update, c.Delete, c.Order}, func(c *pluginspec.Call) bool { return c == nil })
			parts = append(parts, "each "+b.Name+" "+commands(calls...))
		}
	}
	w.paragraph("Calls: %s.", strings.Join(parts, "; "))
}

// commands are the calls by name, each once.
func commands(calls ...*pluginspec.Call) string {
	var names []string
	for _, c := range calls {
		if name := "`" + c.Name() + "`"; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// imports says how an object that exists is taken over.
func (w *page) imports(t *pluginspec.Type) {
	text := "Import: by `id`"
	if by := t.IDField(); by != "" {
		text += " (`" + strings.ReplaceAll(by, "parent.", "") + "`)"
	}
	if t.Find != nil && t.Attr("name") != nil {
		text += " or `name`"
	}
	w.paragraph("%s.", text)
}

func (w *page) data(t *pluginspec.Type) {
	w.paragraph("## data %s", t.Name)
	w.paragraph("%s", t.Summary)
	inputs := t.DataInputs()
	w.attributes(t.Attributes, func(a *pluginspec.Attribute) string {
		if slices.Contains(inputs, a.Name) {
			return "may be given"
		}
		return "found"
	})
}

func (w *page) steps(p *pluginspec.Plugin) {
	for _, kind := range slices.Sorted(maps.Keys(p.Steps)) {
		w.paragraph("## step %s", kind)
		w.paragraph("%s", p.Steps[kind].Summary)
		w.attributes(p.Steps[kind].Attributes, func(a *pluginspec.Attribute) string { return manner(a) })
	}
}

func (w *page) attributes(attrs []*pluginspec.Attribute, how func(*pluginspec.Attribute) string) {
	if len(attrs) == 0 {
		return
	}
	w.paragraph("| attribute | type | | |\n|---|---|---|---|")
	for _, a := range attrs {
		w.line("| `%s` | %s | %s | %s |", a.Name, cell(typeName(a.Type)), cell(how(a)), cell(describe(a)))
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
	case b.Nesting == pluginspec.Map:
		return "May stand several times, each with a label of its own."
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
func describe(a *pluginspec.Attribute) string {
	parts := []string{strings.TrimSpace(a.Doc)}
	if len(a.Values) > 0 {
		parts = append(parts, "One of `"+strings.Join(a.Values, "`, `")+"`.")
	}
	if a.Default != nil && a.Default.Literal != cty.NilVal {
		parts = append(parts, "Default: `"+literal(a.Default.Literal)+"`.")
	}
	if a.Sensitive {
		parts = append(parts, "Never shown.")
	}
	if len(a.Conflicts) > 0 {
		parts = append(parts, "Not together with `"+strings.Join(a.Conflicts, "`, `")+"`.")
	}
	if a.Deprecated != "" {
		parts = append(parts, "Deprecated: "+a.Deprecated)
	}
	return strings.Join(parts, " ")
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

package reference

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// Type is the page of one type: as a resource, as a data source, or both.
func Type(p *pluginspec.Plugin, t *pluginspec.Type, example Example) (string, error) {
	w := &page{source: p.Source}
	w.line("# %s", t.Name)
	w.paragraph("%s", t.Summary)
	w.paragraph("%s", strings.TrimSpace(t.Doc))
	w.paragraph("%s", origin(p, t))
	if t.IsResource() {
		if err := w.resource(t, example); err != nil {
			return "", fmt.Errorf("resource %s: %w", t.Name, err)
		}
	}
	if t.IsData() {
		w.data(t)
	}
	return w.String(), nil
}

// origin says whose type it is, what it may be, and who may use it.
func origin(p *pluginspec.Plugin, t *pluginspec.Type) string {
	var kinds []string
	if t.IsResource() {
		kinds = append(kinds, "resource")
	}
	if t.IsData() {
		kinds = append(kinds, "data source")
	}
	text := fmt.Sprintf("A %s of the plugin [%s](%s) %s.", strings.Join(kinds, " and "), p.Name, IndexName, p.Version)
	if t.Role != "" && t.Role != "user" {
		text += " For " + strings.ReplaceAll(t.Role, "_", " ") + "s, unless the operator says otherwise."
	}
	return text
}

func (w *page) resource(t *pluginspec.Type, example Example) error {
	w.paragraph("## resource %s", t.Name)
	if t.Example != "" {
		text, err := example(t.Example)
		if err != nil {
			return err
		}
		w.paragraph("```hcl\n%s\n```", strings.TrimSpace(text))
	}
	w.attributes(t.Attributes, manner)
	w.blocks(t.Blocks, "")
	w.requires(t)
	w.actions(t)
	w.calls(t)
	w.imports(t)
	return nil
}

// requires lists what is checked while planning.
func (w *page) requires(t *pluginspec.Type) {
	if len(t.Requires) == 0 {
		return
	}
	w.paragraph("### checked while planning")
	w.line("")
	for _, r := range t.Requires {
		w.line("- %s", strings.Join(strings.Fields(r.Say), " "))
	}
}

// actions lists what can be done with an object.
func (w *page) actions(t *pluginspec.Type) {
	if len(t.Actions) == 0 {
		return
	}
	w.paragraph("### actions\n\n`moldctl act %s.example ACTION`:\n\n| action | arguments | call | |\n|---|---|---|---|", t.Name)
	for _, name := range slices.Sorted(maps.Keys(t.Actions)) {
		a := t.Actions[name]
		var arguments []string
		for _, arg := range a.Arguments {
			arguments = append(arguments, fmt.Sprintf("`%s=%s` %s", arg.Name, strings.ToUpper(typeName(arg.Type)), strings.TrimSpace(arg.Doc)))
		}
		w.line("| `%s` | %s | `%s` | %s |", name, cell(strings.Join(arguments, "; ")), a.Call.Name(), cell(strings.TrimSpace(a.Doc)))
	}
}

// calls says which calls of the API are behind each verb.
func (w *page) calls(t *pluginspec.Type) {
	var rows [][2]string
	add := func(verb string, how ...string) { rows = append(rows, [2]string{verb, strings.Join(how, ", ")}) }
	for _, v := range []struct {
		name string
		verb *pluginspec.Verb
	}{{"create", t.Create}, {"read", t.Read}, {"update", t.Update}, {"delete", t.Delete}, {"prune", t.Prune}} {
		switch {
		case v.verb == nil:
		case v.verb.Handler:
			add(v.name, "code of the plugin")
		case v.name == "update":
			for _, c := range v.verb.Calls {
				add(v.name, "`"+c.Name()+"`"+cause(c))
			}
		default:
			names := commands(v.verb.Calls...)
			if v.verb.Batch && len(names) > 0 {
				names[len(names)-1] += " (one listing for all objects)"
			}
			add(v.name, names...)
		}
	}
	if t.Tags != "" {
		add("tags", "`createTags`", "`deleteTags`")
	}
	for _, a := range t.Attributes {
		if a.Assign != nil {
			add("elements of "+a.Name, commands(slices.DeleteFunc([]*pluginspec.Call{a.Assign.List, a.Assign.Add, a.Assign.Remove}, func(c *pluginspec.Call) bool { return c == nil })...)...)
		}
	}
	w.childCalls(t.Blocks, add)
	rows = slices.DeleteFunc(rows, func(row [2]string) bool { return row[1] == "" })
	if len(rows) == 0 {
		return
	}
	w.paragraph("### calls\n\n| verb | calls |\n|---|---|")
	for _, row := range rows {
		w.line("| %s | %s |", row[0], cell(row[1]))
	}
}

// childCalls adds what keeps blocks whose items are objects of their own.
func (w *page) childCalls(blocks []*pluginspec.Block, add func(string, ...string)) {
	for _, b := range blocks {
		if c := b.Child; c != nil {
			calls := slices.DeleteFunc([]*pluginspec.Call{c.List, c.Create, c.Update, c.Delete, c.Order}, func(c *pluginspec.Call) bool { return c == nil })
			add("each "+b.Name, commands(calls...)...)
		}
		w.childCalls(b.Blocks, add)
	}
}

// cause says which changes send a call, and what they take.
func cause(c *pluginspec.Call) string {
	text := ""
	if len(c.On) > 0 {
		text = " for `" + strings.Join(c.On, "`, `") + "`"
	}
	if c.NeedsState != nil {
		text += "; the machine is stopped for it, and started again"
	}
	return text
}

// commands are the calls by name, each once.
func commands(calls ...*pluginspec.Call) []string {
	var names []string
	for _, c := range calls {
		if name := "`" + c.Name() + "`"; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// imports says how an object that exists is taken over.
func (w *page) imports(t *pluginspec.Type) {
	id := t.IDField()
	form := strings.ReplaceAll(id, "parent.", "")
	w.paragraph("### import")
	by := "By `id`"
	if id != "" {
		by += " (`" + form + "`)"
	}
	named := t.Find != nil && t.Attr("name") != nil
	if named {
		by += " or `name`"
	}
	w.paragraph("%s:", by)
	shown := "…"
	if strings.Contains(form, "/") {
		shown = strings.ToUpper(form)
	}
	w.paragraph("```hcl\nimport {\n  to = %s.example\n  id = %q\n}\n```", t.Name, shown)
}

func (w *page) data(t *pluginspec.Type) {
	w.paragraph("## data %s", t.Name)
	w.paragraph("%s", question(t))
	inputs := t.DataInputs()
	w.found = true
	w.attributes(t.Attributes, func(a *pluginspec.Attribute) string {
		if slices.Contains(inputs, a.Name) {
			return "may be given"
		}
		return "found"
	})
}

// question says what is asked of the API to find an object.
func question(t *pluginspec.Type) string {
	if t.Find.Handler || t.Find.Call == nil {
		return "Found by code of the plugin."
	}
	return "Found with `" + t.Find.Call.Name() + "`."
}

package pluginspec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/apitable"
)

// Lint checks a parsed plugin against the API it calls: commands, parameters
// and fields that do not exist, required parameters that nothing gives,
// attributes that are never sent and changes that lead nowhere. Missing
// documentation is a warning. What handler code does cannot be seen here.
func Lint(p *Plugin, table *apitable.Table) hcl.Diagnostics {
	l := &linter{table: table}
	for _, a := range p.Config {
		l.documented(a.Range, a.Name, a.Doc)
	}
	for _, kind := range slices.Sorted(maps.Keys(p.Steps)) {
		step := p.Steps[kind]
		l.documented(step.Range, kind, step.Summary)
		for _, a := range step.Attributes {
			l.documented(a.Range, a.Name, a.Doc)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Types)) {
		t := p.Types[name]
		l.docs(t)
		if p.Transport == "cloudstack" {
			l.typ(t)
		}
		l.updates(t)
	}
	if p.Transport == "http" {
		l.overHTTP(p)
	}
	return l.diags
}

type linter struct {
	table *apitable.Table
	diags hcl.Diagnostics
}

func (l *linter) fail(rng hcl.Range, summary, format string, args ...any) {
	l.diags = append(l.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(format, args...), Subject: rng.Ptr()})
}

// Undocumented is the summary of a warning about what says nothing to users.
const Undocumented = "Missing documentation"

// Unshown is the summary of a warning about what users are not shown how to
// write.
const Unshown = "Missing example"

// Unshown tells whether an attribute is required, and nothing in plugin.yaml
// shows how it is written.
func (a *Attribute) Unshown() bool {
	return a.Required && a.ExampleText == "" && len(a.Values) == 0 && a.Type != cty.Bool
}

func (l *linter) documented(rng hcl.Range, name, doc string) {
	if strings.TrimSpace(doc) == "" {
		l.diags = append(l.diags, &hcl.Diagnostic{
			Severity: hcl.DiagWarning, Summary: Undocumented, Subject: rng.Ptr(),
			Detail: fmt.Sprintf("%q has no doc: users read it in the reference and in their editor.", name),
		})
	}
}

func (l *linter) docs(t *Type) {
	l.documented(t.Range, t.Name, t.Summary)
	for path, a := range t.All() {
		l.documented(a.Range, path, a.Doc)
		if a.Unshown() {
			l.diags = append(l.diags, &hcl.Diagnostic{
				Severity: hcl.DiagWarning, Summary: Unshown, Subject: a.Range.Ptr(),
				Detail: fmt.Sprintf("%q is required and has no example: users see none, and plugin test fails. Write `example: VALUE`, or network.web.id where it is the id of another object.", path),
			})
		}
	}
	var blocks func([]*Block)
	blocks = func(list []*Block) {
		for _, b := range list {
			l.documented(b.Range, b.Name, b.Doc)
			blocks(b.Blocks)
		}
	}
	blocks(t.Blocks)
}

// ParamNames are the API parameters of an attribute: its `param`, or by
// convention its name without underscores. `param: first/last` names two.
func (a *Attribute) ParamNames() []string {
	if a.Param == "" {
		return []string{strings.ReplaceAll(a.Name, "_", "")}
	}
	return strings.Split(a.Param, "/")
}

// FieldNames are the fields of an answer that an attribute is read from: its
// `field`, or those of the same names as its parameters; none when it is not
// read from a field ("-", or a template).
func (a *Attribute) FieldNames() []string {
	switch {
	case a.Field == "-" || strings.Contains(a.Field, "${") || a.WriteOnly || a.Assign != nil && a.Assign.List != nil:
		return nil
	case a.Field != "":
		return []string{a.Field}
	}
	return a.ParamNames()
}

// given tells whether users may set the attribute.
func (a *Attribute) given() bool { return !a.Computed || a.Optional }

func (l *linter) typ(t *Type) {
	for _, c := range t.calls() {
		l.call(c)
	}
	l.states(t)
	l.associations(t)
	if t.Create != nil && !t.Create.Handler && len(t.Create.Calls) > 0 {
		l.sent(t)
		l.required(t.Create.Calls[0], t.Attributes, t.marked())
	}
	if t.Update != nil {
		l.changes(t)
		l.anyChange(t)
	}
	switch {
	case t.Read != nil && len(t.Read.Calls) > 0 && t.Create != nil && len(t.Create.Calls) > 0:
		calls := append(slices.Clone(t.Read.Calls), t.Create.Calls...)
		l.fields(l.notJoined(t), calls...)
		l.fieldTypes(l.notJoined(t), calls...)
	case t.Create == nil && t.Find != nil && t.Find.Call != nil:
		l.fields(t.Attributes, t.Find.Call)
		l.fieldTypes(t.Attributes, t.Find.Call)
	}
	l.identity(t)
	if t.Find != nil && t.Find.Call != nil {
		l.field(t.Range, "name", t.Find.NameField, t.Find.Call)
	}
	for _, b := range t.Blocks {
		if b.Child != nil && b.Child.Create != nil {
			l.required(b.Child.Create, b.Attributes, nil)
		}
	}
}

// call checks that a command and the parameters it is given exist.
func (l *linter) call(c *Call) {
	command, ok := l.table.Command(c.Command)
	if !ok {
		l.fail(c.Range, "Unknown command", "The API has no command %q.%s", c.Command, didYouMean(c.Command, l.table.Names()))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(c.Params)) {
		l.param(command, c.Range, name)
	}
}

func (l *linter) param(command apitable.Command, rng hcl.Range, name string) {
	base, _, _ := strings.Cut(name, "[")
	if _, ok := command.Param(base); !ok {
		l.fail(rng, "Unknown parameter", "%s takes no parameter %q.%s", command.Name, base, didYouMean(base, paramsOf(command)))
	}
}

func paramsOf(c apitable.Command) []string {
	names := make([]string, len(c.Params))
	for i, p := range c.Params {
		names[i] = p.Name
	}
	return names
}

// marked are the parameters that the identity adds to a create.
func (t *Type) marked() []string {
	if t.Identity == nil {
		return nil
	}
	base, _, _ := strings.Cut(t.Identity.Marker, "[")
	return []string{base}
}

// takes tells whether a call sends an attribute: its command takes the
// parameter, or one of its templates names the attribute.
func (l *linter) takes(c *Call, a *Attribute) bool {
	for _, text := range c.Params {
		if mentions(text, a.Name) {
			return true
		}
	}
	if c.Only != nil && !slices.Contains(c.Only, a.Name) {
		return false
	}
	command, ok := l.table.Command(c.Command)
	if !ok {
		return true // already reported
	}
	base, _, _ := strings.Cut(a.ParamNames()[0], "[")
	_, takes := command.Param(base)
	return takes
}

// mentions tells whether a template reads an attribute of the object.
func mentions(text, name string) bool {
	expr, diags := parseTemplate(text, "", hcl.InitialPos)
	if diags.HasErrors() || expr == nil {
		return false
	}
	for _, v := range expr.Variables() {
		if root := v.RootName(); (root == "self" || root == "item" || root == "lookup") && len(v) > 1 {
			if step, ok := v[1].(hcl.TraverseAttr); ok && step.Name == name {
				return true
			}
		}
	}
	return false
}

// sent finds attributes that users may set and that reach no call.
func (l *linter) sent(t *Type) {
	calls := slices.Clone(t.Create.Calls)
	for _, v := range []*Verb{t.Update, t.Delete} {
		if v != nil {
			if v.Handler {
				return
			}
			calls = append(calls, v.Calls...)
		}
	}
	for _, a := range t.Attributes {
		used := !a.given() || a.Assign != nil || l.owns(t, a) || (a.Name == "tags" && t.Tags != "") ||
			slices.ContainsFunc(calls, func(c *Call) bool { return l.takes(c, a) || mentions(c.When, a.Name) }) ||
			l.childrenUse(t.Blocks, a.Name) || assignUses(t, a.Name)
		if !used {
			l.fail(a.Range, "Attribute is never sent", "No call of %q has a parameter %q for the attribute %q. Name the parameter with `param`, or use it in `params`.", t.Name, a.ParamNames()[0], a.Name)
		}
	}
}

// owns tells whether an attribute names what the objects of a type belong to:
// the listing is asked for it.
func (l *linter) owns(t *Type, a *Attribute) bool {
	parts := strings.Split(t.IDField(), "/")
	return slices.ContainsFunc(parts[:len(parts)-1], func(part string) bool { return strings.HasSuffix("."+part, "."+a.ParamNames()[0]) })
}

// childrenUse tells whether the calls of child blocks read an attribute.
func (l *linter) childrenUse(blocks []*Block, name string) bool {
	return slices.ContainsFunc(blocks, func(b *Block) bool {
		if b.Child == nil {
			return l.childrenUse(b.Blocks, name)
		}
		for _, c := range []*Call{b.Child.Create, b.Child.Update, b.Child.Delete} {
			if c != nil && c.reads(name) {
				return true
			}
		}
		return b.Child.Exclusive == name
	})
}

// required checks that a create gives every parameter its command insists on.
func (l *linter) required(c *Call, attrs []*Attribute, also []string) {
	command, ok := l.table.Command(c.Command)
	if !ok {
		return
	}
	have := slices.Clone(also)
	for name := range c.Params {
		base, _, _ := strings.Cut(name, "[")
		have = append(have, base)
	}
	for _, a := range attrs {
		if a.given() && a.Assign == nil && (c.Only == nil || slices.Contains(c.Only, a.Name)) {
			have = append(have, a.ParamNames()...)
		}
	}
	for _, p := range command.Params {
		if p.Required && !slices.Contains(have, p.Name) {
			l.fail(c.Range, "Missing parameter", "%s insists on the parameter %q, and no attribute and no `params` give it.", command.Name, p.Name)
		}
	}
}

// changes checks that what update calls are sent for reaches one of them, as a
// parameter or as a condition.
func (l *linter) changes(t *Type) {
	seen := map[string]bool{}
	for _, c := range t.Update.Calls {
		for _, on := range c.On {
			a := t.Attr(on)
			if a == nil || seen[on] || strings.Contains(on, ".") || (on == "tags" && t.Tags != "") {
				continue
			}
			seen[on] = true
			sent := slices.ContainsFunc(t.Update.Calls, func(c *Call) bool {
				return slices.Contains(c.On, on) && (l.takes(c, a) || mentions(c.When, on))
			})
			if !sent {
				l.fail(c.Range, "Change is not sent", "%s is sent when %q changes, but takes no parameter %q, and no other call does.", c.Command, on, a.ParamNames()[0])
			}
		}
	}
}

// anyChange checks updates that are sent for any change: what may change must
// be in one of them.
func (l *linter) anyChange(t *Type) {
	general := slices.IndexFunc(t.Update.Calls, func(c *Call) bool { return len(c.On) == 0 })
	if general < 0 || t.Update.Handler {
		return
	}
	for _, a := range t.Attributes {
		settled := !a.given() || a.Assign != nil || a.Replace || a.ReplaceWhen != "" || a.Volatile || a.Name == "tags" && t.Tags != ""
		if settled || l.childrenUse(t.Blocks, a.Name) || assignUses(t, a.Name) {
			continue
		}
		sent := slices.ContainsFunc(t.Update.Calls, func(c *Call) bool {
			return slices.Contains(c.On, a.Name) || len(c.On) == 0 && (l.takes(c, a) || mentions(c.When, a.Name))
		})
		if !sent {
			c := t.Update.Calls[general]
			l.fail(a.Range, "Change is not sent", "%s is sent when %q changes, but takes no parameter %q, and no other call does.", c.Command, a.Name, a.ParamNames()[0])
		}
	}
}

// fields checks that what attributes are read from is in one of the answers.
func (l *linter) fields(attrs []*Attribute, calls ...*Call) {
	for _, a := range attrs {
		if a.Name == "tags" {
			continue
		}
		for _, name := range a.FieldNames() {
			for _, part := range strings.Split(name, "/") {
				if !strings.HasPrefix(part, "parent.") {
					l.field(a.Range, a.Name, part, calls...)
				}
			}
		}
	}
}

func (l *linter) field(rng hcl.Range, attr, name string, calls ...*Call) {
	base, _, _ := strings.Cut(name, ".")
	base, _, _ = strings.Cut(base, "[")
	var near []string
	for _, c := range calls {
		command, ok := l.table.Command(c.Command)
		if !ok {
			return // reported already
		}
		fields := command.Shown(c.Result)
		if len(fields) == 0 || slices.ContainsFunc(fields, func(f apitable.Field) bool { return f.Name == base }) {
			return
		}
		for _, f := range fields {
			near = append(near, f.Name)
		}
	}
	l.fail(rng, "Unknown field", "%q is read from the field %q, which the answer of %s does not have.%s Write `field: NAME`, or `field: \"-\"` if it cannot be read.",
		attr, base, calls[0].Command, didYouMean(base, near))
}

// updates finds attributes that may change and that no update call sends.
func (l *linter) updates(t *Type) {
	if t.Create == nil || (t.Update != nil && t.Update.Handler) {
		return
	}
	covered := map[string]bool{"tags": t.Tags != ""}
	if t.Update != nil {
		for _, c := range t.Update.Calls {
			if len(c.On) == 0 {
				return // sent for any change
			}
			for _, on := range c.On {
				name, _, _ := strings.Cut(on, ".")
				covered[name] = true
			}
		}
	}
	for _, a := range t.Attributes {
		if a.given() && a.Assign == nil && !a.Replace && a.ReplaceWhen == "" && !a.Volatile && !covered[a.Name] {
			l.fail(a.Range, "Attribute cannot change", "A change of %q leads nowhere: no update call has it in `on`, and it is not `replace: true`.", a.Name)
		}
	}
	for _, b := range t.Blocks {
		if b.Child == nil && !covered[b.Name] && !replacesAll(b) {
			l.fail(b.Range, "Block cannot change", "A change of %q leads nowhere: it has no children calls, no update call has it in `on`, and its attributes are not `replace: true`.", b.Name)
		}
	}
}

func replacesAll(b *Block) bool {
	for _, a := range b.Attributes {
		if a.given() && !a.Replace {
			return false
		}
	}
	return !slices.ContainsFunc(b.Blocks, func(inner *Block) bool { return !replacesAll(inner) })
}

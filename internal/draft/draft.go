// Package draft writes the first version of a plugin.yaml from what a server
// says of its commands: one type whose life is made of the commands that
// belong together by name. What the server does not say (which attributes it
// keeps as they are, what they mean) is left to the author.
//
// It imports sdk/apitable only.
package draft

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/sdk/apitable"
)

// Plugin writes the plugin.yaml for one type, made by the command create. The
// type's name begins with the plugin's.
func Plugin(table *apitable.Table, typ, create string) ([]byte, error) {
	plugin, rest, ok := strings.Cut(typ, "_")
	if !ok || plugin == "" || rest == "" {
		return nil, fmt.Errorf("a type's name begins with that of its plugin, such as acme_group; %q has no underscore", typ)
	}
	d := drafter{table: table, typ: typ, words: newWords(table.Names())}
	if err := d.commands(create); err != nil {
		return nil, err
	}
	d.attributes()
	var b strings.Builder
	fmt.Fprintf(&b, "plugin: %s\nversion: 0.1.0\nprotocol: 1\nsummary: %s.\ntransport: cloudstack\nneeds: [cloud]\n\ntypes:\n", plugin, d.title())
	d.write(&b)
	return []byte(b.String()), nil
}

// drafter collects what one type is made of.
type drafter struct {
	table  *apitable.Table
	typ    string
	noun   string // AffinityGroup
	words  words
	create apitable.Command
	list   apitable.Command
	update *apitable.Command
	remove apitable.Command
	attrs  []attribute
}

// attribute is one line of the draft.
type attribute struct {
	name, param string
	typ         string
	required    bool
	computed    bool // only read
	readable    bool
	changes     bool // the update command takes it
	volatile    bool
}

// makers are the words that commands which make something begin with, and
// their opposites.
var makers = []struct{ verb, opposite string }{
	{"create", "delete"}, {"add", "delete"}, {"add", "remove"}, {"register", "delete"}, {"register", "unregister"}, {"deploy", "destroy"},
	{"upload", "delete"}, {"associate", "disassociate"}, {"create", "remove"}, {"create", "destroy"}, {"import", "delete"},
}

// commands finds the commands that belong to create.
func (d *drafter) commands(create string) error {
	var ok bool
	if d.create, ok = d.table.Command(create); !ok {
		return fmt.Errorf("the API has no command %q; upper and lower case matter", create)
	}
	for _, m := range makers {
		noun, fits := strings.CutPrefix(create, m.verb)
		if !fits || noun == "" {
			continue
		}
		d.noun = noun
		if d.remove, ok = d.table.Command(m.opposite + noun); ok {
			break
		}
	}
	if d.noun == "" {
		return fmt.Errorf("%s does not make an object: commands that do begin with create, add, register, deploy, upload, associate or import", create)
	}
	if d.remove.Name == "" {
		return fmt.Errorf("there is no command that takes away what %s makes, so it is no resource by itself", create)
	}
	for _, name := range plurals(d.noun) {
		if d.list, ok = d.table.Command("list" + name); ok {
			break
		}
	}
	if d.list.Name == "" {
		return fmt.Errorf("there is no command that lists what %s makes (list%s), so plugin.yaml alone cannot serve it", create, plurals(d.noun)[0])
	}
	if _, ok := d.list.Field("id"); !ok {
		return fmt.Errorf("what %s lists has no id, so plugin.yaml alone cannot serve it", d.list.Name)
	}
	if _, ok := d.remove.Param("id"); !ok {
		return fmt.Errorf("%s takes no id, so it needs more than a draft", d.remove.Name)
	}
	if id, ok := d.create.Param("id"); ok && id.Required {
		return fmt.Errorf("%s is told the id of what it makes, so it needs more than a draft", create)
	}
	if update, ok := d.table.Command("update" + d.noun); ok {
		if _, byID := update.Param("id"); byID {
			d.update = &update
		}
	}
	return nil
}

func plurals(noun string) []string {
	list := []string{noun + "s", noun + "es", noun}
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		list = append([]string{stem + "ies"}, list...)
	}
	return list
}

// needless are parameters that no user of a type wants.
var needless = []string{"id", "tags", "customid", "response", "ctxuserid", "listall", "isrecursive"}

// attributes takes the parameters of the commands, and the state.
func (d *drafter) attributes() {
	d.attrs = []attribute{{name: "id", typ: "string", computed: true, readable: true}}
	for _, p := range d.create.Params {
		if slices.Contains(needless, p.Name) {
			continue
		}
		a := attribute{name: d.words.split(p.Name), param: p.Name, typ: typeOf(p.Type), required: p.Required}
		if slices.Contains(taken, a.name) {
			a.name = "the_" + a.name
		}
		a.readable = d.reads(p, a.typ)
		if d.update != nil {
			_, a.changes = d.update.Param(p.Name)
		}
		d.attrs = append(d.attrs, a)
	}
	if _, ok := d.list.Field("state"); ok && !slices.ContainsFunc(d.attrs, func(a attribute) bool { return a.name == "state" }) {
		d.attrs = append(d.attrs, attribute{name: "state", typ: "string", computed: true, readable: true, volatile: true})
	}
}

// reads tells whether a parameter comes back as a field of the same kind.
func (d *drafter) reads(p apitable.Param, typ string) bool {
	f, ok := d.list.Field(p.Name)
	if !ok {
		return false
	}
	list := f.Type == "list" || f.Type == "set" || f.Type == "array"
	return list == (typ == "list(string)") && (f.Type == "map") == (typ == "map(string)") && len(f.Fields) == 0
}

func typeOf(t apitable.Type) string {
	switch t {
	case apitable.Boolean:
		return "bool"
	case apitable.Integer, apitable.Long, apitable.Short:
		return "number"
	case apitable.List:
		return "list(string)"
	case apitable.Map:
		return "map(string)"
	}
	return "string"
}

// taken are the arguments of every block of a stack.
var taken = []string{"count", "for_each", "depends_on", "cloud", "lifecycle", "timeouts", "retain_on_destroy", "tags"}

func (d *drafter) title() string {
	return strings.ReplaceAll(d.words.split(strings.ToLower(d.noun)), "_", " ")
}

func (d *drafter) write(b *strings.Builder) {
	result := strings.ToLower(d.noun)
	fmt.Fprintf(b, "  %s:\n    summary: \"One %s.\"\n    attributes:\n", d.typ, d.title())
	var on, by []string
	for _, a := range d.attrs {
		fmt.Fprintf(b, "      %s: {%s}\n", a.name, strings.Join(a.keys(), ", "))
		if a.changes && !a.computed {
			on = append(on, a.name)
		}
		if _, asked := d.list.Param(a.param); asked && a.readable && a.typ == "string" {
			by = append(by, a.name)
		}
	}
	fmt.Fprintf(b, "    create: {call: %s, result: %s}\n", d.create.Name, result)
	fmt.Fprintf(b, "    read:   {call: %s, batch: true, result: %s}\n", d.list.Name, result)
	if len(on) > 0 {
		fmt.Fprintf(b, "    update: [{call: %s, on: [%s]}]\n", d.update.Name, strings.Join(on, ", "))
	}
	fmt.Fprintf(b, "    delete: {call: %s}\n", d.remove.Name)
	if slices.Contains(by, "name") {
		// Drafted on the assumption that the cloud keeps the name unique.
		fmt.Fprintf(b, "    unique: [name]          # does the cloud refuse a second one of a name? otherwise: identity: {serial: true}\n")
		fmt.Fprintf(b, "    identity: {natural: [name]}\n")
		fmt.Fprintf(b, "    find:   {call: %s, by: [%s], result: %s%s}\n", d.list.Name, strings.Join(by, ", "), result, d.display())
		return
	}
	fmt.Fprintf(b, "    identity: {serial: true} # a field that the cloud keeps unique is better: identity: {natural: [FIELD]}\n")
}

// display says which field a lookup compares with beside the name.
func (d *drafter) display() string {
	for _, f := range []string{"displaytext", "displayname", "description"} {
		if _, ok := d.list.Field(f); ok {
			return ", display: " + f
		}
	}
	return ", display: name"
}

// keys are the settings of an attribute, in their usual order.
func (a attribute) keys() []string {
	keys := []string{"type: " + a.typ}
	switch {
	case a.required:
		keys = append(keys, "required: true")
	case a.computed:
		keys = append(keys, "computed: true")
	case a.readable: // the cloud fills in what is left out
		keys = append(keys, "optional: true", "computed: true")
	default:
		keys = append(keys, "optional: true")
	}
	if !a.computed && !a.changes {
		keys = append(keys, "replace: true")
	}
	if a.volatile {
		keys = append(keys, "volatile: true")
	}
	if strings.ReplaceAll(a.name, "_", "") != a.param && a.param != "" {
		keys = append(keys, "param: "+a.param)
	}
	if !a.readable {
		keys = append(keys, `field: "-"`)
	}
	return append(keys, fmt.Sprintf("doc: %q", a.doc()))
}

// doc is a sentence to start from.
func (a attribute) doc() string {
	text := strings.ReplaceAll(a.name, "_", " ")
	if a.name == "id" {
		return "The id."
	}
	if of, ok := strings.CutSuffix(text, " id"); ok {
		return "The id of the " + of + "."
	}
	if a.typ == "bool" {
		return "Whether " + text + "."
	}
	return "The " + text + "."
}

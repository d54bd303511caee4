// Package render shows a plan: as text for people, only what changes, aligned,
// each step with its reason; and as JSON for programs. Sensitive values are
// shown as "(sensitive)" in both.
//
// It reads a finished plan and changes nothing. It must not import core/apply,
// core/state's engines or plugins.
package render

import (
	"fmt"
	"sort"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// Options change how a plan is shown.
type Options struct {
	Color bool
}

// Kind is what a user calls a change of one object.
type Kind string

// The kinds of changes.
const (
	Create  Kind = "create"
	Update  Kind = "update"
	Replace Kind = "replace"
	Delete  Kind = "delete"
	Prune   Kind = "prune"
	Read    Kind = "read"
	Forget  Kind = "forget"
	Import  Kind = "import"
)

// Item is one object's change: both halves of a replacement are one.
type Item struct {
	Kind Kind
	Step *plan.Step // of a replacement the create
	// Gone is the delete of a replacement; nil otherwise.
	Gone *plan.Step
}

// Items lists the changes of a plan in the order in which they are carried out.
func Items(p *plan.Plan) []Item {
	gone := map[string]*plan.Step{}
	for _, s := range p.Steps {
		if s.Action == plan.Delete && s.Replacing {
			gone[s.Instance.String()] = s
		}
	}
	var items []Item
	for _, s := range p.Steps {
		switch {
		case s.Action == plan.NoOp && s.Import:
			items = append(items, Item{Kind: Import, Step: s})
		case s.Action == plan.NoOp, s.Action == plan.Delete && s.Replacing:
		case s.Action == plan.Create && s.Replacing:
			items = append(items, Item{Replace, s, gone[s.Instance.String()]})
		default:
			items = append(items, Item{Kind: Kind(s.Action), Step: s})
		}
	}
	return items
}

// Text shows a plan for people. It ends with a line that counts the changes,
// or says that there are none.
func Text(p *plan.Plan, o Options) string {
	w := &writer{color: o.Color}
	w.recovery(p.Recovery)
	w.drift(p.Drift)
	w.moves(p.Moves)
	for _, item := range Items(p) {
		w.item(item)
	}
	w.outputs(p.Outputs)
	w.line("", "%s", Summary(p))
	return w.b.String()
}

// Summary counts the changes of a plan in one sentence.
func Summary(p *plan.Plan) string {
	s := p.Summary()
	var parts []string
	for _, part := range []struct {
		n    int
		what string
	}{
		{s.Import, "import"}, {s.Move, "move"}, {s.Create, "create"}, {s.Update, "change"}, {s.Replace, "replace"}, {s.Delete, "delete"}, {s.Read, "read"}, {s.Forget, "forget"}, {prunes(p), "clean up"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", part.n, part.what))
		}
	}
	switch {
	case p.RefreshOnly && (len(p.Drift) > 0 || p.OutputsChanged()):
		return "Plan: the state takes this over; nothing is changed in the cloud."
	case p.RefreshOnly:
		return "Nothing to do: the state is as the cloud is."
	case len(parts) == 0 && p.Partial && !p.OutputsChanged():
		return "Nothing to do in this part of the stack."
	case len(parts) > 0:
		return "Plan: " + strings.Join(parts, ", ") + "."
	case p.OutputsChanged():
		return "Plan: only outputs change."
	case p.Destroy:
		return "Nothing to delete: the stack has no objects."
	}
	return "Nothing to do: everything is as the stack says."
}

func prunes(p *plan.Plan) int {
	n := 0
	for _, s := range p.Steps {
		if s.Action == plan.Prune {
			n++
		}
	}
	return n
}

// writer collects the text.
type writer struct {
	b     strings.Builder
	color bool
}

// The colours of changes.
const (
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	red    = "\x1b[31m"
	faint  = "\x1b[2m"
	bold   = "\x1b[1m"
	reset  = "\x1b[0m"
)

func (w *writer) paint(color, text string) string {
	if !w.color || color == "" || text == "" {
		return text
	}
	return color + text + reset
}

func (w *writer) line(color, format string, args ...any) {
	w.b.WriteString(w.paint(color, fmt.Sprintf(format, args...)))
	w.b.WriteByte('\n')
}

// recovery tells what became of unfinished operations.
func (w *writer) recovery(said []string) {
	if len(said) == 0 {
		return
	}
	w.line("", "The last run was interrupted:")
	for _, text := range said {
		w.line("", "  %s", diag.Clean(text))
	}
	w.line("", "")
}

// drift tells what changed outside moldctl.
func (w *writer) drift(list []plan.Drift) {
	if len(list) == 0 {
		return
	}
	w.line("", "Changed outside moldctl:")
	for _, d := range list {
		if d.Gone {
			w.line("", "  %s does not exist any more", d.Addr)
			continue
		}
		w.drifted(d)
	}
	w.line("", "")
}

// drifted tells what differs in one attribute, a long text line by line.
func (w *writer) drifted(d plan.Drift) {
	for _, l := range differing(plan.Change{Path: d.Path, Before: d.Before, After: d.After}) {
		lines := l.lines()
		if lines == nil {
			w.line("", "  %s: %s was %s, is %s", d.Addr, l.path, inline(l.before), inline(l.after))
			continue
		}
		w.line("", "  %s: %s has changed", d.Addr, l.path)
		for _, line := range lines {
			w.line(lineColor(line), "    %s", line)
		}
	}
}

// moves tells which objects have another address.
func (w *writer) moves(list []plan.Move) {
	if len(list) == 0 {
		return
	}
	longest := 0
	for _, m := range list {
		longest = max(longest, len(m.From))
	}
	w.line("", "Moved, unchanged in the cloud:")
	for _, m := range list {
		w.line("", "  %-*s → %s", longest, m.From, m.To)
	}
	w.line("", "")
}

// marks are the sign and colour of each kind.
func marks(item Item) (sign, color string) {
	switch item.Kind {
	case Create:
		return "+", green
	case Update:
		return "~", yellow
	case Replace:
		if item.Step.Depose {
			return "+/-", yellow // the new one stands before the old one goes
		}
		return "-/+", red
	case Delete:
		return "-", red
	case Import:
		return "←", green
	}
	return "·", faint
}

func (w *writer) item(item Item) {
	s := item.Step
	sign, color := marks(item)
	name := s.Instance.String()
	if s.Key.Deposed != "" && item.Kind == Delete {
		name += " (replaced earlier)"
	}
	head := w.paint(color, fmt.Sprintf("%3s", sign)) + " " + w.paint(bold, name)
	if note := reason(item); note != "" {
		head += "  " + w.paint(faint, "# "+diag.Clean(note))
	}
	w.b.WriteString(head + "\n")
	switch item.Kind {
	case Create, Read, Import:
		w.attributes(s.Planned)
	case Update:
		w.changes(s)
	case Replace:
		w.changes(s)
		if len(s.Changes) == 0 {
			w.attributes(s.Planned)
		}
	case Delete, Forget:
		if s.Object != nil && s.Object.ID != "" {
			w.line("", "      %s", "id = "+inline(cty.StringVal(s.Object.ID)))
		}
	}
	w.line("", "")
}

func reason(item Item) string {
	switch {
	case item.Step.Import && item.Step.Object != nil:
		return "import of " + item.Step.Object.ID
	case item.Kind == Read && item.Step.Reason == "":
		return "read during apply"
	case item.Kind == Update && strings.HasSuffix(item.Step.Reason, " changed"):
		return "" // the changes stand below
	case item.Kind == Forget && item.Step.Reason == "":
		return "stays in the cloud, leaves the state"
	}
	return item.Step.Reason
}

// attributes shows a whole object: everything that is set, and in one line the
// names of what the cloud will decide.
func (w *writer) attributes(v cty.Value) {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() || !v.Type().IsObjectType() {
		return
	}
	var names, later []string
	longest := 0
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		switch name := key.AsString(); {
		case absent(value):
		case !value.HasMark(eval.Sensitive) && !value.IsKnown():
			later = append(later, name)
		default:
			names = append(names, name)
			longest = max(longest, len(name))
		}
	}
	sort.Strings(names)
	for _, name := range names {
		w.line("", "      %-*s = %s", longest, name, block(v.GetAttr(name), 6))
	}
	w.later(later)
}

// absent tells what an object's listing leaves out.
func absent(v cty.Value) bool {
	plain, _ := v.Unmark()
	if !plain.IsKnown() {
		return false
	}
	return plain.IsNull() || plain.CanIterateElements() && plain.LengthInt() == 0
}

// changes shows what differs, down to the innermost part that does. What only
// the cloud will decide is named in one line.
func (w *writer) changes(s *plan.Step) {
	var leaves []leaf
	var later []string
	longest := 0
	for _, c := range s.Changes {
		if decidedLater(s.Type, c) {
			later = append(later, c.Path)
			continue
		}
		leaves = append(leaves, differing(c)...)
	}
	for _, l := range leaves {
		if l.lines() == nil {
			longest = max(longest, len(l.path))
		}
	}
	for _, l := range leaves {
		w.leaf(l, longest)
	}
	w.later(later)
}

// decidedLater tells a consequence from a cause: an attribute that no stack can
// set, and whose value is not known yet.
func decidedLater(t *pluginspec.Type, c plan.Change) bool {
	if t == nil || c.Replace || c.After.HasMark(eval.Sensitive) || c.After.IsKnown() {
		return false
	}
	for _, a := range t.Attributes {
		if a.Name == c.Path {
			return a.Computed && !a.Optional && !a.Required
		}
	}
	return false
}

// later names what only the cloud will decide.
func (w *writer) later(names []string) {
	if len(names) == 0 {
		return
	}
	sort.Strings(names)
	w.line(faint, "      known after apply: %s", strings.Join(names, ", "))
}

func (w *writer) leaf(l leaf, longest int) {
	note := ""
	if l.replace {
		note = w.paint(red, "  # forces replacement")
	}
	if lines := l.lines(); lines != nil {
		w.line("", "      %s%s", l.path, note)
		for _, line := range lines {
			w.line(lineColor(line), "        %s", line)
		}
		return
	}
	w.line("", "      %-*s : %s → %s%s", longest, l.path, block(l.before, 6), block(l.after, 6), note)
}

func lineColor(line string) string {
	switch line[:1] {
	case "+":
		return green
	case "-":
		return red
	}
	return faint
}

// outputs shows the outputs that change.
func (w *writer) outputs(list []plan.Output) {
	var changed []plan.Output
	longest := 0
	for _, o := range list {
		if o.Changed() {
			changed = append(changed, o)
			longest = max(longest, len(o.Name))
		}
	}
	if len(changed) == 0 {
		return
	}
	w.line("", "Outputs:")
	for _, o := range changed {
		before, after := OutputValue(o.Before, o.Sensitive), OutputValue(o.After, o.Sensitive)
		switch {
		case o.Before == cty.NilVal:
			w.line("", "  %s %-*s = %s", w.paint(green, "+"), longest, o.Name, block(after, 2))
		case o.After == cty.NilVal:
			w.line("", "  %s %s", w.paint(red, "-"), o.Name)
		default:
			w.line("", "  %s %-*s : %s → %s", w.paint(yellow, "~"), longest, o.Name, block(before, 2), block(after, 2))
		}
	}
	w.line("", "")
}

// OutputValue marks the value of a sensitive output.
func OutputValue(v cty.Value, sensitive bool) cty.Value {
	if sensitive && v != cty.NilVal {
		return v.Mark(eval.Sensitive)
	}
	return v
}

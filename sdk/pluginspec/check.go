package pluginspec

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// check refuses what only the whole file shows: names that lead nowhere, and
// types that cannot be carried out.
func (s *source) check(p *Plugin) {
	s.siblings(p.Config, nil)
	for _, kind := range slices.Sorted(maps.Keys(p.Steps)) {
		s.siblings(p.Steps[kind].Attributes, nil)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Types)) {
		s.checkType(p, p.Types[name])
	}
}

func (s *source) checkType(p *Plugin, t *Type) {
	s.object(t.Attributes, t.Blocks)
	names := namesOf(t.Attributes, t.Blocks)
	for _, name := range t.Unique {
		s.leads(t, t.Range, "unique", name, names)
	}
	for _, old := range slices.Sorted(maps.Keys(t.Renamed)) {
		s.leads(t, t.Range, "renamed", t.Renamed[old], names)
		if t.Attr(old) != nil || t.BlockAt(old) != nil {
			s.failAt(t.Range, "Renamed attribute is still there", fmt.Sprintf("%q is said to be %q now, and stands in the schema still.", old, t.Renamed[old]))
		}
	}
	for _, a := range t.Attributes {
		for _, name := range a.Affects {
			s.leads(t, a.Range, "affects of \""+a.Name+"\"", name, names)
		}
	}
	if t.Find != nil {
		for _, name := range t.Find.By {
			s.leads(t, t.Range, "find.by", name, names)
		}
	}
	if t.Update != nil {
		for _, c := range t.Update.Calls {
			for _, name := range c.On {
				s.leads(t, c.Range, "on", name, names)
			}
		}
	}
	s.verbs(p, t)
	s.waits(t)
}

// waits checks what calls wait for: a delete for the end of the object unless
// it says otherwise, others for what they say, and the calls of children for
// nothing.
func (s *source) waits(t *Type) {
	for _, v := range []*Verb{t.Create, t.Read, t.Update, t.Prune} {
		if v == nil {
			continue
		}
		for _, c := range v.Calls {
			if c.Wait != nil && c.Wait.Until == "" {
				s.failAt(c.Range, "Missing key", "wait of "+c.Name()+" has no \"until\": the template that becomes true. Only a delete can do without; it waits until the object is gone.")
			}
		}
	}
	for _, b := range t.Blocks {
		if b.Child == nil {
			continue
		}
		for _, c := range []*Call{b.Child.List, b.Child.Create, b.Child.Update, b.Child.Delete} {
			if c != nil && c.Wait != nil {
				s.failAt(c.Range, "Nothing to wait for", c.Name()+" of a child cannot wait: what is read is the object around it. Leave wait out, or make the children a type of their own.")
			}
		}
	}
}

// leads checks a name or dotted path that a part of a type names.
func (s *source) leads(t *Type, rng hcl.Range, where, name string, names []string) {
	if t.Attr(name) == nil && t.BlockAt(name) == nil {
		s.unknownName(rng, where, name, names)
	}
}

// object checks the names in one object and in those nested in it.
func (s *source) object(attrs []*Attribute, blocks []*Block) {
	s.siblings(attrs, blocks)
	taken := map[string]bool{}
	for _, a := range attrs {
		taken[a.Name] = true
	}
	for _, b := range blocks {
		if taken[b.Name] {
			s.failAt(b.Range, "Duplicate name", "\""+b.Name+"\" is both an attribute and a block.")
		}
		s.object(b.Attributes, b.Blocks)
		if b.Child == nil {
			continue
		}
		names := namesOf(b.Attributes, b.Blocks)
		for _, name := range b.Child.Key {
			if !slices.Contains(names, name) {
				s.unknownName(b.Range, "key", name, names)
			}
		}
		if b.Child.Order != nil && b.Nesting != List {
			s.failAt(b.Range, "Order without a list", "Only the items of a list have an order: write nesting: list for \""+b.Name+"\".")
		}
		if b.Nesting == Map {
			s.failAt(b.Range, "Children in a map", "The items of \""+b.Name+"\" are objects of their own, which their `key` tells apart: write nesting: set or list.")
		}
	}
}

// verbs checks that a type is a resource with all it takes, a data source, or
// both.
func (s *source) verbs(p *Plugin, t *Type) {
	missing := func(verb, why string) {
		s.failAt(t.Range, "Missing verb", "The type \""+t.Name+"\" has no "+verb+": "+why+".")
	}
	switch {
	case t.Create == nil && t.Find == nil:
		missing("create and no find", "it is neither a resource nor a data source")
	case t.Create != nil:
		if t.Read == nil {
			missing("read", "what was created could never be compared")
		}
		if t.Delete == nil {
			missing("delete", "what was created could never be removed")
		}
		if len(t.Create.Calls) == 0 && !t.Create.Handler && !t.nothingButParts() {
			s.failAt(t.Range, "Call expected", "create of \""+t.Name+"\" has no call, no block has children, and no attribute has assign: nothing would be made.")
		}
		if t.Identity == nil && len(t.Create.Calls) > 0 {
			missing("identity", "an interrupted create could not be found again")
		}
	case t.Read == nil && (t.Update != nil || t.Delete != nil):
		missing("create", "it has update or delete, so it is a resource")
	}
	s.joins(t)
	s.transport(p, t)
	s.states(p, t)
	s.assigned(p, t)
}

// transport checks that calls are written for the plugin's transport.
func (s *source) transport(p *Plugin, t *Type) {
	for _, c := range t.calls() {
		if (p.Transport == "http") == (c.Command != "") {
			want := map[string]string{"http": "method and path", "cloudstack": "the name of a command"}[p.Transport]
			s.failAt(c.Range, "Call does not fit the transport", "Calls of transport "+p.Transport+" are written with "+want+".")
		}
	}
}

// calls are all calls of a type.
func (t *Type) calls() []*Call {
	var out []*Call
	for _, v := range []*Verb{t.Create, t.Read, t.Update, t.Delete, t.Prune} {
		if v != nil {
			out = append(out, v.Calls...)
		}
	}
	if t.Find != nil && t.Find.Call != nil {
		out = append(out, t.Find.Call)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Actions)) {
		out = append(out, t.Actions[name].Call)
	}
	for _, a := range t.Attributes {
		if a.Assign == nil {
			continue
		}
		for _, c := range []*Call{a.Assign.Add, a.Assign.Remove, a.Assign.List} {
			if c != nil {
				out = append(out, c)
			}
		}
	}
	var nested func(blocks []*Block)
	nested = func(blocks []*Block) {
		for _, b := range blocks {
			if b.Child != nil {
				for _, c := range []*Call{b.Child.List, b.Child.Create, b.Child.Update, b.Child.Delete, b.Child.Order} {
					if c != nil {
						out = append(out, c)
					}
				}
			}
			nested(b.Blocks)
		}
	}
	nested(t.Blocks)
	return out
}

// states checks the calls that need a machine in a certain state: what is
// stopped for a change is started again after it, so only an update may.
func (s *source) states(p *Plugin, t *Type) {
	for _, c := range t.calls() {
		switch {
		case c.NeedsState == nil:
		case p.Transport != "cloudstack":
			s.failAt(c.NeedsState.Range, "State without a cloud", "needs_state stops and starts machines of CloudStack; the plugin has transport "+p.Transport+".")
		case t.Update == nil || !slices.Contains(t.Update.Calls, c):
			s.failAt(c.NeedsState.Range, "State outside an update", "needs_state belongs to calls of update: only a change stops a machine and starts it again.")
		}
	}
}

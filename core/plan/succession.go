package plan

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// successions makes what is created wait for the delete of the object whose
// place it takes: a block under another name whose object keeps its own, rules
// that move from one block to another. The cloud refuses two of them at a time.
// Where the delete waits for the create the order stays as it is.
func (o *orderer) successions() {
	leaving := map[string][]*Step{}
	for _, s := range o.steps {
		if s.Action != Delete || s.Object == nil {
			continue
		}
		ids := map[string]string{}
		for path, l := range s.Object.Lookups {
			ids[path] = l.ID
		}
		if p := slot(s, s.Prior, ids); p != "" {
			leaving[p] = append(leaving[p], s)
		}
	}
	if len(leaving) == 0 {
		return
	}
	for _, s := range o.steps {
		if s.Action != Create {
			continue
		}
		ids := map[string]string{}
		for path, f := range s.Lookups {
			ids[path] = f.ID
		}
		for _, gone := range leaving[slot(s, s.Planned, ids)] {
			if gone.Key.Addr != s.Key.Addr && !reach([]*Step{gone}, o.waitsFor)[s] {
				o.need(s, gone)
			}
		}
	}
}

// slot is what no two objects of a type have in common, as text; "" if there is
// no such thing, or it is not known yet. A name that was looked up counts as the
// id it means.
func slot(s *Step, v cty.Value, ids map[string]string) string {
	names := slotOf(s.Type)
	if len(names) == 0 || v == cty.NilVal || v.IsNull() {
		return ""
	}
	parts := []string{s.Cloud, s.Type.Name}
	for _, name := range names {
		a := s.Type.Attr(name)
		if a == nil {
			return ""
		}
		text := ids[name]
		if text == "" {
			is, _ := child(v, name, a.Type).UnmarkDeep()
			is, err := convert.Convert(is, cty.String)
			if err != nil || is.IsNull() || !is.IsKnown() {
				return ""
			}
			text = is.AsString()
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "\x00")
}

var selfReference = regexp.MustCompile(`\b(?:self|lookup)\.([a-z][a-z0-9_]*)`)

// slotOf names the attributes that make up the slot: those that are unique
// together, or those that an object without a mark is found by.
func slotOf(t *pluginspec.Type) []string {
	if len(t.Unique) > 0 || t.Identity == nil {
		return t.Unique
	}
	var names []string
	for _, field := range sortedKeys(t.Identity.Natural) {
		for _, m := range selfReference.FindAllStringSubmatch(t.Identity.Natural[field], -1) {
			if !slices.Contains(names, m[1]) {
				names = append(names, m[1])
			}
		}
	}
	return names
}

// waitsFor are the steps that one comes after, next to it.
func (o *orderer) waitsFor(s *Step) []*Step { return slices.Collect(maps.Keys(o.after[s])) }

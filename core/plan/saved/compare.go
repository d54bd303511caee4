package saved

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// Steps writes what a plan would do. What stays as it is is left out.
func Steps(p *plan.Plan) ([]Step, error) {
	var out []Step
	for _, s := range p.Steps {
		if s.Action == plan.NoOp && !s.Import {
			continue
		}
		one, err := record(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Key.Addr, err)
		}
		out = append(out, one)
	}
	return out, nil
}

func record(s *plan.Step) (Step, error) {
	one := Step{
		Address: s.Key.Addr, Deposed: s.Key.Deposed, Action: s.Action, Replacing: s.Replacing, Import: s.Import, Cloud: s.Cloud,
		Lookups: map[string]string{},
	}
	if s.Object != nil {
		one.ID = s.Object.ID
	}
	for path, found := range s.Lookups {
		one.Lookups[path] = found.ID
	}
	var err error
	if one.Prior, err = digests(s.Type, s.Prior); err != nil {
		return one, err
	}
	one.Planned, err = digests(s.Type, s.Planned)
	return one, err
}

// digests takes an object's attributes apart, without those that the cloud
// changes at will.
func digests(t *pluginspec.Type, v cty.Value) (map[string]string, error) {
	v, _ = v.UnmarkDeep()
	if v == cty.NilVal || v.IsNull() || !v.IsKnown() || !v.Type().IsObjectType() {
		return nil, nil
	}
	out := map[string]string{}
	settled := steady(t.Attributes, t.Blocks, v)
	for name, part := range settled.AsValueMap() {
		text, err := canonical(part)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		sum := sha256.Sum256(text)
		out[name] = hex.EncodeToString(sum[:12])
	}
	return out, nil
}

// steady leaves out of an object what is shown but never compared.
func steady(attrs []*pluginspec.Attribute, blocks []*pluginspec.Block, v cty.Value) cty.Value {
	if v.IsNull() || !v.IsKnown() || !v.Type().IsObjectType() {
		return v
	}
	members := v.AsValueMap()
	for _, a := range attrs {
		if a.Volatile {
			delete(members, a.Name)
		}
	}
	for _, b := range blocks {
		items := members[b.Name]
		switch {
		case items == cty.NilVal || items.IsNull() || !items.IsKnown():
		case b.Nesting == pluginspec.Single:
			members[b.Name] = steady(b.Attributes, b.Blocks, items)
		case items.CanIterateElements():
			var parts []cty.Value
			for it := items.ElementIterator(); it.Next(); {
				key, item := it.Element()
				if b.Nesting == pluginspec.Set {
					key = cty.Zero
				}
				parts = append(parts, cty.TupleVal([]cty.Value{key, steady(b.Attributes, b.Blocks, item)}))
			}
			members[b.Name] = cty.TupleVal(parts)
		}
	}
	return cty.ObjectVal(members)
}

// canonical writes a value, unknown parts included, always the same way.
func canonical(v cty.Value) ([]byte, error) {
	var unknown []string
	known, err := cty.Transform(v, func(p cty.Path, v cty.Value) (cty.Value, error) {
		if !v.IsKnown() {
			unknown = append(unknown, pluginspec.FormatPath(p))
			return cty.NullVal(v.Type()), nil
		}
		return v, nil
	})
	if err != nil {
		return nil, err
	}
	text, err := ctyjson.Marshal(known, known.Type())
	if err != nil {
		return nil, err
	}
	slices.Sort(unknown)
	later, err := json.Marshal(unknown)
	return append(append(text, 0), later...), err
}

// Match compares a saved plan with the plan made now from the same sources. It
// names everything in which they differ, and leaves in the new plan just the
// steps that the saved one holds. What else would be done now is none of the
// saved plan's business, unless its steps wait for it.
func (c *Content) Match(p *plan.Plan) hcl.Diagnostics {
	var diags hcl.Diagnostics
	now := map[stepKey]*plan.Step{}
	at := map[string][]*plan.Step{}
	for _, s := range p.Steps {
		if s.Action == plan.NoOp && !s.Import {
			continue
		}
		now[stepKey{s.Key.Addr, s.Key.Deposed, s.Action}] = s
		at[s.Key.Addr] = append(at[s.Key.Addr], s)
	}
	kept := map[int]*plan.Step{}
	for _, was := range c.Steps {
		is := now[stepKey{was.Address, was.Deposed, was.Action}]
		if is == nil {
			diags = append(diags, outdated(was.Address, missing(was, at[was.Address])))
			continue
		}
		kept[is.ID] = is
		text, err := departures(was, is)
		if err != nil {
			diags = append(diags, diag.Bug(nil, "%s: %v.", was.Address, err))
			continue
		}
		if text != "" {
			diags = append(diags, outdated(was.Address, text))
		}
	}
	diags = append(diags, c.newDrift(p)...)
	diags = append(diags, trim(p, kept)...)
	return diags
}

type stepKey struct {
	address, deposed string
	action           plan.Action
}

func outdated(address, text string) *hcl.Diagnostic {
	return diag.Errorf(nil, "Saved plan is out of date", "%s: %s. Plan again.", address, text)
}

// missing says why a step is not needed any more, or what is needed instead.
func missing(was Step, now []*plan.Step) string {
	if len(now) > 0 {
		s, reason := now[0], ""
		if s.Reason != "" {
			reason = " (" + s.Reason + ")"
		}
		return fmt.Sprintf("the plan would %s it, and now it would take a %s%s", was.Action, s.Action, reason)
	}
	switch was.Action {
	case plan.Create:
		return "the plan would create it, and it exists by now"
	case plan.Delete:
		return "the plan would delete it, and it is gone, or wanted, by now"
	}
	return fmt.Sprintf("the plan would %s it, and there is nothing left to do", was.Action)
}

// departures says in what a step differs from the saved one; "" if in nothing.
func departures(was Step, s *plan.Step) (string, error) {
	is, err := record(s)
	if err != nil {
		return "", err
	}
	var parts []string
	if was.ID != is.ID {
		parts = append(parts, fmt.Sprintf("it was %s and is another object now, %s", orNothing(was.ID), orNothing(is.ID)))
	}
	if was.Cloud != is.Cloud || was.Replacing != is.Replacing || was.Import != is.Import {
		parts = append(parts, fmt.Sprintf("the plan would %s it in another way", was.Action))
	}
	if names := differing(was.Prior, is.Prior); len(names) > 0 && was.ID == is.ID {
		parts = append(parts, "what exists has changed since the plan was made: "+strings.Join(names, ", "))
	}
	if names := differing(was.Lookups, is.Lookups); len(names) > 0 {
		parts = append(parts, "these names mean other objects now: "+strings.Join(names, ", "))
	}
	if names := differing(was.Planned, is.Planned); len(names) > 0 && len(parts) == 0 {
		parts = append(parts, "it would come out other than planned: "+strings.Join(names, ", "))
	}
	return strings.Join(parts, "; "), nil
}

func orNothing(id string) string {
	if id == "" {
		return "nothing"
	}
	return id
}

func differing(was, is map[string]string) []string {
	var out []string
	for name := range maps.Keys(was) {
		if was[name] != is[name] {
			out = append(out, name)
		}
	}
	for name := range is {
		if _, ok := was[name]; !ok {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return out
}

// trim leaves the kept steps, and refuses others that they wait for.
func trim(p *plan.Plan, kept map[int]*plan.Step) hcl.Diagnostics {
	byID := make(map[int]*plan.Step, len(p.Steps))
	for _, s := range p.Steps {
		byID[s.ID] = s
	}
	needed := map[int]*plan.Step{} // steps that a kept one waits for, near or far
	var visit func(s *plan.Step)
	visit = func(s *plan.Step) {
		for _, id := range s.After {
			if on := byID[id]; on != nil && needed[id] == nil {
				needed[id] = on
				visit(on)
			}
		}
	}
	for _, s := range kept {
		visit(s)
	}
	var diags hcl.Diagnostics
	var steps []*plan.Step
	for _, s := range p.Steps {
		switch {
		case s.Action == plan.NoOp && !s.Import, kept[s.ID] != nil:
			steps = append(steps, s)
		case needed[s.ID] != nil:
			diags = append(diags, outdated(s.Key.Addr, fmt.Sprintf("steps of the plan now need a %s of it first", s.Action)))
		default:
			p.Drop(s)
		}
	}
	p.Steps = steps
	return diags
}

// Drift lists what a plan that only refreshes would write down.
func Drift(p *plan.Plan) []string {
	var out []string
	for _, d := range p.Drift {
		text := d.Addr + " " + d.Path
		if d.Gone {
			text = d.Addr + " is gone"
		}
		out = append(out, text)
	}
	sort.Strings(out)
	return out
}

// newDrift refuses to write down what the saved plan did not show.
func (c *Content) newDrift(p *plan.Plan) hcl.Diagnostics {
	if !p.RefreshOnly {
		return nil
	}
	var diags hcl.Diagnostics
	for i, text := range Drift(p) {
		if !slices.Contains(c.Drift, text) {
			diags = append(diags, outdated(p.Drift[i].Addr, "it has changed again since the plan was made"))
		}
	}
	return diags
}

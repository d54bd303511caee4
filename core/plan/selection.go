package plan

import (
	"fmt"
	"slices"
	"sort"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/graph"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
	"github.com/moldctl/moldctl/core/state"
)

// Limits narrow a plan to a part of the stack.
type Limits struct {
	// Targets: only these, with what they need; when deleting, with what was
	// made from them. None means everything.
	Targets []addr.Target
	// Excludes: not these, nor what needs them; when deleting, nor what they
	// were made from.
	Excludes []addr.Target
}

// none tells whether nothing is narrowed.
func (l Limits) none() bool { return len(l.Targets)+len(l.Excludes) == 0 }

// selection is what a limited plan looks at. Blocks are taken or left whole,
// except those that a target or exclude names an instance of.
type selection struct {
	limits  Limits
	destroy bool
	// Of the stack, in the order in which things are made.
	needed map[addr.Resource]bool // what targets need
	barred map[addr.Resource]bool // what needs an excluded block
	// Of the state alone, in the order in which things are deleted, by block.
	goes  map[string]bool // made from a target
	stays map[string]bool // what an excluded object was made from
	// declared are the blocks of the stack.
	declared map[addr.Resource]bool
}

// selectPart works out what the limits leave. It is nil without limits.
func (m *maker) selectPart(blocks *graph.Graph[addr.Resource]) (*selection, hcl.Diagnostics) {
	l := m.in.Limits
	var diags hcl.Diagnostics
	for _, named := range []struct {
		flag string
		list []addr.Target
	}{{"--target", l.Targets}, {"--exclude", l.Excludes}, {"--replace", m.in.Replace}} {
		diags = append(diags, m.known(named.flag, named.list)...)
	}
	if l.none() || diags.HasErrors() {
		return nil, diags
	}
	s := m.narrow(blocks, l)
	for _, t := range m.in.Replace {
		if !t.IsModule() && !s.has(t.Instance) {
			diags = append(diags, diag.Errorf(nil, "Contradicting flags", "--replace %s: the plan does not look at it, because of --target or --exclude.", t))
		}
	}
	return s, diags
}

// narrow follows the limits through the stack and the state.
func (m *maker) narrow(blocks *graph.Graph[addr.Resource], l Limits) *selection {
	s := &selection{limits: l, destroy: m.in.Destroy, declared: map[addr.Resource]bool{}}
	for _, r := range m.config.blocks() {
		s.declared[r.Addr] = !m.in.Destroy
	}
	made := m.madeFrom()
	s.goes = reach(m.rowBlocks(func(i addr.Instance) bool { return covers(l.Targets, i) && !s.declared[i.Resource] }), made.dependents)
	wanted := s.touched(blocks, l.Targets)
	for _, a := range blocks.Nodes() {
		if s.goes[a.String()] {
			wanted = append(wanted, a)
		}
	}
	s.needed = reach(wanted, blocks.Dependencies)
	for _, a := range s.touched(blocks, l.Targets) {
		if !covers(l.Targets, a.Instance(addr.NoKey())) && !neededByOthers(blocks, s.needed, a) {
			delete(s.needed, a) // an instance of it is meant
		}
	}
	excluded := s.touched(blocks, l.Excludes)
	s.barred = reach(excluded, blocks.Dependents)
	for _, a := range excluded {
		if !covers(l.Excludes, a.Instance(addr.NoKey())) {
			delete(s.barred, a)
		}
	}
	s.stays = reach(m.rowBlocks(func(i addr.Instance) bool {
		return covers(l.Excludes, i) || s.declared[i.Resource] && s.barred[i.Resource]
	}), made.dependencies)
	return s
}

// neededByOthers tells whether a block is needed by one that is needed itself.
func neededByOthers(blocks *graph.Graph[addr.Resource], needed map[addr.Resource]bool, a addr.Resource) bool {
	return slices.ContainsFunc(blocks.Dependents(a), func(user addr.Resource) bool { return needed[user] })
}

// touched lists the blocks of which the targets name anything.
func (s *selection) touched(blocks *graph.Graph[addr.Resource], list []addr.Target) []addr.Resource {
	var out []addr.Resource
	for _, a := range blocks.Nodes() {
		if slices.ContainsFunc(list, func(t addr.Target) bool { return touches(t, a) }) {
			out = append(out, a)
		}
	}
	return out
}

// touches tells whether a target is the block, part of it, or around it.
func touches(t addr.Target, a addr.Resource) bool {
	if t.IsModule() {
		return a.Module.Within(t.Module)
	}
	return t.Instance.Resource == a
}

func covers(list []addr.Target, i addr.Instance) bool {
	return slices.ContainsFunc(list, func(t addr.Target) bool { return t.Covers(i) })
}

// reach is start with everything that next leads to from it.
func reach[K comparable](start []K, next func(K) []K) map[K]bool {
	seen := map[K]bool{}
	todo := slices.Clone(start)
	for len(todo) > 0 {
		a := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[a] {
			continue
		}
		seen[a] = true
		todo = append(todo, next(a)...)
	}
	return seen
}

// lineage is what the objects of the state were made from, by block.
type lineage struct{ from, into map[string][]string }

func (l lineage) dependencies(block string) []string { return l.from[block] }
func (l lineage) dependents(block string) []string   { return l.into[block] }

func (m *maker) madeFrom() lineage {
	l := lineage{map[string][]string{}, map[string][]string{}}
	for _, row := range m.sorted() {
		inst, err := addr.ParseInstance(row.Addr)
		if err != nil {
			continue // reported when its delete is planned
		}
		block := inst.Resource.String()
		l.from[block] = append(l.from[block], row.DependsOn...)
		for _, on := range row.DependsOn {
			l.into[on] = append(l.into[on], block)
		}
	}
	return l
}

// rowBlocks lists the blocks of the objects that a rule picks.
func (m *maker) rowBlocks(pick func(addr.Instance) bool) []string {
	var out []string
	for _, row := range m.sorted() {
		if inst, err := addr.ParseInstance(row.Addr); err == nil && pick(inst) {
			out = append(out, inst.Resource.String())
		}
	}
	return out
}

// has tells whether the plan looks at an instance.
func (s *selection) has(i addr.Instance) bool {
	if s == nil {
		return true
	}
	covered := len(s.limits.Targets) == 0 || covers(s.limits.Targets, i)
	if s.declared[i.Resource] {
		return (covered || s.needed[i.Resource]) && !s.barred[i.Resource] && !covers(s.limits.Excludes, i)
	}
	block := i.Resource.String()
	return (covered || s.goes[block]) && !s.stays[block] && !covers(s.limits.Excludes, i)
}

// hasAny tells whether the plan looks at any instance of a block.
func (s *selection) hasAny(a addr.Resource) bool {
	if s == nil {
		return true
	}
	if s.barred[a] || covers(s.limits.Excludes, a.Instance(addr.NoKey())) {
		return false
	}
	return len(s.limits.Targets) == 0 || s.needed[a] ||
		slices.ContainsFunc(s.limits.Targets, func(t addr.Target) bool { return touches(t, a) })
}

// hasRow tells whether the plan looks at an object of the state.
func (s *selection) hasRow(row *state.Object) bool {
	if s == nil {
		return true
	}
	inst, err := addr.ParseInstance(row.Addr)
	return err == nil && s.has(inst)
}

// known refuses addresses that neither the stack nor the state has.
func (m *maker) known(flag string, list []addr.Target) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, t := range list {
		var names []string
		found := false
		for _, r := range m.config.blocks() {
			names = append(names, r.Addr.String())
			found = found || touches(t, r.Addr)
		}
		for _, row := range m.sorted() {
			inst, err := addr.ParseInstance(row.Addr)
			names = append(names, row.Addr)
			found = found || err == nil && t.Covers(inst)
		}
		if !found {
			sort.Strings(names)
			diags = append(diags, diag.Error(nil, "Unknown address", fmt.Sprintf("%s %s: neither the stack nor the state has it.%s",
				flag, t, diag.DidYouMean(t.String(), slices.Compact(names)))))
		}
	}
	return diags
}

// leaveBlock leaves all instances of a block that this plan does not look at.
func (m *maker) leaveBlock(r *spec.Resource) hcl.Diagnostics {
	m.config.Expanded(r.Addr)
	if r.Count == nil && r.ForEach == nil {
		return m.leave(r, r.Addr.Instance(addr.NoKey()))
	}
	m.note(r)
	return m.recall(r, func(addr.Instance) bool { return true })
}

// leave gives an instance that this plan does not look at the value that the
// state holds; nothing is done to it.
func (m *maker) leave(r *spec.Resource, inst addr.Instance) hcl.Diagnostics {
	m.note(r)
	t := m.in.Host.Types()[r.Addr.Type]
	ty := t.ImpliedType()
	if r.Addr.Mode == addr.Data {
		ty = t.DataImpliedType()
	}
	m.config.Set(inst, cty.UnknownVal(ty))
	return m.recall(r, func(i addr.Instance) bool { return i == inst })
}

// note remembers that a block is not looked at, or not whole.
func (m *maker) note(r *spec.Resource) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left[r.Addr] = true
}

// recall sets the values that the state holds of a block.
func (m *maker) recall(r *spec.Resource, picked func(addr.Instance) bool) hcl.Diagnostics {
	t := m.in.Host.Types()[r.Addr.Type]
	var diags hcl.Diagnostics
	for key, row := range m.objects {
		inst, err := addr.ParseInstance(key.Addr)
		if err != nil || inst.Resource != r.Addr || key.Deposed != "" || !picked(inst) {
			continue
		}
		v, err := m.stored(t, row)
		if err != nil {
			diags = append(diags, diag.FromError("Stored values cannot be read", err)...)
			continue
		}
		if !v.IsNull() {
			m.config.Set(inst, MarkPaths(v, append(schemaSecrets(t), row.SensitivePaths...)))
		}
	}
	return diags
}

// restsOnLeft tells whether an output rests on a block that this plan does not
// look at: what the state holds of it may not be all there will be.
func (m *maker) restsOnLeft(name string) bool {
	if len(m.left) == 0 {
		return false
	}
	refs, _ := m.config.names.OutputReferences(m.in.Stack.Outputs[name])
	deps, _ := (&walker{c: m.config}).follow(refs)
	return slices.ContainsFunc(deps, func(a addr.Resource) bool { return m.left[a] })
}

// partial warns that a plan does not hold all that the stack says.
func (m *maker) partial() *hcl.Diagnostic {
	list := func(flag string, targets []addr.Target) string {
		text := ""
		for _, t := range targets {
			text += " " + flag + " " + t.String()
		}
		return text
	}
	flags := list("--target", m.in.Limits.Targets) + list("--exclude", m.in.Limits.Excludes)
	return diag.Warningf(nil, "Plan is partial",
		"This plan is limited by%s. What it leaves out was not looked at: afterwards the cloud may not be as the stack says. Plan without these flags when you are done; they are for repairs, not for every day.", flags)
}

package plan

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
	"github.com/moldctl/moldctl/core/state"
)

// Move is an object that is known by another address from now on. Nothing
// happens to it in the cloud.
type Move struct{ From, To string }

// moves are the moved blocks of a stack.
type moves []*spec.Moved

// next returns where one moved block sends an instance. A block that names the
// instance itself goes before one that names its block, and that before a
// module's.
func (list moves) next(i addr.Instance) (addr.Instance, bool) {
	for _, exact := range []bool{true, false} {
		for _, m := range list {
			if to, ok := moved(m, i); ok && exact == (m.From.Instance == i && !m.From.Instance.Key.IsNone()) {
				return to, true
			}
		}
	}
	return i, false
}

// moved returns where m sends i, if it does.
func moved(m *spec.Moved, i addr.Instance) (addr.Instance, bool) {
	from, to := m.From, m.To
	if from.IsModule() {
		rest, ok := strings.CutPrefix(string(i.Resource.Module), string(from.Module))
		// Without a key on either side all instances of the module move.
		if !ok || !i.Resource.Module.Within(from.Module) || strings.HasPrefix(rest, "[") && strings.HasSuffix(string(to.Module), "]") {
			return i, false
		}
		i.Resource.Module = addr.Module(string(to.Module) + rest)
		return i, true
	}
	if from.Instance.Key.IsNone() && to.Instance.Key.IsNone() {
		if i.Resource != from.Instance.Resource {
			return i, false
		}
		return to.Instance.Resource.Instance(i.Key), true
	}
	return to.Instance, i == from.Instance
}

// follow returns where an instance ends. It is false for a circle.
func (list moves) follow(i addr.Instance) (addr.Instance, bool) {
	for range len(list) + 1 {
		to, ok := list.next(i)
		if !ok {
			return i, true
		}
		i = to
	}
	return i, false
}

// check finds moved blocks that contradict each other or the stack.
func (list moves) check(c *Config) hcl.Diagnostics {
	var diags hcl.Diagnostics
	from, to := map[addr.Target]*spec.Moved{}, map[addr.Target]*spec.Moved{}
	for _, m := range list {
		if first, ok := from[m.From]; ok {
			diags = append(diags, diag.Errorf(m.FromRange.Ptr(), "Ambiguous move",
				"%s moves to %s here and to %s at %s, line %d. Remove one of the blocks.", m.From, m.To, first.To, first.Range.Filename, first.Range.Start.Line))
			continue
		}
		if first, ok := to[m.To]; ok {
			diags = append(diags, diag.Errorf(m.ToRange.Ptr(), "Ambiguous move",
				"Both %s and %s move to %s (the other at %s, line %d). Remove one of the blocks.", m.From, first.From, m.To, first.Range.Filename, first.Range.Start.Line))
			continue
		}
		from[m.From], to[m.To] = m, m
		if d := c.crosses(m); d != nil {
			diags = append(diags, d)
			continue
		}
		if d := c.stillDeclared(m); d != nil {
			diags = append(diags, d)
		}
	}
	if !diags.HasErrors() {
		diags = append(diags, list.circles()...)
	}
	return diags
}

// crosses refuses to make an object one of another type, unless that type takes
// it over.
func (c *Config) crosses(m *spec.Moved) *hcl.Diagnostic {
	from, to := m.From.Instance.Resource.Type, m.To.Instance.Resource.Type
	if from == to {
		return nil
	}
	if t := c.types[to]; t != nil && slices.Contains(t.Accepts, from) {
		return nil
	}
	return diag.Errorf(m.ToRange.Ptr(), "Invalid move", "%s cannot become %s: an object keeps its type, and the types are %q and %q.", m.From, m.To, from, to)
}

// stillDeclared refuses to move away what the stack has a block for.
func (c *Config) stillDeclared(m *spec.Moved) *hcl.Diagnostic {
	inst := m.From.Instance
	if m.From.IsModule() || !inst.Key.IsNone() {
		return nil // which instances there are is known only when it is planned
	}
	r := c.block(inst.Resource)
	if r == nil || !m.To.Instance.Key.IsNone() && (r.Count != nil || r.ForEach != nil) {
		return nil
	}
	return diag.Errorf(m.FromRange.Ptr(), "Moved block is still there",
		"%s is moved to %s, but the stack still declares it at %s, line %d. Rename that block, or remove the moved block.",
		m.From, m.To, r.Range.Filename, r.Range.Start.Line)
}

// circles finds moved blocks that lead back to where they began; each circle
// is reported once.
func (list moves) circles() hcl.Diagnostics {
	var diags hcl.Diagnostics
	told := map[string]bool{}
	for _, m := range list {
		at := m.From.Instance
		if m.From.IsModule() {
			at = addr.Resource{Module: m.From.Module, Type: "any", Name: "any"}.Instance(addr.NoKey())
		}
		if _, ok := list.follow(at); ok {
			continue
		}
		var path []string
		for !slices.Contains(path, at.String()) {
			path = append(path, at.String())
			at, _ = list.next(at)
		}
		sorted := slices.Sorted(slices.Values(path))
		if key := strings.Join(sorted, " "); !told[key] {
			told[key] = true
			diags = append(diags, diag.Errorf(m.Range.Ptr(), "Moves go in a circle",
				"These moved blocks lead back to where they begin: %s → %s. Remove one of them.", strings.Join(path, " → "), at))
		}
	}
	return diags
}

// move gives objects the addresses that moved blocks say, in memory; the
// entries that make it durable are among what is settled.
func (m *maker) move() hcl.Diagnostics {
	var diags hcl.Diagnostics
	ends, taken := map[state.Key]addr.Instance{}, map[state.Key]*state.Object{}
	for _, row := range m.sorted() {
		inst, err := addr.ParseInstance(row.Addr)
		if err != nil {
			diags = append(diags, diag.FromError("Stored address cannot be read", err)...)
			continue
		}
		end, _ := m.config.moves.follow(inst)
		end = m.counted(end)
		if end != inst {
			ends[row.Key] = end
		}
		key := state.Key{Addr: end.String(), Deposed: row.Deposed}
		if other, ok := taken[key]; ok {
			diags = append(diags, m.collision(end, other, row))
			continue
		}
		taken[key] = row
	}
	if diags.HasErrors() {
		return diags
	}
	for _, row := range m.sorted() {
		if end, ok := ends[row.Key]; ok {
			if diags = append(diags, m.rename(row, end)...); diags.HasErrors() {
				return diags
			}
		}
	}
	m.followDependencies(ends)
	sort.Slice(m.moves, func(i, j int) bool { return m.moves[i].From < m.moves[j].From })
	return diags
}

// counted moves the only instance of a block to number 0 when count is added,
// and back when it goes, as long as nothing is there already.
func (m *maker) counted(i addr.Instance) addr.Instance {
	r := m.config.block(i.Resource)
	if r == nil || r.ForEach != nil {
		return i
	}
	to := i.Resource.Instance(addr.NoKey())
	if n, counted := i.Key.Int(); r.Count != nil && i.Key.IsNone() {
		to = i.Resource.Instance(addr.IntKey(0))
	} else if r.Count != nil || !counted || n != 0 {
		return i
	}
	if m.objects[state.Key{Addr: to.String()}] != nil {
		return i
	}
	return to
}

func (m *maker) collision(end addr.Instance, first, second *state.Object) *hcl.Diagnostic {
	var subject *hcl.Range
	for _, moved := range m.config.moves {
		if moved.To.Covers(end) {
			subject = moved.ToRange.Ptr()
		}
	}
	name := func(o *state.Object) string {
		if o.ID == "" {
			return o.Addr
		}
		return o.Addr + " (" + o.ID + ")"
	}
	return diag.Errorf(subject, "Move meets another object",
		"Both %s and %s would be %s. Remove the moved block, or first delete or forget the one that you do not want.", name(first), name(second), end)
}

func (m *maker) rename(row *state.Object, to addr.Instance) hcl.Diagnostics {
	renamed := *row
	renamed.Addr = to.String()
	delete(m.objects, row.Key)
	m.objects[renamed.Key] = &renamed
	m.settled = append(m.settled, state.Move{From: row.Key, To: renamed.Key})
	if to.Resource.Type != row.Type {
		fresh, err := upgraded(m.in.Host.Types()[to.Resource.Type], &renamed)
		if err != nil {
			return diag.FromError("Moved object does not fit", fmt.Errorf("%s: %w", row.Addr, err))
		}
		m.put(renamed.Key, fresh)
	}
	if row.Deposed == "" {
		m.moves = append(m.moves, Move{From: row.Addr, To: renamed.Addr})
	}
	return nil
}

// followDependencies lets rows name what they were made from by its new
// address: it orders deletes.
func (m *maker) followDependencies(ends map[state.Key]addr.Instance) {
	if len(ends) == 0 {
		return
	}
	became := map[string][]string{}
	for key, end := range ends {
		from, err := addr.ParseInstance(key.Addr)
		if err != nil || from.Resource == end.Resource {
			continue
		}
		if to := end.Resource.String(); !slices.Contains(became[from.Resource.String()], to) {
			became[from.Resource.String()] = append(became[from.Resource.String()], to)
		}
	}
	stays := map[string]bool{}
	for key := range m.objects {
		if inst, err := addr.ParseInstance(key.Addr); err == nil {
			stays[inst.Resource.String()] = true
		}
	}
	for _, row := range m.sorted() {
		var now []string
		changed := false
		for _, on := range row.DependsOn {
			if len(became[on]) == 0 || stays[on] {
				now = append(now, on)
			}
			now, changed = append(now, became[on]...), changed || len(became[on]) > 0
		}
		if changed {
			fresh := *row
			slices.Sort(now)
			fresh.DependsOn = slices.Compact(now)
			m.put(row.Key, &fresh)
		}
	}
}

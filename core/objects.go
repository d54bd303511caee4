package core

import (
	"context"
	"fmt"
	"slices"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec/addr"
	"github.com/moldctl/moldctl/core/state"
)

// Renamed is one object that got another address.
type Renamed struct {
	From state.Key
	To   state.Key
}

// MoveObjects gives an object of the state another address, or all instances
// of a block. Nothing is done in the cloud.
func (e *Engine) MoveObjects(ctx context.Context, from, to string) ([]Renamed, error) {
	snap, err := e.session.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	a, b, err := moveEnds(from, to)
	if err != nil {
		return nil, err
	}
	keys, err := selectObjects(snap, a)
	if err != nil {
		return nil, err
	}
	var moved []Renamed
	var entries []state.Entry
	for _, key := range keys {
		at, err := addr.ParseInstance(key.Addr)
		if err != nil {
			return nil, err
		}
		target := b
		if at != a { // a block was named, and this is one of its instances
			if !b.Key.IsNone() {
				return nil, fmt.Errorf("move %s: it has several instances, and %s is one; name an instance, such as %s", from, to, at)
			}
			target = b.Resource.Instance(at.Key)
		}
		become := state.Key{Addr: target.String(), Deposed: key.Deposed}
		if snap.Objects[become] != nil {
			return nil, fmt.Errorf("move %s: the state holds an object %s already; move or remove that first", key.Addr, become.Addr)
		}
		moved = append(moved, Renamed{key, become})
		entries = append(entries, state.Move{From: key, To: become})
	}
	return moved, e.session.Append(ctx, append(entries, redirect(snap, moved, a.Resource, b.Resource)...)...)
}

func moveEnds(from, to string) (a, b addr.Instance, err error) {
	if a, err = addr.ParseInstance(from); err != nil {
		return a, b, err
	}
	if b, err = addr.ParseInstance(to); err != nil {
		return a, b, err
	}
	switch {
	case a.Resource.Mode == addr.Data || b.Resource.Mode == addr.Data:
		return a, b, fmt.Errorf("move %s: what is looked up is in no state", from)
	case a.Resource.Type != b.Resource.Type:
		return a, b, fmt.Errorf("move %s to %s: an object of type %q cannot become one of type %q", from, to, a.Resource.Type, b.Resource.Type)
	case a == b:
		return a, b, fmt.Errorf("move %s: it has this address already", from)
	}
	return a, b, nil
}

// selectObjects finds the rows of an instance, or else of all instances of
// the block, and refuses those that an interrupted run was changing.
func selectObjects(snap *state.Snapshot, want addr.Instance) ([]state.Key, error) {
	var exact, block []state.Key
	var names []string
	for key := range snap.Objects {
		names = append(names, key.Addr)
		at, err := addr.ParseInstance(key.Addr)
		if err != nil {
			continue // what cannot be parsed cannot be meant
		}
		if at == want {
			exact = append(exact, key)
		} else if want.Key.IsNone() && at.Resource == want.Resource {
			block = append(block, key)
		}
	}
	found := exact
	if len(found) == 0 {
		found = block
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("the state holds no object %q.%s", want, diag.DidYouMean(want.String(), names))
	}
	slices.SortFunc(found, state.Key.Compare)
	for _, op := range snap.Operations {
		if slices.Contains(found, op.Key) {
			return nil, fmt.Errorf("an interrupted run was changing %s (%s); run apply first, which finds out what became of it", op.Key.Addr, op.Action)
		}
	}
	return found, nil
}

// redirect makes rows that depend on a renamed block depend on its new name:
// the order of deletion rests on it.
func redirect(snap *state.Snapshot, moved []Renamed, from, to addr.Resource) []state.Entry {
	if from == to {
		return nil
	}
	became := map[state.Key]state.Key{}
	for _, m := range moved {
		became[m.From] = m.To
	}
	stays := false
	for key := range snap.Objects {
		at, err := addr.ParseInstance(key.Addr)
		_, goes := became[key]
		stays = stays || err == nil && at.Resource == from && !goes
	}
	var entries []state.Entry
	for key, o := range snap.Objects {
		i := slices.Index(o.DependsOn, from.String())
		if i < 0 {
			continue
		}
		now, ok := became[key]
		if !ok {
			now = key
		}
		row := *o
		row.Key = now
		row.DependsOn = slices.Clone(o.DependsOn)
		if !stays {
			row.DependsOn = slices.Delete(row.DependsOn, i, i+1)
		}
		row.DependsOn = append(row.DependsOn, to.String())
		slices.Sort(row.DependsOn)
		row.DependsOn = slices.Compact(row.DependsOn)
		entries = append(entries, state.Put{Key: now, Object: &row})
	}
	return entries
}

// Forgotten is what was taken out of the state.
type Forgotten struct {
	Objects []*state.Object
	// Dependents are addresses of objects made from them, which stay.
	Dependents []string
}

// ForgetObjects takes objects out of the state. They stay in the cloud.
func (e *Engine) ForgetObjects(ctx context.Context, addresses []string) (Forgotten, error) {
	snap, err := e.session.Snapshot(ctx)
	if err != nil {
		return Forgotten{}, err
	}
	gone := map[state.Key]bool{}
	var done Forgotten
	var entries []state.Entry
	for _, text := range addresses {
		want, err := addr.ParseInstance(text)
		if err != nil {
			return Forgotten{}, err
		}
		keys, err := selectObjects(snap, want)
		if err != nil {
			return Forgotten{}, err
		}
		for _, key := range keys {
			if !gone[key] {
				gone[key] = true
				done.Objects = append(done.Objects, snap.Objects[key])
				entries = append(entries, state.Put{Key: key})
			}
		}
	}
	done.Dependents = dependents(snap, gone)
	return done, e.session.Append(ctx, entries...)
}

// dependents lists what depends on a block of which nothing is left.
func dependents(snap *state.Snapshot, gone map[state.Key]bool) []string {
	left, lost := map[string]bool{}, map[string]bool{}
	for key := range snap.Objects {
		at, err := addr.ParseInstance(key.Addr)
		if err != nil {
			continue
		}
		if gone[key] {
			lost[at.Resource.String()] = true
		} else {
			left[at.Resource.String()] = true
		}
	}
	var list []string
	for key, o := range snap.Objects {
		if !gone[key] && slices.ContainsFunc(o.DependsOn, func(on string) bool { return lost[on] && !left[on] }) {
			list = append(list, key.Addr)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

package plan

import (
	"fmt"
	"slices"

	"github.com/moldctl/moldctl/core/graph"
	"github.com/moldctl/moldctl/core/spec/addr"
)

// order numbers the steps and gives each the steps it must wait for:
//
//   - what makes or changes an object waits for what its block refers to;
//   - a delete waits for the dependents' deletes, and for the dependents'
//     changes when the object does not come back;
//   - a replacement deletes first, unless it is deposed: then it deletes after
//     every dependent has moved;
//   - a prune waits for every dependent, near and far;
//   - a create waits for the delete of the object whose place it takes.
func order(steps []*Step, blocks *graph.Graph[addr.Resource]) ([]*Step, error) {
	o := &orderer{
		steps:   steps,
		blocks:  blocks,
		after:   map[*Step]map[*Step]bool{},
		forward: map[addr.Resource][]*Step{},
		deletes: map[string][]*Step{},
		byAddr:  map[string][]*Step{},
		goes:    map[string][]*Step{},
	}
	for _, s := range steps {
		o.byAddr[s.Key.Addr] = append(o.byAddr[s.Key.Addr], s)
		switch s.Action {
		case Delete, Forget:
			o.deletes[s.Instance.Resource.String()] = append(o.deletes[s.Instance.Resource.String()], s)
			if s.Object == nil {
				continue
			}
			for _, dep := range s.Object.DependsOn {
				o.goes[dep] = append(o.goes[dep], s)
			}
		case Create, Update, Read:
			o.forward[s.Instance.Resource] = append(o.forward[s.Instance.Resource], s)
		}
	}
	for _, s := range steps {
		o.constrain(s)
	}
	o.successions()
	return o.number()
}

type orderer struct {
	steps   []*Step
	blocks  *graph.Graph[addr.Resource]
	after   map[*Step]map[*Step]bool
	forward map[addr.Resource][]*Step // by block
	deletes map[string][]*Step        // by block, as text: it may be gone from the stack
	byAddr  map[string][]*Step
	goes    map[string][]*Step // deletes, by a block that their object was made from
}

func (o *orderer) need(s, on *Step) {
	if s == on {
		return
	}
	if o.after[s] == nil {
		o.after[s] = map[*Step]bool{}
	}
	o.after[s][on] = true
}

func (o *orderer) constrain(s *Step) {
	switch s.Action {
	case Create, Update, Read:
		for _, dep := range o.blocks.Dependencies(s.Instance.Resource) {
			for _, d := range o.forward[dep] {
				o.need(s, d)
			}
		}
		o.replacement(s)
	case Prune:
		o.lastOf(s)
	}
	if s.Object == nil {
		return
	}
	// s was made from these; whoever deletes one of them waits for s.
	for _, dep := range s.Object.DependsOn {
		for _, d := range o.deletes[dep] {
			if waits(d, s) {
				o.need(d, s)
			}
		}
	}
}

// waits tells whether the delete d must come after the dependent's step s.
func waits(d, s *Step) bool {
	if s.Action == Delete || s.Action == Forget {
		// A deposed object goes late; what is replaced and its successor is made
		// from cannot wait for it. What goes for good can.
		return s.Key.Deposed == "" || d.Key.Deposed != "" || !d.Replacing
	}
	return s.Action != NoOp && (!d.Replacing || d.Key.Deposed != "")
}

// replacement puts the two halves in order.
func (o *orderer) replacement(s *Step) {
	if s.Action != Create || !s.Replacing {
		return
	}
	for _, other := range o.byAddr[s.Key.Addr] {
		if other.Action != Delete {
			continue
		}
		if other.Key.Deposed == "" {
			o.need(s, other)
			continue
		}
		o.need(other, s)
		for _, user := range o.blocks.Dependents(s.Instance.Resource) {
			for _, f := range o.forward[user] {
				o.need(other, f)
			}
		}
	}
}

// lastOf makes a prune wait for its own update and for every dependent, and for
// the end of dependents that go: a deposed machine still uses the old image.
func (o *orderer) lastOf(s *Step) {
	seen := map[addr.Resource]bool{s.Instance.Resource: true}
	queue := []addr.Resource{s.Instance.Resource}
	for len(queue) > 0 {
		block := queue[0]
		queue = queue[1:]
		for _, f := range o.forward[block] {
			o.need(s, f)
		}
		for _, user := range o.blocks.Dependents(block) {
			if !seen[user] {
				seen[user] = true
				queue = append(queue, user)
			}
		}
		for _, d := range o.goes[block.String()] {
			o.need(s, d)
			if !seen[d.Instance.Resource] {
				seen[d.Instance.Resource] = true
				queue = append(queue, d.Instance.Resource)
			}
		}
	}
}

// number sorts the steps so that each comes after what it waits for.
func (o *orderer) number() ([]*Step, error) {
	g := graph.New[*Step]()
	for _, s := range o.steps {
		g.Add(s)
	}
	for _, s := range o.steps {
		for on := range o.after[s] {
			g.Need(s, on)
		}
	}
	if cycle := g.Cycle(); len(cycle) > 0 {
		text := ""
		for _, s := range cycle {
			text += fmt.Sprintf("%s %s → ", s.Action, s.Key.Addr)
		}
		return nil, fmt.Errorf("%s", text)
	}
	out := g.Order()
	for i, s := range out {
		s.ID = i
	}
	for _, s := range out {
		for on := range o.after[s] {
			s.After = append(s.After, on.ID)
		}
		slices.Sort(s.After)
	}
	return out, nil
}

package plan

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/graph"
	"github.com/moldctl/moldctl/core/spec/addr"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// createFirst carries create_before_destroy on to the replaced objects that
// others made first stand on: an old one that goes late needs what it was made
// from until then. It refuses where the cloud allows no two at a time.
func (m *maker) createFirst(blocks *graph.Graph[addr.Resource]) hcl.Diagnostics {
	replaced := map[addr.Resource][]*Step{}
	var queue []*Step
	for _, s := range m.steps {
		if s.Action != Create || !s.Replacing {
			continue
		}
		replaced[s.Instance.Resource] = append(replaced[s.Instance.Resource], s)
		if s.Depose {
			queue = append(queue, s)
		}
	}
	slices.SortFunc(queue, func(a, b *Step) int { return a.Instance.Compare(b.Instance) })
	because := map[*Step]*Step{}
	var diags hcl.Diagnostics
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		diags = append(diags, m.twoAtATime(s, because[s])...)
		for _, dep := range blocks.Dependencies(s.Instance.Resource) {
			for _, on := range replaced[dep] {
				if !on.Depose {
					because[on] = s
					m.depose(on, s)
					queue = append(queue, on)
				}
			}
		}
	}
	return diags
}

// depose makes a replacement one that creates first.
func (m *maker) depose(s, user *Step) {
	s.Depose, s.DeposedAs = true, m.freeDeposed(s.Key.Addr)
	for _, gone := range m.steps {
		if gone.Action == Delete && gone.Replacing && gone.Key == s.Key {
			gone.Key.Deposed = s.DeposedAs
		}
	}
	s.Reason += fmt.Sprintf("; made first, as %s is", user.Instance)
}

// twoAtATime refuses to make the new object beside the old one when they share
// what the cloud keeps unique. What is not known yet may differ.
func (m *maker) twoAtATime(s, user *Step) hcl.Diagnostics {
	if len(s.Type.Unique) == 0 {
		return nil
	}
	for _, name := range s.Type.Unique {
		a := s.Type.Attr(name)
		if a == nil || s.Prior.IsNull() || s.Planned.IsNull() {
			return nil
		}
		before, after := child(s.Prior, name, a.Type), child(s.Planned, name, a.Type)
		if !same(a, before, after) {
			return nil
		}
	}
	why := "its lifecycle says create_before_destroy"
	if user != nil {
		why = fmt.Sprintf("%s, which is made from it, says create_before_destroy", user.Instance)
	}
	return hcl.Diagnostics{diag.Errorf(attributeRange(s.Block.Body, s.Type.Unique[0], &s.Block.Range), "Two at a time are not possible",
		"%s is replaced (%s), and %s. So old and new would exist at the same time with the same %s, which the cloud does not allow. Change %s along with the rest, or do without create_before_destroy.",
		s.Instance, s.Reason, why, diag.List(s.Type.Unique), theFirst(s.Type))}
}

func theFirst(t *pluginspec.Type) string { return fmt.Sprintf("%q", t.Unique[0]) }

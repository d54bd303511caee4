package plan

import (
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// halts says which changes of an update stop a machine that runs, in the step's
// reason and as a warning: whoever approves the plan approves that too.
func (m *maker) halts(ctx context.Context, s *subjectOf, step *Step) hcl.Diagnostics {
	calls := halting(s.t, step.Changes)
	if len(calls) == 0 {
		return nil
	}
	cloud, diags := m.cloudRoot(ctx, s)
	if diags.HasErrors() {
		return diags
	}
	self, _ := step.Planned.UnmarkDeep()
	prior, _ := step.Prior.UnmarkDeep()
	roots := map[string]cty.Value{"self": self, "prior": prior, "cloud": cloud, "lookup": lookupRoot(s.t, step.Lookups)}
	var causes []string
	again, certain := false, false
	for _, c := range calls {
		need := c.NeedsState
		if !holds(c.When, c.Range, roots, true) || !holds(need.Runs, need.Range, roots, true) {
			continue
		}
		for _, change := range step.Changes {
			if name, _, _ := cut(change.Path); c.Concerns(name) && !slices.Contains(causes, name) {
				causes = append(causes, name)
			}
		}
		again = again || holds(need.Restart, need.Range, roots, true)
		certain = certain || need.Runs != ""
	}
	if len(causes) == 0 {
		return nil
	}
	will := "the machine is stopped for it"
	if !certain {
		will += " if it runs"
	}
	if again {
		will += ", and started again after it"
	}
	step.Reason += "; " + will
	return append(diags, diag.Warningf(&s.r.Range, "Machine will be stopped",
		"%s: %s can change only while the machine does not run, so %s.", s.inst, strings.Join(causes, ", "), will))
}

// halting are the update calls that something changed asks for and that need a
// machine stopped.
func halting(t *pluginspec.Type, changes []Change) []*pluginspec.Call {
	if t.Update == nil {
		return nil
	}
	var out []*pluginspec.Call
	for _, c := range t.Update.Calls {
		concerned := slices.ContainsFunc(changes, func(change Change) bool {
			name, _, _ := cut(change.Path)
			return c.Concerns(name)
		})
		if c.NeedsState != nil && concerned {
			out = append(out, c)
		}
	}
	return out
}

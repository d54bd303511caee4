package plan

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
	"github.com/moldctl/moldctl/core/state"
)

// deletions plans the end of every object that the stack does not want any
// more: from the state alone, since its block may be gone.
func (m *maker) deletions() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, row := range m.sorted() {
		if m.wanted[row.Addr] && row.Deposed == "" || !m.part.hasRow(row) {
			continue
		}
		inst, err := addr.ParseInstance(row.Addr)
		if err != nil {
			diags = append(diags, diag.FromError("Stored address cannot be read", err)...)
			continue
		}
		removed := m.removed(inst)
		keep := removed != nil && !removed.Destroy
		if row.PreventDestroy && row.Deposed == "" && !keep {
			diags = append(diags, diag.Errorf(m.subject(row.Addr), "Object is protected",
				"%s would be deleted, but it was made with prevent_destroy. Apply the stack without prevent_destroy first.", row.Addr))
			continue
		}
		t := m.in.Host.Types()[row.Type]
		prior, err := m.stored(t, row)
		if err != nil {
			diags = append(diags, diag.FromError("Stored values cannot be read", err)...)
			continue
		}
		step := &Step{
			Key: row.Key, Instance: inst, Type: t, Cloud: row.Cloud, Action: Delete, Reason: m.whyDelete(row),
			Prior: MarkPaths(prior, append(schemaSecrets(t), row.SensitivePaths...)), Planned: cty.NullVal(t.ImpliedType()), Object: row, DependsOn: row.DependsOn,
		}
		switch {
		case keep:
			step.Action, step.Reason = Forget, "a removed block keeps it in the cloud"
		case row.RetainOnDestroy && (removed == nil || !removed.Said), NothingExists(row):
			step.Action = Forget
		}
		m.steps = append(m.steps, step)
	}
	return diags
}

// removed returns the removed block that speaks of an instance, or nil.
func (m *maker) removed(i addr.Instance) *spec.Removed {
	for _, r := range m.config.removed {
		if r.From.Covers(i) {
			return r
		}
	}
	return nil
}

// checkRemoved finds removed blocks for what the stack still declares.
func (c *Config) checkRemoved() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, removed := range c.removed {
		for _, r := range c.blocks() {
			whole := removed.From.IsModule() || removed.From.Instance.Key.IsNone()
			if r.Addr.Mode == addr.Managed && whole && removed.From.Covers(r.Addr.Instance(addr.NoKey())) {
				diags = append(diags, diag.Errorf(&removed.Range, "Removed block is still there",
					"%s is said to be removed, but the stack still declares %s at %s, line %d. Remove one of the blocks.",
					removed.From, r.Addr, r.Range.Filename, r.Range.Start.Line))
				break
			}
		}
	}
	return diags
}

// NothingExists tells whether an interrupted operation left only a row.
func NothingExists(row *state.Object) bool {
	return row.ID == "" && !MayExist(row.Pending) && len(row.Private) == 0 && row.Status == state.Partial
}

func (m *maker) whyDelete(row *state.Object) string {
	switch {
	case row.Deposed != "":
		return "it has been replaced"
	case m.halfGone[row.Key]:
		return "finishes an interrupted delete"
	case row.Status == state.Waiting:
		return "it waited for machines to be expunged"
	case m.in.Destroy:
		return ""
	}
	return "it is no longer in the stack"
}

package plan

import (
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
)

// expunging warns when machines go that the caller may only destroy, and with
// them something that they keep in use until the cloud expunges them.
func (m *maker) expunging(ctx context.Context) hcl.Diagnostics {
	users := map[string][]string{} // machines by the block that they use
	for _, s := range m.steps {
		if s.Action != Delete || s.Type.Delete == nil || !s.Type.Delete.Expunges || s.Object == nil {
			continue
		}
		cloud, diags := m.resolver.Cloud(ctx, m.in.Host, s.Type, s.Cloud, nil)
		if diags.HasErrors() {
			return diags
		}
		if may := cloud.GetAttr("may_expunge"); may.True() {
			continue
		}
		for _, on := range s.Object.DependsOn {
			users[on] = append(users[on], s.Key.Addr)
		}
	}
	var held, machines []string
	for _, s := range m.steps {
		if used := users[s.Instance.Resource.String()]; s.Action == Delete && len(used) > 0 && !s.Type.Delete.Expunges {
			held, machines = append(held, s.Key.Addr), append(machines, used...)
		}
	}
	if len(held) == 0 {
		return nil
	}
	return hcl.Diagnostics{diag.Warningf(nil, "Deleting takes until machines are expunged",
		"This account may not expunge machines: those of %s are destroyed, and stay so until the cloud expunges them (its setting expunge.delay, a day by default). Until then %s cannot go: the run ends with exit code 3, and running it again later deletes what is left. The operator can let users expunge with allow.user.expunge.recover.vm.",
		joined(machines), joined(held))}
}

// joined lists addresses, sorted, each once.
func joined(list []string) string {
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ", ")
}

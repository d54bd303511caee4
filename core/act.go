package core

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/apply"
	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec/addr"
)

// Act carries out an action of an object's type: a restart, a snapshot. The
// stack is not compared with anything; what the action changes is in the state
// afterwards.
func (e *Engine) Act(ctx context.Context, address, action string, arguments map[string]string, observe func(apply.Event)) hcl.Diagnostics {
	wrong := func(err error) hcl.Diagnostics { return diag.FromError("Nothing was done", err) }
	snap, err := e.session.Snapshot(ctx)
	if err != nil {
		return diag.FromError("State cannot be read", err)
	}
	at, err := addr.ParseInstance(address)
	if err != nil {
		return wrong(err)
	}
	keys, err := selectObjects(snap, at)
	if err != nil {
		return wrong(err)
	}
	row := snap.Objects[keys[0]]
	t := e.Host.Types()[row.Type]
	switch {
	case len(keys) > 1:
		return wrong(fmt.Errorf("%s has several instances: name one, such as %s", address, keys[0].Addr))
	case t == nil:
		return wrong(fmt.Errorf("%s was made by the plugin %q, which is not installed", address, row.Plugin))
	case len(row.Pending) > 0 || row.ID == "":
		return wrong(fmt.Errorf("a run was interrupted while it changed %s; run apply first, which finishes it", address))
	}
	a := t.Actions[action]
	if a == nil {
		names := slices.Sorted(maps.Keys(t.Actions))
		if len(names) == 0 {
			return wrong(fmt.Errorf("%s has no actions", t.Name))
		}
		return wrong(fmt.Errorf("%s has no action %q.%s It has %s", t.Name, action, diag.DidYouMean(action, names), strings.Join(names, ", ")))
	}
	if _, err := a.Parse(arguments); err != nil {
		return wrong(err)
	}
	if _, diags := e.bindings(ctx, snap); diags.HasErrors() {
		return diags
	}
	return apply.Act(ctx, apply.Action{Stack: e.Stack.Name, Type: t, Object: row, Name: action, Arguments: arguments}, apply.Deps{
		Host: e.Host, Session: e.session, Observe: observe,
	})
}

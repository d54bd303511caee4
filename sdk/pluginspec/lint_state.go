package pluginspec

// states checks that calls which need a stopped machine say which one: the
// object itself is one only if it is listed among machines.
func (l *linter) states(t *Type) {
	if t.Update == nil {
		return
	}
	for _, c := range t.Update.Calls {
		if c.NeedsState == nil || c.NeedsState.Machine != "" {
			continue
		}
		if t.Read == nil || len(t.Read.Calls) == 0 || t.Read.Calls[0].Command != "listVirtualMachines" {
			l.fail(c.NeedsState.Range, "No machine to stop", "The objects of %q are no machines: write which one is stopped, as `needs_state: {state: stopped, machine: \"${self.instance}\"}`.", t.Name)
		}
	}
}

// associations checks that the calls which add and remove elements take them.
func (l *linter) associations(t *Type) {
	for _, a := range t.Attributes {
		if a.Assign == nil {
			continue
		}
		for _, c := range []*Call{a.Assign.Add, a.Assign.Remove} {
			if command, ok := l.table.Command(c.Command); ok {
				l.param(command, c.Range, a.Assign.IDs)
			}
		}
	}
}

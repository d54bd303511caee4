package cloudsim

import "strings"

// event records what a call or job did. Commands without an event type leave no trace, as list commands do.
func (c *Call) event(state, level, resourceID string) {
	if c.cmd.event == "" {
		return
	}
	c.Events.Put(Event{
		Base: c.Events.NewBase(), Owner: Owner{AccountID: c.Caller.Account.ID, DomainID: c.Caller.Account.DomainID},
		Type: c.cmd.event, Level: level, State: state, Username: c.Caller.User.Username, ResourceID: resourceID,
		ResourceType: c.declared.Instance, Description: describe(state, c.Name),
	})
}

// describe turns "createFirewallRule" into "Successfully completed create firewall rule".
func describe(state, command string) string {
	var b strings.Builder
	if state == "Completed" {
		b.WriteString("Successfully completed ")
	}
	for i, r := range command {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte(' ')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

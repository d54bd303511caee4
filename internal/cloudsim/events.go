package cloudsim

import "strings"

// event records what a call or job did. Commands without an event type leave no trace, as list commands do. The later events
// of a job point to its first one.
func (c *Call) event(state, level, resourceID string) string {
	if c.cmd.event == "" {
		return ""
	}
	kind, name := c.resource(resourceID)
	e := Event{
		Base: c.Events.NewBase(), Owner: Owner{AccountID: c.Caller.Account.ID, DomainID: c.Caller.Account.DomainID},
		Type: c.cmd.event, Level: level, State: state, Username: c.Caller.User.Username, ResourceID: resourceID,
		ResourceType: valueOr(kind, c.declared.Instance), ResourceName: name, Description: describe(state, c.Name),
	}
	if c.Job != nil {
		e.ParentID = c.Job.EventID
	}
	c.Events.Put(e)
	return e.ID
}

// resource is the type and name of what an event is about, as far as events show them.
func (c *Call) resource(id string) (kind, name string) {
	if n, ok := c.Networks.Any(id); ok {
		return "Network", n.Name
	}
	if v, ok := c.VMs.Any(id); ok {
		return "VirtualMachine", v.Name
	}
	if ip, ok := c.PublicIPs.Any(id); ok {
		return "IpAddress", ip.Address
	}
	if t, ok := c.Templates.Any(id); ok {
		return "Template", t.Name
	}
	if v, ok := c.Volumes.Any(id); ok {
		return "Volume", v.Name
	}
	return "", ""
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

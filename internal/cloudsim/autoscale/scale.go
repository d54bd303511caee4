package autoscale

import "context"

// scaleUp makes n machines one after the other and stops at the first that fails. It does nothing if the
// group would exceed its maximum or too many of its machines are broken.
// policy is the id of the one that asked for it, "" for a repair of the group's size.
func (m *Monitor) scaleUp(ctx context.Context, group Group, n int, policy string) {
	members := m.members.Members(group.ID)
	if count(members)+n > group.Max || broken(members) > m.options.ErrorLimit {
		return
	}
	if !m.groups.SetState(group.ID, Enabled, Scaling) {
		return // disabled meanwhile
	}
	defer m.groups.SetState(group.ID, Scaling, Enabled)
	for range n {
		if err := m.members.Grow(ctx, group.ID, func() { m.blind(group.ID) }); err != nil {
			return // Members has said so in an event; the next look tries again
		}
		m.rest(group, policy)
	}
}

func broken(members []Member) int {
	n := 0
	for _, member := range members {
		if member.State == "Error" {
			n++
		}
	}
	return n
}

// scaleDown takes the newest machine out, waits for the grace period and destroys it. The group is
// Scaling all the while; an ideal one is so only until the machine is out.
func (m *Monitor) scaleDown(ctx context.Context, group Group, policy string) {
	if count(m.members.Members(group.ID))-1 < group.Min {
		return
	}
	if !m.groups.SetState(group.ID, Enabled, Scaling) {
		return
	}
	defer m.groups.SetState(group.ID, Scaling, Enabled)
	vm, err := m.members.Detach(ctx, group.ID)
	if err != nil || vm == "" {
		return
	}
	m.rest(group, policy)
	m.blind(group.ID)
	end := func() {
		if m.sleep(ctx, group.Grace) != nil {
			return // the cloud stops; Members finishes a detached machine at the next start
		}
		if err := m.members.Destroy(ctx, group.ID, vm); err != nil {
			return // said in an event
		}
	}
	if m.options.Ideal {
		m.running.Go(end)
		return
	}
	end()
}

// rest stamps the quiet time. The original stamps the first scale-up policy whatever acted, so the quiet
// times of all others never matter.
func (m *Monitor) rest(group Group, policy string) {
	if m.options.Ideal {
		if policy != "" {
			m.groups.Rest(policy, m.clock.Now())
		}
		return
	}
	for _, p := range group.Policies {
		if p.Action == ScaleUp {
			m.groups.Rest(p.ID, m.clock.Now())
			return
		}
	}
}

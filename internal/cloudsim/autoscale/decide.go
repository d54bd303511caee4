package autoscale

import "context"

// decide compares a group's samples with its policies and carries out at most one action.
func (m *Monitor) decide(ctx context.Context, id string) {
	group, ok := m.groups.Group(id)
	if !ok || group.State != Enabled {
		return
	}
	available := count(m.members.Members(id))
	policy, ok := m.firing(group, available)
	if !ok {
		return
	}
	if policy.Action == ScaleUp {
		m.scaleUp(ctx, group, 1, policy.ID)
		return
	}
	m.scaleDown(ctx, group, policy.ID)
}

// firing finds the first policy that ought to act now.
func (m *Monitor) firing(group Group, available int) (Policy, bool) {
	now := m.clock.Now()
	windows := make([][]sample, len(group.Policies))
	for i, p := range group.Policies {
		samples, blind := m.window(group.ID, p.ID, now.Add(-window(p)))
		if blind {
			return Policy{}, false
		}
		windows[i] = samples
	}
	for i, p := range group.Policies {
		if now.Before(p.LastRest.Add(p.Quiet)) {
			continue
		}
		if fires(p, windows[i], group.Memory, available) {
			return p, true
		}
	}
	return Policy{}, false
}

// fires tells whether all conditions of a policy have a value and hold. One missing measurement in the
// window keeps the policy quiet.
func fires(p Policy, samples []sample, memory, available int) bool {
	for _, s := range samples {
		if s.inactive {
			return false
		}
	}
	for _, c := range p.Conditions {
		value, ok := average(c.Counter, samples, memory, available)
		if !ok || !c.holds(value) {
			return false
		}
	}
	return len(p.Conditions) > 0
}

// average is a counter's value over the samples of a window: per cent for machines' counters (memory of
// the profile's present offering, even if a machine has another), megabits per second and machine for
// traffic, connections as they are.
func average(c Counter, samples []sample, memory, available int) (value float64, ok bool) {
	var mine []sample
	sum := 0.0
	for _, s := range samples {
		if s.counter == c.ID {
			mine = append(mine, s)
			sum += s.value
		}
	}
	if c.Source == "VIRTUALROUTER" && c.Value != RouterConnections {
		return rate(mine, available)
	}
	if len(mine) == 0 {
		return 0, false
	}
	mean := sum / float64(len(mine))
	switch {
	case c.Source == "CPU":
		mean *= 100
	case c.Source == "MEMORY" && memory > 0:
		mean = mean / float64(memory) * 100
	case c.Source == "MEMORY":
		return 0, false
	}
	return mean, true
}

// rate is how fast a running total grew, per machine. A total that fell was reset: it tells nothing.
func rate(samples []sample, available int) (value float64, ok bool) {
	if len(samples) < 2 || available == 0 {
		return 0, false
	}
	for i := 1; i < len(samples); i++ {
		if samples[i].value < samples[i-1].value {
			return 0, false
		}
	}
	first, last := samples[0], samples[len(samples)-1]
	seconds := last.at.Sub(first.at).Seconds()
	if seconds <= 0 {
		return 0, false
	}
	return (last.value - first.value) / seconds / float64(available), true
}

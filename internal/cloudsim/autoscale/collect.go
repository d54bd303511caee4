package autoscale

import (
	"context"
	"time"
)

// collect is one look at a group: repair its size, or else measure it.
func (m *Monitor) collect(ctx context.Context, id string) {
	group, ok := m.groups.Group(id)
	if !ok || group.State != Enabled {
		return
	}
	members := m.members.Members(id)
	switch available := count(members); {
	case available < group.Min:
		m.scaleUp(ctx, group, group.Min-available, "")
		return
	case available > group.Max:
		for range available - group.Max {
			m.scaleDown(ctx, group, "")
		}
		return
	}
	keep := m.options.KeepSamples
	for _, p := range group.Policies {
		keep = max(keep, window(p))
	}
	m.record(id, m.measure(group, members), keep)
}

func count(members []Member) int {
	n := 0
	for _, member := range members {
		if member.available() {
			n++
		}
	}
	return n
}

// measure makes the samples of one look: for machines' counters one per policy, counter and running
// machine, for the router's one per policy and counter.
func (m *Monitor) measure(group Group, members []Member) []sample {
	now := m.clock.Now()
	traffic, answered := m.members.Traffic(group.ID)
	var samples []sample
	for _, p := range group.Policies {
		for _, c := range p.Conditions {
			add := func(value float64, ok bool) {
				samples = append(samples, sample{at: now, policy: p.ID, counter: c.Counter.ID, value: value, inactive: !ok})
			}
			if c.Counter.Source == "VIRTUALROUTER" {
				value, ok := traffic.value(c.Counter.Value)
				add(value, ok && answered && c.Counter.Measured)
				continue
			}
			for _, member := range members {
				if member.State == "Running" {
					value, ok := member.value(c.Counter.Source)
					add(value, ok && c.Counter.Measured)
				}
			}
		}
	}
	return samples
}

// value is a machine's sample of CPU (a share of 1) or memory (MiB used).
func (m Member) value(source string) (value float64, ok bool) {
	switch source {
	case "CPU":
		return m.CPU / 100, m.Measured
	case "MEMORY":
		return m.MemoryMiB, m.Measured
	}
	return 0, false
}

// megabit is the original's unit of traffic: 2^20 bits.
const megabit = 131072

// value is the router's sample: megabits since its start, or connections now.
func (t Traffic) value(counter string) (value float64, ok bool) {
	switch counter {
	case RouterReceived:
		return float64(t.Received) / megabit, true
	case RouterSent:
		return float64(t.Sent) / megabit, true
	case RouterConnections:
		return float64(t.Connections), t.HasConnections
	}
	return 0, false
}

// window is how far back a policy looks: its duration in units of 1024 ms.
func window(p Policy) time.Duration { return p.Duration * 1024 / 1000 }

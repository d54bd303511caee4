package autoscale

import (
	"slices"
	"time"
)

// sample is one measured value; inactive means that there should have been one.
type sample struct {
	at       time.Time
	policy   string
	counter  string
	value    float64
	inactive bool
}

// history is what was measured of one group, oldest first. The monitor's mutex guards it.
type history struct {
	samples []sample
	blind   time.Time // the last start, removal, enable or disable
}

// blind notes an event after which measurements mean nothing for a while.
func (m *Monitor) blind(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.history(id).blind = m.clock.Now()
}

// history finds or makes a group's history; m.mu is held.
func (m *Monitor) history(id string) *history {
	h := m.samples[id]
	if h == nil {
		h = &history{}
		m.samples[id] = h
	}
	return h
}

// record adds samples and forgets those nobody will ask for.
func (m *Monitor) record(id string, fresh []sample, keep time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.history(id)
	h.samples = append(h.samples, fresh...)
	oldest := m.clock.Now().Add(-keep)
	first := slices.IndexFunc(h.samples, func(s sample) bool { return !s.at.Before(oldest) })
	if first > 0 {
		h.samples = slices.Delete(h.samples, 0, first)
	}
}

// window is what counts for a policy: the samples of it since a time. blind says that the group's
// measurements mean nothing yet.
func (m *Monitor) window(id, policy string, since time.Time) (samples []sample, blind bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.history(id)
	if m.options.Ideal {
		since = later(since, h.blind)
	}
	for _, s := range h.samples {
		if s.policy == policy && !s.at.Before(since) {
			samples = append(samples, s)
		}
	}
	return samples, !m.options.Ideal && !h.blind.Before(since)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

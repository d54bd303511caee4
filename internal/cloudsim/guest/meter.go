package guest

import (
	"sync"
	"time"
)

// The load model. A request costs cpuPerRequest percent of one processor when
// one comes per second, each request in flight keeps a processor busy by
// cpuPerOpen percent, and a machine that does nothing shows cpuIdle percent. So
// one processor is full at about 49 requests per second.
const (
	cpuIdle       = 2.0
	cpuPerRequest = 2.0
	cpuPerOpen    = 4.0
	// meterWindow is how far back requests count.
	meterWindow = 5 * time.Second
)

// Load is what a meter shows.
type Load struct {
	Requests float64 // per second, over the last seconds
	Open     int     // in flight now
}

// meter counts requests in slots of one second of real time: who sends load
// lives in real time even where the cloud's clock runs faster.
type meter struct {
	cpus int
	now  func() time.Time

	mu       sync.Mutex
	slots    [int(meterWindow/time.Second) + 1]slot
	open     int
	override float64
	until    time.Time
	forced   bool
}

type slot struct {
	second int64
	count  int
}

func newMeter(cpus int, now func() time.Time) *meter { return &meter{cpus: cpus, now: now} }

func (m *meter) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.slots[:])
	m.open = 0
}

// begin counts a request; the returned function ends it.
func (m *meter) begin() func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	second := m.now().Unix()
	s := &m.slots[second%int64(len(m.slots))]
	if s.second != second {
		*s = slot{second: second}
	}
	s.count++
	m.open++
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.open > 0 {
			m.open--
		}
	}
}

func (m *meter) load() Load {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.loadLocked()
}

func (m *meter) loadLocked() Load {
	total, now := 0, m.now().Unix()
	for _, s := range m.slots {
		if age := now - s.second; age >= 0 && age < int64(meterWindow/time.Second) {
			total += s.count
		}
	}
	return Load{Requests: float64(total) / meterWindow.Seconds(), Open: m.open}
}

// Load shows requests per second and in flight.
func (m *Machine) Load() Load { return m.meter.load() }

// CPU is the percentage of all processors in use by the model above, or what
// SetCPU said. A machine that is off uses none.
func (m *Machine) CPU() float64 {
	if !m.Running() {
		return 0
	}
	k := m.meter
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.forced && (k.until.IsZero() || m.clock.Now().Before(k.until)) {
		return k.override
	}
	load := k.loadLocked()
	cpu := cpuIdle + (load.Requests*cpuPerRequest+float64(load.Open)*cpuPerOpen)/float64(k.cpus)
	return min(cpu, 100)
}

// SetCPU overrides the model until a time of the guest's clock; the zero time
// means until ClearCPU.
func (m *Machine) SetCPU(percent float64, until time.Time) {
	m.meter.mu.Lock()
	defer m.meter.mu.Unlock()
	m.meter.override, m.meter.until, m.meter.forced = min(max(percent, 0), 100), until, true
}

// ClearCPU ends an override.
func (m *Machine) ClearCPU() {
	m.meter.mu.Lock()
	defer m.meter.mu.Unlock()
	m.meter.forced = false
}

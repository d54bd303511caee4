package autoscale

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAverage(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(seconds int, value float64) sample {
		return sample{at: begin.Add(time.Duration(seconds) * time.Second), counter: "c", value: value}
	}
	tests := map[string]struct {
		reason  string
		counter Counter
		samples []sample
		want    float64
		ok      bool
	}{
		"cpu":              {"mean over all rows of all machines, in per cent", Counter{Source: "CPU"}, []sample{at(0, 0.2), at(0, 0.4), at(10, 0.9)}, 50, true},
		"memory":           {"share of the offering's memory", Counter{Source: "MEMORY"}, []sample{at(0, 256), at(0, 512)}, 37.5, true},
		"nothing measured": {"no value", Counter{Source: "CPU"}, nil, 0, false},
		"traffic":          {"growth per second and machine", Counter{Source: "VIRTUALROUTER", Value: RouterReceived}, []sample{at(0, 100), at(10, 150), at(20, 300)}, 5, true},
		"traffic once":     {"two rows are needed", Counter{Source: "VIRTUALROUTER", Value: RouterSent}, []sample{at(0, 100)}, 0, false},
		"traffic reset":    {"a fall discards the set", Counter{Source: "VIRTUALROUTER", Value: RouterSent}, []sample{at(0, 100), at(10, 5), at(20, 300)}, 0, false},
		"connections":      {"plain mean", Counter{Source: "VIRTUALROUTER", Value: RouterConnections}, []sample{at(0, 3), at(10, 6)}, 4.5, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.counter.ID = "c"
			other := at(0, 1000)
			other.counter = "other"
			got, ok := average(test.counter, append(test.samples, other), 1024, 2)
			if got != test.want && (got-test.want > 1e-9 || test.want-got > 1e-9) || ok != test.ok {
				t.Errorf("%s: %v, %v; want %v, %v", test.reason, got, ok, test.want, test.ok)
			}
		})
	}
}

func TestOperators(t *testing.T) {
	t.Parallel()
	tests := map[string]string{"EQ": "010", "GT": "001", "LT": "100", "GE": "011", "LE": "110", "NE": "000"}
	for operator, want := range tests {
		got := ""
		for _, value := range []float64{49.5, 50, 50.5} {
			if (Condition{Operator: operator, Threshold: 50}).holds(value) {
				got += "1"
			} else {
				got += "0"
			}
		}
		if got != want {
			t.Errorf("%s 50 for 49.5, 50, 50.5: %s, want %s", operator, got, want)
		}
	}
}

func TestFires(t *testing.T) {
	t.Parallel()
	two := Policy{Conditions: []Condition{
		{Counter{ID: "cpu", Source: "CPU"}, "GT", 50}, {Counter{ID: "mem", Source: "MEMORY"}, "GT", 50}}}
	cpu, mem := sample{counter: "cpu", value: 0.9}, sample{counter: "mem", value: 900}
	tests := map[string]struct {
		reason  string
		samples []sample
		want    bool
	}{
		"both hold":     {"all conditions", []sample{cpu, mem}, true},
		"one does not":  {"and, not or", []sample{cpu, {counter: "mem", value: 1}}, false},
		"one unknown":   {"each needs a value", []sample{cpu}, false},
		"one row fails": {"a missing measurement", []sample{cpu, mem, {counter: "cpu", inactive: true}}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := fires(two, test.samples, 1024, 1); got != test.want {
				t.Errorf("%s: %v", test.reason, got)
			}
		})
	}
	if fires(Policy{}, nil, 1024, 1) {
		t.Error("a policy without conditions fired")
	}
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	f := newFake(Group{})
	f.traffic = Traffic{Received: 131072 * 3, Connections: 4, HasConnections: true}
	m := &Monitor{members: f, clock: wallClock{}}
	group := Group{ID: "g", Policies: []Policy{{ID: "p", Conditions: []Condition{
		{Counter: Counter{ID: "cpu", Source: "CPU", Measured: true}},
		{Counter: Counter{ID: "mem", Source: "MEMORY", Measured: true}},
		{Counter: Counter{ID: "in", Source: "VIRTUALROUTER", Value: RouterReceived, Measured: true}},
		{Counter: Counter{ID: "conn", Source: "VIRTUALROUTER", Value: RouterConnections, Measured: true}},
		{Counter: Counter{ID: "foreign", Source: "CPU"}},
	}}}}
	members := []Member{{State: "Running", Measured: true, CPU: 40, MemoryMiB: 300}, {State: "Starting"}, {State: "Running"}}
	type row struct {
		Counter  string
		Value    float64
		Inactive bool
	}
	var got []row
	for _, s := range m.measure(group, members) {
		got = append(got, row{s.counter, s.value, s.inactive})
	}
	want := []row{{"cpu", 0.4, false}, {"cpu", 0, true}, {"mem", 300, false}, {"mem", 0, true},
		{"in", 3, false}, {"conn", 4, false}, {"foreign", 0.4, true}, {"foreign", 0, true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
	f.silent = true
	if rows := m.measure(group, nil); !rows[0].inactive || !rows[1].inactive {
		t.Errorf("a silent router gave values: %+v", rows)
	}
}

func TestOldSamplesGo(t *testing.T) {
	t.Parallel()
	m := &Monitor{clock: wallClock{}, samples: map[string]*history{}}
	now := time.Now()
	m.record("g", []sample{{at: now.Add(-3 * time.Hour)}, {at: now.Add(-time.Minute)}}, 2*time.Hour)
	if n := len(m.samples["g"].samples); n != 1 {
		t.Errorf("%d samples kept", n)
	}
}

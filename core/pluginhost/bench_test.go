package pluginhost_test

import (
	"syscall"
	"testing"
	"time"
)

// BenchmarkApply measures what one operation costs the host: its own
// processor time, without that of the plugin.
func BenchmarkApply(b *testing.B) {
	h := newHost(b, "good", &output{})
	in := start(b, h, "one")
	if _, err := h.Apply(b.Context(), in, &journal{}); err != nil {
		b.Fatal(err)
	}
	before := processorTime(b)
	n := 0
	for b.Loop() {
		if _, err := h.Apply(b.Context(), in, &journal{}); err != nil {
			b.Fatal(err)
		}
		n++
	}
	spent := processorTime(b) - before
	b.ReportMetric(float64(spent.Microseconds())/float64(n), "host-cpu-µs/op")
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

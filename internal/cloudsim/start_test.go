package cloudsim

import (
	"runtime"
	"testing"
	"time"
)

// BenchmarkStart is how long a cloud in memory takes from nothing to serving.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		c, err := Start(b.Context(), Options{})
		if err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}

func TestStartLeavesNothingRunning(t *testing.T) {
	before := runtime.NumGoroutine()
	c, err := Start(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	makeNetwork(t, c, "admin", "web")
	c.Close()
	c.Close()
	select {
	case <-c.Done():
	case <-time.After(time.Second):
		t.Error("Done is not closed")
	}
	settled(t, "the goroutines end", func() bool { return runtime.NumGoroutine() <= before+2 })
}

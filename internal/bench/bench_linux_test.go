package bench_test

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moldctl/moldctl/internal/bench"
)

var shapes = []struct {
	name string
	text func(int) string
}{
	{"independent", bench.Independent},
	{"layered", bench.Layered},
}

var phases = []string{"plan", "apply", "noop", "destroy"}

// cost is what one phase took.
type cost struct {
	wall, cpu time.Duration
	written   int64 // bytes handed to the disk
	peak      int64 // bytes of memory, of the largest process
}

// BenchmarkEngine runs every phase once per size and prints a table. With
// -benchtime=1x it is done in about a minute; MOLDCTL_SOAK adds the largest.
func BenchmarkEngine(b *testing.B) {
	sizes := []int{1000, 3000, 10000}
	if os.Getenv("MOLDCTL_SOAK") != "" {
		sizes = append(sizes, 50000)
	}
	for _, shape := range shapes {
		first := map[string]cost{}
		for _, n := range sizes {
			b.Run(fmt.Sprintf("%s/%d", shape.name, n), func(b *testing.B) {
				for b.Loop() {
					costs := stack(b, shape.text(n))
					for _, phase := range phases {
						report(b, phase, n, costs[phase], sizes[0], first)
					}
				}
			})
		}
	}
}

// report logs a line of the table; growth is the exponent of the processor
// time against the smallest size.
func report(b *testing.B, phase string, n int, c cost, smallest int, first map[string]cost) {
	growth := ""
	if n == smallest {
		first[phase] = c
	} else if f, ok := first[phase]; ok {
		growth = fmt.Sprintf("  growth %.2f", math.Log(c.cpu.Seconds()/f.cpu.Seconds())/math.Log(float64(n)/float64(smallest)))
	}
	const mib = 1 << 20
	b.Logf("%6d %-8s wall %6.2f s  cpu %6.2f s  written %7.1f MiB  peak %6.1f MiB%s",
		n, phase, c.wall.Seconds(), c.cpu.Seconds(), float64(c.written)/mib, float64(c.peak)/mib, growth)
	b.ReportMetric(c.cpu.Seconds(), "cpu-s/"+phase)
}

// stack takes one stack through all phases.
func stack(tb testing.TB, text string) map[string]cost {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "spec.hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	out := map[string]cost{}
	for _, phase := range phases {
		out[phase] = measure(tb, phase, file)
	}
	return out
}

// measure runs one phase in a process of its own.
func measure(tb testing.TB, phase, file string) cost {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	counters := file + "." + phase
	cmd := exec.CommandContext(tb.Context(), self, file, counters)
	// Keys of states lie in the user's folder: the phases get one of their own.
	home := filepath.Dir(file)
	cmd.Env = append(os.Environ(), roleVariable+"="+phase, "HOME="+home, "XDG_CONFIG_HOME="+filepath.Join(home, "config"))
	cmd.Stderr = os.Stderr
	began := time.Now()
	if err := cmd.Run(); err != nil {
		tb.Fatalf("%s: %v", phase, err)
	}
	c := cost{wall: time.Since(began), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.peak = int64(usage.Maxrss) << 10
	}
	c.written = counter(tb, counters, "write_bytes")
	return c
}

// counter reads a line of /proc/PID/io as kept in a file.
func counter(tb testing.TB, file, name string) int64 {
	tb.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if key != name {
			continue
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		return n
	}
	tb.Fatalf("the kernel does not count %s", name)
	return 0
}

// TestPhases takes a small stack of each shape through all phases, so that the
// benchmark works when it is needed.
func TestPhases(t *testing.T) {
	t.Parallel()
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			t.Parallel()
			for phase, c := range stack(t, shape.text(40)) {
				if c.cpu <= 0 || c.peak <= 0 {
					t.Errorf("%s: nothing was measured: %+v", phase, c)
				}
			}
		})
	}
}

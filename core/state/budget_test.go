package state_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/moldctl/moldctl/core/state"
)

// resources carries out the entries of n creates, ten at a time: an intent and
// two checkpoints each, about the sizes that real objects have.
func resources(ctx context.Context, s *state.Store, n int) error {
	numbers, failed := make(chan int), make(chan error, 10)
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			for i := range numbers {
				if err := create(ctx, s, fmt.Sprintf("instance.web[%d]", i)); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	var err error
	for i := 0; i < n && err == nil; i++ {
		select {
		case numbers <- i:
		case err = <-failed:
		}
	}
	close(numbers)
	group.Wait()
	return err
}

func create(ctx context.Context, s *state.Store, addr string) error {
	key := state.Key{Addr: addr}
	object := &state.Object{
		Key: key, Type: "instance", Status: state.OK, ID: "5f0e3c1a-64a7-4b0e-9a3e-0d5f1c2b3a49",
		Values:  []byte(`{"name":"web","offering":"Medium Instance","template":"Rocky Linux 9","network":"lb-demo","address":"10.1.1.17","state":"Running","display_name":"web","created":"2026-01-02T03:04:05Z"}`),
		Private: []byte(`{"allocated":"2026-01-02T03:04:05+0000"}`),
		Lookups: map[string]state.Lookup{"offering": {ID: "c3a5a6d2-1a4e-4a1c-8f3d-0f6d3c8e7b21", Name: "Medium Instance"}},
		Cloud:   "default", Plugin: "compute", PluginVersion: "1.0.0", SchemaVersion: 1, DependsOn: []string{"network.web"},
	}
	id := addr + "/01k0f7x2m3n4p5q6r7s8t9v0w1"
	call := state.Call{
		Key: "deploy", Command: "deployVirtualMachine", State: state.CallOpen,
		Identity: []byte(`{"kind":"marker","list":"listVirtualMachines","match":{"details.moldctl.op":"01k0f7x2m3n4p5q6r7s8t9v0w1"}}`),
	}
	known := call
	known.ID, known.Job = object.ID, "9d1f0a77-2c59-4d3e-8f0e-6a9b7c5d3e21"
	done := known
	done.State = state.CallDone
	for _, e := range []state.Entry{
		state.Begin{Operation: state.Operation{ID: id, Key: key, Action: "create", Type: "instance", Cloud: "default", Planned: object.Values, Object: object}},
		state.PutCall{Operation: id, Call: call},
		state.PutCall{Operation: id, Call: known},
		state.PutCall{Operation: id, Call: done},
		state.Commit{Operation: id, Key: key, Object: object},
	} {
		if err := s.Append(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// entriesEach is how many entries create appends.
const entriesEach = 5

// childCounts creates resources and says how many bytes that wrote each, by
// the kernel's count for the process, folding the log into the file included.
func childCounts(ctx context.Context, dir string) error {
	for _, n := range []int{100, 1000} {
		before, err := written()
		if err != nil {
			return err
		}
		dir := filepath.Join(dir, strconv.Itoa(n))
		s, err := state.OpenSQLite(ctx, statePath(dir), options(dir))
		if err != nil {
			return err
		}
		if err := resources(ctx, s, n); err != nil {
			return err
		}
		if err := s.Close(); err != nil {
			return err
		}
		after, err := written()
		if err != nil {
			return err
		}
		fmt.Println(n, (after-before)/n)
	}
	return nil
}

// written is how many bytes this process has handed to the kernel to write.
func written() (int, error) {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if count, ok := strings.CutPrefix(line, "wchar: "); ok {
			return strconv.Atoi(strings.TrimSpace(count))
		}
	}
	return 0, fmt.Errorf("/proc/self/io does not say wchar")
}

func TestBytesWrittenPerResource(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux counts the bytes that a process writes")
	}
	cmd, _, lines := child(t, "count", t.TempDir())
	measured := 0
	for lines.Scan() {
		var resources, bytes int
		if _, err := fmt.Sscan(lines.Text(), &resources, &bytes); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		t.Logf("%d resources: %d bytes each", resources, bytes)
		if bytes > 8<<10 {
			t.Errorf("%d resources wrote %d bytes each, the budget is 8 KiB", resources, bytes)
		}
		measured++
	}
	if err := cmd.Wait(); err != nil || measured != 2 {
		t.Errorf("%d measurements, %v", measured, err)
	}
}

// BenchmarkAppend is 10,000 entries at parallelism 10.
func BenchmarkAppend(b *testing.B) {
	for b.Loop() {
		dir := b.TempDir()
		s, err := state.OpenSQLite(b.Context(), statePath(dir), options(dir))
		if err != nil {
			b.Fatal(err)
		}
		before, countErr := written()
		if err := resources(b.Context(), s, 10_000/entriesEach); err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		if after, err := written(); err == nil && countErr == nil {
			b.ReportMetric(float64(after-before)/10_000, "written-B/entry")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/10_000, "µs/entry")
}

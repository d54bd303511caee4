package graph_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/moldctl/moldctl/core/graph"
)

// build makes a graph from "a<b" (b needs a) and single nodes.
func build(edges ...[2]string) *graph.Graph[string] {
	g := graph.New[string]()
	for _, e := range edges {
		if e[1] == "" {
			g.Add(e[0])
			continue
		}
		g.Need(e[0], e[1])
	}
	return g
}

func TestOrderAndCycle(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		edges        [][2]string
		order, cycle []string
	}{
		"empty":                 {nil, []string{}, nil},
		"order of adding":       {[][2]string{{"c", ""}, {"a", ""}, {"b", ""}}, []string{"c", "a", "b"}, nil},
		"needs first":           {[][2]string{{"a", "b"}, {"b", "c"}}, []string{"c", "b", "a"}, nil},
		"diamond":               {[][2]string{{"d", "b"}, {"d", "c"}, {"b", "a"}, {"c", "a"}}, []string{"a", "b", "c", "d"}, nil},
		"same need twice":       {[][2]string{{"a", "b"}, {"a", "b"}}, []string{"b", "a"}, nil},
		"self":                  {[][2]string{{"a", "a"}}, nil, []string{"a"}},
		"cycle":                 {[][2]string{{"x", "a"}, {"a", "b"}, {"b", "c"}, {"c", "a"}}, nil, []string{"a", "b", "c"}},
		"cycle behind a branch": {[][2]string{{"a", "b"}, {"a", "c"}, {"c", "d"}, {"d", "c"}}, nil, []string{"c", "d"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := build(tt.edges...)
			if d := cmp.Diff(tt.order, g.Order()); d != "" {
				t.Errorf("order (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.cycle, g.Cycle()); d != "" {
				t.Errorf("cycle (-want +got):\n%s", d)
			}
		})
	}
}

func TestNeighbours(t *testing.T) {
	t.Parallel()
	g := build([2]string{"a", "b"}, [2]string{"a", "c"}, [2]string{"b", "c"})
	if d := cmp.Diff([]string{"b", "c"}, g.Dependencies("a")); d != "" {
		t.Errorf("dependencies (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"a", "b"}, g.Dependents("c")); d != "" {
		t.Errorf("dependents (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"a", "b", "c"}, g.Nodes()); d != "" {
		t.Errorf("nodes (-want +got):\n%s", d)
	}
	if g.Has("z") || !g.Has("a") || g.Len() != 3 || g.Dependencies("z") != nil || g.Dependents("z") != nil {
		t.Error("membership is wrong")
	}
}

func TestWalk(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	// a <- b <- c, a <- d, e alone; f and g wait for each other.
	edges := [][2]string{{"a", ""}, {"b", "a"}, {"c", "b"}, {"d", "a"}, {"e", ""}}
	type outcome = graph.Outcome[string]
	done := outcome{Status: graph.Done}
	tests := map[string]struct {
		edges [][2]string
		fail  string
		want  map[string]outcome
	}{
		"all well": {edges, "", map[string]outcome{"a": done, "b": done, "c": done, "d": done, "e": done}},
		"failure skips what needs it, directly or not": {edges, "b", map[string]outcome{
			"a": done, "b": {Status: graph.Failed, Err: boom}, "c": {Status: graph.Skipped, Because: "b"}, "d": done, "e": done,
		}},
		"failure of the root": {edges, "a", map[string]outcome{
			"a": {Status: graph.Failed, Err: boom}, "b": {Status: graph.Skipped, Because: "a"},
			"c": {Status: graph.Skipped, Because: "a"}, "d": {Status: graph.Skipped, Because: "a"}, "e": done,
		}},
		"cycle is never started": {[][2]string{{"f", "g"}, {"g", "f"}, {"h", "f"}, {"a", ""}}, "", map[string]outcome{
			"f": {}, "g": {}, "h": {}, "a": done,
		}},
	}
	for name, tt := range tests {
		for _, parallel := range []int{0, 1, 10} {
			t.Run(fmt.Sprintf("%s/%d", name, parallel), func(t *testing.T) {
				t.Parallel()
				got := build(tt.edges...).Walk(t.Context(), parallel, func(_ context.Context, k string) error {
					if k == tt.fail {
						return boom
					}
					return nil
				})
				if d := cmp.Diff(tt.want, got, cmpopts.EquateErrors()); d != "" {
					t.Errorf("outcomes (-want +got):\n%s", d)
				}
			})
		}
	}
}

func TestWalkPanic(t *testing.T) {
	t.Parallel()
	got := build([2]string{"a", ""}, [2]string{"b", "a"}).Walk(t.Context(), 2, func(_ context.Context, k string) error {
		panic("in " + k)
	})
	var p *graph.PanicError
	if !errors.As(got["a"].Err, &p) || p.Value != "in a" || len(p.Stack) == 0 {
		t.Errorf("the panic of a is not its failure: %v", got["a"])
	}
	if got["b"].Status != graph.Skipped {
		t.Errorf("b is %s, want skipped", got["b"].Status)
	}
}

// TestWalkParallel shows that no more than the allowed number run, and that as
// many do.
func TestWalkParallel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := graph.New[int]()
		for i := range 100 {
			g.Add(i)
		}
		var running, most atomic.Int64
		start := time.Now()
		g.Walk(t.Context(), 10, func(context.Context, int) error {
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(time.Second) // of the bubble's clock
			running.Add(-1)
			return nil
		})
		if most.Load() != 10 || time.Since(start) != 10*time.Second {
			t.Errorf("at most %d ran at once and it took %v, want 10 and 10s", most.Load(), time.Since(start))
		}
	})
}

// TestWalkCancel shows that a cancelled walk starts nothing more but waits for
// what runs.
func TestWalkCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		g := build([2]string{"a", ""}, [2]string{"b", "a"}, [2]string{"c", ""})
		finished := false
		got := g.Walk(ctx, 1, func(context.Context, string) error {
			cancel()
			time.Sleep(time.Minute)
			finished = true
			return nil
		})
		want := map[string]graph.Outcome[string]{"a": {Status: graph.Done}, "b": {}, "c": {}}
		if d := cmp.Diff(want, got); d != "" || !finished {
			t.Errorf("finished %v, outcomes (-want +got):\n%s", finished, d)
		}
	})
}

// TestProperties checks order and walk on random graphs.
func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "nodes")
		g := graph.New[int]()
		for i := range n {
			g.Add(i)
		}
		for range rapid.IntRange(0, 60).Draw(t, "edges") {
			a, b := rapid.IntRange(0, n-1).Draw(t, "a"), rapid.IntRange(0, n-1).Draw(t, "b")
			g.Need(max(a, b)+1, min(a, b)) // always forward, so there is no cycle
		}
		if c := g.Cycle(); c != nil {
			t.Fatalf("a cycle %v in an acyclic graph", c)
		}
		order := g.Order()
		place := map[int]int{}
		for i, k := range order {
			place[k] = i
		}
		if len(place) != g.Len() {
			t.Fatalf("%d of %d nodes in the order", len(place), g.Len())
		}
		failing := rapid.SliceOf(rapid.IntRange(0, n)).Draw(t, "failing")
		outcomes := g.Walk(context.Background(), 4, func(_ context.Context, k int) error {
			if slices.Contains(failing, k) {
				return errors.New("no")
			}
			return nil
		})
		for _, k := range order {
			wantSkip := false
			for _, dep := range g.Dependencies(k) {
				if place[dep] > place[k] {
					t.Fatalf("%d comes before %d, which it needs", k, dep)
				}
				wantSkip = wantSkip || outcomes[dep].Status != graph.Done
			}
			if got := outcomes[k].Status; (got == graph.Skipped) != wantSkip {
				t.Fatalf("%d is %s", k, got)
			}
		}
	})
}

// TestLarge keeps a walk linear: 50,000 nodes in a moment.
func TestLarge(t *testing.T) {
	t.Parallel()
	g := graph.New[int]()
	for i := 1; i < 50_000; i++ {
		g.Need(i, i/2)
		g.Need(i, i-1)
	}
	if g.Cycle() != nil || len(g.Order()) != 50_000 {
		t.Fatal("wrong order")
	}
	var visited atomic.Int64
	g.Walk(t.Context(), 10, func(context.Context, int) error {
		visited.Add(1)
		return nil
	})
	if visited.Load() != 50_000 {
		t.Errorf("%d nodes visited", visited.Load())
	}
}

func BenchmarkWalk50000(b *testing.B) {
	g := graph.New[int]()
	for i := 1; i < 50_000; i++ {
		g.Need(i, i/2)
	}
	for b.Loop() {
		g.Walk(b.Context(), 10, func(context.Context, int) error { return nil })
	}
}

package graph

import (
	"context"
	"fmt"
	"runtime/debug"
)

// Status is what became of a node in a walk.
type Status uint8

// The statuses of a node after a walk.
const (
	NotStarted Status = iota // the walk was cancelled before the node's turn
	Done                     // visited without an error
	Failed                   // visited with an error
	Skipped                  // not visited because something it needs failed
)

// String returns the status in words.
func (s Status) String() string {
	return [...]string{"not started", "done", "failed", "skipped"}[s]
}

// Outcome is what became of one node.
type Outcome[K comparable] struct {
	Status  Status
	Err     error // the error of a Failed node
	Because K     // the Failed node that a Skipped one could not do without
}

// Walk visits every node after all it needs, up to parallel at a time, and
// returns what became of each. A failure skips what depends on it; everything
// else goes on. When ctx is done no further node is started; those running are
// waited for (visit gets ctx and decides itself how to end). Nodes of a cycle,
// and what needs them, are never started. A panic in visit is the failure of
// its node.
func (g *Graph[K]) Walk(ctx context.Context, parallel int, visit func(context.Context, K) error) map[K]Outcome[K] {
	w := walk[K]{
		graph:    g,
		waiting:  make([]int, len(g.keys)),
		outcomes: make([]Outcome[K], len(g.keys)),
		results:  make(chan result),
	}
	for i := range g.keys {
		w.waiting[i] = len(g.needs[i])
		if w.waiting[i] == 0 {
			w.ready.push(i)
		}
	}
	w.run(ctx, max(parallel, 1), visit)
	out := make(map[K]Outcome[K], len(g.keys))
	for i, key := range g.keys {
		out[key] = w.outcomes[i]
	}
	return out
}

type result struct {
	node int
	err  error
}

// walk is the bookkeeping of one Walk. Only the goroutine in run touches it.
type walk[K comparable] struct {
	graph    *Graph[K]
	waiting  []int // per node: how many of its needs are not done
	ready    intHeap
	outcomes []Outcome[K]
	results  chan result
}

func (w *walk[K]) run(ctx context.Context, parallel int, visit func(context.Context, K) error) {
	running := 0
	for {
		for running < parallel && len(w.ready) > 0 && ctx.Err() == nil {
			node := w.ready.pop()
			running++
			go func() { w.results <- result{node, guard(ctx, w.graph.keys[node], visit)} }()
		}
		if running == 0 {
			return
		}
		w.settle(<-w.results)
		running--
	}
}

// settle books the result of a node and releases or skips those that need it.
func (w *walk[K]) settle(r result) {
	if r.err != nil {
		w.outcomes[r.node] = Outcome[K]{Status: Failed, Err: r.err}
		w.skipUsers(r.node)
		return
	}
	w.outcomes[r.node] = Outcome[K]{Status: Done}
	for _, user := range w.graph.users[r.node] {
		w.waiting[user]--
		if w.waiting[user] == 0 && w.outcomes[user].Status == NotStarted {
			w.ready.push(user)
		}
	}
}

// skipUsers marks everything that needs node, directly or not, as skipped. Each
// node is marked once, so a walk stays linear however many nodes fail.
func (w *walk[K]) skipUsers(node int) {
	because := w.graph.keys[node]
	todo := []int{node}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, user := range w.graph.users[at] {
			if w.outcomes[user].Status == NotStarted {
				w.outcomes[user] = Outcome[K]{Status: Skipped, Because: because}
				todo = append(todo, user)
			}
		}
	}
}

// PanicError is the failure of a node whose visit panicked.
type PanicError struct {
	Value any
	Stack []byte
}

// Error says what the panic said, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

func guard[K comparable](ctx context.Context, key K, visit func(context.Context, K) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	return visit(ctx, key)
}

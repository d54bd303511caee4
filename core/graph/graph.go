// Package graph is a directed acyclic graph of any comparable keys: it finds
// cycles, gives a stable order, and walks the nodes concurrently in order of
// their dependencies.
//
// It knows nothing of stacks or clouds and imports nothing of this project.
// A Graph is built by one goroutine and then only read.
package graph

// Graph holds nodes and what each of them needs. The order in which nodes were
// added is kept and breaks ties, so equal input gives equal output.
type Graph[K comparable] struct {
	index map[K]int
	keys  []K
	needs [][]int // per node: what it needs, in the order given
	users [][]int // per node: who needs it
	edges map[[2]int]struct{}
}

// New returns an empty graph.
func New[K comparable]() *Graph[K] {
	return &Graph[K]{index: map[K]int{}, edges: map[[2]int]struct{}{}}
}

// Add adds a node; adding it again changes nothing.
func (g *Graph[K]) Add(key K) { g.node(key) }

// Need says that node key needs node on to be done first. Both are added if
// they are not there yet; a second identical call changes nothing.
func (g *Graph[K]) Need(key, on K) {
	from, to := g.node(key), g.node(on)
	edge := [2]int{from, to}
	if _, ok := g.edges[edge]; ok {
		return
	}
	g.edges[edge] = struct{}{}
	g.needs[from] = append(g.needs[from], to)
	g.users[to] = append(g.users[to], from)
}

// Has reports whether key is a node.
func (g *Graph[K]) Has(key K) bool {
	_, ok := g.index[key]
	return ok
}

// Len returns the number of nodes.
func (g *Graph[K]) Len() int { return len(g.keys) }

// Nodes returns all nodes in the order they were added.
func (g *Graph[K]) Nodes() []K { return append([]K(nil), g.keys...) }

// Dependencies returns what key directly needs, in the order it was said.
func (g *Graph[K]) Dependencies(key K) []K {
	i, ok := g.index[key]
	if !ok {
		return nil
	}
	return g.pick(g.needs[i])
}

// Dependents returns the nodes that directly need key.
func (g *Graph[K]) Dependents(key K) []K {
	i, ok := g.index[key]
	if !ok {
		return nil
	}
	return g.pick(g.users[i])
}

// Order returns the nodes so that each comes after all it needs. Among nodes
// that are ready together the one added first comes first. It returns nil if
// the graph has a cycle.
func (g *Graph[K]) Order() []K {
	waiting := make([]int, len(g.keys))
	var ready intHeap
	for i := range g.keys {
		waiting[i] = len(g.needs[i])
		if waiting[i] == 0 {
			ready.push(i)
		}
	}
	order := make([]K, 0, len(g.keys))
	for len(ready) > 0 {
		i := ready.pop()
		order = append(order, g.keys[i])
		for _, user := range g.users[i] {
			if waiting[user]--; waiting[user] == 0 {
				ready.push(user)
			}
		}
	}
	if len(order) < len(g.keys) {
		return nil
	}
	return order
}

// Cycle returns the nodes of one cycle, each needing the next and the last
// needing the first, or nil if there is none. A node that needs itself is a
// cycle of one.
func (g *Graph[K]) Cycle() []K {
	const (
		unseen = iota
		onPath
		finished
	)
	state := make([]uint8, len(g.keys))
	next := make([]int, len(g.keys)) // per node: which of its needs to look at next
	for start := range g.keys {
		if state[start] != unseen {
			continue
		}
		path := []int{start}
		state[start] = onPath
		for len(path) > 0 {
			at := path[len(path)-1]
			if next[at] == len(g.needs[at]) {
				state[at] = finished
				path = path[:len(path)-1]
				continue
			}
			to := g.needs[at][next[at]]
			next[at]++
			switch state[to] {
			case unseen:
				state[to] = onPath
				path = append(path, to)
			case onPath:
				for path[0] != to {
					path = path[1:]
				}
				return g.pick(path)
			}
		}
	}
	return nil
}

func (g *Graph[K]) node(key K) int {
	if i, ok := g.index[key]; ok {
		return i
	}
	i := len(g.keys)
	g.index[key] = i
	g.keys = append(g.keys, key)
	g.needs = append(g.needs, nil)
	g.users = append(g.users, nil)
	return i
}

func (g *Graph[K]) pick(indexes []int) []K {
	out := make([]K, len(indexes))
	for i, n := range indexes {
		out[i] = g.keys[n]
	}
	return out
}

// intHeap is a min-heap of node numbers.
type intHeap []int

func (h *intHeap) push(n int) {
	s := append(*h, n)
	for i := len(s) - 1; i > 0; {
		parent := (i - 1) / 2
		if s[parent] <= s[i] {
			break
		}
		s[parent], s[i] = s[i], s[parent]
		i = parent
	}
	*h = s
}

func (h *intHeap) pop() int {
	s := *h
	top, last := s[0], len(s)-1
	s[0] = s[last]
	s = s[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && s[child+1] < s[child] {
			child++
		}
		if s[i] <= s[child] {
			break
		}
		s[i], s[child] = s[child], s[i]
		i = child
	}
	*h = s
	return top
}

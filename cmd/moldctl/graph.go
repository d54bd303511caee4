package main

import (
	"fmt"

	"github.com/moldctl/moldctl/core/graph/draw"
	"github.com/moldctl/moldctl/core/spec/addr"
)

type graphCommand struct {
	stackFlags
	Format string `enum:"dot,svg,html" default:"dot" help:"What to write: dot (for Graphviz), svg (a picture) or html (one page that needs nothing else)."`
}

// Run writes which block needs which. It needs no cloud.
func (c *graphCommand) Run(io streams) error {
	s, err := load(io, c.stackFlags, need{})
	if err != nil {
		return err
	}
	blocks, diags := s.Graph()
	if diags.HasErrors() {
		return s.fail(diags)
	}
	s.report(diags)
	picture := draw.Graph{Title: s.Stack.Name}
	if c.JSON {
		return writeJSON(io.out, graphOf(blocks.Nodes(), blocks.Dependencies, picture))
	}
	picture = graphOf(blocks.Nodes(), blocks.Dependencies, picture)
	text := picture.DOT()
	switch c.Format {
	case "svg":
		text = picture.SVG()
	case "html":
		text = picture.HTML()
	}
	if _, err := fmt.Fprint(io.out, text); err != nil {
		return err
	}
	return s.close()
}

// graphOf names the nodes of a graph.
func graphOf(nodes []addr.Resource, needs func(addr.Resource) []addr.Resource, g draw.Graph) draw.Graph {
	for _, a := range nodes {
		n := draw.Node{ID: a.String(), Kind: "resource", Group: string(a.Module), Needs: []string{}}
		if a.Mode == addr.Data {
			n.Kind = "data"
		}
		for _, on := range needs(a) {
			n.Needs = append(n.Needs, on.String())
		}
		g.Nodes = append(g.Nodes, n)
	}
	return g
}

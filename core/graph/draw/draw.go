// Package draw shows a dependency graph: as DOT for Graphviz, as SVG laid out
// by itself, and as one HTML page that needs nothing else.
//
// It knows names and edges only and imports nothing of this project.
package draw

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// Node is one box.
type Node struct {
	ID    string   `json:"id"`              // unique: an address
	Kind  string   `json:"kind"`            // "resource", "data" or another word; boxes of a kind look alike
	Group string   `json:"group,omitempty"` // what the box stands in, "" for nothing: a module
	Needs []string `json:"needs"`           // IDs of nodes this one waits for
}

// Graph is what is drawn. Nodes come in the order in which they are shown; it
// must have no cycle.
type Graph struct {
	Title string `json:"title"`
	Nodes []Node `json:"nodes"`
}

// DOT returns the graph in the language of Graphviz.
func (g Graph) DOT() string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %q {\n  rankdir = \"LR\";\n  node [shape = box, fontname = \"sans-serif\"];\n", g.Title)
	var groups []string
	for _, n := range g.Nodes {
		if n.Group != "" && !slices.Contains(groups, n.Group) {
			groups = append(groups, n.Group)
		}
	}
	for i, group := range groups {
		fmt.Fprintf(&b, "  subgraph \"cluster_%d\" {\n    label = %q;\n", i, group)
		for _, n := range g.Nodes {
			if n.Group == group {
				fmt.Fprintf(&b, "  %s", n.dot())
			}
		}
		b.WriteString("  }\n")
	}
	for _, n := range g.Nodes {
		if n.Group == "" {
			b.WriteString(n.dot())
		}
	}
	for _, n := range g.Nodes {
		for _, on := range n.Needs {
			fmt.Fprintf(&b, "  %q -> %q;\n", n.ID, on)
		}
	}
	b.WriteString("}\n")
	return b.String()
}

func (n Node) dot() string {
	style := ""
	if n.Kind == "data" {
		style = " [style = \"rounded,dashed\"]"
	}
	return fmt.Sprintf("  %q%s;\n", n.ID, style)
}

// SVG returns the graph as a picture.
func (g Graph) SVG() string { return g.layout().svg() }

// HTML returns a page with the picture: pointing at a box shows what it needs
// and what needs it, and a field finds boxes by name.
func (g Graph) HTML() string {
	return strings.NewReplacer("TITLE", html.EscapeString(g.Title), "COUNT", fmt.Sprint(len(g.Nodes)), "PICTURE", g.SVG()).Replace(page)
}

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>TITLE</title>
<style>
body { margin: 0; font: 14px sans-serif; color: #222; background: #fff; }
header { position: sticky; top: 0; left: 0; padding: 10px 16px; background: #f4f4f4; border-bottom: 1px solid #ccc; }
header input { margin-left: 16px; font: inherit; padding: 2px 6px; }
main { padding: 16px; overflow: auto; }
svg.dim .node, svg.dim .edge { opacity: 0.15; }
svg.dim .near { opacity: 1; }
.node { cursor: default; }
@media (prefers-color-scheme: dark) {
  body { color: #ddd; background: #1b1b1b; }
  header { background: #262626; border-color: #444; }
  svg { filter: invert(0.88) hue-rotate(180deg); }
}
</style>
</head>
<body>
<header><b>TITLE</b> &middot; COUNT blocks <label>find <input id="find" type="search"></label></header>
<main>
PICTURE
</main>
<script>
"use strict";
const svg = document.querySelector("svg");
const nodes = [...svg.querySelectorAll(".node")], edges = [...svg.querySelectorAll(".edge")];
function show(chosen) {
  for (const part of nodes.concat(edges)) part.classList.remove("near");
  svg.classList.toggle("dim", chosen.size > 0);
  if (chosen.size === 0) return;
  for (const edge of edges) {
    if (!chosen.has(edge.dataset.from) && !chosen.has(edge.dataset.to)) continue;
    edge.classList.add("near");
    for (const node of nodes)
      if (node.dataset.id === edge.dataset.from || node.dataset.id === edge.dataset.to) node.classList.add("near");
  }
  for (const node of nodes) if (chosen.has(node.dataset.id)) node.classList.add("near");
}
for (const node of nodes) {
  node.addEventListener("mouseenter", () => show(new Set([node.dataset.id])));
  node.addEventListener("mouseleave", () => show(new Set()));
}
document.getElementById("find").addEventListener("input", (event) => {
  const text = event.target.value;
  show(new Set(text === "" ? [] : nodes.map((n) => n.dataset.id).filter((id) => id.includes(text))));
});
</script>
</body>
</html>
`

package draw_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/moldctl/moldctl/core/graph/draw"
)

var diamond = draw.Graph{Title: `a & "b"`, Nodes: []draw.Node{
	{ID: "net.a", Kind: "resource"},
	{ID: `vm.b["<x>"]`, Kind: "resource", Needs: []string{"net.a"}},
	{ID: "data.zone.z", Kind: "data", Group: "module.m", Needs: []string{"net.a"}},
	{ID: "lb.c", Kind: "resource", Needs: []string{`vm.b["<x>"]`, "data.zone.z", "net.a"}},
}}

func TestDOT(t *testing.T) {
	t.Parallel()
	got := diamond.DOT()
	for _, want := range []string{
		`digraph "a & \"b\"" {`, `  "lb.c" -> "net.a";`, `"vm.b[\"<x>\"]" -> "net.a";`, `label = "module.m"`, `"data.zone.z" [style = "rounded,dashed"]`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in\n%s", want, got)
		}
	}
}

// rects reads the boxes of a picture: where each begins and ends.
func rects(t *testing.T, svg string) map[string][4]float64 {
	t.Helper()
	out := map[string][4]float64{}
	d := xml.NewDecoder(strings.NewReader(svg))
	id := ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("the picture is no XML: %v", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		attrs := map[string]string{}
		for _, a := range start.Attr {
			attrs[a.Name.Local] = a.Value
		}
		switch start.Name.Local {
		case "g":
			id = attrs["data-id"]
		case "rect":
			var r [4]float64
			for i, name := range []string{"x", "y", "width", "height"} {
				if r[i], err = strconv.ParseFloat(attrs[name], 64); err != nil {
					t.Fatal(err)
				}
			}
			out[id] = r
		}
	}
}

func TestSVG(t *testing.T) {
	t.Parallel()
	boxes := rects(t, diamond.SVG())
	if len(boxes) != len(diamond.Nodes) {
		t.Fatalf("%d boxes: %v", len(boxes), boxes)
	}
	for _, n := range diamond.Nodes {
		for _, on := range n.Needs {
			if boxes[n.ID][0] < boxes[on][0]+boxes[on][2] {
				t.Errorf("%s does not stand right of %s", n.ID, on)
			}
		}
	}
}

// TestLarge checks that boxes of a wide graph lie apart, and that it takes no
// time to speak of.
func TestLarge(t *testing.T) {
	t.Parallel()
	g := draw.Graph{Title: "large"}
	for i := range 500 {
		n := draw.Node{ID: fmt.Sprintf("thing.n%d", i), Kind: "resource"}
		if i >= 20 {
			n.Needs = []string{fmt.Sprintf("thing.n%d", i-20), fmt.Sprintf("thing.n%d", (i-20)/20*20)}
		}
		g.Nodes = append(g.Nodes, n)
	}
	boxes := rects(t, g.SVG())
	seen := map[[2]float64]string{}
	for id, r := range boxes {
		if other, ok := seen[[2]float64{r[0], r[1]}]; ok {
			t.Errorf("%s lies on %s", id, other)
		}
		seen[[2]float64{r[0], r[1]}] = id
	}
	if len(boxes) != 500 {
		t.Errorf("%d boxes", len(boxes))
	}
}

func TestHTML(t *testing.T) {
	t.Parallel()
	got := diamond.HTML()
	for _, want := range []string{"<title>a &amp; &#34;b&#34;</title>", "4 blocks", "<svg ", "</html>"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in the page", want)
		}
	}
	for _, outside := range []string{"src=", "href=", "@import"} {
		if strings.Contains(got, outside) {
			t.Errorf("the page is not complete in itself: %s", outside)
		}
	}
	if empty := (draw.Graph{}).HTML(); !strings.Contains(empty, "0 blocks") {
		t.Error("an empty graph has no page")
	}
}

package draw

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode"
)

// Sizes of the picture, in pixels.
const (
	margin    = 16
	boxHeight = 30
	gapDown   = 16
	gapRight  = 80
	letter    = 7.5 // how wide a letter is, generously
	sweeps    = 8   // how often boxes are ordered by their neighbours
)

// box is a node with its place.
type box struct {
	Node
	layer       int
	row         float64 // order within the layer while it is looked for
	x, y, width float64
	users       []*box
	needs       []*box
}

// picture is a graph laid out: what needs nothing stands left, each box right
// of all it needs.
type picture struct {
	title         string
	boxes         []*box
	width, height float64
}

func (g Graph) layout() *picture {
	p := &picture{title: g.Title}
	index := map[string]*box{}
	for _, n := range g.Nodes {
		b := &box{Node: n}
		index[n.ID] = b
		p.boxes = append(p.boxes, b)
	}
	for _, b := range p.boxes {
		for _, id := range b.Needs {
			if on := index[id]; on != nil && on != b {
				b.needs = append(b.needs, on)
				on.users = append(on.users, b)
			}
		}
	}
	layers := p.layers()
	order(layers)
	p.place(layers)
	return p
}

// layers puts each box one layer behind the last of those it needs.
func (p *picture) layers() [][]*box {
	waits := map[*box]int{}
	var ready []*box
	for _, b := range p.boxes {
		if waits[b] = len(b.needs); waits[b] == 0 {
			ready = append(ready, b)
		}
	}
	var layers [][]*box
	for len(ready) > 0 {
		b := ready[0]
		ready = ready[1:]
		for len(layers) <= b.layer {
			layers = append(layers, nil)
		}
		layers[b.layer] = append(layers[b.layer], b)
		for _, user := range b.users {
			user.layer = max(user.layer, b.layer+1)
			if waits[user]--; waits[user] == 0 {
				ready = append(ready, user)
			}
		}
	}
	return layers
}

// order sorts each layer by where the neighbours stand, to and fro, so that
// few lines cross.
func order(layers [][]*box) {
	number := func(layer []*box) {
		for i, b := range layer {
			b.row = float64(i) - float64(len(layer))/2
		}
	}
	for _, layer := range layers {
		number(layer)
	}
	middle := func(b *box, near []*box) float64 {
		if len(near) == 0 {
			return b.row
		}
		sum := 0.0
		for _, n := range near {
			sum += n.row
		}
		return sum / float64(len(near))
	}
	for sweep := range sweeps {
		for i := range layers {
			layer, forth := layers[i], sweep%2 == 0
			if !forth {
				layer = layers[len(layers)-1-i]
			}
			wish := map[*box]float64{}
			for _, b := range layer {
				near := b.users
				if forth {
					near = b.needs
				}
				wish[b] = middle(b, near)
			}
			slices.SortStableFunc(layer, func(x, y *box) int { return cmp.Compare(wish[x], wish[y]) })
			number(layer)
		}
	}
}

func (p *picture) place(layers [][]*box) {
	tallest := 0
	for _, layer := range layers {
		tallest = max(tallest, len(layer))
	}
	x := float64(margin)
	for _, layer := range layers {
		widest := 0.0
		for _, b := range layer {
			b.width = textWidth(b.ID) + 24
			widest = max(widest, b.width)
		}
		down := float64(tallest-len(layer)) * (boxHeight + gapDown) / 2
		for i, b := range layer {
			b.x, b.y = x, margin+down+float64(i)*(boxHeight+gapDown)
		}
		x += widest + gapRight
	}
	p.width = max(x-gapRight+margin, 2*margin)
	p.height = float64(2*margin+tallest*(boxHeight+gapDown)) - gapDown
	if tallest == 0 {
		p.height = 2 * margin
	}
}

// textWidth estimates how wide a text is drawn; East Asian letters are wide.
func textWidth(s string) float64 {
	width := 0.0
	for _, r := range s {
		width += letter
		if unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana) {
			width += letter
		}
	}
	return width
}

// colours of the kinds of boxes: filling and border.
func colours(kind string) (fill, line string) {
	switch kind {
	case "data":
		return "#f3f0fb", "#7a5cc0"
	case "resource":
		return "#eaf3fc", "#2b6cb0"
	}
	return "#f4f4f4", "#777777"
}

func (p *picture) svg() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" font-family="monospace" font-size="12">`+"\n",
		p.width, p.height, p.width, p.height)
	fmt.Fprintf(&b, "<title>%s</title>\n", html.EscapeString(p.title))
	b.WriteString(`<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#888888"/></marker></defs>` + "\n")
	for _, to := range p.boxes {
		for _, from := range to.needs {
			x1, y1, x2, y2 := from.x+from.width, from.y+boxHeight/2, to.x, to.y+boxHeight/2
			bend := max((x2-x1)/2, gapRight/2)
			fmt.Fprintf(&b, `<path class="edge" data-from="%s" data-to="%s" d="M%.1f,%.1f C%.1f,%.1f %.1f,%.1f %.1f,%.1f" fill="none" stroke="#888888" marker-end="url(#arrow)"/>`+"\n",
				html.EscapeString(from.ID), html.EscapeString(to.ID), x1, y1, x1+bend, y1, x2-bend, y2, x2, y2)
		}
	}
	for _, n := range p.boxes {
		fill, line := colours(n.Kind)
		dash := ""
		if n.Kind == "data" {
			dash = ` stroke-dasharray="4 3"`
		}
		fmt.Fprintf(&b, `<g class="node" data-id="%s"><rect x="%.1f" y="%.1f" width="%.1f" height="%d" rx="5" fill="%s" stroke="%s"%s/><text x="%.1f" y="%.1f" fill="#222222">%s</text></g>`+"\n",
			html.EscapeString(n.ID), n.x, n.y, n.width, boxHeight, fill, line, dash, n.x+12, n.y+boxHeight/2+4, html.EscapeString(n.ID))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// Package bench measures what the engine costs beside the cloud: generated
// stacks are planned, applied, planned again and destroyed, each phase in a
// process of its own as on the command line, with a plugin process that does
// nothing. `make bench` prints wall time, processor time of all processes,
// bytes written and peak memory for each size and how they grow with it.
//
// It holds the generator; the measuring is a benchmark. Nothing imports it.
package bench

import (
	"fmt"
	"strings"
)

// width is how many objects a layer has.
const width = 10

// Independent is a stack of n objects that know nothing of each other.
func Independent(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "resource \"thing\" \"n%d\" {\n  name = \"n%d\"\n}\n\n", i, i)
	}
	return b.String()
}

// Layered is a stack of n objects, each of which names two of the layer before.
func Layered(n int) string {
	var b strings.Builder
	for i := range n {
		on := `["ground"]`
		if i >= width {
			below := (i/width - 1) * width
			on = fmt.Sprintf("[thing.n%d.id, thing.n%d.id]", below+i%width, below+(i+3)%width)
		}
		fmt.Fprintf(&b, "resource \"thing\" \"n%d\" {\n  name = \"n%d\"\n  on   = %s\n}\n\n", i, i, on)
	}
	return b.String()
}

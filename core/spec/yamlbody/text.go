package yamlbody

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v4"
)

// text is a source with what is needed to find places in it quickly, however
// long its lines are.
type text struct {
	name  string
	src   []byte
	lines []int // offset of the start of each line
	runes []int // number of runes before each multiple of stride
}

const stride = 256

func newText(name string, src []byte) *text {
	t := &text{name: name, src: src, lines: []int{0}}
	count := 0
	for i, c := range src {
		if i%stride == 0 {
			t.runes = append(t.runes, count)
		}
		if utf8.RuneStart(c) {
			count++
		}
		if c == '\n' || c == '\r' && (i+1 == len(src) || src[i+1] != '\n') {
			t.lines = append(t.lines, i+1)
		}
	}
	t.runes = append(t.runes, count)
	return t
}

// runesBefore counts the runes before a byte.
func (t *text) runesBefore(offset int) int {
	block := offset / stride
	return t.runes[block] + runeStarts(t.src[block*stride:offset])
}

func runeStarts(b []byte) int {
	n := 0
	for _, c := range b {
		if utf8.RuneStart(c) {
			n++
		}
	}
	return n
}

// offset is the byte at a line and column as the YAML library counts them:
// both from 1, columns in runes.
func (t *text) offset(line, column int) int {
	if line < 1 || line > len(t.lines) {
		return len(t.src)
	}
	start := t.lines[line-1]
	want := t.runesBefore(start) + max(column-1, 0) // runes before the place
	block, found := slices.BinarySearch(t.runes, want)
	if !found {
		block--
	}
	at := min(max(start, block*stride), len(t.src))
	for at < len(t.src) && !utf8.RuneStart(t.src[at]) {
		at++ // the block starts inside a rune, which counts to the one before
	}
	for left := want - t.runesBefore(at); left > 0 && at < len(t.src); left-- {
		_, n := utf8.DecodeRune(t.src[at:])
		at += n
	}
	return at
}

// pos is the position of a byte.
func (t *text) pos(offset int) hcl.Pos {
	offset = min(max(offset, 0), len(t.src))
	line, found := slices.BinarySearch(t.lines, offset)
	if !found {
		line--
	}
	return hcl.Pos{Line: line + 1, Column: t.runesBefore(offset) - t.runesBefore(t.lines[line]) + 1, Byte: offset}
}

func (t *text) rangeOf(start, end int) hcl.Range {
	return hcl.Range{Filename: t.name, Start: t.pos(start), End: t.pos(max(start, end))}
}

// start is the one-character range a node starts with.
func (t *text) start(n *yaml.Node) *hcl.Range {
	at := t.offset(n.Line, n.Column)
	r := t.rangeOf(at, at+1)
	return &r
}

// rangeFor is the range of a whole node.
func (t *text) rangeFor(n *yaml.Node) hcl.Range {
	return t.rangeOf(t.offset(n.Line, n.Column), t.end(n))
}

// end is the offset behind a node.
func (t *text) end(n *yaml.Node) int {
	at := t.offset(n.Line, n.Column)
	switch n.Kind {
	case yaml.ScalarNode:
		m := t.scalar(n)
		return max(at, m.close)
	case yaml.AliasNode:
		return min(at+1+len(n.Value), len(t.src))
	}
	at = t.skipProperties(at, n)
	end := at
	if len(n.Content) > 0 {
		end = max(end, t.end(n.Content[len(n.Content)-1]))
	}
	if n.Style&yaml.FlowStyle == 0 {
		return end
	}
	if len(n.Content) == 0 {
		end++ // the opening bracket
	}
	return t.closing(end)
}

// closing finds the bracket that ends a flow collection, behind blanks, commas
// and comments.
func (t *text) closing(at int) int {
	for i := at; i < len(t.src); i++ {
		switch t.src[i] {
		case ' ', '\t', '\n', '\r', ',':
		case '#':
			if j := bytes.IndexByte(t.src[i:], '\n'); j >= 0 {
				i += j
			} else {
				return at
			}
		case ']', '}':
			return i + 1
		default:
			return at
		}
	}
	return at
}

// skipProperties steps over a node's tag and anchor.
func (t *text) skipProperties(at int, n *yaml.Node) int {
	if n.Anchor == "" && n.Style&yaml.TaggedStyle == 0 {
		return at
	}
	for at < len(t.src) && (t.src[at] == '!' || t.src[at] == '&') {
		for at < len(t.src) && !isBlank(t.src[at]) {
			at++
		}
		for at < len(t.src) && isBlank(t.src[at]) {
			at++
		}
	}
	return at
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

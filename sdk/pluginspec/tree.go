package pluginspec

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v4"
)

// A tree is what the YAML of one plugin.yaml says, kept beside it so that a
// run need not read YAML: half of the time that schemas take. It begins with
// the text's fingerprint; then come the nodes, each before what is in it, with
// kind, style, line, column, value and how many nodes it holds.

// EncodeTree makes the tree of a plugin.yaml without mistakes.
func EncodeTree(filename string, src []byte) ([]byte, error) {
	if _, diags := Parse(filename, src); diags.HasErrors() {
		return nil, fmt.Errorf("make the tree of %s: %w", filename, diags)
	}
	sum := sha256.Sum256(src)
	return appendNode(sum[:], newSource(filename, src).document()), nil
}

// ParseTree is Parse for a text whose tree is known. A tree that is missing or
// was made of another text is not used. In one that is, templates are not
// looked at again: only a text without mistakes has a tree.
func ParseTree(filename string, src, tree []byte) (*Plugin, hcl.Diagnostics) {
	s := newSource(filename, src)
	if root, err := decodeTree(src, tree); err == nil {
		s.sound = true
		return s.parse(root)
	}
	return s.parse(s.document())
}

func appendNode(out []byte, n *yaml.Node) []byte {
	n = resolve(n)
	for _, number := range []int{int(n.Kind), int(n.Style), n.Line, n.Column, len(n.Value)} {
		out = binary.AppendUvarint(out, uint64(number))
	}
	out = append(out, n.Value...)
	out = binary.AppendUvarint(out, uint64(len(n.Content)))
	for _, inner := range n.Content {
		out = appendNode(out, inner)
	}
	return out
}

var errTree = errors.New("not the tree of this text")

func decodeTree(src, tree []byte) (*yaml.Node, error) {
	sum := sha256.Sum256(src)
	rest, fits := bytes.CutPrefix(tree, sum[:])
	if !fits {
		return nil, errTree
	}
	d := treeDecoder{rest: string(rest)}
	root := d.node()
	if d.broken || d.rest != "" {
		return nil, errTree
	}
	return root, nil
}

// treeDecoder takes nodes from the start of rest. Values are parts of that one
// text.
type treeDecoder struct {
	rest   string
	spare  []yaml.Node // nodes are made many at a time
	broken bool
}

func (d *treeDecoder) node() *yaml.Node {
	if len(d.spare) == 0 {
		d.spare = make([]yaml.Node, 256)
	}
	n := &d.spare[0]
	d.spare = d.spare[1:]
	n.Kind, n.Style, n.Line, n.Column = yaml.Kind(d.number()), yaml.Style(d.number()), d.number(), d.number()
	length := d.atMost(d.number())
	n.Value, d.rest = d.rest[:length], d.rest[length:]
	if count := d.atMost(d.number()); count > 0 && !d.broken {
		n.Content = make([]*yaml.Node, count)
		for i := range n.Content {
			n.Content[i] = d.node()
		}
	}
	return n
}

// atMost bounds what counts bytes or nodes by the bytes that are left.
func (d *treeDecoder) atMost(count int) int {
	if count > len(d.rest) {
		d.broken = true
	}
	return min(count, len(d.rest))
}

func (d *treeDecoder) number() int {
	value := 0
	for i := 0; i < len(d.rest) && i < 4; i++ {
		value |= int(d.rest[i]&0x7f) << (7 * i)
		if d.rest[i] < 0x80 {
			d.rest = d.rest[i+1:]
			return value
		}
	}
	d.broken, d.rest = true, ""
	return 0
}

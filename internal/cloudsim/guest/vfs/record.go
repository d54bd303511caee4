package vfs

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"
)

// Operations of a record. A directory that was put keeps the children it has.
const (
	opPut    = 'p'
	opAppend = 'a'
	opDelete = 'd'
)

// diff encodes the changes that lead from one tree to another. Trees share all
// nodes that did not change, so its cost follows the changes.
func diff(from, to *Node) []byte {
	var e encoder
	e.tree(nil, from, to)
	return e.out
}

type encoder struct{ out []byte }

func (e *encoder) tree(parts []string, from, to *Node) {
	if from == to {
		return
	}
	name := strings.Join(parts, "/")
	if from != nil && from.mode.Type() != to.mode.Type() {
		e.head(opDelete, name)
		from = nil
	}
	if from == nil || !sameMeta(from, to) || !sameData(from.data, to.data) {
		e.node(name, from, to)
	}
	if !to.mode.IsDir() {
		return
	}
	var old map[string]*Node
	if from != nil {
		old = from.kids
	}
	for _, kid := range slices.Sorted(maps.Keys(old)) {
		if to.kids[kid] == nil {
			e.head(opDelete, strings.Join(append(slices.Clip(parts), kid), "/"))
		}
	}
	for _, kid := range slices.Sorted(maps.Keys(to.kids)) {
		e.tree(append(slices.Clip(parts), kid), old[kid], to.kids[kid])
	}
}

func sameMeta(a, b *Node) bool {
	return a.mode == b.mode && a.uid == b.uid && a.gid == b.gid && a.target == b.target && a.mtime.Equal(b.mtime)
}

// sameData compares by identity: equal content in another place counts as a
// change, which costs space but is never wrong.
func sameData(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

func (e *encoder) node(name string, from, to *Node) {
	op, data := byte(opPut), to.data
	if from != nil && len(from.data) > 0 && len(to.data) >= len(from.data) && &from.data[0] == &to.data[0] {
		op, data = opAppend, to.data[len(from.data):]
	}
	e.head(op, name)
	e.out = binary.AppendUvarint(e.out, uint64(to.mode))
	e.out = binary.AppendUvarint(e.out, uint64(to.uid))
	e.out = binary.AppendUvarint(e.out, uint64(to.gid))
	e.out = binary.AppendVarint(e.out, to.mtime.UnixNano())
	e.text(to.target)
	e.text(string(data))
}

func (e *encoder) head(op byte, name string) {
	e.out = append(e.out, op)
	e.text(name)
}

func (e *encoder) text(s string) {
	e.out = binary.AppendUvarint(e.out, uint64(len(s)))
	e.out = append(e.out, s...)
}

// apply carries out an encoded difference.
func apply(f *FS, batch []byte) error {
	d := decoder{in: batch}
	for len(d.in) > 0 && d.err == nil {
		op := d.in[0]
		d.in = d.in[1:]
		name := string(d.bytes())
		parts := split(name)
		if op == opDelete {
			if f.at(parts) != nil {
				f.graft(parts, nil)
			}
			continue
		}
		if op != opPut && op != opAppend {
			return fmt.Errorf("unknown change %q of %s", op, name)
		}
		n := &Node{mode: fs.FileMode(d.uint()), uid: int(d.uint()), gid: int(d.uint())}
		n.mtime = time.Unix(0, d.int()).UTC()
		n.target = string(d.bytes())
		n.data = d.bytes()
		if d.err != nil {
			break
		}
		old := f.at(parts)
		if len(parts) > 0 && f.at(parts[:len(parts)-1]) == nil {
			return fmt.Errorf("change of %s without its directory", name)
		}
		switch {
		case op == opAppend && old != nil:
			n.data = append(slices.Clip(old.data), n.data...)
		case n.mode.IsDir():
			n.kids = map[string]*Node{}
			if old != nil && old.kids != nil {
				n.kids = old.kids
			}
		}
		f.graft(parts, n)
	}
	return d.err
}

// graft is put without touching the time of the directory above: the record of
// that directory carries it.
func (f *FS) graft(parts []string, n *Node) {
	if len(parts) == 0 {
		f.root = n
		return
	}
	f.root = with(f.root, parts, n, time.Time{})
}

type decoder struct {
	in  []byte
	err error
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.in)
	if n <= 0 {
		d.err = fmt.Errorf("damaged change record")
		d.in = nil
		return 0
	}
	d.in = d.in[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.in)
	if n <= 0 {
		d.err = fmt.Errorf("damaged change record")
		d.in = nil
		return 0
	}
	d.in = d.in[n:]
	return v
}

func (d *decoder) bytes() []byte {
	size := d.uint()
	if size > uint64(len(d.in)) {
		d.err = fmt.Errorf("damaged change record")
		d.in = nil
		return nil
	}
	b := d.in[:size:size]
	d.in = d.in[size:]
	return b
}

// sizeOf counts the bytes of files that are not shared with the base tree.
func sizeOf(base, n *Node) int {
	if base == n {
		return 0
	}
	total := 0
	if base == nil || !sameData(base.data, n.data) {
		total = len(n.data)
	}
	for name, kid := range n.kids {
		var below *Node
		if base != nil {
			below = base.kids[name]
		}
		total += sizeOf(below, kid)
	}
	return total
}

package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// block is one resource block of a random stack.
type block struct {
	typ, name string
	keys      []string // of for_each; none: a single instance
	before    bool     // create_before_destroy
	timeout   string   // of create; "" = none
	label     string   // changes in place
	sort      string   // a change needs another object
	ports     []int
	on        map[string]*block // attribute → the block it refers to
}

// stack is what a user wants.
type stack struct {
	blocks []*block
	serial int
}

// parents are the attributes by which a type refers to others: the type, and
// whether it must.
var parents = map[string]map[string]struct {
	typ  string
	must bool
}{
	"vm":    {"net": {"net", true}, "image": {"image", false}},
	"disk":  {"vm": {"vm", false}},
	"addr":  {"net": {"net", true}},
	"rules": {"addr": {"addr", true}},
}

var allTypes = []string{"net", "vm", "disk", "group", "addr", "rules", "image"}

func (s *stack) of(typ string) []*block {
	var out []*block
	for _, b := range s.blocks {
		if b.typ == typ {
			out = append(out, b)
		}
	}
	return out
}

// add puts a block of a type in, with what it must stand on.
func (s *stack) add(r *rand.Rand, typ string) *block {
	s.serial++
	b := &block{typ: typ, name: fmt.Sprintf("%s%d", typ[:1], s.serial), label: s.word(), sort: s.word(), on: map[string]*block{}}
	for _, attribute := range sortedNames(parents[typ]) {
		p := parents[typ][attribute]
		there := s.of(p.typ)
		switch {
		case p.must && len(there) == 0:
			b.on[attribute] = s.add(r, p.typ)
		case p.must || len(there) > 0 && r.IntN(2) == 0:
			b.on[attribute] = there[r.IntN(len(there))]
		}
	}
	if typ == "rules" && slices.ContainsFunc(s.of("rules"), func(o *block) bool { return o.on["addr"] == b.on["addr"] }) {
		b.on["addr"] = s.add(r, "addr") // two sets of one address would fight
	}
	if r.IntN(3) == 0 && typ != "rules" {
		b.keys = []string{"x", "y", "z"}[:1+r.IntN(3)]
	}
	if typ == "net" || typ == "rules" {
		b.ports = somePorts(r)
	}
	if r.IntN(4) == 0 {
		b.timeout = "150s"
	}
	s.blocks = append(s.blocks, b)
	if r.IntN(4) == 0 && typ != "group" && typ != "rules" {
		s.createBefore(b)
	}
	s.propagate()
	return b
}

// createBefore makes a block, and what it stands on, be replaced the other way
// round: one without the other has no order.
func (s *stack) createBefore(b *block) {
	b.before = true
	for _, p := range b.on {
		s.createBefore(p)
	}
}

func (s *stack) propagate() {
	for _, b := range s.blocks {
		if b.before {
			s.createBefore(b)
		}
	}
}

func (s *stack) word() string {
	s.serial++
	return fmt.Sprintf("w%d", s.serial)
}

func somePorts(r *rand.Rand) []int {
	var out []int
	for _, p := range []int{22, 80, 443} {
		if r.IntN(2) == 0 {
			out = append(out, p)
		}
	}
	return out
}

func sortedNames[V any](m map[string]V) []string {
	var out []string
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// newStack makes up a stack.
func newStack(r *rand.Rand) *stack {
	s := &stack{}
	for range 3 + r.IntN(5) {
		s.add(r, allTypes[r.IntN(len(allTypes))])
	}
	return s
}

// remove takes a block out, and what cannot be without it.
func (s *stack) remove(b *block) {
	s.blocks = slices.DeleteFunc(s.blocks, func(o *block) bool { return o == b })
	for _, other := range slices.Clone(s.blocks) {
		for attribute, p := range other.on {
			if p != b {
				continue
			}
			delete(other.on, attribute)
			if parents[other.typ][attribute].must {
				s.remove(other)
			}
		}
	}
}

// edit changes one thing, as a user does between two runs.
func (s *stack) edit(r *rand.Rand) {
	if len(s.blocks) == 0 {
		s.add(r, "net")
		return
	}
	b := s.blocks[r.IntN(len(s.blocks))]
	switch r.IntN(9) {
	case 0, 1:
		b.label = s.word()
	case 2, 3:
		b.sort = s.word()
	case 4:
		if len(s.blocks) < 9 {
			s.add(r, allTypes[r.IntN(len(allTypes))])
		}
	case 5:
		s.remove(b)
	case 6:
		if b.keys != nil {
			b.keys = []string{"x", "y", "z"}[:1+r.IntN(3)]
		} else {
			b.label = s.word()
		}
	case 7:
		if b.typ == "net" || b.typ == "rules" {
			b.ports = somePorts(r)
		} else {
			b.sort = s.word()
		}
	case 8:
		s.reattach(r, b)
	}
	s.propagate()
}

// reattach lets an optional reference go, or makes one, or moves a must.
func (s *stack) reattach(r *rand.Rand, b *block) {
	for _, attribute := range sortedNames(parents[b.typ]) {
		p := parents[b.typ][attribute]
		there := s.of(p.typ)
		switch {
		case b.typ == "rules":
		case !p.must && b.on[attribute] != nil:
			delete(b.on, attribute)
		case len(there) > 0:
			b.on[attribute] = there[r.IntN(len(there))]
		}
	}
}

// instance is one object that a stack wants.
type instance struct {
	addr   string
	block  *block
	key    string            // of for_each, or ""
	parent map[string]string // attribute → address of the instance referred to
}

// name is what the object is called in the cloud.
func (i instance) name() string {
	return strings.TrimSuffix(i.block.name+"-"+i.key, "-")
}

// cloudName is the field name of its object.
func (i instance) cloudName() string {
	if i.block.typ == "vm" {
		return i.name() + "-" + i.block.sort
	}
	return i.name()
}

func (s *stack) instances() []instance {
	var out []instance
	for _, b := range s.blocks {
		keys := b.keys
		if keys == nil {
			keys = []string{""}
		}
		for _, key := range keys {
			i := instance{addr: addressOf(b, key), block: b, key: key, parent: map[string]string{}}
			for attribute, p := range b.on {
				i.parent[attribute] = addressOf(p, parentKey(b, p, key))
			}
			out = append(out, i)
		}
	}
	return out
}

func addressOf(b *block, key string) string {
	if b.keys == nil {
		return b.typ + "." + b.name
	}
	return fmt.Sprintf("%s.%s[%q]", b.typ, b.name, key)
}

// parentKey says which instance of p an instance of b refers to: the one of the
// same key if all have one, else the first.
func parentKey(b, p *block, key string) string {
	switch {
	case p.keys == nil:
		return ""
	case paired(b, p):
		return key
	}
	return "x"
}

func paired(b, p *block) bool { return b.keys != nil && len(p.keys) >= len(b.keys) }

// text is the stack as its user writes it.
func (s *stack) text() string {
	var out strings.Builder
	for _, b := range s.blocks {
		b.write(&out)
	}
	return out.String()
}

func (b *block) write(out *strings.Builder) {
	fmt.Fprintf(out, "resource %q %q {\n", b.typ, b.name)
	name := fmt.Sprintf("%q", b.name)
	if b.keys != nil {
		fmt.Fprintf(out, "  for_each = toset([\"%s\"])\n", strings.Join(b.keys, `", "`))
		name = fmt.Sprintf("%q", b.name+"-${each.key}")
	}
	line := func(attribute, value string) { fmt.Fprintf(out, "  %s = %s\n", attribute, value) }
	switch b.typ {
	case "net":
		line("name", name)
		line("note", fmt.Sprintf("%q", b.label))
		line("gate", fmt.Sprintf("%q", b.sort))
	case "vm":
		line("label", fmt.Sprintf("%q", b.label))
		line("host", strings.TrimSuffix(name, `"`)+"-"+b.sort+`"`)
	case "disk":
		line("name", name)
		line("sort", fmt.Sprintf("%q", b.sort))
	case "group":
		line("name", name)
		line("note", fmt.Sprintf("%q", b.sort))
	case "image":
		line("name", name)
		line("size", b.size())
	}
	for _, attribute := range sortedNames(b.on) {
		p := b.on[attribute]
		ref := p.typ + "." + p.name
		switch {
		case p.keys == nil:
		case paired(b, p):
			ref += "[each.key]"
		default:
			ref += `["x"]`
		}
		line(attribute, ref+".id")
	}
	child := map[string]string{"net": "egress", "rules": "rule"}[b.typ]
	for _, port := range b.ports {
		fmt.Fprintf(out, "  %s {\n    ports = \"%d\"\n  }\n", child, port)
	}
	if b.timeout != "" {
		fmt.Fprintf(out, "  timeouts {\n    create = %q\n  }\n", b.timeout)
	}
	if b.before {
		out.WriteString("  lifecycle {\n    create_before_destroy = true\n  }\n")
	}
	out.WriteString("}\n")
}

// size is the image's size, made of its label.
func (b *block) size() string { return strings.TrimPrefix(b.label, "w") }

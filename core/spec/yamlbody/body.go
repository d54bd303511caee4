package yamlbody

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v4"

	"github.com/moldctl/moldctl/core/diag"
)

// body is a mapping seen as the content of a block.
type body struct {
	text    *text
	node    *yaml.Node      // the mapping; for a pipeline the list of its steps; nil for an empty block
	hidden  map[string]bool // keys taken by an earlier PartialContent
	missing hcl.Range       // where to report what is not there
}

var _ hcl.Body = (*body)(nil)

// Content implements hcl.Body: whatever the schema does not name is an error.
func (b *body) Content(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Diagnostics) {
	content, rest, diags := b.PartialContent(schema)
	hidden := rest.(*body).hidden
	for _, item := range b.items() {
		if hidden[item.name()] {
			continue
		}
		var names []string
		for _, a := range schema.Attributes {
			names = append(names, a.Name)
		}
		for _, block := range schema.Blocks {
			names = append(names, block.Type)
		}
		summary, what := "Unsupported argument", "An argument or block"
		if len(schema.Attributes) == 0 {
			summary, what = "Unsupported block type", "A block"
		}
		diags = append(diags, diag.Errorf(b.text.rangeFor(item.key).Ptr(), summary, "%s named %q is not expected here.%s",
			what, item.name(), diag.DidYouMean(item.name(), names)))
	}
	return content, diags
}

// PartialContent implements hcl.Body.
func (b *body) PartialContent(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Body, hcl.Diagnostics) {
	content := &hcl.BodyContent{Attributes: hcl.Attributes{}, MissingItemRange: b.missing}
	hidden := map[string]bool{}
	for name := range b.hidden {
		hidden[name] = true
	}
	rest := &body{text: b.text, node: b.node, hidden: hidden, missing: b.missing}
	var diags hcl.Diagnostics
	items := map[string]item{}
	for _, it := range b.items() {
		if !b.hidden[it.name()] {
			items[it.name()] = it
		}
	}
	blockTypes := map[string]bool{}
	for _, s := range schema.Blocks {
		blockTypes[s.Type] = true
	}
	for _, a := range schema.Attributes {
		it, ok := items[a.Name]
		if ok && blockTypes[a.Name] && !isExpression(it.value) {
			continue // written as blocks
		}
		if !ok {
			if a.Required {
				diags = append(diags, diag.Errorf(b.missing.Ptr(), "Missing required argument", "The argument %q is required, but no definition was found.", a.Name))
			}
			continue
		}
		hidden[a.Name] = true
		attr, more := b.attribute(it)
		content.Attributes[a.Name], diags = attr, append(diags, more...)
	}
	var wanted []hcl.BlockHeaderSchema
	for _, s := range schema.Blocks {
		if content.Attributes[s.Type] == nil {
			wanted = append(wanted, s)
		}
		hidden[s.Type] = true
	}
	blocks, more := b.blocks(wanted)
	content.Blocks, diags = blocks, append(diags, more...)
	return content, rest, diags
}

// JustAttributes implements hcl.Body: everything is an argument.
func (b *body) JustAttributes() (hcl.Attributes, hcl.Diagnostics) {
	attrs := hcl.Attributes{}
	var diags hcl.Diagnostics
	for _, it := range b.items() {
		if b.hidden[it.name()] {
			continue
		}
		attr, more := b.attribute(it)
		attrs[it.name()], diags = attr, append(diags, more...)
	}
	return attrs, diags
}

// MissingItemRange implements hcl.Body.
func (b *body) MissingItemRange() hcl.Range { return b.missing }

func (b *body) attribute(it item) (*hcl.Attribute, hcl.Diagnostics) {
	expr, diags := b.text.expression(it.value)
	name := b.text.rangeFor(it.key)
	return &hcl.Attribute{Name: it.name(), Expr: expr, NameRange: name, Range: hcl.RangeBetween(name, expr.Range())}, diags
}

// item is one entry of a mapping.
type item struct{ key, value *yaml.Node }

func (i item) name() string { return i.key.Value }

func (b *body) items() []item {
	if b.node == nil || b.node.Kind != yaml.MappingNode {
		return nil
	}
	return itemsOf(b.node)
}

func itemsOf(n *yaml.Node) []item {
	items := make([]item, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		items = append(items, item{n.Content[i], n.Content[i+1]})
	}
	return items
}

// blocks collects the blocks of the wanted types in the order of the text.
func (b *body) blocks(wanted []hcl.BlockHeaderSchema) (hcl.Blocks, hcl.Diagnostics) {
	schemas := map[string]hcl.BlockHeaderSchema{}
	for _, s := range wanted {
		schemas[s.Type] = s
	}
	var out hcl.Blocks
	var diags hcl.Diagnostics
	if s, ok := schemas["step"]; ok && b.node != nil && b.node.Kind == yaml.SequenceNode && len(s.LabelNames) == 2 {
		return b.steps()
	}
	for _, it := range b.items() {
		schema, ok := schemas[it.name()]
		if !ok || b.hidden[it.name()] {
			continue
		}
		m := maker{text: b.text, schema: schema, typeRange: b.text.rangeFor(it.key)}
		m.make(it.value, nil, nil)
		out, diags = append(out, m.blocks...), append(diags, m.diags...)
	}
	return out, diags
}

// maker makes the blocks of one type from the value of its key.
type maker struct {
	text      *text
	schema    hcl.BlockHeaderSchema
	typeRange hcl.Range
	blocks    hcl.Blocks
	diags     hcl.Diagnostics
}

// make descends one level per label, then makes a block of a mapping or of
// each mapping in a list.
func (m *maker) make(n *yaml.Node, labels []string, ranges []hcl.Range) {
	n = follow(n)
	if len(labels) < len(m.schema.LabelNames) {
		m.labels(n, labels, ranges)
		return
	}
	switch {
	case n.Kind == yaml.MappingNode, isNull(n):
		m.block(n, labels, ranges)
	case n.Kind == yaml.SequenceNode && m.schema.Type == "pipeline":
		m.block(n, labels, ranges)
	case n.Kind == yaml.SequenceNode:
		for _, child := range n.Content {
			child = follow(child)
			if child.Kind != yaml.MappingNode {
				m.wrong(child)
				continue
			}
			m.element(child).block(child, labels, ranges)
		}
	default:
		m.wrong(n)
	}
}

// labels descends into the mapping whose keys are the next label. A list of
// such mappings does as well, for blocks whose label is optional.
func (m *maker) labels(n *yaml.Node, labels []string, ranges []hcl.Range) {
	label := m.schema.LabelNames[len(labels)]
	if n.Kind == yaml.SequenceNode && len(labels) == 0 {
		for _, child := range n.Content {
			child = follow(child)
			m.element(child).make(child, nil, nil)
		}
		return
	}
	if n.Kind != yaml.MappingNode {
		m.diags = append(m.diags, m.missingLabel(n, label))
		return
	}
	var nested bool
	for _, it := range itemsOf(n) {
		nested = nested || follow(it.value).Kind != yaml.ScalarNode
	}
	for _, it := range itemsOf(n) {
		value := follow(it.value)
		if value.Kind == yaml.ScalarNode && !isNull(value) {
			d := m.missingLabel(it.key, label)
			if nested {
				d.Summary = "Unexpected value"
				d.Detail = fmt.Sprintf("Each key below %q is the %s of a block, so a mapping belongs here.", m.schema.Type, label)
			}
			m.diags = append(m.diags, d)
			if !nested {
				return // one report for all arguments that stand in the labels' place
			}
			continue
		}
		m.make(it.value, append(labels[:len(labels):len(labels)], it.name()), append(ranges[:len(ranges):len(ranges)], m.text.rangeFor(it.key)))
	}
}

// element changes the place of the block's type to a list element, so that
// each block of a list has a place of its own.
func (m *maker) element(n *yaml.Node) *maker {
	if n.Kind == yaml.MappingNode && len(n.Content) > 0 {
		m.typeRange = m.text.rangeFor(n.Content[0])
	} else {
		m.typeRange = m.text.rangeFor(n)
	}
	return m
}

func (m *maker) missingLabel(n *yaml.Node, label string) *hcl.Diagnostic {
	return diag.Errorf(m.text.rangeFor(n).Ptr(), fmt.Sprintf("Missing %s for %s", label, m.schema.Type),
		"Blocks of type %q are named by keys: %s.", m.schema.Type, strings.Join(append([]string{m.schema.Type}, m.schema.LabelNames...), ": "))
}

func (m *maker) wrong(n *yaml.Node) {
	m.diags = append(m.diags, diag.Errorf(m.text.rangeFor(n).Ptr(), "Unexpected value",
		"%q is a block, so a mapping of its arguments belongs here, or a list of such mappings for several blocks.", m.schema.Type))
}

func (m *maker) block(n *yaml.Node, labels []string, ranges []hcl.Range) {
	def := m.typeRange
	if len(ranges) > 0 {
		def = ranges[len(ranges)-1]
	}
	if n.Kind == yaml.ScalarNode {
		n = nil
	}
	m.blocks = append(m.blocks, &hcl.Block{
		Type: m.schema.Type, Labels: labels, LabelRanges: ranges, TypeRange: m.typeRange, DefRange: def,
		Body: &body{text: m.text, node: n, missing: def},
	})
}

// steps reads the ordered list that a pipeline is: each element is a mapping of
// the one key "kind/name" to the step's arguments.
func (b *body) steps() (hcl.Blocks, hcl.Diagnostics) {
	var out hcl.Blocks
	var diags hcl.Diagnostics
	for _, child := range b.node.Content {
		child = follow(child)
		at := b.text.rangeFor(child)
		invalid := func() {
			diags = append(diags, diag.Error(at.Ptr(), "Invalid step", "A step is written \"kind/name: {its arguments}\", as in \"- service/httpd: {name: httpd}\"."))
		}
		if child.Kind != yaml.MappingNode || len(child.Content) != 2 {
			invalid()
			continue
		}
		key, value := child.Content[0], follow(child.Content[1])
		at = b.text.rangeFor(key)
		kind, name, ok := strings.Cut(key.Value, "/")
		if !ok || kind == "" || name == "" || value.Kind != yaml.MappingNode && !isNull(value) {
			invalid()
			continue
		}
		if value.Kind != yaml.MappingNode {
			value = nil
		}
		out = append(out, &hcl.Block{
			Type: "step", Labels: []string{kind, name}, LabelRanges: []hcl.Range{at, at}, TypeRange: at, DefRange: at,
			Body: &body{text: b.text, node: value, missing: at},
		})
	}
	return out, diags
}

// isExpression reports whether a value is a text, which for a name that may be
// an argument or a block means the argument.
func isExpression(n *yaml.Node) bool {
	n = follow(n)
	return n.Kind == yaml.ScalarNode && isText(n)
}

func isNull(n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode || n.Style != 0 {
		return false
	}
	switch n.Value {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}

// Package yamlbody presents YAML as hcl.Body, so that stacks in YAML are decoded,
// checked and reported on by the very code that serves HCL, with exact places.
//
// Mappings become blocks or arguments, whichever the schema asks for; blocks
// take their labels from nested keys; texts are HCL templates. Scalars follow
// the core schema of YAML 1.2, resolved here from their text, because the
// library's own resolution rewrites numbers and dates.
//
// The package imports core/diag and core/spec/nesting of this project.
package yamlbody

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v4"

	"github.com/moldctl/moldctl/core/diag"
)

const (
	maxDepth = 250     // nested collections
	maxNodes = 500_000 // nodes after following aliases
)

// Parse reads one YAML document. The file's bytes come back even if they do not
// parse, so that diagnostics can show them.
func Parse(name string, src []byte) (*hcl.File, hcl.Diagnostics) {
	file := &hcl.File{Body: hcl.EmptyBody(), Bytes: src}
	t := newText(name, src)
	root, d := decode(t)
	if d != nil {
		return file, hcl.Diagnostics{d}
	}
	if root == nil {
		return file, nil
	}
	c := checker{text: t, sizes: map[*yaml.Node]int{}}
	c.check(root, 0)
	if c.diags.HasErrors() {
		return file, c.diags
	}
	if root.Kind != yaml.MappingNode {
		return file, append(c.diags, diag.Error(t.start(root), "Invalid stack", "A stack in YAML is a mapping of blocks, such as \"resource:\", and this is something else."))
	}
	b := &body{text: t, node: root, missing: *t.start(root)}
	file.Body, file.Nav = b, navigation{b}
	return file, c.diags
}

// decode returns the root of the only document, or nil if there is none.
func decode(t *text) (*yaml.Node, *hcl.Diagnostic) {
	decoder := yaml.NewDecoder(bytes.NewReader(t.src))
	var doc yaml.Node
	if err := decoder.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, t.syntaxError(err)
	}
	var second yaml.Node
	if err := decoder.Decode(&second); err == nil {
		return nil, diag.Error(t.start(&second), "Several documents", "A stack file holds one YAML document. Put the second one into a file of its own.")
	} else if !errors.Is(err, io.EOF) {
		return nil, t.syntaxError(err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	if root := doc.Content[0]; root.Kind != yaml.ScalarNode || root.Value != "" || root.Style != 0 {
		return root, nil
	}
	return nil, nil // an empty document with a header
}

func (t *text) syntaxError(err error) *hcl.Diagnostic {
	var load *yaml.LoadError
	if !errors.As(err, &load) || load.Mark.Line == 0 {
		return diag.Errorf(t.rangeOf(0, 0).Ptr(), "Invalid YAML", "The file cannot be read as YAML: %s.", err)
	}
	start := t.offset(load.Mark.Line, max(load.Mark.Column, 1))
	detail := upperFirst(load.Message) + "."
	if load.ContextMsg != "" {
		detail = upperFirst(load.ContextMsg) + fmt.Sprintf(" (line %d): ", load.ContextMark.Line) + load.Message + "."
	}
	switch {
	case start < len(t.src) && t.src[start] == '\t':
		detail += " YAML is indented by spaces; tabs are not allowed there."
	case strings.Contains(load.Message, "mapping values are not allowed"):
		detail += " A text that holds \": \" needs quotes."
	case strings.Contains(load.Message, "cannot start any token"):
		detail += " A text that starts with such a character needs quotes."
	}
	return diag.Error(t.rangeOf(start, start+1).Ptr(), "Invalid YAML", detail)
}

// checker refuses what a stack may not hold, whatever the schema.
type checker struct {
	text  *text
	sizes map[*yaml.Node]int // per anchored node: its size with aliases followed, -1 while counting
	diags hcl.Diagnostics
}

// check visits a node and returns its size with aliases followed.
func (c *checker) check(n *yaml.Node, depth int) int {
	if depth > maxDepth {
		if !c.diags.HasErrors() {
			c.errorf(n, "Nested too deep", "Collections are nested more than %d levels deep here. Is it the right file?", maxDepth)
		}
		return 1
	}
	if n.Kind == yaml.AliasNode {
		return c.alias(n, depth)
	}
	if n.Anchor != "" {
		c.sizes[n] = -1
	}
	size := 1
	c.tag(n)
	if n.Kind == yaml.MappingNode {
		c.keys(n)
	}
	for _, child := range n.Content {
		size += c.check(child, depth+1)
		if size > maxNodes {
			if !c.diags.HasErrors() {
				c.errorf(n, "Too many nodes", "With its aliases followed this holds more than %d nodes.", maxNodes)
			}
			break
		}
	}
	if n.Anchor != "" {
		c.sizes[n] = size
	}
	return size
}

func (c *checker) alias(n *yaml.Node, depth int) int {
	size, ok := c.sizes[n.Alias]
	if !ok {
		size = c.check(n.Alias, depth+1)
	}
	if size < 0 {
		c.errorf(n, "Alias loop", "The alias *%s is inside what it stands for, so it would never end.", n.Value)
		return 1
	}
	return size
}

func (c *checker) tag(n *yaml.Node) {
	if n.Style&yaml.TaggedStyle == 0 || n.Tag == rawTag && n.Kind == yaml.ScalarNode {
		return
	}
	c.errorf(n, "Unsupported tag", "The tag %s is not used in stacks. A text is put in quotes; the only tag is !raw, for a text without templates.", n.Tag)
}

func (c *checker) keys(n *yaml.Node) {
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode:
			c.errorf(key, "Invalid key", "A key must be a text.")
			continue
		case key.Value == "<<" && key.Style == 0:
			c.errorf(key, "Merge keys are not supported", "\"<<\" would merge mappings. Use an alias for a whole value, or locals and merge(...).")
			continue
		case !isText(key):
			c.errorf(key, "Invalid key", "The key %s is read as something else than a text. Put it in quotes: \"%s\".", key.Value, key.Value)
			continue
		}
		if at, again := first[key.Value]; again {
			c.errorf(key, "Duplicate key", "The key %q is already at line %d. Each may be there only once; several blocks of one kind form a list.", key.Value, at.Line)
			continue
		}
		first[key.Value] = key
	}
}

func (c *checker) errorf(n *yaml.Node, summary, format string, args ...any) {
	c.diags = append(c.diags, diag.Errorf(c.text.rangeFor(n).Ptr(), summary, format, args...))
}

// follow returns what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

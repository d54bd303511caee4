package conformance

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// scene is a type's example taken apart: the resource under test, and what it
// needs.
type scene struct {
	typ     *pluginspec.Type
	example string   // as its author wrote it
	label   string   // of the resource under test
	needs   []string // texts of the blocks it rests on
	needed  []string // their addresses, "" for what has none
	text    string   // of the resource under test
}

// piece is one block of an example.
type piece struct {
	address string
	text    string
}

// scene reads a type's example.
func (k *kit) scene(t *pluginspec.Type) (*scene, error) {
	if t.Example == "" {
		return nil, errors.New("the type names no example")
	}
	text, err := fs.ReadFile(k.subject.Files, t.Example)
	if err != nil {
		return nil, err
	}
	file, diags := hclwrite.ParseConfig(text, t.Example, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, diagError(diags)
	}
	s := &scene{typ: t, example: string(text)}
	var pieces []piece
	for _, b := range file.Body().Blocks() {
		p := piece{text: string(b.BuildTokens(nil).Bytes())}
		labels := b.Labels()
		switch {
		case b.Type() == "output":
			continue
		case b.Type() == "resource" && len(labels) == 2:
			p.address = labels[0] + "." + labels[1]
			if labels[0] == t.Name && s.label == "" {
				s.label, s.text = labels[1], p.text
			}
		case b.Type() == "data" && len(labels) == 2:
			p.address = "data." + labels[0] + "." + labels[1]
		case b.Type() == "pipeline" && len(labels) == 1:
			p.address = "pipeline." + labels[0]
		}
		pieces = append(pieces, p)
	}
	if s.label == "" {
		return nil, fmt.Errorf("%s holds no resource %q", t.Example, t.Name)
	}
	s.rest(pieces)
	if beside := k.hints.Types[t.Name].Beside; beside != "" {
		s.needs, s.needed = append(s.needs, beside), append(s.needed, "")
	}
	return s, nil
}

// rest finds what the resource under test rests on.
func (s *scene) rest(pieces []piece) {
	wanted := map[string]bool{}
	var follow func(text string)
	follow = func(text string) {
		for _, p := range pieces {
			if p.address != "" && p.address != s.address() && !wanted[p.address] && mentions(text, p.address) {
				wanted[p.address] = true
				follow(p.text)
			}
		}
	}
	follow(s.text)
	for _, p := range pieces {
		if p.address == "" || wanted[p.address] {
			s.needs, s.needed = append(s.needs, p.text), append(s.needed, p.address)
		}
	}
}

func mentions(text, address string) bool { return reference(address).MatchString(text) }

func reference(address string) *regexp.Regexp {
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(address) + `\b`)
}

// address of the resource under test.
func (s *scene) address() string { return s.typ.Name + "." + s.label }

// base is the stack without the resource under test.
func (s *scene) base(more ...string) string {
	return strings.Join(append(slices.Clone(s.needs), more...), "\n")
}

// full is the stack with it.
func (s *scene) full(more ...string) string { return s.base(append([]string{s.text}, more...)...) }

// edited is the stack with the resource under test changed.
func (s *scene) edited(change func(*hclwrite.Body)) string {
	return s.base(edit(s.text, change))
}

// edit changes the one block of a text. The texts come out of the same parser,
// so they parse.
func edit(text string, change func(*hclwrite.Body)) string {
	file, diags := hclwrite.ParseConfig([]byte(text), "", hcl.InitialPos)
	if diags.HasErrors() {
		return text
	}
	change(file.Body().Blocks()[0].Body())
	return string(hclwrite.Format(file.Bytes()))
}

// set gives an attribute an expression; "" removes it.
func set(name, expression string) func(*hclwrite.Body) {
	return func(b *hclwrite.Body) {
		if expression == "" {
			b.RemoveAttribute(name)
			return
		}
		b.SetAttributeRaw(name, tokens(expression))
	}
}

func tokens(expression string) hclwrite.Tokens {
	var out hclwrite.Tokens
	lexed, _ := hclsyntax.LexExpression([]byte(expression), "", hcl.InitialPos)
	for _, t := range lexed {
		if t.Type != hclsyntax.TokenEOF {
			out = append(out, &hclwrite.Token{Type: t.Type, Bytes: t.Bytes})
		}
	}
	return out
}

// written is the expression an attribute has in a text; "" when it has none.
func written(text, name string) string {
	var expression string
	edit(text, func(b *hclwrite.Body) {
		if a := b.GetAttribute(name); a != nil {
			expression = strings.TrimSpace(string(a.Expr().BuildTokens(nil).Bytes()))
		}
	})
	return expression
}

// constant is the value of an expression that refers to nothing.
func constant(expression string) (cty.Value, bool) {
	expr, diags := hclsyntax.ParseExpression([]byte(expression), "", hcl.InitialPos)
	if diags.HasErrors() || len(expr.Variables()) > 0 {
		return cty.NilVal, false
	}
	v, diags := expr.Value(nil)
	return v, !diags.HasErrors()
}

// clone repeats the resource under test, or with all it rests on, under other
// names: label and name get a suffix.
func (s *scene) clone(suffix string, whole bool) []string {
	addresses, texts := []string{s.address()}, []string{s.text}
	if whole {
		for i, text := range s.needs {
			if s.needed[i] != "" && !strings.HasPrefix(s.needed[i], "data.") {
				addresses, texts = append(addresses, s.needed[i]), append(texts, text)
			}
		}
	}
	out := make([]string, len(texts))
	for i, text := range texts {
		for _, address := range addresses {
			text = reference(address).ReplaceAllString(text, address+suffix)
		}
		out[i] = renamed(text, suffix)
	}
	return out
}

// renamed gives the block of a text another label, and another name where it
// has a plain one.
func renamed(text, suffix string) string {
	file, diags := hclwrite.ParseConfig([]byte(text), "", hcl.InitialPos)
	if diags.HasErrors() {
		return text
	}
	b := file.Body().Blocks()[0]
	labels := b.Labels()
	labels[len(labels)-1] += suffix
	b.SetLabels(labels)
	if name, ok := constant(written(text, "name")); ok && name.Type() == cty.String {
		b.Body().SetAttributeValue("name", cty.StringVal(name.AsString()+strings.ReplaceAll(suffix, "_", "-")))
	}
	return string(file.Bytes())
}

package content

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// position is where a value stands in a file.
type position struct{ line, column int }

// Problem is something wrong in a content file.
type Problem struct {
	File         string
	Line, Column int
	Text         string
}

func (p Problem) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// Problems is everything that is wrong in a file, in the order of its lines.
type Problems []Problem

// Error lists the problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// decoder turns YAML into the structs of this package by their tags: default, enum, form, min, and "required" beside the key.
// It goes on after a problem, and remembers where each value stood.
type decoder struct {
	name     string
	at       map[any]position
	problems Problems
}

func (d *decoder) fail(n *yaml.Node, format string, args ...any) {
	d.failAt(position{n.Line, n.Column}, format, args...)
}

func (d *decoder) failAt(at position, format string, args ...any) {
	d.problems = append(d.problems, Problem{File: d.name, Line: max(at.line, 1), Column: max(at.column, 1), Text: fmt.Sprintf(format, args...)})
}

// result are the problems in the order of the file, nil for none.
func (d *decoder) result() error {
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return d.problems
}

// document reads the one document of a text; nil without a problem is an empty text.
func (d *decoder) document(text []byte) *yaml.Node {
	if !utf8.Valid(text) {
		d.failAt(position{}, "not a text file: content is UTF-8 text")
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, next yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
		return nil
	}
	if err == nil {
		switch err = dec.Decode(&next); {
		case err == nil:
			d.fail(&next, "a second document: remove the line with three dashes and what follows")
		case errors.Is(err, io.EOF):
			err = nil
		}
	}
	if err != nil {
		var load *yaml.LoadError
		if errors.As(err, &load) {
			d.failAt(position{load.Mark.Line, load.Mark.Column}, "%s", load.Message)
			return nil
		}
		d.failAt(position{}, "%s", err)
		return nil
	}
	return doc.Content[0]
}

// field is one key of a struct.
type field struct {
	key      string
	required bool
	omit     bool // printed only if it is set
	tag      reflect.StructTag
	index    int
}

// fieldsOf lists the keys of a struct.
func fieldsOf(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		key, option, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if key == "" || key == "-" {
			continue
		}
		out = append(out, field{key: key, required: option == "required", omit: option == "omitempty", tag: t.Field(i).Tag, index: i})
	}
	return out
}

// value decodes a node into v, which is settable.
func (d *decoder) value(n *yaml.Node, v reflect.Value, f field) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	d.at[v.Addr().Interface()] = position{n.Line, n.Column}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v)
	case reflect.Slice:
		d.list(n, v, f)
	default:
		d.scalar(n, v, f)
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, f field) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "%s: want a list, got %s", f.key, kindOf(n))
		return
	}
	// Made as a whole, so that the elements keep their addresses.
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, v.Index(i), field{key: f.key, tag: f.tag})
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value) {
	fields := fieldsOf(v.Type())
	for _, f := range fields {
		if text, ok := f.tag.Lookup("default"); ok {
			setDefault(v.Field(f.index), text)
		}
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, "want a mapping with %s, got %s", keyList(fields), kindOf(n))
		return
	}
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := slices.IndexFunc(fields, func(f field) bool { return f.key == key.Value })
		switch {
		case at < 0:
			d.fail(key, "unknown key %q; known are %s", key.Value, keyList(fields))
			continue
		case seen[key.Value]:
			d.fail(key, "%s is given twice", key.Value)
			continue
		}
		seen[key.Value] = true
		d.value(value, v.Field(fields[at].index), fields[at])
	}
	for _, f := range fields {
		if f.required && !seen[f.key] {
			d.fail(n, "%s is missing", f.key)
		}
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, f field) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.fail(n, "%s: want %s, got %s", f.key, wanted(v.Kind()), kindOf(n))
		return
	}
	switch v.Kind() {
	case reflect.String:
		if n.Tag == "!!bool" && n.Style == 0 {
			d.fail(n, "%s: want a text, got %s; quote it if it is one", f.key, n.Value)
			return
		}
		v.SetString(n.Value)
		d.form(n, f)
	case reflect.Bool:
		if n.Tag != "!!bool" || n.Value != "true" && n.Value != "false" {
			d.fail(n, "%s: want true or false, got %q", f.key, n.Value)
			return
		}
		v.SetBool(n.Value == "true")
	case reflect.Int:
		i, err := strconv.Atoi(n.Value)
		if n.Tag != "!!int" || err != nil {
			d.fail(n, "%s: want a whole number, got %q", f.key, n.Value)
			return
		}
		if low, err := strconv.Atoi(f.tag.Get("min")); err == nil && i < low {
			d.fail(n, "%s: %d is less than %d", f.key, i, low)
		}
		v.SetInt(int64(i))
	}
}

var (
	uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	modeForm = regexp.MustCompile(`^0[0-7]{3,4}$`)
	vlanForm = regexp.MustCompile(`^[0-9]{1,4}-[0-9]{1,4}$`)
)

// form checks what a text must look like.
func (d *decoder) form(n *yaml.Node, f field) {
	if words := f.tag.Get("enum"); words != "" && !slices.Contains(strings.Split(words, ","), n.Value) {
		d.fail(n, "%s: %q is none of %s", f.key, n.Value, strings.ReplaceAll(words, ",", ", "))
	}
	if f.required && n.Value == "" {
		d.fail(n, "%s is empty", f.key)
	}
	form := f.tag.Get("form")
	if f.key == "id" {
		form = "uuid"
	}
	if want := misfit(form, n.Value); want != "" && n.Value != "" {
		d.fail(n, "%s: %q is no %s", f.key, n.Value, want)
	}
}

// misfit names the form a text does not have, "" if it has it.
func misfit(form, text string) string {
	switch form {
	case "uuid":
		if !uuidForm.MatchString(text) {
			return "UUID (lower case, with dashes)"
		}
	case "mode":
		if !modeForm.MatchString(text) {
			return `file mode such as "0644"`
		}
	case "range":
		if !vlanForm.MatchString(text) {
			return "range such as 100-999"
		}
	case "cidr":
		if p, err := netip.ParsePrefix(text); err != nil || !p.Addr().Is4() {
			return "IPv4 prefix such as 10.1.1.0/24"
		}
	case "ip":
		if a, err := netip.ParseAddr(text); err != nil || !a.Is4() {
			return "IPv4 address"
		}
	case "mask":
		if maskBits(text) < 0 {
			return "netmask such as 255.255.255.0"
		}
	}
	return ""
}

// maskBits is a netmask as a prefix length, -1 if it is none.
func maskBits(mask string) int {
	a, err := netip.ParseAddr(mask)
	if err != nil || !a.Is4() {
		return -1
	}
	bits, ended := 0, false
	for _, b := range a.As4() {
		for i := 7; i >= 0; i-- {
			switch set := b>>i&1 == 1; {
			case set && ended:
				return -1
			case set:
				bits++
			default:
				ended = true
			}
		}
	}
	return bits
}

// setDefault sets what a default tag says; the tags are ours and fit.
func setDefault(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(text == "true")
	case reflect.Int:
		i, err := strconv.Atoi(text)
		if err != nil {
			panic("content: default " + text + " of a number")
		}
		v.SetInt(int64(i))
	}
}

func keyList(fields []field) string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return strings.Join(keys, ", ")
}

func wanted(k reflect.Kind) string {
	switch k {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	}
	return "a text"
}

func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Tag == "!!null":
		return "nothing"
	}
	return strconv.Quote(n.Value)
}

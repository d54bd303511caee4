package content

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Print writes a file as YAML, with a comment above each key where it comes up first. Values that are as if left out appear
// only there. Reading it again gives the same file.
func Print(w io.Writer, f *File) error {
	usual, err := Default()
	if err != nil {
		return err
	}
	plain := *f
	for _, list := range []any{&plain.ServiceOfferings, &plain.DiskOfferings, &plain.NetworkOfferings, &plain.VPCOfferings, &plain.OSTypes} {
		v := reflect.ValueOf(list).Elem() // withoutIDs must not change f
		v.Set(reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()), v))
	}
	plain.withoutIDs(usual)
	p := &printer{shown: make(map[reflect.Type]bool)}
	p.line(0, "# Start content of the embedded cloud: moldctl cloud start --content FILE")
	p.line(0, "# A section that a file leaves out is as printed here by: moldctl cloud content")
	p.structure(reflect.ValueOf(&plain).Elem(), 0)
	_, err = io.WriteString(w, strings.Join(p.lines, "\n")+"\n")
	return err
}

type printer struct {
	lines []string
	shown map[reflect.Type]bool // structs whose keys were explained
}

func (p *printer) line(depth int, text string) {
	p.lines = append(p.lines, strings.Repeat("  ", depth)+text)
}

// structure prints the keys of a struct.
func (p *printer) structure(v reflect.Value, depth int) {
	first := !p.shown[v.Type()]
	p.shown[v.Type()] = true
	for _, f := range fieldsOf(v.Type()) {
		value := v.Field(f.index)
		if !printed(value, f, first) {
			continue
		}
		if doc := f.tag.Get("doc"); doc != "" && first {
			if depth == 0 {
				p.lines = append(p.lines, "")
			}
			p.line(depth, "# "+doc)
		}
		if value.Kind() != reflect.Slice {
			p.line(depth, f.key+": "+scalarText(value))
			continue
		}
		p.list(f.key, value, depth)
	}
}

// printed tells whether a key must be written, or shall be because it is the first of its kind.
func printed(v reflect.Value, f field, first bool) bool {
	usual := reflect.New(v.Type()).Elem()
	if text, ok := f.tag.Lookup("default"); ok {
		setDefault(usual, text)
	}
	if v.Kind() == reflect.Slice {
		return v.Len() > 0 || first && !f.omit
	}
	return f.required || v.Interface() != usual.Interface() || first && !f.omit
}

// flat are structs that go on one line.
var flat = []reflect.Type{reflect.TypeFor[OSTypeSpec](), reflect.TypeFor[ServiceSpec](), reflect.TypeFor[CapabilitySpec](),
	reflect.TypeFor[RuleSpec](), reflect.TypeFor[LimitSpec](), reflect.TypeFor[SettingSpec](), reflect.TypeFor[DetailSpec]()}

func (p *printer) list(key string, v reflect.Value, depth int) {
	if v.Len() == 0 {
		p.line(depth, key+": []")
		return
	}
	p.line(depth, key+":")
	for i := range v.Len() {
		item := v.Index(i)
		if slices.Contains(flat, item.Type()) {
			p.line(depth+1, "- "+flow(item))
			continue
		}
		from := len(p.lines)
		p.structure(item, depth+2)
		p.dash(from, depth+1)
	}
}

// dash makes the keys printed since a line one item of a list: the first key, below its comment, gets the dash.
func (p *printer) dash(from, depth int) {
	for i, line := range p.lines[from:] {
		if text := strings.TrimSpace(line); !strings.HasPrefix(text, "#") {
			p.lines[from+i] = strings.Repeat("  ", depth) + "- " + text
			return
		}
	}
}

// flow prints a struct on one line.
func flow(v reflect.Value) string {
	var parts []string
	for _, f := range fieldsOf(v.Type()) {
		value := v.Field(f.index)
		if !printed(value, f, false) {
			continue
		}
		if value.Kind() != reflect.Slice {
			parts = append(parts, f.key+": "+scalarText(value))
			continue
		}
		items := make([]string, value.Len())
		for i := range items {
			items[i] = flow(value.Index(i))
		}
		parts = append(parts, f.key+": ["+strings.Join(items, ", ")+"]")
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// plainText is what YAML takes for a text without quotes, also within braces.
var plainText = regexp.MustCompile(`^[A-Za-z/]([A-Za-z0-9 ./()_+-]*[A-Za-z0-9./()_+-])?$`)

func scalarText(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int:
		return strconv.FormatInt(v.Int(), 10)
	}
	text := v.String()
	switch strings.ToLower(text) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return strconv.Quote(text)
	}
	if plainText.MatchString(text) {
		return text
	}
	quoted, err := json.Marshal(text) // JSON's texts are YAML's
	if err != nil {
		return fmt.Sprintf("%q", text)
	}
	return string(quoted)
}

// Package apitable holds what a CloudStack 4.22 server says of its commands:
// whether a command is asynchronous, which parameters it takes, and which
// fields its answer has. The mapping in a plugin.yaml is checked against it,
// and the declarative runtime asks it which parameters may be sent.
//
// It is data only and imports nothing of this project. The table is made by
// gen/main.go, which says how.
package apitable

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed table.json.gz
var packed []byte

// Type is the declared type of a parameter.
type Type string

// The types a server declares.
const (
	String  Type = "string"
	UUID    Type = "uuid"
	Boolean Type = "boolean"
	Integer Type = "integer"
	Long    Type = "long"
	Short   Type = "short"
	List    Type = "list"
	Map     Type = "map"
	Date    Type = "date"
	Object  Type = "object"
)

// Param is one declared parameter.
type Param struct {
	Name     string
	Type     Type
	Required bool
	Length   int // longest accepted text
}

// Field is one declared field of an answer.
type Field struct {
	Name   string
	Type   string  // string, boolean, long, integer, date, list, set, map, …
	Fields []Field // of the objects in a list or set, by name
}

// Command is one declared command.
type Command struct {
	Name   string
	Async  bool
	Params []Param // by name
	Fields []Field // of the object in the answer, by name
}

// Param returns the declaration of a parameter by its lower-case name.
func (c Command) Param(name string) (Param, bool) {
	i, ok := slices.BinarySearchFunc(c.Params, name, func(p Param, name string) int { return strings.Compare(p.Name, name) })
	if !ok {
		return Param{}, false
	}
	return c.Params[i], true
}

// Field returns the declaration of a field of the answer.
func (c Command) Field(name string) (Field, bool) { return find(c.Fields, name) }

// Field returns the declaration of a field of the objects in a list or set.
func (f Field) Field(name string) (Field, bool) { return find(f.Fields, name) }

func find(fields []Field, name string) (Field, bool) {
	i, ok := slices.BinarySearchFunc(fields, name, func(f Field, name string) int { return strings.Compare(f.Name, name) })
	if !ok {
		return Field{}, false
	}
	return fields[i], true
}

// Table holds the declared commands by name. It is shared: nothing changes it.
type Table struct{ commands map[string]Command }

// Command returns a command by its exact name: upper and lower case matter.
func (t *Table) Command(name string) (Command, bool) {
	c, ok := t.commands[name]
	return c, ok
}

// Names returns the names of all commands, sorted.
func (t *Table) Names() []string {
	names := make([]string, 0, len(t.commands))
	for name := range t.commands {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Load returns the table. It is unpacked once per process, when first asked
// for; an error means that the build is broken.
var Load = sync.OnceValues(func() (*Table, error) { return unpack(packed) })

func unpack(packed []byte) (*Table, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack the API table: %w", err)
	}
	var raw map[string]struct {
		Async    bool              `json:"a"`
		Params   map[string]string `json:"p"`
		Response map[string]any    `json:"r"`
	}
	if err := json.NewDecoder(z).Decode(&raw); err != nil {
		return nil, fmt.Errorf("unpack the API table: %w", err)
	}
	t := &Table{commands: make(map[string]Command, len(raw))}
	for name, r := range raw {
		c := Command{Name: name, Async: r.Async, Params: make([]Param, 0, len(r.Params)), Fields: fields(r.Response)}
		for param, code := range r.Params {
			p, err := decode(param, code)
			if err != nil {
				return nil, fmt.Errorf("unpack the API table: command %s: %w", name, err)
			}
			c.Params = append(c.Params, p)
		}
		slices.SortFunc(c.Params, func(a, b Param) int { return strings.Compare(a.Name, b.Name) })
		t.commands[name] = c
	}
	return t, nil
}

// fields reads {name: type} and {name: [type, {…}]}.
func fields(raw map[string]any) []Field {
	out := make([]Field, 0, len(raw))
	for name, v := range raw {
		f := Field{Name: name}
		switch v := v.(type) {
		case string:
			f.Type = v
		case []any:
			if len(v) > 0 {
				f.Type, _ = v[0].(string)
			}
			if len(v) > 1 {
				inner, _ := v[1].(map[string]any)
				f.Fields = fields(inner)
			}
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// decode reads "type", "type!" (required) and "type(5120)" (length).
func decode(name, code string) (Param, error) {
	p := Param{Name: name, Length: 255}
	if typ, length, found := strings.Cut(code, "("); found {
		n, err := strconv.Atoi(strings.TrimSuffix(length, ")"))
		if err != nil {
			return p, fmt.Errorf("parameter %s: length of %q: %w", name, code, err)
		}
		code, p.Length = typ, n
	}
	code, p.Required = strings.CutSuffix(code, "!")
	p.Type = Type(code)
	return p, nil
}

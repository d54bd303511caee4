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
	"io"
	"maps"
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

// Shown are the fields of the objects at a result's path: those of the answer,
// or for a dotted path (nic.secondaryip) those of objects in a list within.
func (c Command) Shown(result string) []Field {
	fields := c.Fields
	path := strings.Split(result, ".")
	for _, name := range path[1:] {
		inner, _ := find(fields, name)
		fields = inner.Fields
	}
	return fields
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

// Table holds the declared commands by name. It is safe for concurrent use.
type Table struct {
	lines   map[string][]byte // as packed
	decoded sync.Map          // name → Command
}

// Command returns a command by its exact name: upper and lower case matter.
func (t *Table) Command(name string) (Command, bool) {
	if c, ok := t.decoded.Load(name); ok {
		return c.(Command), true
	}
	line, ok := t.lines[name]
	if !ok {
		return Command{}, false
	}
	c, err := decode(name, line)
	if err != nil {
		return Command{}, false // only a table that does not pass its tests holds such a line
	}
	t.decoded.Store(name, c)
	return c, true
}

// Names returns the names of all commands, sorted.
func (t *Table) Names() []string { return slices.Sorted(maps.Keys(t.lines)) }

// Load returns the table. It is opened once per process, when first asked for,
// and a command is decoded when it is first asked for; an error means that the
// build is broken.
var Load = sync.OnceValues(func() (*Table, error) { return unpack(packed) })

func unpack(packed []byte) (*Table, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack the API table: %w", err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("unpack the API table: %w", err)
	}
	t := &Table{lines: map[string][]byte{}}
	for line := range bytes.Lines(text) {
		name, rest, found := bytes.Cut(line, []byte(" "))
		if !found {
			return nil, fmt.Errorf("unpack the API table: line %d has no name", len(t.lines)+1)
		}
		t.lines[string(name)] = rest
	}
	return t, nil
}

func decode(name string, line []byte) (Command, error) {
	var raw struct {
		Async    bool              `json:"a"`
		Params   map[string]string `json:"p"`
		Response map[string]any    `json:"r"`
	}
	if err := json.Unmarshal(line, &raw); err != nil {
		return Command{}, fmt.Errorf("read command %s of the API table: %w", name, err)
	}
	c := Command{Name: name, Async: raw.Async, Params: make([]Param, 0, len(raw.Params)), Fields: fields(raw.Response)}
	for param, code := range raw.Params {
		p, err := decodeParam(param, code)
		if err != nil {
			return Command{}, fmt.Errorf("read command %s of the API table: %w", name, err)
		}
		c.Params = append(c.Params, p)
	}
	slices.SortFunc(c.Params, func(a, b Param) int { return strings.Compare(a.Name, b.Name) })
	return c, nil
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

// decodeParam reads "type", "type!" (required) and "type(5120)" (length).
func decodeParam(name, code string) (Param, error) {
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

// Package apitable holds the commands a CloudStack 4.22 management server declares: their names, whether they are
// asynchronous, and their parameters with type, length and whether they are required.
//
// The embedded cloud uses it for the checks every command shares (unknown command, missing or ill-typed parameter). It is
// data only; it imports nothing of this project. The table is made by gen/main.go, which says how.
package apitable

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"sort"
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
	Length   int    // longest accepted text; 255 unless declared otherwise
	Since    string // the version that brought it; "" if that is not declared
}

// Command is one declared command.
type Command struct {
	Name     string
	Async    bool
	Class    string // Java class shown in the job's "cmd"; empty if unknown
	Instance string // the job's "jobinstancetype"; empty if unknown
	Params   []Param
}

// Param returns the declaration of a parameter by its lower-case name.
func (c *Command) Param(name string) (Param, bool) {
	i := sort.Search(len(c.Params), func(i int) bool { return c.Params[i].Name >= name })
	if i < len(c.Params) && c.Params[i].Name == name {
		return c.Params[i], true
	}
	return Param{}, false
}

// Table maps the exact, case-sensitive command name to its declaration. It is shared: never change it.
type Table map[string]*Command

// Load returns the table. It is unpacked once per process; an error means the build is broken.
var Load = sync.OnceValues(unpack)

func unpack() (Table, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack the API table: %w", err)
	}
	var raw map[string]struct {
		Async    bool              `json:"a"`
		Class    string            `json:"c"`
		Instance string            `json:"i"`
		Params   map[string]string `json:"p"`
	}
	if err := json.NewDecoder(z).Decode(&raw); err != nil {
		return nil, fmt.Errorf("unpack the API table: %w", err)
	}
	table := make(Table, len(raw))
	for name, r := range raw {
		c := &Command{Name: name, Async: r.Async, Class: r.Class, Instance: r.Instance, Params: make([]Param, 0, len(r.Params))}
		for p, code := range r.Params {
			param, err := decode(p, code)
			if err != nil {
				return nil, fmt.Errorf("unpack the API table: command %s: %w", name, err)
			}
			c.Params = append(c.Params, param)
		}
		sort.Slice(c.Params, func(i, j int) bool { return c.Params[i].Name < c.Params[j].Name })
		table[name] = c
	}
	return table, nil
}

// decode reads "type", "type!" (required), "type(5120)" (length) and "type@4.2" (since).
func decode(name, code string) (Param, error) {
	p := Param{Name: name, Length: 255}
	code, p.Since, _ = strings.Cut(code, "@")
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

package apitable

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"sort"
	"sync"
)

//go:embed responses.json.gz
var packedResponses []byte

// Field is one declared field of a command's answer.
type Field struct {
	Name   string
	Type   string
	Fields []Field // of the objects of a set or list
}

// Responses are the fields every command declares to answer with, by name of the command and sorted. They are unpacked once per
// process, when first asked for, and shared: never change them.
var Responses = sync.OnceValues(unpackResponses)

func unpackResponses() (map[string][]Field, error) {
	z, err := gzip.NewReader(bytes.NewReader(packedResponses))
	if err != nil {
		return nil, fmt.Errorf("unpack the declared responses: %w", err)
	}
	var raw map[string]map[string]json.RawMessage
	if err := json.NewDecoder(z).Decode(&raw); err != nil {
		return nil, fmt.Errorf("unpack the declared responses: %w", err)
	}
	out := make(map[string][]Field, len(raw))
	for command, fields := range raw {
		if out[command], err = readFields(fields); err != nil {
			return nil, fmt.Errorf("unpack the declared responses: command %s: %w", command, err)
		}
	}
	return out, nil
}

// readFields reads {"name": "type"} and {"name": ["set", {fields}]}.
func readFields(raw map[string]json.RawMessage) ([]Field, error) {
	out := make([]Field, 0, len(raw))
	for name, declared := range raw {
		f := Field{Name: name}
		if json.Unmarshal(declared, &f.Type) != nil {
			var nested map[string]json.RawMessage
			if err := json.Unmarshal(declared, &[]any{&f.Type, &nested}); err != nil {
				return nil, fmt.Errorf("field %s: %w", name, err)
			}
			var err error
			if f.Fields, err = readFields(nested); err != nil {
				return nil, err
			}
		}
		out = append(out, f)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

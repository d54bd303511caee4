// Command gen packs a description of a CloudStack API into the table that
// package apitable embeds. The input is a JSON object: command name →
// {"async", "params": {name: {type, required, length}}, "response": {field:
// type or [type, fields]}}, as it can be made from a server's listApis answer.
//
//	go run ./sdk/apitable/gen -in apis.json -out sdk/apitable/table.json.gz
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"slices"
)

// declared is one command of the input; fields that are not named are dropped.
type declared struct {
	Async  bool `json:"async"`
	Params map[string]struct {
		Type     string `json:"type"`
		Required bool   `json:"required"`
		Length   int    `json:"length"`
	} `json:"params"`
	Response map[string]any `json:"response"`
}

// packed is one command of the output, which is one line per command: its name,
// a space, JSON.
type packed struct {
	Async    bool              `json:"a,omitempty"`
	Params   map[string]string `json:"p,omitempty"`
	Response map[string]any    `json:"r,omitempty"`
}

func main() {
	in := flag.String("in", "", "description to read")
	out := flag.String("out", "table.json.gz", "file to write")
	flag.Parse()
	if err := run(*in, *out); err != nil {
		log.Fatal(err)
	}
}

func run(in, out string) error {
	raw, err := os.ReadFile(in)
	if err != nil {
		return fmt.Errorf("read the description: %w", err)
	}
	var commands map[string]declared
	if err := json.Unmarshal(raw, &commands); err != nil {
		return fmt.Errorf("read the description %s: %w", in, err)
	}
	table := make(map[string]packed, len(commands))
	for name, d := range commands {
		p := packed{Async: d.Async, Params: make(map[string]string, len(d.Params)), Response: d.Response}
		for param, def := range d.Params {
			p.Params[param] = code(def.Type, def.Required, def.Length)
		}
		table[name] = p
	}
	var body bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(table)) {
		line, err := json.Marshal(table[name])
		if err != nil {
			return fmt.Errorf("encode the table: %w", err)
		}
		fmt.Fprintf(&body, "%s %s\n", name, line)
	}
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return fmt.Errorf("compress the table: %w", err)
	}
	if _, err := z.Write(body.Bytes()); err != nil {
		return fmt.Errorf("compress the table: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("compress the table: %w", err)
	}
	if err := os.WriteFile(out, buf.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

// code writes a parameter as "type", "type!" (required) or "type(5120)" (a
// length other than the usual 255).
func code(typ string, required bool, length int) string {
	if required {
		typ += "!"
	}
	if length != 255 {
		typ += fmt.Sprintf("(%d)", length)
	}
	return typ
}

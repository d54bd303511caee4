//go:build ignore

// Command gen rewrites ../table.json.gz, the compact API table of package apitable.
//
//	go run internal/cloudsim/apitable/gen/main.go -apis apis.json -recorded DIR -out internal/cloudsim/apitable/table.json.gz
//
// apis.json is what a management server's listApis declares, keyed by command name:
// {"createX": {"async": true, "params": {"name": {"type": "string", "required": true, "length": 255}}}}.
// DIR holds recorded exchanges; their asynchronous jobs name the Java class and the instance type of each command.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
)

type declared struct {
	Async  bool `json:"async"`
	Params map[string]struct {
		Type     string `json:"type"`
		Required bool   `json:"required"`
		Length   int    `json:"length"`
	} `json:"params"`
}

type command struct {
	Async    bool              `json:"a,omitempty"`
	Class    string            `json:"c,omitempty"`
	Instance string            `json:"i,omitempty"`
	Params   map[string]string `json:"p,omitempty"`
}

type recording struct {
	Request struct {
		Command string `json:"command"`
	} `json:"request"`
	Job struct {
		Results []struct {
			Response struct {
				Job struct {
					Class    string `json:"cmd"`
					Instance string `json:"jobinstancetype"`
				} `json:"queryasyncjobresultresponse"`
			} `json:"response"`
		} `json:"results"`
	} `json:"job"`
}

func main() {
	apis := flag.String("apis", "", "declared commands")
	recorded := flag.String("recorded", "", "folder of recorded exchanges")
	out := flag.String("out", "table.json.gz", "file to write")
	flag.Parse()
	var in map[string]declared
	read(*apis, &in)
	table := make(map[string]*command, len(in))
	for name, d := range in {
		c := &command{Async: d.Async, Params: make(map[string]string, len(d.Params))}
		for p, def := range d.Params {
			c.Params[p] = encode(def.Type, def.Required, def.Length)
		}
		table[name] = c
	}
	files, err := filepath.Glob(filepath.Join(*recorded, "*.json"))
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range files {
		var r recording
		read(f, &r)
		c := table[r.Request.Command]
		if c == nil || len(r.Job.Results) == 0 {
			continue
		}
		job := r.Job.Results[len(r.Job.Results)-1].Response.Job
		c.Class, c.Instance = job.Class, job.Instance
	}
	write(*out, table)
}

func encode(typ string, required bool, length int) string {
	if required {
		typ += "!"
	}
	if length != 255 {
		typ += fmt.Sprintf("(%d)", length)
	}
	return typ
}

func read(path string, into any) {
	b, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		log.Fatalf("read %s: %v", path, err)
	}
}

func write(path string, table map[string]*command) {
	b, err := json.Marshal(table)
	if err != nil {
		log.Fatal(err)
	}
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := z.Write(b); err != nil {
		log.Fatal(err)
	}
	if err := z.Close(); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}

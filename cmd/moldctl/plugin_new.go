package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

type pluginNewCommand struct {
	Name string `arg:"" help:"Name of the plugin, which is that of its folder too: small letters, digits and dashes."`
	YAML bool   `name:"yaml" xor:"kind" help:"A plugin of calls alone (the default)."`
	Go   bool   `name:"go" xor:"kind" help:"A plugin with a program in Go."`
	HTTP bool   `name:"http" xor:"kind" help:"A plugin for a JSON API of one's own."`
}

var pluginName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// Run writes a plugin to start from. It never overwrites a file.
func (c *pluginNewCommand) Run(io streams) error {
	if !pluginName.MatchString(c.Name) {
		return fmt.Errorf("plugin name %q: small letters, digits and dashes are wanted, a letter first", c.Name)
	}
	prefix := strings.ReplaceAll(c.Name, "-", "_")
	files := map[string]string{pluginFile: newYAML, "examples/group.hcl": newExample}
	switch {
	case c.HTTP:
		files = map[string]string{pluginFile: newHTTP, "examples/record.hcl": newHTTPExample}
	case c.Go:
		files["main.go"] = newMain
	}
	for name, text := range files {
		path := filepath.Join(c.Name, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
		text = strings.NewReplacer("NAME", c.Name, "PREFIX", prefix).Replace(text)
		if err := writeNew(path, []byte(text)); err != nil {
			return err
		}
	}
	fmt.Fprintf(io.out, "Wrote %s. Next:\n\n  moldctl plugin lint %[1]s\n  moldctl plugin test %[1]s\n", c.Name)
	return nil
}

const newYAML = `plugin: NAME
version: 0.1.0
protocol: 1
summary: Groups of machines.
transport: cloudstack
needs: [cloud]

types:
  PREFIX_group:
    summary: Machines kept on different hosts.
    example: examples/group.hcl
    attributes:
      id:          {type: string, computed: true, doc: The group's id.}
      name:        {type: string, required: true, replace: true, max_length: 255, doc: "The name, unique in the account.", example: web}
      kind:        {type: string, default: host anti-affinity, replace: true, param: type, values: [host anti-affinity, host affinity], doc: Whether machines are kept apart or together.}
      description: {type: string, optional: true, replace: true, max_length: 255, doc: What users read.}
    unique: [name]
    create:   {call: createAffinityGroup, result: affinitygroup}
    read:     {call: listAffinityGroups, batch: true, result: affinitygroup}
    delete:   {call: deleteAffinityGroup}
    identity: {natural: [name]}
    find:     {call: listAffinityGroups, by: [name, kind], result: affinitygroup, display: description}
`

const newExample = `resource "PREFIX_group" "web" {
  name = "web"
}
`

const newMain = `// Command NAME is a plugin of moldctl.
package main

import (
	_ "embed"

	"github.com/moldctl/moldctl/sdk"
)

//go:embed plugin.yaml
var spec []byte

func main() { sdk.Serve(sdk.Plugin{Spec: spec}) }
`

const newHTTP = `plugin: NAME
version: 0.1.0
protocol: 1
summary: Records of a DNS service.
transport: http

config:
  endpoint: {type: string, format: url, default: "https://dns.example.com/v1", doc: Where the service is.}
  token:    {type: string, required: true, sensitive: true, doc: The key to the service.}

http:
  auth:   {bearer: "${config.token}"}
  paging: {style: page, size: per_page, limit: 100}

types:
  PREFIX_record:
    summary: A name and what it stands for.
    example: examples/record.hcl
    attributes:
      id:   {type: string, computed: true, doc: The record's id.}
      name: {type: string, required: true, replace: true, doc: The name., example: www.example.com}
      data: {type: string, required: true, doc: What the name stands for., example: 192.0.2.1}
      ttl:  {type: number, default: 300, min: 60, max: 86400, doc: "For how long others may remember it, in seconds."}
    create:   {method: POST, path: /records, result: record}
    read:     {method: GET, path: "/records/${self.id}", result: record, batch: true}
    update:   {method: PATCH, path: "/records/${self.id}", result: record}
    delete:   {method: DELETE, path: "/records/${self.id}"}
    identity: {natural: [name]}
    find:     {method: GET, path: /records, query: {name: "${self.name}"}, result: records, by: [name]}
`

const newHTTPExample = `plugin "NAME" {
  token = env("DNS_TOKEN")
}

resource "PREFIX_record" "www" {
  name = "www.example.com"
  data = "192.0.2.1"
}
`

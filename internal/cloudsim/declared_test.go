package cloudsim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/moldctl/moldctl/internal/cloudsim/apitable"
)

// undeclared lists the fields of an object that a command does not declare, or declares of another type.
func undeclared(path string, o map[string]any, fields []apitable.Field) []string {
	byName := make(map[string]apitable.Field, len(fields))
	for _, f := range fields {
		byName[f.Name] = f
	}
	var out []string
	for _, k := range sortedKeys(o) {
		f, ok := byName[k]
		if !ok {
			out = append(out, path+k+" is not declared")
			continue
		}
		got := ""
		switch v := o[k].(type) {
		case string:
			got = "string"
		case bool:
			got = "boolean"
		case float64:
			got = "number"
		case []any:
			got = "list"
			for _, element := range v {
				if nested, ok := element.(map[string]any); ok && len(f.Fields) > 0 {
					out = append(out, undeclared(path+k+".", nested, f.Fields)...)
				}
			}
		}
		if want := jsonType(f.Type); want != "" && got != "" && got != want {
			out = append(out, fmt.Sprintf("%s%s is a %s, declared as %s", path, k, got, f.Type))
		}
	}
	return out
}

// jsonType is how a declared type comes in JSON; "" if that is not certain.
func jsonType(declared string) string {
	switch declared {
	case "string", "date":
		return "string"
	case "boolean":
		return "boolean"
	case "long", "integer", "int", "short", "float", "double":
		return "number"
	case "list", "set":
		return "list"
	}
	return ""
}

// TestListsAnswerAsDeclared holds what the lists show, of the start content and of a machine, to what the server declares.
func TestListsAnswerAsDeclared(t *testing.T) {
	t.Parallel()
	made := startCompute(t, "admin", Options{})
	made.deploy("shown", "userdata", "IyEvYmluL3NoCg==")
	c := made.Cloud
	responses, err := apitable.Responses()
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for name := range c.commands {
		if !strings.HasPrefix(name, "list") || len(required(c.table[name])) > 0 {
			continue
		}
		r := call(t, c, "admin", name, "listall", "true")
		if r.status != 200 {
			continue
		}
		found := make(map[string]bool)
		for _, list := range r.body {
			items, _ := list.([]any)
			for _, item := range items {
				if o, ok := item.(map[string]any); ok {
					shown++
					for _, d := range undeclared("", o, responses[name]) {
						found[d] = true
					}
				}
			}
		}
		for _, d := range sortedKeys(found) {
			t.Errorf("%s: %s", name, d)
		}
	}
	if shown < 100 {
		t.Errorf("only %d objects were looked at", shown)
	}
}

package render_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/plan/render"
)

// schema is the part of JSON Schema that the published one uses.
type schema struct {
	root map[string]any
}

// check lists where a value is not as the schema says.
func (s schema) check(at string, rule map[string]any, v any) []string {
	if ref, ok := rule["$ref"].(string); ok {
		return s.check(at, s.root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any), v)
	}
	var wrong []string
	fail := func(format string, args ...any) { wrong = append(wrong, at+": "+fmt.Sprintf(format, args...)) }
	if want, ok := rule["const"]; ok && !reflect.DeepEqual(want, v) {
		fail("%v is not %v", v, want)
	}
	if list, ok := rule["enum"].([]any); ok && !slices.Contains(list, v) {
		fail("%v is none of %v", v, list)
	}
	switch rule["type"] {
	case "string":
		if _, ok := v.(string); !ok {
			fail("%v is no text", v)
		}
	case "boolean":
		if _, ok := v.(bool); !ok {
			fail("%v is no truth", v)
		}
	case "integer":
		if n, ok := v.(float64); !ok || n != float64(int(n)) || n < 0 {
			fail("%v is no count", v)
		}
	case "array":
		list, ok := v.([]any)
		if !ok {
			fail("%v is no list", v)
		}
		for i, item := range list {
			wrong = append(wrong, s.check(fmt.Sprintf("%s[%d]", at, i), rule["items"].(map[string]any), item)...)
		}
	case "object":
		wrong = append(wrong, s.object(at, rule, v)...)
	}
	return wrong
}

func (s schema) object(at string, rule map[string]any, v any) []string {
	members, ok := v.(map[string]any)
	if !ok {
		return []string{fmt.Sprintf("%s: %v is no object", at, v)}
	}
	var wrong []string
	properties := rule["properties"].(map[string]any)
	for name, member := range members {
		inner, ok := properties[name].(map[string]any)
		if !ok {
			wrong = append(wrong, at+"."+name+": the schema does not know it")
			continue
		}
		wrong = append(wrong, s.check(at+"."+name, inner, member)...)
	}
	for _, name := range rule["required"].([]any) {
		if _, ok := members[name.(string)]; !ok {
			wrong = append(wrong, at+"."+name.(string)+": missing")
		}
	}
	return wrong
}

func published(t *testing.T) schema {
	t.Helper()
	text, err := os.ReadFile("../../../docs/reference/plan.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	return schema{root}
}

// whole is a document as the command line writes it.
func whole(t *testing.T, p *plan.Plan) map[string]any {
	t.Helper()
	document, err := render.JSON(p)
	if err != nil {
		t.Fatal(err)
	}
	rng := &hcl.Range{Filename: "a.hcl", Start: hcl.InitialPos, End: hcl.InitialPos}
	text, err := json.Marshal(struct {
		Type string `json:"type"`
		render.Document
		Diagnostics []diag.JSON `json:"diagnostics"`
	}{"plan", document, diag.ToJSON(hcl.Diagnostics{diag.Warningf(rng, "Odd", "It is odd.")}, nil)})
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestJSONIsAsPublished checks plans of all kinds against the schema that users
// are given.
func TestJSONIsAsPublished(t *testing.T) {
	t.Parallel()
	s := published(t)
	for name, p := range map[string]*plan.Plan{
		"everything": everything(), "nothing": {Stack: "a"}, "destroy": {Stack: "a", Destroy: true},
		"limited": {Stack: "a", Partial: true}, "refresh only": {Stack: "a", RefreshOnly: true},
	} {
		if wrong := s.check("plan", s.root, whole(t, p)); len(wrong) > 0 {
			t.Errorf("%s:\n%s", name, strings.Join(wrong, "\n"))
		}
	}
}

// TestSchemaRefuses checks that the schema says something at all.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	s := published(t)
	for name, spoil := range map[string]func(map[string]any){
		"another type":   func(d map[string]any) { d["type"] = "apply" },
		"a new field":    func(d map[string]any) { d["new"] = 1.0 },
		"a missing one":  func(d map[string]any) { delete(d, "drift") },
		"another action": func(d map[string]any) { d["changes"].([]any)[0].(map[string]any)["action"] = "melt" },
		"a text count":   func(d map[string]any) { d["summary"].(map[string]any)["create"] = "1" },
	} {
		document := whole(t, everything())
		spoil(document)
		if len(s.check("plan", s.root, document)) == 0 {
			t.Errorf("%s is taken", name)
		}
	}
}

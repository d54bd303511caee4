package reference_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/moldctl/moldctl/internal/reference"
)

// TestSchemaIsCurrent fails when the parser reads other keys than the published
// schema says.
func TestSchemaIsCurrent(t *testing.T) {
	t.Parallel()
	want, err := reference.Schema()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/reference/plugin.schema.json")
	if err != nil || string(got) != string(want) {
		t.Error("docs/reference/plugin.schema.json is not current: run go generate ./internal/reference")
	}
}

// TestSchemaFits holds every plugin.yaml there is against the schema.
func TestSchemaFits(t *testing.T) {
	t.Parallel()
	schema := loadSchema(t)
	var files []string
	for _, pattern := range []string{"../../plugins/*/plugin.yaml", "../../testdata/plugins/*/plugin.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 6 {
		t.Fatalf("only %d plugins were found", len(files))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.check(t, string(text)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestSchemaRefuses checks that the schema tells what an editor should.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	schema := loadSchema(t)
	const head = "plugin: p\nversion: 1.0.0\n"
	for name, text := range map[string]string{
		"no version":         "plugin: p\n",
		"a key of no type":   head + "types: {t: {atributes: {}}}\n",
		"a word of none":     head + "transport: htpp\n",
		"a text for a truth": head + "types: {t: {attributes: {a: {type: string, required: maybe}}}}\n",
		"a call of a list":   head + "types: {t: {find: [1]}}\n",
		"a duration":         head + "http: {timeout: soon}\n",
		"a status":           head + "http: {errors: {gone: never}}\n",
		"a style":            head + "http: {paging: pages}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if schema.check(t, text) == nil {
				t.Errorf("the schema accepts:\n%s", text)
			}
		})
	}
}

// schema checks values against the part of JSON Schema that is used here.
type schema struct{ root map[string]any }

func loadSchema(t *testing.T) schema {
	t.Helper()
	text, err := reference.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(text, &s.root); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s schema) check(t *testing.T, text string) error {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return s.fits("", s.root, v)
}

func (s schema) fits(at string, rule map[string]any, v any) error {
	for _, key := range slices.Sorted(maps.Keys(rule)) {
		var err error
		switch want := rule[key].(type) {
		case string:
			switch key {
			case "$ref":
				def := s.root["$defs"].(map[string]any)[strings.TrimPrefix(want, "#/$defs/")]
				if def == nil {
					return fmt.Errorf("the schema has no %s", want)
				}
				err = s.fits(at, def.(map[string]any), v)
			case "type":
				err = ofType(at, []any{want}, v)
			case "pattern":
				if text, ok := v.(string); ok && !regexp.MustCompile(want).MatchString(text) {
					err = fmt.Errorf("%s: %q does not match %s", at, text, want)
				}
			}
		case []any:
			err = s.oneOf(at, key, want, v)
		case map[string]any:
			err = s.inside(at, key, rule, want, v)
		case bool: // additionalProperties
			object, _ := v.(map[string]any)
			for name := range object {
				if properties, _ := rule["properties"].(map[string]any); properties[name] == nil {
					err = fmt.Errorf("%s: there is no key %s", at, name)
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s schema) oneOf(at, key string, want []any, v any) error {
	switch key {
	case "type":
		return ofType(at, want, v)
	case "enum":
		if !slices.ContainsFunc(want, func(w any) bool { return fmt.Sprint(w) == fmt.Sprint(v) }) {
			return fmt.Errorf("%s: %v is none of %v", at, v, want)
		}
	case "required":
		object, _ := v.(map[string]any)
		for _, name := range want {
			if _, ok := object[name.(string)]; !ok {
				return fmt.Errorf("%s: %v is missing", at, name)
			}
		}
	case "anyOf":
		var last error
		for _, form := range want {
			if last = s.fits(at, form.(map[string]any), v); last == nil {
				return nil
			}
		}
		return last
	}
	return nil
}

func (s schema) inside(at, key string, rule, want map[string]any, v any) error {
	switch key {
	case "properties":
		object, _ := v.(map[string]any)
		for name, inner := range object {
			if form, ok := want[name].(map[string]any); ok {
				if err := s.fits(at+"/"+name, form, inner); err != nil {
					return err
				}
			}
		}
	case "additionalProperties":
		object, _ := v.(map[string]any)
		for name, inner := range object {
			if properties, _ := rule["properties"].(map[string]any); properties[name] == nil {
				if err := s.fits(at+"/"+name, want, inner); err != nil {
					return err
				}
			}
		}
	case "items":
		list, _ := v.([]any)
		for i, inner := range list {
			if err := s.fits(fmt.Sprintf("%s/%d", at, i), want, inner); err != nil {
				return err
			}
		}
	}
	return nil
}

func ofType(at string, want []any, v any) error {
	is := ""
	switch v := v.(type) {
	case string:
		is = "string"
	case bool:
		is = "boolean"
	case int:
		is = "integer"
	case float64:
		is = "number"
	case map[string]any:
		is = "object"
	case []any:
		is = "array"
	default:
		is = fmt.Sprintf("%T", v)
	}
	if slices.Contains(want, any(is)) || is == "integer" && slices.Contains(want, any("number")) {
		return nil
	}
	return fmt.Errorf("%s: this is of type %s, not %v", at, is, want)
}

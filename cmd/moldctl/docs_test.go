package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"go.yaml.in/yaml/v4"

	"github.com/moldctl/moldctl/core"
)

var fence = regexp.MustCompile("(?ms)^```(hcl|yaml)\n(.*?)^```")

// TestDocumentation parses every example in the documentation, and validates
// those that are whole stacks: a reader who copies one must not be corrected.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fence.FindAllSubmatchIndex(text, -1) {
			kind, example := string(text[m[2]:m[3]]), string(text[m[4]:m[5]])
			line := bytes.Count(text[:m[4]], []byte("\n"))
			if said := wrong(t, kind, example); said != "" {
				t.Errorf("%s line %d: %s", page, line, said)
			}
		}
	}
}

// pages lists the documents of the repository.
func pages(t *testing.T) []string {
	t.Helper()
	out := []string{"../../README.md"}
	for _, root := range []string{"../../docs", "../../specs"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err == nil && filepath.Ext(path) == ".md" {
				out = append(out, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// wrong says what is wrong with an example, "" if nothing is.
func wrong(t *testing.T, kind, example string) string {
	t.Helper()
	if kind == "yaml" {
		var node yaml.Node
		if err := yaml.Unmarshal([]byte(example), &node); err != nil {
			return err.Error()
		}
		return ""
	}
	if _, diags := hclsyntax.ParseConfig([]byte(example), "example", hcl.InitialPos); diags.HasErrors() {
		return diags.Error()
	}
	if !strings.HasPrefix(strings.TrimSpace(example), "stack ") {
		return ""
	}
	file := filepath.Join(t.TempDir(), "spec.hcl")
	if err := os.WriteFile(file, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	sources, err := pluginSources()
	if err != nil {
		t.Fatal(err)
	}
	e, diags := core.Load(core.Settings{Path: file, Plugins: sources})
	if !diags.HasErrors() {
		diags = append(diags, e.Validate()...)
	}
	if diags.HasErrors() {
		return diags.Error()
	}
	return ""
}

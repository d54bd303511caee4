package endtoend_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moldctl/moldctl/sdk/apitable"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// byExample are the declarative types whose requests are looked at when their
// examples are applied, beside those in the stacks of TestRequests.
func byExample(t *testing.T, stacks string) map[string][]string {
	t.Helper()
	files := map[string][]string{}
	for name, p := range bundled() {
		spec, diags := pluginspec.Parse(name, p.Spec)
		if diags.HasErrors() {
			t.Fatalf("%s: %v", name, diags)
		}
		for _, typeName := range slices.Sorted(maps.Keys(spec.Types)) {
			typ := spec.Types[typeName]
			if typ.Create != nil && !typ.Create.Handler && !strings.Contains(stacks, `resource "`+typ.Name+`"`) {
				files[name] = append(files[name], filepath.Join("..", "..", "plugins", name, typ.Example))
			}
		}
		files[name] = slices.Compact(files[name])
	}
	return files
}

// stacksOfRequests are the stacks of TestRequests in one text.
func stacksOfRequests(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	for _, file := range []string{"everything.hcl", "everything-changed.hcl"} {
		data, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(data)
	}
	return text.String()
}

// TestExampleRequests applies and destroys the examples of all other types, and
// looks at each request with the eyes of a real server.
func TestExampleRequests(t *testing.T) {
	t.Parallel()
	table, err := apitable.Load()
	if err != nil {
		t.Fatal(err)
	}
	for name, files := range byExample(t, stacksOfRequests(t)) {
		if len(files) == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := newTap(t, w.cloud.Endpoint())
			w.endpoint = p.URL
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				w.write(string(text))
				w.must("apply")
				w.must("destroy")
				for _, r := range p.taken(t) {
					for _, fault := range faults(table, r) {
						t.Errorf("%s: %s: %s", filepath.Base(file), r.Command, fault)
					}
				}
			}
		})
	}
}

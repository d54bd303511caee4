package apply_test

import (
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/fakeplugin"
)

// nextSpec is fakeSpec as a later version of the plugin has it.
func nextSpec(change ...string) string {
	return strings.NewReplacer(change...).Replace(fakeSpec)
}

// seed puts an object into a cloud, as far as the type there has its attributes.
func seed(t *testing.T, c *fakeplugin.Cloud, typ, id string, values map[string]cty.Value) {
	t.Helper()
	fits := map[string]cty.Value{}
	for name, want := range c.Types()[typ].ImpliedType().AttributeTypes() {
		if v, err := convert.Convert(orNull(values[name], want), want); err == nil {
			fits[name] = v
		}
	}
	c.Seed(typ, id, fits)
}

func orNull(v cty.Value, ty cty.Type) cty.Value {
	if v == cty.NilVal {
		return cty.NullVal(ty)
	}
	return v
}

// TestSchemaEvolves checks that objects stored by an older schema go on without
// a change in the cloud.
func TestSchemaEvolves(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason string
		next   string
		second string
		want   string // of the stored values afterwards
		refuse string
	}{
		"renamed": {"the value keeps its place under the new name", nextSpec("    summary: A thing.\n", "    summary: A thing.\n    schema: 2\n    renamed: {place: site}\n", "      place: {type", "      site: {type"),
			block("a", "name = \"a\"\nsite = \"here\"\nsize = 3"), `"site":"here"`, ""},
		"gone": {"what the schema lost is dropped", nextSpec("    summary: A thing.\n", "    summary: A thing.\n    schema: 2\n", "      place: {type: string, replace: true, doc: Where it stands.}\n", ""),
			block("a", "name = \"a\"\nsize = 3"), `"size":3`, ""},
		"another type": {"a number becomes a text", nextSpec("    summary: A thing.\n", "    summary: A thing.\n    schema: 2\n", "size:  {type: number, default: 1, doc: The size.}\n      on:", "size:  {type: string, default: \"1\", doc: The size.}\n      on:"),
			block("a", "name = \"a\"\nplace = \"here\"\nsize = \"3\""), `"size":"3"`, ""},
		"no way": {"a text is no list", nextSpec("    summary: A thing.\n", "    summary: A thing.\n    schema: 2\n", "place: {type: string", "place: {type: list(string)"),
			block("a", "name = \"a\"\nplace = [\"here\"]\nsize = 3"), "", "thing.a was stored by schema 1 of \"thing\", and the plugin \"fake\" has schema 2 now: place:"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.must(block("a", "name = \"a\"\nplace = \"here\"\nsize = 3"))
			old := w.cloud
			next, err := fakeplugin.New(tc.next)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range old.Objects() {
				values := o.Values.AsValueMap()
				if tc.want == `"site":"here"` {
					values["site"] = values["place"]
				}
				seed(t, next, "thing", o.ID, values)
			}
			w.cloud = next
			_, diags := w.apply(tc.second)
			said := strings.Join(strings.Fields(render(diags)), " ")
			if tc.refuse != "" {
				if !strings.Contains(said, tc.refuse) {
					t.Errorf("%s: said %s", tc.reason, said)
				}
				return
			}
			row := w.objects()[state.Key{Addr: "thing.a"}]
			if diags.HasErrors() || len(next.Calls()) != 0 || row.SchemaVersion != 2 || !strings.Contains(string(row.Values), tc.want) {
				t.Errorf("%s: calls %v, schema %d, values %s, said %s", tc.reason, next.Calls(), row.SchemaVersion, row.Values, said)
			}
		})
	}
}

// TestMovedBetweenTypes checks that an object becomes one of another type where
// that type takes it over, and nowhere else.
func TestMovedBetweenTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(block("a", "name = \"a\"\nsize = 3"))
	moved := "resource \"press\" \"a\" {\n  name = \"a\"\n  size = 3\n}\n" + moveTo("thing.a", "press.a")
	if _, diags := w.apply(moved); !strings.Contains(render(diags), "an object keeps its type") {
		t.Errorf("it is taken without being accepted: %s", render(diags))
	}
	next, err := fakeplugin.New(nextSpec("    summary: A thing whose updates leave old versions behind.\n", "    summary: A thing whose updates leave old versions behind.\n    accepts: [thing]\n"))
	if err != nil {
		t.Fatal(err)
	}
	id := ""
	for _, o := range w.cloud.Objects() {
		id = o.ID
		seed(t, next, "press", o.ID, o.Values.AsValueMap())
	}
	w.cloud = next
	w.must(moved)
	var got []string
	for key, row := range w.objects() {
		got = append(got, key.Addr+" "+row.Type+" "+row.ID)
	}
	sort.Strings(got)
	if diff := cmp.Diff([]string{"press.a press " + id}, got); diff != "" || len(next.Calls()) != 0 {
		t.Errorf("calls %v (-want +got):\n%s", next.Calls(), diff)
	}
	if left := w.steps(moved); len(left) != 0 {
		t.Errorf("the next plan is not empty: %v", left)
	}
}

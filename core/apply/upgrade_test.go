package apply_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/fakeplugin"
	"github.com/moldctl/moldctl/sdk/wire"
)

// placed is code that joins two attributes of schema 1 into one of schema 2.
func placed(schema int, stored *wire.Stored) (cty.Value, error) {
	if schema != 1 {
		return cty.NilVal, fmt.Errorf("schema %d", schema)
	}
	var was struct {
		Name, Place string
		Size        float64
		Token       *string
	}
	if err := json.Unmarshal(stored.GetValues(), &was); err != nil {
		return cty.NilVal, err
	}
	if was.Name == "odd" {
		return cty.NilVal, errors.New("an odd thing")
	}
	values := map[string]cty.Value{
		"id": cty.StringVal(stored.GetId()), "name": cty.StringVal(was.Name), "site": cty.StringVal(fmt.Sprintf("%s/%v", was.Place, was.Size)),
		"on": cty.NullVal(cty.String), "made": cty.NullVal(cty.String), "shape": cty.NullVal(cty.Number), "boot": cty.NullVal(cty.String),
		"token": cty.NullVal(cty.String),
	}
	if was.Token != nil {
		values["token"] = cty.StringVal(*was.Token)
	}
	return cty.ObjectVal(values), nil
}

// TestCodeUpgradesWhatIsStored brings objects of an older schema up to date by
// the plugin's code: the cloud is not changed, secrets stay secrets, and what
// the code refuses is told with its name.
func TestCodeUpgradesWhatIsStored(t *testing.T) {
	t.Parallel()
	next := nextSpec("    summary: A thing.\n", "    summary: A thing.\n    schema: 2\n    upgrade: true\n",
		"      size:  {type: number, default: 1, doc: The size.}\n      on:", "      on:",
		"      place: {type: string, replace: true, doc: Where it stands.}", "      site: {type: string, replace: true, doc: Where it stands.}")
	tests := map[string]struct {
		first, second string
		said          string   // of the refusal
		stored        string   // part of the values afterwards
		secret        []string // among the paths that are sensitive
	}{
		"joined":  {"name = \"a\"\nplace = \"here\"\nsize = 3", "name = \"a\"\nsite = \"here/3\"", "", `"site":"here/3"`, []string{"token"}},
		"secret":  {"name = \"a\"\nplace = \"here\"\ntoken = \"hush\"", "name = \"a\"\nsite = \"here/1\"\ntoken = \"hush\"", "", `"token":"hush"`, []string{"token"}},
		"refused": {"name = \"odd\"\nplace = \"here\"", "name = \"odd\"\nsite = \"here/1\"", "an odd thing", "", nil},
		"marked":  {"name = \"a\"\nplace = sensitive(\"here\")", "name = \"a\"\nsite = sensitive(\"here/1\")", "", `"site":"here/1"`, []string{"site", "token"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.must(block("a", tc.first))
			old := w.cloud
			var err error
			if w.cloud, err = fakeplugin.New(next); err != nil {
				t.Fatal(err)
			}
			w.cloud.Upgraded = placed
			for _, o := range old.Objects() {
				values := o.Values.AsValueMap()
				was := map[string]any{"name": "a", "place": "here"}
				site := fmt.Sprint(was["place"], "/", values["size"].AsBigFloat().Text('f', -1))
				values["site"] = cty.StringVal(site)
				seed(t, w.cloud, "thing", o.ID, values)
			}
			_, diags := w.apply(block("a", tc.second))
			said := strings.Join(strings.Fields(render(diags)), " ")
			if tc.said != "" {
				if !strings.Contains(said, tc.said) || !strings.Contains(said, "thing.a") {
					t.Errorf("said %s", said)
				}
				return
			}
			row := w.objects()[state.Key{Addr: "thing.a"}]
			if diags.HasErrors() || len(w.cloud.Calls()) != 0 || row.SchemaVersion != 2 || !strings.Contains(string(row.Values), tc.stored) {
				t.Fatalf("calls %v, schema %d, values %s, said %s", w.cloud.Calls(), row.SchemaVersion, row.Values, said)
			}
			if strings.Join(row.SensitivePaths, " ") != strings.Join(tc.secret, " ") {
				t.Errorf("secret are %v, want %v", row.SensitivePaths, tc.secret)
			}
			if left := w.steps(block("a", tc.second)); len(left) != 0 {
				t.Errorf("the next plan is not empty: %v", left)
			}
		})
	}
}

// TestInterruptedByAnOlderPlugin updates the plugin between a run that is
// killed and the next one: what it began is of the older schema.
func TestInterruptedByAnOlderPlugin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cloud.Hook = func(m fakeplugin.Moment, _, _ string) error {
		if m == fakeplugin.AfterJob {
			return fakeplugin.ErrKilled
		}
		return nil
	}
	w.apply(block("a", "name = \"a\"\nplace = \"here\""))
	old := w.cloud
	var err error
	if w.cloud, err = fakeplugin.New(nextSpec("    summary: A thing.\n", "    summary: A thing.\n    schema: 2\n    renamed: {place: site}\n", "      place: {type", "      site: {type")); err != nil {
		t.Fatal(err)
	}
	for _, o := range old.Objects() {
		values := o.Values.AsValueMap()
		values["site"] = values["place"]
		seed(t, w.cloud, "thing", o.ID, values)
	}
	w.must(block("a", "name = \"a\"\nsite = \"here\""))
	if n := len(w.cloud.Objects()); n != 1 {
		t.Errorf("%d objects", n)
	}
	row := w.objects()[state.Key{Addr: "thing.a"}]
	if row.SchemaVersion != 2 || !strings.Contains(string(row.Values), `"site":"here"`) {
		t.Errorf("schema %d, values %s", row.SchemaVersion, row.Values)
	}
}

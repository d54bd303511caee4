package endtoend_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/declarative"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

var update = flag.Bool("update", false, "write the expected results anew")

// recorded answers each command as a CloudStack 4.22 did once: with the file of
// that name in testdata/answers, whatever is asked.
func recorded(t *testing.T) *cloudstack.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := os.ReadFile("testdata/answers/" + r.FormValue("command") + ".json")
		if errors.Is(err, fs.ErrNotExist) {
			text, err = []byte(`{"emptyresponse":{}}`), nil
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json;charset=utf-8")
		if _, err := w.Write(text); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	client, err := cloudstack.New(cloudstack.Settings{
		Endpoint: server.URL + "/client/api", APIKey: "key", SecretKey: "secret", Signature: cloudstack.SignatureSHA1,
		Transport: &http.Transport{DisableKeepAlives: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestRecordedAnswers reads what a real server answered, with every type that
// its plugin only declares: what each attribute becomes is in the golden file.
func TestRecordedAnswers(t *testing.T) {
	t.Parallel()
	client := recorded(t)
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(bundled())) {
		spec, diags := pluginspec.Parse(name, bundled()[name].Spec)
		if diags.HasErrors() {
			t.Fatalf("%s: %v", name, diags)
		}
		rt := declarative.New(spec)
		for _, typeName := range slices.Sorted(maps.Keys(spec.Types)) {
			typ := spec.Types[typeName]
			if typ.Find == nil || typ.Find.Call == nil {
				continue
			}
			found, err := rt.Find(t.Context(), declarative.FindRequest{Type: typ, Cloud: client})
			if err != nil {
				t.Errorf("find %s: %v", typ.Name, err)
				continue
			}
			fmt.Fprintf(&out, "== %s: %d found\n", typ.Name, len(found))
			for _, f := range found[:min(2, len(found))] {
				fmt.Fprintf(&out, "%s %q %q\n", f.ID, f.Name, f.Display)
				writeAttributes(t, &out, f.Value)
			}
			if typ.Read == nil || len(typ.Read.Calls) == 0 {
				continue
			}
			var items []declarative.ReadItem
			for _, f := range found {
				items = append(items, declarative.ReadItem{Ref: f.ID, ID: f.ID})
			}
			read, err := rt.Read(t.Context(), declarative.ReadRequest{Type: typ, Cloud: client, Items: items})
			if err != nil {
				t.Errorf("read %s: %v", typ.Name, err)
			}
			for i, r := range read {
				want := declarative.Present
				if found[i].Object.Str("state") == "Error" {
					want = declarative.Unusable
				}
				if r.State != want || len(r.Problems) > 0 {
					t.Errorf("read %s %s: state %v, %v", typ.Name, r.Ref, r.State, r.Problems)
					continue
				}
				if i < 2 {
					fmt.Fprintf(&out, "read %s\n", r.Ref)
					writeAttributes(t, &out, r.Value)
				}
			}
		}
	}
	golden(t, "testdata/answers.golden", out.String())
}

func writeAttributes(t *testing.T, out *strings.Builder, v cty.Value) {
	t.Helper()
	fields := v.AsValueMap()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		data, err := ctyjson.Marshal(fields[name], fields[name].Type())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		fmt.Fprintf(out, "  %s = %s\n", name, data)
	}
}

// golden compares a text with a file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update writes it anew):\n%s", file, diff)
	}
}

// TestDefaultOffering takes the default network offering among those of a real
// installation: exactly one may fit, since the first that fits is taken.
func TestDefaultOffering(t *testing.T) {
	t.Parallel()
	spec, diags := pluginspec.Parse("network", bundled()["network"].Spec)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	offerings, err := recorded(t).List(t.Context(), "listNetworkOfferings", nil, "networkoffering")
	if err != nil {
		t.Fatal(err)
	}
	pick := spec.Types["network"].Attr("offering").Default.Pick
	if len(pick) == 0 {
		t.Fatal("the network's offering has no pick")
	}
	var fit []string
	for _, o := range offerings {
		good := true
		for field, want := range pick {
			good = good && fmt.Sprint(o[field]) == fmt.Sprint(want)
		}
		if good {
			fit = append(fit, o.Str("name"))
		}
	}
	if diff := cmp.Diff([]string{"DefaultIsolatedNetworkOfferingWithSourceNatService"}, fit); diff != "" {
		t.Errorf("offerings that fit (-want +got):\n%s", diff)
	}
}

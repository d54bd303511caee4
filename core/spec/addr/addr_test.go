package addr_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/moldctl/moldctl/core/spec/addr"
)

var web = addr.Resource{Type: "network", Name: "web"}

func TestParseInstance(t *testing.T) {
	t.Parallel()
	data := addr.Resource{Mode: addr.Data, Type: "zone", Name: "z"}
	tests := map[string]struct {
		text string
		want addr.Instance
		err  string
	}{
		"single":         {"network.web", web.Instance(addr.NoKey()), ""},
		"counted":        {"network.web[12]", web.Instance(addr.IntKey(12)), ""},
		"keyed":          {`network.web["a.b\"c"]`, web.Instance(addr.StringKey(`a.b"c`)), ""},
		"korean key":     {`network.web["서울"]`, web.Instance(addr.StringKey("서울")), ""},
		"template key":   {`network.web["$${x}"]`, web.Instance(addr.StringKey("${x}")), ""},
		"data":           {"data.zone.z", data.Instance(addr.NoKey()), ""},
		"in a module":    {"module.a.network.web", addr.Resource{Module: "module.a", Type: "network", Name: "web"}.Instance(addr.NoKey()), ""},
		"nested modules": {`module.a["x"].module.b[1].data.zone.z`, addr.Resource{Module: `module.a["x"].module.b[1]`, Mode: addr.Data, Type: "zone", Name: "z"}.Instance(addr.NoKey()), ""},
		"module alone":   {"module.a", addr.Instance{}, "after the module comes a block"},
		"module no name": {"module", addr.Instance{}, "comes a block in it"},
		"module index":   {"module.a[0][1].b", addr.Instance{}, "comes a block in it"},
		"no name":        {"network", addr.Instance{}, "comes the name of a block"},
		"data too short": {"data.zone", addr.Instance{}, "comes the name of a block"},
		"too long":       {"network.web.id", addr.Instance{}, "goes on after network.web"},
		"bad index":      {"network.web[1.5]", addr.Instance{}, "goes on after network.web"},
		"negative":       {"network.web[-1]", addr.Instance{}, "parse address"},
		"empty":          {"", addr.Instance{}, "parse address"},
		"spaces":         {"network web", addr.Instance{}, "parse address"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := addr.ParseInstance(tt.text)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want one that says %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want || got.String() != tt.text {
				t.Errorf("got %+v (%s), want %+v", got, got, tt.want)
			}
		})
	}
}

func TestParseResource(t *testing.T) {
	t.Parallel()
	if got, err := addr.ParseResource("network.web"); err != nil || got != web {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := addr.ParseResource("network.web[0]"); err == nil {
		t.Error("an instance was taken for a block")
	}
}

// TestRoundTrip checks that the text form says everything.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := addr.NoKey()
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 1:
			key = addr.IntKey(rapid.IntRange(0, 1<<30).Draw(t, "int"))
		case 2:
			key = addr.StringKey(rapid.String().Draw(t, "text"))
		}
		module := addr.Root
		if rapid.Bool().Draw(t, "in a module") {
			module = module.Child("m", key).Child("n", addr.NoKey())
		}
		want := addr.Resource{Module: module, Mode: addr.Mode(rapid.IntRange(0, 1).Draw(t, "mode")), Type: "network", Name: "web"}.Instance(key)
		got, err := addr.ParseInstance(want.String())
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestCompare(t *testing.T) {
	t.Parallel()
	want := []string{
		"a.b", "a.b[2]", "a.b[10]", `a.b["1"]`, "a.c", "b.a", "data.a.a", "module.m.a.a",
	}
	var got []addr.Instance
	for _, s := range want {
		i, err := addr.ParseInstance(s)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, i)
	}
	slices.Reverse(got)
	slices.SortFunc(got, addr.Instance.Compare)
	var texts []string
	for _, i := range got {
		texts = append(texts, i.String())
	}
	if d := cmp.Diff(want, texts); d != "" {
		t.Errorf("order (-want +got):\n%s", d)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	in := map[addr.Instance]int{web.Instance(addr.StringKey("a")): 1, web.Instance(addr.NoKey()): 2}
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out map[addr.Instance]int
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(in, out, cmp.AllowUnexported(addr.Key{})); d != "" {
		t.Errorf("through %s (-want +got):\n%s", text, d)
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		target, instance string
		want             bool
	}{
		"itself":               {"a.b", "a.b", true},
		"instance of a block":  {"a.b", "a.b[1]", true},
		"another instance":     {"a.b[0]", "a.b[1]", false},
		"another block":        {"a.b", "a.bc", false},
		"in a module":          {"module.m", "module.m.a.b[1]", true},
		"in a nested module":   {"module.m", `module.m["x"].module.n.a.b`, true},
		"other module":         {"module.m", "module.mm.a.b", false},
		"module instance":      {"module.m[0]", "module.m[1].a.b", false},
		"block outside module": {"a.b", "module.m.a.b", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, err := addr.ParseTarget(tt.target)
			if err != nil {
				t.Fatal(err)
			}
			instance, err := addr.ParseInstance(tt.instance)
			if err != nil {
				t.Fatal(err)
			}
			if got := target.Covers(instance); got != tt.want || target.String() != tt.target {
				t.Errorf("%s covers %s: %t, want %t", target, instance, got, tt.want)
			}
		})
	}
}

// FuzzTarget checks that whatever is taken as an address is written as one
// that means the same.
func FuzzTarget(f *testing.F) {
	for _, s := range []string{
		"network.web", "network.web[0]", `network.web["a.b"]`, "data.zone.z", "module.a", `module.a["x"].module.b.network.web`, "module.module.module", "a.b[1.0]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		target, err := addr.ParseTarget(s)
		if err != nil {
			return
		}
		again, err := addr.ParseTarget(target.String())
		if err != nil || again != target {
			t.Errorf("%q is read as %s, and that as %s (%v)", s, target, again, err)
		}
		if !target.IsModule() && !target.Covers(target.Instance) {
			t.Errorf("%s does not cover itself", target)
		}
	})
}

package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/fakeplugin"
)

// moreAttributes is what the blocks of twins do not need.
const moreAttributes = `
      token:       {type: string, sensitive: true, doc: A secret.}
      zone:        {type: string, lookup: zone, doc: Where it is.}
      size:        {type: number, default: 1, doc: How large.}
`

// generate writes blocks for the imports of a text.
func generate(t *testing.T, text string) (string, error) {
	t.Helper()
	const tags = "doc: Tags.}\n"
	cloud, err := fakeplugin.New(strings.Replace(twinSpec, tags, tags+strings.TrimPrefix(moreAttributes, "\n"), 1))
	if err != nil {
		t.Fatal(err)
	}
	number := func(n int64) cty.Value { return cty.NumberIntVal(n) }
	cloud.Seed("zone", "z1", map[string]cty.Value{"name": cty.StringVal("zone-1")})
	ty := cloud.Types()["group"].ImpliedType()
	rule := func(port int64) cty.Value {
		return cty.ObjectVal(map[string]cty.Value{"port": number(port), "cidr": cty.StringVal("0.0.0.0/0")})
	}
	cloud.Seed("group", "g1", map[string]cty.Value{
		"name": cty.StringVal("by ${hand}"), "token": cty.StringVal("hunter2"), "zone": cty.StringVal("z1"), "size": number(1),
		"tags":  cty.MapVal(map[string]cty.Value{"team": cty.StringVal("web")}),
		"keep":  cty.ObjectVal(map[string]cty.Value{"images": number(2)}),
		"rule":  cty.ListVal([]cty.Value{rule(22), rule(80)}),
		"scale": cty.NullVal(ty.AttributeType("scale")),
	})
	stack, vars, diags := load(t, text)
	if diags.HasErrors() {
		t.Fatal(render(diags))
	}
	out, _, diags := plan.Generate(t.Context(), plan.Input{Stack: stack, Variables: vars, Snapshot: &state.Snapshot{}, Host: cloud})
	if diags.HasErrors() {
		return "", diags
	}
	return string(out), nil
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	got, err := generate(t, "import {\n  to = group.g\n  id = \"g1\"\n}\nimport {\n  to = group.known\n  id = \"x\"\n}\nresource \"group\" \"known\" {\n  name = \"k\"\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	want := `resource "group" "g" {
  name = "by $${hand}"
  tags = {
    team = "web"
  }
  # token is a secret and is left out
  zone = "zone-1"
  keep {
    images = 2
  }
  rule {
    port = 22
  }
  rule {
    port = 80
  }
}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestGenerateRefuses(t *testing.T) {
	t.Parallel()
	imports := func(to, id string) string { return "import {\n  to = " + to + "\n  id = \"" + id + "\"\n}\n" }
	tests := map[string]struct{ text, want string }{
		"no import":    {"locals {\n  a = 1\n}\n", "Nothing to write"},
		"no object":    {imports("group.g", "x"), "No such object to import"},
		"an instance":  {imports("group.g[0]", "g1"), "by hand"},
		"in a module":  {imports("module.m.group.g", "g1"), "by hand"},
		"unknown type": {imports("gruop.g", "g1"), `Did you mean "group"?`},
		"no resource":  {imports("zone.z", "z1"), "No plugin serves the resource type"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := generate(t, tc.text)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("want %q, got %v, wrote %q", tc.want, err, text)
			}
		})
	}
}

package plan_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/fakeplugin"
)

const fakeSpec = `
plugin: fake
version: 1.0.0
protocol: 1
summary: Machines and what they are made of, for tests.
transport: cloudstack
types:
  offering:
    summary: What a machine gets.
    attributes:
      id:    {type: string, computed: true, doc: The id.}
      name:  {type: string, computed: true, doc: The name.}
      kind:  {type: string, computed: true, doc: Its kind.}
    read: {call: listServiceOfferings}
    find: {call: listServiceOfferings, by: [name]}
  net:
    summary: A network.
    attributes:
      id:   {type: string, computed: true, doc: The id.}
      name: {type: string, required: true, doc: The name.}
      open: {type: bool, default: false, doc: Whether it lets anything out.}
    create: {call: createNetwork}
    read:   {call: listNetworks}
    delete: {call: deleteNetwork}
    identity: {marker: externalid}
  machine:
    summary: A machine.
    attributes:
      id:       {type: string, computed: true, doc: The id.}
      name:     {type: string, required: true, max_length: 8, doc: The name.}
      title:    {type: string, default: "${self.name}@${cloud.zone}", doc: What people read.}
      offering: {type: string, lookup: offering, default: {pick: {kind: small}}, doc: The offering.}
      net:      {type: string, doc: The network.}
      password: {type: string, sensitive: true, doc: The password.}
      host:     {type: string, role: admin, doc: Where it runs.}
      size:     {type: number, min: 1, max: 9, default: 1, doc: The size.}
    requires:
      - {that: "${lookup.offering.kind != \"broken\"}", say: This offering makes no machines.}
      - {that: "${ref.net.open}", say: The network lets nothing out., warning: true}
    create: {call: deployVirtualMachine}
    read:   {call: listVirtualMachines}
    update: {call: updateVirtualMachine}
    delete: {call: destroyVirtualMachine}
    identity: {marker: details}
`

func newCloud(t *testing.T) *fakeplugin.Cloud {
	t.Helper()
	c, err := fakeplugin.New(fakeSpec)
	if err != nil {
		t.Fatal(err)
	}
	for id, o := range map[string][2]string{"o1": {"Small", "small"}, "o2": {"Medium", "medium"}, "o3": {"Twice", "x"}, "o4": {"Twice", "x"}, "o5": {"Broken", "broken"}} {
		c.Seed("offering", id, map[string]cty.Value{"name": cty.StringVal(o[0]), "kind": cty.StringVal(o[1])})
	}
	return c
}

// make plans a text against an empty state.
func makePlan(t *testing.T, text string) (*plan.Plan, hcl.Diagnostics) {
	t.Helper()
	stack, vars, diags := load(t, text)
	if diags.HasErrors() {
		return nil, diags
	}
	snap := &state.Snapshot{}
	return plan.Make(t.Context(), plan.Input{Stack: stack, Variables: vars, Snapshot: snap, Host: newCloud(t), Parallelism: 4})
}

func load(t *testing.T, text string) (*spec.Stack, map[string]cty.Value, hcl.Diagnostics) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "spec.hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	stack, diags := spec.Load(file, spec.Options{})
	if diags.HasErrors() {
		return nil, nil, diags
	}
	vars, more := eval.Variables(stack, nil, eval.Functions(dir, nil))
	return stack, vars, append(diags, more...)
}

func render(diags hcl.Diagnostics) string {
	var out strings.Builder
	_ = diag.Printer{}.Print(&out, diags)
	return out.String()
}

func TestDefaultsAndLookups(t *testing.T) {
	t.Parallel()
	p, diags := makePlan(t, `
resource "machine" "a" {
  name = "a"
}
resource "machine" "b" {
  name     = "b"
  offering = "Medium"
  title    = upper(machine.a.title)
  net      = machine.a.id
}
`)
	if diags.HasErrors() {
		t.Fatal(render(diags))
	}
	got := map[string][]string{}
	for _, s := range p.Steps {
		v := s.Planned.AsValueMap()
		got[s.Key.Addr] = []string{v["title"].AsString(), v["offering"].AsString(), s.Lookups["offering"].ID}
		if v["id"].IsKnown() {
			t.Errorf("%s: the id is known before there is one", s.Key.Addr)
		}
	}
	want := map[string][]string{
		"machine.a": {"a@zone-1", "Small", "o1"},
		"machine.b": {"A@ZONE-1", "Medium", "o2"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason string
		text   string
		want   []string
	}{
		"near name": {
			reason: "a name that the cloud does not have is refused while planning, with near ones",
			text:   "resource \"machine\" \"a\" {\n  name     = \"a\"\n  offering = \"Medum\"\n}",
			want:   []string{"No such offering", "spec.hcl line 3", `Did you mean "Medium"?`},
		},
		"two of a name": {
			reason: "an ambiguous name is never guessed",
			text:   "resource \"machine\" \"a\" {\n  name     = \"a\"\n  offering = \"Twice\"\n}",
			want:   []string{"Name is not unique", "o3, o4"},
		},
		"unknown type": {
			reason: "a type nobody serves, with near ones",
			text:   "resource \"machin\" \"a\" {\n}",
			want:   []string{"Unknown resource type", `Did you mean "machine"?`},
		},
		"unknown attribute": {
			reason: "the narrowest place that is wrong",
			text:   "resource \"machine\" \"a\" {\n  name = \"a\"\n  sise = 2\n}",
			want:   []string{"line 3", "sise", "size"},
		},
		"out of bounds": {
			reason: "limits of the schema hold before anything is asked of the cloud",
			text:   "resource \"machine\" \"a\" {\n  name = \"much-too-long\"\n  size = 12\n}",
			want:   []string{"line 2", "line 3"},
		},
		"cycle": {
			reason: "blocks that wait for each other, with the path",
			text:   "resource \"machine\" \"a\" {\n  name = machine.b.title\n}\nresource \"machine\" \"b\" {\n  name = machine.a.title\n}",
			want:   []string{"Blocks need each other", "machine.a → machine.b → machine.a"},
		},
		"requirement": {
			reason: "what a type requires is checked on the looked-up object",
			text:   "resource \"machine\" \"a\" {\n  name     = \"a\"\n  offering = \"Broken\"\n}",
			want:   []string{"Requirement is not met", "makes no machines"},
		},
		"not for this account": {
			reason: "what the cloud would ignore without a word is refused",
			text:   "resource \"machine\" \"a\" {\n  name = \"a\"\n  host = \"h\"\n}",
			want:   []string{"Not allowed for this account", "line 3"},
		},
		"several at once": {
			reason: "all problems, not the first only",
			text:   "resource \"machine\" \"a\" {\n  name     = \"a\"\n  offering = \"Medum\"\n}\nresource \"machine\" \"b\" {\n  name     = \"b\"\n  offering = \"Smal\"\n}",
			want:   []string{`"Medium"`, `"Small"`},
		},
		"sensitive output": {
			reason: "a secret is not shown by accident",
			text:   "resource \"machine\" \"a\" {\n  name = \"a\"\n  password = \"x\"\n}\noutput \"p\" {\n  value = machine.a.password\n}",
			want:   []string{"Output shows a sensitive value", "sensitive = true"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, diags := makePlan(t, tc.text)
			if !diags.HasErrors() {
				t.Fatalf("%s: no error", tc.reason)
			}
			said := render(diags)
			for _, want := range tc.want {
				if !strings.Contains(said, want) {
					t.Errorf("%s: %q is not said:\n%s", tc.reason, want, said)
				}
			}
		})
	}
}

func TestHint(t *testing.T) {
	t.Parallel()
	text := "resource \"net\" \"n\" {\n  name = \"n\"\n  open = OPEN\n}\nresource \"machine\" \"a\" {\n  name = \"a\"\n  net  = net.n.id\n}"
	for open, hinted := range map[string]bool{"true": false, "false": true} {
		_, diags := makePlan(t, strings.ReplaceAll(text, "OPEN", open))
		if diags.HasErrors() {
			t.Fatal(render(diags))
		}
		if got := strings.Contains(render(diags), "lets nothing out"); got != hinted {
			t.Errorf("open = %s: hinted %t, want %t:\n%s", open, got, hinted, render(diags))
		}
	}
}

func TestValidateNeedsNoCloud(t *testing.T) {
	t.Parallel()
	cloud := newCloud(t)
	tests := map[string]struct {
		text string
		want string // "" means that the stack is fine
	}{
		"fine":            {"resource \"machine\" \"a\" {\n  count = 2\n  name = \"a${count.index}\"\n}\noutput \"ids\" {\n  value = machine.a[*].id\n}", ""},
		"missing":         {"resource \"machine\" \"a\" {\n}", "name"},
		"wrong type":      {"resource \"machine\" \"a\" {\n  name = \"a\"\n  size = [1]\n}", "number"},
		"wrong reference": {"resource \"machine\" \"a\" {\n  name = net.x.id\n}", "net.x"},
		"read only":       {"resource \"machine\" \"a\" {\n  name = \"a\"\n  id = \"x\"\n}", "id"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack, vars, diags := load(t, tc.text)
			if !diags.HasErrors() {
				diags = append(diags, plan.Validate(stack, vars, cloud.Types(), cloud.Steps())...)
			}
			said := render(diags)
			if (tc.want == "") != !diags.HasErrors() || !strings.Contains(said, tc.want) {
				t.Errorf("want %q, said:\n%s", tc.want, said)
			}
		})
	}
}

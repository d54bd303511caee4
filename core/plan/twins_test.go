package plan_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/plan"
	planrender "github.com/moldctl/moldctl/core/plan/render"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/fakeplugin"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const stacks = "../../testdata/stacks/good"

// twinSpec serves the types that the stacks of testdata are made of.
const twinSpec = `
plugin: fake
version: 1.0.0
protocol: 1
summary: What the stacks of testdata are made of.
transport: cloudstack
types:
  zone:
    summary: A zone.
    attributes:
      id:   {type: string, computed: true, doc: The id.}
      name: {type: string, computed: true, doc: The name.}
    read: {call: listZones}
    find: {call: listZones, by: [name]}
  network:
    summary: A network.
    attributes:
      id:          {type: string, computed: true, doc: The id.}
      name:        {type: string, required: true, doc: The name.}
      description: {type: string, doc: What it is for.}
    blocks:
      egress:
        nesting: list
        doc: What may go out.
        attributes:
          protocol: {type: string, doc: The protocol.}
    create: {call: createNetwork}
    read:   {call: listNetworks}
    update: {call: updateNetwork}
    delete: {call: deleteNetwork}
    find:   {call: listNetworks, by: [name]}
    identity: {marker: externalid}
  group:
    summary: Something with blocks of every nesting.
    attributes:
      id:          {type: string, computed: true, doc: The id.}
      name:        {type: string, required: true, doc: The name.}
      description: {type: string, doc: What it is for.}
      tags:        {type: map(string), doc: Tags.}
    blocks:
      keep:
        nesting: single
        doc: What stays.
        attributes:
          images: {type: number, doc: How many.}
      rule:
        nesting: list
        doc: What may come in.
        attributes:
          port: {type: number, required: true, doc: The port.}
          cidr: {type: string, default: 0.0.0.0/0, doc: From where.}
      scale:
        nesting: map
        doc: When to grow.
        attributes:
          duration:  {type: string, doc: How long.}
          threshold: {type: number, default: 50, doc: From where on.}
    create: {call: createNetwork}
    read:   {call: listNetworks}
    update: {call: updateNetwork}
    delete: {call: deleteNetwork}
    identity: {marker: externalid}
`

// twinPlan plans a stack of testdata and returns what a user sees.
func twinPlan(t *testing.T, file string) string {
	t.Helper()
	cloud, err := fakeplugin.New(twinSpec)
	if err != nil {
		t.Fatal(err)
	}
	cloud.Seed("zone", "z1", map[string]cty.Value{"name": cty.StringVal("zone-1")})
	cloud.Seed("network", "n1", map[string]cty.Value{"name": cty.StringVal("taken"), "description": cty.StringVal("by hand")})
	stack, diags := spec.Load(filepath.Join(stacks, file), spec.Options{})
	vars, more := eval.Variables(stack, nil, eval.Functions(stack.Dir, nil))
	if diags = append(diags, more...); diags.HasErrors() {
		t.Fatal(render(diags))
	}
	row := func(address, id, name string) *state.Object {
		return &state.Object{
			Key: state.Key{Addr: address}, Type: "network", Status: state.OK, ID: id, Plugin: "fake",
			Values: []byte(`{"id":"` + id + `","name":"` + name + `","description":null,"egress":[]}`),
		}
	}
	snap := &state.Snapshot{Objects: map[state.Key]*state.Object{}}
	if strings.HasPrefix(file, "refactor") {
		for _, o := range []*state.Object{row("network.gone", "g1", "gone"), row(`module.parts["a"].network.main`, "p1", "part-a")} {
			snap.Objects[o.Key] = o
		}
	}
	p, diags := plan.Make(t.Context(), plan.Input{Stack: stack, Variables: vars, Snapshot: snap, Host: cloud, Parallelism: 4, SkipRefresh: true})
	if diags.HasErrors() {
		t.Fatal(render(diags))
	}
	return planrender.Text(p, planrender.Options{})
}

// TestTwins checks that a stack plans the same from HCL and from YAML, and
// what that is.
func TestTwins(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"blocks", "texts", "refactor", "meta"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := twinPlan(t, name+".hcl")
			if diff := cmp.Diff(got, twinPlan(t, name+".yaml")); diff != "" {
				t.Errorf("HCL and YAML plan differently (-hcl +yaml):\n%s", diff)
			}
			golden := filepath.Join(stacks, name+".plan")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", golden, diff)
			}
		})
	}
}

// TestEveryStackIsATwin keeps stacks from being added in one syntax only.
func TestEveryStackIsATwin(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(stacks, "*.*l"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("only %d stacks found", len(files))
	}
	for _, file := range files {
		base := strings.TrimSuffix(file, filepath.Ext(file))
		for _, ext := range []string{".hcl", ".yaml"} {
			if _, err := os.Stat(base + ext); err != nil {
				t.Errorf("%s has no twin: %v", file, err)
			}
		}
	}
}

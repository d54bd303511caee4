package apply_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/apply"
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
summary: Things for tests.
transport: cloudstack
types:
  thing:
    summary: A thing.
    attributes:
      id:    {type: string, computed: true, doc: The id.}
      name:  {type: string, required: true, doc: The name.}
      size:  {type: number, default: 1, doc: The size.}
      on:    {type: string, doc: What it stands on.}
      place: {type: string, replace: true, doc: Where it stands.}
      made:  {type: string, computed: true, doc: What the cloud decides.}
      shape: {type: number, replace: "${self.shape < prior.shape}", doc: Grows in place.}
      boot:  {type: string, replace: true, field: "-", doc: What the cloud never tells.}
      token: {type: string, sensitive: true, doc: A secret.}
    create: {call: createNetwork}
    read:   {call: listNetworks}
    update: {call: updateNetwork}
    delete: {call: deleteNetwork}
    identity: {marker: externalid}
    find:   {call: listNetworks, by: [name]}
  press:
    summary: A thing whose updates leave old versions behind.
    attributes:
      id:   {type: string, computed: true, doc: The id.}
      name: {type: string, required: true, doc: The name.}
      size: {type: number, default: 1, affects: [id], doc: What a new version is made for.}
      none: {type: number, computed: true, doc: What the cloud leaves empty.}
    create: {call: createNetwork}
    read:   {call: listNetworks}
    update: {handler: true}
    delete: {call: deleteNetwork}
    prune:  {handler: true}
    identity: {marker: externalid}
  post:
    summary: A thing of which the cloud has one for each number.
    attributes:
      number: {type: number, required: true, doc: The number.}
      street: {type: string, doc: Where it is.}
      color:  {type: string, replace: true, doc: What makes another of it.}
    unique: [number, street]
    create: {call: createNetwork}
    read:   {call: listNetworks}
    update: {call: updateNetwork}
    delete: {call: deleteNetwork}
    identity: {marker: externalid}
`

// world is one user's folder, state and cloud.
type world struct {
	t     testing.TB
	dir   string
	cloud *fakeplugin.Cloud
}

func newWorld(t testing.TB) *world {
	t.Helper()
	cloud, err := fakeplugin.New(fakeSpec)
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, dir: t.TempDir(), cloud: cloud}
}

// session opens the state as one run of the program does.
func (w *world) session() *state.Store {
	w.t.Helper()
	s, err := state.OpenSQLite(w.t.Context(), filepath.Join(w.dir, ".moldctl", "state.db"),
		state.Options{Keys: state.KeyFile{Path: filepath.Join(w.dir, "key")}, Holder: "test", Stack: "test"})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) plan(s state.Session, text string, change ...func(*plan.Input)) (*plan.Plan, hcl.Diagnostics) {
	w.t.Helper()
	file := filepath.Join(w.dir, "spec.hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	stack, diags := spec.Load(file, spec.Options{})
	if diags.HasErrors() {
		return nil, diags
	}
	vars, diags := eval.Variables(stack, nil, eval.Functions(w.dir, nil))
	if diags.HasErrors() {
		return nil, diags
	}
	snap, err := s.Snapshot(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	in := plan.Input{Stack: stack, Variables: vars, Snapshot: snap, Host: w.cloud, Parallelism: 4}
	for _, c := range change {
		c(&in)
	}
	return plan.Make(w.t.Context(), in)
}

// apply plans and applies a text in one run and returns what was said.
func (w *world) apply(text string, change ...func(*plan.Input)) (apply.Summary, hcl.Diagnostics) {
	w.t.Helper()
	s := w.session()
	defer func() {
		if err := s.Close(); err != nil {
			w.t.Error(err)
		}
	}()
	p, diags := w.plan(s, text, change...)
	if diags.HasErrors() {
		return apply.Summary{}, diags
	}
	return apply.Run(w.t.Context(), p, apply.Deps{Host: w.cloud, Session: s, Parallelism: 4})
}

// must applies a text and fails the test if anything goes wrong.
func (w *world) must(text string, change ...func(*plan.Input)) apply.Summary {
	w.t.Helper()
	sum, diags := w.apply(text, change...)
	if diags.HasErrors() {
		w.t.Fatal(render(diags))
	}
	return sum
}

// steps plans a text and lists what would be done.
func (w *world) steps(text string, change ...func(*plan.Input)) []string {
	w.t.Helper()
	s := w.session()
	defer func() {
		if err := s.Close(); err != nil {
			w.t.Error(err)
		}
	}()
	p, diags := w.plan(s, text, change...)
	if diags.HasErrors() {
		w.t.Fatal(render(diags))
	}
	var out []string
	for _, step := range p.Steps {
		if step.Action == plan.NoOp {
			continue
		}
		line := fmt.Sprintf("%s %s", step.Action, step.Key.Addr)
		if step.Reason != "" {
			line += ": " + step.Reason
		}
		out = append(out, line)
	}
	return out
}

// things lists what exists in the cloud, as name=size.
func (w *world) things() []string {
	var out []string
	for _, o := range w.cloud.Objects() {
		v := o.Values.AsValueMap()
		out = append(out, v["name"].AsString()+"="+v["size"].AsBigFloat().String())
	}
	sort.Strings(out)
	return out
}

func render(diags hcl.Diagnostics) string {
	var out strings.Builder
	_ = diag.Printer{}.Print(&out, diags)
	return out.String()
}

func destroy(in *plan.Input) { in.Destroy = true }

var _ apply.Host = (*fakeplugin.Cloud)(nil)
var _ plan.Host = (*fakeplugin.Cloud)(nil)

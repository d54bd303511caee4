package fakeplugin_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/apply"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/fakeplugin"
	"github.com/moldctl/moldctl/sdk/wire"
)

// answerTime is how long the host waits in a run in which a plugin hangs: long
// enough for the one that does not, on a busy machine.
const answerTime = time.Second

// shakySpec is the plugin that goes wrong; steadySpec stands beside it.
const shakySpec = `
plugin: shaky
version: 1.0.0
protocol: 1
summary: Things that go wrong.
transport: cloudstack
types:
  shaky_thing:
    summary: A thing.
    attributes:
      id:   {type: string, computed: true, doc: The id.}
      name: {type: string, required: true, doc: The name.}
      size: {type: number, default: 1, doc: The size.}
    check: true
    plan:   {handler: true}
    create: {call: createNetwork}
    read:   {call: listNetworks}
    update: {call: updateNetwork}
    delete: {call: deleteNetwork}
    identity: {marker: externalid}
    find:   {call: listNetworks, by: [name]}
`

var steadySpec = strings.NewReplacer("shaky", "steady", "go wrong", "go well").Replace(shakySpec)

// stage is one user's folder and two clouds, each behind a plugin.
type stage struct {
	t             *testing.T
	dir           string
	shaky, steady *fakeplugin.Server
}

func newStage(t *testing.T) *stage {
	t.Helper()
	serve := func(text string, encodings ...string) *fakeplugin.Server {
		cloud, err := fakeplugin.New(text)
		if err != nil {
			t.Fatal(err)
		}
		return &fakeplugin.Server{Cloud: cloud, Spec: text, Encodings: encodings}
	}
	return &stage{t: t, dir: t.TempDir(), shaky: serve(shakySpec), steady: serve(steadySpec, "json")}
}

// run plans and applies a text as one run of the program does.
func (s *stage) run(text string) (steps int, diags hcl.Diagnostics) {
	s.t.Helper()
	file := filepath.Join(s.dir, "spec.hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	stack, diags := spec.Load(file, spec.Options{})
	if diags.HasErrors() {
		s.t.Fatal(diags)
	}
	vars, diags := eval.Variables(stack, nil, eval.Functions(s.dir, nil))
	if diags.HasErrors() {
		s.t.Fatal(diags)
	}
	store, err := state.OpenSQLite(s.t.Context(), filepath.Join(s.dir, ".moldctl", "state.db"),
		state.Options{Keys: state.KeyFile{Path: filepath.Join(s.dir, "key")}, Holder: "test", Stack: "test"})
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			s.t.Error(err)
		}
	}()
	var patience time.Duration
	if s.shaky.At != "" && s.shaky.Fault == fakeplugin.Hang {
		patience = answerTime
	}
	host, diags := pluginhost.New(pluginhost.Options{RunID: "run", AnswerTime: patience, Sources: []pluginhost.Source{
		{Name: "shaky", Spec: []byte(shakySpec), Dial: s.shaky.Dial},
		{Name: "steady", Spec: []byte(steadySpec), Dial: s.steady.Dial},
	}})
	if diags.HasErrors() {
		s.t.Fatal(diags)
	}
	defer host.Close()
	host.SetCloud(&wire.Cloud{Endpoint: "http://cloud.test", ApiKey: "key", SecretKey: "secret"})
	snap, err := store.Snapshot(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	p, diags := plan.Make(s.t.Context(), plan.Input{Stack: stack, Variables: vars, Snapshot: snap, Host: host, Parallelism: 4})
	if diags.HasErrors() {
		return 0, diags
	}
	for _, step := range p.Steps {
		if step.Action != plan.NoOp {
			steps++
		}
	}
	_, diags = apply.Run(s.t.Context(), p, apply.Deps{Host: host, Session: store, Parallelism: 4})
	return steps, diags
}

// must is a run in which nothing goes wrong.
func (s *stage) must(text string) int {
	s.t.Helper()
	steps, diags := s.run(text)
	if diags.HasErrors() {
		s.t.Fatalf("%v", diags.Errs())
	}
	return steps
}

const both = `
resource "shaky_thing" "a" {
  name = "a"
}
resource "steady_thing" "b" { name = "b" }
`

// prepare brings about that the next run makes a call, and returns its text.
func (s *stage) prepare(call string) string {
	s.t.Helper()
	switch call {
	case "Read":
		s.must(both)
		return strings.Replace(both, "\"a\"\n", "\"a\"\n  size = 2\n", 1)
	case "Find":
		s.shaky.Cloud.Seed("shaky_thing", "seeded", map[string]cty.Value{"name": cty.StringVal("seed"), "size": cty.NumberIntVal(1)})
		return both + "data \"shaky_thing\" \"seed\" { name = \"seed\" }\n"
	case "Settle":
		s.shaky.At, s.shaky.Fault = "Apply", fakeplugin.Exit
		if _, diags := s.run(both); !diags.HasErrors() {
			s.t.Fatal("the first run was not interrupted")
		}
		s.shaky.At = ""
	}
	return both
}

// harmless are faults that are none for a call: a slow plugin is no broken one,
// a single message cannot come twice, a host that makes nothing of an answer
// loses nothing without it.
func harmless(call string, fault fakeplugin.Fault) bool {
	switch fault {
	case fakeplugin.Slow:
		return true
	case fakeplugin.AfterResult:
		return call != "Apply"
	case fakeplugin.Twice:
		return call != "Apply" && call != "Read" && call != "Find" && call != "Settle"
	case fakeplugin.Missing, fakeplugin.Garbage, fakeplugin.WrongSchema:
		return call == "Check" || call == "Plan" && fault == fakeplugin.Missing || call == "Configure"
	}
	return false
}

// TestFaultsAtEachCall lets each fault happen at each call of the protocol: the
// run ends and says what is wrong, what does not rest on the broken plugin is
// made, and the next run finishes everything with nothing made twice or left
// over.
func TestFaultsAtEachCall(t *testing.T) {
	t.Parallel()
	for _, call := range fakeplugin.Calls() {
		for _, fault := range fakeplugin.Faults() {
			t.Run(call+"/"+string(fault), func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				text := s.prepare(call)
				s.shaky.At, s.shaky.Fault = call, fault
				_, diags := s.run(text)
				if diags.HasErrors() == harmless(call, fault) {
					t.Errorf("the run said: %v", diags.Errs())
				}
				if call == "Apply" && len(s.steady.Cloud.Objects()) != 1 {
					t.Error("what does not rest on the broken plugin was not made")
				}
				s.shaky.At = ""
				s.must(text)
				if steps := s.must(text); steps != 0 {
					t.Errorf("%d steps are left", steps)
				}
				want := map[string]int{"shaky": 1, "steady": 1}
				if call == "Find" {
					want["shaky"]++
				}
				for name, server := range map[string]*fakeplugin.Server{"shaky": s.shaky, "steady": s.steady} {
					if have := server.Cloud.Objects(); len(have) != want[name] {
						t.Errorf("%s has %d objects instead of %d: %v", name, len(have), want[name], have)
					}
				}
			})
		}
	}
}

package bench_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core"
	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/sdk"
)

// The test binary is the plugin and each phase too: this variable says which.
const (
	roleVariable    = "MOLDCTL_BENCH_ROLE"
	profileVariable = "MOLDCTL_BENCH_PROFILE" // a folder for profiles
)

const pluginYAML = `
plugin: bench
version: 1.0.0
protocol: 1
summary: Things that are made of nothing.
transport: http
types:
  thing:
    summary: A thing.
    attributes:
      id:   {type: string, computed: true, doc: The id.}
      name: {type: string, required: true, doc: The name.}
      on:   {type: list(string), doc: What it stands on.}
    create: {handler: true}
    read:   {handler: true}
    update: {handler: true}
    delete: {handler: true}
`

type thing struct {
	ID   string   `mold:"id"`
	Name string   `mold:"name"`
	On   []string `mold:"on"`
}

type things struct{}

func (things) Create(_ context.Context, _ *sdk.Request, plan thing) (thing, error) {
	plan.ID = "id-" + plan.Name
	return plan, nil
}

func (things) Read(_ context.Context, _ *sdk.Request, prior thing) (thing, error) { return prior, nil }

func (things) Update(_ context.Context, _ *sdk.Request, _, plan thing) (thing, error) {
	return plan, nil
}

func (things) Delete(context.Context, *sdk.Request, thing) error { return nil }

func TestMain(m *testing.M) {
	if os.Getenv("GOGC") == "" { // as the program does
		debug.SetGCPercent(core.GCPercent)
	}
	switch role := os.Getenv(roleVariable); role {
	case "":
		os.Exit(m.Run())
	case "plugin":
		sdk.Serve(sdk.Plugin{Spec: []byte(pluginYAML), Handlers: sdk.Handlers{"thing": sdk.Handle[thing](things{})}})
	default:
		if err := profiled(role, func() error { return phase(context.Background(), role, os.Args[1], os.Args[2]) }); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// profiled writes profiles of the work if they are asked for.
func profiled(role string, work func() error) error {
	dir := os.Getenv(profileVariable)
	if dir == "" {
		return work()
	}
	f, err := os.Create(fmt.Sprintf("%s/%s.pprof", dir, role))
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return errors.Join(err, f.Close())
	}
	err = work()
	pprof.StopCPUProfile()
	err = errors.Join(err, f.Close())
	memory, more := os.Create(fmt.Sprintf("%s/%s.memory.pprof", dir, role))
	if more != nil {
		return errors.Join(err, more)
	}
	return errors.Join(err, pprof.Lookup("allocs").WriteTo(memory, 0), memory.Close())
}

// phase is one run of the engine on the stack in a file; counters is where the
// process leaves what the kernel counts of it.
func phase(ctx context.Context, role, file, counters string) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	e, diags := core.Load(core.Settings{
		Path: file, Version: "0.0.0", Getenv: os.LookupEnv, Home: os.Getenv("HOME"), Parallelism: 10,
		Plugins: []pluginhost.Source{{
			Name: "bench", Spec: []byte(pluginYAML), Command: []string{self}, Env: []string{roleVariable + "=plugin"},
		}},
		// The stack uses no cloud; none is started.
		Embedded: func(context.Context) (core.EmbeddedCloud, error) {
			return core.EmbeddedCloud{Endpoint: "http://127.0.0.1:1/client/api"}, nil
		},
	})
	if diags.HasErrors() {
		return problems(diags)
	}
	change := role == "apply" || role == "destroy"
	if diags := e.Open(ctx, core.Access{Write: change, Holder: role}); diags.HasErrors() {
		return problems(diags)
	}
	err = run(ctx, e, role)
	if err = errors.Join(err, e.Close()); err != nil {
		return err
	}
	count, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return err
	}
	return os.WriteFile(counters, count, 0o600)
}

// run plans, and carries the plan out if the phase is about that.
func run(ctx context.Context, e *core.Engine, role string) error {
	p, diags := e.Plan(ctx, core.PlanOptions{Destroy: role == "destroy"})
	if diags.HasErrors() {
		return problems(diags)
	}
	if p.Changed() == (role == "noop") {
		return fmt.Errorf("%s: the plan has changes: %v", role, p.Changed())
	}
	if role == "plan" || role == "noop" {
		return nil
	}
	done, diags := e.Apply(ctx, ctx, p, nil)
	if diags.HasErrors() {
		return problems(diags)
	}
	if n := done.Created + done.Deleted; n != len(p.Steps) {
		return fmt.Errorf("%s: %d of %d steps were done", role, n, len(p.Steps))
	}
	return nil
}

func problems(diags hcl.Diagnostics) error {
	var text []string
	for _, d := range diags {
		text = append(text, d.Summary+": "+d.Detail)
	}
	return errors.New(strings.Join(text, "\n"))
}

package pluginhost_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/wire"
)

// The test binary is its own plugin: this variable says which.
const roleVariable = "PLUGINHOST_TEST_ROLE"

// testPatience is long enough for a busy machine, short enough to be waited for.
const testPatience = 4 * time.Second

const testSpec = `
plugin: test
version: 1.0.0
protocol: 1
summary: A plugin that misbehaves when asked to.
transport: http
types:
  thing:
    summary: A thing.
    attributes:
      id:   {type: string, computed: true, doc: The id.}
      name: {type: string, required: true, doc: What it shall do.}
    create: {handler: true}
    read:   {handler: true}
    delete: {handler: true}
`

type thing struct {
	ID   string `mold:"id"`
	Name string `mold:"name"`
}

type things struct{}

func (things) Create(ctx context.Context, r *sdk.Request, plan thing) (thing, error) {
	switch plan.Name {
	case "crash":
		go func() { panic("going down, the key is s3cret-key-value") }()
		select {}
	case "panic":
		panic("at the disco")
	case "hang":
		<-ctx.Done()
		return thing{}, ctx.Err()
	case "kill":
		if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
			return thing{}, err
		}
		select {}
	case "stop":
		if err := syscall.Kill(os.Getpid(), syscall.SIGSTOP); err != nil {
			return thing{}, err
		}
		<-ctx.Done()
		return thing{}, ctx.Err()
	case "print":
		// As a library does that knows nothing of plugins.
		if _, err := fmt.Println("1|2|tcp|garbage\x00\xff"); err != nil {
			return thing{}, err
		}
	case "large":
		plan.Name = strings.Repeat("x", wire.MaxMessage+1)
	case "fail":
		return thing{}, errors.New("no more things")
	}
	r.Progress("making %s", plan.Name)
	return thing{ID: "id-" + plan.Name, Name: plan.Name}, nil
}

func (things) Read(_ context.Context, _ *sdk.Request, prior thing) (thing, error) { return prior, nil }

func (things) Delete(context.Context, *sdk.Request, thing) error { return nil }

// numbered is what another version of the plugin takes a thing for.
type numbered struct {
	ID   string `mold:"id"`
	Name int    `mold:"name"`
}

type numberedThings struct{}

func (numberedThings) Create(_ context.Context, _ *sdk.Request, plan numbered) (numbered, error) {
	return plan, nil
}

func (numberedThings) Read(_ context.Context, _ *sdk.Request, prior numbered) (numbered, error) {
	return prior, nil
}

func (numberedThings) Delete(context.Context, *sdk.Request, numbered) error { return nil }

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "good":
		sdk.Serve(sdk.Plugin{Spec: []byte(testSpec), Handlers: sdk.Handlers{"thing": sdk.Handle[thing](things{})}})
	case "other":
		spec := strings.Replace(testSpec, "name: {type: string", "name: {type: number", 1)
		sdk.Serve(sdk.Plugin{Spec: []byte(spec), Handlers: sdk.Handlers{"thing": sdk.Handle[numbered](numberedThings{})}})
	case "future":
		fmt.Println("1|9|unix|/nowhere|grpc|")
		os.Exit(0)
	case "garbage":
		fmt.Println("this is not a handshake")
		os.Exit(0)
	case "mute":
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// output collects what plugins write.
type output struct {
	mu    sync.Mutex
	lines []string
}

func (o *output) log(_, line string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, line)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.lines, "\n")
}

func newHost(t testing.TB, role string, out *output) *pluginhost.Host {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h, diags := pluginhost.New(pluginhost.Options{
		Sources: []pluginhost.Source{{Name: "test", Spec: []byte(testSpec), Command: []string{self}, Env: []string{roleVariable + "=" + role}}},
		RunID:   "run", Log: out.log, Patience: testPatience,
	})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	h.SetCloud(&wire.Cloud{SecretKey: "s3cret-key-value", ApiKey: "an-api-key"})
	t.Cleanup(h.Close)
	return h
}

// journal accepts everything.
type journal struct {
	mu       sync.Mutex
	progress []string
}

func (*journal) Intent(context.Context, *wire.Call) error     { return nil }
func (*journal) Checkpoint(context.Context, *wire.Call) error { return nil }
func (j *journal) Progress(text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.progress = append(j.progress, text)
}

func start(t testing.TB, h *pluginhost.Host, name string) *wire.Start {
	t.Helper()
	ty := h.Types()["thing"].ImpliedType()
	planned, err := wire.MarshalValue(cty.ObjectVal(map[string]cty.Value{"id": cty.UnknownVal(cty.String), "name": cty.StringVal(name)}), ty)
	if err != nil {
		t.Fatal(err)
	}
	return &wire.Start{Op: wire.Op_CREATE, Type: "thing", Address: "thing." + name, Operation: "op", Planned: planned}
}

func TestApply(t *testing.T) {
	t.Parallel()
	h := newHost(t, "good", &output{})
	j := &journal{}
	result, err := h.Apply(t.Context(), start(t, h, "one"), j)
	if err != nil {
		t.Fatal(err)
	}
	v, err := wire.UnmarshalValue(result.GetValue(), h.Types()["thing"].ImpliedType())
	if err != nil || v.GetAttr("id").AsString() != "id-one" {
		t.Errorf("value %#v, %v", v, err)
	}
	if len(j.progress) != 1 || j.progress[0] != "making one" {
		t.Errorf("progress: %q", j.progress)
	}
}

func TestFailuresCostOneCall(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason string
		broken bool
		want   string
	}{
		"fail":  {"what the handler refuses is a diagnostic, not a broken plugin", false, "No more things"},
		"panic": {"a panic in a handler is caught in the plugin", false, "at the disco"},
		"crash": {"a plugin that dies is told with its last words, and without secrets", true, "panic: going down, the key is (sensitive)"},
		"kill":  {"a plugin that is killed is told with the signal", true, "plugin test broke: its process ended (signal: killed)"},
		"print": {"what is printed on stdout does no harm", false, "<nil>"},
		"large": {"a message beyond the limit is refused with the limit", true, "a message may hold 64 MiB"},
		"stop":  {"a plugin that is silent is ended, and does not hang the run", true, "it gave no sign of life for 4s and was ended"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := &output{}
			h := newHost(t, "good", out)
			result, err := h.Apply(t.Context(), start(t, h, name), &journal{})
			var broken *pluginhost.BrokenError
			if errors.As(err, &broken) != tc.broken {
				t.Fatalf("%s: error %v", tc.reason, err)
			}
			said := fmt.Sprint(err, result.GetDiagnostics())
			if !strings.Contains(said, tc.want) {
				t.Errorf("%s: %q is not said: %s", tc.reason, tc.want, said)
			}
			if strings.Contains(said+out.String(), "s3cret") {
				t.Errorf("%s: a secret is shown: %s", tc.reason, said+out.String())
			}
			if _, err := h.Apply(t.Context(), start(t, h, "next"), &journal{}); err != nil {
				t.Errorf("%s: the next call fails: %v", tc.reason, err)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	h := newHost(t, "good", &output{})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := h.Apply(ctx, start(t, h, "hang"), &journal{}); err == nil {
		t.Error("a cancelled call ended well")
	}
}

func TestWhatIsNoPlugin(t *testing.T) {
	t.Parallel()
	for role, want := range map[string]string{
		"garbage": "start plugin test",
		"mute":    "start plugin test",
		"other":   `another plugin.yaml, in which the type "thing" differs`,
		"future":  "ncompatible",
	} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, role, &output{})
			_, err := h.Apply(t.Context(), start(t, h, "one"), &journal{})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q", err, want)
			}
		})
	}
}

func TestTwoClaimOneType(t *testing.T) {
	t.Parallel()
	_, diags := pluginhost.New(pluginhost.Options{Sources: []pluginhost.Source{
		{Name: "a", Spec: []byte(strings.Replace(testSpec, "plugin: test", "plugin: a", 1))},
		{Name: "b", Spec: []byte(strings.Replace(testSpec, "plugin: test", "plugin: b", 1))},
	}})
	if !diags.HasErrors() || !strings.Contains(diags.Error(), `"a"`) {
		t.Errorf("diagnostics: %v", diags)
	}
}

package endtoend_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core"
	"github.com/moldctl/moldctl/core/apply"
	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/internal/cloudsim"
	"github.com/moldctl/moldctl/internal/faultydisk"
	"github.com/moldctl/moldctl/plugins/autoscale"
	"github.com/moldctl/moldctl/plugins/compute"
	"github.com/moldctl/moldctl/plugins/identity"
	imagebuilder "github.com/moldctl/moldctl/plugins/image-builder"
	"github.com/moldctl/moldctl/plugins/lb"
	"github.com/moldctl/moldctl/plugins/network"
	"github.com/moldctl/moldctl/sdk"
)

// The test binary is also the program and its plugins: these variables say
// which part a process plays.
const (
	pluginVariable = "ENDTOEND_PLUGIN"
	runVariable    = "ENDTOEND_RUN"
)

func bundled() map[string]sdk.Plugin {
	return map[string]sdk.Plugin{
		"network": network.Plugin, "compute": compute.Plugin, "identity": identity.Plugin,
		"image-builder": imagebuilder.Plugin, "lb": lb.Plugin, "autoscale": autoscale.Plugin,
	}
}

func TestMain(m *testing.M) {
	if name := os.Getenv(pluginVariable); name != "" {
		sdk.Serve(bundled()[name])
	}
	if text := os.Getenv(runVariable); text != "" {
		os.Exit(perform(text))
	}
	os.Exit(m.Run())
}

// run is what a process of the program is asked to do.
type run struct {
	Path, Endpoint, APIKey, SecretKey string
	Action                            string // apply, plan, destroy
	Shared                            *shared
}

// shared is a state in a database; the cloud is then one by its endpoint, as a
// team has it.
type shared struct {
	URL, Environment, Recipient string
	Lease                       time.Duration
}

// environment is what a program sees of its own environment variables.
func (r run) environment(name string) (string, bool) {
	if name == "MOLD_MAX_REQUESTS" {
		return os.LookupEnv(name)
	}
	if r.Shared == nil {
		return "", false
	}
	v, ok := map[string]string{
		core.StateURLVariable: r.Shared.URL, core.StateEnvironmentVariable: r.Shared.Environment, core.StateRecipientsVariable: r.Shared.Recipient,
		"MOLD_API_URL": r.Endpoint, "MOLD_API_KEY": r.APIKey, "MOLD_SECRET_KEY": r.SecretKey, "MOLD_TIMEOUT": "5s",
	}[name]
	return v, ok
}

// lease is how long the right to write lasts; zero is as usual.
func (r run) lease() time.Duration {
	if r.Shared == nil {
		return 0
	}
	return r.Shared.Lease
}

// outcome is what it prints at the end, on one line.
type outcome struct {
	Steps   []string // what the plan would do
	Summary apply.Summary
	Said    string
	Failed  bool
	Outputs map[string]string
	Writes  int // durable ones, if they were watched
}

// perform is the program: one engine, one action.
func perform(text string) int {
	var r run
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	var disk *faultydisk.Disk
	if watched := os.Getenv(writeVariable); watched != "" {
		var err error
		if disk, err = diskOfRun(watched); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
	}
	out, files := r.do(context.Background())
	_ = files
	if disk != nil {
		out.Writes = disk.Flushes()
	}
	data, err := json.Marshal(out)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	fmt.Println(string(data))
	return 0
}

func (r run) do(ctx context.Context) (outcome, map[string]*hcl.File) {
	self, err := os.Executable()
	if err != nil {
		return outcome{Said: err.Error(), Failed: true}, nil
	}
	var sources []pluginhost.Source
	for name, p := range bundled() {
		sources = append(sources, pluginhost.Source{Name: name, Spec: p.Spec, Command: []string{self}, Env: []string{pluginVariable + "=" + name}})
	}
	e, diags := core.Load(core.Settings{
		Path: r.Path, Plugins: sources, Parallelism: 10, Home: filepath.Dir(r.Path),
		Embedded: func(context.Context) (core.EmbeddedCloud, error) {
			return core.EmbeddedCloud{Endpoint: r.Endpoint, APIKey: r.APIKey, SecretKey: r.SecretKey}, nil
		},
		PluginLog: func(name, line string) { fmt.Fprintf(os.Stderr, "[%s] %s\n", name, line) },
		LockWait:  30 * time.Second,
		Getenv:    r.environment,
		LeaseTime: r.lease(),
	})
	defer e.Close()
	out := outcome{Outputs: map[string]string{}}
	finish := func(diags hcl.Diagnostics) (outcome, map[string]*hcl.File) {
		var text strings.Builder
		_ = diag.Printer{Files: e.Files()}.Print(&text, diags)
		out.Said, out.Failed = text.String(), diags.HasErrors()
		return out, e.Files()
	}
	if diags.HasErrors() {
		return finish(diags)
	}
	if diags = append(diags, e.Open(ctx, core.Access{Write: true, Holder: r.Action})...); diags.HasErrors() {
		return finish(diags)
	}
	p, more := e.Plan(ctx, core.PlanOptions{Destroy: r.Action == "destroy"})
	if diags = append(diags, more...); diags.HasErrors() {
		return finish(diags)
	}
	for _, s := range p.Steps {
		if s.Action != plan.NoOp {
			out.Steps = append(out.Steps, fmt.Sprintf("%s %s: %s", s.Action, s.Key.Addr, s.Reason))
		}
	}
	if r.Action != "plan" {
		observe := func(ev apply.Event) {
			fmt.Fprintf(os.Stderr, "%s %s %s %s %s\n", ev.Kind, ev.Step.Action, ev.Step.Key.Addr, ev.Text, ev.Elapsed.Round(time.Millisecond))
		}
		var sum apply.Summary
		sum, more = e.Apply(ctx, ctx, p, observe)
		out.Summary, diags = sum, append(diags, more...)
	}
	snap, err := e.Session().Snapshot(ctx)
	if err != nil {
		return finish(append(diags, diag.FromError("State cannot be read", err)...))
	}
	for name, o := range snap.Outputs {
		out.Outputs[name] = string(o.Value)
	}
	return finish(diags)
}

// world is one user's folder and one embedded cloud.
type world struct {
	t     *testing.T
	dir   string
	cloud *cloudsim.Cloud

	endpoint string // where the program finds the cloud; default the cloud itself
	account  string // whose keys it has; default admin
	shared   *shared
	env      []string // more variables of the program

	mu     sync.Mutex
	child  *os.Process
	killAt int    // the mutating call at which to kill; 0 = never
	after  bool   // once the call was carried out, rather than before
	victim victim // who is killed
	seen   int
	sent   []string // the commands of the last run, in order
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldWith(t, cloudsim.Options{Latency: cloudsim.LatencyZero, TimeScale: 20})
}

// newWorldWith is a world whose cloud is set up otherwise than usual.
func newWorldWith(t *testing.T, options cloudsim.Options) *world {
	t.Helper()
	// A range of its own: two clouds that give out one address would answer
	// for each other.
	options.PublicRange = fmt.Sprintf("127.%d.0.0/16", 100+rand.IntN(100))
	w := &world{t: t, dir: t.TempDir()}
	options.Before = func(command string, _ cloudsim.Params) { w.count(command, false) }
	options.After = func(cloudsim.AuditEntry) { w.count("", true) }
	var err error
	w.cloud, err = cloudsim.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.cloud.Close)
	return w
}

// count is called at each mutating call; it kills the program when it is due.
func (w *world) count(command string, after bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.child == nil {
		return // made by the cloud's own hand
	}
	if !after {
		w.seen++
		w.sent = append(w.sent, command)
	}
	if w.killAt == 0 || w.seen != w.killAt || after != w.after {
		return
	}
	w.killAt = 0
	if err := w.victim.kill(w.child, w.sent[len(w.sent)-1]); err != nil {
		w.t.Errorf("kill %s: %v", w.victim, err)
	}
}

func (w *world) write(text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, "spec.hcl"), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// command is the program with an action to do, and where it prints.
func (w *world) command(action string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	w.t.Helper()
	keys, _ := w.cloud.Keys(cmp.Or(w.account, "admin"))
	text, err := json.Marshal(run{
		Path: filepath.Join(w.dir, "spec.hcl"), Endpoint: cmp.Or(w.endpoint, w.cloud.Endpoint()), APIKey: keys.APIKey, SecretKey: keys.SecretKey,
		Action: action, Shared: w.shared,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd = exec.CommandContext(w.t.Context(), self)
	cmd.Env = append(os.Environ(), runVariable+"="+string(text), "MOLDCTL_KEY_FILE="+filepath.Join(w.dir, "key"))
	cmd.Env = append(cmd.Env, w.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

// start runs the program; the second result says that it was killed.
func (w *world) start(action string) (outcome, bool) {
	w.t.Helper()
	cmd, stdout, stderr := w.command(action)
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.child, w.seen, w.sent = cmd.Process, 0, nil
	w.mu.Unlock()
	err := cmd.Wait()
	w.mu.Lock()
	w.child = nil
	w.mu.Unlock()
	if err != nil {
		if state := cmd.ProcessState.Sys().(syscall.WaitStatus); state.Signaled() && state.Signal() == syscall.SIGKILL {
			return outcome{}, true
		}
		w.t.Fatalf("%s: %v\n%s", action, err, stderr.String())
	}
	return w.outcome(action, stdout, stderr), false
}

// outcome reads what the program printed at its end.
func (w *world) outcome(action string, stdout, stderr *bytes.Buffer) outcome {
	w.t.Helper()
	var out outcome
	if err := json.Unmarshal(stdout.Bytes(), &out); err != nil {
		w.t.Fatalf("%s: %v\n%s\n%s", action, err, stdout.String(), stderr.String())
	}
	if testing.Verbose() {
		w.t.Logf("%s:\n%s%s", action, stderr.String(), out.Said)
	}
	return out
}

// must runs the program and fails the test if it reports an error.
func (w *world) must(action string) outcome {
	w.t.Helper()
	out, killed := w.start(action)
	if killed || out.Failed {
		w.t.Fatalf("%s (killed: %t):\n%s", action, killed, out.Said)
	}
	return out
}

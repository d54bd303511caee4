// Package core is the engine behind the command line: it loads a stack, finds
// its clouds and its state, and leads it through the phases, each of which is
// one function of its own package: spec.Load, plan.Make, apply.Run.
//
// It draws nothing on a screen and starts no embedded cloud by itself: the
// program that uses it does both.
package core

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/apply"
	"github.com/moldctl/moldctl/core/cloud"
	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/installed"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
	"github.com/moldctl/moldctl/core/state"
)

// GCPercent is how a program that runs the engine does well to set the garbage
// collector: a run is short and what it holds grows to its end, so collecting
// as often as in a server cost a plan of 10,000 objects a quarter more
// processor time, and twice this would cost memory for little.
const GCPercent = 200

// EmbeddedCloud is how the embedded cloud is reached.
type EmbeddedCloud struct {
	Endpoint  string
	APIKey    string
	SecretKey string
}

// Settings are what a run is given.
type Settings struct {
	Path        string // the stack: a file or a folder
	Version     string // of the program
	Vars        spec.VarSources
	Flags       cloud.Values // cloud settings of the command line
	Getenv      func(string) (string, bool)
	Home        string
	ConfigDir   string                    // $XDG_CONFIG_HOME, may be ""
	Plugins     []pluginhost.Source       // the bundled ones
	Cache       string                    // where modules and plugins from elsewhere lie; "" for none
	ServePlugin []string                  // command line that serves a plugin without a program, given its folder
	Platform    string                    // that plugins are for; "" is this one
	PluginLog   func(plugin, line string) // may be nil
	Parallelism int
	LockWait    time.Duration
	LockWaiting func(state.LockHolder) // may be nil
	LeaseTime   time.Duration          // of a state in a database; 0 = state.DefaultLeaseTime, shorter in tests
	// Conclusive says that the APIs of plugins answer or forget, as doubles in
	// tests do.
	Conclusive bool
	// Embedded starts the embedded cloud if it does not run, and says how to
	// reach it. It is called only when a cloud of the stack is the embedded one.
	Embedded func(context.Context) (EmbeddedCloud, error)
	// Saved is a plan from a file: its sources, variables and cloud settings
	// stand in for Path, Vars and what Flags leave open. nil for none.
	Saved *Saved
}

// Engine is one stack in one run of the program.
type Engine struct {
	Stack *spec.Stack
	Host  *pluginhost.Host

	settings  Settings
	variables map[string]cty.Value
	files     map[string]*hcl.File
	sources   map[string]*hcl.File // of the stack and its modules alone
	clouds    map[string]cloud.Settings
	session   *state.Store
}

// Load reads the stack and the values of its variables. It starts nothing and
// opens nothing. The Engine is never nil: its Files serve to show the
// diagnostics.
func Load(s Settings) (*Engine, hcl.Diagnostics) {
	if s.Saved != nil {
		s.Path, s.Flags = s.Saved.path(), s.Saved.flags(s.Flags)
	}
	e := &Engine{settings: s, clouds: map[string]cloud.Settings{}}
	store, diags := s.sources()
	var more hcl.Diagnostics
	options := spec.Options{Version: s.Version, Modules: store.Locked()}
	if s.Saved != nil {
		options.Texts = s.Saved.texts()
	}
	e.Stack, more = spec.Load(s.Path, options)
	e.files, e.sources = e.Stack.Files, maps.Clone(e.Stack.Files)
	diags = append(diags, more...)
	others, more := installed.Load(store, s.ServePlugin)
	diags = append(diags, more...)
	e.settings.Plugins = slices.Concat(s.Plugins, others)
	host, more := pluginhost.New(pluginhost.Options{Sources: e.settings.Plugins, RunID: fmt.Sprint(time.Now().UnixNano()), Log: s.PluginLog, Conclusive: s.Conclusive})
	e.Host = host
	diags = append(diags, more...)
	if !diags.HasErrors() {
		diags = append(diags, required(e.Stack, host.Plugins())...)
	}
	if diags.HasErrors() {
		return e, diags
	}
	if s.Saved != nil {
		return e, append(diags, e.recalled()...)
	}
	inputs, more := spec.LoadVars(e.Stack, s.Vars)
	diags = append(diags, more...)
	for name, f := range inputs.Files {
		e.files[name] = f
	}
	e.variables, more = eval.Variables(e.Stack, inputs.Values, eval.Functions(e.Stack.Dir, s.Getenv))
	return e, append(diags, more...)
}

// Files returns every source read, for showing diagnostics.
func (e *Engine) Files() map[string]*hcl.File { return e.files }

// Validate checks everything that can be checked without a cloud.
func (e *Engine) Validate() hcl.Diagnostics {
	diags := append(e.cloudBlocks(), e.configurePlugins()...)
	return append(diags, plan.Validate(e.Stack, e.variables, e.Host.Types(), e.Host.Steps())...)
}

// Access says what a run means to do with the state.
type Access struct {
	Write  bool   // take the lock
	Create bool   // make the state if there is none, even to read it
	Holder string // what to tell others meanwhile: "apply web"
}

// Open finds the clouds, opens the state that belongs to them and checks that
// they are the ones it was written with.
func (e *Engine) Open(ctx context.Context, a Access) hcl.Diagnostics {
	diags := e.resolveClouds(ctx)
	if diags.HasErrors() {
		return diags
	}
	if err := e.fellToEmbedded(ctx); err != nil {
		return append(diags, diag.FromError("Another cloud than the state's", err)...)
	}
	session, err := e.openState(ctx, a)
	if err != nil {
		return stateClosed(err)
	}
	e.session = session
	return nil
}

// stateClosed says why a state cannot be opened, and what helps where the
// reason alone does not tell.
func stateClosed(err error) hcl.Diagnostics {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		err = fmt.Errorf("%w; the state lies in the folder .moldctl beside the stack: let this user write there, or copy the stack to a folder of yours", err)
	case errors.Is(err, syscall.ENOSPC):
		err = fmt.Errorf("%w; nothing was changed: make room there and run the command again", err)
	}
	return diag.FromError("State cannot be opened", err)
}

// StateDir is where a stack's states lie.
const StateDir = ".moldctl"

// StatePath is the file of this run's state: the embedded cloud has its own.
func (e *Engine) StatePath() string {
	if e.Embedded() {
		return filepath.Join(e.Stack.Dir, StateDir, "embedded.db")
	}
	return filepath.Join(e.Stack.Dir, StateDir, "state.db")
}

// Embedded tells whether the default cloud is the embedded one.
func (e *Engine) Embedded() bool { return e.clouds[""].Embedded }

// Cloud returns the settings of a cloud by alias, after Open.
func (e *Engine) Cloud(alias string) cloud.Settings { return e.clouds[alias] }

// Session returns the open state.
func (e *Engine) Session() state.Session { return e.session }

// Store returns the open state with all that can be asked of it.
func (e *Engine) Store() *state.Store { return e.session }

// PlanOptions are what a user asks of a plan.
type PlanOptions struct {
	Destroy       bool
	SkipRefresh   bool
	AcceptMissing bool
	RefreshOnly   bool          // write down what differs, plan nothing else
	Limits        plan.Limits   // which part of the stack is looked at
	Replace       []addr.Target // objects to replace whatever the stack says
}

// Plan says what would have to be done.
func (e *Engine) Plan(ctx context.Context, o PlanOptions) (*plan.Plan, hcl.Diagnostics) {
	snap, err := e.session.Snapshot(ctx)
	if err != nil {
		return nil, diag.FromError("State cannot be read", err)
	}
	bindings, diags := e.bindings(ctx, snap)
	if diags.HasErrors() {
		return nil, diags
	}
	p, more := plan.Make(ctx, plan.Input{
		Stack: e.Stack, Variables: e.variables, Snapshot: snap, Host: e.Host, Destroy: o.Destroy,
		Fingerprint: e.session.Fingerprint, SkipRefresh: o.SkipRefresh, RefreshOnly: o.RefreshOnly, Limits: o.Limits, Replace: o.Replace, AcceptMissing: o.AcceptMissing, Parallelism: e.settings.Parallelism, Embedded: e.Embedded(),
	})
	diags = append(diags, more...)
	if p != nil {
		p.Bindings = bindings
	}
	return p, diags
}

// Apply carries out a plan. When stop is done no further step begins; when ctx
// is done the running ones are cancelled.
func (e *Engine) Apply(ctx, stop context.Context, p *plan.Plan, observe func(apply.Event)) (apply.Summary, hcl.Diagnostics) {
	return apply.Run(ctx, p, apply.Deps{
		Host: e.Host, Session: e.session, Fingerprint: e.session.Fingerprint, Parallelism: e.settings.Parallelism, Stop: stop, Observe: observe,
	})
}

// Close ends the plugins and releases the state.
func (e *Engine) Close() error {
	e.Host.Close()
	if e.session == nil {
		return nil
	}
	return e.session.Close()
}

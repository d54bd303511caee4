package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core"
	"github.com/moldctl/moldctl/core/cloud"
	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/embedded"
)

// stackFlags are what every command takes that reads a stack.
type stackFlags struct {
	Path    string   `arg:"" optional:"" default:"." help:"Stack file or folder."`
	Var     []string `placeholder:"NAME=VALUE" sep:"none" help:"Set a variable; may be given several times."`
	VarFile []string `placeholder:"FILE" sep:"none" type:"path" help:"Read variables from a file (*.vars.hcl, *.vars.yaml); may be given several times."`
	JSON    bool     `name:"json" help:"Write JSON for programs."`
	NoColor bool     `help:"Write without colours (also: NO_COLOR is set)."`
}

// cloudFlags say which cloud is meant. There are none for keys: a command line
// can be read by every user of a machine.
type cloudFlags struct {
	Endpoint  string `placeholder:"URL" help:"URL of the API, https://HOST/client/api. Keys come from MOLD_API_KEY and MOLD_SECRET_KEY."`
	Profile   string `help:"Profile of ~/.config/moldctl/config.yaml or of CloudMonkey."`
	Zone      string `help:"Zone, by name or id."`
	Project   string `help:"Project, by name or id."`
	Signature string `placeholder:"KIND" help:"Signature: auto, sha1 (CloudStack) or sha256 (Mold)."`
	CACert    string `name:"ca-cert" placeholder:"FILE" type:"path" help:"Certificates to trust, PEM."`
	Insecure  bool   `help:"Do not verify the server's certificate."`
	CloudDir  string `placeholder:"DIR" type:"path" help:"Folder of the embedded cloud."`
}

// runFlags are what every command takes that reads the cloud.
type runFlags struct {
	Parallelism   int           `default:"10" help:"How many objects are worked on at once."`
	LockTimeout   time.Duration `default:"0s" help:"How long to wait for another run of this stack."`
	AcceptMissing bool          `help:"Go on when more than half of a type's objects are gone."`
}

func (f cloudFlags) values() cloud.Values {
	v := cloud.Values{
		cloud.Endpoint: f.Endpoint, cloud.Profile: f.Profile, cloud.Zone: f.Zone, cloud.Project: f.Project,
		cloud.Signature: f.Signature, cloud.CACert: f.CACert,
	}
	if f.Insecure {
		v[cloud.Insecure] = strconv.FormatBool(true)
	}
	return v
}

// session is one command at work on one stack.
type session struct {
	*core.Engine
	io    streams
	flags stackFlags
	said  hcl.Diagnostics // for the JSON form, which is written at the end
	need  need
	// process is the embedded cloud, if this run uses it.
	process *embedded.Process
}

// need says how far a command goes.
type need struct {
	cloud    *cloudFlags // nil: the command never asks the cloud
	run      runFlags
	write    bool        // it changes the state
	create   bool        // it reads the state, which is made if there is none
	validate bool        // its JSON is a judgement, also of a stack that cannot be loaded
	saved    *core.Saved // the plan to carry out; nil for none
	holder   string      // "apply": shown to others while the state is locked
}

// load reads a stack and reports what is wrong with it.
func load(io streams, flags stackFlags, n need) (*session, error) {
	if n.run.Parallelism < 1 && n.cloud != nil {
		return nil, fmt.Errorf("--parallelism %d: at least 1 is needed", n.run.Parallelism)
	}
	s := &session{io: io, flags: flags, need: n}
	plugins, err := pluginSources()
	if err != nil {
		return nil, err
	}
	serve, err := serveCommand()
	if err != nil {
		return nil, err
	}
	settings := core.Settings{
		Cache: cacheFolder(home()), ServePlugin: serve,
		Path: flags.Path, Version: version, Getenv: os.LookupEnv, Home: home(), ConfigDir: os.Getenv("XDG_CONFIG_HOME"), Plugins: plugins,
		Vars:        spec.VarSources{Files: flags.VarFile, Environ: os.Environ(), Sets: flags.Var},
		Saved:       n.saved,
		Parallelism: n.run.Parallelism, LockWait: n.run.LockTimeout,
		LockWaiting: func(h state.LockHolder) { s.note("Waiting for %s.", h) },
		// Commands that only read the state never need the cloud to run.
		Embedded: func(context.Context) (core.EmbeddedCloud, error) { return core.EmbeddedCloud{}, nil },
	}
	if n.cloud != nil {
		settings.Flags = n.cloud.values()
		settings.Embedded = func(ctx context.Context) (core.EmbeddedCloud, error) { return s.startEmbedded(ctx, n.cloud.CloudDir) }
	}
	var diags hcl.Diagnostics
	if large(flags.Path) {
		s.note("Reading the stack %s …", flags.Path)
	}
	s.Engine, diags = core.Load(settings)
	if diags.HasErrors() {
		return s, s.fail(diags)
	}
	s.report(diags)
	return s, nil
}

// open reads a stack and opens its state.
func open(ctx context.Context, io streams, flags stackFlags, n need) (*session, error) {
	s, err := load(io, flags, n)
	if err != nil {
		return s, err
	}
	diags := s.Open(ctx, core.Access{Write: n.write, Create: n.create, Holder: n.holder + " " + s.Stack.Name})
	if diags.HasErrors() {
		return s, errors.Join(s.fail(diags), s.close())
	}
	s.report(diags)
	return s, nil
}

// startEmbedded makes sure that the embedded cloud runs, and says so if it had
// to be started.
func (s *session) startEmbedded(ctx context.Context, dir string) (core.EmbeddedCloud, error) {
	p, started, err := startCloud(ctx, dir)
	if err != nil {
		return core.EmbeddedCloud{}, err
	}
	s.process = p
	if started {
		s.note("No endpoint is given, so this runs on the embedded cloud: started at %s as process %d.\nIt goes on running; moldctl cloud stop ends it, moldctl cloud --help says more.\n", p.Endpoint, p.PID)
	}
	return core.EmbeddedCloud{Endpoint: p.Endpoint, APIKey: p.APIKey, SecretKey: p.SecretKey}, nil
}

// close ends plugins and releases the state.
func (s *session) close() error {
	if s == nil || s.Engine == nil {
		return nil
	}
	return s.Close()
}

// note tells a person something; programs read the result only.
func (s *session) note(format string, args ...any) {
	if !s.flags.JSON {
		fmt.Fprintf(s.io.err, format+"\n", args...)
	}
}

// report shows diagnostics: warnings as they come, and all of them in the JSON
// result of the command.
func (s *session) report(diags hcl.Diagnostics) {
	s.said = append(s.said, diags...)
	if s.flags.JSON || len(diags) == 0 {
		return
	}
	printer := diag.Printer{Files: s.Files(), Width: columns(s.io.err), Color: s.color(s.io.err)}
	if err := printer.Print(s.io.err, diags); err != nil {
		fmt.Fprintf(os.Stderr, "moldctl: %v\n", err)
	}
}

// fail reports diagnostics that end the command.
func (s *session) fail(diags hcl.Diagnostics) error {
	s.report(diags)
	if s.flags.JSON {
		said := diag.ToJSON(s.said, s.Files())
		var result any = map[string]any{"type": "error", "diagnostics": said}
		if s.need.validate {
			result = validateResult{"validation", false, said}
		}
		if err := writeJSON(s.io.out, result); err != nil {
			return err
		}
	}
	return exitCode(exitError)
}

func (s *session) color(w io.Writer) bool {
	return !s.flags.NoColor && colored(w)
}

// colored tells whether colours are welcome.
func colored(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w)
}

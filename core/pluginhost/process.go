package pluginhost

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"

	"github.com/moldctl/moldctl/sdk/wire"
)

// startTimeout bounds how long a plugin may take to say hello.
const startTimeout = 30 * time.Second

// tailLines is how much of a plugin's output is kept for the message when it
// dies.
const tailLines = 20

// process is one plugin process: started once, configured once per cloud.
type process struct {
	host *Host
	src  Source

	startOnce sync.Once
	startErr  error
	started   atomic.Bool // starting is over: what it has set may be read
	cmd       *exec.Cmd
	client    *plugin.Client
	rpc       wire.PluginClient
	json      bool   // values are sent as JSON
	shares    bool   // it keeps to shares that are dealt out
	hangUp    func() // of a plugin that has no process
	output    *io.PipeWriter
	collected chan struct{} // closed when all output has been taken
	watched   chan struct{} // closed when nobody watches any more; nil until somebody does

	reapOnce sync.Once
	reaped   chan struct{} // closed when the process has ended

	mu         sync.Mutex
	configured map[string]*configured
	tail       []string
	cause      string           // the line in which the Go runtime says why it gave up
	silent     error            // why it was ended, if it no longer answered
	fixed      map[string]int32 // by alias: its part of a cloud's requests, if it is dealt none
	leaving    []func()         // gives back what it has of its clouds' requests
}

// configured is the outcome of handing one cloud to one process.
type configured struct {
	once     sync.Once
	done     atomic.Bool // the process has the cloud
	identity *wire.CloudIdentity
	diags    []*wire.Diagnostic
	err      error
}

func newProcess(h *Host, src Source) *process {
	return &process{host: h, src: src, configured: map[string]*configured{}, fixed: map[string]int32{}, reaped: make(chan struct{})}
}

// start runs the command and waits for its handshake.
func (p *process) start(ctx context.Context) error {
	p.startOnce.Do(func() {
		p.startErr = p.launch(ctx)
		p.started.Store(true)
	})
	return p.startErr
}

func (p *process) launch(ctx context.Context) error {
	if p.src.Dial != nil {
		p.rpc, p.hangUp = p.src.Dial()
		return p.introduced(ctx)
	}
	cmd := exec.Command(p.src.Command[0], p.src.Command[1:]...) //#nosec G204 -- the host's own list of plugins
	cmd.Env = append(scrubbed(os.Environ()), p.src.Env...)
	cmd.SysProcAttr = childAttributes()
	program, err := p.verify(cmd)
	if err != nil {
		return err
	}
	if program != nil {
		defer func() { _ = program.Close() }() // only read from
	}
	config, certificate, err := mutualTLS()
	if err != nil {
		return err
	}
	cmd.Env = append(cmd.Env, certificateVariable+"="+certificate)
	p.cmd = cmd
	reader, writer := io.Pipe()
	p.output, p.collected = writer, make(chan struct{})
	go p.collect(reader)
	p.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  wire.Handshake,
		Plugins:          wire.ClientPlugins(),
		Cmd:              cmd,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		TLSConfig:        config,
		StartTimeout:     startTimeout,
		Stderr:           writer,
		SyncStdout:       writer,
		SyncStderr:       writer,
		Logger:           hclog.NewNullLogger(),
		SkipHostEnv:      true,
		GRPCDialOptions:  wire.DialOptions(),
	})
	rpc, err := p.client.Client()
	if err != nil {
		p.reap()
		return p.explain(err)
	}
	raw, err := rpc.Dispense(wire.PluginName)
	if err != nil {
		p.reap()
		return p.explain(err)
	}
	p.rpc = raw.(wire.PluginClient)
	p.watched = make(chan struct{})
	go p.watch(rpc.(*plugin.GRPCClient))
	return p.introduced(ctx)
}

// introduced lets the process say what it is, for all who wait for it: whoever
// asked first may give up without harm to the others.
func (p *process) introduced(ctx context.Context) error {
	err := p.introduce(context.WithoutCancel(ctx))
	if err != nil {
		p.reap()
	}
	return err
}

// explain says why the plugin was ended, or adds its last words to an error.
func (p *process) explain(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silent != nil {
		return p.silent
	}
	if p.cause != "" {
		return fmt.Errorf("%w; it said: %s", err, p.cause)
	}
	if len(p.tail) == 0 {
		return err
	}
	return fmt.Errorf("%w; its last output was:\n  %s", err, strings.Join(p.tail, "\n  "))
}

// end says how the process ended; err is what its caller saw of it, which says
// little. The process must have been reaped.
func (p *process) end(err error) error {
	if p.cmd == nil || p.cmd.ProcessState == nil {
		return err
	}
	return fmt.Errorf("its process ended (%s)", p.cmd.ProcessState)
}

// collect passes the plugin's output on, line by line.
func (p *process) collect(r io.Reader) {
	defer close(p.collected)
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := lines.ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			line = p.host.redact(line)
			p.mu.Lock()
			if p.cause == "" && (strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")) {
				p.cause = line
			}
			p.tail = append(p.tail, line)
			if len(p.tail) > tailLines {
				p.tail = p.tail[1:]
			}
			p.mu.Unlock()
			if p.host.opts.Log != nil {
				p.host.opts.Log(p.src.Name, line)
			}
		}
		if err != nil {
			return
		}
	}
}

// redact blots out every credential that any plugin was given.
func (h *Host) redact(line string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.clouds {
		for _, secret := range []string{c.GetSecretKey(), c.GetApiKey()} {
			if len(secret) >= 6 {
				line = strings.ReplaceAll(line, secret, "(sensitive)")
			}
		}
	}
	return h.redactConfig(line)
}

// configure hands a cloud to the process, once.
func (p *process) configure(ctx context.Context, alias string) (*wire.CloudIdentity, []*wire.Diagnostic, error) {
	cloud, err := p.host.handed(ctx, p.src.Name, alias)
	if err != nil {
		return nil, nil, err
	}
	p.host.mu.Lock()
	runID, known := p.host.opts.RunID, p.host.ids[alias]
	p.host.mu.Unlock()
	p.mu.Lock()
	c, ok := p.configured[alias]
	if !ok {
		c = &configured{}
		p.configured[alias] = c
	}
	p.mu.Unlock()
	c.once.Do(func() {
		config, err := p.host.config(p.src.Name, alias)
		if err != nil {
			c.err = err
			return
		}
		if cloud, c.err = p.share(ctx, cloud); c.err != nil {
			return
		}
		if cloud.GetEndpoint() == "" {
			known = nil // what needs no cloud need not know who uses one
		}
		reply, err := p.hand(ctx, &wire.ConfigureRequest{Cloud: cloud, RunId: runID, Config: config, Identity: known})
		if err != nil {
			c.err = fmt.Errorf("configure plugin %s: %w", p.src.Name, err)
			return
		}
		c.identity, c.diags = reply.GetIdentity(), reply.GetDiagnostics()
		c.done.Store(true)
		if c.identity != nil && len(c.diags) == 0 {
			p.host.mu.Lock()
			p.host.ids[alias] = c.identity
			p.host.mu.Unlock()
		}
	})
	return c.identity, c.diags, c.err
}

// hand sends one configuration.
func (p *process) hand(ctx context.Context, in *wire.ConfigureRequest) (*wire.ConfigureReply, error) {
	if spec := p.host.specs[p.src.Name]; spec != nil {
		var err error
		if in, err = encoded(p, in, spec.ConfigType(), configValues); err != nil {
			return nil, err
		}
	}
	return inquire(ctx, p, "Configure", answerTime, in, func(ctx context.Context, in *wire.ConfigureRequest) (*wire.ConfigureReply, error) {
		return p.rpc.Configure(ctx, in)
	})
}

// dead tells whether the process was started and has ended since.
func (p *process) dead() bool {
	if !p.started.Load() {
		return false
	}
	if p.hangUp != nil {
		select {
		case <-p.reaped:
			return true
		default:
			return false
		}
	}
	return p.startErr != nil || (p.client != nil && p.client.Exited())
}

// stop ends the process.
func (p *process) stop() {
	if p.client != nil || p.hangUp != nil {
		p.reap()
	}
}

// reap ends the process, if it has not ended, and takes its last output.
func (p *process) reap() {
	p.reapOnce.Do(func() {
		defer p.leave()
		if p.hangUp != nil {
			p.hangUp()
			close(p.reaped)
			return
		}
		p.client.Kill()
		close(p.reaped)
		if p.watched != nil {
			<-p.watched
		}
		_ = p.output.Close() // never fails
		<-p.collected
	})
}

// scrubbed keeps only what a process needs to run: credentials reach a plugin
// through Configure and never through its environment.
func scrubbed(environ []string) []string {
	keep := map[string]bool{
		"PATH": true, "HOME": true, "TMPDIR": true, "LANG": true, "LC_ALL": true, "TZ": true,
		"SSL_CERT_FILE": true, "SSL_CERT_DIR": true, "GOCOVERDIR": true, "GOTRACEBACK": true,
		"HTTP_PROXY": true, "HTTPS_PROXY": true, "NO_PROXY": true,
	}
	var out []string
	for _, pair := range environ {
		if name, _, _ := strings.Cut(pair, "="); keep[name] {
			out = append(out, pair)
		}
	}
	return out
}

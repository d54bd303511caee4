// Package pluginhost finds plugins, starts their processes when they are first
// needed, hands them clouds, and carries calls to them over go-plugin gRPC. A
// plugin that dies costs the call that was under way, not the run: the next
// call starts it anew.
//
// It is the only package of core that imports go-plugin, and it knows nothing
// of specs, plans or states.
package pluginhost

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

// Source is one plugin: its plugin.yaml, and the command that serves it.
type Source struct {
	Name    string
	Spec    []byte
	Tree    []byte             // of Spec, which is read faster with it; nil: there is none
	Parsed  *pluginspec.Plugin // Spec, where it was read before; nil: New reads it
	Command []string           // argv; the process speaks the go-plugin handshake
	Env     []string           // beside the scrubbed environment
	SHA256  string             // of the program, in hex; "" for one that is not compared
	// Dial, if set, reaches the plugin instead of a process: for tests that run
	// host and plugin in one. hangUp is called once, when the host is done with
	// it or has seen it break.
	Dial func() (rpc wire.PluginClient, hangUp func())
}

// Options sets up a Host.
type Options struct {
	Sources []Source
	RunID   string
	// Log receives each line a plugin writes to stderr or stdout, redacted.
	Log func(plugin, line string)
	// Patience is how long a plugin may give no sign of life before its process
	// is ended; 0 is the usual time.
	Patience time.Duration
	// AnswerTime is how long one that lives may take for the next message of an
	// answer before its process is ended; 0 is the usual time.
	AnswerTime time.Duration
	// Conclusive says that the APIs of plugins which need no cloud answer or
	// forget, as doubles in tests do: nobody waits for what was not answered.
	Conclusive bool
}

// Host owns the plugin processes of one run.
type Host struct {
	opts    Options
	specs   map[string]*pluginspec.Plugin // by plugin name
	types   map[string]*pluginspec.Type
	steps   map[string]*pluginspec.Step
	sources map[string]Source

	mu       sync.Mutex
	clouds   map[string]*wire.Cloud
	later    map[string]func(context.Context) (*wire.Cloud, error) // clouds that are not reached yet
	configs  map[string]configs                                    // of plugins, by name
	children map[string]*process
	ids      map[string]*wire.CloudIdentity
	budgets  map[string]*budget // of the clouds that are in use
	closed   bool
	until    time.Time // bound on signatures; zero: none

	permits permits
}

// New reads the plugin.yaml of every source. It starts nothing.
func New(opts Options) (*Host, hcl.Diagnostics) {
	h := &Host{
		opts:     opts,
		specs:    map[string]*pluginspec.Plugin{},
		types:    map[string]*pluginspec.Type{},
		steps:    map[string]*pluginspec.Step{},
		sources:  map[string]Source{},
		clouds:   map[string]*wire.Cloud{},
		later:    map[string]func(context.Context) (*wire.Cloud, error){},
		configs:  map[string]configs{},
		children: map[string]*process{},
		ids:      map[string]*wire.CloudIdentity{},
		budgets:  map[string]*budget{},
	}
	var diags hcl.Diagnostics
	specs, said := parse(opts.Sources)
	for i, src := range opts.Sources {
		diags = append(diags, said[i]...)
		if said[i].HasErrors() {
			continue
		}
		diags = append(diags, h.add(src, specs[i])...)
	}
	return h, diags
}

// parse reads all that is not read yet, at the same time: every run waits for
// it.
func parse(sources []Source) ([]*pluginspec.Plugin, []hcl.Diagnostics) {
	specs := make([]*pluginspec.Plugin, len(sources))
	diags := make([]hcl.Diagnostics, len(sources))
	var wg sync.WaitGroup
	for i, src := range sources {
		if src.Parsed != nil {
			specs[i] = src.Parsed
			continue
		}
		wg.Go(func() { specs[i], diags[i] = pluginspec.ParseTree(src.Name+"/plugin.yaml", src.Spec, src.Tree) })
	}
	wg.Wait()
	return specs, diags
}

// add claims a plugin's types; two plugins that claim one are refused by name.
func (h *Host) add(src Source, spec *pluginspec.Plugin) hcl.Diagnostics {
	var diags hcl.Diagnostics
	src.Name = spec.Name
	h.specs[spec.Name] = spec
	h.sources[spec.Name] = src
	for name, t := range spec.Types {
		if other, taken := h.types[name]; taken {
			diags = append(diags, conflict("type", name, other.Plugin, spec.Name))
			continue
		}
		if t.Plugin != spec.Name { // what was parsed once may serve several hosts
			t.Plugin = spec.Name
		}
		h.types[name] = t
	}
	for kind, s := range spec.Steps {
		if _, taken := h.steps[kind]; taken {
			diags = append(diags, conflict("pipeline step", kind, "another plugin", spec.Name))
			continue
		}
		h.steps[kind] = s
	}
	return diags
}

func conflict(what, name, a, b string) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Two plugins claim one name",
		Detail:   fmt.Sprintf("The %s %q is served by plugin %q and by plugin %q. Remove one of them.", what, name, a, b),
	}
}

// Types returns every type by name.
func (h *Host) Types() map[string]*pluginspec.Type { return h.types }

// Steps returns every pipeline step kind by name.
func (h *Host) Steps() map[string]*pluginspec.Step { return h.steps }

// Plugins returns the plugins sorted by name.
func (h *Host) Plugins() []*pluginspec.Plugin {
	out := make([]*pluginspec.Plugin, 0, len(h.specs))
	for _, p := range h.specs {
		out = append(out, p)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// SetCloud makes a cloud known under its alias ("" is the default one). It is
// handed to a plugin when the plugin first needs it.
func (h *Host) SetCloud(c *wire.Cloud) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.until.IsZero() {
		c.ExpiresUnix = h.until.Unix()
	}
	h.clouds[c.GetAlias()] = c
}

// Identity says who the caller is in a cloud; the answer is asked for once. It
// is empty when no plugin needs a cloud.
func (h *Host) Identity(ctx context.Context, alias string) (*wire.CloudIdentity, []*wire.Diagnostic, error) {
	h.mu.Lock()
	known := h.ids[alias]
	h.mu.Unlock()
	if known != nil {
		return known, nil, nil
	}
	name, ok := h.anyWithCloud()
	if !ok {
		return &wire.CloudIdentity{}, nil, nil
	}
	p, err := h.process(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	return p.configure(ctx, alias)
}

// anyWithCloud picks the plugin that is asked for the caller's identity: the
// first by name, so that a run starts no process just for this.
func (h *Host) anyWithCloud() (string, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name := range h.children {
		if h.needsCloud(name) {
			return name, true
		}
	}
	names := make([]string, 0, len(h.specs))
	for name := range h.specs {
		if h.needsCloud(name) {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	if len(names) == 0 {
		return "", false
	}
	return names[0], true
}

func (h *Host) needsCloud(name string) bool {
	spec := h.specs[name]
	if spec.Transport == "cloudstack" {
		return true
	}
	for _, need := range spec.Needs {
		if need == "cloud" {
			return true
		}
	}
	return false
}

// process returns the running process of a plugin, starting it if need be.
func (h *Host) process(ctx context.Context, name string) (*process, error) {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil, fmt.Errorf("plugin %s: the run is over", name)
	}
	p, ok := h.children[name]
	if !ok || p.dead() {
		p = newProcess(h, h.sources[name])
		h.children[name] = p
	}
	h.mu.Unlock()
	if err := p.start(ctx); err != nil {
		return nil, fmt.Errorf("start plugin %s: %w", name, err)
	}
	return p, nil
}

// serving returns the process that serves a type, with the cloud configured.
func (h *Host) serving(ctx context.Context, typ, cloud string) (*process, error) {
	t, ok := h.types[typ]
	if !ok {
		return nil, fmt.Errorf("no plugin serves the type %q", typ)
	}
	p, err := h.process(ctx, t.Plugin)
	if err != nil {
		return nil, err
	}
	if !h.needsCloud(t.Plugin) && !h.configurable(t.Plugin) {
		return p, nil
	}
	_, diags, err := p.configure(ctx, cloud)
	if err != nil {
		return nil, err
	}
	if len(diags) > 0 {
		return nil, &CloudError{Alias: cloud, Diagnostics: diags}
	}
	return p, nil
}

// CloudError says that a cloud could not be used: wrong keys, no answer.
type CloudError struct {
	Alias       string
	Diagnostics []*wire.Diagnostic
}

// Error joins what the plugin said.
func (e *CloudError) Error() string {
	text := ""
	for _, d := range e.Diagnostics {
		if text != "" {
			text += "; "
		}
		text += d.GetSummary()
		if d.GetDetail() != "" {
			text += ": " + d.GetDetail()
		}
	}
	return text
}

// Close ends every plugin process and waits for it.
func (h *Host) Close() {
	h.mu.Lock()
	h.closed = true
	children := make([]*process, 0, len(h.children))
	for _, p := range h.children {
		children = append(children, p)
	}
	h.mu.Unlock()
	var wg sync.WaitGroup
	for _, p := range children {
		wg.Go(p.stop)
	}
	wg.Wait()
}

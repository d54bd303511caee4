package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/apply"
	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

// process is one run of the program with its plugins.
type process struct {
	world   *world
	name    string
	host    *pluginhost.Host
	session *session
	dead    bool // guarded by the schedule's mutex, as frozen is
	frozen  bool

	stop, ctx   context.Context // once, twice
	once, twice context.CancelFunc

	mu          sync.Mutex // guards connections
	connections map[string]*connection

	unflushed *state.Snapshot // of a store that does not flush
}

func (p *process) isDead() bool {
	p.world.schedule.mu.Lock()
	defer p.world.schedule.mu.Unlock()
	return p.dead
}

// stands tells whether the process does nothing by itself now.
func (p *process) stands() bool {
	p.world.schedule.mu.Lock()
	defer p.world.schedule.mu.Unlock()
	return p.dead || p.frozen
}

// holds tells whether the process may change anything. One that may not, and
// does not know it yet, sends what the cloud refuses.
func (p *process) holds() bool {
	p.world.disk.mu.Lock()
	defer p.world.disk.mu.Unlock()
	return !p.stands() && p.session != nil && p.world.disk.token == p.session.token
}

func (p *process) renewed(until time.Time) {
	if !p.world.bug.unbound {
		p.host.Bound(until)
	}
}

// newProcess starts a run; its plugins start when they are first needed.
func (w *world) newProcess() (*process, error) {
	w.runs++
	p := &process{world: w, name: fmt.Sprintf("p%d", w.runs), connections: map[string]*connection{}}
	p.ctx, p.twice = context.WithCancel(context.Background())
	p.stop, p.once = context.WithCancel(p.ctx)
	var sources []pluginhost.Source
	for name, text := range specs {
		sources = append(sources, pluginhost.Source{Name: name, Spec: []byte(text), Tree: trees()[name], Dial: func() (wire.PluginClient, func()) { return p.dial(name, text) }})
	}
	slices.SortFunc(sources, func(a, b pluginhost.Source) int { return strings.Compare(a.Name, b.Name) })
	host, diags := pluginhost.New(pluginhost.Options{Sources: sources, RunID: p.name})
	if diags.HasErrors() {
		return nil, diags
	}
	p.host = host
	w.processes = append(w.processes, p)
	host.SetCloud(&wire.Cloud{Endpoint: "http://cloud.test/client/api", ApiKey: "key", SecretKey: "secret", Signature: "sha1", SettleMs: w.bug.settleMs})
	return p, nil
}

// specs are the plugins' texts.
var specs = map[string]string{"ground": groundSpec, "house": houseSpec}

// trees hold what the texts say, so that no run of the program parses YAML.
var trees = sync.OnceValue(func() map[string][]byte {
	out := map[string][]byte{}
	for name, text := range specs {
		tree, err := pluginspec.EncodeTree("plugin.yaml", []byte(text))
		if err != nil {
			panic(err) // the texts are wrong
		}
		out[name] = tree
	}
	return out
})

// dial starts a plugin.
func (p *process) dial(name, text string) (wire.PluginClient, func()) {
	plugin := sdk.Plugin{Spec: []byte(text), Tree: trees()[name]}
	if name == "house" {
		plugin.Handlers = sdk.Handlers{"image": sdk.Handle[image](builder{})}
	}
	t := &transport{process: p, plugin: name}
	plugin.Client = func(s *cloudstack.Settings) { s.Transport = t }
	server, err := sdk.NewServer(plugin)
	if err != nil {
		panic(err) // the texts above are wrong
	}
	c := connect(name, server, p.world.bug.wire, p.world.schedule.post)
	t.connection = c
	p.mu.Lock()
	p.connections[name] = c
	p.mu.Unlock()
	return c, c.kill
}

// killPlugin ends one plugin, as a crash of its process does.
func (p *process) killPlugin(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.connections[name]; c != nil {
		c.kill()
	}
}

// kill ends the process and its plugins.
func (p *process) kill(mayArrive bool) {
	p.world.schedule.end(p, mayArrive)
	for _, name := range []string{"ground", "house"} {
		p.killPlugin(name)
	}
	p.twice()
	if p.session != nil && p.session.store != nil {
		if err := p.world.files.crash(); err != nil {
			p.world.schedule.note("WRONG: the files cannot be copied: %v", err)
		}
		p.session.store = nil
	}
	if p.unflushed != nil {
		p.world.disk.mu.Lock()
		p.world.disk.snap = p.unflushed
		p.world.disk.mu.Unlock()
	}
}

// outcome is what a run said.
type outcome struct {
	steps   []string
	diags   hcl.Diagnostics
	summary apply.Summary
	settled int
	planned bool
}

func (o outcome) said() string {
	var out strings.Builder
	if err := (diag.Printer{}).Print(&out, o.diags); err != nil {
		return err.Error()
	}
	return out.String()
}

// run is what the command line does: open the state, plan, apply.
func (p *process) run(text string, destroy, planOnly bool) (out outcome) {
	w := p.world
	s, err := w.open(p)
	if err != nil {
		return outcome{diags: diag.FromError("State cannot be opened", err)}
	}
	p.session = s
	defer func() {
		p.host.Close()
		if err := s.Close(); err != nil {
			out.diags = append(out.diags, diag.FromError("State cannot be closed", err)...)
		}
	}()
	file := filepath.Join(w.dir, "spec.hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return outcome{diags: diag.FromError("Write", err)}
	}
	stack, diags := spec.Load(file, spec.Options{})
	if diags.HasErrors() {
		return outcome{diags: diags}
	}
	vars, diags := eval.Variables(stack, nil, eval.Functions(w.dir, nil))
	if diags.HasErrors() {
		return outcome{diags: diags}
	}
	made, diags := p.plan(s, stack, vars, destroy)
	if out.diags = diags; made == nil || diags.HasErrors() {
		return out
	}
	out.planned, out.settled = true, len(made.Settled)
	for _, step := range made.Steps {
		if step.Action != plan.NoOp {
			out.steps = append(out.steps, fmt.Sprintf("%s %s: %s", step.Action, keyText(step.Key), step.Reason))
		}
	}
	w.schedule.note("%s plans %q", p.name, out.steps)
	if planOnly {
		return out
	}
	var more hcl.Diagnostics
	out.summary, more = apply.Run(p.ctx, made, apply.Deps{Host: p.host, Session: s, Parallelism: 6, Stop: p.stop, Observe: p.observe})
	out.diags = append(out.diags, more...)
	return out
}

func (p *process) plan(s *session, stack *spec.Stack, vars map[string]cty.Value, destroy bool) (*plan.Plan, hcl.Diagnostics) {
	snap, err := s.Snapshot(p.ctx)
	if err != nil {
		return nil, diag.FromError("State", err)
	}
	if change := p.world.bug.snapshot; change != nil {
		change(snap)
	}
	made, diags := plan.Make(p.ctx, plan.Input{Stack: stack, Variables: vars, Snapshot: snap, Host: p.host, Parallelism: 4, Destroy: destroy})
	if made != nil && p.world.bug.plan != nil {
		p.world.bug.plan(made)
	}
	return made, diags
}

// observe lets steps begin one after the other.
func (p *process) observe(e apply.Event) {
	if e.Kind != apply.Started {
		return
	}
	name := fmt.Sprintf("%s step %s %s", p.name, e.Step.Action, keyText(e.Step.Key))
	// What a dead process does then comes to nothing.
	_, _ = p.world.schedule.turn(context.Background(), &event{kind: stepBegins, name: name, process: p})
}

// transport carries the requests of one plugin to the cloud.
type transport struct {
	process    *process
	plugin     string
	connection *connection
}

var errReset = errors.New("connection reset by peer")

// RoundTrip implements http.RoundTripper. Reads are answered at once.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	form, err := formOf(req)
	if err != nil {
		return nil, err
	}
	w := t.process.world
	if t.connection.life.Err() != nil || t.process.isDead() {
		return nil, errDead
	}
	command := form.Get("command")
	if strings.HasPrefix(command, "list") || strings.HasPrefix(command, "query") {
		return w.respond(command, func() (map[string]any, *refusal) {
			if refused := w.expired(form); refused != nil {
				return nil, refused
			}
			return w.cloud.read(command, form)
		})
	}
	if !w.disk.announced(command) && t.process.holds() {
		w.cloud.mu.Lock()
		w.cloud.wrong("%s is sent without a durable intent", command)
		w.cloud.mu.Unlock()
	}
	return t.mutate(req.Context(), command, form)
}

func (t *transport) mutate(ctx context.Context, command string, form url.Values) (*http.Response, error) {
	w := t.process.world
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.connection.life, cancel)()
	name := t.process.name + " " + command + " " + describeForm(form)
	arrive := func(how fate) (map[string]any, *refusal) {
		if refused := w.expired(form); refused != nil {
			return nil, refused
		}
		result, refused := w.cloud.change(command, form, how)
		if refused != nil {
			w.schedule.note("  %s is refused: %d %s", command, refused.code, refused.text)
		}
		return result, refused
	}
	e := &event{kind: request, name: name, process: t.process, deliver: func() { arrive(happen) }}
	f, err := w.schedule.turn(ctx, e)
	if err != nil {
		return nil, err
	}
	switch f {
	case fail:
		return nil, errReset
	case linger:
		w.schedule.detach(e)
		return nil, errReset
	}
	result, refused := arrive(f)
	if f == loseBack {
		if w.bug.resends {
			result, refused = arrive(happen)
		} else {
			return nil, errReset
		}
	}
	if _, err := w.schedule.turn(ctx, &event{kind: answer, name: name + " answered", process: t.process}); err != nil {
		return nil, err
	}
	return w.respond(command, func() (map[string]any, *refusal) { return result, refused })
}

// detach leaves a request on the wire that its sender has given up.
func (s *schedule) detach(e *event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.orphan = true
	s.parked = append(s.parked, e)
}

func formOf(req *http.Request) (url.Values, error) {
	if req.Body == nil {
		return req.URL.Query(), nil
	}
	defer req.Body.Close()
	text, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	return url.ParseQuery(string(text))
}

// expired refuses what was signed for a time that is over.
func (w *world) expired(form url.Values) *refusal {
	until, err := time.Parse("2006-01-02T15:04:05-0700", form.Get("expires"))
	if err != nil {
		return &refusal{431, "the expiry cannot be read"}
	}
	if w.cloud.now().After(until) {
		return &refusal{401, "unable to verify user credentials and/or request signature"}
	}
	return nil
}

func (w *world) respond(command string, answer func() (map[string]any, *refusal)) (*http.Response, error) {
	body, refused := answer()
	code := http.StatusOK
	if refused != nil {
		code = refused.code
		body = map[string]any{"errorcode": refused.code, "errortext": refused.text}
	}
	if change := w.bug.answer; change != nil {
		change(command, body)
	}
	text, err := json.Marshal(map[string]any{strings.ToLower(command) + "response": body})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: code, Status: http.StatusText(code), ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}, "Date": {w.cloud.now().UTC().Format(http.TimeFormat)}},
		Body:   io.NopCloser(strings.NewReader(string(text))),
	}, nil
}

// describeForm names a request in the event log, without what is random.
func describeForm(form url.Values) string {
	var out []string
	for _, k := range []string{"id", "name", "displayname", "networkid", "networkids", "ipaddressid", "ipaddress", "startport", "displaytext", "virtualmachineid"} {
		if v := form.Get(k); v != "" {
			out = append(out, v)
		}
	}
	return strings.Join(out, " ")
}

package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/graph"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

// maker makes one plan.
type maker struct {
	in       Input
	config   *Config
	resolver *Resolver

	objects  map[state.Key]*state.Object // as recovered and refreshed
	settled  []state.Entry
	recovery []string
	drift    []Drift
	gone     map[string]string  // by address: why what the state held is no more
	halfGone map[state.Key]bool // what is gone, and whose interrupted delete has to be finished
	moves    []Move
	adopted  map[addr.Instance]*spec.Import // what this plan imports
	part     *selection                     // what is looked at; nil: everything

	// The walk visits blocks in parallel; what they find meets here.
	mu       sync.Mutex
	plain    map[*state.Object]cty.Value // see stored
	steps    []*Step
	forward  map[addr.Resource][]*Step // creates, updates, reads and no-ops by block
	wanted   map[string]bool           // addresses the stack has instances for
	deferred map[addr.Resource]bool    // blocks whose values change in this plan
	left     map[addr.Resource]bool    // blocks that are not looked at, or not whole
	diags    hcl.Diagnostics
}

// errVisit tells the walk that a block failed; the diagnostics say how.
var errVisit = errors.New("the block has errors")

// Make compares the stack with what exists. A plan is returned only without
// errors.
func Make(ctx context.Context, in Input) (*Plan, hcl.Diagnostics) {
	m := &maker{
		in:       in,
		config:   NewConfig(in.Stack, in.Variables, in.Host.Types(), in.Host.Steps()),
		resolver: NewResolver(in.Host),
		objects:  make(map[state.Key]*state.Object, len(in.Snapshot.Objects)),
		gone:     map[string]string{},
		halfGone: map[state.Key]bool{},
		forward:  map[addr.Resource][]*Step{},
		wanted:   map[string]bool{},
		deferred: map[addr.Resource]bool{},
		left:     map[addr.Resource]bool{},
		adopted:  map[addr.Instance]*spec.Import{},
	}
	for key, row := range in.Snapshot.Objects {
		m.objects[key] = row
	}
	blocks, diags := m.config.Graph()
	if diags.HasErrors() && !in.Destroy {
		return nil, diags
	}
	if diags = m.takeUp(ctx); diags.HasErrors() {
		return nil, diags
	}
	if !in.Destroy && !in.RefreshOnly {
		if diags = append(diags, m.move()...); diags.HasErrors() {
			return nil, diags
		}
	}
	var more hcl.Diagnostics
	if m.part, more = m.selectPart(blocks); more.HasErrors() {
		return nil, append(diags, more...)
	}
	if !in.SkipRefresh {
		diags = append(diags, m.refresh(ctx)...)
	}
	if diags.HasErrors() {
		return nil, diags
	}
	if in.RefreshOnly {
		return m.refreshed(diags)
	}
	if !in.Destroy {
		if diags = append(diags, m.imports(ctx)...); diags.HasErrors() {
			return nil, diags
		}
		m.walk(ctx, blocks)
		if !m.diags.HasErrors() {
			diags = append(diags, m.config.CheckModules()...)
		}
		diags = append(diags, m.strayImports()...)
	}
	diags = append(diags, m.diags...)
	if err := ctx.Err(); err != nil {
		return nil, append(diags, diag.Error(nil, "Interrupted", "Planning was interrupted. Nothing was changed."))
	}
	if diags.HasErrors() {
		return nil, append(diags, m.wrongValues()...)
	}
	diags = append(diags, m.createFirst(blocks)...)
	diags = append(diags, m.deletions()...)
	if diags.HasErrors() {
		return nil, diags
	}
	diags = append(diags, m.expunging(ctx)...)
	p, more := m.finish(blocks)
	diags = append(diags, more...)
	if wrong := m.wrongValues(); wrong.HasErrors() {
		return nil, append(diags, wrong...)
	}
	return p, diags
}

// wrongValues is what was wrong with the locals and pipelines that the plan
// asked for. Pipelines that rest on no block were reported before.
func (m *maker) wrongValues() hcl.Diagnostics {
	if m.in.Destroy {
		return nil // what goes needs no values
	}
	w := &walker{c: m.config}
	return m.config.wrongValues(func(part *Config, name string) bool {
		return strings.HasPrefix(name, "local.") || !w.onItsOwn(part, name)
	})
}

// takeUp brings what the state holds to where planning begins: of the schemas
// that the plugins have now, and without open ends.
func (m *maker) takeUp(ctx context.Context) hcl.Diagnostics {
	diags := m.unservedTypes()
	if diags.HasErrors() {
		return diags
	}
	if diags = append(diags, m.upgradeRows(ctx)...); diags.HasErrors() {
		return diags
	}
	if diags = append(diags, m.recoverAll(ctx)...); diags.HasErrors() {
		return diags
	}
	// What an interrupted run made may be of an older schema, too.
	return append(diags, m.upgradeRows(ctx)...)
}

// refreshed ends a plan that only writes down what the refresh found.
func (m *maker) refreshed(diags hcl.Diagnostics) (*Plan, hcl.Diagnostics) {
	diags = append(diags, m.config.Recall(&state.Snapshot{Objects: m.objects})...)
	for _, r := range m.config.blocks() {
		if r.Addr.Mode == addr.Data || m.objects[state.Key{Addr: r.Addr.String()}] == nil {
			m.left[r.Addr] = true // its value is not in the state
		}
	}
	if diags.HasErrors() {
		return nil, diags
	}
	p, more := m.finish(graph.New[addr.Resource]())
	return p, append(diags, more...)
}

// unservedTypes refuses objects that no plugin can read or delete any more.
func (m *maker) unservedTypes() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, row := range m.sorted() {
		t := m.in.Host.Types()[row.Type]
		switch {
		case t == nil && m.accepted(row):
		case t == nil:
			diags = append(diags, diag.Errorf(nil, "Plugin is missing",
				"The state holds %s, made by the plugin %q, which is not installed. Install it, or drop the object from the state with `moldctl state rm`.", row.Addr, row.Plugin))
		}
	}
	return diags
}

// walk visits every block in dependency order.
func (m *maker) walk(ctx context.Context, blocks *graph.Graph[addr.Resource]) {
	index := m.config.index
	m.checkPipelines()
	outcomes := blocks.Walk(ctx, max(m.in.Parallelism, 1), func(ctx context.Context, a addr.Resource) error {
		if diags := m.block(ctx, blocks, index[a]); diags != nil {
			m.report(diags)
			if diags.HasErrors() {
				return errVisit
			}
		}
		return nil
	})
	for a, outcome := range outcomes {
		if outcome.Err != nil && !errors.Is(outcome.Err, errVisit) {
			m.report(hcl.Diagnostics{diag.Bug(&index[a].Range, "Planning %s failed: %v.", a, outcome.Err)})
		}
	}
}

// checkPipelines reports mistakes in pipelines where they stand, once.
func (m *maker) checkPipelines() {
	m.report(m.config.checkPipelines())
}

func (m *maker) report(diags hcl.Diagnostics) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.diags = append(m.diags, diags...)
}

// block expands a block and plans each of its instances.
func (m *maker) block(ctx context.Context, blocks *graph.Graph[addr.Resource], r *spec.Resource) hcl.Diagnostics {
	if !m.part.hasAny(r.Addr) {
		return m.leaveBlock(r)
	}
	instances, diags := m.config.Expand(r)
	if diags.HasErrors() {
		return diags
	}
	m.config.Expanded(r.Addr)
	needs := managed(blocks, blocks.Dependencies(r.Addr))
	for _, each := range instances {
		inst := r.Addr.Instance(each.Key)
		if !m.part.has(inst) {
			diags = append(diags, m.leave(r, inst)...)
			continue
		}
		if r.Addr.Mode == addr.Data {
			diags = append(diags, m.data(ctx, blocks, r, each, inst)...)
			continue
		}
		diags = append(diags, m.instance(ctx, r, each, inst, needs)...)
	}
	return diags
}

// data reads a data source, or leaves it for apply when an argument is not
// known or something it depends on is about to change.
func (m *maker) data(ctx context.Context, blocks *graph.Graph[addr.Resource], r *spec.Resource, each Each, inst addr.Instance) hcl.Diagnostics {
	t := m.in.Host.Types()[r.Addr.Type]
	config, diags := m.config.Decode(r, each)
	if diags.HasErrors() {
		return diags
	}
	if !config.IsWhollyKnown() || m.changing(r) {
		m.config.Set(inst, cty.UnknownVal(t.DataImpliedType()))
		m.add(&Step{Key: state.Key{Addr: inst.String()}, Instance: inst, Type: t, Cloud: r.Cloud, Action: Read,
			Reason: "known after apply", Block: r, Each: each, Planned: config, Prior: cty.NullVal(config.Type()), DependsOn: managed(blocks, blocks.Dependencies(r.Addr))})
		return diags
	}
	v, more := Lookup(ctx, m.in.Host, t, r.Cloud, config, &r.Range)
	diags = append(diags, more...)
	if more.HasErrors() {
		return diags
	}
	m.config.Set(inst, v)
	return append(diags, m.config.Of(r).Conditions(r.Lifecycle.Postconditions, each, v, "Postcondition failed")...)
}

// changing tells whether a block named in depends_on changes in this plan.
func (m *maker) changing(r *spec.Resource) bool {
	part := m.config.Of(r)
	refs, _ := part.names.Resolve(r.DependsOn, eval.Allowed{})
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, ref := range refs {
		if ref.Kind == eval.RefModule && slices.ContainsFunc(part.inside(ref.Name), func(a addr.Resource) bool { return m.deferred[a] }) {
			return true
		}
		if m.deferred[ref.Resource] {
			return true
		}
	}
	return false
}

// Lookup reads the one object that a data source's arguments name.
func Lookup(ctx context.Context, f Finder, t *pluginspec.Type, cloud string, config cty.Value, subject *hcl.Range) (cty.Value, hcl.Diagnostics) {
	plain, _ := config.UnmarkDeep()
	query := map[string]any{}
	for name, v := range plain.AsValueMap() {
		if v.IsNull() {
			continue
		}
		data, err := ctyjson.Marshal(v, v.Type())
		if err != nil {
			return cty.NilVal, diag.FromError("Arguments cannot be sent", err)
		}
		query[name] = rawJSON(data)
	}
	found, diags := findAll(ctx, f, t, cloud, query, subject)
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	if len(found) != 1 {
		return cty.NilVal, append(diags, countMismatch(t, found, query, subject))
	}
	v, err := wire.UnmarshalValue(found[0].GetValue(), t.DataImpliedType())
	if err != nil {
		return cty.NilVal, append(diags, diag.Errorf(subject, "Invalid answer of a plugin",
			"The plugin %q described a %s in a way its own schema does not allow: %v. This is a bug in the plugin.", t.Plugin, t.Name, err))
	}
	return MarkPaths(v, schemaSecrets(t)), diags
}

func countMismatch(t *pluginspec.Type, found []*wire.FindReply_Found, query map[string]any, subject *hcl.Range) *hcl.Diagnostic {
	asked := queryText(query)
	if len(found) == 0 {
		return diag.Errorf(subject, "Nothing found", "The cloud has no %s with %s that you may see.", words(t.Name), asked)
	}
	var ids []string
	for _, f := range found {
		ids = append(ids, fmt.Sprintf("%s (%s)", f.GetId(), f.GetName()))
	}
	sort.Strings(ids)
	return diag.Errorf(subject, "More than one found", "%d %s have %s: %s. Say more, or give the id.",
		len(found), plural(t.Name), asked, diag.List(ids))
}

func (m *maker) add(s *Step) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.steps = append(m.steps, s)
	if s.Action != Delete && s.Action != Forget {
		m.forward[s.Instance.Resource] = append(m.forward[s.Instance.Resource], s)
	}
	if s.Action != NoOp {
		m.deferred[s.Instance.Resource] = true
	}
	m.wanted[s.Key.Addr] = true
}

// managed lists the resources that blocks lead to, through data sources too:
// an object is deleted before what it was made from, however it knew of it.
func managed(blocks *graph.Graph[addr.Resource], list []addr.Resource) []string {
	var out []string
	seen := map[addr.Resource]bool{}
	for len(list) > 0 {
		a := list[0]
		list = list[1:]
		if seen[a] {
			continue
		}
		seen[a] = true
		if a.Mode == addr.Data {
			list = append(list, blocks.Dependencies(a)...)
			continue
		}
		out = append(out, a.String())
	}
	sort.Strings(out)
	return out
}

// finish orders the steps and evaluates the outputs.
func (m *maker) finish(blocks *graph.Graph[addr.Resource]) (*Plan, hcl.Diagnostics) {
	p := &Plan{
		Stack: m.in.Stack.Name, Destroy: m.in.Destroy, Drift: m.drift, Settled: m.settled,
		Recovery: m.recovery, Config: m.config, Snapshot: m.in.Snapshot, Moves: m.moves,
		RefreshOnly: m.in.RefreshOnly, Partial: m.part != nil,
	}
	sort.SliceStable(m.steps, func(i, j int) bool { return m.steps[i].less(m.steps[j]) })
	steps, err := order(m.steps, blocks)
	if err != nil {
		return nil, hcl.Diagnostics{diag.Bug(nil, "The steps of the plan wait for each other: %v.", err)}
	}
	p.Steps = steps
	diags := m.outputs(p)
	if p.Partial {
		diags = append(diags, m.partial())
	}
	sort.Slice(p.Drift, func(i, j int) bool {
		return p.Drift[i].Addr+"\x00"+p.Drift[i].Path < p.Drift[j].Addr+"\x00"+p.Drift[j].Path
	})
	return p, diags
}

func (m *maker) outputs(p *Plan) hcl.Diagnostics {
	var diags hcl.Diagnostics
	seen := map[string]bool{}
	for _, name := range sortedKeys(m.in.Stack.Outputs) {
		if m.in.Destroy {
			break
		}
		o := m.in.Stack.Outputs[name]
		seen[name] = true
		after, more := m.config.Output(o)
		if m.restsOnLeft(name) && (more.HasErrors() || !after.IsWhollyKnown()) {
			if was := m.storedOutput(name); was != cty.NilVal { // it keeps its value
				p.Outputs = append(p.Outputs, Output{Name: name, Before: was, After: was, Sensitive: o.Sensitive})
			}
			continue
		}
		diags = append(diags, more...)
		diags = append(diags, m.config.Conditions(o.Preconditions, Each{}, cty.NilVal, "Precondition of an output failed")...)
		p.Outputs = append(p.Outputs, Output{Name: name, Before: m.storedOutput(name), After: after, Sensitive: o.Sensitive})
	}
	for _, name := range sortedKeys(m.in.Snapshot.Outputs) {
		if !seen[name] {
			p.Outputs = append(p.Outputs, Output{Name: name, Before: m.storedOutput(name), After: cty.NilVal, Sensitive: m.in.Snapshot.Outputs[name].Sensitive})
		}
	}
	return diags
}

func (m *maker) storedOutput(name string) cty.Value {
	stored, ok := m.in.Snapshot.Outputs[name]
	if !ok {
		return cty.NilVal
	}
	v, err := DecodeOutput(stored)
	if err != nil {
		return cty.NilVal
	}
	return v
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

package plan

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/graph"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// Each tells the instances of one block apart; it is how a step is evaluated
// again when more is known.
type Each = eval.Instance

// Config evaluates the blocks of a stack under the values known so far. One
// Config serves one phase: values are set once, in dependency order, and
// locals are evaluated when first asked for.
type Config struct {
	Stack *spec.Stack

	names   *eval.Names
	scope   eval.Scope
	vars    map[string]cty.Value
	types   map[string]*pluginspec.Type
	steps   map[string]*pluginspec.Step
	kinds   map[string]eval.Kind
	moves   moves           // of the root, with those of all modules
	removed []*spec.Removed // likewise

	reads *reads // files, of the root for all modules

	tree
	inputs map[string]cty.Value // values of a module's variables

	mu        sync.Mutex
	values    map[addr.Resource]map[addr.Key]cty.Value // of the root, for all modules
	locals    map[string]cty.Value
	pipelines map[string]cty.Value
	wrong     map[string]hcl.Diagnostics // of the locals and pipelines that were evaluated, by what they are called
}

// NewConfig prepares a stack for evaluation. Variables hold the final value of
// every variable.
func NewConfig(stack *spec.Stack, vars map[string]cty.Value, types map[string]*pluginspec.Type, steps map[string]*pluginspec.Step) *Config {
	managed, data := map[string]cty.Type{}, map[string]cty.Type{}
	for name, t := range types {
		if t.Create != nil {
			managed[name] = t.ImpliedType()
		}
		if t.Find != nil {
			data[name] = t.DataImpliedType()
		}
	}
	c := newConfig(stack, types, steps, eval.NewNames(stack, managed, data), &reads{})
	c.vars, c.root = vars, c
	c.values = map[addr.Resource]map[addr.Key]cty.Value{}
	c.grow(managed, data)
	return c
}

// newConfig prepares one stack, or one instance of a module.
func newConfig(stack *spec.Stack, types map[string]*pluginspec.Type, steps map[string]*pluginspec.Step, names *eval.Names, files *reads) *Config {
	c := &Config{
		Stack: stack, types: types, steps: steps, names: names, kinds: stepKinds(steps), reads: files,
		locals: map[string]cty.Value{}, pipelines: map[string]cty.Value{}, wrong: map[string]hcl.Diagnostics{}, inputs: map[string]cty.Value{},
	}
	c.scope = eval.Scope{Names: c.names, Lookup: c, Functions: files.functions(stack)}
	return c
}

func stepKinds(steps map[string]*pluginspec.Step) map[string]eval.Kind {
	out := make(map[string]eval.Kind, len(steps))
	for name, s := range steps {
		kind := eval.Kind{Schema: s.DecoderSpec()}
		for _, a := range s.Attributes {
			if a.LocalFile {
				kind.Files = append(kind.Files, a.Name)
			}
		}
		out[name] = kind
	}
	return out
}

// Fresh returns a Config for another phase: same stack, no values.
func (c *Config) Fresh() *Config { return NewConfig(c.Stack, c.vars, c.types, c.steps) }

// Set records the value of one instance.
func (c *Config) Set(a addr.Instance, v cty.Value) {
	c = c.root
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.values[a.Resource] == nil {
		c.values[a.Resource] = map[addr.Key]cty.Value{}
	}
	c.values[a.Resource][a.Key] = v
}

// Expanded records that a block has been expanded, so that one with no
// instances has a value too.
func (c *Config) Expanded(r addr.Resource) {
	c = c.root
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.values[r] == nil {
		c.values[r] = map[addr.Key]cty.Value{}
	}
}

// Variable returns the value of a variable.
func (c *Config) Variable(name string) (cty.Value, bool) {
	if c.call != nil {
		return c.input(name)
	}
	v, ok := c.vars[name]
	return v, ok
}

// Resource returns the value of a whole block.
func (c *Config) Resource(a addr.Resource) (cty.Value, bool) {
	c = c.root
	c.mu.Lock()
	defer c.mu.Unlock()
	values, ok := c.values[a]
	if !ok {
		return cty.NilVal, false
	}
	return eval.Compose(c.block(a), values), true
}

// Local evaluates a local value, once.
func (c *Config) Local(name string) (cty.Value, bool) {
	return c.once(c.locals, name, func() cty.Value {
		v, diags := c.scope.Value(c.Stack.Locals[name].Expr, cty.DynamicPseudoType)
		c.note("local."+name, diags)
		return v
	})
}

// Pipeline evaluates a pipeline, once.
func (c *Config) Pipeline(name string) (cty.Value, bool) {
	return c.once(c.pipelines, name, func() cty.Value {
		v, diags := c.pipeline(c.Stack.Pipelines[name])
		c.note("pipeline."+name, diags)
		return v
	})
}

// note keeps what is wrong with a value that others ask for: they go on with
// one that is not known.
func (c *Config) note(name string, diags hcl.Diagnostics) {
	if !diags.HasErrors() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong[name] = diags
}

// Problems is what was wrong with the locals and pipelines that were evaluated
// so far, in all parts of the stack.
func (c *Config) Problems() hcl.Diagnostics {
	return c.wrongValues(func(*Config, string) bool { return true })
}

// wrongValues is Problems for those that somebody wants to hear of.
func (c *Config) wrongValues(wanted func(part *Config, name string) bool) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, part := range c.root.parts {
		part.mu.Lock()
		names := sortedKeys(part.wrong)
		part.mu.Unlock()
		for _, name := range names {
			if wanted(part, name) {
				part.mu.Lock()
				diags = append(diags, part.wrong[name]...)
				part.mu.Unlock()
			}
		}
	}
	return diags
}

// onItsOwn tells whether a local value or a pipeline rests on no block.
func (w *walker) onItsOwn(part *Config, name string) bool {
	kind, plain, _ := strings.Cut(name, ".")
	var needs []addr.Resource
	if kind == "local" {
		needs, _ = w.of(part).local(eval.Ref{Kind: eval.RefLocal, Name: plain})
	} else {
		needs, _ = w.of(part).pipeline(plain)
	}
	return len(needs) == 0
}

// once evaluates outside the lock: an expression may lead to others.
func (c *Config) once(memo map[string]cty.Value, name string, evaluate func() cty.Value) (cty.Value, bool) {
	c.mu.Lock()
	v, ok := memo[name]
	c.mu.Unlock()
	if ok {
		return v, true
	}
	v = evaluate()
	c.mu.Lock()
	defer c.mu.Unlock()
	memo[name] = v
	return v, true
}

// checkPipelines evaluates the pipelines that rest on no block; the others are
// evaluated when what they need is known.
func (c *Config) checkPipelines() hcl.Diagnostics {
	var diags hcl.Diagnostics
	w := &walker{c: c}
	for _, part := range c.root.parts {
		for _, name := range sortedKeys(part.Stack.Pipelines) {
			if needs, _ := w.of(part).pipeline(name); len(needs) > 0 {
				continue
			}
			_, more := part.pipeline(part.Stack.Pipelines[name])
			diags = append(diags, more...)
		}
	}
	return diags
}

func (c *Config) pipeline(p *spec.Pipeline) (cty.Value, hcl.Diagnostics) {
	v, diags := c.scope.Pipeline(p, c.kinds)
	if !diags.HasErrors() {
		c.reads.notePipeline(c.Stack.Dir, v)
	}
	return v, diags
}

// Expand returns the instances of a block.
func (c *Config) Expand(r *spec.Resource) ([]Each, hcl.Diagnostics) { return c.Of(r).scope.Expand(r) }

// Decode evaluates the body of one instance by its type's schema.
func (c *Config) Decode(r *spec.Resource, each Each) (cty.Value, hcl.Diagnostics) {
	return c.Of(r).scope.WithInstance(each).Decode(r.Body, c.decoder(r))
}

func (c *Config) decoder(r *spec.Resource) hcldec.Spec {
	t := c.types[r.Addr.Type]
	if r.Addr.Mode == addr.Data {
		return t.DataDecoderSpec()
	}
	return t.DecoderSpec()
}

// Value evaluates an expression in the place of one instance.
func (c *Config) Value(expr hcl.Expression, each Each, want cty.Type) (cty.Value, hcl.Diagnostics) {
	return c.scope.WithInstance(each).Value(expr, want)
}

// Conditions evaluates what must hold; self is cty.NilVal outside
// postconditions. Conditions not known yet are passed over.
func (c *Config) Conditions(list []*spec.Condition, each Each, self cty.Value, summary string) hcl.Diagnostics {
	scope := c.scope.WithInstance(each)
	if self != cty.NilVal {
		scope = scope.WithSelf(self)
	}
	var diags hcl.Diagnostics
	for _, cond := range list {
		met, message, more := scope.Holds(cond)
		diags = append(diags, more...)
		if !met && !more.HasErrors() {
			diags = append(diags, scope.Failed(cond, summary, message))
		}
	}
	return diags
}

// Output evaluates an output.
func (c *Config) Output(o *spec.Output) (cty.Value, hcl.Diagnostics) {
	v, diags := c.scope.Value(o.Value, cty.DynamicPseudoType)
	if o.Sensitive {
		return v.Mark(eval.Sensitive), diags
	}
	if eval.IsSensitive(v) {
		return v, append(diags, diag.Errorf(o.Value.Range().Ptr(), "Output shows a sensitive value",
			"The output %q is made from a sensitive value. Add `sensitive = true` to hide it, or wrap the expression in nonsensitive(...) if it may be shown.", o.Name))
	}
	return v, diags
}

// allowed says which place-bound references the block may use.
func allowed(r *spec.Resource) eval.Allowed {
	return eval.Allowed{Each: r.ForEach != nil, Count: r.Count != nil}
}

// Graph checks every reference of the stack and returns which block needs
// which.
func (c *Config) Graph() (*graph.Graph[addr.Resource], hcl.Diagnostics) {
	g := graph.New[addr.Resource]()
	var diags hcl.Diagnostics
	w := &walker{c: c}
	diags = append(diags, c.problems...)
	for _, r := range c.blocks() {
		g.Add(r.Addr)
		if d := c.unknownType(r); d != nil {
			diags = append(diags, d)
			continue
		}
		deps, more := w.block(r)
		diags = append(diags, more...)
		slices.SortFunc(deps, addr.Resource.Compare) // the same in every syntax
		for _, on := range deps {
			g.Need(r.Addr, on)
		}
	}
	for _, part := range c.parts {
		diags = append(diags, w.of(part).rest()...)
	}
	diags = append(diags, c.moves.check(c)...)
	diags = append(diags, c.checkRemoved()...)
	diags = append(diags, c.importReferences()...)
	if cycle := g.Cycle(); len(cycle) > 0 {
		diags = append(diags, cycleDiagnostic(c, cycle))
	}
	return g, diags
}

func cycleDiagnostic(c *Config, cycle []addr.Resource) *hcl.Diagnostic {
	path := ""
	for _, a := range cycle {
		path += a.String() + " → "
	}
	subject := c.block(cycle[0]).Range
	return diag.Errorf(&subject, "Blocks need each other",
		"These blocks wait for each other, so none can be first: %s%s. Remove one of the references.", path, cycle[0])
}

func (c *Config) unknownType(r *spec.Resource) *hcl.Diagnostic {
	t, known := c.types[r.Addr.Type]
	what, has := "resource", func(t *pluginspec.Type) bool { return t.Create != nil }
	if r.Addr.Mode == addr.Data {
		what, has = "data source", func(t *pluginspec.Type) bool { return t.Find != nil }
	}
	if known && has(t) {
		return nil
	}
	var names []string
	for name, t := range c.types {
		if has(t) {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	hint := diag.DidYouMean(r.Addr.Type, names)
	if hint == "" {
		hint = " `moldctl plugin list` shows all types."
	}
	return diag.Errorf(&r.TypeRange, fmt.Sprintf("Unknown %s type", what),
		"No plugin serves the %s type %q.%s", what, r.Addr.Type, hint)
}

// Context returns what the traversals refer to, for decoding a body that is
// not a resource's: a cloud block's.
func (c *Config) Context(traversals []hcl.Traversal) (*hcl.EvalContext, hcl.Diagnostics) {
	return c.scope.Context(traversals)
}

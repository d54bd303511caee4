package plan

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
)

// tree is where a Config stands among those of a stack and its modules: one
// per instance of a module.
type tree struct {
	root   *Config
	parent *Config      // nil for the root
	call   *spec.Module // the module block; nil for the root
	each   Each         // which instance of it
	module addr.Module

	children map[string][]*Config // by name of the module block
	// Of the root: everything in the stack and its modules.
	parts    []*Config // the root first
	byModule map[addr.Module]*Config
	all      []*spec.Resource
	index    map[addr.Resource]*spec.Resource
	problems hcl.Diagnostics // of modules whose instances cannot be told
}

// grow makes the Configs of all instances of modules.
func (c *Config) grow(managed, data map[string]cty.Type) {
	c.byModule, c.index = map[addr.Module]*Config{}, map[addr.Resource]*spec.Resource{}
	c.adopt(c, managed, data)
	for _, r := range c.all {
		c.index[r.Addr] = r
	}
}

// adopt books a part and grows the modules in it.
func (c *Config) adopt(part *Config, managed, data map[string]cty.Type) {
	c.parts = append(c.parts, part)
	c.byModule[part.module] = part
	c.all = append(c.all, part.Stack.Resources...)
	for _, m := range part.Stack.Moved {
		inside := *m
		inside.From, inside.To = within(part.module, m.From), within(part.module, m.To)
		c.moves = append(c.moves, &inside)
	}
	for _, r := range part.Stack.Removed {
		inside := *r
		inside.From = within(part.module, r.From)
		c.removed = append(c.removed, &inside)
	}
	part.children = map[string][]*Config{}
	for _, call := range part.Stack.Modules {
		if call.Stack == nil {
			continue // reported when it was read
		}
		instances, diags := part.instances(call)
		c.problems = append(c.problems, diags...)
		for _, each := range instances {
			child := c.child(part, call, each, managed, data)
			part.children[call.Name] = append(part.children[call.Name], child)
			c.adopt(child, managed, data)
		}
	}
}

func (c *Config) child(parent *Config, call *spec.Module, each Each, managed, data map[string]cty.Type) *Config {
	module := parent.module.Child(call.Name, each.Key)
	stack := *call.Stack
	stack.Name = c.Stack.Name // `stack` is the whole
	stack.Resources = nil
	for _, r := range call.Stack.Resources {
		inside := *r
		inside.Addr.Module = module
		if inside.Cloud == "" {
			inside.Cloud = call.Cloud
		}
		stack.Resources = append(stack.Resources, &inside)
	}
	stack.Checks = nil
	for _, check := range call.Stack.Checks {
		inside := *check
		if check.Data != nil {
			data := *check.Data
			data.Addr.Module = module
			inside.Data = &data
		}
		stack.Checks = append(stack.Checks, &inside)
	}
	child := newConfig(&stack, c.types, c.steps, eval.NewNames(&stack, managed, data).In(module), c.root.reads)
	child.tree = tree{root: c, parent: parent, call: call, each: each, module: module}
	return child
}

// instances says which instances a module has. They must be known before
// anything is planned, so they rest on variables and constants.
func (c *Config) instances(call *spec.Module) ([]Each, hcl.Diagnostics) {
	refs, _, diags := c.names.ModuleReferences(call)
	if diags.HasErrors() {
		return nil, diags
	}
	// The modules that come later are not there yet; what rests on any module
	// is refused without looking into it.
	deps, module := (&walker{c: c, shallow: true}).reach(refs)
	switch {
	case module != "":
		diags = append(diags, diag.Errorf(&call.Range, "Instances rest on a module",
			"How many instances a module has must be known before anything is planned, so it cannot rest on module.%s. Use a variable.", module))
	case len(deps) > 0:
		diags = append(diags, diag.Errorf(&call.Range, "Instances rest on a block",
			"How many instances a module has must be known before anything is planned, so it cannot rest on %s. Use a variable.", deps[0]))
	}
	if diags.HasErrors() {
		return nil, diags
	}
	return c.scope.ExpandModule(call)
}

// within makes the address of a target of what a module says about itself.
func within(module addr.Module, t addr.Target) addr.Target {
	join := func(inner addr.Module) addr.Module {
		if module == addr.Root || inner == addr.Root {
			return module + inner
		}
		return module + "." + inner
	}
	if t.IsModule() {
		return addr.Target{Module: join(t.Module)}
	}
	t.Instance.Resource.Module = join(t.Instance.Resource.Module)
	return t
}

// Of returns the Config of the stack or module in which a block stands.
func (c *Config) Of(r *spec.Resource) *Config {
	if part := c.root.byModule[r.Addr.Module]; part != nil {
		return part
	}
	return c
}

// block returns the block with an address, or nil.
func (c *Config) block(a addr.Resource) *spec.Resource { return c.root.index[a] }

// blocks returns every resource and data block, of modules too.
func (c *Config) blocks() []*spec.Resource { return c.root.all }

// input evaluates a variable of a module, once.
func (c *Config) input(name string) (cty.Value, bool) {
	v := c.Stack.Variables[name]
	if v == nil {
		return cty.NilVal, false
	}
	return c.once(c.inputs, name, func() cty.Value {
		value, _ := c.parent.scope.WithInstance(c.each).Input(v, c.call.Inputs[name])
		return value
	})
}

// Module returns the outputs of a module.
func (c *Config) Module(name string) (cty.Value, bool) {
	call := c.names.Module(name)
	if call == nil {
		return cty.NilVal, false
	}
	values := map[addr.Key]cty.Value{}
	for _, child := range c.children[name] {
		outputs := map[string]cty.Value{}
		for output := range child.Stack.Outputs {
			outputs[output] = child.exported(output)
		}
		values[child.each.Key] = cty.ObjectVal(outputs)
	}
	return eval.Compose(&spec.Resource{Count: call.Count, ForEach: call.ForEach}, values), true
}

// ModuleOutput returns one output of a module that has one instance.
func (c *Config) ModuleOutput(name, output string) (cty.Value, bool) {
	children := c.children[name]
	if len(children) != 1 || children[0].Stack.Outputs[output] == nil {
		return cty.NilVal, false
	}
	return children[0].exported(output), true
}

// exported is the value of a module's output; a sensitive one stays so.
func (c *Config) exported(output string) cty.Value {
	o := c.Stack.Outputs[output]
	v, _ := c.scope.Value(o.Value, cty.DynamicPseudoType)
	if o.Sensitive {
		v = v.Mark(eval.Sensitive)
	}
	return v
}

// CheckModules evaluates what modules are given and what they give, and the
// conditions on both.
func (c *Config) CheckModules() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, part := range c.root.parts {
		if part.call == nil {
			continue
		}
		for _, name := range sortedKeys(part.Stack.Variables) {
			v, given := part.Stack.Variables[name], part.call.Inputs[name]
			value, more := part.parent.scope.WithInstance(part.each).Input(v, given)
			diags = append(diags, more...)
			if more.HasErrors() || !value.IsKnown() {
				continue
			}
			at := part.call.Range.Ptr()
			if given != nil {
				at = given.Expr.Range().Ptr()
			}
			diags = append(diags, part.scope.Validate(v, at)...)
		}
		for _, name := range sortedKeys(part.Stack.Outputs) {
			o := part.Stack.Outputs[name]
			_, more := part.scope.Value(o.Value, cty.DynamicPseudoType)
			diags = append(diags, more...)
			diags = append(diags, part.Conditions(o.Preconditions, Each{}, cty.NilVal, "Precondition of an output failed")...)
		}
	}
	return diags
}

// waits are the blocks that everything in a module waits for: what the
// depends_on of its module block, and of those around it, names.
func (w *walker) waits(part *Config) ([]addr.Resource, hcl.Diagnostics) {
	var out []addr.Resource
	var diags hcl.Diagnostics
	for at := part; at.call != nil; at = at.parent {
		_, refs, more := at.parent.names.ModuleReferences(at.call)
		deps, followed := w.of(at.parent).follow(refs)
		for _, ref := range refs {
			if ref.Kind == eval.RefModule {
				deps = append(deps, at.parent.inside(ref.Name)...)
			}
		}
		out, diags = append(out, deps...), append(append(diags, more...), followed...)
	}
	return out, diags
}

// inside lists the blocks in all instances of a module.
func (c *Config) inside(name string) []addr.Resource {
	var out []addr.Resource
	for _, child := range c.children[name] {
		for _, r := range c.blocks() {
			if r.Addr.Module.Within(child.module) {
				out = append(out, r.Addr)
			}
		}
	}
	return slices.Compact(out)
}

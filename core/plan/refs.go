package plan

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
)

// walker follows references through locals, pipelines and modules to the
// blocks they end at, and reports every reference that leads nowhere, once.
type walker struct {
	c      *Config
	known  map[string]*reached
	others map[*Config]*walker // of the other parts, shared by all of them
	trail  *[]string           // what is being followed, shared too
	// shallow stops at modules and names the first.
	shallow bool
	module  string
}

// reached is where a local, pipeline, variable or output leads.
type reached struct {
	deps []addr.Resource
	busy bool // being followed: a cycle
}

// of returns the walker of another part of the stack.
func (w *walker) of(c *Config) *walker {
	if w.others == nil {
		w.others, w.trail = map[*Config]*walker{w.c: w}, new([]string)
	}
	other := w.others[c]
	if other == nil {
		other = &walker{c: c, others: w.others, trail: w.trail}
		w.others[c] = other
	}
	return other
}

// block returns the blocks that r needs.
func (w *walker) block(r *spec.Resource) ([]addr.Resource, hcl.Diagnostics) {
	w = w.of(w.c.Of(r))
	refs, diags := w.c.names.ResourceReferences(r, w.c.decoder(r))
	deps, more := w.follow(refs)
	diags = append(diags, more...)
	for _, t := range r.DependsOn {
		whole, _ := w.c.names.Resolve([]hcl.Traversal{t}, eval.Allowed{})
		for _, ref := range whole {
			if ref.Kind == eval.RefModule {
				deps = append(deps, w.c.inside(ref.Name)...)
			}
		}
	}
	waits, more := w.waits(w.c)
	return append(deps, waits...), append(diags, more...)
}

// follow returns the blocks that references lead to.
func (w *walker) follow(refs []eval.Ref) ([]addr.Resource, hcl.Diagnostics) {
	var out []addr.Resource
	var diags hcl.Diagnostics
	for _, ref := range refs {
		var deps []addr.Resource
		var more hcl.Diagnostics
		switch ref.Kind {
		case eval.RefResource:
			deps = []addr.Resource{ref.Resource}
		case eval.RefLocal:
			deps, more = w.local(ref)
		case eval.RefPipeline:
			deps, more = w.pipeline(ref.Name)
		case eval.RefVariable:
			deps, more = w.variable(ref)
		case eval.RefModule:
			deps, more = w.outputs(ref)
		}
		out, diags = append(out, deps...), append(diags, more...)
	}
	return out, diags
}

// reach is follow for what must be known before modules are looked into: it
// names the first module that is met.
func (w *walker) reach(refs []eval.Ref) ([]addr.Resource, string) {
	deps, _ := w.follow(refs)
	return deps, w.module
}

// once follows what one name stands for; the references are asked for only the
// first time.
func (w *walker) once(key string, ref eval.Ref, references func() ([]eval.Ref, *walker, hcl.Diagnostics)) ([]addr.Resource, hcl.Diagnostics) {
	if w.known == nil {
		w.known = map[string]*reached{}
	}
	if known, ok := w.known[key]; ok {
		if known.busy {
			return nil, hcl.Diagnostics{w.circle(key, ref)}
		}
		return known.deps, nil
	}
	entry := &reached{busy: true}
	w.known[key] = entry
	w.of(w.c) // so that there is a trail
	*w.trail = append(*w.trail, w.called(key))
	refs, there, diags := references()
	deps, more := there.follow(refs)
	*w.trail = (*w.trail)[:len(*w.trail)-1]
	entry.deps, entry.busy = deps, false
	return deps, append(diags, more...)
}

// called is a value's name as it is seen from outside of all modules.
func (w *walker) called(key string) string {
	key = strings.TrimPrefix(key, "output.")
	for c := w.c; c.call != nil; c = c.parent {
		key = "module." + c.call.Name + "." + key
	}
	return key
}

// circle tells which values need each other.
func (w *walker) circle(key string, ref eval.Ref) *hcl.Diagnostic {
	name := w.called(key)
	way := *w.trail
	if at := slices.Index(way, name); at >= 0 {
		way = way[at:]
	}
	text := strings.Join(append(slices.Clone(way), name), " → ")
	if ref.Kind == eval.RefLocal {
		return diag.Errorf(ref.Range.Ptr(), "Local values need each other", "The local value %q leads back to itself: %s. Remove one of the references.", ref.Name, text)
	}
	return diag.Errorf(ref.Range.Ptr(), "Values need each other", "%s leads back to itself: %s. Remove one of the references.", ref, text)
}

func (w *walker) local(ref eval.Ref) ([]addr.Resource, hcl.Diagnostics) {
	return w.once("local."+ref.Name, ref, func() ([]eval.Ref, *walker, hcl.Diagnostics) {
		refs, diags := w.c.names.LocalReferences(w.c.Stack.Locals[ref.Name])
		return refs, w, diags
	})
}

func (w *walker) pipeline(name string) ([]addr.Resource, hcl.Diagnostics) {
	return w.once("pipeline."+name, eval.Ref{}, func() ([]eval.Ref, *walker, hcl.Diagnostics) {
		refs, diags := w.c.names.PipelineReferences(w.c.Stack.Pipelines[name], w.c.kinds)
		return refs, w, diags
	})
}

// variable follows a module's variable to what the module block gives it.
func (w *walker) variable(ref eval.Ref) ([]addr.Resource, hcl.Diagnostics) {
	if w.c.call == nil {
		return nil, nil
	}
	return w.once("var."+ref.Name, ref, func() ([]eval.Ref, *walker, hcl.Diagnostics) {
		given := w.c.call.Inputs[ref.Name]
		if given == nil {
			return nil, w, nil
		}
		parent := w.of(w.c.parent)
		parent.shallow = w.shallow
		refs, diags := parent.c.names.References(given.Expr, eval.Allowed{Each: w.c.call.ForEach != nil, Count: w.c.call.Count != nil})
		return refs, parent, diags
	})
}

// outputs follows a module, or one output of it, inside.
func (w *walker) outputs(ref eval.Ref) ([]addr.Resource, hcl.Diagnostics) {
	if w.shallow {
		for _, other := range w.others {
			other.module = ref.Name
		}
		w.module = ref.Name
		return nil, nil
	}
	var out []addr.Resource
	var diags hcl.Diagnostics
	for _, child := range w.c.children[ref.Name] {
		inner := w.of(child)
		for _, name := range sortedKeys(child.Stack.Outputs) {
			if ref.Output != "" && name != ref.Output {
				continue
			}
			deps, more := inner.once("output."+name, ref, func() ([]eval.Ref, *walker, hcl.Diagnostics) {
				refs, diags := child.names.OutputReferences(child.Stack.Outputs[name])
				return refs, inner, diags
			})
			out, diags = append(out, deps...), append(diags, more...)
		}
	}
	return out, diags
}

// rest checks what no block refers to: unused locals and pipelines, outputs,
// inputs of modules, checks.
func (w *walker) rest() hcl.Diagnostics {
	var diags hcl.Diagnostics
	note := func(_ []addr.Resource, more hcl.Diagnostics) { diags = append(diags, more...) }
	// In the order of their names: where a circle is entered is where it is told.
	for _, name := range sortedKeys(w.c.Stack.Locals) {
		note(w.local(eval.Ref{Kind: eval.RefLocal, Name: name, Range: w.c.Stack.Locals[name].Range}))
	}
	for _, name := range sortedKeys(w.c.Stack.Pipelines) {
		note(w.pipeline(name))
	}
	if w.c.call != nil {
		for _, name := range sortedKeys(w.c.Stack.Variables) {
			note(w.variable(eval.Ref{Kind: eval.RefVariable, Name: name, Range: w.c.Stack.Variables[name].Range}))
		}
	}
	for _, name := range sortedKeys(w.c.Stack.Outputs) {
		refs, more := w.c.names.OutputReferences(w.c.Stack.Outputs[name])
		diags = append(diags, more...)
		note(w.follow(refs))
	}
	return append(diags, w.checkReferences()...)
}

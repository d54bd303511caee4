package plan

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
)

// walker follows references through locals and pipelines to the blocks they
// end at, and reports every reference that leads nowhere, once.
type walker struct {
	c         *Config
	locals    map[string]*reached
	pipelines map[string]*reached
}

// reached is where a local or pipeline leads.
type reached struct {
	deps []addr.Resource
	busy bool // being followed: a cycle of locals
}

// block returns the blocks that r needs.
func (w *walker) block(r *spec.Resource) ([]addr.Resource, hcl.Diagnostics) {
	refs, diags := w.c.names.ResourceReferences(r, w.c.decoder(r))
	deps, more := w.follow(refs)
	return deps, append(diags, more...)
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
		}
		out, diags = append(out, deps...), append(diags, more...)
	}
	return out, diags
}

func (w *walker) local(ref eval.Ref) ([]addr.Resource, hcl.Diagnostics) {
	if w.locals == nil {
		w.locals = map[string]*reached{}
	}
	if known, ok := w.locals[ref.Name]; ok {
		if known.busy {
			return nil, hcl.Diagnostics{diag.Errorf(ref.Range.Ptr(), "Local values need each other",
				"The local value %q leads back to itself. Remove one of the references.", ref.Name)}
		}
		return known.deps, nil
	}
	entry := &reached{busy: true}
	w.locals[ref.Name] = entry
	refs, diags := w.c.names.LocalReferences(w.c.Stack.Locals[ref.Name])
	deps, more := w.follow(refs)
	entry.deps, entry.busy = deps, false
	return deps, append(diags, more...)
}

func (w *walker) pipeline(name string) ([]addr.Resource, hcl.Diagnostics) {
	if w.pipelines == nil {
		w.pipelines = map[string]*reached{}
	}
	if known, ok := w.pipelines[name]; ok {
		return known.deps, nil
	}
	entry := &reached{}
	w.pipelines[name] = entry
	refs, diags := w.c.names.PipelineReferences(w.c.Stack.Pipelines[name], w.c.kinds)
	deps, more := w.follow(refs)
	entry.deps = deps
	return deps, append(diags, more...)
}

// rest checks what no block refers to: unused locals and pipelines, outputs.
func (w *walker) rest() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for name, l := range w.c.Stack.Locals {
		_, more := w.local(eval.Ref{Kind: eval.RefLocal, Name: name, Range: l.Range})
		diags = append(diags, more...)
	}
	for name := range w.c.Stack.Pipelines {
		_, more := w.pipeline(name)
		diags = append(diags, more...)
	}
	for _, o := range w.c.Stack.Outputs {
		refs, more := w.c.names.OutputReferences(o)
		diags = append(diags, more...)
		_, more = w.follow(refs)
		diags = append(diags, more...)
	}
	return append(diags, w.checkReferences()...)
}

package spec

import (
	"maps"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
)

// Module is a module block: another stack folder as a part of this one.
type Module struct {
	Name      string
	Source    string
	Package   string         // what the lock file calls it; "" for a folder of the stack
	Version   string         // of what is in it, "" if nothing says
	Requires  Constraint     // on the version
	Allow     []string       // what a module from elsewhere may do beside what all may: env, local
	Count     hcl.Expression // nil if not given
	ForEach   hcl.Expression // nil if not given; never together with Count
	DependsOn []hcl.Traversal
	Cloud     string                    // alias for the blocks in it that name none
	Inputs    map[string]*hcl.Attribute // values for its variables
	Stack     *Stack                    // what is in the folder; nil if it cannot be read
	Range     hcl.Range

	cloudRange   hcl.Range
	body         hcl.Range // the source, or the block without one
	versionRange hcl.Range
	allowRange   hcl.Range
}

// maxModuleDepth bounds modules in modules.
const maxModuleDepth = 16

var moduleSchema = &hcl.BodySchema{Attributes: []hcl.AttributeSchema{
	{Name: "source", Required: true}, {Name: "version"}, {Name: "count"}, {Name: "for_each"}, {Name: "depends_on"}, {Name: "cloud"}, {Name: "allow"},
}}

func (d *decoder) module(b *hcl.Block) {
	m := &Module{Name: b.Labels[0], Range: b.DefRange, body: b.DefRange, Inputs: map[string]*hcl.Attribute{}}
	if !d.name("module", m.Name, b.LabelRanges[0]) || !d.declare("module", m.Name, b.DefRange) {
		return
	}
	content, rest, diags := b.Body.PartialContent(moduleSchema)
	d.diags = append(d.diags, diags...)
	inputs, diags := rest.JustAttributes()
	d.diags = append(d.diags, diags...)
	maps.Copy(m.Inputs, inputs)
	frame := &Resource{}
	d.metaArguments(frame, content.Attributes)
	m.Count, m.ForEach, m.DependsOn, m.Cloud, m.cloudRange = frame.Count, frame.ForEach, frame.DependsOn, frame.Cloud, frame.CloudRange
	if attr := content.Attributes["version"]; attr != nil {
		d.moduleVersion(m, attr)
	}
	if attr := content.Attributes["allow"]; attr != nil {
		d.allowed(m, attr)
	}
	if attr := content.Attributes["source"]; attr != nil {
		m.Source, m.body = d.text(attr), attr.Expr.Range()
		if m.Source != "" {
			d.ownFolder(m)
			d.stack.Modules = append(d.stack.Modules, m)
		}
	}
}

// ownFolder checks what only modules from elsewhere may have.
func (d *decoder) ownFolder(m *Module) {
	if !isFolder(m.Source) {
		return
	}
	if m.versionRange != (hcl.Range{}) {
		d.errorf(&m.versionRange, "Unsupported argument", "A module that is a folder has no versions to choose from. Remove \"version\".")
	}
	if m.allowRange != (hcl.Range{}) {
		d.errorf(&m.allowRange, "Unsupported argument", "A module that is a folder of the stack may do what the stack may. Remove \"allow\".")
	}
}

// loader reads the folders of modules, each once.
type loader struct {
	opts  Options
	known map[string]*Stack // by absolute folder and what is allowed there
	path  []string          // folders being read, outermost first
}

// modules reads what the module blocks of a stack name. The folder is where
// the stack lies, spelled as messages shall spell it.
func (l *loader) modules(stack *Stack, folder string) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, m := range stack.Modules {
		diags = append(diags, l.module(stack, m, folder)...)
		if m.Stack != nil {
			diags = append(diags, m.checkInputs()...)
		}
	}
	return diags
}

func (l *loader) module(stack *Stack, m *Module, base string) hcl.Diagnostics {
	folder, confined, diags := l.find(stack, m, base)
	if diags.HasErrors() {
		return diags
	}
	dir, err := filepath.Abs(folder)
	if err != nil {
		return hcl.Diagnostics{pathError(folder, err)}
	}
	if slices.Contains(l.path, dir) || len(l.path) > maxModuleDepth {
		return hcl.Diagnostics{diag.Errorf(m.body.Ptr(), "Module contains itself",
			"The module %q leads back to a folder that it is part of, %s, so there would be no end of it.", m.Name, folder)}
	}
	key := dir + confined.key()
	if known, ok := l.known[key]; ok {
		m.Stack = known
		return m.checkVersion()
	}
	src, diags := readSources(folder, l.opts.Texts)
	if src == nil {
		for _, d := range diags {
			d.Subject = m.body.Ptr()
		}
		return diags
	}
	child, more := decodeSources(src, l.opts, stack)
	child.Confined = confined
	diags = append(append(diags, more...), child.refuseInModule()...)
	maps.Copy(stack.Files, child.Files)
	inner := &loader{opts: l.opts, known: l.known, path: append(slices.Clone(l.path), dir)}
	diags = append(diags, inner.modules(child, folder)...)
	maps.Copy(stack.Files, child.Files)
	m.Stack, l.known[key] = child, child
	return append(diags, m.checkVersion()...)
}

// refuseInModule reports blocks that only the stack itself may have.
func (s *Stack) refuseInModule() hcl.Diagnostics {
	var diags hcl.Diagnostics
	refuse := func(at hcl.Range, what string) {
		diags = append(diags, diag.Errorf(at.Ptr(), "Unsupported block",
			"A module has no %s blocks: they belong to the stack that uses it.", what))
	}
	for _, i := range s.Imports {
		refuse(i.Range, "import")
	}
	return append(diags, s.refuseLocalSteps()...)
}

// checkInputs compares the values given to a module with its variables.
func (m *Module) checkInputs() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, name := range slices.Sorted(maps.Keys(m.Inputs)) {
		if m.Stack.Variables[name] == nil {
			diags = append(diags, diag.Errorf(m.Inputs[name].NameRange.Ptr(), "Unsupported argument", "The module %q has no variable %q.%s",
				m.Name, name, diag.DidYouMean(name, slices.Collect(maps.Keys(m.Stack.Variables)))))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Stack.Variables)) {
		if m.Stack.Variables[name].Required() && m.Inputs[name] == nil {
			diags = append(diags, diag.Errorf(m.Range.Ptr(), "Missing required argument", "The module %q needs a value for its variable %q, which has no default.", m.Name, name))
		}
	}
	return diags
}

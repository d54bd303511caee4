package spec

import (
	"maps"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
)

// Options change how a stack is loaded.
type Options struct {
	// Version of the running program, checked against the stack's own
	// requirement. Empty skips the check.
	Version string
	// Texts stand in for the files on disk, by absolute name: a saved plan
	// brings its sources along. Empty reads the disk.
	Texts map[string][]byte
	// Modules finds modules that are no folders of the stack. Without it they
	// are errors.
	Modules Modules
}

// Load reads the stack at path: a file, or a folder whose stack files are
// merged. It returns what could be read together with everything found wrong;
// the Stack is never nil, so its Files serve to show the diagnostics.
func Load(path string, opts Options) (*Stack, hcl.Diagnostics) {
	src, diags := readSources(path, opts.Texts)
	if src == nil {
		return newStack(), diags
	}
	stack, more := decodeSources(src, opts, nil)
	diags = append(diags, more...)
	l := &loader{opts: opts, known: map[string]*Stack{}, path: []string{src.dir}}
	return stack, atMost(maxErrors, append(diags, l.modules(stack, src.folder)...))
}

func newStack() *Stack {
	return &Stack{
		Requires:  map[string]Requirement{},
		Files:     map[string]*hcl.File{},
		Clouds:    map[string]*Cloud{},
		Variables: map[string]*Variable{},
		Locals:    map[string]*Local{},
		Pipelines: map[string]*Pipeline{},
		Outputs:   map[string]*Output{},
	}
}

// decodeSources decodes the files of one folder. A module has the clouds and
// the configured plugins of the stack that uses it, which is nil for the stack
// itself.
func decodeSources(src *sources, opts Options, user *Stack) (*Stack, hcl.Diagnostics) {
	stack := newStack()
	stack.Dir, stack.Name = src.dir, filepath.Base(src.dir)
	maps.Copy(stack.Files, src.files)
	d := decoder{stack: stack, seen: map[string]hcl.Range{}}
	for _, name := range src.names {
		d.file(src.files[name])
	}
	if user != nil {
		for _, c := range stack.Clouds {
			d.errorf(c.Range.Ptr(), "Unsupported block", "A module has no cloud blocks: they belong to the stack that uses it.")
		}
		for _, p := range stack.Plugins {
			d.errorf(p.Range.Ptr(), "Unsupported block", "A module has no plugin blocks: they belong to the stack that uses it.")
		}
		stack.Clouds, stack.Plugins = user.Clouds, user.Plugins
	}
	d.crossChecks(opts)
	if stack.Range == (hcl.Range{}) && len(src.names) > 0 {
		stack.Range = hcl.Range{Filename: src.names[0], Start: hcl.InitialPos, End: hcl.InitialPos}
	}
	return stack, d.diags
}

// decoder turns parsed files into a Stack, collecting diagnostics.
type decoder struct {
	stack *Stack
	seen  map[string]hcl.Range // what was declared where, for duplicates
	diags hcl.Diagnostics
}

func (d *decoder) file(f *hcl.File) {
	content, diags := f.Body.Content(rootSchema)
	d.diags = append(d.diags, withNames(withoutOptional(diags), rootSchema)...)
	plain, _, _ := f.Body.PartialContent(plainCloudSchema) // its errors are the ones above
	labelled := map[hcl.Range]bool{}
	for _, b := range content.Blocks {
		labelled[b.TypeRange] = true
	}
	blocks := content.Blocks
	for _, b := range plain.Blocks {
		if !labelled[b.TypeRange] {
			blocks = append(blocks, b)
		}
	}
	blocks = append(blocks, plainPlugins(f.Body, content.Blocks)...)
	slices.SortStableFunc(blocks, func(a, b *hcl.Block) int { return a.TypeRange.Start.Byte - b.TypeRange.Start.Byte })
	for _, b := range blocks {
		d.block(b)
	}
}

func (d *decoder) block(b *hcl.Block) {
	switch b.Type {
	case "stack":
		d.stackBlock(b)
	case "cloud":
		d.cloud(b)
	case "plugin":
		d.plugin(b)
	case "variable":
		d.variable(b)
	case "locals":
		d.locals(b)
	case "resource", "data":
		d.resource(b)
	case "pipeline":
		d.pipeline(b)
	case "output":
		d.output(b)
	case "module":
		d.module(b)
	case "check":
		d.check(b)
	case "moved":
		d.moved(b)
	case "removed":
		d.removed(b)
	case "import":
		d.imported(b)
	default:
		d.errorf(b.DefRange.Ptr(), "Unsupported block",
			"%s blocks are not supported by this version of moldctl. Remove the block, or use a newer version.", b.Type)
	}
}

// declare books a name and reports whether it is new and usable.
func (d *decoder) declare(what, name string, at hcl.Range) bool {
	key := what + " " + name
	if first, ok := d.seen[key]; ok {
		d.errorf(at.Ptr(), "Duplicate declaration",
			"The %s %q is already declared at %s, line %d. Each %s needs a name of its own.",
			what, name, first.Filename, first.Start.Line, what)
		return false
	}
	d.seen[key] = at
	return true
}

func (d *decoder) errorf(at *hcl.Range, summary, format string, args ...any) {
	d.diags = append(d.diags, diag.Errorf(at, summary, format, args...))
}

// crossChecks looks at what only the whole stack can tell.
func (d *decoder) crossChecks(opts Options) {
	blocks := slices.Clone(d.stack.Resources)
	for _, c := range d.stack.Checks {
		if c.Data != nil {
			blocks = append(blocks, c.Data)
		}
	}
	for _, m := range d.stack.Modules {
		blocks = append(blocks, &Resource{Cloud: m.Cloud, CloudRange: m.cloudRange})
	}
	for _, r := range blocks {
		if r.Cloud == "" {
			continue
		}
		if _, ok := d.stack.Clouds[r.Cloud]; !ok && !d.stack.pluginAlias(r.Cloud) {
			names := slices.DeleteFunc(slices.Collect(maps.Keys(d.stack.Clouds)), func(n string) bool { return n == "" })
			d.errorf(r.CloudRange.Ptr(), "Unknown cloud", "There is no cloud block with the alias %q.%s",
				r.Cloud, diag.DidYouMean(r.Cloud, names))
		}
	}
	own, ok := d.stack.Requires["moldctl"]
	if !ok || opts.Version == "" {
		return
	}
	allowed, err := own.Constraint.Allows(opts.Version)
	if err == nil && !allowed {
		d.errorf(own.Range.Ptr(), "Unsupported version", "This stack requires moldctl %s, and this is moldctl %s. Install a version that fits, or change the requirement.",
			own.Constraint, opts.Version)
	}
}

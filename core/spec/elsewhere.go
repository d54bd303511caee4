package spec

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
)

// Modules finds modules that come from elsewhere: archives, git repositories,
// registries.
type Modules interface {
	// Find returns where a module lies on this machine. The error is shown to
	// the user as it is.
	Find(ModuleQuery) (ModulePlace, error)
}

// ModuleQuery asks for a module.
type ModuleQuery struct {
	Source   string
	Requires Constraint // on its version
	Dir      string     // absolute folder of the stack or module that asks
	Confined bool       // what asks comes from elsewhere itself
}

// ModulePlace is a module on this machine.
type ModulePlace struct {
	Name    string // in the lock file
	Dir     string // its folder
	Root    string // all that came with it, which folders beside it are part of
	Version string // "" if its source says none
}

// Confinement is what a module from elsewhere is held to: its file functions
// see its own folder only.
type Confinement struct {
	Root  string // folders named by its module blocks lie in here
	Env   bool   // env() is allowed
	Local bool   // steps that run on this machine are allowed
}

func (c *Confinement) key() string {
	if c == nil {
		return ""
	}
	key := "\x00"
	if c.Env {
		key += "env "
	}
	if c.Local {
		key += "local"
	}
	return key
}

// localStep is the kind of pipeline steps that run where moldctl runs.
const localStep = "local"

func (d *decoder) moduleVersion(m *Module, attr *hcl.Attribute) {
	m.versionRange = attr.NameRange
	text := d.text(attr)
	if text == "" {
		return
	}
	var err error
	if m.Requires, err = ParseConstraint(text); err != nil {
		d.errorf(attr.Expr.Range().Ptr(), "Invalid version constraint", "%s. Write for example \">= 1.2, < 2\".", upperFirst(err.Error()))
	}
}

func (d *decoder) allowed(m *Module, attr *hcl.Attribute) {
	m.allowRange = attr.NameRange
	list, diags := hcl.ExprList(attr.Expr)
	if diags.HasErrors() {
		d.errorf(attr.Expr.Range().Ptr(), "Invalid permission", "\"allow\" takes a list, such as [\"env\"].")
		return
	}
	for _, item := range list {
		word := d.text(&hcl.Attribute{Name: "allow", Expr: item, Range: item.Range()})
		switch word {
		case "":
		case "env", localStep:
			m.Allow = append(m.Allow, word)
		default:
			d.errorf(item.Range().Ptr(), "Invalid permission", "%q is none. A module from elsewhere may be allowed \"env\" (the environment) and \"local\" (steps on this machine).", word)
		}
	}
}

// isFolder tells whether a source is a folder beside the stack.
func isFolder(source string) bool {
	if source == "." || source == ".." {
		return true
	}
	if !strings.HasPrefix(source, "./") && !strings.HasPrefix(source, "../") {
		return false
	}
	name, _, _ := strings.Cut(strings.TrimLeft(source, "./"), "//")
	name = strings.ToLower(name)
	return !strings.HasSuffix(name, ".zip") && !strings.HasSuffix(name, ".tar.gz") && !strings.HasSuffix(name, ".tgz")
}

// find says where a module lies, and what it is held to. A folder belongs to
// the stack or module that names it; everything else comes from elsewhere.
func (l *loader) find(stack *Stack, m *Module, base string) (string, *Confinement, hcl.Diagnostics) {
	fail := func(summary, format string, args ...any) (string, *Confinement, hcl.Diagnostics) {
		return "", nil, hcl.Diagnostics{diag.Errorf(m.body.Ptr(), summary, format, args...)}
	}
	outer := stack.Confined
	if isFolder(m.Source) {
		folder := filepath.Join(base, m.Source)
		if outer == nil {
			return folder, nil, nil
		}
		if rel, err := filepath.Rel(outer.Root, folder); err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			return fail("Module leads elsewhere", "The module %q names the folder %s, which is not part of what was fetched with it.", m.Name, m.Source)
		}
		return folder, outer, nil
	}
	if l.opts.Modules == nil {
		return fail("Unsupported source", "Here modules are taken from folders only, named relative to the file: \"./base\" or \"../shared/base\"; not %q.", m.Source)
	}
	place, err := l.opts.Modules.Find(ModuleQuery{Source: m.Source, Requires: m.Requires, Dir: stack.Dir, Confined: outer != nil})
	if err != nil {
		return fail("Module cannot be used", "%s.", strings.TrimSuffix(upperFirst(err.Error()), "."))
	}
	m.Package, m.Version = place.Name, place.Version
	may := func(word string, outer bool) bool { return outer && slices.Contains(m.Allow, word) }
	return place.Dir, &Confinement{
		Root: place.Root, Env: may("env", outer == nil || outer.Env), Local: may(localStep, outer == nil || outer.Local),
	}, nil
}

// checkVersion compares a module from elsewhere with what its caller wants. Its
// version is that of its source, or else the one its own stack block says.
func (m *Module) checkVersion() hcl.Diagnostics {
	if m.Package == "" || m.Stack == nil {
		return nil
	}
	m.Version = cmp.Or(m.Version, m.Stack.Version)
	if m.Requires.String() == "" {
		return nil
	}
	at := m.versionRange.Ptr()
	if m.Version == "" {
		return hcl.Diagnostics{diag.Errorf(at, "Module has no version",
			"Version %s of the module %q is wanted, but neither its source nor its stack block says which version it is. Remove \"version\".", m.Requires, m.Name)}
	}
	if ok, err := m.Requires.Allows(m.Version); err != nil || !ok {
		return hcl.Diagnostics{diag.Errorf(at, "Unsupported version",
			"Version %s of the module %q is wanted, and %s is locked. moldctl init --upgrade looks for one that fits; otherwise change \"version\" or the source.", m.Requires, m.Name, m.Version)}
	}
	return nil
}

// refuseLocalSteps reports steps on this machine that a module may not have.
func (s *Stack) refuseLocalSteps() hcl.Diagnostics {
	var diags hcl.Diagnostics
	if s.Confined == nil || s.Confined.Local {
		return nil
	}
	for _, p := range s.Pipelines {
		for _, step := range p.Steps {
			if step.Kind == localStep {
				diags = append(diags, diag.Errorf(step.Range.Ptr(), "Step is not allowed",
					"The step %q runs on this machine, and this module comes from elsewhere. Its module block may allow it: allow = [\"local\"].", step.Name))
			}
		}
	}
	return diags
}

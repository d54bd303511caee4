// Package spec reads the text of a stack (one file or one folder) into a Stack:
// the frames of its blocks, with labels and meta-arguments decoded and
// everything else kept as hcl.Body and hcl.Expression for later phases.
//
// Loading needs no plugin and no cloud, evaluates nothing but constants, and
// collects every mistake it finds. A Stack is never changed after Load.
//
// The package imports core/diag and core/spec/addr of this project, nothing of
// the phases that follow it.
package spec

import (
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/spec/addr"
)

// Stack is a loaded stack.
type Stack struct {
	Name     string                 // label of the stack block, else the folder's name
	Version  string                 // version of the spec, "" if not given
	Requires map[string]Requirement // by "moldctl" or plugin name
	Dir      string                 // absolute folder that relative file names start from
	Files    map[string]*hcl.File   // every source read, by the name diagnostics use
	Range    hcl.Range              // the stack block, or the first file without one
	Confined *Confinement           // nil unless it is a module from elsewhere

	Store     Store             // where the state lies
	Clouds    map[string]*Cloud // by alias, "" for the default one
	Plugins   []*Plugin         // configurations of plugins
	Variables map[string]*Variable
	Locals    map[string]*Local
	Resources []*Resource // managed and data, in the order of the text
	Pipelines map[string]*Pipeline
	Outputs   map[string]*Output
	Modules   []*Module
	Checks    []*Check
	Moved     []*Moved
	Removed   []*Removed
	Imports   []*Import
}

// Requirement is a version constraint of the stack block's `requires`.
type Requirement struct {
	Constraint Constraint
	Range      hcl.Range
}

// Cloud is a cloud block. Its body is decoded by the caller, who knows the
// attributes.
type Cloud struct {
	Alias string
	Body  hcl.Body
	Range hcl.Range
}

// Variable is a variable block.
type Variable struct {
	Name         string
	Description  string
	Type         cty.Type           // cty.DynamicPseudoType if any type will do
	TypeDefaults *typeexpr.Defaults // for optional object attributes, may be nil
	Default      cty.Value          // cty.NilVal if the variable is required
	Sensitive    bool
	Nullable     bool
	Validations  []*Condition
	Range        hcl.Range
}

// Required reports whether a value must be given.
func (v *Variable) Required() bool { return v.Default == cty.NilVal }

// Local is one entry of a locals block.
type Local struct {
	Name  string
	Expr  hcl.Expression
	Range hcl.Range
}

// Condition is something that must hold: a validation, precondition or
// postcondition.
type Condition struct {
	Condition    hcl.Expression
	ErrorMessage hcl.Expression
	Range        hcl.Range
}

// Resource is a resource or data block.
type Resource struct {
	Addr            addr.Resource
	Count           hcl.Expression // nil if not given
	ForEach         hcl.Expression // nil if not given; never together with Count
	DependsOn       []hcl.Traversal
	Cloud           string // alias, "" for the default cloud
	CloudRange      hcl.Range
	Lifecycle       Lifecycle
	Timeouts        map[string]time.Duration // by create, update, delete, read
	RetainOnDestroy bool
	Body            hcl.Body // what the type's schema describes
	Range           hcl.Range
	TypeRange       hcl.Range // the label that names the type
}

// Lifecycle is the lifecycle block of a resource.
type Lifecycle struct {
	PreventDestroy      bool
	CreateBeforeDestroy bool
	IgnoreAll           bool            // ignore_changes = all
	IgnoreChanges       []hcl.Traversal // relative to the resource
	ReplaceTriggeredBy  []hcl.Expression
	Preconditions       []*Condition
	Postconditions      []*Condition
	Range               hcl.Range
}

// Pipeline is a pipeline block: ordered steps that build an image.
type Pipeline struct {
	Name  string
	Steps []*Step
	Range hcl.Range
}

// Step is one step of a pipeline.
type Step struct {
	Kind      string
	Name      string
	Body      hcl.Body
	Range     hcl.Range
	KindRange hcl.Range
}

// Output is an output block.
type Output struct {
	Name          string
	Value         hcl.Expression
	Description   string
	Sensitive     bool
	DependsOn     []hcl.Traversal
	Preconditions []*Condition
	Range         hcl.Range
}

// Check is a check block: what must hold once everything is applied. A failure
// is a warning.
type Check struct {
	Name    string
	Data    *Resource // looked up for the check alone; may be nil
	Asserts []*Condition
	Range   hcl.Range
}

// Resource returns the block with the address, or nil.
func (s *Stack) Resource(a addr.Resource) *Resource {
	for _, r := range s.Resources {
		if r.Addr == a {
			return r
		}
	}
	return nil
}

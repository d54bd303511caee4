// Package plan compares what a stack wants with what exists and says, as data,
// what has to be done: one step per object and change, in an order that can be
// carried out, each with its reason. Making a plan changes nothing: objects
// are read, names looked up, unfinished operations judged, all in memory.
//
// It reaches plugins only through the Host interface and knows no processes,
// no database and no screen.
package plan

import (
	"context"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

// Action is what a step does to its object.
type Action string

// The actions of a step. A replacement is a Delete and a Create step with
// Replacing set.
const (
	NoOp   Action = "no-op"
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
	Prune  Action = "prune"  // remove what an update leaves behind
	Read   Action = "read"   // a data source whose arguments are known only now
	Forget Action = "forget" // drop the row, keep the object
	Act    Action = "act"    // carry out an action of the type; in no plan
)

// Host is what planning asks of plugins.
type Host interface {
	Types() map[string]*pluginspec.Type
	Steps() map[string]*pluginspec.Step
	Identity(ctx context.Context, alias string) (*wire.CloudIdentity, []*wire.Diagnostic, error)
	Read(ctx context.Context, in *wire.ReadRequest) ([]*wire.ReadReply, error)
	Find(ctx context.Context, in *wire.FindRequest) ([]*wire.FindReply_Found, []*wire.Diagnostic, error)
	Settle(ctx context.Context, in *wire.SettleRequest) (*wire.SettleReply, error)
	Check(ctx context.Context, in *wire.CheckRequest) (*wire.CheckReply, error)
	Plan(ctx context.Context, in *wire.PlanRequest) (*wire.PlanReply, error)
	Upgrade(ctx context.Context, in *wire.UpgradeRequest) (*wire.UpgradeReply, error)
}

// Input is what a plan is made from.
type Input struct {
	Stack       *spec.Stack
	Variables   map[string]cty.Value
	Snapshot    *state.Snapshot
	Host        Host
	Destroy     bool // remove everything
	SkipRefresh bool // trust the state as it is
	Parallelism int
	// RefreshOnly compares the state with the cloud and plans nothing but to
	// write down what differs.
	RefreshOnly bool
	// Fingerprint digests a secret under the state's key; nil where there is no
	// state that could hold any.
	Fingerprint Fingerprint
	Limits      Limits        // which part of the stack is looked at
	Replace     []addr.Target // objects to replace whatever the stack says
	// AcceptMissing lets a refresh lose more than half of a type's objects.
	AcceptMissing bool
	// Patience is how long to wait in all for what interrupted runs began;
	// 0 = DefaultPatience.
	Patience time.Duration
	// Embedded tells whether the default cloud is the embedded one, whose
	// answers are conclusive at once.
	Embedded bool
}

// Plan is what has to be done.
type Plan struct {
	Stack   string
	Destroy bool
	// RefreshOnly: nothing is done in the cloud, only Drift is written down.
	RefreshOnly bool
	Partial     bool    // Limits narrowed it
	Steps       []*Step // in an order that can be carried out; no-ops included
	Moves       []Move  // objects under new addresses, by the old ones
	Outputs     []Output
	Drift       []Drift
	// Settled holds what recovery and refresh found: to be made durable
	// before the first step is carried out.
	Settled  []state.Entry
	Bindings []state.Binding
	Recovery []string // what became of unfinished operations, in words
	Config   *Config  // the configuration, to evaluate what is known only later
	Snapshot *state.Snapshot
}

// Step is one change of one object.
type Step struct {
	ID        int
	Key       state.Key
	Instance  addr.Instance
	Type      *pluginspec.Type
	Cloud     string
	Action    Action
	Replacing bool   // half of a replacement
	Import    bool   // the object is taken over by this plan
	Depose    bool   // a create whose old object is deleted later
	DeposedAs string // the old object's number meanwhile
	Reason    string
	Changes   []Change
	Prior     cty.Value // null for a create
	Planned   cty.Value // null for a delete; unknown where known after apply
	Lookups   map[string]Found
	Object    *state.Object // the row as refreshed; nil for a create
	After     []int
	Block     *spec.Resource // nil when the block is gone from the stack
	Each      Each
	DependsOn []string
}

// less orders steps by address, so that a plan reads the same each time.
func (s *Step) less(other *Step) bool {
	if c := s.Instance.Compare(other.Instance); c != 0 {
		return c < 0
	}
	if s.Key.Deposed != other.Key.Deposed {
		return s.Key.Deposed < other.Key.Deposed
	}
	return s.Action > other.Action // update before prune before delete before create
}

// Change is one attribute that differs.
type Change struct {
	Path    string
	Before  cty.Value
	After   cty.Value
	Replace bool
}

// Drift is an attribute, or a whole object, that changed outside moldctl.
type Drift struct {
	Addr   string
	Gone   bool
	Path   string
	Before cty.Value
	After  cty.Value
}

// Output is an output value with what it was.
type Output struct {
	Name      string
	Before    cty.Value // cty.NilVal when new
	After     cty.Value // cty.NilVal when removed
	Sensitive bool
}

// Changed tells whether applying the plan would do anything to an object, its
// address or an output.
func (p *Plan) Changed() bool {
	for _, s := range p.Steps {
		if s.Action != NoOp || s.Import {
			return true
		}
	}
	return len(p.Moves) > 0 || p.RefreshOnly && len(p.Drift) > 0 || p.OutputsChanged()
}

// OutputsChanged tells whether an output differs from the last apply.
func (p *Plan) OutputsChanged() bool {
	for _, o := range p.Outputs {
		if o.Changed() {
			return true
		}
	}
	return false
}

// Changed tells whether the output differs from the last apply.
func (o Output) Changed() bool {
	if o.Before == cty.NilVal || o.After == cty.NilVal {
		return true
	}
	after, _ := o.After.UnmarkDeep()
	return !o.Before.RawEquals(after)
}

// Summary counts the steps by what a user calls them.
type Summary struct{ Create, Update, Replace, Delete, Read, Forget, Import, Move int }

// Summary counts the plan's changes.
func (p *Plan) Summary() Summary {
	s := Summary{Move: len(p.Moves)}
	for _, step := range p.Steps {
		if step.Import && step.Action != Delete && step.Action != Prune {
			s.Import++
		}
		switch {
		case step.Action == Create && step.Replacing:
			s.Replace++
		case step.Action == Create:
			s.Create++
		case step.Action == Update:
			s.Update++
		case step.Action == Delete && !step.Replacing:
			s.Delete++
		case step.Action == Read:
			s.Read++
		case step.Action == Forget:
			s.Forget++
		}
	}
	return s
}

// Problems turns what a plugin said into diagnostics about a block.
func Problems(list []*wire.Diagnostic, subject *hcl.Range, body hcl.Body) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, d := range list {
		severity := hcl.DiagError
		if d.GetSeverity() == wire.Diagnostic_WARNING {
			severity = hcl.DiagWarning
		}
		diags = append(diags, &hcl.Diagnostic{
			Severity: severity,
			Summary:  d.GetSummary(),
			Detail:   d.GetDetail(),
			Subject:  attributeRange(body, d.GetAttribute(), subject),
		})
	}
	return diags
}

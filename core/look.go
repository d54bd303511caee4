package core

import (
	"context"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/graph"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/spec/addr"
)

// Graph returns which block of the stack needs which. It needs no cloud.
func (e *Engine) Graph() (*graph.Graph[addr.Resource], hcl.Diagnostics) {
	return plan.NewConfig(e.Stack, e.variables, e.Host.Types(), e.Host.Steps()).Graph()
}

// Recall returns the stack's configuration with the values that the open state
// holds, to evaluate expressions in.
func (e *Engine) Recall(ctx context.Context) (*plan.Config, hcl.Diagnostics) {
	config := plan.NewConfig(e.Stack, e.variables, e.Host.Types(), e.Host.Steps())
	if _, diags := config.Graph(); diags.HasErrors() {
		return nil, diags
	}
	snap, err := e.Session().Snapshot(ctx)
	if err != nil {
		return nil, diag.FromError("State cannot be read", err)
	}
	return config, config.Recall(snap)
}

// Generate writes a block for every import that has none yet, and returns the
// addresses it wrote.
func (e *Engine) Generate(ctx context.Context) ([]byte, []string, hcl.Diagnostics) {
	snap, err := e.Session().Snapshot(ctx)
	if err != nil {
		return nil, nil, diag.FromError("State cannot be read", err)
	}
	if _, diags := e.bindings(ctx, snap); diags.HasErrors() {
		return nil, nil, diags
	}
	return plan.Generate(ctx, plan.Input{Stack: e.Stack, Variables: e.variables, Snapshot: snap, Host: e.Host})
}

package core

import (
	"context"
	"fmt"
	"path/filepath"
	"sort"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"

	"github.com/moldctl/moldctl/core/cloud"
	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/wire"
)

// aliases lists the clouds of the stack, the default one first.
func (e *Engine) aliases() []string {
	out := []string{""}
	for alias := range e.Stack.Clouds {
		if alias != "" {
			out = append(out, alias)
		}
	}
	sort.Strings(out)
	return out
}

// resolveClouds finds the settings of every cloud and hands them to the host.
func (e *Engine) resolveClouds(ctx context.Context) hcl.Diagnostics {
	config := plan.NewConfig(e.Stack, e.variables, e.Host.Types(), e.Host.Steps())
	var diags hcl.Diagnostics
	inherit, at, more := e.block(config, "")
	diags = append(diags, more...)
	for _, alias := range e.aliases() {
		in := cloud.Input{
			Alias: alias, Flags: e.settings.Flags, Getenv: e.settings.Getenv, Block: inherit, At: at,
			Home: e.settings.Home, ConfigDir: e.settings.ConfigDir, Dir: e.Stack.Dir,
		}
		if alias != "" {
			in.Inherit, in.InheritAt = inherit, at
			in.Block, in.At, more = e.block(config, alias)
			diags = append(diags, more...)
		}
		if diags.HasErrors() {
			continue
		}
		settings, err := cloud.Resolve(in)
		if err != nil {
			diags = append(diags, diag.FromError("Cloud settings are incomplete or wrong", err)...)
			continue
		}
		for _, w := range settings.Warnings {
			diags = append(diags, diag.Warningf(nil, "Odd cloud setting", "%s.", w))
		}
		e.clouds[alias] = settings
	}
	if diags.HasErrors() {
		return diags
	}
	if diags = append(diags, e.configurePlugins()...); diags.HasErrors() {
		return diags
	}
	e.connect()
	return diags
}

// block decodes a cloud block of the stack, if there is one.
func (e *Engine) block(config *plan.Config, alias string) (cloud.Values, string, hcl.Diagnostics) {
	declared, ok := e.Stack.Clouds[alias]
	if !ok {
		return nil, "", nil
	}
	if diags := onlyKnown(hcldec.Variables(declared.Body, cloud.BlockSpec()), "cloud"); diags.HasErrors() {
		return nil, "", diags
	}
	eval, diags := config.Context(hcldec.Variables(declared.Body, cloud.BlockSpec()))
	if diags.HasErrors() {
		return nil, "", diags
	}
	values, more := cloud.DecodeBlock(declared.Body, eval, e.Stack.Dir, e.settings.Home)
	at := fmt.Sprintf("%s, line %d", filepath.Base(declared.Range.Filename), declared.Range.Start.Line)
	return values, at, append(diags, more...)
}

// cloudBlocks checks the form of the cloud blocks. Their values, which may come
// from an environment that only some commands need, are not looked at.
func (e *Engine) cloudBlocks() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, alias := range e.aliases() {
		declared, ok := e.Stack.Clouds[alias]
		if !ok {
			continue
		}
		_, more := declared.Body.Content(hcldec.ImpliedSchema(cloud.BlockSpec()))
		diags = append(diags, more...)
		diags = append(diags, onlyKnown(hcldec.Variables(declared.Body, cloud.BlockSpec()), "cloud")...)
	}
	return diags
}

// onlyKnown refuses references to resources: clouds and plugins must be known
// first.
func onlyKnown(names []hcl.Traversal, block string) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, t := range names {
		switch t.RootName() {
		case "var", "local", "path", "stack":
		default:
			diags = append(diags, diag.Errorf(t.SourceRange().Ptr(), "Invalid reference",
				"A %s block may use variables, locals and env(): the %s must be known before anything in it is.", block, block))
		}
	}
	return diags
}

// connect makes every cloud known to the plugin host.
func (e *Engine) connect() {
	for _, alias := range e.aliases() {
		s := e.clouds[alias]
		wired := &wire.Cloud{
			Alias: alias, Endpoint: s.Endpoint, ApiKey: s.APIKey, SecretKey: s.SecretKey, Signature: s.Signature,
			Zone: s.Zone, Project: s.Project, Domain: s.Domain, Account: s.Account,
			TimeoutMs: s.Timeout.Milliseconds(), MaxRequests: int32(s.MaxRequests), CaCert: s.CACert, Insecure: s.Insecure,
		}
		if s.Embedded {
			e.Host.SetCloudLater(alias, e.embedded(wired))
			continue
		}
		e.Host.SetCloud(wired)
	}
}

// embedded starts the embedded cloud and says how it is reached. A stack that
// has nothing in a cloud never asks.
func (e *Engine) embedded(wired *wire.Cloud) func(context.Context) (*wire.Cloud, error) {
	return func(ctx context.Context) (*wire.Cloud, error) {
		embedded, err := e.settings.Embedded(ctx)
		if err != nil {
			return nil, fmt.Errorf("embedded cloud does not start: %w", err)
		}
		wired.Endpoint, wired.ApiKey, wired.SecretKey = embedded.Endpoint, embedded.APIKey, embedded.SecretKey
		wired.SettleMs = -1 // its answers are conclusive at once
		return wired, nil
	}
}

// identity says where and as whom a cloud alias acts now.
func (e *Engine) identity(ctx context.Context, alias string) (state.Binding, hcl.Diagnostics, error) {
	s := e.clouds[alias]
	now := state.Binding{Alias: alias, Endpoint: s.Host(), Embedded: s.Embedded}
	id, said, err := e.Host.Identity(ctx, alias)
	if err != nil {
		return now, nil, err
	}
	now.ZoneID, now.DomainID, now.AccountID, now.ProjectID = id.GetZoneId(), id.GetDomainId(), id.GetAccountId(), id.GetProjectId()
	return now, plan.Problems(said, nil, nil), nil
}

// bindings checks each cloud against the one the state was written with and
// returns those to be written down.
func (e *Engine) bindings(ctx context.Context, snap *state.Snapshot) ([]state.Binding, hcl.Diagnostics) {
	if e.cloudless(snap) || len(e.Stack.Resources) == 0 && len(e.Stack.Modules) == 0 && len(snap.Objects) == 0 && len(snap.Operations) == 0 {
		return nil, nil
	}
	var out []state.Binding
	var diags hcl.Diagnostics
	for _, alias := range e.aliases() {
		now, more, err := e.identity(ctx, alias)
		if err != nil {
			return nil, append(diags, diag.FromError("Cloud cannot be used", err)...)
		}
		if more.HasErrors() {
			diags = append(diags, more...)
			continue
		}
		if now.AccountID == "" { // no plugin acts in a cloud
			continue
		}
		bound, ok := snap.Bindings[alias]
		if !ok || len(snap.Objects) == 0 && len(snap.Operations) == 0 {
			out = append(out, now)
			continue
		}
		if err := cloud.CheckBinding(bound, now); err != nil {
			diags = append(diags, diag.FromError("Another cloud than the state's", err)...)
		}
	}
	return out, diags
}

package core

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// configurePlugins evaluates the plugin blocks of the stack and hands them to
// the host, which gives each plugin its own.
func (e *Engine) configurePlugins() hcl.Diagnostics {
	config := plan.NewConfig(e.Stack, e.variables, e.Host.Types(), e.Host.Steps())
	var diags hcl.Diagnostics
	plugins := map[string]*pluginspec.Plugin{}
	var names []string
	for _, p := range e.Host.Plugins() {
		plugins[p.Name] = p
		names = append(names, p.Name)
	}
	for _, block := range e.Stack.Plugins {
		p := plugins[block.Name]
		if p == nil {
			diags = append(diags, diag.Errorf(&block.Range, "Unknown plugin", "There is no plugin %q.%s", block.Name, diag.DidYouMean(block.Name, names)))
			continue
		}
		v, more := e.configuration(config, p, block)
		diags = append(diags, more...)
		if !more.HasErrors() {
			e.Host.SetConfig(p.Name, block.Alias, v)
		}
	}
	return append(diags, e.unconfigured(plugins)...)
}

// configuration is the value of one plugin block.
func (e *Engine) configuration(config *plan.Config, p *pluginspec.Plugin, block *spec.Plugin) (cty.Value, hcl.Diagnostics) {
	schema := p.ConfigSpec()
	diags := onlyKnown(hcldec.Variables(block.Body, schema), "plugin")
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	eval, diags := config.Context(hcldec.Variables(block.Body, schema))
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	v, more := hcldec.Decode(block.Body, schema, eval)
	if diags = append(diags, more...); diags.HasErrors() {
		return cty.NilVal, diags
	}
	body := pluginspec.Step{Attributes: p.Config}
	for _, problem := range body.Validate(v) {
		at := block.Range
		if len(problem.Path) > 0 {
			if get, ok := problem.Path[0].(cty.GetAttrStep); ok {
				at = hcldec.SourceRange(block.Body, &hcldec.AttrSpec{Name: get.Name, Type: cty.DynamicPseudoType})
			}
		}
		d := diag.Errorf(&at, problem.Summary, "%s", problem.Detail)
		if problem.Warning {
			d.Severity = hcl.DiagWarning
		}
		diags = append(diags, d)
	}
	v, more = body.ApplyDefaults(v)
	return v, append(diags, more...)
}

// unconfigured finds blocks of plugins that need a configuration and have none.
func (e *Engine) unconfigured(plugins map[string]*pluginspec.Plugin) hcl.Diagnostics {
	var diags hcl.Diagnostics
	told := map[string]bool{}
	for _, r := range e.Stack.Resources {
		t := e.Host.Types()[r.Addr.Type]
		if t == nil || told[t.Plugin+" "+r.Cloud] || e.Stack.Configuration(t.Plugin, r.Cloud) != nil {
			continue
		}
		told[t.Plugin+" "+r.Cloud] = true
		required := slices.DeleteFunc(slices.Clone(plugins[t.Plugin].Config), func(a *pluginspec.Attribute) bool { return !a.Required })
		if len(required) > 0 {
			diags = append(diags, diag.Errorf(r.Range.Ptr(), "Plugin is not configured",
				"%q is served by the plugin %q, which needs a block plugin %q with %q.", t.Name, t.Plugin, t.Plugin, required[0].Name))
			continue
		}
		// Nothing is required, so the defaults do.
		body := pluginspec.Step{Attributes: plugins[t.Plugin].Config}
		if v, more := body.ApplyDefaults(nothing(plugins[t.Plugin].ConfigType())); !more.HasErrors() && len(body.Attributes) > 0 {
			e.Host.SetConfig(t.Plugin, r.Cloud, v)
		}
	}
	return diags
}

// nothing is an object with null for each attribute.
func nothing(ty cty.Type) cty.Value {
	attrs := map[string]cty.Value{}
	for name, at := range ty.AttributeTypes() {
		attrs[name] = cty.NullVal(at)
	}
	return cty.ObjectVal(attrs)
}

// cloudless tells whether nothing in the stack or its state has to do with a
// cloud.
func (e *Engine) cloudless(snap *state.Snapshot) bool {
	for _, row := range snap.Objects {
		if t := e.Host.Types()[row.Type]; t == nil || !t.NoCloud {
			return false
		}
	}
	for _, op := range snap.Operations {
		if t := e.Host.Types()[op.Type]; t == nil || !t.NoCloud {
			return false
		}
	}
	return e.cloudlessStack(e.Stack)
}

func (e *Engine) cloudlessStack(s *spec.Stack) bool {
	for _, r := range s.Resources {
		if t := e.Host.Types()[r.Addr.Type]; t == nil || !t.NoCloud {
			return false
		}
	}
	return !slices.ContainsFunc(s.Modules, func(m *spec.Module) bool { return m.Stack != nil && !e.cloudlessStack(m.Stack) })
}

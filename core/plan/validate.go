package plan

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"strings"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// Validate checks a stack as far as it can be checked without a cloud: types,
// references, schemas, cycles, and every value that the stack itself gives.
// What a cloud will say stands in as not known yet.
func Validate(stack *spec.Stack, vars map[string]cty.Value, types map[string]*pluginspec.Type, steps map[string]*pluginspec.Step) hcl.Diagnostics {
	c := NewConfig(stack, vars, types, steps)
	blocks, diags := c.Graph()
	if diags.HasErrors() {
		return diags
	}
	diags = append(diags, c.checkPipelines()...)
	for _, a := range blocks.Order() {
		diags = append(diags, c.validate(c.block(a))...)
	}
	if !diags.HasErrors() {
		diags = append(diags, c.CheckModules()...)
	}
	for _, name := range sortedKeys(stack.Outputs) {
		_, more := c.Output(stack.Outputs[name])
		diags = append(diags, more...)
	}
	// What rests on blocks is judged when a plan knows them.
	w := &walker{c: c}
	return append(diags, c.wrongValues(func(part *Config, name string) bool {
		return strings.HasPrefix(name, "local.") && w.onItsOwn(part, name)
	})...)
}

// validate checks one block; its value is unknown to those that refer to it.
func (c *Config) validate(r *spec.Resource) hcl.Diagnostics {
	t := c.types[r.Addr.Type]
	unknown := cty.UnknownVal(t.ImpliedType())
	if r.Addr.Mode == addr.Data {
		unknown = cty.UnknownVal(t.DataImpliedType())
	}
	instances, diags := c.Expand(r)
	if diags.HasErrors() {
		// Instances may rest on what only a plan knows; one stands for all.
		instances, diags = []Each{stand(r)}, onlyCertain(diags)
	}
	c.Expanded(r.Addr)
	diags = append(diags, ignored(t, r)...)
	for _, each := range instances {
		config, more := c.Decode(r, each)
		diags = append(diags, more...)
		if !more.HasErrors() {
			diags = append(diags, checkValues(t, r, config)...)
		}
		c.Set(r.Addr.Instance(each.Key), withGiven(unknown, config))
		if more.HasErrors() {
			break // the same mistakes in every instance
		}
	}
	return diags
}

// ignored checks that what ignore_changes names is there.
func ignored(t *pluginspec.Type, r *spec.Resource) hcl.Diagnostics {
	var diags hcl.Diagnostics
	attributes := t.ImpliedType().AttributeTypes()
	for _, path := range r.Lifecycle.IgnoreChanges {
		first, ok := path[0].(hcl.TraverseAttr)
		if _, known := attributes[first.Name]; ok && !known {
			diags = append(diags, diag.Errorf(first.SrcRange.Ptr(), "Unknown attribute", "The type %q has no attribute %q whose changes could be ignored.%s",
				t.Name, first.Name, diag.DidYouMean(first.Name, sortedKeys(attributes))))
		}
	}
	return diags
}

// stand is an instance in place of those that are not known yet.
func stand(r *spec.Resource) Each {
	if r.ForEach != nil {
		return Each{Key: addr.StringKey(""), Each: eval.Each{Key: cty.UnknownVal(cty.String), Value: cty.DynamicVal}}
	}
	if r.Count != nil {
		return Each{Key: addr.IntKey(0)}
	}
	return Each{}
}

// onlyCertain drops what a plan may yet know.
func onlyCertain(diags hcl.Diagnostics) hcl.Diagnostics {
	var out hcl.Diagnostics
	for _, d := range diags {
		if d.Summary != "Unknown count" && d.Summary != "Unknown for_each" {
			out = append(out, d)
		}
	}
	return out
}

// withGiven is an object of which only what the stack itself says is known.
func withGiven(unknown, config cty.Value) cty.Value {
	plain, _ := config.Unmark()
	if !plain.IsKnown() || plain.IsNull() || !unknown.Type().IsObjectType() {
		return unknown
	}
	out := map[string]cty.Value{}
	for name, ty := range unknown.Type().AttributeTypes() {
		out[name] = cty.UnknownVal(ty)
		if plain.Type().HasAttribute(name) && !plain.GetAttr(name).IsNull() {
			out[name] = plain.GetAttr(name)
		}
	}
	return cty.ObjectVal(out)
}

// checkValues reports what the schema's limits say of a configuration.
func checkValues(t *pluginspec.Type, r *spec.Resource, config cty.Value) hcl.Diagnostics {
	return onValues(t.Validate(config), r)
}

// onValues says what is wrong with values where the block writes them.
func onValues(list []pluginspec.Problem, r *spec.Resource) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, p := range list {
		d := diag.Error(valueRange(r.Body, p.Path, &r.Range), p.Summary, p.Detail)
		if p.Warning {
			d.Severity = hcl.DiagWarning
		}
		diags = append(diags, d)
	}
	return diags
}

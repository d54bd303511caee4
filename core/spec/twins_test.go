package spec_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec"
)

func text(name string) *hcldec.AttrSpec   { return &hcldec.AttrSpec{Name: name, Type: cty.String} }
func number(name string) *hcldec.AttrSpec { return &hcldec.AttrSpec{Name: name, Type: cty.Number} }

// seedTypes are schemas of the types in the seed stack, enough to decode it.
func seedTypes() map[string]hcldec.Spec {
	scale := hcldec.ObjectSpec{
		"duration": text("duration"),
		"condition": &hcldec.BlockListSpec{TypeName: "condition", Nested: hcldec.ObjectSpec{
			"counter": text("counter"), "operator": text("operator"), "threshold": number("threshold"),
		}},
	}
	return map[string]hcldec.Spec{
		"network": hcldec.ObjectSpec{
			"name": text("name"), "description": text("description"),
			"egress": &hcldec.BlockListSpec{TypeName: "egress", Nested: hcldec.ObjectSpec{"protocol": text("protocol")}},
		},
		"image": hcldec.ObjectSpec{
			"name": text("name"), "description": text("description"), "os_type": text("os_type"),
			"pipeline": text("pipeline"), "public": &hcldec.AttrSpec{Name: "public", Type: cty.Bool},
			"source": &hcldec.BlockSpec{TypeName: "source", Nested: hcldec.ObjectSpec{
				"template": text("template"), "offering": text("offering"), "network": text("network"),
			}},
			"keep": &hcldec.BlockSpec{TypeName: "keep", Nested: hcldec.ObjectSpec{
				"images": number("images"), "source_snapshots": number("source_snapshots"),
			}},
		},
		"load_balancer": hcldec.ObjectSpec{
			"network": text("network"), "public_port": number("public_port"),
			"private_port": number("private_port"), "algorithm": text("algorithm"),
		},
		"autoscale_group": hcldec.ObjectSpec{
			"load_balancer": text("load_balancer"), "network": text("network"), "template": text("template"),
			"offering": text("offering"), "min_members": number("min_members"), "max_members": number("max_members"),
			"scale_up":   &hcldec.BlockMapSpec{TypeName: "scale_up", LabelNames: []string{"name"}, Nested: scale},
			"scale_down": &hcldec.BlockMapSpec{TypeName: "scale_down", LabelNames: []string{"name"}, Nested: scale},
			"rollout": &hcldec.BlockSpec{TypeName: "rollout", Nested: hcldec.ObjectSpec{
				"strategy": text("strategy"), "max_surge": number("max_surge"), "max_unavailable": number("max_unavailable"),
				"ready_timeout": text("ready_timeout"), "on_failure": text("on_failure"),
			}},
		},
	}
}

// flatten says everything a seed stack holds, without places.
func flatten(t *testing.T, path string) map[string]string {
	t.Helper()
	stack, diags := spec.Load(path, spec.Options{})
	noDiags(t, stack, diags)
	object := func(attrs ...string) cty.Value {
		m := map[string]cty.Value{}
		for _, a := range attrs {
			m[a] = cty.StringVal("the " + a)
		}
		return cty.ObjectVal(map[string]cty.Value{"web": cty.ObjectVal(m)})
	}
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{
		"var":     cty.ObjectVal(map[string]cty.Value{"source_template": cty.StringVal("t"), "offering": cty.StringVal("o")}),
		"network": object("id"), "image": object("id"), "load_balancer": object("id", "address"),
		"pipeline": cty.ObjectVal(map[string]cty.Value{"httpd": cty.StringVal("the pipeline")}),
	}}
	out := map[string]string{"name": stack.Name, "version": stack.Version}
	for name, r := range stack.Requires {
		out["requires "+name] = r.Constraint.String()
	}
	for name, v := range stack.Variables {
		out["variable "+name] = v.Type.FriendlyName() + " " + v.Default.GoString()
	}
	for _, r := range stack.Resources {
		v, diags := hcldec.Decode(r.Body, seedTypes()[r.Addr.Type], ctx)
		noDiags(t, stack, diags)
		out[r.Addr.String()] = v.GoString()
	}
	for i, s := range stack.Pipelines["httpd"].Steps {
		attrs, diags := s.Body.JustAttributes()
		noDiags(t, stack, diags)
		out[string(rune('0'+i))+s.Kind+" "+s.Name] = values(t, attrs, ctx)
	}
	for name, o := range stack.Outputs {
		v, diags := o.Value.Value(ctx)
		noDiags(t, stack, diags)
		out["output "+name] = v.GoString()
	}
	return out
}

func values(t *testing.T, attrs hcl.Attributes, ctx *hcl.EvalContext) string {
	t.Helper()
	var lines []string
	for name, a := range attrs {
		v, diags := a.Expr.Value(ctx)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		lines = append(lines, name+"="+v.GoString())
	}
	slices.Sort(lines)
	return diag.List(lines)
}

// TestTwins checks that a stack means the same in HCL and YAML.
func TestTwins(t *testing.T) {
	t.Parallel()
	hclForm := flatten(t, filepath.Join(stacks, "good", "seed.hcl"))
	if len(hclForm) != 16 {
		t.Fatalf("%d entries in the stack: %v", len(hclForm), hclForm)
	}
	if d := cmp.Diff(hclForm, flatten(t, filepath.Join(stacks, "good", "seed.yaml"))); d != "" {
		t.Errorf("HCL and YAML differ (-hcl +yaml):\n%s", d)
	}
}

// TestMetaArgumentsInYAML loads every frame of the language from YAML.
func TestMetaArgumentsInYAML(t *testing.T) {
	t.Parallel()
	stack, diags := spec.Load(filepath.Join(stacks, "good", "meta.yaml"), spec.Options{})
	noDiags(t, stack, diags)
	want, diags := spec.Load(filepath.Join(stacks, "good", "meta.hcl"), spec.Options{})
	noDiags(t, want, diags)
	if d := cmp.Diff(frames(want), frames(stack)); d != "" {
		t.Errorf("frames (-hcl +yaml):\n%s", d)
	}
}

// frames writes down what the loader decoded of each block.
func frames(s *spec.Stack) map[string][]string {
	out := map[string][]string{}
	for alias := range s.Clouds {
		out["cloud "+alias] = nil
	}
	for name, v := range s.Variables {
		out["variable "+name] = []string{v.Type.GoString(), v.Default.GoString(), v.Description}
		for range v.Validations {
			out["variable "+name] = append(out["variable "+name], "validation")
		}
		if v.Sensitive || !v.Nullable {
			out["variable "+name] = append(out["variable "+name], "sensitive or not nullable")
		}
	}
	for name, l := range s.Locals {
		for _, ref := range l.Expr.Variables() {
			out["local "+name] = append(out["local "+name], diag.Traversal(ref))
		}
	}
	for _, r := range s.Resources {
		var lines []string
		add := func(what string, list []hcl.Traversal) {
			for _, ref := range list {
				lines = append(lines, what+" "+diag.Traversal(ref))
			}
		}
		add("depends on", r.DependsOn)
		add("ignores", r.Lifecycle.IgnoreChanges)
		for _, e := range append(slices.Clone(r.Lifecycle.ReplaceTriggeredBy), r.Count, r.ForEach) {
			if e != nil {
				add("expression", e.Variables())
			}
		}
		for name, timeout := range r.Timeouts {
			lines = append(lines, name+" "+timeout.String())
		}
		if l := r.Lifecycle; l.PreventDestroy && l.CreateBeforeDestroy && r.RetainOnDestroy && len(l.Preconditions)+len(l.Postconditions) == 2 {
			lines = append(lines, "lifecycle")
		}
		slices.Sort(lines)
		out[r.Addr.String()] = append(lines, r.Cloud)
	}
	for name, o := range s.Outputs {
		out["output "+name] = []string{o.Description}
		if o.Sensitive {
			out["output "+name] = append(out["output "+name], "sensitive")
		}
	}
	return out
}

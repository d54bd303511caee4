package spec

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/moldctl/moldctl/core/diag"
)

func (d *decoder) stackBlock(b *hcl.Block) {
	if first, ok := d.seen["stack block"]; ok {
		d.errorf(b.DefRange.Ptr(), "Duplicate stack block",
			"The stack block is already at %s, line %d. A stack has one.", first.Filename, first.Start.Line)
		return
	}
	d.seen["stack block"] = b.DefRange
	d.stack.Range = b.DefRange
	if d.name("stack", b.Labels[0], b.LabelRanges[0]) {
		d.stack.Name = b.Labels[0]
	}
	content := d.content(b.Body, stackSchema)
	d.store(content.Blocks)
	if attr := content.Attributes["version"]; attr != nil {
		d.stack.Version = d.text(attr)
		if _, _, err := parseVersion(d.stack.Version); err != nil && d.stack.Version != "" {
			d.errorf(attr.Expr.Range().Ptr(), "Invalid version", "%s.", upperFirst(err.Error()))
		}
	}
	if attr := content.Attributes["requires"]; attr != nil {
		d.requires(attr)
	}
}

func (d *decoder) requires(attr *hcl.Attribute) {
	pairs, diags := hcl.ExprMap(attr.Expr)
	if diags.HasErrors() {
		d.errorf(attr.Expr.Range().Ptr(), "Invalid requirement", "\"requires\" takes a map from moldctl or a plugin's name to versions, such as {moldctl = \">= 0.1\"}.")
	}
	for _, pair := range pairs {
		name := hcl.ExprAsKeyword(pair.Key)
		if name == "" {
			if v, diags := pair.Key.Value(nil); !diags.HasErrors() && v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
				name = v.AsString()
			}
		}
		if name == "" {
			d.errorf(pair.Key.Range().Ptr(), "Invalid requirement", "The name of a plugin, or moldctl, belongs here.")
			continue
		}
		text := d.text(&hcl.Attribute{Name: name, Expr: pair.Value, Range: pair.Value.Range()})
		if text == "" {
			continue
		}
		constraint, err := ParseConstraint(text)
		if err != nil {
			d.errorf(pair.Value.Range().Ptr(), "Invalid version constraint", "%s. Write for example \">= 1.2, < 2\".", upperFirst(err.Error()))
			continue
		}
		d.stack.Requires[name] = Requirement{Constraint: constraint, Range: pair.Value.Range()}
	}
}

func (d *decoder) cloud(b *hcl.Block) {
	alias := ""
	if len(b.Labels) > 0 {
		alias = b.Labels[0]
		if !d.name("cloud", alias, b.LabelRanges[0]) {
			return
		}
	}
	if first, ok := d.stack.Clouds[alias]; ok && alias == "" {
		d.errorf(b.DefRange.Ptr(), "Duplicate declaration", "There is already a cloud block without an alias at %s, line %d. Give this one an alias: cloud \"NAME\" { ... }.",
			first.Range.Filename, first.Range.Start.Line)
		return
	}
	if d.declare("cloud", alias, b.DefRange) {
		d.stack.Clouds[alias] = &Cloud{Alias: alias, Body: b.Body, Range: b.DefRange}
	}
}

func (d *decoder) variable(b *hcl.Block) {
	v := &Variable{Name: b.Labels[0], Type: cty.DynamicPseudoType, Default: cty.NilVal, Range: b.DefRange}
	if !d.name("variable", v.Name, b.LabelRanges[0]) || !d.declare("variable", v.Name, b.DefRange) {
		return
	}
	for _, reserved := range reservedVariables() {
		if v.Name == reserved {
			d.errorf(b.LabelRanges[0].Ptr(), "Reserved name", "No variable may be named %q, because module blocks have an argument of that name.", v.Name)
		}
	}
	content := d.content(b.Body, variableSchema)
	attrs := content.Attributes
	v.Description = d.text(attrs["description"])
	v.Sensitive = d.flag(attrs["sensitive"], false)
	v.Nullable = d.flag(attrs["nullable"], true)
	if attr := attrs["type"]; attr != nil {
		ty, defaults, diags := typeexpr.TypeConstraintWithDefaults(attr.Expr)
		d.diags = append(d.diags, withTypeHint(diags, attr.Expr)...)
		if !diags.HasErrors() {
			v.Type, v.TypeDefaults = ty, defaults
		}
	}
	v.Default = d.variableDefault(v, attrs["default"])
	v.Validations = d.validations(content.Blocks)
	d.stack.Variables[v.Name] = v
}

func (d *decoder) variableDefault(v *Variable, attr *hcl.Attribute) cty.Value {
	if attr == nil {
		return cty.NilVal
	}
	for _, t := range attr.Expr.Variables() {
		d.errorf(t.SourceRange().Ptr(), "Constant required",
			"A variable's default cannot refer to %q. Compute the value in a locals block from the variable.", diag.Traversal(t))
		return cty.DynamicVal
	}
	val, diags := attr.Expr.Value(nil)
	d.diags = append(d.diags, diags...)
	if diags.HasErrors() {
		return cty.DynamicVal
	}
	val, err := v.Convert(val)
	if err != nil {
		d.errorf(attr.Expr.Range().Ptr(), "Incorrect default", "The default of variable %q does not fit its type: %s.", v.Name, err)
		return cty.DynamicVal
	}
	if val.IsNull() && !v.Nullable {
		d.errorf(attr.Expr.Range().Ptr(), "Incorrect default", "The variable %q has nullable = false, so its default cannot be null.", v.Name)
		return cty.DynamicVal
	}
	return val
}

// Convert fits a value to the variable's type, filling in the defaults of
// optional object attributes.
func (v *Variable) Convert(val cty.Value) (cty.Value, error) {
	if v.TypeDefaults != nil && !val.IsNull() {
		val = v.TypeDefaults.Apply(val)
	}
	return convert.Convert(val, v.Type)
}

func (d *decoder) locals(b *hcl.Block) {
	attrs, diags := b.Body.JustAttributes()
	d.diags = append(d.diags, diags...)
	for _, attr := range sortedAttributes(attrs) {
		if d.name("local value", attr.Name, attr.NameRange) && d.declare("local value", attr.Name, attr.NameRange) {
			d.stack.Locals[attr.Name] = &Local{Name: attr.Name, Expr: attr.Expr, Range: attr.NameRange}
		}
	}
}

func (d *decoder) pipeline(b *hcl.Block) {
	p := &Pipeline{Name: b.Labels[0], Range: b.DefRange}
	if !d.name("pipeline", p.Name, b.LabelRanges[0]) || !d.declare("pipeline", p.Name, b.DefRange) {
		return
	}
	content, diags := b.Body.Content(pipelineSchema)
	d.diags = append(d.diags, diags...)
	first := map[string]hcl.Range{}
	for _, s := range content.Blocks {
		step := &Step{Kind: s.Labels[0], Name: s.Labels[1], Body: s.Body, Range: s.DefRange, KindRange: s.LabelRanges[0]}
		label := step.Kind + " " + step.Name
		if at, ok := first[label]; ok {
			d.errorf(s.DefRange.Ptr(), "Duplicate declaration", "The pipeline %q already has a step %q %q at %s, line %d. Give this one another name.",
				p.Name, step.Kind, step.Name, at.Filename, at.Start.Line)
			continue
		}
		first[label] = s.DefRange
		p.Steps = append(p.Steps, step)
	}
	if len(content.Blocks) == 0 && !diags.HasErrors() {
		d.errorf(b.DefRange.Ptr(), "Empty pipeline", "The pipeline %q has no step. Add a step block, for example: step \"package\" \"install\" { names = [\"httpd\"] }.", p.Name)
	}
	d.stack.Pipelines[p.Name] = p
}

func (d *decoder) output(b *hcl.Block) {
	o := &Output{Name: b.Labels[0], Range: b.DefRange}
	if !d.name("output", o.Name, b.LabelRanges[0]) || !d.declare("output", o.Name, b.DefRange) {
		return
	}
	content := d.content(b.Body, outputSchema)
	attrs := content.Attributes
	o.Description = d.text(attrs["description"])
	o.Sensitive = d.flag(attrs["sensitive"], false)
	o.DependsOn = d.references(attrs["depends_on"])
	o.Preconditions = d.conditions(content.Blocks, "precondition")
	if attr := attrs["value"]; attr != nil {
		o.Value = attr.Expr
		d.stack.Outputs[o.Name] = o
	}
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

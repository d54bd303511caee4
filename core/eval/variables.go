package eval

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
)

// Variables gives every variable of a stack its value: the one given, else the
// default, converted to its type, checked by its validations and marked if it
// is sensitive. A variable without a usable value is unknown in the result.
func Variables(stack *spec.Stack, given map[string]spec.Input, functions map[string]function.Function) (map[string]cty.Value, hcl.Diagnostics) {
	values := make(map[string]cty.Value, len(stack.Variables))
	var diags hcl.Diagnostics
	var missing []*spec.Variable
	for _, name := range slices.Sorted(maps.Keys(stack.Variables)) {
		v := stack.Variables[name]
		input, ok := given[name]
		val := v.Default
		if ok {
			var d *hcl.Diagnostic
			if val, d = accept(v, input); d != nil {
				diags = append(diags, d)
			}
		} else if v.Required() {
			missing = append(missing, v)
			val = cty.UnknownVal(v.Type)
		}
		if v.Sensitive {
			val = val.Mark(Sensitive)
		}
		values[name] = val
	}
	if len(missing) > 0 {
		diags = append(diags, missingVariables(missing))
	}
	scope := Scope{Names: NewNames(stack, nil, nil), Lookup: onlyVariables(values), Functions: functions}
	for _, name := range slices.Sorted(maps.Keys(stack.Variables)) {
		if v := stack.Variables[name]; values[name].IsKnown() {
			diags = append(diags, scope.validate(v, given[name].Range)...)
		}
	}
	return values, diags
}

// accept converts a given value to the type of its variable.
func accept(v *spec.Variable, input spec.Input) (cty.Value, *hcl.Diagnostic) {
	if input.Value.IsNull() && !v.Nullable {
		if !v.Required() {
			return v.Default, nil
		}
		return cty.UnknownVal(v.Type), diag.Errorf(place(v, input), "Invalid value for variable",
			"The variable %q must not be null, and %s says null.", v.Name, input.From)
	}
	val, err := v.Convert(input.Value)
	if err != nil {
		return cty.UnknownVal(v.Type), diag.Errorf(place(v, input), "Invalid value for variable",
			"The value given for the variable %q by %s does not fit: %s.", v.Name, input.From, err)
	}
	return val, nil
}

func place(v *spec.Variable, input spec.Input) *hcl.Range {
	if input.Range != nil {
		return input.Range
	}
	return v.Range.Ptr()
}

func missingVariables(missing []*spec.Variable) *hcl.Diagnostic {
	if len(missing) == 1 {
		name := missing[0].Name
		return diag.Errorf(missing[0].Range.Ptr(), "Missing variable",
			"The variable %q has no default, so it needs a value. Give it with --var %s=VALUE, the environment variable %s%s, or a file default.vars.hcl beside the stack.",
			name, name, spec.VarPrefix, name)
	}
	var lines []string
	for _, v := range missing {
		line := "  " + v.Name
		if v.Description != "" {
			line += ": " + v.Description
		}
		lines = append(lines, line)
	}
	return diag.Errorf(missing[0].Range.Ptr(), "Missing variables",
		"%d variables have no default, so they need values:\n%s\nGive them with --var NAME=VALUE, environment variables %sNAME, or a file default.vars.hcl beside the stack.",
		len(missing), strings.Join(lines, "\n"), spec.VarPrefix)
}

// validate checks a variable's own conditions.
func (s Scope) validate(v *spec.Variable, given *hcl.Range) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, c := range v.Validations {
		met, message, more := s.Holds(c)
		diags = append(diags, more...)
		if more.HasErrors() || met {
			continue
		}
		subject := given
		if subject == nil {
			subject = c.Condition.Range().Ptr()
		}
		d := s.explain(c.Condition, "Invalid value for variable", fmt.Sprintf("%s\nThis was checked by the validation of variable %q at %s, line %d.",
			message, v.Name, c.Range.Filename, c.Range.Start.Line))
		d.Subject = subject
		diags = append(diags, d)
	}
	return diags
}

// Input gives a variable of a module its value: the expression of the module
// block evaluated in s, the scope that block stands in, else the default. The
// variable's validations are not looked at.
func (s Scope) Input(v *spec.Variable, given *hcl.Attribute) (cty.Value, hcl.Diagnostics) {
	val := v.Default
	var diags hcl.Diagnostics
	if given != nil {
		raw, more := s.Value(given.Expr, cty.DynamicPseudoType)
		diags = append(diags, more...)
		if more.HasErrors() {
			return cty.UnknownVal(v.Type), diags
		}
		plain, marks := raw.Unmark()
		var d *hcl.Diagnostic
		val, d = accept(v, spec.Input{Value: plain, From: "the module block", Range: given.Expr.Range().Ptr()})
		if d != nil {
			diags = append(diags, d)
		}
		val = val.WithMarks(marks)
	}
	if v.Sensitive {
		val = val.Mark(Sensitive)
	}
	return val, diags
}

// Validate checks a variable's own conditions; given is where its value stands.
func (s Scope) Validate(v *spec.Variable, given *hcl.Range) hcl.Diagnostics {
	return s.validate(v, given)
}

// Holds evaluates a condition. If it is false the message is what its author
// says about it. A condition that is not known yet counts as met, because it is
// evaluated again when more is known.
func (s Scope) Holds(c *spec.Condition) (met bool, message string, diags hcl.Diagnostics) {
	v, diags := s.Value(c.Condition, cty.Bool)
	if diags.HasErrors() {
		return false, "", diags
	}
	v, _ = v.Unmark()
	if !v.IsKnown() || (!v.IsNull() && v.True()) {
		return true, "", diags
	}
	if v.IsNull() {
		return false, "", append(diags, s.explain(c.Condition, "Invalid condition", "The condition is null; it must be true or false."))
	}
	text, more := s.Value(c.ErrorMessage, cty.String)
	diags = append(diags, more...)
	if more.HasErrors() {
		return false, "", diags
	}
	if text.IsMarked() {
		return false, "The condition is not met. Its message refers to a sensitive value, so it is not shown.", diags
	}
	if !text.IsKnown() || text.IsNull() || strings.TrimSpace(text.AsString()) == "" {
		return false, "The condition is not met.", diags
	}
	return false, text.AsString(), diags
}

// Failed makes the diagnostic of a pre- or postcondition that does not hold,
// with the values it rests on.
func (s Scope) Failed(c *spec.Condition, what, message string) *hcl.Diagnostic {
	return s.explain(c.Condition, what, message)
}

// Constant evaluates an expression that may refer to nothing.
func Constant(expr hcl.Expression, want cty.Type, functions map[string]function.Function) (cty.Value, hcl.Diagnostics) {
	v, diags := expr.Value(&hcl.EvalContext{Functions: functions})
	if diags.HasErrors() {
		return cty.UnknownVal(want), diags
	}
	converted, err := convert.Convert(v, want)
	if err != nil {
		return cty.UnknownVal(want), append(diags, diag.Errorf(expr.Range().Ptr(), "Incorrect value type", "This value does not fit: %s.", err))
	}
	return converted, diags
}

// onlyVariables is the Lookup of places where nothing else is evaluated yet.
type onlyVariables map[string]cty.Value

func (o onlyVariables) Variable(name string) (cty.Value, bool) {
	v, ok := o[name]
	return v, ok
}
func (onlyVariables) Local(string) (cty.Value, bool)    { return cty.NilVal, false }
func (onlyVariables) Pipeline(string) (cty.Value, bool) { return cty.NilVal, false }
func (onlyVariables) Module(string) (cty.Value, bool)   { return cty.NilVal, false }
func (onlyVariables) ModuleOutput(string, string) (cty.Value, bool) {
	return cty.NilVal, false
}
func (onlyVariables) Resource(addr.Resource) (cty.Value, bool) { return cty.NilVal, false }

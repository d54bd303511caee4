package spec

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
)

// withNames says of names that a frame does not have, and that are like none
// it has, which ones there are.
func withNames(diags hcl.Diagnostics, schema *hcl.BodySchema) hcl.Diagnostics {
	var arguments, blocks []string
	for _, a := range schema.Attributes {
		arguments = append(arguments, a.Name)
	}
	for _, b := range schema.Blocks {
		blocks = append(blocks, b.Type)
	}
	for _, d := range diags {
		unknown := d.Summary == "Unsupported argument" || d.Summary == "Unsupported block type"
		if !unknown || strings.Contains(d.Detail, "Did you mean") {
			continue
		}
		if len(arguments) > 0 {
			d.Detail += " There are the arguments " + diag.List(arguments) + "."
		}
		if len(blocks) > 0 {
			d.Detail += " There are the blocks " + diag.List(blocks) + "."
		}
	}
	return diags
}

// withTypeHint says how the type of a variable is written.
func withTypeHint(diags hcl.Diagnostics, expr hcl.Expression) hcl.Diagnostics {
	hint := " Types are string, number, bool, any, list(T), set(T), map(T), object({NAME = T}) and tuple([T])."
	if name := hcl.ExprAsKeyword(expr); name != "" {
		names := []string{"string", "number", "bool", "any", "list", "set", "map", "object", "tuple"}
		if near := diag.DidYouMean(name, names); near != "" {
			hint = near
		}
	}
	if v, more := expr.Value(nil); !more.HasErrors() && v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
		hint = " Write the type without quotes: type = " + v.AsString() + "."
	}
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			d.Detail += hint
		}
	}
	return diags
}

// validations decodes the conditions of a variable. They are checked before
// anything but variables is known.
func (d *decoder) validations(blocks hcl.Blocks) []*Condition {
	var out []*Condition
	for _, c := range d.conditions(blocks, "validation") {
		usable := true
		for _, t := range append(c.Condition.Variables(), c.ErrorMessage.Variables()...) {
			switch t.RootName() {
			case "var", "path", "stack":
				continue
			}
			usable = false
			d.errorf(t.SourceRange().Ptr(), "Invalid reference",
				"A validation may refer to variables only, not to %q: it is checked before anything else is evaluated. A precondition of a resource can look at everything.", diag.Traversal(t))
		}
		if usable {
			out = append(out, c)
		}
	}
	return out
}

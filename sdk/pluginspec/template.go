package pluginspec

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"go.yaml.in/yaml/v4"
)

// Roots are the names an expression in a plugin.yaml may start with. Which of
// them have a value depends on where the expression stands.
func Roots() []string {
	return []string{"cloud", "config", "identity", "item", "lookup", "operation", "parent", "prior", "ref", "response", "self", "stack"}
}

// ParseTemplate reads a template of a plugin.yaml: "${…}" alone keeps the type
// of its value, mixed text is a string. rng is where the text stands.
func ParseTemplate(text string, rng hcl.Range) (hcl.Expression, hcl.Diagnostics) {
	return parseTemplate(text, rng.Filename, rng.Start)
}

func parseTemplate(text, filename string, start hcl.Pos) (hcl.Expression, hcl.Diagnostics) {
	expr, diags := hclsyntax.ParseTemplate([]byte(text), filename, start)
	if diags.HasErrors() {
		return nil, diags
	}
	known := Roots()
	for _, v := range expr.Variables() {
		if root := v.RootName(); !slices.Contains(known, root) {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Unknown name in a template",
				Detail:   "There is no \"" + root + "\" here; a template knows " + quoted(known) + "." + didYouMean(root, known),
				Subject:  v.SourceRange().Ptr(),
			})
		}
	}
	more := hclsyntax.VisitAll(expr.(hclsyntax.Node), func(n hclsyntax.Node) hcl.Diagnostics {
		call, ok := n.(*hclsyntax.FunctionCallExpr)
		if !ok {
			return nil
		}
		if _, ok := functionTable[call.Name]; ok {
			return nil
		}
		return hcl.Diagnostics{{
			Severity: hcl.DiagError,
			Summary:  "Unknown function",
			Detail: "There is no function \"" + call.Name + "\" in templates of a plugin.yaml." +
				didYouMean(call.Name, slices.Collect(maps.Keys(functionTable))),
			Subject: call.NameRange.Ptr(),
		}}
	})
	return expr, append(diags, more...)
}

// EvalTemplate evaluates a template under the roots that have a value.
func EvalTemplate(expr hcl.Expression, roots map[string]cty.Value) (cty.Value, hcl.Diagnostics) {
	return expr.Value(&hcl.EvalContext{Variables: roots, Functions: functionTable})
}

// Functions returns what templates of a plugin.yaml may call: pure functions
// only.
func Functions() map[string]function.Function { return maps.Clone(functionTable) }

// template reads a template and says what is wrong with it where it stands.
func (s *source) template(n *yaml.Node) string {
	v, ok := s.str(n)
	if !ok || s.sound {
		return v
	}
	_, diags := parseTemplate(v, s.filename, s.inner(n))
	s.diags = append(s.diags, diags...)
	return v
}

// templates reads a mapping of templates.
func (s *source) templates(n *yaml.Node, what string) map[string]string {
	out := make(map[string]string, len(n.Content)/2)
	s.entries(n, what, func(key, value *yaml.Node) { out[key.Value] = s.template(value) })
	return out
}

// functionTable is never changed.
var functionTable = map[string]function.Function{
	"abs": stdlib.AbsoluteFunc, "can": tryfunc.CanFunc, "ceil": stdlib.CeilFunc, "chomp": stdlib.ChompFunc,
	"coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc, "compact": stdlib.CompactFunc,
	"concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc, "distinct": stdlib.DistinctFunc,
	"element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc, "floor": stdlib.FloorFunc,
	"format": stdlib.FormatFunc, "join": stdlib.JoinFunc, "jsondecode": stdlib.JSONDecodeFunc,
	"jsonencode": stdlib.JSONEncodeFunc, "keys": stdlib.KeysFunc, "length": lengthFunc(),
	"lookup": stdlib.LookupFunc, "lower": stdlib.LowerFunc, "max": stdlib.MaxFunc, "merge": stdlib.MergeFunc,
	"min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "regex": stdlib.RegexFunc,
	"regexall": stdlib.RegexAllFunc, "replace": stdlib.ReplaceFunc, "reverse": stdlib.ReverseListFunc,
	"setunion": stdlib.SetUnionFunc, "slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "split": stdlib.SplitFunc,
	"strlen": stdlib.StrlenFunc, "substr": stdlib.SubstrFunc, "title": stdlib.TitleFunc,
	"tobool": stdlib.MakeToFunc(cty.Bool), "tonumber": stdlib.MakeToFunc(cty.Number),
	"tostring": stdlib.MakeToFunc(cty.String), "tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)),
	"toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)), "trim": stdlib.TrimFunc,
	"trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc,
	"try": tryfunc.TryFunc, "upper": stdlib.UpperFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
}

// lengthFunc counts the elements of a collection or the letters of a text.
func lengthFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true}},
		Type:   function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if args[0].Type() == cty.String {
				return stdlib.Strlen(args[0])
			}
			return stdlib.Length(args[0])
		},
	})
}

package diag

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// maxHintText is how much of a text value is shown.
const maxHintText = 60

// valueHints says what the references in a diagnostic's expression stand for.
// Marked values are never shown.
func valueHints(d *hcl.Diagnostic) []string {
	if d.Expression == nil || d.EvalContext == nil {
		return nil
	}
	var hints []string
	for _, t := range d.Expression.Variables() {
		v, diags := t.TraverseAbs(d.EvalContext)
		if diags.HasErrors() {
			continue
		}
		hint := Clean(Traversal(t) + " is " + describe(v))
		if !slices.Contains(hints, hint) {
			hints = append(hints, hint)
		}
	}
	slices.Sort(hints)
	return hints
}

// describe says a value in a few words.
func describe(v cty.Value) string {
	ty := v.Type()
	switch {
	case v.ContainsMarked() && (v.IsMarked() || ty.IsPrimitiveType()):
		return "(sensitive)"
	case !v.IsKnown():
		return "known after apply"
	case v.IsNull():
		return "null"
	case ty == cty.Bool:
		return strconv.FormatBool(v.True())
	case ty == cty.Number:
		if f := v.AsBigFloat(); max(f.MantExp(nil), -f.MantExp(nil)) < 64 {
			return f.Text('f', -1)
		}
		return v.AsBigFloat().Text('g', 10)
	case ty == cty.String:
		s := []rune(v.AsString())
		if len(s) > maxHintText {
			return strconv.Quote(string(s[:maxHintText])) + "…"
		}
		return strconv.Quote(string(s))
	case ty.IsObjectType():
		return counted("an object", len(ty.AttributeTypes()), "attribute")
	case ty.IsTupleType():
		return counted("a list", ty.Length(), "element")
	case ty.IsCollectionType():
		return counted("a "+ty.FriendlyName(), v.LengthInt(), "element")
	}
	return "a " + ty.FriendlyName()
}

func counted(what string, n int, of string) string {
	if n != 1 {
		of += "s"
	}
	return fmt.Sprintf("%s with %d %s", what, n, of)
}

// Traversal writes a reference as people do: network.web[0].id.
func Traversal(t hcl.Traversal) string {
	var b strings.Builder
	for _, step := range t {
		switch s := step.(type) {
		case hcl.TraverseRoot:
			b.WriteString(s.Name)
		case hcl.TraverseAttr:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.Name)
		case hcl.TraverseIndex:
			if s.Key.Type().IsPrimitiveType() {
				b.WriteString("[" + describe(s.Key) + "]")
			} else {
				b.WriteString("[...]")
			}
		case hcl.TraverseSplat:
			b.WriteString("[*]")
		}
	}
	return b.String()
}

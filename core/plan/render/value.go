package render

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
)

const (
	// lineLength is up to where a list or object stands on one line.
	lineLength = 60
	// afterApply stands for what only the cloud decides.
	afterApply = "(known after apply)"
)

// Value shows a value as it would be written in a stack.
func Value(v cty.Value) string { return block(v, 0) }

// inline shows a value on one line.
func inline(v cty.Value) string {
	text, ok := scalar(v)
	if ok {
		return text
	}
	v, _ = v.Unmark()
	var parts []string
	for it := v.ElementIterator(); it.Next(); {
		key, elem := it.Element()
		switch {
		case !isObject(v):
			parts = append(parts, inline(elem))
		case !absent(elem):
			parts = append(parts, name(key)+" = "+inline(elem))
		}
	}
	if !isObject(v) {
		return "[" + strings.Join(parts, ", ") + "]"
	}
	if len(parts) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

// block shows a value over several lines if it is long; indent is that of the
// line it begins on.
func block(v cty.Value, indent int) string {
	if p, ok := pipeline(v); ok {
		return p
	}
	if text, ok := multiline(v, indent); ok {
		return text
	}
	one := inline(v)
	if _, ok := scalar(v); ok || len(one) <= lineLength && !strings.Contains(one, "\n") {
		return one
	}
	v, _ = v.Unmark()
	pad := strings.Repeat(" ", indent+2)
	var b strings.Builder
	opening, closing := "[", "]"
	if isObject(v) {
		opening, closing = "{", "}"
	}
	b.WriteString(opening + "\n")
	longest := longestName(v)
	for it := v.ElementIterator(); it.Next(); {
		key, elem := it.Element()
		switch {
		case !isObject(v):
			b.WriteString(pad + block(elem, indent+2) + ",\n")
		case !absent(elem):
			fmt.Fprintf(&b, "%s%-*s = %s\n", pad, longest, name(key), block(elem, indent+2))
		}
	}
	b.WriteString(strings.Repeat(" ", indent) + closing)
	return b.String()
}

// longestName is the length of the longest name in an object that is shown.
func longestName(v cty.Value) int {
	longest := 0
	if !isObject(v) {
		return longest
	}
	for it := v.ElementIterator(); it.Next(); {
		if key, elem := it.Element(); !absent(elem) {
			longest = max(longest, utf8.RuneCountInString(name(key)))
		}
	}
	return longest
}

// scalar shows what has no parts, and what may not be looked into.
func scalar(v cty.Value) (string, bool) {
	switch {
	case v == cty.NilVal:
		return "nothing", true
	case v.HasMark(eval.Sensitive):
		return eval.Redacted, true
	}
	v, _ = v.Unmark()
	switch {
	case !v.IsKnown():
		return afterApply, true
	case v.IsNull():
		return "null", true
	case v.Type() == cty.String:
		return quote(v.AsString()), true
	case v.Type() == cty.Number:
		return v.AsBigFloat().Text('f', -1), true
	case v.Type() == cty.Bool:
		return fmt.Sprint(v.True()), true
	case !v.CanIterateElements():
		return fmt.Sprintf("(%s)", v.Type().FriendlyName()), true
	}
	return "", false
}

// quote writes a text as a stack would, safe for a terminal.
func quote(text string) string {
	replaced := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(text)
	return `"` + diag.Clean(replaced) + `"`
}

// multiline shows a text of several lines as such.
func multiline(v cty.Value, indent int) (string, bool) {
	if v == cty.NilVal || v.IsMarked() || !v.IsKnown() || v.IsNull() || v.Type() != cty.String {
		return "", false
	}
	text := strings.TrimSuffix(v.AsString(), "\n")
	if !strings.Contains(text, "\n") {
		return "", false
	}
	pad := "\n" + strings.Repeat(" ", indent+2)
	return "<<EOT" + pad + strings.ReplaceAll(diag.Clean(text), "\n", pad) + pad + "EOT", true
}

func isObject(v cty.Value) bool { return v.Type().IsObjectType() || v.Type().IsMapType() }

func name(key cty.Value) string {
	if text := key.AsString(); isName(text) {
		return text
	}
	return quote(key.AsString())
}

func isName(text string) bool {
	for i, r := range text {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r != '-' && (r < '0' || r > '9')) {
			return false
		}
	}
	return text != ""
}

// pipeline names a pipeline instead of listing it: its steps stand in the stack.
func pipeline(v cty.Value) (string, bool) {
	if v == cty.NilVal || v.HasMark(eval.Sensitive) {
		return "", false
	}
	v, _ = v.Unmark()
	if !v.IsKnown() || v.IsNull() || !isPipeline(v.Type()) {
		return "", false
	}
	title, _ := v.GetAttr("name").Unmark()
	steps, _ := v.GetAttr("steps").Unmark()
	if !title.IsKnown() || title.IsNull() || title.Type() != cty.String || !steps.IsKnown() || !steps.CanIterateElements() {
		return "", false
	}
	plural := "s"
	if steps.LengthInt() == 1 {
		plural = ""
	}
	return fmt.Sprintf("pipeline.%s (%d step%s)", title.AsString(), steps.LengthInt(), plural), true
}

func isPipeline(ty cty.Type) bool {
	if !ty.IsObjectType() || len(ty.AttributeTypes()) != 3 {
		return false
	}
	return ty.HasAttribute("name") && ty.HasAttribute("digest") && ty.HasAttribute("steps")
}

// keys lists the attributes of two objects, sorted.
func keys(a, b map[string]cty.Value) []string {
	seen := map[string]bool{}
	var list []string
	for _, m := range []map[string]cty.Value{a, b} {
		for key := range m {
			if !seen[key] {
				seen[key] = true
				list = append(list, key)
			}
		}
	}
	sort.Strings(list)
	return list
}

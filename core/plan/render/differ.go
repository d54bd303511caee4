package render

import (
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/plan"
)

// leaf is the innermost part of a value that differs.
type leaf struct {
	path    string
	before  cty.Value
	after   cty.Value
	replace bool
}

// differing looks into a change for the parts that differ.
func differing(c plan.Change) []leaf {
	var leaves []leaf
	descend(c.Path, c.Before, c.After, &leaves)
	if len(leaves) == 0 { // a mark alone differs, or an order that counts
		leaves = []leaf{{path: c.Path, before: c.Before, after: c.After}}
	}
	leaves = withoutDigests(leaves)
	leaves[0].replace = c.Replace
	return leaves
}

func descend(path string, before, after cty.Value, leaves *[]leaf) {
	if before.HasMark(eval.Sensitive) || after.HasMark(eval.Sensitive) {
		*leaves = append(*leaves, leaf{path: path, before: before, after: after})
		return
	}
	before, _ = before.Unmark()
	after, _ = after.Unmark()
	if before.IsKnown() && after.IsKnown() && !before.IsNull() && !after.IsNull() {
		switch {
		case isObject(before) && isObject(after):
			x, y := before.AsValueMap(), after.AsValueMap()
			for _, key := range keys(x, y) {
				descend(path+"."+key, orNull(x[key]), orNull(y[key]), leaves)
			}
			return
		case isList(before) && isList(after) && before.LengthInt() == after.LengthInt():
			x, y := before.AsValueSlice(), after.AsValueSlice()
			for i := range x {
				descend(fmt.Sprintf("%s[%d]", path, i), x[i], y[i], leaves)
			}
			return
		}
	}
	if !same(before, after) {
		*leaves = append(*leaves, leaf{path: path, before: before, after: after})
	}
}

// same compares what is shown: null and absent are one, and so are a list and
// a tuple of equal elements.
func same(a, b cty.Value) bool {
	x, y := eval.Redact(a), eval.Redact(b)
	if x.IsKnown() && y.IsKnown() && x.IsNull() && y.IsNull() {
		return true
	}
	return x.RawEquals(y)
}

func orNull(v cty.Value) cty.Value {
	if v == cty.NilVal {
		return cty.NullVal(cty.DynamicPseudoType)
	}
	return v
}

func isList(v cty.Value) bool { return v.Type().IsListType() || v.Type().IsTupleType() }

// withoutDigests leaves out check sums when what they are the sum of is shown.
func withoutDigests(leaves []leaf) []leaf {
	var rest []leaf
	for _, l := range leaves {
		if !strings.HasSuffix(l.path, ".digest") {
			rest = append(rest, l)
		}
	}
	if len(rest) == 0 {
		return leaves
	}
	return rest
}

const (
	// diffLines bounds how long a text is compared line by line.
	diffLines = 500
	// contextLines stand around a changed line.
	contextLines = 2
)

// lines compares two texts line by line; nil if that is not what the change is.
func (l leaf) lines() []string {
	before, ok := text(l.before)
	after, ok2 := text(l.after)
	if !ok || !ok2 || !strings.Contains(strings.TrimSuffix(before, "\n"), "\n") && !strings.Contains(strings.TrimSuffix(after, "\n"), "\n") {
		return nil
	}
	x, y := splitLines(before), splitLines(after)
	if len(x) > diffLines || len(y) > diffLines {
		return []string{fmt.Sprintf("- %d lines", len(x)), fmt.Sprintf("+ %d lines", len(y))}
	}
	return shorten(compareLines(x, y))
}

func text(v cty.Value) (string, bool) {
	if v.IsMarked() || !v.IsKnown() || v.IsNull() || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}

func splitLines(text string) []string {
	return strings.Split(diag.Clean(strings.TrimSuffix(text, "\n")), "\n")
}

// compareLines finds the longest common part and writes the rest as "- " and
// "+ " lines around it.
func compareLines(x, y []string) []string {
	common := make([][]int, len(x)+1) // length of the common part of x[i:] and y[j:]
	for i := range common {
		common[i] = make([]int, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []string
	i, j := 0, 0
	for i < len(x) || j < len(y) {
		switch {
		case i < len(x) && j < len(y) && x[i] == y[j]:
			out = append(out, "  "+x[i])
			i, j = i+1, j+1
		case j == len(y) || i < len(x) && common[i+1][j] >= common[i][j+1]:
			out = append(out, "- "+x[i])
			i++
		default:
			out = append(out, "+ "+y[j])
			j++
		}
	}
	return out
}

// shorten keeps only what stands near a change.
func shorten(lines []string) []string {
	keep := make([]bool, len(lines))
	for i, line := range lines {
		if !strings.HasPrefix(line, "  ") {
			for j := max(0, i-contextLines); j <= min(len(lines)-1, i+contextLines); j++ {
				keep[j] = true
			}
		}
	}
	var out []string
	for i, line := range lines {
		switch {
		case keep[i]:
			out = append(out, line)
		case i == 0 || keep[i-1]:
			out = append(out, "  …")
		}
	}
	return out
}

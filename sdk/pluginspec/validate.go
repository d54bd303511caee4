package pluginspec

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
)

// Problem is something wrong with one value of a configuration.
type Problem struct {
	Path    cty.Path
	Warning bool
	Summary string
	Detail  string
}

// Validate checks a configuration against the limits of its attributes. It is
// given what the user wrote, before defaults. Values not yet known are passed
// over, and sensitive values (any mark) are not shown in the detail.
func (t *Type) Validate(v cty.Value) []Problem { return validateObject(t.Attributes, t.Blocks, nil, v) }

// Validate is Type.Validate for the body of a step.
func (s *Step) Validate(v cty.Value) []Problem { return validateObject(s.Attributes, nil, nil, v) }

func validateObject(attrs []*Attribute, blocks []*Block, path cty.Path, v cty.Value) []Problem {
	v, marks := v.Unmark()
	if v == cty.NilVal || v.IsNull() || !v.IsKnown() {
		return nil
	}
	var out []Problem
	for _, a := range attrs {
		if v.Type().HasAttribute(a.Name) {
			out = append(out, a.validate(path.Copy().GetAttr(a.Name), v.GetAttr(a.Name).WithMarks(marks))...)
		}
	}
	out = append(out, siblingProblems(attrs, path, v)...)
	for _, b := range blocks {
		if !v.Type().HasAttribute(b.Name) {
			continue
		}
		for at, item := range b.items(path.Copy().GetAttr(b.Name), v.GetAttr(b.Name).WithMarks(marks)) {
			out = append(out, validateObject(b.Attributes, b.Blocks, at, item)...)
		}
	}
	return out
}

func (a *Attribute) validate(path cty.Path, v cty.Value) []Problem {
	hidden := a.Sensitive || a.WriteOnly || v.ContainsMarked()
	v, _ = v.UnmarkDeep()
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	var out []Problem
	if a.Deprecated != "" && (!a.Computed || a.Optional) {
		out = append(out, Problem{Path: path, Warning: true, Summary: "Deprecated argument", Detail: fmt.Sprintf("%q is deprecated: %s", a.Name, sentence(a.Deprecated))})
	}
	out = append(out, a.validateLength(path, v)...)
	if !v.Type().IsCollectionType() && !v.Type().IsTupleType() {
		return append(out, a.validateOne(path, v, hidden)...)
	}
	for it := v.ElementIterator(); it.Next(); {
		key, item := it.Element()
		at := path
		if !v.Type().IsSetType() { // elements of a set have no place
			at = path.Copy().Index(key)
		}
		out = append(out, a.validateOne(at, item, hidden)...)
	}
	return out
}

func (a *Attribute) validateLength(path cty.Path, v cty.Value) []Problem {
	if a.MinLength == nil && a.MaxLength == nil {
		return nil
	}
	length, unit := 0, "elements"
	switch {
	case v.Type() == cty.String:
		length, unit = utf8.RuneCountInString(v.AsString()), "characters"
	case v.CanIterateElements() && v.Length().IsKnown():
		length = v.LengthInt()
	default:
		return nil
	}
	switch {
	case a.MinLength != nil && length < *a.MinLength:
		return []Problem{invalid(path, "%q has %d %s; it needs at least %d.", a.Name, length, unit, *a.MinLength)}
	case a.MaxLength != nil && length > *a.MaxLength:
		return []Problem{invalid(path, "%q has %d %s; at most %d are possible.", a.Name, length, unit, *a.MaxLength)}
	}
	return nil
}

// validateOne checks a scalar: the attribute itself, or one of its elements.
func (a *Attribute) validateOne(path cty.Path, v cty.Value, hidden bool) []Problem {
	if v.IsNull() || !v.IsKnown() || !v.Type().IsPrimitiveType() {
		return nil
	}
	text := scalarText(v)
	shown := fmt.Sprintf("%q", text)
	if v.Type() == cty.Number {
		shown = text
	}
	if hidden {
		shown = "The value of \"" + a.Name + "\""
	}
	var out []Problem
	if len(a.Values) > 0 && !slices.Contains(a.Values, text) {
		hint := ""
		if !hidden && v.Type() == cty.String {
			hint = didYouMean(text, a.Values)
		}
		out = append(out, invalid(path, "%s is not a value of %q; it is one of %s.%s", shown, a.Name, quoted(a.Values), hint))
	}
	if f, ok := formats[a.Format]; ok && !f.ok(text) {
		out = append(out, invalid(path, "%s is not %s.", shown, f.want))
	}
	if a.Pattern != "" {
		if re, err := regexp.Compile(a.Pattern); err == nil && !re.MatchString(text) {
			out = append(out, invalid(path, "%s does not have the form of %q%s", shown, a.Name, a.form()))
		}
	}
	if v.Type() == cty.Number {
		n := v.AsBigFloat()
		if a.Min != nil && n.Cmp(big.NewFloat(*a.Min)) < 0 {
			out = append(out, invalid(path, "%s is too small: %q is at least %v.", shown, a.Name, *a.Min))
		}
		if a.Max != nil && n.Cmp(big.NewFloat(*a.Max)) > 0 {
			out = append(out, invalid(path, "%s is too large: %q is at most %v.", shown, a.Name, *a.Max))
		}
	}
	return out
}

// form says what a pattern demands: by an example and in the words of the
// attribute, if it has them, and last as it is.
func (a *Attribute) form() string {
	if a.ExampleText == "" && a.Doc == "" {
		return fmt.Sprintf(": it must match the pattern %s.", a.Pattern)
	}
	text := "."
	if a.ExampleText != "" {
		text = fmt.Sprintf("; an example is %s.", a.ExampleText)
	}
	if a.Doc != "" {
		text += " " + sentence(a.Doc)
	}
	return text + fmt.Sprintf(" (Exactly: %s)", a.Pattern)
}

func scalarText(v cty.Value) string {
	switch v.Type() {
	case cty.String:
		return v.AsString()
	case cty.Number:
		return v.AsBigFloat().Text('f', -1)
	}
	if v.True() {
		return "true"
	}
	return "false"
}

func invalid(path cty.Path, format string, args ...any) Problem {
	return Problem{Path: path, Summary: "Invalid value", Detail: fmt.Sprintf(format, args...)}
}

// given says whether an argument has a value; the second result is false when
// that is known only after apply.
func given(obj cty.Value, name string) (set, known bool) {
	if !obj.Type().HasAttribute(name) {
		return false, true
	}
	v, _ := obj.GetAttr(name).UnmarkDeep()
	switch {
	case !v.IsKnown():
		return false, false
	case v.IsNull():
		return false, true
	case v.CanIterateElements() && v.LengthInt() == 0 && !v.Type().IsObjectType():
		return false, true
	}
	return true, true
}

// siblingProblems checks what attributes of one object say of each other.
func siblingProblems(attrs []*Attribute, path cty.Path, obj cty.Value) []Problem {
	var out []Problem
	seen := map[string]bool{}
	once := func(kind string, group []string) bool {
		sorted := slices.Clone(group)
		slices.Sort(sorted)
		key := kind + " " + strings.Join(sorted, " ")
		first := !seen[key]
		seen[key] = true
		return first
	}
	for _, a := range attrs {
		at := path.Copy().GetAttr(a.Name)
		set, _ := given(obj, a.Name)
		for _, other := range a.Conflicts {
			if also, _ := given(obj, other); set && also && once("conflict", []string{a.Name, other}) {
				out = append(out, Problem{Path: at, Summary: "Conflicting arguments", Detail: fmt.Sprintf("%q and %q exclude each other; keep one of them.", a.Name, other)})
			}
		}
		for _, other := range a.Together {
			if also, known := given(obj, other); set && known && !also {
				out = append(out, Problem{Path: at, Summary: "Missing argument", Detail: fmt.Sprintf("%q is used together with %q; give both or neither.", a.Name, other)})
			}
		}
		if len(a.ExactlyOne) > 0 {
			group := append([]string{a.Name}, a.ExactlyOne...)
			if once("one", group) {
				out = append(out, exactlyOne(path, obj, group)...)
			}
		}
	}
	return out
}

func exactlyOne(path cty.Path, obj cty.Value, group []string) []Problem {
	var have []string
	for _, name := range group {
		set, known := given(obj, name)
		if !known {
			return nil
		}
		if set {
			have = append(have, name)
		}
	}
	switch {
	case len(have) == 0:
		return []Problem{{Path: path, Summary: "Missing argument", Detail: fmt.Sprintf("One of %s is needed.", quoted(group))}}
	case len(have) > 1:
		return []Problem{{Path: path.Copy().GetAttr(have[1]), Summary: "Conflicting arguments", Detail: tooMany(group, have)}}
	}
	return nil
}

// tooMany says that more was given than one of a group.
func tooMany(group, have []string) string {
	all := quoted(have[:len(have)-1]) + fmt.Sprintf(" and %q", have[len(have)-1])
	if len(have) == len(group) {
		return all + " exclude each other; keep one of them."
	}
	return all + fmt.Sprintf(" exclude each other; only one of %s can be given.", quoted(group))
}

// CheckRole returns the arguments that the caller's role may not set: the
// cloud would ignore them without a word. role is as the cloud names it
// (Admin, DomainAdmin, User); an unknown one counts as an ordinary user.
func (t *Type) CheckRole(v cty.Value, role string) []Problem {
	rank := map[string]int{"user": 0, "DomainAdmin": 1, "domain_admin": 1, "ResourceAdmin": 1, "Admin": 2, "admin": 2}
	var out []Problem
	if rank[role] < rank[t.Role] {
		// A role of the operator's own making may have been given the commands.
		out = append(out, Problem{Warning: true, Summary: "May not be allowed for this account", Detail: fmt.Sprintf(
			"%s is for the role %s and above, unless the operator says otherwise. If the cloud refuses it, use keys of such an account.", t.Name, strings.ReplaceAll(t.Role, "_", " "))})
	}
	t.Walk(v, func(path cty.Path, a *Attribute, v cty.Value) {
		if a.Role == "" || rank[role] >= rank[a.Role] || v.IsNull() || (a.Computed && !a.Optional) {
			return
		}
		out = append(out, Problem{Path: path, Summary: "Not allowed for this account", Detail: fmt.Sprintf(
			"%q can be set only with the role %s or above; the cloud would ignore it. Remove it, or use keys of such an account.", a.Name, strings.ReplaceAll(a.Role, "_", " "))})
	})
	return out
}

// CheckSince returns the arguments that a server of this version does not know
// yet. A version that cannot be read is not judged.
func (t *Type) CheckSince(v cty.Value, version string) []Problem {
	have := versionParts(version)
	if have == nil {
		return nil
	}
	var out []Problem
	t.Walk(v, func(path cty.Path, a *Attribute, v cty.Value) {
		need := versionParts(a.Since)
		if need == nil || v.IsNull() || a.Computed && !a.Optional || slices.Compare(have, need) >= 0 {
			return
		}
		out = append(out, Problem{Path: path, Summary: "Server is too old", Detail: fmt.Sprintf(
			"%q needs version %s of the server, and this one has %s. Remove it, or upgrade the server.", a.Name, a.Since, version)})
	})
	return out
}

// versionParts reads the numbers of a version such as 4.22.0.0; nil if it does
// not begin with any.
func versionParts(version string) []int {
	var out []int
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		out = append(out, n)
	}
	return out
}

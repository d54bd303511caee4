package eval

import (
	"slices"

	"github.com/zclconf/go-cty/cty"
)

type mark string

// Sensitive marks a value that must not be shown: it travels with the value
// through every expression.
const Sensitive = mark("sensitive")

// Redacted is shown in place of a sensitive value.
const Redacted = "(sensitive)"

// IsSensitive reports whether v or anything in it is sensitive.
func IsSensitive(v cty.Value) bool { return v.HasMarkDeep(Sensitive) }

// Unmark removes all marks and returns the paths that were sensitive, in a
// stable order, for Mark to put back.
func Unmark(v cty.Value) (cty.Value, []cty.Path) {
	plain, marked := v.UnmarkDeepWithPaths()
	var paths []cty.Path
	for _, m := range marked {
		if m.Marks.Has(Sensitive) {
			paths = append(paths, m.Path)
		}
	}
	slices.SortFunc(paths, comparePaths)
	return plain, paths
}

// Mark marks what is at the paths as sensitive. Paths that lead nowhere in v
// are ignored.
func Mark(v cty.Value, paths []cty.Path) cty.Value {
	if len(paths) == 0 {
		return v
	}
	marks := make([]cty.PathValueMarks, len(paths))
	for i, p := range paths {
		marks[i] = cty.PathValueMarks{Path: p, Marks: cty.NewValueMarks(Sensitive)}
	}
	return v.MarkWithPaths(marks)
}

// Redact returns v without marks and with every sensitive part replaced by the
// text Redacted. Its type may differ from that of v, so it is for display only.
func Redact(v cty.Value) cty.Value {
	if v.HasMark(Sensitive) {
		return cty.StringVal(Redacted)
	}
	v, _ = v.Unmark()
	if v == cty.NilVal || v.IsNull() || !v.IsKnown() || !v.CanIterateElements() {
		return v
	}
	ty := v.Type()
	if ty.IsObjectType() || ty.IsMapType() {
		attrs := map[string]cty.Value{}
		for it := v.ElementIterator(); it.Next(); {
			key, elem := it.Element()
			attrs[key.AsString()] = Redact(elem)
		}
		return cty.ObjectVal(attrs)
	}
	elems := make([]cty.Value, 0, v.LengthInt())
	for it := v.ElementIterator(); it.Next(); {
		_, elem := it.Element()
		elems = append(elems, Redact(elem))
	}
	return cty.TupleVal(elems)
}

// comparePaths orders paths by their steps: attributes and keys by text,
// numbers by value.
func comparePaths(a, b cty.Path) int {
	return slices.CompareFunc(a, b, func(x, y cty.PathStep) int {
		xs, xn := stepOrder(x)
		ys, yn := stepOrder(y)
		switch {
		case xn != yn:
			if xn < yn {
				return -1
			}
			return 1
		case xs < ys:
			return -1
		case xs > ys:
			return 1
		}
		return 0
	})
}

func stepOrder(s cty.PathStep) (string, float64) {
	switch s := s.(type) {
	case cty.GetAttrStep:
		return s.Name, -1
	case cty.IndexStep:
		switch {
		case !s.Key.IsKnown() || s.Key.IsNull() || s.Key.IsMarked():
			return "", -1
		case s.Key.Type() == cty.String:
			return s.Key.AsString(), -1
		case s.Key.Type() == cty.Number:
			n, _ := s.Key.AsBigFloat().Float64()
			return "", n
		}
	}
	return "", -1
}

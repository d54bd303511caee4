package pluginspec

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// FormatPath writes a path as users write it: source.template, egress[0].cidrs,
// scale_up["cpu"].duration. Items of a set have no name: the path ends before
// them.
func FormatPath(path cty.Path) string {
	var b strings.Builder
	for _, step := range path {
		switch step := step.(type) {
		case cty.GetAttrStep:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(step.Name)
		case cty.IndexStep:
			switch {
			case step.Key.IsKnown() && step.Key.Type() == cty.Number:
				b.WriteString("[" + step.Key.AsBigFloat().Text('f', -1) + "]")
			case step.Key.IsKnown() && step.Key.Type() == cty.String:
				b.WriteString("[" + strconv.Quote(step.Key.AsString()) + "]")
			default:
				return b.String()
			}
		}
	}
	return b.String()
}

// ParsePath reads what FormatPath writes.
func ParsePath(text string) (cty.Path, error) {
	var path cty.Path
	rest := text
	for rest != "" {
		switch {
		case rest[0] == '[':
			key, after, err := index(rest)
			if err != nil {
				return nil, fmt.Errorf("path %q: %w", text, err)
			}
			path, rest = path.Index(key), after
		default:
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			if end == 0 {
				return nil, fmt.Errorf("path %q: a name is missing", text)
			}
			path, rest = path.GetAttr(rest[:end]), rest[end:]
		}
		if strings.HasPrefix(rest, ".") {
			if rest = rest[1:]; rest == "" {
				return nil, fmt.Errorf("path %q: it ends with a dot", text)
			}
		}
	}
	return path, nil
}

// index reads [0] or ["key"] at the start of text.
func index(text string) (cty.Value, string, error) {
	inner := text[1:]
	if strings.HasPrefix(inner, `"`) {
		quoted, err := strconv.QuotedPrefix(inner)
		if err != nil || !strings.HasPrefix(inner[len(quoted):], "]") {
			return cty.NilVal, "", fmt.Errorf("%q is no index", text)
		}
		key, err := strconv.Unquote(quoted)
		if err != nil {
			return cty.NilVal, "", fmt.Errorf("%q is no index: %w", text, err)
		}
		return cty.StringVal(key), inner[len(quoted)+1:], nil
	}
	digits, after, ok := strings.Cut(inner, "]")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 0 {
		return cty.NilVal, "", fmt.Errorf("%q is no index", text)
	}
	return cty.NumberIntVal(int64(n)), after, nil
}

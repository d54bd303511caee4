package guest

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// cmdGrep knows basic, extended and fixed patterns.
func cmdGrep(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "e f m A B C regexp max-count include exclude")
	pattern, ok := o.set["e"]
	if !ok {
		if len(o.args) == 0 {
			return p.fail("usage: grep [OPTION]... PATTERNS [FILE]...")
		}
		pattern, o.args = o.args[0], o.args[1:]
	}
	re, err := grepPattern(path.Base(p.args[0]), o, pattern)
	if err != nil {
		p.fail("%v", err)
		return 2
	}
	names := p.grepFiles(o)
	list, status := p.inputs(names)
	found := false
	limit, err := strconv.Atoi(o.value("m", "max-count"))
	if err != nil {
		limit = -1
	}
	for _, in := range list {
		hits := 0
		for i, line := range in.lines() {
			if re.MatchString(line) == o.has("v") || limit >= 0 && hits >= limit {
				continue
			}
			hits++
			if o.has("q", "quiet", "c", "l") {
				continue
			}
			prefix := ""
			if (len(names) > 1 || o.has("H", "r", "R")) && !o.has("h") {
				prefix = in.name + ":"
			}
			if o.has("n") {
				prefix += strconv.Itoa(i+1) + ":"
			}
			if o.has("o") {
				for _, hit := range re.FindAllString(line, -1) {
					p.printf("%s%s\n", prefix, hit)
				}
				continue
			}
			p.printf("%s%s\n", prefix, line)
		}
		found = found || hits > 0
		switch {
		case o.has("q", "quiet"):
		case o.has("c"):
			p.printf("%d\n", hits)
		case o.has("l") && hits > 0:
			p.printf("%s\n", in.name)
		}
	}
	switch {
	case found && (status == 0 || o.has("q", "quiet")):
		return 0
	case status != 0:
		return 2
	}
	return 1
}

// grepFiles lists the files to search, walking directories with -r.
func (p *proc) grepFiles(o options) []string {
	if !o.has("r", "R") {
		return o.args
	}
	roots := o.args
	if len(roots) == 0 {
		roots = []string{"."}
	}
	var names []string
	for _, root := range roots {
		names = append(names, p.filesBelow(root)...)
	}
	return names
}

func grepPattern(name string, o options, pattern string) (*regexp.Regexp, error) {
	switch {
	case o.has("F") || name == "fgrep":
		pattern = regexp.QuoteMeta(pattern)
	case o.has("E", "P") || name == "egrep":
	default:
		pattern = basicToExtended(pattern)
	}
	pattern = strings.ReplaceAll(pattern, "\n", "|")
	if o.has("w") {
		pattern = `\b(?:` + pattern + `)\b`
	}
	if o.has("x") {
		pattern = `^(?:` + pattern + `)$`
	}
	if o.has("i") {
		pattern = "(?i)" + pattern
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("invalid regular expression: %s", pattern)
	}
	return re, nil
}

// basicToExtended turns a basic regular expression into an extended one: ( ) { }
// + ? | are ordinary there and special behind a backslash.
func basicToExtended(pattern string) string {
	var out strings.Builder
	inClass := false
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case inClass:
			inClass = c != ']' || pattern[i-1] == '[' || pattern[i-1] == '^' && i > 1 && pattern[i-2] == '['
			out.WriteByte(c)
		case c == '[':
			inClass = true
			out.WriteByte(c)
		case c == '\\' && i+1 < len(pattern) && strings.IndexByte("(){}+?|", pattern[i+1]) >= 0:
			i++
			out.WriteByte(pattern[i])
		case c == '\\' && i+1 < len(pattern):
			i++
			out.WriteString(`\` + string(pattern[i]))
		case strings.IndexByte("(){}+?|", c) >= 0:
			out.WriteString(`\` + string(c))
		case c == '*' && (i == 0 || out.String() == "^"):
			out.WriteString(`\*`)
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

package guest

import (
	"context"
	"regexp"
	"strconv"
	"strings"
)

// cmdAwk knows what one-liners in provisioning scripts use: an optional
// /pattern/ or a comparison of a field, and { print … } of fields and strings.
func cmdAwk(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "F v")
	if len(o.args) == 0 {
		return p.fail("usage: awk [-F fs] 'program' [file ...]")
	}
	m := regexp.MustCompile(`^\s*(?:/((?:[^/\\]|\\.)*)/|(\$?\w+)\s*(==|!=|>|<|>=|<=|~)\s*("[^"]*"|/[^/]*/|\d+))?\s*(?:\{\s*print\s*([^;{}]*);?\s*(exit)?;?\s*\})?\s*$`).FindStringSubmatch(o.args[0])
	if m == nil {
		p.fail("this program needs a fuller awk than the embedded guest has: %s", o.args[0])
		return 2
	}
	list, status := p.inputs(o.args[1:])
	for n, line := range allLines(list) {
		rec := awkRecord{line: line, number: n + 1, fields: strings.Fields(line)}
		if sep := o.value("F"); sep != "" && sep != " " {
			re, err := regexp.Compile(sep)
			if len(sep) == 1 || err != nil {
				rec.fields = strings.Split(line, sep)
			} else {
				rec.fields = re.Split(line, -1)
			}
		}
		if !rec.matches(m) {
			continue
		}
		p.printf("%s\n", rec.print(m[5]))
		if m[6] != "" {
			break
		}
	}
	return status
}

type awkRecord struct {
	line   string
	number int
	fields []string
}

func (r awkRecord) value(term string) string {
	switch {
	case strings.HasPrefix(term, `"`):
		return strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\"`, `"`).Replace(strings.Trim(term, `"`))
	case term == "NR":
		return strconv.Itoa(r.number)
	case term == "NF":
		return strconv.Itoa(len(r.fields))
	case term == "$NF":
		term = "$" + strconv.Itoa(len(r.fields))
	}
	if !strings.HasPrefix(term, "$") {
		return term
	}
	n, err := strconv.Atoi(term[1:])
	switch {
	case err != nil, n > len(r.fields):
		return ""
	case n == 0:
		return r.line
	}
	return r.fields[n-1]
}

func (r awkRecord) matches(m []string) bool {
	if m[1] != "" {
		ok, err := regexp.MatchString(m[1], r.line)
		return err == nil && ok
	}
	if m[2] == "" {
		return true
	}
	left := r.value(m[2])
	if m[3] == "~" {
		ok, err := regexp.MatchString(strings.Trim(m[4], "/"), left)
		return err == nil && ok
	}
	right := r.value(m[4])
	order := strings.Compare(left, right)
	if x, err := strconv.ParseFloat(left, 64); err == nil {
		if y, err := strconv.ParseFloat(right, 64); err == nil {
			order = map[bool]int{true: 1, false: -1}[x > y]
			if x == y {
				order = 0
			}
		}
	}
	return map[string]bool{"==": order == 0, "!=": order != 0, ">": order > 0, "<": order < 0, ">=": order >= 0, "<=": order <= 0}[m[3]]
}

func (r awkRecord) print(list string) string {
	if strings.TrimSpace(list) == "" {
		return r.line
	}
	var out []string
	for _, item := range regexp.MustCompile(`(?:"[^"]*"|[^,"])+`).FindAllString(list, -1) {
		var text strings.Builder
		for _, term := range regexp.MustCompile(`"[^"]*"|\$?\w+`).FindAllString(item, -1) {
			text.WriteString(r.value(term))
		}
		out = append(out, text.String())
	}
	return strings.Join(out, " ")
}

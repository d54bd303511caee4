package guest

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

func textPrograms() map[string]program {
	return map[string]program{
		"head": cmdHead, "tail": cmdHead, "cut": cmdCut, "sort": cmdSort, "uniq": cmdUniq, "wc": cmdWc, "tr": cmdTr, "seq": cmdSeq,
		"rev": cmdLines, "tac": cmdLines, "nl": cmdLines, "basename": cmdBasename, "dirname": cmdDirname, "xargs": cmdXargs,
		"sha256sum": cmdSum, "sha1sum": cmdSum, "md5sum": cmdSum, "sha512sum": cmdSum, "base64": cmdBase64, "cmp": cmdCmp, "diff": cmdCmp,
		"grep": cmdGrep, "egrep": cmdGrep, "fgrep": cmdGrep, "yes": cmdYes, "expr": cmdExpr,
		"less": cmdCat, "more": cmdCat,
	}
}

// inputs reads all operands, or standard input. A missing file is reported and
// left out.
func (p *proc) inputs(names []string) ([]input, int) {
	if len(names) == 0 {
		names = []string{"-"}
	}
	var list []input
	status := 0
	for _, name := range names {
		data, err := p.read(name)
		if err != nil {
			status = p.fail("%s: %s", name, reason(err))
			continue
		}
		list = append(list, input{name, data})
	}
	return list, status
}

type input struct {
	name string
	data []byte
}

func (i input) lines() []string {
	text := strings.TrimSuffix(string(i.data), "\n")
	if text == "" && len(i.data) == 0 {
		return nil
	}
	return strings.Split(text, "\n")
}

// allLines joins the lines of all inputs.
func allLines(list []input) []string {
	var lines []string
	for _, i := range list {
		lines = append(lines, i.lines()...)
	}
	return lines
}

func cmdCut(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "d f c b delimiter fields output-delimiter")
	list, status := p.inputs(o.args)
	sep := "\t"
	if d := o.value("d", "delimiter"); d != "" {
		sep = d
	}
	fields, chars := o.value("f", "fields"), o.value("c", "b")
	if fields == "" && chars == "" {
		return p.fail("you must specify a list of bytes, characters, or fields")
	}
	for _, line := range allLines(list) {
		if chars != "" {
			p.printf("%s\n", strings.Join(pick(strings.Split(line, ""), chars), ""))
			continue
		}
		if !strings.Contains(line, sep) {
			if !o.has("s") {
				p.printf("%s\n", line)
			}
			continue
		}
		p.printf("%s\n", strings.Join(pick(strings.Split(line, sep), fields), sep))
	}
	return status
}

// pick takes the parts that a list like "1,3-5,7-" names.
func pick(parts []string, list string) []string {
	var out []string
	for i := range parts {
		for r := range strings.SplitSeq(list, ",") {
			from, to, isRange := strings.Cut(r, "-")
			lo, err1 := strconv.Atoi(from)
			hi, err2 := strconv.Atoi(to)
			if err1 != nil {
				lo = 1
			}
			if !isRange {
				hi = lo
			} else if err2 != nil {
				hi = len(parts)
			}
			if i+1 >= lo && i+1 <= hi {
				out = append(out, parts[i])
				break
			}
		}
	}
	return out
}

func cmdSort(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "k t o")
	list, status := p.inputs(o.args)
	lines := allLines(list)
	key := func(s string) string {
		k := o.value("k")
		if k == "" {
			return s
		}
		n, err := strconv.Atoi(strings.TrimRight(strings.SplitN(strings.SplitN(k, ",", 2)[0], ".", 2)[0], "nrhV"))
		if err != nil {
			return s
		}
		parts := strings.Fields(s)
		if t := o.value("t"); t != "" {
			parts = strings.Split(s, t)
		}
		if n < 1 || n > len(parts) {
			return ""
		}
		return parts[n-1]
	}
	numeric := o.has("n", "h", "V", "g") || strings.ContainsAny(o.value("k"), "nhV")
	slices.SortStableFunc(lines, func(a, b string) int {
		x, y := key(a), key(b)
		if numeric {
			if d := leadingNumber(x) - leadingNumber(y); d != 0 {
				return map[bool]int{true: 1, false: -1}[d > 0]
			}
		}
		if o.has("f") {
			x, y = strings.ToLower(x), strings.ToLower(y)
		}
		return strings.Compare(x, y)
	})
	if o.has("r") || strings.Contains(o.value("k"), "r") {
		slices.Reverse(lines)
	}
	if o.has("u") {
		lines = slices.Compact(lines)
	}
	text := strings.Join(lines, "\n")
	if len(lines) > 0 {
		text += "\n"
	}
	if out := o.value("o"); out != "" {
		if err := p.m.disk.WriteFile(p.s.cred, p.path(out), []byte(text), 0o644); err != nil {
			return p.fail("%s", fileProblem(err))
		}
		return status
	}
	p.printf("%s", text)
	return status
}

func leadingNumber(s string) float64 {
	s = strings.TrimSpace(s)
	end := 0
	for end < len(s) && strings.ContainsRune("+-.0123456789", rune(s[end])) {
		end++
	}
	n, err := strconv.ParseFloat(s[:end], 64)
	if err != nil {
		return 0
	}
	return n
}

func cmdUniq(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	list, status := p.inputs(o.args)
	lines := allLines(list)
	for i := 0; i < len(lines); {
		j := i
		for j < len(lines) && (lines[j] == lines[i] || o.has("i") && strings.EqualFold(lines[i], lines[j])) {
			j++
		}
		n := j - i
		switch {
		case o.has("d") && n < 2, o.has("u") && n > 1:
		case o.has("c"):
			p.printf("%7d %s\n", n, lines[i])
		default:
			p.printf("%s\n", lines[i])
		}
		i = j
	}
	return status
}

func cmdWc(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	list, status := p.inputs(o.args)
	all := !o.has("l", "w", "c", "m")
	var total [3]int
	show := func(counts [3]int, name string) {
		var parts []string
		for i, flag := range []string{"l", "w", "c"} {
			if all || o.has(flag) || flag == "c" && o.has("m") {
				parts = append(parts, strconv.Itoa(counts[i]))
			}
		}
		if name != "-" {
			parts = append(parts, name)
		}
		p.printf("%s\n", strings.Join(parts, " "))
	}
	for _, in := range list {
		c := [3]int{bytes.Count(in.data, []byte("\n")), len(bytes.Fields(in.data)), len(in.data)}
		for i := range c {
			total[i] += c[i]
		}
		show(c, in.name)
	}
	if len(list) > 1 {
		show(total, "total")
	}
	return status
}

func cmdSeq(ctx context.Context, p *proc) int {
	o := parse(p.args[1:], "s f")
	nums := []int{1, 1, 1}
	var given []int
	for _, a := range o.args {
		n, err := strconv.Atoi(a)
		if err != nil {
			return p.fail("invalid floating point argument: '%s'", a)
		}
		given = append(given, n)
	}
	switch len(given) {
	case 1:
		nums[2] = given[0]
	case 2:
		nums[0], nums[2] = given[0], given[1]
	case 3:
		nums = given
	default:
		return p.fail("missing operand")
	}
	if nums[1] == 0 {
		return p.fail("invalid Zero increment value: '0'")
	}
	for i := nums[0]; (nums[1] > 0 && i <= nums[2]) || (nums[1] < 0 && i >= nums[2]); i += nums[1] {
		if ctx.Err() != nil {
			return 130
		}
		if _, err := fmt.Fprintf(p.out, "%d\n", i); err != nil {
			return 1
		}
	}
	return 0
}

func cmdLines(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "b w s")
	list, status := p.inputs(o.args)
	lines := allLines(list)
	name := path.Base(p.args[0])
	if name == "tac" {
		slices.Reverse(lines)
	}
	for i, line := range lines {
		switch name {
		case "rev":
			r := []rune(line)
			slices.Reverse(r)
			line = string(r)
		case "nl":
			line = fmt.Sprintf("%6d\t%s", i+1, line)
		}
		p.printf("%s\n", line)
	}
	return status
}

func cmdBasename(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "s")
	if len(o.args) == 0 {
		return p.fail("missing operand")
	}
	suffix := o.value("s")
	names := o.args
	if len(o.args) == 2 && !o.has("a", "s") {
		suffix, names = o.args[1], o.args[:1]
	}
	for _, n := range names {
		base := path.Base(n)
		if base != suffix {
			base = strings.TrimSuffix(base, suffix)
		}
		p.printf("%s\n", base)
	}
	return 0
}

func cmdDirname(_ context.Context, p *proc) int {
	if len(p.args) < 2 {
		return p.fail("missing operand")
	}
	for _, n := range p.args[1:] {
		p.printf("%s\n", path.Dir(strings.TrimRight(n, "/")))
	}
	return 0
}

func cmdCmp(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "U")
	if len(o.args) != 2 {
		return p.fail("missing operand")
	}
	list, status := p.inputs(o.args)
	if status != 0 {
		return 2
	}
	if bytes.Equal(list[0].data, list[1].data) {
		return 0
	}
	if !o.has("s", "q", "quiet", "brief") {
		p.printf("%s %s differ\n", o.args[0], o.args[1])
	}
	return 1
}

func cmdYes(ctx context.Context, p *proc) int {
	text := "y"
	if len(p.args) > 1 {
		text = strings.Join(p.args[1:], " ")
	}
	for written := 0; ctx.Err() == nil && written < maxFile; written += len(text) + 1 {
		if _, err := fmt.Fprintln(p.out, text); err != nil {
			return 1
		}
	}
	return 130
}

func cmdExpr(_ context.Context, p *proc) int {
	a := p.args[1:]
	if len(a) == 1 {
		p.printf("%s\n", a[0])
		return 0
	}
	if len(a) != 3 {
		p.fail("syntax error")
		return 2
	}
	x, err1 := strconv.Atoi(a[0])
	y, err2 := strconv.Atoi(a[2])
	var result string
	truth := map[bool]string{true: "1", false: "0"}
	switch op := a[1]; {
	case op == "=":
		result = truth[a[0] == a[2]]
	case op == "!=":
		result = truth[a[0] != a[2]]
	case err1 != nil || err2 != nil:
		p.fail("non-integer argument")
		return 2
	case op == "+":
		result = strconv.Itoa(x + y)
	case op == "-":
		result = strconv.Itoa(x - y)
	case op == "*":
		result = strconv.Itoa(x * y)
	case (op == "/" || op == "%") && y == 0:
		p.fail("division by zero")
		return 2
	case op == "/":
		result = strconv.Itoa(x / y)
	case op == "%":
		result = strconv.Itoa(x % y)
	case op == "<":
		result = truth[x < y]
	case op == ">":
		result = truth[x > y]
	case op == "<=":
		result = truth[x <= y]
	case op == ">=":
		result = truth[x >= y]
	default:
		p.fail("syntax error")
		return 2
	}
	p.printf("%s\n", result)
	if result == "0" || result == "" {
		return 1
	}
	return 0
}

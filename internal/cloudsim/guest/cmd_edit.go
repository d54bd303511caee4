package guest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func editPrograms() map[string]program {
	return map[string]program{"sed": cmdSed, "awk": cmdAwk}
}

// sedCommand is one command with its address.
type sedCommand struct {
	from, to *sedAddress
	negate   bool
	inRange  bool
	name     byte
	re       *regexp.Regexp
	text     string
	global   bool
	print    bool
}

type sedAddress struct {
	line int // 0: by pattern; -1: last
	re   *regexp.Regexp
}

// cmdSed knows s, d, p, a, i, c and q with line and pattern addresses.
func cmdSed(_ context.Context, p *proc) int {
	o, scripts := sedArgs(p.args[1:])
	if len(scripts) == 0 {
		if len(o.args) == 0 {
			return p.fail("no script specified")
		}
		scripts, o.args = o.args[:1], o.args[1:]
	}
	if f := o.value("f"); f != "" {
		data, err := p.read(f)
		if err != nil {
			return p.fail("couldn't open file %s: %s", f, reason(err))
		}
		scripts = append(scripts, string(data))
	}
	var program []*sedCommand
	for _, s := range scripts {
		part, err := parseSed(s, o.has("E", "r"))
		if err != nil {
			return p.fail("-e expression #1, %v", err)
		}
		program = append(program, part...)
	}
	if !o.has("i", "in-place") {
		list, status := p.inputs(o.args)
		p.printf("%s", sedRun(program, allLines(list), o.has("n", "quiet")))
		if status != 0 {
			return 2
		}
		return 0
	}
	status := 0
	for _, name := range o.args {
		data, err := p.read(name)
		if err != nil {
			p.fail("can't read %s: %s", name, reason(err))
			status = 2
			continue
		}
		if suffix := o.value("i", "in-place"); suffix != "" {
			if err := p.m.disk.Copy(p.s.cred, p.path(name), p.path(name)+suffix, true); err != nil {
				return p.fail("%s", fileProblem(err))
			}
		}
		for _, c := range program {
			c.inRange = false
		}
		out := sedRun(program, input{data: data}.lines(), o.has("n", "quiet"))
		if err := p.m.disk.WriteFile(p.s.cred, p.path(name), []byte(out), 0o644); err != nil {
			p.fail("couldn't open file %s: %s", name, reason(err))
			status = 4
		}
	}
	return status
}

// sedArgs is parse with several -e and the optional suffix of -i.
func sedArgs(args []string) (options, []string) {
	o := options{set: map[string]string{}}
	var scripts []string
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case strings.HasPrefix(a, "--expression="):
			scripts = append(scripts, strings.TrimPrefix(a, "--expression="))
		case strings.HasPrefix(a, "--"):
			name, value, _ := strings.Cut(a[2:], "=")
			o.set[map[string]string{"regexp-extended": "E", "in-place": "i", "quiet": "n", "silent": "n"}[name]] = value
		case len(a) > 1 && a[0] == '-':
			for j := 1; j < len(a); j++ {
				switch a[j] {
				case 'i':
					o.set["i"] = a[j+1:]
					j = len(a)
				case 'e', 'f':
					value := a[j+1:]
					if value == "" && i+1 < len(args) {
						i++
						value = args[i]
					}
					if a[j] == 'e' {
						scripts = append(scripts, value)
					} else {
						o.set["f"] = value
					}
					j = len(a)
				default:
					o.set[a[j:j+1]] = ""
				}
			}
		default:
			o.args = append(o.args, a)
		}
	}
	return o, scripts
}

func parseSed(text string, extended bool) ([]*sedCommand, error) {
	var program []*sedCommand
	rest := text
	for {
		rest = strings.TrimLeft(rest, " \t\n;")
		if rest == "" || rest[0] == '#' && !strings.Contains(rest, "\n") {
			return program, nil
		}
		if rest[0] == '#' {
			_, rest, _ = strings.Cut(rest, "\n")
			continue
		}
		c := &sedCommand{}
		var err error
		if rest, err = c.parseAddresses(rest, extended); err != nil {
			return nil, err
		}
		if rest == "" {
			return nil, errors.New("missing command")
		}
		c.name = rest[0]
		if rest, err = c.parseBody(rest[1:], extended); err != nil {
			return nil, err
		}
		program = append(program, c)
	}
}

func (c *sedCommand) parseAddresses(rest string, extended bool) (string, error) {
	var err error
	if c.from, rest, err = parseSedAddress(rest, extended); err != nil {
		return "", err
	}
	if strings.HasPrefix(rest, ",") {
		if c.to, rest, err = parseSedAddress(rest[1:], extended); err != nil {
			return "", err
		}
	}
	rest = strings.TrimLeft(rest, " ")
	if strings.HasPrefix(rest, "!") {
		c.negate = true
		rest = strings.TrimLeft(rest[1:], " ")
	}
	return rest, nil
}

func parseSedAddress(rest string, extended bool) (*sedAddress, string, error) {
	switch {
	case rest == "":
		return nil, rest, nil
	case rest[0] == '$':
		return &sedAddress{line: -1}, rest[1:], nil
	case rest[0] >= '0' && rest[0] <= '9':
		end := 0
		for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
			end++
		}
		n, err := strconv.Atoi(rest[:end])
		return &sedAddress{line: n}, rest[end:], err
	case rest[0] == '/', rest[0] == '\\' && len(rest) > 1:
		if rest[0] == '\\' {
			rest = rest[1:]
		}
		pattern, after, ok := untilDelimiter(rest[1:], rest[0])
		if !ok {
			return nil, "", errors.New("unterminated address regex")
		}
		re, err := sedRegexp(pattern, extended, "")
		return &sedAddress{re: re}, after, err
	}
	return nil, rest, nil
}

func (c *sedCommand) parseBody(rest string, extended bool) (string, error) {
	switch c.name {
	case 'd', 'p', 'q', '=':
		return rest, nil
	case 'a', 'i', 'c':
		rest = strings.TrimPrefix(strings.TrimLeft(rest, " "), "\\")
		rest = strings.TrimLeft(rest, "\n")
		line, after, _ := strings.Cut(rest, "\n")
		c.text = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\\`, `\`).Replace(strings.TrimLeft(line, " \t"))
		return after, nil
	case 's', 'y':
	default:
		return "", fmt.Errorf("unknown command: `%c'", c.name)
	}
	if rest == "" {
		return "", errors.New("unterminated `s' command")
	}
	delimiter := rest[0]
	pattern, rest, ok := untilDelimiter(rest[1:], delimiter)
	if !ok {
		return "", errors.New("unterminated `s' command")
	}
	replacement, rest, ok := untilDelimiter(rest, delimiter)
	if !ok {
		return "", errors.New("unterminated `s' command")
	}
	flags := ""
	for rest != "" && strings.IndexByte("gpiI0123456789", rest[0]) >= 0 {
		flags += rest[:1]
		rest = rest[1:]
	}
	if c.name == 'y' {
		c.text = pattern + "\x00" + replacement
		return rest, nil
	}
	re, err := sedRegexp(pattern, extended, flags)
	c.re, c.text = re, replacement
	c.global, c.print = strings.Contains(flags, "g"), strings.Contains(flags, "p")
	return rest, err
}

// untilDelimiter takes text up to an unescaped delimiter.
func untilDelimiter(s string, delimiter byte) (string, string, bool) {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			if s[i+1] != delimiter {
				out.WriteByte('\\')
			}
			i++
			out.WriteByte(s[i])
		case s[i] == delimiter:
			return out.String(), s[i+1:], true
		default:
			out.WriteByte(s[i])
		}
	}
	return "", "", false
}

func sedRegexp(pattern string, extended bool, flags string) (*regexp.Regexp, error) {
	if !extended {
		pattern = basicToExtended(pattern)
	}
	if strings.ContainsAny(flags, "iI") {
		pattern = "(?i)" + pattern
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("invalid regular expression %q", pattern)
	}
	return re, nil
}

func (c *sedCommand) applies(n, last int, line string) bool {
	hit := func(a *sedAddress) bool {
		switch {
		case a.re != nil:
			return a.re.MatchString(line)
		case a.line < 0:
			return n == last
		}
		return n == a.line
	}
	var yes bool
	switch {
	case c.from == nil:
		yes = true
	case c.to == nil:
		yes = hit(c.from)
	case c.inRange:
		yes = true
		if hit(c.to) || c.to.re == nil && c.to.line > 0 && n >= c.to.line {
			c.inRange = false
		}
	case hit(c.from):
		yes = true
		c.inRange = c.to.re != nil || c.to.line < 0 && n != last || c.to.line > n
	}
	return yes != c.negate
}

func sedRun(program []*sedCommand, lines []string, quiet bool) string {
	var out strings.Builder
lines:
	for i, line := range lines {
		var after []string
		for _, c := range program {
			if !c.applies(i+1, len(lines), line) {
				continue
			}
			switch c.name {
			case 'd':
				continue lines
			case 'c':
				out.WriteString(c.text + "\n")
				continue lines
			case 'p':
				out.WriteString(line + "\n")
			case '=':
				fmt.Fprintln(&out, i+1)
			case 'i':
				out.WriteString(c.text + "\n")
			case 'a':
				after = append(after, c.text)
			case 'y':
				from, to, _ := strings.Cut(c.text, "\x00")
				line = strings.Map(func(r rune) rune {
					if at := slices.Index([]rune(from), r); at >= 0 && at < len([]rune(to)) {
						return []rune(to)[at]
					}
					return r
				}, line)
			case 's':
				next, changed := c.substitute(line)
				line = next
				if changed && c.print {
					out.WriteString(line + "\n")
				}
			case 'q':
				if !quiet {
					out.WriteString(line + "\n")
				}
				return out.String()
			}
		}
		if !quiet {
			out.WriteString(line + "\n")
		}
		for _, a := range after {
			out.WriteString(a + "\n")
		}
	}
	return out.String()
}

func (c *sedCommand) substitute(line string) (string, bool) {
	var out strings.Builder
	at, done := 0, false
	for _, m := range c.re.FindAllStringSubmatchIndex(line, -1) {
		if done && !c.global {
			break
		}
		done = true
		out.WriteString(line[at:m[0]])
		for i := 0; i < len(c.text); i++ {
			switch ch := c.text[i]; {
			case ch == '&':
				out.WriteString(line[m[0]:m[1]])
			case ch == '\\' && i+1 < len(c.text):
				i++
				switch d := c.text[i]; {
				case d >= '0' && d <= '9':
					if g := int(d-'0') * 2; g+1 < len(m) && m[g] >= 0 {
						out.WriteString(line[m[g]:m[g+1]])
					}
				case d == 'n':
					out.WriteByte('\n')
				case d == 't':
					out.WriteByte('\t')
				default:
					out.WriteByte(d)
				}
			default:
				out.WriteByte(ch)
			}
		}
		at = m[1]
	}
	out.WriteString(line[at:])
	return out.String(), done
}

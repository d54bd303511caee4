package yamlbody

import (
	"bytes"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// span is where a scalar's value comes from: for each byte of the value, the
// source bytes that made it.
type span struct {
	from, to []int // per byte of the value
	open     int   // where the scalar starts, quotes included
	close    int   // behind its last byte, quotes included
}

// at maps a range of the value to the source.
func (s span) at(start, end int) (int, int) {
	if len(s.from) == 0 {
		return s.open, s.close
	}
	from := s.close
	if start < len(s.from) {
		from = s.from[max(start, 0)]
	} else if len(s.to) > 0 {
		from = s.to[len(s.to)-1]
	}
	if end <= start || end < 1 {
		return from, from
	}
	return from, s.to[min(end, len(s.to))-1]
}

func (s *span) add(bytes, from, to int) {
	for range bytes {
		s.from, s.to = append(s.from, from), append(s.to, to)
	}
}

// scalar finds where the value of a scalar comes from. Should the source not
// lead to the value the library read, everything maps to the whole scalar, so
// that places are vague but never wrong.
func (t *text) scalar(n *yaml.Node) span {
	start := t.skipProperties(t.offset(n.Line, n.Column), n)
	var s span
	var value []byte
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		s, value = t.flow(start+1, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		s, value = t.flow(start+1, '\'')
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		s, value = t.block(start, n.Value)
	default:
		s, value = t.plain(start, n.Value)
	}
	s.open = start
	if string(value) != n.Value {
		s.from, s.to = nil, nil
		s.add(len(n.Value), start, s.close)
	}
	return s
}

// flow reads a quoted scalar from behind its opening quote.
func (t *text) flow(at int, quote byte) (span, []byte) {
	var s span
	var value []byte
	emit := func(out string, from, to int) {
		value = append(value, out...)
		s.add(len(out), from, to)
	}
	for at < len(t.src) {
		c := t.src[at]
		switch {
		case c == quote && quote == '\'' && at+1 < len(t.src) && t.src[at+1] == '\'':
			emit("'", at, at+2)
			at += 2
		case c == quote:
			s.close = at + 1
			return s, value
		case c == '\\' && quote == '"':
			out, next := t.escape(at)
			emit(out, at, next)
			at = next
		case isBlank(c):
			out, next := t.fold(at)
			if out == "" { // blanks within a line stay
				out = string(t.src[at:next])
				for i := range out {
					emit(out[i:i+1], at+i, at+i+1)
				}
			} else {
				emit(out, at, next)
			}
			at = next
		default:
			value = append(value, c)
			s.add(1, at, at+1)
			at++
		}
	}
	s.close = len(t.src)
	return s, value
}

// fold reads a run of blanks. With line breaks it is one space, or a line break
// for each further one; without, "" says that it stays as it is.
func (t *text) fold(at int) (out string, next int) {
	breaks := 0
	next = at
	for next < len(t.src) && isBlank(t.src[next]) {
		if c := t.src[next]; c == '\n' || c == '\r' && (next+1 == len(t.src) || t.src[next+1] != '\n') {
			breaks++
		}
		next++
	}
	switch breaks {
	case 0:
		return "", next
	case 1:
		return " ", next
	}
	return strings.Repeat("\n", breaks-1), next
}

// escape reads one escape sequence of a double-quoted scalar.
func (t *text) escape(at int) (out string, next int) {
	if at+1 >= len(t.src) {
		return "", at + 1
	}
	const plain = "0\x00a\ab\bt\tn\nv\vf\fr\re\x1b \x20\"\"//\\\\\t\t"
	c := t.src[at+1]
	for i := 0; i < len(plain); i += 2 {
		if plain[i] == c {
			return plain[i+1 : i+2], at + 2
		}
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	switch {
	case digits > 0 && at+2+digits <= len(t.src):
		r, err := strconv.ParseUint(string(t.src[at+2:at+2+digits]), 16, 32)
		if err != nil {
			return "", at + 2
		}
		return string(rune(r)), at + 2 + digits
	case c == 'N':
		return "\u0085", at + 2
	case c == '_':
		return "\u00a0", at + 2
	case c == 'L':
		return "\u2028", at + 2
	case c == 'P':
		return "\u2029", at + 2
	case isBlank(c): // an escaped line break joins the lines
		folded, next := t.fold(at + 1)
		return strings.TrimPrefix(folded, " "), next
	}
	return "", at + 2
}

// plain follows a scalar without quotes, knowing its value.
func (t *text) plain(at int, want string) (span, []byte) {
	var s span
	var value []byte
	for len(value) < len(want) && at < len(t.src) {
		if isBlank(t.src[at]) {
			out, next := t.fold(at)
			if out != "" {
				value = append(value, out...)
				s.add(len(out), at, next)
				at = next
				continue
			}
		}
		value = append(value, t.src[at])
		s.add(1, at, at+1)
		at++
	}
	s.close = at
	return s, value
}

// block follows a literal or folded scalar, knowing its value: each source
// line, without its indentation, turns up in the value in order.
func (t *text) block(at int, want string) (span, []byte) {
	header, rest := t.line(at)
	indent := 0
	if i := bytes.IndexAny(t.src[at:header], "123456789"); i >= 0 && !bytes.ContainsRune(t.src[at:at+i], '#') {
		// An explicit indicator counts from the parent's indentation, which is
		// not at hand: take what makes the first line fit.
		line, _ := t.line(rest)
		first, _, _ := strings.Cut(want, "\n")
		indent = max(line-rest-len(first), 0)
	}
	var s span
	done := 0
	for done < len(want) && rest < len(t.src) {
		start := rest
		end, next := t.line(start)
		content := t.src[start:end]
		if indent == 0 {
			if trimmed := bytes.TrimLeft(content, " "); len(trimmed) > 0 {
				indent = len(content) - len(trimmed)
			}
		}
		skip := min(indent, len(content))
		content = content[skip:]
		if len(content) > 0 {
			// Line breaks of the value that come before belong to the end of the
			// line before.
			for !strings.HasPrefix(want[done:], string(content)) && done < len(want) && (want[done] == '\n' || want[done] == ' ') {
				s.add(1, max(start-1, 0), start)
				done++
			}
			if !strings.HasPrefix(want[done:], string(content)) {
				break
			}
			for i := range content {
				s.add(1, start+skip+i, start+skip+i+1)
			}
			done += len(content)
			s.close = end
		}
		rest = next
	}
	for ; done < len(want) && (want[done] == '\n' || want[done] == ' '); done++ {
		s.add(1, min(s.close, len(t.src)), min(s.close+1, len(t.src)))
	}
	s.close = max(s.close, at+1)
	return s, []byte(want[:done])
}

// line returns the end of the line at an offset and the start of the next.
func (t *text) line(at int) (end, next int) {
	for end = at; end < len(t.src); end++ {
		switch t.src[end] {
		case '\n':
			return end, end + 1
		case '\r':
			if end+1 < len(t.src) && t.src[end+1] == '\n' {
				return end, end + 2
			}
			return end, end + 1
		}
	}
	return end, end
}

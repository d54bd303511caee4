package php

import (
	"fmt"
	"strings"
)

type tokKind int

const (
	tokEnd tokKind = iota
	tokHTML
	tokName
	tokVar
	tokNumber
	tokString   // no interpolation left: text
	tokTemplate // a double-quoted string, still to be interpolated
	tokOp
)

type token struct {
	kind tokKind
	text string
	line int
}

// operators, longest first.
var operators = []string{
	"===", "!==", "<=>", "...", "==", "!=", "<=", ">=", "&&", "||", "??", "++", "--", ".=", "+=", "-=", "*=", "/=", "=>", "->", "::",
	"(", ")", "[", "]", "{", "}", ";", ",", ".", "+", "-", "*", "/", "%", "=", "<", ">", "!", "?", ":", "@", "&", "|",
}

// scan splits a page into text and code.
func scan(source string) ([]token, error) {
	s := &scanner{src: source, line: 1}
	for {
		at := strings.Index(s.src, "<?")
		if at < 0 {
			s.html(s.src)
			return append(s.toks, token{kind: tokEnd, line: s.line}), nil
		}
		rest := s.src[at+2:]
		echo := false
		switch {
		case strings.HasPrefix(rest, "php"):
			rest = rest[3:]
		case strings.HasPrefix(rest, "="):
			rest, echo = rest[1:], true
		default: // <?xml
			s.html(s.src[:at+2])
			s.src = rest
			continue
		}
		s.html(s.src[:at])
		s.src = rest
		if echo {
			s.add(tokName, "echo")
		}
		if err := s.code(); err != nil {
			return nil, err
		}
		// A closing tag ends the statement.
		s.add(tokOp, ";")
	}
}

type scanner struct {
	src  string
	line int
	toks []token
}

func (s *scanner) add(kind tokKind, text string) {
	s.toks = append(s.toks, token{kind, text, s.line})
}

func (s *scanner) html(text string) {
	s.line += strings.Count(text, "\n")
	if text != "" {
		s.add(tokHTML, text)
	}
}

func (s *scanner) take(n int) string {
	text := s.src[:n]
	s.line += strings.Count(text, "\n")
	s.src = s.src[n:]
	return text
}

// code scans up to and over the closing tag or to the end.
func (s *scanner) code() error {
	for s.src != "" {
		switch c := s.src[0]; {
		case strings.HasPrefix(s.src, "?>"):
			s.take(2)
			if strings.HasPrefix(s.src, "\n") {
				s.take(1)
			}
			return nil
		case strings.ContainsRune(" \t\r\n", rune(c)):
			s.take(1)
		case c == '#', strings.HasPrefix(s.src, "//"):
			end := strings.IndexByte(s.src, '\n')
			if tag := strings.Index(s.src, "?>"); tag >= 0 && (end < 0 || tag < end) {
				end = tag
			}
			if end < 0 {
				end = len(s.src)
			}
			s.take(end)
		case strings.HasPrefix(s.src, "/*"):
			end := strings.Index(s.src[2:], "*/")
			if end < 0 {
				return fmt.Errorf("unterminated comment starting line %d", s.line)
			}
			s.take(end + 4)
		case c == '\'' || c == '"':
			if err := s.str(c); err != nil {
				return err
			}
		case c == '$' && len(s.src) > 1 && isNameStart(s.src[1]):
			n := nameLen(s.src[1:]) + 1
			s.add(tokVar, s.take(n)[1:])
		case isNameStart(c):
			s.add(tokName, s.take(nameLen(s.src)))
		case c >= '0' && c <= '9':
			n := 0
			for n < len(s.src) && (s.src[n] >= '0' && s.src[n] <= '9' || s.src[n] == '.' && n+1 < len(s.src) && s.src[n+1] >= '0' && s.src[n+1] <= '9') {
				n++
			}
			s.add(tokNumber, s.take(n))
		default:
			if !s.operator() {
				return fmt.Errorf("syntax error, unexpected '%c' on line %d", c, s.line)
			}
		}
	}
	return nil
}

func (s *scanner) operator() bool {
	for _, op := range operators {
		if strings.HasPrefix(s.src, op) {
			s.take(len(op))
			s.add(tokOp, op)
			return true
		}
	}
	return false
}

func (s *scanner) str(quote byte) error {
	for i := 1; i < len(s.src); i++ {
		switch s.src[i] {
		case '\\':
			i++
		case quote:
			text := s.take(i + 1)
			text = text[1 : len(text)-1]
			if quote == '"' {
				s.add(tokTemplate, text)
			} else {
				s.add(tokString, strings.NewReplacer(`\\`, `\`, `\'`, `'`).Replace(text))
			}
			return nil
		}
	}
	return fmt.Errorf("unterminated string starting line %d", s.line)
}

func isNameStart(c byte) bool {
	return c == '_' || c == '\\' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func nameLen(s string) int {
	n := 0
	for n < len(s) && (isNameStart(s[n]) || s[n] >= '0' && s[n] <= '9') {
		n++
	}
	return n
}

package nesting

import "bytes"

// plain tells that text surely keeps to the limits, at a fraction of what
// lexing costs. It follows brackets and quotes; of what it does not understand
// (heredocs, long comments, odd quotes) it says false.
func plain(src []byte) bool {
	s := scanner{src: src}
	for s.at < len(src) {
		ok := false
		if n := len(s.open); n > 0 && s.open[n-1] == '"' {
			ok = s.quoted()
		} else {
			ok = s.bare()
		}
		if !ok || len(s.open) > maxNesting || s.operators > maxOperators {
			return false
		}
	}
	return true
}

type scanner struct {
	src       []byte
	at        int
	open      []byte // brackets and quotes; '$' is a template in a quote
	operators int    // in all of the text
}

// starts tells whether the text goes on with prefix.
func (s *scanner) starts(prefix string) bool {
	return bytes.HasPrefix(s.src[s.at:], []byte(prefix))
}

// bare takes one piece of text outside quotes.
func (s *scanner) bare() bool {
	c := s.src[s.at]
	switch c {
	case '"', '{', '(':
		s.open = append(s.open, c)
	case '[':
		s.open = append(s.open, c)
		s.operators++
	case '}', ')', ']':
		if len(s.open) > 0 {
			s.open = s.open[:len(s.open)-1]
		}
	case '#':
		s.line()
		return true
	case '/':
		if s.starts("/*") {
			return false
		}
		if s.starts("//") {
			s.line()
			return true
		}
		s.operators++
	case '<':
		if s.starts("<<") {
			return false
		}
		s.operators++
	case '!', '-', '+', '*', '%', '?', '&', '|', '>':
		s.operators++
	case '=':
		if s.starts("==") {
			s.operators++
		}
	}
	s.at++
	return true
}

// quoted takes one piece of text inside quotes.
func (s *scanner) quoted() bool {
	switch s.src[s.at] {
	case '"':
		s.open = s.open[:len(s.open)-1]
	case '\\':
		s.at++
	case '\n':
		return false
	case '$', '%':
		if s.starts("$$") || s.starts("%%") {
			return false
		}
		if s.at+1 < len(s.src) && s.src[s.at+1] == '{' {
			s.open = append(s.open, '$')
			s.operators++
			s.at++
		}
	}
	s.at++
	return true
}

// line passes over the rest of a line.
func (s *scanner) line() {
	if n := bytes.IndexByte(s.src[s.at:], '\n'); n >= 0 {
		s.at += n
		return
	}
	s.at = len(s.src)
}

package pluginspec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v4"
)

// source is the text of one plugin.yaml with what is wrong in it so far. It
// turns positions of YAML nodes into ranges of the file.
type source struct {
	filename string
	text     []byte
	lines    []int // byte offset of the start of each line
	diags    hcl.Diagnostics
	probe    *probe // nil unless the format itself is asked for
	sound    bool   // the text is known to have no mistakes
}

func newSource(filename string, text []byte) *source {
	s := &source{filename: filename, text: text, lines: []int{0}}
	for i, b := range text {
		if b == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// document reads the one document of the file; nil means that diagnostics say
// why there is none.
func (s *source) document() *yaml.Node {
	if !utf8.Valid(s.text) {
		s.failAt(hcl.Range{Filename: s.filename, Start: hcl.InitialPos, End: hcl.InitialPos},
			"Not a text file", "A plugin.yaml is UTF-8 text; this file holds other bytes.")
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(s.text))
	var doc, next yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) || (err == nil && len(doc.Content) == 0) {
		s.failAt(s.at(1, 1, 0), "Empty plugin.yaml", `The file holds nothing. It starts with "plugin: NAME".`)
		return nil
	}
	if err != nil {
		s.syntax(err)
		return nil
	}
	switch err := dec.Decode(&next); {
	case err == nil:
		s.fail(next.Content[0], "Several YAML documents", "A plugin.yaml is one document; remove the line with three dashes and what follows.")
	case !errors.Is(err, io.EOF):
		s.syntax(err)
		return nil
	}
	return doc.Content[0]
}

// syntax reports what the YAML library refused, at its position.
func (s *source) syntax(err error) {
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		s.failAt(s.at(1, 1, 0), "Invalid YAML", sentence(err.Error()))
		return
	}
	s.failAt(s.at(max(load.Mark.Line, 1), max(load.Mark.Column, 1), 1), "Invalid YAML", sentence(load.Message))
}

// at is the range of length bytes from a line and column, both from 1.
func (s *source) at(line, column, length int) hcl.Range {
	start := hcl.Pos{Line: line, Column: column, Byte: len(s.text)}
	if line >= 1 && line <= len(s.lines) {
		start.Byte = s.lines[line-1]
		for i := 1; i < column && start.Byte < len(s.text); i++ {
			_, size := utf8.DecodeRune(s.text[start.Byte:])
			start.Byte += size
		}
	}
	end := start
	end.Byte = min(start.Byte+length, len(s.text))
	end.Column += utf8.RuneCount(s.text[start.Byte:end.Byte])
	return hcl.Range{Filename: s.filename, Start: start, End: end}
}

// rangeOf is where a node stands: a scalar on one line as a whole, of anything
// else the start.
func (s *source) rangeOf(n *yaml.Node) hcl.Range {
	start := s.at(n.Line, n.Column, 1)
	if n.Kind != yaml.ScalarNode {
		return start
	}
	rest := s.text[start.Start.Byte:]
	if i := bytes.IndexByte(rest, '\n'); i >= 0 {
		rest = bytes.TrimRight(rest[:i], "\r")
	}
	length := 1
	switch {
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 && len(rest) > 0:
		length = quotedLength(rest)
	case bytes.HasPrefix(rest, []byte(n.Value)):
		length = len(n.Value)
	}
	return s.at(n.Line, n.Column, length)
}

// quotedLength is the length of the quoted scalar that line starts with.
func quotedLength(line []byte) int {
	quote := line[0]
	for i := 1; i < len(line); i++ {
		switch {
		case line[i] == '\\' && quote == '"':
			i++
		case line[i] == quote && quote == '\'' && i+1 < len(line) && line[i+1] == quote:
			i++
		case line[i] == quote:
			return i + 1
		}
	}
	return len(line)
}

// inner is where the text of a scalar starts: after the quote, if any.
func (s *source) inner(n *yaml.Node) hcl.Pos {
	start := s.at(n.Line, n.Column, 0).Start
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		start.Column++
		start.Byte++
	}
	return start
}

// fail adds an error about a node.
func (s *source) fail(n *yaml.Node, summary, format string, args ...any) {
	s.failAt(s.rangeOf(n), summary, fmt.Sprintf(format, args...))
}

func (s *source) failAt(rng hcl.Range, summary, detail string) {
	s.diags = append(s.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &rng})
}

// sentence makes the text of an error read as one.
func sentence(text string) string {
	if text == "" {
		return text
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if !strings.ContainsAny(text[len(text)-1:], ".!?") {
		text += "."
	}
	return text
}

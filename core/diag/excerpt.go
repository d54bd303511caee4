package diag

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

const (
	maxCode = 120  // columns of a source line that are shown
	maxNear = 2000 // bytes before and behind the place that are looked at
)

// excerpt is the source line a diagnostic is about, ready for a terminal.
type excerpt struct {
	line   int
	code   string
	indent int // columns before the marked part
	length int // columns of the marked part, at least one
}

// excerptOf returns nil if the source is not at hand.
func excerptOf(files map[string]*hcl.File, subject *hcl.Range) *excerpt {
	if subject == nil || files[subject.Filename] == nil {
		return nil
	}
	src := files[subject.Filename].Bytes
	start := subject.Start.Byte
	if len(src) == 0 || start < 0 || start > len(src) || subject.Start.Line < 1 {
		return nil
	}
	from := bytes.LastIndexByte(src[:start], '\n') + 1
	to := len(src)
	if i := bytes.IndexByte(src[start:], '\n'); i >= 0 {
		to = start + i
	}
	end := min(max(subject.End.Byte, start), to)
	if bytes.IndexByte(src[start:end], 0) >= 0 {
		return nil // the line of a binary file helps nobody
	}
	// Of a very long line only what is near is looked at.
	from, to = max(from, runeStart(src, start-maxNear)), runeStart(src, min(to, end+maxNear))
	line := maskSecrets(src[from:to])
	end = min(end, start+maxNear, to)
	before, marked, after := visible(line[:start-from]), visible(line[start-from:end-from]), visible(line[end-from:])
	if skip := width(before) + min(width(marked), maxCode/2) - maxCode; skip > 0 {
		before = "…" + cutLeft(before, skip+1)
	}
	marked = cutRight(marked, maxCode-width(before))
	after = cutRight(after, max(maxCode-width(before)-width(marked), 0))
	return &excerpt{
		line: subject.Start.Line, code: strings.TrimRight(before+marked+after, " "),
		indent: width(before), length: max(width(marked), 1),
	}
}

// runeStart moves an offset back to where a character starts.
func runeStart(src []byte, at int) int {
	at = min(max(at, 0), len(src))
	for at > 0 && at < len(src) && !utf8.RuneStart(src[at]) {
		at--
	}
	return at
}

// A secret written out in a stack: a text in quotes, or in YAML without.
var secretValue = regexp.MustCompile(`(?i)(?:secret|passw|api_?key|private_?key|token|credential)[a-z0-9_"']*\s*(?:[=:]\s*"([^"]*)|:\s*'([^']*)|:\s+([^\s"'{\[$&*|>#][^\s,}#]*))`)

// maskSecrets puts stars in place of secrets written out in a line, byte for
// byte so that places stay.
func maskSecrets(line []byte) []byte {
	found := secretValue.FindAllSubmatchIndex(line, -1)
	if found == nil {
		return line
	}
	line = bytes.Clone(line)
	for _, m := range found {
		for g := 2; g+1 < len(m); g += 2 {
			if m[g] >= 0 && !bytes.HasPrefix(line[m[g]:m[g+1]], []byte("${")) {
				copy(line[m[g]:m[g+1]], bytes.Repeat([]byte{'*'}, m[g+1]-m[g]))
			}
		}
	}
	return line
}

// visible makes a piece of a source line safe to print.
func visible(raw []byte) string {
	s := strings.TrimSuffix(string(raw), "\r")
	return Clean(strings.ReplaceAll(s, "\t", "    "))
}

// cutLeft drops runes from the start until at least n columns are gone.
func cutLeft(s string, n int) string {
	for i, r := range s {
		if n <= 0 {
			return s[i:]
		}
		n -= runeWidth(r)
	}
	return ""
}

// cutRight keeps at most n columns.
func cutRight(s string, n int) string {
	if width(s) <= n {
		return s
	}
	for i, r := range s {
		if n -= runeWidth(r); n < 1 {
			return s[:i] + "…"
		}
	}
	return s
}

// blockAt names the block around a place, as the syntax of its file says it.
func blockAt(files map[string]*hcl.File, subject *hcl.Range) string {
	file := files[subject.Filename]
	if file == nil {
		return ""
	}
	if nav, ok := file.Nav.(interface{ ContextString(offset int) string }); ok {
		return Clean(nav.ContextString(subject.Start.Byte))
	}
	return ""
}

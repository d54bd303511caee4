package diag

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// Printer writes diagnostics for people.
type Printer struct {
	Files map[string]*hcl.File // sources to show excerpts of
	Width int                  // columns to wrap at, 0 for no wrapping
	Color bool
}

// Print writes the diagnostics, sorted and without repetitions, with an empty
// line after each.
func (p Printer) Print(w io.Writer, diags hcl.Diagnostics) error {
	var b strings.Builder
	for _, d := range Sort(diags) {
		p.one(&b, d)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write diagnostics: %w", err)
	}
	return nil
}

func (p Printer) one(b *strings.Builder, d *hcl.Diagnostic) {
	word, color := "Error", "\x1b[31m"
	if d.Severity == hcl.DiagWarning {
		word, color = "Warning", "\x1b[33m"
	}
	fmt.Fprintf(b, "%s: %s\n", p.paint(word, "\x1b[1m"+color), Clean(d.Summary))
	if place := p.place(d); place != "" {
		fmt.Fprintf(b, "  %s\n", place)
	}
	if ex := excerptOf(p.Files, d.Subject); ex != nil {
		number := fmt.Sprintf("%5d: ", ex.line)
		fmt.Fprintf(b, "%s%s\n", number, ex.code)
		marks := strings.Repeat(" ", width(number)+ex.indent) + p.paint(strings.Repeat("^", ex.length), color)
		fmt.Fprintf(b, "%s\n", marks)
	}
	if d.Detail != "" {
		b.WriteString(wrap(Clean(d.Detail), p.Width))
		b.WriteByte('\n')
	}
	for _, hint := range valueHints(d) {
		fmt.Fprintf(b, "  %s\n", hint)
	}
	b.WriteByte('\n')
}

// place says where: file and line with the enclosing block, else the address.
func (p Printer) place(d *hcl.Diagnostic) string {
	address := Clean(Address(d))
	if d.Subject == nil {
		if address == "" {
			return ""
		}
		return "in " + address + ":"
	}
	place := fmt.Sprintf("on %s line %d, column %d", Clean(d.Subject.Filename), d.Subject.Start.Line, d.Subject.Start.Column)
	if block := blockAt(p.Files, d.Subject); block != "" {
		place += ", in " + block
	} else if address != "" {
		place += ", in " + address
	}
	return place + ":"
}

func (p Printer) paint(s, code string) string {
	if !p.Color {
		return s
	}
	return code + s + "\x1b[0m"
}

// Clean makes foreign text safe for a terminal: control characters and those
// that change the direction of writing become visible escapes.
func Clean(s string) string {
	if !strings.ContainsFunc(s, unsafeRune) {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		if unsafeRune(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unsafeRune(r rune) bool {
	return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029')
}

// wrap breaks lines at spaces so that none is wider than limit if that can be
// helped. Lines that start with a space (commands, lists) stay as they are.
func wrap(s string, limit int) string {
	if limit <= 0 {
		return s
	}
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		if strings.HasPrefix(line, " ") || width(line) <= limit {
			out = append(out, line)
			continue
		}
		current := ""
		for word := range strings.FieldsSeq(line) {
			if current != "" && width(current)+1+width(word) > limit {
				out = append(out, current)
				current = word
				continue
			}
			current = strings.TrimPrefix(current+" "+word, " ")
		}
		out = append(out, current)
	}
	return strings.Join(out, "\n")
}

// width is the number of terminal columns s takes.
func width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case r < utf8.RuneSelf:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && r <= 0x115F, r >= 0x2E80 && r <= 0xA4CF, r >= 0xAC00 && r <= 0xD7A3, r >= 0xF900 && r <= 0xFAFF,
		r >= 0xFE30 && r <= 0xFE6F, r >= 0xFF00 && r <= 0xFF60, r >= 0xFFE0 && r <= 0xFFE6, r >= 0x1F300 && r <= 0x1FAFF, r >= 0x20000 && r <= 0x3FFFD:
		return 2
	}
	return 1
}

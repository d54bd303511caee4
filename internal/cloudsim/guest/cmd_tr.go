package guest

import (
	"bufio"
	"context"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

func cmdTr(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	if len(o.args) == 0 {
		return p.fail("missing operand")
	}
	from := expandSet(o.args[0])
	var to []rune
	if len(o.args) > 1 {
		to = expandSet(o.args[1])
	}
	var last rune
	translate := func(text string) string {
		var out strings.Builder
		for _, r := range text {
			i := slices.Index(from, r)
			if o.has("c", "C") {
				i = map[bool]int{true: 0, false: -1}[i < 0]
			}
			switch {
			case i < 0:
				last = 0
				out.WriteRune(r)
				continue
			case o.has("d"):
				continue
			case len(to) > 0:
				r = to[min(i, len(to)-1)]
			}
			if o.has("s") && r == last {
				continue
			}
			last = r
			out.WriteRune(r)
		}
		return out.String()
	}
	// Piece by piece: "tr -dc a-z < /dev/urandom | head -c 8" has no end.
	in := bufio.NewReader(p.in)
	for {
		piece := make([]byte, 4096)
		n, err := in.Read(piece)
		if n > 0 {
			for more := 0; more < 3 && !utf8.Valid(piece[:n]); more++ {
				// A character may be cut in the middle; bytes that are none pass as they are.
				b, err := in.ReadByte()
				if err != nil {
					break
				}
				piece = append(piece[:n], b)
				n++
			}
			if _, err := io.WriteString(p.out, translate(string(piece[:n]))); err != nil {
				return 1
			}
		}
		if err != nil {
			return 0
		}
	}
}

// expandSet reads a set of tr: ranges, classes and escapes.
func expandSet(set string) []rune {
	for class, chars := range map[string]string{
		"[:lower:]": "a-z", "[:upper:]": "A-Z", "[:digit:]": "0-9", "[:alpha:]": "A-Za-z", "[:alnum:]": "A-Za-z0-9",
		"[:space:]": ` \t\n\r`, "[:blank:]": ` \t`, "[:punct:]": `!"#$%&'()*+,./:;<=>?@[]^_{|}~`,
	} {
		set = strings.ReplaceAll(set, class, chars)
	}
	set = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\r`, "\r", `\\`, `\`, `\0`, "\x00").Replace(set)
	runes := []rune(set)
	var out []rune
	for i := 0; i < len(runes); i++ {
		if i+2 < len(runes) && runes[i+1] == '-' && runes[i] <= runes[i+2] {
			for r := runes[i]; r <= runes[i+2]; r++ {
				out = append(out, r)
			}
			i += 2
			continue
		}
		out = append(out, runes[i])
	}
	return out
}

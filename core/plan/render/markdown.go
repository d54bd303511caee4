package render

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/plan"
)

// MarkdownLimit is how long a plan in Markdown becomes at most, in characters:
// a comment on a pull request may have 65,536.
const MarkdownLimit = 65_000

// groups are the headings of a plan in Markdown, what is lost first.
var groups = []struct {
	title string
	sign  string // what marks a line of a diff
	kinds []Kind
}{
	{"To replace", "!", []Kind{Replace}},
	{"To delete", "-", []Kind{Delete}},
	{"To leave in the cloud", " ", []Kind{Forget}},
	{"To change", "!", []Kind{Update, Prune}},
	{"To create", "+", []Kind{Create}},
	{"To import", "+", []Kind{Import}},
	{"To read during apply", " ", []Kind{Read}},
}

// Markdown shows a plan for a pull request: the summary first, then one folded
// part per kind of change. It is cut to MarkdownLimit, and says so.
func Markdown(p *plan.Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### moldctl: stack `%s`\n\n**%s**\n", strings.ReplaceAll(diag.Clean(p.Stack), "`", "'"), Summary(p))
	if p.Partial {
		b.WriteString("\n> [!WARNING]\n> This plan looks at a part of the stack only.\n")
	}
	head := &writer{}
	head.recovery(p.Recovery)
	head.drift(p.Drift)
	head.moves(p.Moves)
	if text := strings.TrimSpace(head.b.String()); text != "" {
		b.WriteString(fenced("text", text))
	}
	items := Items(p)
	left := 0
	for _, g := range groups {
		left += markdownGroup(&b, g.title, g.sign, of(items, g.kinds), g.kinds[0] != Create)
	}
	tail := &writer{}
	tail.outputs(p.Outputs)
	if text := strings.TrimSpace(tail.b.String()); text != "" {
		if part := details("Outputs", fenced("diff", signed(strings.TrimPrefix(text, "Outputs:\n"), "")), false); fits(&b, part) {
			b.WriteString(part)
		} else {
			left++
		}
	}
	if left > 0 {
		fmt.Fprintf(&b, "\n_%d more changes are not shown here; `moldctl plan` shows all._\n", left)
	}
	return b.String()
}

func of(items []Item, kinds []Kind) []Item {
	var out []Item
	for _, item := range items {
		for _, k := range kinds {
			if item.Kind == k {
				out = append(out, item)
			}
		}
	}
	return out
}

// markdownGroup writes one folded part with as many items as have room, and
// returns how many have not.
func markdownGroup(b *strings.Builder, title, sign string, items []Item, open bool) int {
	if len(items) == 0 {
		return 0
	}
	var text strings.Builder
	for i, item := range items {
		w := &writer{}
		w.item(item)
		one := signed(strings.TrimRight(w.b.String(), "\n"), sign) + "\n"
		if utf8.RuneCountInString(b.String())+utf8.RuneCountInString(text.String())+utf8.RuneCountInString(one) > MarkdownLimit-1000 {
			if i > 0 {
				b.WriteString(details(fmt.Sprintf("%s (%d of %d)", title, i, len(items)), fenced("diff", strings.TrimRight(text.String(), "\n")), open))
			}
			return len(items) - i
		}
		text.WriteString(one)
	}
	b.WriteString(details(fmt.Sprintf("%s (%d)", title, len(items)), fenced("diff", strings.TrimRight(text.String(), "\n")), open))
	return 0
}

func fits(b *strings.Builder, part string) bool {
	return utf8.RuneCountInString(b.String())+utf8.RuneCountInString(part) <= MarkdownLimit-500
}

// details folds a part away; one that is open can be closed.
func details(title, body string, open bool) string {
	attribute := ""
	if open {
		attribute = " open"
	}
	return fmt.Sprintf("\n<details%s><summary>%s</summary>\n%s\n</details>\n", attribute, html.EscapeString(title), body)
}

// fenced puts a text between fences that it cannot end itself.
func fenced(language, text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return "\n" + fence + language + "\n" + text + "\n" + fence + "\n"
}

var (
	headLine = regexp.MustCompile(`^ *(-/\+|\+/-|[+~\-←·]) `)
	diffLine = regexp.MustCompile(`^( +)([+\-]) `)
)

// signed moves the sign of each line to its start, where a diff has it.
func signed(text, sign string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		switch {
		case i == 0 && sign != "" && headLine.MatchString(line):
			found := headLine.FindString(line)
			shown := strings.TrimSpace(found)
			lines[i] = sign + " " + strings.TrimPrefix(line, found)
			if shown == "-/+" || shown == "+/-" {
				lines[i] = sign + " " + shown + " " + strings.TrimPrefix(line, found)
			}
		case diffLine.MatchString(line):
			m := diffLine.FindStringSubmatch(line)
			lines[i] = m[2] + m[1] + line[len(m[0]):]
		case sign == "+" || sign == "-":
			lines[i] = strings.TrimRight(sign+" "+line, " ")
		default:
			lines[i] = strings.TrimRight("  "+line, " ")
		}
	}
	return strings.Join(lines, "\n")
}

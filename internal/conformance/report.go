package conformance

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Outcome is what came of a check.
type Outcome string

// The outcomes. A check is skipped where it means nothing, with the reason.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped"
)

// Result is one check of one thing.
type Result struct {
	Check   string  `json:"check"`
	Says    string  `json:"says"`
	Type    string  `json:"type,omitempty"`
	About   string  `json:"about,omitempty"` // the attribute, the call
	Outcome Outcome `json:"outcome"`
	Text    string  `json:"text,omitempty"`
	Where   string  `json:"where,omitempty"`  // of what failed: file and line
	Advice  string  `json:"advice,omitempty"` // what to do about it
}

// Name tells what was checked of what.
func (r Result) Name() string {
	name := r.Check
	if r.About != "" {
		name += " (" + r.About + ")"
	}
	if r.Type != "" {
		name = r.Type + ": " + name
	}
	return name
}

func (r Result) compare(other Result) int {
	return cmp.Or(strings.Compare(r.Type, other.Type), cmp.Compare(order(r.Check), order(other.Check)), strings.Compare(r.About, other.About))
}

// Report is everything that was checked.
type Report struct {
	Plugin  string   `json:"plugin"`
	Version string   `json:"version"`
	Seed    uint64   `json:"seed"`
	Seconds float64  `json:"seconds"`
	Results []Result `json:"results"`
}

// Count tells how many results have an outcome.
func (r *Report) Count(o Outcome) int {
	n := 0
	for _, result := range r.Results {
		if result.Outcome == o {
			n++
		}
	}
	return n
}

// indented finds the lines after the first that hold something.
var indented = regexp.MustCompile(`\n([^\n])`)

// adviceWidth is how long lines of advice get.
const adviceWidth = 100

// Text writes the report for people: each type with its checks, what failed
// with what came, and a line that sums up.
func (r *Report) Text(w io.Writer, verbose bool) error {
	var b strings.Builder
	typ := "-"
	for _, result := range r.Results {
		if result.Outcome == Passed && !verbose {
			continue
		}
		if result.Type != typ {
			typ = result.Type
			fmt.Fprintf(&b, "%s\n", cmp.Or(typ, r.Plugin))
		}
		mark := map[Outcome]string{Passed: "✓", Failed: "✗", Skipped: "·"}[result.Outcome]
		name := result.Check
		if result.About != "" {
			name += " (" + result.About + ")"
		}
		fmt.Fprintf(&b, "  %s %s: %s\n", mark, name, result.Says)
		if result.Text != "" {
			fmt.Fprintf(&b, "      %s\n", indented.ReplaceAllString(strings.TrimSpace(result.Text), "\n      $1"))
		}
		if result.Where != "" {
			fmt.Fprintf(&b, "      see %s\n", result.Where)
		}
		if result.Advice != "" {
			fmt.Fprintf(&b, "      %s\n", folded(result.Advice))
		}
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%s %s: %d passed, %d failed, %d skipped.\n", r.Plugin, r.Version, r.Count(Passed), r.Count(Failed), r.Count(Skipped))
	if r.Count(Failed) > 0 {
		fmt.Fprintf(&b, "The random configurations came from seed %d.\n", r.Seed)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// folded is a text of several lines, none of which is long.
func folded(text string) string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+len(word) >= adviceWidth {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return strings.Join(append(lines, line), "\n      ")
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Failure *junitText `xml:"failure,omitempty"`
	Skipped *junitText `xml:"skipped,omitempty"`
}

type junitText struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes the report in the XML that build servers read.
func (r *Report) JUnit(w io.Writer) error {
	suite := junitSuite{Name: "moldctl.plugin." + r.Plugin, Tests: len(r.Results), Failures: r.Count(Failed), Skipped: r.Count(Skipped), Time: fmt.Sprintf("%.3f", r.Seconds)}
	for _, result := range r.Results {
		c := junitCase{Class: r.Plugin + "." + cmp.Or(result.Type, "plugin"), Name: result.Check}
		if result.About != "" {
			c.Name += " (" + result.About + ")"
		}
		switch result.Outcome {
		case Failed:
			c.Failure = &junitText{Message: result.Says, Text: strings.Join(slices.DeleteFunc([]string{result.Text, result.Where, result.Advice}, func(s string) bool { return s == "" }), "\n")}
		case Skipped:
			c.Skipped = &junitText{Message: result.Text}
		}
		suite.Cases = append(suite.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(suite); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

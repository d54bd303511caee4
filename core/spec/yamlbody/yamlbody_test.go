package yamlbody_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/spec/yamlbody"
)

// attribute parses a document and returns its argument "a".
func attribute(t *testing.T, text string) *hcl.Attribute {
	t.Helper()
	f, diags := yamlbody.Parse("y.yaml", []byte(text))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	attrs, diags := f.Body.JustAttributes()
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return attrs["a"]
}

func TestScalars(t *testing.T) {
	t.Parallel()
	text := cty.StringVal
	tests := map[string]struct {
		yaml string
		want cty.Value
	}{
		"plain":             {"x y", text("x y")},
		"no is a text":      {"no", text("no")},
		"on is a text":      {"on", text("on")},
		"date is a text":    {"2026-11-22", text("2026-11-22")},
		"time is a text":    {"12:30:45", text("12:30:45")},
		"version":           {"1.2.3", text("1.2.3")},
		"address":           {"10.1.1.1", text("10.1.1.1")},
		"true":              {"true", cty.True},
		"False":             {"False", cty.False},
		"null":              {"null", cty.NullVal(cty.DynamicPseudoType)},
		"nothing":           {"", cty.NullVal(cty.DynamicPseudoType)},
		"quoted nothing":    {`""`, text("")},
		"integer":           {"42", cty.NumberIntVal(42)},
		"negative":          {"-42", cty.NumberIntVal(-42)},
		"octal":             {"0o17", cty.NumberIntVal(15)},
		"hexadecimal":       {"0xFF", cty.NumberIntVal(255)},
		"fraction":          {"1.5", cty.NumberFloatVal(1.5)},
		"exponent":          {"2e3", cty.NumberIntVal(2000)},
		"quoted number":     {`"42"`, text("42")},
		"single quotes":     {`'it''s'`, text("it's")},
		"escapes":           {`"a\tb\u00e9\x41\\"`, text("a\tbéA\\")},
		"literal":           {"|\n  one\n   two\n\n  three\n", text("one\n two\n\nthree\n")},
		"folded":            {">-\n  one\n  two\n\n  three\n", text("one two\nthree")},
		"template":          {`"${1 + 1}"`, cty.NumberIntVal(2)},
		"mixed":             {`"n${1 + 1}"`, text("n2")},
		"plain template":    {"${1 + 1}", cty.NumberIntVal(2)},
		"escaped template":  {`"$${HOME} %%{x}"`, text("${HOME} %{x}")},
		"raw":               {"!raw \"${HOME}\"", text("${HOME}")},
		"raw block":         {"!raw |\n  ${HOME} %{ x }\n", text("${HOME} %{ x }\n")},
		"flow":              {"[1, {b: x}]", cty.TupleVal([]cty.Value{cty.NumberIntVal(1), cty.ObjectVal(map[string]cty.Value{"b": text("x")})})},
		"template in a key": {`{"k${1}": v}`, cty.ObjectVal(map[string]cty.Value{"k1": text("v")})},
		"alias":             {"[&n 7, *n]", cty.TupleVal([]cty.Value{cty.NumberIntVal(7), cty.NumberIntVal(7)})},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, document := range []string{"a: " + tt.yaml + "\n", strings.ReplaceAll("a: "+tt.yaml+"\n", "\n", "\r\n")} {
				got, diags := attribute(t, document).Expr.Value(nil)
				if diags.HasErrors() {
					t.Fatal(diags)
				}
				if !got.RawEquals(tt.want) {
					t.Errorf("%q is %#v, want %#v", document, got, tt.want)
				}
			}
		})
	}
}

// TestPlaces checks that what is written as var.x in the value lies exactly
// where var.x stands in the source, in every style of scalar.
func TestPlaces(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"plain":              "a: x ${var.x} y\n",
		"plain, indented":    "a:\n  ${var.x}\n",
		"plain, two lines":   "a: one\n   two ${var.x}\n",
		"plain, with gap":    "a: one\n\n\n   two ${var.x}\n",
		"double":             `a: "${var.x}"` + "\n",
		"double, escapes":    `a: "\u00e9\t\"${var.x}"` + "\n",
		"double, wide":       `a: "한국 ${var.x}"` + "\n",
		"double, two lines":  "a: \"one  \n   two\n\n   three ${var.x}\"\n",
		"double, joined":     "a: \"one \\\n   \\  two ${var.x}\"\n",
		"single":             "a: 'it''s ${var.x}'\n",
		"single, two lines":  "a: 'one\n  two ${var.x}'\n",
		"literal":            "a: |\n  one\n    two\n\n  ${var.x}\n",
		"literal, keep":      "a: |+\n  one ${var.x}\n\n\n",
		"literal, indicator": "a: |2\n    one\n  ${var.x}\n",
		"literal, comment":   "a: | # 1 comment\n  one\n  ${var.x}\n",
		"folded":             "a: >\n  one\n  two\n\n  three ${var.x}\n",
		"folded, more":       "a: >\n  one\n    more\n  two ${var.x}\n",
		"in a list":          "a:\n  - x\n  - y ${var.x}\n",
		"in a flow":          "a: {b: [1, \"${var.x}\"]}\n",
		"anchored":           "a: &n \"${var.x}\"\n",
		"after a tab":        "a:\t\"${var.x}\"\n",
		"in a key":           "a: {\"k${var.x}\": 1}\n",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, document := range []string{text, "# comment\r\n" + strings.ReplaceAll(text, "\n", "\r\n")} {
				refs := attribute(t, document).Expr.Variables()
				if len(refs) != 1 {
					t.Fatalf("%q has %d references", document, len(refs))
				}
				r := refs[0].SourceRange()
				if got := document[r.Start.Byte:r.End.Byte]; got != "var.x" {
					t.Errorf("in %q the reference is at %v, which is %q", document, r, got)
				}
				before := document[:r.Start.Byte]
				line := strings.Count(before, "\n") + 1
				column := len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1
				if d := cmp.Diff(hcl.Pos{Line: line, Column: column, Byte: r.Start.Byte}, r.Start); d != "" {
					t.Errorf("position in %q (-want +got):\n%s", document, d)
				}
			}
		})
	}
}

// TestEvaluationErrors checks that errors of evaluation, too, have exact places.
func TestEvaluationErrors(t *testing.T) {
	t.Parallel()
	document := "b: 1\na: |\n  x\n  ${upper(1, 2)}\n"
	_, diags := attribute(t, document).Expr.Value(&hcl.EvalContext{})
	if !diags.HasErrors() {
		t.Fatal("no error")
	}
	if got := document[diags[0].Subject.Start.Byte:diags[0].Subject.End.Byte]; got != "upper(1, 2)" {
		t.Errorf("the error is at %q: %v", got, diags[0])
	}
}

func TestRangeOfValues(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"plain":  "some text",
		"double": `"some \" text"`,
		"single": `'it''s'`,
		"flow":   "[1, {b: x} , ]",
		"empty":  "{}",
		"number": "42",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document := "a: " + text + " # comment\nb: 1\n"
			r := attribute(t, document).Expr.Range()
			if got := document[r.Start.Byte:r.End.Byte]; got != text {
				t.Errorf("the value is at %q, want %q", got, text)
			}
		})
	}
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	const document = `
resource:
  network:
    web:
      name: w
      rule:
        - {port: 1}
        - {port: 2}
    empty:
  image: {app: {rule: {port: 3}}}
`
	f, diags := yamlbody.Parse("y.yaml", []byte(document))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	content, diags := f.Body.Content(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "resource", LabelNames: []string{"type", "name"}}}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var got []string
	for _, b := range content.Blocks {
		inner, rest, diags := b.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "rule"}}})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		line := strings.Join(b.Labels, ".") + " at " + document[b.DefRange.Start.Byte:b.DefRange.End.Byte]
		for _, r := range inner.Blocks {
			attrs, _ := r.Body.JustAttributes()
			port, _ := attrs["port"].Expr.Value(nil)
			line += " rule " + port.AsBigFloat().String()
		}
		attrs, _ := rest.JustAttributes()
		for name := range attrs {
			line += " " + name
		}
		got = append(got, line)
	}
	want := []string{"network.web at web rule 1 rule 2 name", "network.empty at empty", "image.app at app rule 3"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("blocks (-want +got):\n%s", d)
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	const document = "variable:\n  v: {type: string}\nresource:\n  network:\n    web:\n      name: here\n"
	f, diags := yamlbody.Parse("y.yaml", []byte(document))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	nav := f.Nav.(interface{ ContextString(int) string })
	for part, want := range map[string]string{"here": `resource "network" "web"`, "string": `variable "v"`} {
		if got := nav.ContextString(strings.Index(document, part)); got != want {
			t.Errorf("around %q: %q, want %q", part, got, want)
		}
	}
}

// TestLongLines checks places behind a line of many wide characters, and that
// they are found quickly.
func TestLongLines(t *testing.T) {
	t.Parallel()
	document := "{b: [" + strings.Repeat("한국ab, ", 5_000) + "], a: \"${var.x}\"}\n"
	r := attribute(t, document).Expr.Variables()[0].SourceRange()
	if got := document[r.Start.Byte:r.End.Byte]; got != "var.x" || r.Start.Column != len([]rune(document[:r.Start.Byte]))+1 {
		t.Errorf("the reference is at %v, which is %q", r, got)
	}
}

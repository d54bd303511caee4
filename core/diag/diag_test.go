package diag_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
)

const source = "resource \"network\" \"웹\" {\n\tname = \"한국\" + var.a\n}\n"

// subject is the range of part in source.
func subject(part string) *hcl.Range {
	start := strings.Index(source, part)
	pos := func(i int) hcl.Pos {
		line := strings.Count(source[:i], "\n") + 1
		column := len([]rune(source[strings.LastIndexByte(source[:i], '\n')+1:i])) + 1
		return hcl.Pos{Line: line, Column: column, Byte: i}
	}
	return &hcl.Range{Filename: "s.hcl", Start: pos(start), End: pos(start + len(part))}
}

func files(t *testing.T) map[string]*hcl.File {
	t.Helper()
	f, _ := hclsyntax.ParseConfig([]byte(source), "s.hcl", hcl.InitialPos)
	return map[string]*hcl.File{"s.hcl": f}
}

func print(t *testing.T, p diag.Printer, diags ...*hcl.Diagnostic) string {
	t.Helper()
	var b strings.Builder
	if err := p.Print(&b, diags); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPrint(t *testing.T) {
	t.Parallel()
	expr, diags := hclsyntax.ParseExpression([]byte(`[var.a, var.secret, var.list[0], var.later, var.deep]`), "x", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{"var": cty.ObjectVal(map[string]cty.Value{
		"a": cty.StringVal(strings.Repeat("x", 70)), "secret": cty.StringVal("hunter2").Mark("any mark"),
		"list":  cty.ListVal([]cty.Value{cty.NumberIntVal(3)}),
		"later": cty.UnknownVal(cty.String), "deep": cty.ObjectVal(map[string]cty.Value{"s": cty.StringVal("hunter2").Mark(1)}),
	})}}
	tests := map[string]struct {
		printer diag.Printer
		diag    *hcl.Diagnostic
		want    string
	}{
		"no place": {diag.Printer{}, diag.Error(nil, "Sum", "Detail."), "Error: Sum\nDetail.\n\n"},
		"wide characters": {
			diag.Printer{Files: files(t)}, diag.Error(subject("+ var"), "Sum", "Detail."),
			"Error: Sum\n  on s.hcl line 2, column 14, in resource \"network\" \"웹\":\n    2:     name = \"한국\" + var.a\n                         ^^^^^\nDetail.\n\n",
		},
		"source not at hand": {diag.Printer{}, diag.Error(subject("name"), "Sum", "D."), "Error: Sum\n  on s.hcl line 2, column 2:\nD.\n\n"},
		"warning in color": {
			diag.Printer{Color: true, Files: files(t)}, diag.Warningf(subject("name"), "Sum", "%d.", 1),
			"\x1b[1m\x1b[33mWarning\x1b[0m: Sum\n  on s.hcl line 2, column 2, in resource \"network\" \"웹\":\n    2:     name = \"한국\" + var.a\n           \x1b[33m^^^^\x1b[0m\n1.\n\n",
		},
		"several lines": {
			diag.Printer{Files: files(t)}, diag.Error(subject("{\n\tname"), "Sum", ""),
			"Error: Sum\n  on s.hcl line 1, column 24, in resource \"network\" \"웹\":\n    1: resource \"network\" \"웹\" {\n                               ^\n\n",
		},
		"wrapped": {
			diag.Printer{Width: 20}, diag.Error(nil, "Sum", "A detail that is longer than the width.\n  a command --that=stays --on one line"),
			"Error: Sum\nA detail that is\nlonger than the\nwidth.\n  a command --that=stays --on one line\n\n",
		},
		"values": {
			diag.Printer{}, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Sum", Detail: "D.", Expression: expr, EvalContext: ctx},
			"Error: Sum\nD.\n  var.a is \"" + strings.Repeat("x", 60) + "\"…\n  var.deep is an object with 1 attribute\n  var.later is known after apply\n  var.list[0] is 3\n  var.secret is (sensitive)\n\n",
		},
		"address": {diag.Printer{}, diag.WithAddress(diag.Error(nil, "Sum", "D."), "network.web[0]"), "Error: Sum\n  in network.web[0]:\nD.\n\n"},
		"control characters": {
			diag.Printer{}, diag.Error(nil, "Sum\x1b[2J", "D\u202e\x00\xff."), "Error: Sum\\u001b[2J\nD\\u202e\\u0000\uFFFD.\n\n",
		},
		"bug":   {diag.Printer{}, diag.Bug(nil, "%s happened.", "It"), "Error: Internal error\nIt happened. This is a bug in moldctl.\n\n"},
		"error": {diag.Printer{}, diag.FromError("Sum", errors.New("read x: gone"))[0], "Error: Sum\nRead x: gone.\n\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tt.want, print(t, tt.printer, tt.diag)); d != "" {
				t.Errorf("text (-want +got):\n%s", d)
			}
		})
	}
}

func TestLongLineIsCut(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("a", 500) + "HERE" + strings.Repeat("b", 500)
	f := map[string]*hcl.File{"l": {Bytes: []byte(line)}}
	got := print(t, diag.Printer{Files: f}, diag.Error(&hcl.Range{
		Filename: "l", Start: hcl.Pos{Line: 1, Column: 501, Byte: 500}, End: hcl.Pos{Line: 1, Column: 505, Byte: 504},
	}, "S", ""))
	lines := strings.Split(got, "\n")
	if len(lines[2]) > 140 || !strings.Contains(lines[2], "HERE") || strings.Index(lines[3], "^") != strings.Index(strings.ReplaceAll(lines[2], "…", "."), "HERE") {
		t.Errorf("got:\n%s", got)
	}
}

// TestOutOfRange shows that places that do not fit the file do no harm.
func TestOutOfRange(t *testing.T) {
	t.Parallel()
	for _, r := range []hcl.Range{
		{Filename: "s.hcl", Start: hcl.Pos{Line: 9, Column: 1, Byte: 9999}, End: hcl.Pos{Line: 9, Column: 1, Byte: 99999}},
		{Filename: "s.hcl", Start: hcl.Pos{Line: 1, Column: 1, Byte: -5}},
		{Filename: "s.hcl", Start: hcl.Pos{Line: 2, Column: 3, Byte: 30}, End: hcl.Pos{Line: 1, Column: 1, Byte: 2}},
		{Filename: "s.hcl"},
	} {
		if got := print(t, diag.Printer{Files: files(t)}, diag.Error(&r, "Sum", "D.")); !strings.Contains(got, "D.") {
			t.Errorf("%v: got %q", r, got)
		}
	}
}

func TestSort(t *testing.T) {
	t.Parallel()
	a, b := diag.Error(subject("resource"), "A", "1"), diag.Error(subject("name"), "B", "2")
	w, n := diag.Warningf(nil, "W", "3"), diag.Error(nil, "N", "4")
	again := *b
	got := ""
	for _, d := range diag.Sort(hcl.Diagnostics{w, b, a, &again, n}) {
		got += d.Summary
	}
	if got != "NABW" {
		t.Errorf("order %q, want NABW: errors first, those without place before, each once", got)
	}
	if e := diag.Errors(hcl.Diagnostics{w, b}); len(e) != 1 || e[0] != b {
		t.Errorf("errors: %v", e)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(diag.ToJSON(hcl.Diagnostics{diag.WithAddress(diag.Error(subject("name"), "Sum", "D."), "network.web")}, files(t)))
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"severity":"error","summary":"Sum","detail":"D.","address":"network.web","range":{"filename":"s.hcl","start":{"line":2,"column":2,"byte":28},"end":{"line":2,"column":6,"byte":32}},"context":"resource \"network\" \"웹\"","code":"    name = \"한국\" + var.a"}]`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("JSON (-want +got):\n%s", d)
	}
	if empty, err := json.Marshal(diag.ToJSON(nil, nil)); err != nil || string(empty) != "[]" {
		t.Errorf("no diagnostics are %s, %v", empty, err)
	}
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		word       string
		candidates []string
		want       string
	}{
		"transposed":    {"cird", []string{"cidr", "name"}, ` Did you mean "cidr"?`},
		"case":          {"medium instance", []string{"Medium Instance", "Small Instance"}, ` Did you mean "Medium Instance"?`},
		"separator":     {"load-balancer", []string{"load_balancer"}, ` Did you mean "load_balancer"?`},
		"several":       {"web", []string{"wep", "web1", "other"}, ` Did you mean "web1" or "wep"?`},
		"at most three": {"aaaa", []string{"aaab", "aaac", "aaad", "aaae"}, ` Did you mean "aaab", "aaac" or "aaad"?`},
		"nothing near":  {"network", []string{"image", "lb"}, ""},
		"short words":   {"ab", []string{"cd"}, ""},
		"the same":      {"a", []string{"a"}, ""},
		"empty":         {"", []string{"a"}, ""},
		"korean":        {"네트워그", []string{"네트워크"}, ` Did you mean "네트워크"?`},
		"no candidates": {"x", nil, ""},
		"given twice":   {"nam", []string{"name", "name"}, ` Did you mean "name"?`},
		"nearest first": {"networks", []string{"netwrk", "network"}, ` Did you mean "network" or "netwrk"?`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := diag.DidYouMean(tt.word, tt.candidates); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFromError(t *testing.T) {
	t.Parallel()
	inner := hcl.Diagnostics{diag.Error(nil, "A", "B")}
	if got := diag.FromError("S", fmt.Errorf("wrapped: %w", inner)); len(got) != 1 || got[0] != inner[0] {
		t.Errorf("got %v, want the wrapped diagnostics", got)
	}
	if got := diag.FromError("S", nil); got != nil {
		t.Errorf("got %v for no error", got)
	}
}

// TestSecretsInSource shows that an excerpt does not repeat a secret written
// out in the stack, whatever on its line is wrong.
func TestSecretsInSource(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ line, want string }{
		"hcl":          {`secret_key = "hunter2" # no`, `secret_key = "*******" # no`},
		"not closed":   {`api_key = "hunter2`, `api_key = "*******`},
		"several":      {`cloud: {apikey: hunter2, secret_key: 'hunter2', zone: z}`, `cloud: {apikey: *******, secret_key: '*******', zone: z}`},
		"yaml":         {`  password: hunter2`, `  password: *******`},
		"json":         {`"admin_token": "hunter2"`, `"admin_token": "*******"`},
		"reference":    {`secret_key = var.secret`, `secret_key = var.secret`},
		"template":     {`secret_key: "${var.secret}"`, `secret_key: "${var.secret}"`},
		"nothing here": {`name = "secretary"`, `name = "secretary"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := map[string]*hcl.File{"l": {Bytes: []byte(tt.line)}}
			at := hcl.Range{Filename: "l", Start: hcl.Pos{Line: 1, Column: 1}, End: hcl.Pos{Line: 1, Column: 3, Byte: 2}}
			if got := diag.ToJSON(hcl.Diagnostics{diag.Error(&at, "S", "")}, f)[0].Code; got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

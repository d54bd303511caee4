package nesting_test

import (
	"strings"
	"testing"

	"github.com/moldctl/moldctl/core/spec/nesting"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	many := func(n int, s string) string { return strings.Repeat(s, n) }
	tests := map[string]struct{ text, want string }{
		"plain":              {"a = [1, 2]\n", ""},
		"many elements":      {"a = [" + many(50_000, "-1, ") + "]\n", ""},
		"many lines":         {many(50_000, "a = !true\n"), ""},
		"many object lines":  {"a = {\n" + many(50_000, "b = -1\n") + "}\n", ""},
		"many templates":     {"a = \"" + many(20_000, "${b}") + "\"\n", ""},
		"deep brackets":      {"a = " + many(300, "["), "Nested too deep"},
		"deep calls":         {"a = " + many(300, "f("), "Nested too deep"},
		"deep blocks":        {many(300, "a {\n"), "Nested too deep"},
		"deep templates":     {"a = " + many(300, "\"${"), "Nested too deep"},
		"chained operators":  {"a = " + many(6000, "1+"), "Expression too long"},
		"chained negations":  {"a = " + many(6000, "!"), "Expression too long"},
		"chained conditions": {"a = " + many(6000, "b ? c : "), "Expression too long"},
		"chained indexes":    {"a = b" + many(6000, "[c]"), "Expression too long"},
		"over lines":         {"a = (\n" + many(6000, "1 +\n"), "Expression too long"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if d := nesting.Config([]byte(tt.text), "x"); d != nil {
				got = d.Summary
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTemplateAndExpression(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("(", 300)
	if nesting.Template([]byte(deep), "x") != nil || nesting.Template([]byte("${"+deep), "x") == nil {
		t.Error("brackets count inside an interpolation only")
	}
	if nesting.Expression([]byte(deep), "x") == nil || nesting.Expression([]byte("[1]"), "x") != nil {
		t.Error("brackets of an expression count")
	}
}

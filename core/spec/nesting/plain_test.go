package nesting

import (
	"strings"
	"testing"
)

// TestPlain: what passes here is never lexed, so it must keep to the limits.
func TestPlain(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want bool
	}{
		"blocks":             {"a \"b\" {\n  c = [d.e, \"${f}-g\"] # {{{\n}\n", true},
		"many blocks":        {strings.Repeat("a {\n}\n", 1000), true},
		"brackets in quotes": {"a = \"" + strings.Repeat("[", 300) + "\"\n", true},
		"escaped quote":      {"a = \"\\\"" + strings.Repeat("[", 300) + "\"\n", true},
		"template in a template": {
			`a = "${b("${c}")}"` + "\n", true,
		},
		"deep":              {"a = " + strings.Repeat("[", 300), false},
		"deep behind text":  {"a = \"}\" + " + strings.Repeat("[\"]\",", 300), false},
		"deep behind notes": {"a = " + strings.Repeat("[ # ]\n", 300), false},
		"deep templates":    {"a = " + strings.Repeat("\"${", 200), false},
		"operators":         {"a = " + strings.Repeat("1+", 6000), false},
		"heredoc":           {"a = <<E\nE\n", false},
		"long comment":      {"/* { */\n", false},
		"open quote":        {"a = \"b\n", false},
		"escaped template":  {"a = \"$${b}\"\n", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := plain([]byte(tt.text)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

package pluginspec

import (
	"os"
	"strings"
	"testing"
)

// The example that authors start from must be right.
func TestDocumentedExample(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/plugins.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "```yaml\n")
	src, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatal("docs/plugins.md holds no example")
	}
	p, diags := Parse("docs/plugins.md", []byte(src))
	if !diags.HasErrors() {
		diags = append(diags, Lint(p, table(t))...)
	}
	if len(diags) > 0 {
		t.Error(spell(diags))
	}
}

// Every key that can be written is documented.
func TestEveryAttributeKeyIsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/plugins.md")
	if err != nil {
		t.Fatal(err)
	}
	for key := range attributeKeys {
		if !strings.Contains(string(page), "`"+key+"`") {
			t.Errorf("docs/plugins.md does not explain `%s`", key)
		}
	}
}

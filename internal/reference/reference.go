// Package reference writes the reference pages of plugins from their
// plugin.yaml, so that what users read is what the program checks: an index for
// each plugin, and a page for each of its types.
//
// It knows nothing of processes, clouds or stacks, and imports only the model
// of plugin.yaml.
package reference

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

//go:generate go run ./gen ../../plugins ../../docs/reference

// IndexName is the page of a plugin in the folder that holds those of its
// types.
const IndexName = "README.md"

// Example returns the text of an example by its path beside the plugin.yaml.
type Example func(path string) (string, error)

// Pages are the pages of one plugin by file name: its index, and one for each
// type.
func Pages(p *pluginspec.Plugin, example Example) (map[string]string, error) {
	out := map[string]string{IndexName: Index(p)}
	for name, t := range p.Types {
		text, err := Type(p, t, example)
		if err != nil {
			return nil, err
		}
		out[name+".md"] = text
	}
	return out, nil
}

// Whole is all that is said of a plugin, as one text: its index, and then its
// types.
func Whole(p *pluginspec.Plugin, example Example) (string, error) {
	texts := []string{Index(p)}
	for _, name := range slices.Sorted(maps.Keys(p.Types)) {
		text, err := Type(p, p.Types[name], example)
		if err != nil {
			return "", err
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "\n"), nil
}

// Index is the page of one plugin: what it serves, and what only the plugin as
// a whole has.
func Index(p *pluginspec.Plugin) string {
	w := &page{source: p.Source}
	w.line("# Plugin %s", p.Name)
	w.paragraph("%s", p.Summary)
	w.paragraph("%s", strings.TrimSpace(p.Doc))
	w.contents("Resources", p, (*pluginspec.Type).IsResource)
	w.contents("Data sources", p, (*pluginspec.Type).IsData)
	if len(p.Config) > 0 {
		w.paragraph("## plugin %s", p.Name)
		w.paragraph("What a stack says of the plugin itself, in a block `plugin %q`.", p.Name)
		w.attributes(p.Config, manner)
	}
	w.steps(p)
	return w.String()
}

// contents lists the types of one kind.
func (w *page) contents(title string, p *pluginspec.Plugin, belongs func(*pluginspec.Type) bool) {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(p.Types)) {
		if t := p.Types[name]; belongs(t) {
			lines = append(lines, fmt.Sprintf("- [`%s`](%s.md) — %s", name, name, t.Summary))
		}
	}
	if len(lines) == 0 {
		return
	}
	w.paragraph("%s:", title)
	w.line("")
	for _, line := range lines {
		w.line("%s", line)
	}
}

func (w *page) steps(p *pluginspec.Plugin) {
	for _, kind := range slices.Sorted(maps.Keys(p.Steps)) {
		w.paragraph("## step %s", kind)
		w.paragraph("%s", p.Steps[kind].Summary)
		w.attributes(p.Steps[kind].Attributes, manner)
	}
}

// page collects the lines of a page.
type page struct {
	strings.Builder
	source []byte // the plugin.yaml
	found  bool   // what is written is found, and not given by users
}

func (w *page) line(format string, args ...any) {
	w.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " \n"))
	w.WriteByte('\n')
}

// paragraph writes a line with a blank one before it; nothing when it is empty.
func (w *page) paragraph(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); strings.TrimSpace(text) != "" {
		w.line("\n%s", text)
	}
}

package main

import (
	"fmt"
	"io/fs"
	"slices"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/internal/reference"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

type pluginDocsCommand struct {
	Name string `arg:"" help:"A type of a bundled plugin, a bundled plugin, or the folder of a plugin."`
}

// Run writes the reference of a plugin or of one type, as Markdown: the same
// text as in docs/reference.
func (c *pluginDocsCommand) Run(io streams) error {
	var names []string
	for _, b := range bundledPlugins() {
		p, err := openPlugin(b.name)
		if err != nil {
			return err
		}
		spec, diags := pluginspec.Parse(p.name, p.spec)
		if diags.HasErrors() {
			return diags
		}
		for name, t := range spec.Types {
			if name == c.Name {
				text, err := reference.Type(spec, t, examples(p))
				return printDocs(io, p, text, err)
			}
			names = append(names, name)
		}
	}
	p, err := openPlugin(c.Name)
	if err != nil {
		slices.Sort(names)
		if guess := diag.DidYouMean(c.Name, slices.Compact(names)); guess != "" {
			return fmt.Errorf("no type is called %q.%s", c.Name, guess)
		}
		return err
	}
	spec, diags := pluginspec.Parse(p.name, p.spec)
	if diags.HasErrors() {
		return diags
	}
	text, err := reference.Whole(spec, examples(p))
	return printDocs(io, p, text, err)
}

// examples reads the examples of a plugin.
func examples(p pluginFolder) reference.Example {
	return func(path string) (string, error) {
		b, err := fs.ReadFile(p.files, path)
		return string(b), err
	}
}

func printDocs(io streams, p pluginFolder, text string, err error) error {
	if err != nil {
		return fmt.Errorf("write the reference of %s: %w", p.name, err)
	}
	_, err = fmt.Fprint(io.out, text)
	return err
}

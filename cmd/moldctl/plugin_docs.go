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

// Run writes the reference of a plugin or of one type, as Markdown.
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
				one := *spec
				one.Types, one.Steps, one.Doc = map[string]*pluginspec.Type{name: t}, nil, ""
				return writeDocs(io, p, &one)
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
	return writeDocs(io, p, spec)
}

func writeDocs(io streams, p pluginFolder, spec *pluginspec.Plugin) error {
	text, err := reference.Markdown(spec, func(path string) (string, error) {
		b, err := fs.ReadFile(p.files, path)
		return string(b), err
	})
	if err != nil {
		return fmt.Errorf("write the reference of %s: %w", spec.Name, err)
	}
	_, err = fmt.Fprint(io.out, text)
	return err
}

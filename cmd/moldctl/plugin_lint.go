package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/plugins"
	"github.com/moldctl/moldctl/sdk/apitable"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// pluginFile is the name of the file that is a plugin.
const pluginFile = "plugin.yaml"

// pluginFolder is a plugin to work on: a folder of the user's, or a bundled one.
type pluginFolder struct {
	files   fs.FS
	name    string // of plugin.yaml, for messages
	spec    []byte
	path    string // "" for a bundled one
	bundled string // its name, "" for a folder
}

// openPlugin finds a plugin by the path of its folder or file, or by the name
// of a bundled one.
func openPlugin(arg string) (pluginFolder, error) {
	for _, b := range bundledPlugins() {
		if b.name != arg {
			continue
		}
		files, err := fs.Sub(plugins.Files, b.name)
		return pluginFolder{files: files, name: b.name + "/" + pluginFile, spec: b.plugin.Spec, bundled: b.name}, err
	}
	path, err := filepath.Abs(arg)
	if err != nil {
		return pluginFolder{}, fmt.Errorf("find plugin %s: %w", arg, err)
	}
	if filepath.Base(path) == pluginFile {
		path = filepath.Dir(path)
	}
	spec, err := os.ReadFile(filepath.Join(path, pluginFile))
	if errors.Is(err, fs.ErrNotExist) {
		return pluginFolder{}, fmt.Errorf("find plugin %s: it is neither the name of a bundled plugin (moldctl plugin list) nor a folder with a %s (moldctl plugin new)", arg, pluginFile)
	}
	return pluginFolder{files: os.DirFS(path), name: filepath.Join(arg, pluginFile), spec: spec, path: path}, err
}

type pluginLintCommand struct {
	Path string `arg:"" optional:"" default:"." help:"Folder of the plugin, or the name of a bundled one."`
}

// Run tells what is wrong in a plugin.yaml, with line and column.
func (c *pluginLintCommand) Run(io streams) error {
	p, err := openPlugin(c.Path)
	if err != nil {
		return err
	}
	spec, diags := pluginspec.Parse(p.name, p.spec)
	if !diags.HasErrors() {
		table, err := apitable.Load()
		if err != nil {
			return err
		}
		diags = append(diags, pluginspec.Lint(spec, table)...)
	}
	printer := diag.Printer{Files: map[string]*hcl.File{p.name: {Bytes: p.spec}}, Width: columns(io.err), Color: colored(io.err)}
	if err := printer.Print(io.err, diags); err != nil {
		return err
	}
	if diags.HasErrors() {
		return exitCode(exitError)
	}
	types := fmt.Sprintf("%d types", len(spec.Types))
	if len(spec.Types) == 1 {
		types = "1 type"
	}
	fmt.Fprintf(io.out, "%s is sound: %s.\n", p.name, types)
	return nil
}

package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/moldctl/moldctl/core"
	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

type pluginCommand struct {
	List     pluginListCommand     `cmd:"" help:"List plugins and the types they serve."`
	Install  pluginInstallCommand  `cmd:"" help:"Install a plugin for a stack, from a folder, an archive, git or a registry."`
	Remove   pluginRemoveCommand   `cmd:"" help:"Take an installed plugin away from a stack."`
	Pack     pluginPackCommand     `cmd:"" help:"Pack a plugin into an archive, the same bytes for the same content."`
	Generate pluginGenerateCommand `cmd:"" help:"Draft a plugin.yaml from the API's own description of a command."`
	New      pluginNewCommand      `cmd:"" help:"Write a plugin to start from."`
	Lint     pluginLintCommand     `cmd:"" help:"Check a plugin.yaml against the API."`
	Test     pluginTestCommand     `cmd:"" help:"Test a plugin on an embedded cloud of its own."`
	Docs     pluginDocsCommand     `cmd:"" help:"Show the reference of a type or a plugin."`
	Serve    pluginServeCommand    `cmd:"" hidden:"" help:"Serve a plugin; moldctl starts this by itself."`
}

type pluginListCommand struct {
	Path string `short:"C" default:"." placeholder:"PATH" help:"Stack file or folder whose plugins are listed beside the bundled ones."`
	JSON bool   `name:"json" help:"Write JSON for programs."`
}

// pluginLine is one plugin in the JSON list.
type pluginLine struct {
	Name      string   `json:"name"`
	Version   string   `json:"version"`
	Summary   string   `json:"summary,omitempty"`
	Resources []string `json:"resources"`
	Data      []string `json:"data"`
	Steps     []string `json:"steps"` // of pipelines
	// Of installed ones.
	Source  string   `json:"source,omitempty"`
	Needs   []string `json:"needs,omitempty"`
	Problem string   `json:"problem,omitempty"` // why it is refused
}

// Run lists the plugins. It starts none.
func (c *pluginListCommand) Run(io streams) error {
	sources, err := pluginSources()
	if err != nil {
		return err
	}
	host, diags := pluginhost.New(pluginhost.Options{Sources: sources})
	if diags.HasErrors() {
		return diags
	}
	var lines []pluginLine
	for _, p := range host.Plugins() {
		lines = append(lines, describe(p))
	}
	others, err := c.installed()
	if err != nil {
		return err
	}
	lines = append(lines, others...)
	if c.JSON {
		return writeJSON(io.out, lines)
	}
	for _, l := range lines {
		fmt.Fprintf(io.out, "%s %s  %s\n", l.Name, l.Version, l.Summary)
		if l.Source != "" {
			fmt.Fprintf(io.out, "  installed from %s\n", l.Source)
		}
		if l.Problem != "" {
			fmt.Fprintf(io.out, "  refused: %s\n", l.Problem)
		}
		table := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
		for _, row := range []struct {
			what  string
			names []string
		}{{"resources", l.Resources}, {"data", l.Data}, {"pipeline steps", l.Steps}} {
			for i, name := range row.names {
				what := ""
				if i == 0 {
					what = row.what
				}
				fmt.Fprintf(table, "  %s\t%s\n", what, name)
			}
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// installed lists the plugins that are installed for the stack.
func (c *pluginListCommand) installed() ([]pluginLine, error) {
	settings, err := sourceSettings(c.Path)
	if err != nil {
		return nil, err
	}
	list, err := core.InstalledPlugins(settings)
	if err != nil {
		return nil, err
	}
	var lines []pluginLine
	for _, p := range list {
		l := pluginLine{Name: p.Name, Version: p.Version, Resources: []string{}, Data: []string{}, Steps: []string{}}
		if p.Problem == nil {
			l = describe(p.Plugin.Spec)
		} else {
			l.Problem = p.Problem.Error()
		}
		l.Source, l.Needs = p.From(), p.Needs
		lines = append(lines, l)
	}
	return lines, nil
}

func describe(p *pluginspec.Plugin) pluginLine {
	l := pluginLine{Name: p.Name, Version: p.Version, Summary: p.Summary, Resources: []string{}, Data: []string{}, Steps: []string{}}
	for _, name := range slices.Sorted(maps.Keys(p.Types)) {
		if p.Types[name].Create != nil {
			l.Resources = append(l.Resources, name)
		}
		if p.Types[name].Find != nil {
			l.Data = append(l.Data, name)
		}
	}
	l.Steps = append(l.Steps, slices.Sorted(maps.Keys(p.Steps))...)
	return l
}

type pluginServeCommand struct {
	SHA256 string `name:"sha256" help:"Digest that plugin.yaml must have."`
	Name   string `arg:"" help:"Name of a bundled plugin, or path of the folder of one without code."`
}

// Run serves a plugin until its host is gone.
func (c *pluginServeCommand) Run() error {
	if filepath.IsAbs(c.Name) {
		spec, err := os.ReadFile(filepath.Join(c.Name, pluginFile))
		if err != nil {
			return fmt.Errorf("serve a plugin: %w", err)
		}
		if sum := sha256.Sum256(spec); c.SHA256 != "" && c.SHA256 != hex.EncodeToString(sum[:]) {
			return fmt.Errorf("serve a plugin: %s was changed since it was locked; moldctl init fetches it again", filepath.Join(c.Name, pluginFile))
		}
		sdk.Serve(sdk.Plugin{Spec: spec})
		return nil
	}
	var names []string
	for _, b := range bundledPlugins() {
		if b.name == c.Name {
			sdk.Serve(b.plugin)
			return nil
		}
		names = append(names, b.name)
	}
	return fmt.Errorf("there is no bundled plugin %q.%s", c.Name, cmp.Or(diag.DidYouMean(c.Name, names), " There are: "+diag.List(names)+"."))
}

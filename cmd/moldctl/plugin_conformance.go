package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/internal/conformance"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

type pluginTestCommand struct {
	Path     string   `arg:"" optional:"" default:"." help:"Folder of the plugin, or the name of a bundled one."`
	Type     []string `placeholder:"NAME" help:"Test only this resource type; may be given several times."`
	Command  []string `placeholder:"ARG" sep:"none" help:"Program that serves the plugin, and its arguments, one --command each; without it moldctl serves plugin.yaml itself."`
	Random   int      `default:"10" help:"How many random configurations each type is tried with."`
	Seed     uint64   `default:"1" help:"Seed of the random configurations."`
	Parallel int      `default:"2" help:"How many parts run at once."`
	Brief    bool     `help:"Leave out changes, kills and mishaps."`
	Thorough bool     `help:"Kill the plugin at every call."`
	Verbose  bool     `short:"v" help:"Show what passed, too."`
	JSON     bool     `name:"json" xor:"form" help:"Write JSON for programs."`
	JUnit    bool     `name:"junit" xor:"form" help:"Write JUnit's XML for build servers."`
}

// Run tests a plugin on an embedded cloud of its own.
func (c *pluginTestCommand) Run(ctx context.Context, io streams) error {
	p, err := openPlugin(c.Path)
	if err != nil {
		return err
	}
	subject, err := c.subject(p)
	if err != nil {
		return err
	}
	report, err := conformance.Run(ctx, subject, conformance.Options{
		Types: c.Type, Random: c.Random, Seed: c.Seed, Parallel: c.Parallel, Brief: c.Brief, Thorough: c.Thorough,
	})
	if err != nil {
		return err
	}
	switch {
	case c.JSON:
		err = writeJSON(io.out, report)
	case c.JUnit:
		err = report.JUnit(io.out)
	default:
		err = report.Text(io.out, c.Verbose)
	}
	if err != nil {
		return err
	}
	if report.Count(conformance.Failed) > 0 {
		return exitCode(exitError)
	}
	return nil
}

// subject says how the plugin is served. The bundled plugins stand by, except
// one of the same name.
func (c *pluginTestCommand) subject(p pluginFolder) (conformance.Subject, error) {
	self, err := os.Executable()
	if err != nil {
		return conformance.Subject{}, fmt.Errorf("find this program to serve plugins with: %w", err)
	}
	s := conformance.Subject{Files: p.files}
	s.Source = pluginhost.Source{Name: filepath.Base(p.path), Spec: p.spec, Command: []string{self, "plugin", "serve", p.path}}
	if p.bundled != "" {
		s.Source.Name, s.Source.Command = p.bundled, []string{self, "plugin", "serve", p.bundled}
	}
	if len(c.Command) > 0 {
		s.Source.Command = c.Command
		if s.Source.Command[0], err = filepath.Abs(c.Command[0]); err != nil {
			return s, fmt.Errorf("find the plugin's program: %w", err)
		}
	}
	own, _ := pluginspec.Parse(p.name, p.spec) // the test says what is wrong with it
	others, err := pluginSources()
	if err != nil {
		return s, err
	}
	for _, other := range others {
		if other.Name != s.Source.Name && (own == nil || own.Name != other.Name) {
			s.Others = append(s.Others, other)
		}
	}
	return s, nil
}

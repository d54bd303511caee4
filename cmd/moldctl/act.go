package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/moldctl/moldctl/core/apply"
	"github.com/moldctl/moldctl/core/diag"
)

type actCommand struct {
	Address  string   `arg:"" help:"Object of the stack: instance.web, instance.app[0]."`
	Action   string   `arg:"" help:"What to do with it, as moldctl plugin docs TYPE lists."`
	Argument []string `arg:"" optional:"" placeholder:"NAME=VALUE" help:"Arguments of the action."`
	Dir      string   `short:"C" placeholder:"PATH" default:"." type:"path" help:"The stack: a file or a folder."`
	cloudFlags
	runFlags
}

// Run carries out an action on one object of the stack.
func (c *actCommand) Run(ctx context.Context, io streams) (err error) {
	arguments := map[string]string{}
	for _, text := range c.Argument {
		name, value, ok := strings.Cut(text, "=")
		if _, twice := arguments[name]; !ok || twice {
			return fmt.Errorf("argument %q: write each once, as NAME=VALUE", text)
		}
		arguments[name] = value
	}
	in := catchInterrupts(ctx, io.err)
	defer in.release()
	s, err := open(in.ctx, io, stackFlags{Path: c.Dir}, need{cloud: &c.cloudFlags, run: c.runFlags, write: true, holder: "act"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	diags := s.Act(in.ctx, c.Address, c.Action, arguments, func(e apply.Event) {
		if e.Kind == apply.Progress {
			fmt.Fprintf(io.err, "%s: %s\n", c.Address, diag.Clean(e.Text))
		}
	})
	if diags.HasErrors() {
		return s.fail(diags)
	}
	s.report(diags)
	_, err = fmt.Fprintf(io.out, "%s of %s is done.\n", c.Action, c.Address)
	return err
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/plan/render"
	"github.com/moldctl/moldctl/core/spec"
)

type consoleCommand struct {
	Path       string   `arg:"" optional:"" default:"." help:"Stack file or folder."`
	Expression []string `short:"e" placeholder:"EXPR" sep:"none" help:"Evaluate this and end; may be given several times."`
	Var        []string `placeholder:"NAME=VALUE" sep:"none" help:"Set a variable; may be given several times."`
	VarFile    []string `placeholder:"FILE" sep:"none" type:"path" help:"Read variables from a file (*.vars.hcl, *.vars.yaml); may be given several times."`
	JSON       bool     `name:"json" help:"Write each value as a line of JSON; sensitive parts as \"(sensitive)\"."`
	NoColor    bool     `help:"Write without colours (also: NO_COLOR is set)."`
}

// maxExpression bounds a line that is typed or piped in.
const maxExpression = 1 << 20

// Run evaluates expressions on the values that the state holds. It asks no
// cloud and changes nothing.
func (c *consoleCommand) Run(ctx context.Context, io streams) (err error) {
	flags := stackFlags{Path: c.Path, Var: c.Var, VarFile: c.VarFile, NoColor: c.NoColor}
	s, err := open(ctx, io, flags, need{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	config, diags := s.Recall(ctx)
	s.report(diags)
	if diags.HasErrors() {
		return exitCode(exitError)
	}
	failed := false
	for i, text := range c.Expression {
		failed = !c.evaluate(s, config, fmt.Sprintf("expression %d", i+1), text) || failed
	}
	if len(c.Expression) == 0 {
		if failed, err = c.read(s, config); err != nil {
			return err
		}
	}
	if failed {
		return exitCode(exitError)
	}
	return nil
}

// read evaluates line by line until the input ends. At a terminal a mistake is
// no failure: it is seen.
func (c *consoleCommand) read(s *session, config *plan.Config) (failed bool, err error) {
	person := false
	if f, ok := s.io.in.(*os.File); ok {
		person = isTerminal(f) && isTerminal(s.io.out)
	}
	lines := bufio.NewScanner(s.io.in)
	lines.Buffer(nil, maxExpression)
	prompt := func() {
		if person {
			fmt.Fprint(s.io.out, "> ")
		}
	}
	for prompt(); lines.Scan(); prompt() {
		text := strings.TrimSpace(lines.Text())
		switch {
		case text == "" || strings.HasPrefix(text, "#"):
		case text == "exit" || text == "quit":
			return failed, nil
		default:
			failed = !c.evaluate(s, config, "expression", text) && !person || failed
		}
	}
	if err := lines.Err(); err != nil {
		return true, fmt.Errorf("read expressions: %w", err)
	}
	return failed, nil
}

// evaluate shows the value of one expression.
func (c *consoleCommand) evaluate(s *session, config *plan.Config, name, text string) bool {
	expr, file, diags := spec.Expression(name, text)
	s.Files()[name] = file
	v := cty.NilVal
	if !diags.HasErrors() {
		var more hcl.Diagnostics
		v, more = config.Evaluate(expr)
		diags = append(diags, more...)
	}
	s.report(diags)
	if diags.HasErrors() {
		return false
	}
	if !c.JSON {
		fmt.Fprintln(s.io.out, render.Value(v))
		return true
	}
	line, err := render.JSONValue(v)
	if err == nil {
		err = writeJSONLine(s.io.out, line)
	}
	if err != nil {
		fmt.Fprintf(s.io.err, "Error: %v\n", err)
	}
	return err == nil
}

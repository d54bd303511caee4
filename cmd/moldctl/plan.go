package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/plan/render"
)

type planCommand struct {
	stackFlags
	cloudFlags
	runFlags
	limitFlags
	choiceFlags
	Destroy          bool   `help:"Show what destroy would do."`
	DetailedExitcode bool   `name:"detailed-exitcode" help:"Exit with 2 when there are changes."`
	Out              string `placeholder:"FILE" type:"path" help:"Save the plan, encrypted, for moldctl apply FILE."`
	Format           string `enum:"text,md" default:"text" help:"How a plan is shown: text, or md for pull requests."`
	GenerateConfig   string `placeholder:"FILE" type:"path" help:"Write blocks for imports that have none into a new file, and plan nothing."`
}

// Run shows what apply would do. It takes no lock and changes nothing.
func (c *planCommand) Run(ctx context.Context, io streams) (err error) {
	options, err := c.options(c.choiceFlags, c.Destroy, c.AcceptMissing)
	if err != nil {
		return err
	}
	in := catchInterrupts(ctx, io.err)
	defer in.release()
	s, err := open(in.ctx, io, c.stackFlags, need{cloud: &c.cloudFlags, run: c.runFlags, create: c.Out != "", holder: "plan"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if c.GenerateConfig != "" {
		return s.generate(in.ctx, c.GenerateConfig)
	}
	p, diags := s.Plan(in.ctx, options)
	if diags.HasErrors() {
		return s.fail(diags)
	}
	s.report(diags)
	if c.Format == "md" && !c.JSON {
		if _, err := fmt.Fprint(io.out, render.Markdown(p)); err != nil {
			return err
		}
	} else if err := s.show(p); err != nil {
		return err
	}
	if c.Out != "" {
		if err := s.save(in.ctx, p, options, c.Out); err != nil {
			return err
		}
	}
	if c.DetailedExitcode && p.Changed() {
		return exitCode(exitChanges)
	}
	return nil
}

// generate writes blocks for the objects that import blocks name. Only a whole
// file is written, and none is overwritten.
func (s *session) generate(ctx context.Context, file string) error {
	if ext := filepath.Ext(file); ext != ".hcl" {
		return fmt.Errorf("--generate-config %s: the blocks are written in HCL, so the name must end in .hcl", file)
	}
	text, wrote, diags := s.Generate(ctx)
	if diags.HasErrors() {
		return s.fail(diags)
	}
	s.report(diags)
	if err := writeNew(file, text); err != nil {
		return err
	}
	if s.flags.JSON {
		return writeJSONLine(s.io.out, map[string]any{"type": "generated", "file": file, "addresses": wrote, "diagnostics": diag.ToJSON(s.said, s.Files())})
	}
	fmt.Fprintf(s.io.out, "Wrote %s: %s. Read it, keep what you mean to say, and plan again.\n", file, strings.Join(wrote, ", "))
	return nil
}

// planResult is the JSON result of plan.
type planResult struct {
	Type string `json:"type"` // "plan"
	render.Document
	Diagnostics []diag.JSON `json:"diagnostics"`
}

// show writes a plan to standard output.
func (s *session) show(p *plan.Plan) error {
	if !s.flags.JSON {
		_, err := fmt.Fprintf(s.io.out, "%s\n\n%s", s.where(), render.Text(p, render.Options{Color: s.color(s.io.out)}))
		return err
	}
	document, err := render.JSON(p)
	if err != nil {
		return err
	}
	return writeJSONLine(s.io.out, planResult{"plan", document, diag.ToJSON(s.said, s.Files())})
}

// where says which stack a plan is for and which cloud, and who said so.
func (s *session) where() string {
	settings := s.Cloud("")
	text := fmt.Sprintf("Stack %q on %s", s.Stack.Name, settings)
	for _, part := range []struct{ what, name string }{{"zone", settings.Zone}, {"project", settings.Project}} {
		if part.name != "" {
			text += fmt.Sprintf(", %s %q", part.what, part.name)
		}
	}
	return diag.Clean(text)
}

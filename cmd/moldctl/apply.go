package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/moldctl/moldctl/core"
	"github.com/moldctl/moldctl/core/apply"
	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/plan"
)

type applyCommand struct {
	stackFlags
	cloudFlags
	runFlags
	limitFlags
	choiceFlags
	AutoApprove      bool   `help:"Do not ask before changing anything."`
	DetailedExitcode bool   `name:"detailed-exitcode" help:"Exit with 2 when something was changed."`
	Dir              string `short:"C" placeholder:"PATH" type:"path" help:"With a saved plan: where the stack's folder is now."`
	Strict           bool   `help:"Exit with 1 when a check block fails; otherwise it only warns."`
}

// Run brings the cloud to what the stack says.
func (c *applyCommand) Run(ctx context.Context, io streams) error {
	if saved, err := isPlan(c.Path); err == nil && saved {
		return c.applySaved(ctx, io)
	}
	if c.Dir != "" {
		return fmt.Errorf("-C is for saved plans; name the stack's folder itself: moldctl apply %s", c.Dir)
	}
	options, err := c.options(c.choiceFlags, false, c.AcceptMissing)
	if err != nil {
		return err
	}
	job := change{
		stack: c.stackFlags, cloud: c.cloudFlags, run: c.runFlags, options: options, approved: c.AutoApprove, detailed: c.DetailedExitcode,
		strict: c.Strict, verb: "apply", question: "Carry out this plan?",
	}
	if c.RefreshOnly {
		job.question = "Write this into the state?"
	}
	return job.do(ctx, io)
}

// change is apply or destroy.
type change struct {
	stack    stackFlags
	cloud    cloudFlags
	run      runFlags
	options  core.PlanOptions
	approved bool
	detailed bool
	strict   bool // a failed check fails the run
	verb     string
	question string
}

// do plans, asks, and carries the plan out.
func (c change) do(ctx context.Context, io streams) (err error) {
	if c.stack.JSON && !c.approved {
		return fmt.Errorf("%s --json cannot ask for approval; add --auto-approve", c.verb)
	}
	in := catchInterrupts(ctx, io.err)
	defer in.release()
	s, err := open(in.ctx, io, c.stack, need{cloud: &c.cloud, run: c.run, write: true, holder: c.verb})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	p, diags := s.Plan(in.ctx, c.options)
	if diags.HasErrors() {
		return s.fail(diags)
	}
	s.report(diags)
	if err := s.show(p); err != nil {
		return err
	}
	if p.Changed() && !c.approved {
		if err := s.ask(in.ctx, c.question); err != nil {
			return err
		}
	}
	return c.carryOut(in, s, p)
}

// carryOut applies the plan. One without changes is applied too: it makes
// durable what planning has learned.
func (c change) carryOut(in *interrupts, s *session, p *plan.Plan) error {
	show := newProgress(s, p)
	stop := in.applying()
	summary, diags := s.Apply(in.ctx, stop, p, show.observe)
	show.end()
	s.report(diags)
	if err := s.finish(c, p, summary, diags.HasErrors()); err != nil {
		return err
	}
	switch {
	case diags.HasErrors() || summary.Failed > 0 || summary.NotStarted > 0 || c.strict && summary.FailedChecks > 0:
		return exitCode(exitError)
	case summary.Waiting > 0:
		return exitCode(exitWaiting)
	case c.detailed && p.Changed():
		return exitCode(exitChanges)
	}
	return nil
}

// applyResult is the last line of apply's JSON stream.
type applyResult struct {
	Type        string         `json:"type"` // "result"
	OK          bool           `json:"ok"`
	Summary     map[string]int `json:"summary"`
	Outputs     map[string]any `json:"outputs"`
	Diagnostics []diag.JSON    `json:"diagnostics"`
}

// finish says what was done, and the outputs.
func (s *session) finish(c change, p *plan.Plan, done apply.Summary, failed bool) error {
	kept := outputs{}
	snap, err := s.Session().Snapshot(context.Background())
	if err == nil {
		kept, err = readOutputs(snap)
	}
	if err != nil && !failed {
		return err
	}
	if err != nil { // what was done is said all the same
		s.report(diag.FromError("State cannot be read", err))
	}
	if s.flags.JSON {
		return writeJSONLine(s.io.out, applyResult{
			"result", !failed && done.NotStarted == 0 && done.Waiting == 0 && !(c.strict && done.FailedChecks > 0),
			map[string]int{
				"created": done.Created, "updated": done.Updated, "replaced": done.Replaced, "deleted": done.Deleted,
				"imported": done.Imported, "moved": done.Moved, "failed_checks": done.FailedChecks, "failed": done.Failed, "skipped": done.Skipped, "not_started": done.NotStarted, "waiting": done.Waiting,
			},
			kept.json(false), diag.ToJSON(s.said, s.Files()),
		})
	}
	if text := sentence(c.verb, done); text != "" {
		fmt.Fprintf(s.io.out, "\n%s\n", text)
	} else if p.RefreshOnly && p.Changed() && !failed {
		fmt.Fprint(s.io.out, "\nThe state is as the cloud is. Nothing was changed there.\n")
	}
	if done.FailedChecks > 0 {
		fmt.Fprintf(s.io.out, "\nFailed checks: %d of %d.\n", done.FailedChecks, len(s.Stack.Checks))
	}
	if len(kept) > 0 && !c.options.Destroy {
		fmt.Fprintf(s.io.out, "\nOutputs:\n%s", kept.text())
	}
	return s.reachable(kept)
}

// sentence counts what was done; "" if that is nothing.
func sentence(verb string, s apply.Summary) string {
	var parts []string
	for _, part := range []struct {
		n    int
		what string
	}{
		{s.Imported, "imported"}, {s.Moved, "moved"}, {s.Created, "created"}, {s.Updated, "changed"}, {s.Replaced, "replaced"}, {s.Deleted, "deleted"},
		{s.Failed, "failed"}, {s.Skipped, "skipped"}, {s.NotStarted, "not begun"}, {s.Waiting, "waiting for machines to be expunged"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	state := "complete"
	if s.Failed+s.Skipped+s.NotStarted == 0 && s.Waiting > 0 {
		state = "not complete yet; run it again when the cloud has expunged the machines"
	}
	if s.Failed+s.Skipped+s.NotStarted > 0 {
		state = "not complete; run it again to go on"
	}
	return strings.ToUpper(verb[:1]) + verb[1:] + " " + state + ": " + strings.Join(parts, ", ") + "."
}

// ask waits for the user's yes. Anything else leaves everything as it is.
func (s *session) ask(ctx context.Context, question string) error {
	fmt.Fprintf(s.io.out, "\n%s Only \"yes\" is taken as approval: ", question)
	answer := make(chan string, 1)
	go func() {
		line, err := bufio.NewReader(s.io.in).ReadString('\n')
		if err != nil && line == "" {
			line = "no" // the end of input is no approval
		}
		answer <- strings.TrimSpace(line)
	}()
	select {
	case text := <-answer:
		if text == "yes" {
			fmt.Fprintln(s.io.out)
			return nil
		}
	case <-ctx.Done():
	}
	fmt.Fprintln(s.io.out, "\nNot approved. Nothing was changed.")
	return exitCode(exitError)
}

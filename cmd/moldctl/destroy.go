package main

import "context"

type destroyCommand struct {
	stackFlags
	cloudFlags
	runFlags
	limitFlags
	AutoApprove      bool `help:"Do not ask before deleting anything."`
	DetailedExitcode bool `name:"detailed-exitcode" help:"Exit with 2 when something was deleted."`
}

// Run deletes everything the stack made.
func (c *destroyCommand) Run(ctx context.Context, io streams) error {
	options, err := c.options(choiceFlags{}, true, c.AcceptMissing)
	if err != nil {
		return err
	}
	job := change{
		stack: c.stackFlags, cloud: c.cloudFlags, run: c.runFlags, options: options, approved: c.AutoApprove, detailed: c.DetailedExitcode,
		verb: "destroy", question: "Delete all of this? It cannot be undone.",
	}
	return job.do(ctx, io)
}

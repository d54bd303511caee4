package main

import (
	"fmt"

	"github.com/moldctl/moldctl/core/diag"
)

type validateCommand struct{ stackFlags }

// validateResult is the JSON result of validate.
type validateResult struct {
	Type        string      `json:"type"` // "validation"
	Valid       bool        `json:"valid"`
	Diagnostics []diag.JSON `json:"diagnostics"`
}

// Run checks everything that can be checked without a cloud.
func (c *validateCommand) Run(io streams) error {
	s, err := load(io, c.stackFlags, need{validate: true})
	if err != nil {
		return err
	}
	diags := s.Validate()
	s.report(diags)
	if c.JSON {
		if err := writeJSON(io.out, validateResult{"validation", !diags.HasErrors(), diag.ToJSON(s.said, s.Files())}); err != nil {
			return err
		}
	}
	if diags.HasErrors() {
		return exitCode(exitError)
	}
	if !c.JSON {
		fmt.Fprintf(io.out, "The stack %q is valid.\n", s.Stack.Name)
	}
	return s.close()
}

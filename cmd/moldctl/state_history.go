package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

type stateHistoryCommand struct{ stateFlags }

// serialLine is one serial in the JSON list.
type serialLine struct {
	Serial  int64       `json:"serial"`
	At      time.Time   `json:"at"`
	Run     string      `json:"run"`
	Changed []objectKey `json:"changed"`
}

// shownChanges is how many changed objects a line names.
const shownChanges = 3

// Run lists the serials that are kept, newest first.
func (c *stateHistoryCommand) Run(ctx context.Context, io streams) (err error) {
	s, err := open(ctx, io, stackFlags{Path: c.Path, JSON: c.JSON}, need{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	history, err := s.Store().History(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		lines := []serialLine{}
		for _, h := range history {
			lines = append(lines, serialLine{h.Serial, h.At, h.Holder, objectKeys(h.Changed)})
		}
		return writeJSON(io.out, lines)
	}
	if len(history) == 0 {
		fmt.Fprintln(io.err, "No run has changed the state yet.")
	}
	table := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	for _, h := range history {
		var names []string
		for _, key := range h.Changed {
			names = append(names, key.Addr)
		}
		if more := len(names) - shownChanges; more > 0 {
			names = append(names[:shownChanges], fmt.Sprintf("and %d more", more))
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", h.Serial, h.At.Local().Format("2006-01-02 15:04:05"), h.Holder, strings.Join(names, ", "))
	}
	return table.Flush()
}

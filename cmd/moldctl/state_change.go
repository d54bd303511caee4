package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/moldctl/moldctl/core/state"
)

// stateChangeFlags are those of commands that change the state. Nothing is
// done in the cloud, which therefore need not answer.
type stateChangeFlags struct {
	stateFlags
	LockTimeout time.Duration `default:"0s" help:"How long to wait for another run of this stack."`
}

// change opens the state for writing, lets do work on it, and closes it.
func (f stateChangeFlags) change(ctx context.Context, io streams, verb string, do func(*session) error) (err error) {
	s, err := open(ctx, io, stackFlags{Path: f.Path, JSON: f.JSON}, need{write: true, holder: "state " + verb, run: runFlags{LockTimeout: f.LockTimeout}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	return do(s)
}

type stateMvCommand struct {
	From string `arg:"" help:"Address in the state: network.web, instance.app[0]; a block's name means all its instances."`
	To   string `arg:"" help:"New address."`
	stateChangeFlags
}

// movedLine is one renamed object in JSON.
type movedLine struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Deposed string `json:"deposed,omitempty"`
}

// Run renames objects in the state.
func (c *stateMvCommand) Run(ctx context.Context, io streams) error {
	return c.change(ctx, io, "mv", func(s *session) error {
		moved, err := s.MoveObjects(ctx, c.From, c.To)
		if err != nil {
			return err
		}
		lines := []movedLine{}
		for _, m := range moved {
			lines = append(lines, movedLine{m.From.Addr, m.To.Addr, m.To.Deposed})
			if !c.JSON {
				fmt.Fprintf(io.out, "%s is %s now.\n", m.From.Addr, m.To.Addr)
			}
		}
		if c.JSON {
			return writeJSON(io.out, lines)
		}
		return nil
	})
}

type stateRmCommand struct {
	Address []string `arg:"" help:"Addresses to forget; a block's name means all its instances."`
	stateChangeFlags
}

// forgottenResult is the JSON result of state rm.
type forgottenResult struct {
	Removed    []objectLine `json:"removed"`
	Dependents []string     `json:"dependents"`
}

// Run takes objects out of the state and says where they are left.
func (c *stateRmCommand) Run(ctx context.Context, io streams) error {
	return c.change(ctx, io, "rm", func(s *session) error {
		done, err := s.ForgetObjects(ctx, c.Address)
		if err != nil {
			return err
		}
		if c.JSON {
			result := forgottenResult{Removed: []objectLine{}, Dependents: append([]string{}, done.Dependents...)}
			for _, o := range done.Objects {
				result.Removed = append(result.Removed, objectLine{Address: o.Addr, Deposed: o.Deposed, Type: o.Type, Status: o.Status, ID: o.ID})
			}
			return writeJSON(io.out, result)
		}
		for _, o := range done.Objects {
			fmt.Fprintf(io.out, "Forgot %s. It still exists in the cloud: %s %s.\n", o.Addr, o.Type, o.ID)
		}
		for _, name := range done.Dependents {
			fmt.Fprintf(io.err, "Warning: %s was made from what the state has forgotten; destroy no longer knows which of them goes first.\n", name)
		}
		return nil
	})
}

type stateRestoreCommand struct {
	Serial int64 `arg:"" help:"Serial to go back to, as moldctl state history shows."`
	stateChangeFlags
}

// restoredResult is the JSON result of state restore.
type restoredResult struct {
	Serial  int64       `json:"serial"`
	Changed []objectKey `json:"changed"`
	Back    []objectKey `json:"back"`
}

// objectKey names a row of the state in JSON.
type objectKey struct {
	Address string `json:"address"`
	Deposed string `json:"deposed,omitempty"`
}

func objectKeys(keys []state.Key) []objectKey {
	list := []objectKey{}
	for _, k := range keys {
		list = append(list, objectKey{k.Addr, k.Deposed})
	}
	return list
}

// Run makes the objects of the state what they were at a serial.
func (c *stateRestoreCommand) Run(ctx context.Context, io streams) error {
	return c.change(ctx, io, "restore", func(s *session) error {
		done, err := s.Store().Restore(ctx, c.Serial)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(io.out, restoredResult{c.Serial, objectKeys(done.Changed), objectKeys(done.Back)})
		}
		fmt.Fprintf(io.out, "The state is as it was at serial %d: %d changed.\n", c.Serial, len(done.Changed))
		for _, key := range done.Back {
			fmt.Fprintf(io.out, "  %s is back; the next plan finds out whether it exists.\n", key.Addr)
		}
		return nil
	})
}

type statePullCommand struct{ stateFlags }

// Run writes the state as JSON. Its secrets stay sealed.
func (c *statePullCommand) Run(ctx context.Context, io streams) (err error) {
	s, err := open(ctx, io, stackFlags{Path: c.Path, JSON: c.JSON}, need{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	d, err := s.Store().Pull(ctx)
	if err != nil {
		return err
	}
	return writeJSON(io.out, d)
}

// maxDocument bounds what push reads: a state of 50,000 objects has about 100 MB.
const maxDocument = 1 << 30

type statePushCommand struct {
	File  string `arg:"" help:"Document that state pull has written; - reads standard input."`
	Force bool   `help:"Take one that is older than the state, or of another state."`
	stateChangeFlags
}

// pushedResult is the JSON result of state push.
type pushedResult struct {
	Serial  int64       `json:"serial"`
	Set     []objectKey `json:"set"`
	Removed []objectKey `json:"removed"`
}

// Run makes the state what a document says.
func (c *statePushCommand) Run(ctx context.Context, io streams) error {
	text, err := c.read(io)
	if err != nil {
		return err
	}
	d, err := state.ParseDocument(text)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	return c.change(ctx, io, "push", func(s *session) error {
		done, err := s.Store().Push(ctx, d, state.PushOptions{Force: c.Force})
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(io.out, pushedResult{done.Serial, objectKeys(done.Set), objectKeys(done.Removed)})
		}
		fmt.Fprintf(io.out, "The state is at serial %d: %d objects set, %d removed.\n", done.Serial, len(done.Set), len(done.Removed))
		return nil
	})
}

func (c *statePushCommand) read(from streams) ([]byte, error) {
	in := from.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return nil, fmt.Errorf("read state document: %w", err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read state document: %w", err)
	}
	if len(text) > maxDocument {
		return nil, fmt.Errorf("read state document %s: it has more than 1 GiB", c.File)
	}
	return text, nil
}

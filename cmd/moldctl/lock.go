package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/moldctl/moldctl/core/state"
)

type lockCommand struct {
	List  lockListCommand  `cmd:"" help:"Show who holds the state."`
	Break lockBreakCommand `cmd:"" help:"Take the right to write away from who holds the state."`
}

// place loads the stack and finds its state without opening it.
func (f stateFlags) place(ctx context.Context, io streams) (*session, state.Place, error) {
	s, err := load(io, stackFlags{Path: f.Path, JSON: f.JSON}, need{})
	if err != nil {
		return nil, state.Place{}, err
	}
	place, diags := s.Place(ctx)
	if diags.HasErrors() {
		return nil, place, errors.Join(s.fail(diags), s.close())
	}
	return s, place, nil
}

type lockListCommand struct{ stateFlags }

// Run shows who holds the state.
func (c *lockListCommand) Run(ctx context.Context, io streams) (err error) {
	s, place, err := c.place(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	lock, err := place.Lock(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		list := []*state.Lock{}
		if lock != nil {
			list = append(list, lock)
		}
		return writeJSON(io.out, list)
	}
	if lock == nil {
		fmt.Fprintln(io.out, "Nobody holds the state.")
		return nil
	}
	fmt.Fprintf(io.out, "Held by %s%s.\n", lock.LockHolder, until(lock))
	return nil
}

func until(lock *state.Lock) string {
	if lock.Until.IsZero() {
		return ""
	}
	return ", until " + lock.Until.Local().Format("15:04:05") + " unless renewed"
}

type lockBreakCommand struct{ stateFlags }

// Run takes a lease away. Its holder can write nothing from then on.
func (c *lockBreakCommand) Run(ctx context.Context, io streams) (err error) {
	s, place, err := c.place(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	lock, err := place.Break(ctx)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return writeJSON(io.out, map[string]*state.Lock{"broken": lock})
	case lock == nil:
		fmt.Fprintln(io.out, "Nobody holds the state.")
		return nil
	}
	fmt.Fprintf(io.out, "Took the state from %s. It writes nothing any more; its calls to the cloud end by %s, and the next run can begin shortly after.\n",
		lock.LockHolder, lock.Until.Local().Format("15:04:05"))
	return nil
}

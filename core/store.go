package core

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/cloud"
	"github.com/moldctl/moldctl/core/state"
)

// Environment variables that say where the state lies; they go before the
// stack block.
const (
	StateURLVariable         = "MOLD_STATE_URL"
	StateEnvironmentVariable = "MOLD_STATE_ENVIRONMENT"
	StateRecipientsVariable  = "MOLD_STATE_RECIPIENTS" // separated by commas
)

// defaultEnvironment names the state of a stack that needs no other.
const defaultEnvironment = "default"

// Place says where the state of this run lies, without opening it.
func (e *Engine) Place(ctx context.Context) (state.Place, hcl.Diagnostics) {
	if diags := e.resolveClouds(ctx); diags.HasErrors() {
		return state.Place{}, diags
	}
	return e.place(), nil
}

// place is the database that the environment or the stack names, or a file.
// The embedded cloud always has a file of its own.
func (e *Engine) place() state.Place {
	p := state.Place{File: e.StatePath(), Stack: e.Stack.Name}
	if !e.Embedded() {
		e.database(&p)
	}
	return p
}

func (e *Engine) database(p *state.Place) {
	p.URL = e.setting(StateURLVariable, e.Stack.Store.Postgres)
	p.Environment = e.setting(StateEnvironmentVariable, e.Stack.Store.Environment)
	if p.Environment == "" {
		p.Environment = defaultEnvironment
	}
}

// setting is a variable of the environment, or else what the stack says.
func (e *Engine) setting(variable, otherwise string) string {
	if e.settings.Getenv != nil {
		if v, ok := e.settings.Getenv(variable); ok && v != "" {
			return v
		}
	}
	return otherwise
}

// Recipients are the age public keys that the environment or the stack names.
func (e *Engine) Recipients() []string {
	if list := e.setting(StateRecipientsVariable, ""); list != "" {
		return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	}
	return e.Stack.Store.Recipients
}

func (e *Engine) storeOptions(a Access) state.Options {
	o := state.Options{
		Holder: a.Holder, Wait: e.settings.LockWait, Waiting: e.settings.LockWaiting, ReadOnly: !a.Write, Stack: e.Stack.Name,
		Keep: e.Stack.Store.Keep, LeaseTime: e.settings.LeaseTime, Renewed: e.Host.Bound,
	}
	if !e.Embedded() { // what is tried out needs no key pair
		o.Recipients = e.Recipients()
	}
	return o
}

// fellToEmbedded refuses the embedded cloud for a stack whose objects are in a
// real one: with an unset secret everything would look gone.
func (e *Engine) fellToEmbedded(ctx context.Context) error {
	if !e.Embedded() || e.clouds[""].Source[cloud.Endpoint] != "" {
		return nil
	}
	real := state.Place{File: filepath.Join(e.Stack.Dir, StateDir, "state.db"), Stack: e.Stack.Name}
	e.database(&real)
	if _, err := os.Stat(real.File); err != nil && real.URL == "" {
		return nil // no state of a real cloud: nothing to protect
	}
	other, err := state.Open(ctx, real, state.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer other.Close()
	snap, err := other.Snapshot(ctx)
	if err != nil {
		return err
	}
	if bound, ok := snap.Bindings[""]; ok && len(snap.Objects) > 0 {
		return cloud.FellToEmbedded(bound)
	}
	return nil
}

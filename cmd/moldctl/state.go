package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/plan/render"
	"github.com/moldctl/moldctl/core/state"
)

type stateCommand struct {
	List    stateListCommand    `cmd:"" help:"List the objects in the state."`
	Show    stateShowCommand    `cmd:"" help:"Show one object of the state."`
	Mv      stateMvCommand      `cmd:"" help:"Give an object of the state another address."`
	Rm      stateRmCommand      `cmd:"" help:"Forget objects. They stay in the cloud."`
	Pull    statePullCommand    `cmd:"" help:"Write the whole state as JSON; its secrets stay sealed."`
	Push    statePushCommand    `cmd:"" help:"Make the state what such a document says."`
	History stateHistoryCommand `cmd:"" help:"List the runs that changed the state."`
	Restore stateRestoreCommand `cmd:"" help:"Make the state what it was at an earlier serial."`
	Rekey   stateRekeyCommand   `cmd:"" help:"Seal the state with a new key, or for other recipients."`
	Keygen  stateKeygenCommand  `cmd:"" help:"Make a key pair for sealing states."`
}

// stateFlags are those of commands that look at the state. They take no lock.
type stateFlags struct {
	Path string `short:"C" default:"." placeholder:"PATH" help:"Stack file or folder."`
	JSON bool   `name:"json" help:"Write JSON for programs."`
}

// look opens the state and reads it.
func (f stateFlags) look(ctx context.Context, io streams) (*session, *state.Snapshot, error) {
	s, err := open(ctx, io, stackFlags{Path: f.Path, JSON: f.JSON}, need{})
	if err != nil {
		return nil, nil, err
	}
	snap, err := s.Session().Snapshot(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, s.close())
	}
	return s, snap, nil
}

type stateListCommand struct{ stateFlags }

// objectLine is one object in the JSON list.
type objectLine struct {
	Address   string       `json:"address"`
	Deposed   string       `json:"deposed,omitempty"`
	Type      string       `json:"type"`
	Status    state.Status `json:"status"`
	ID        string       `json:"id"`
	Operation string       `json:"operation,omitempty"` // what is under way or was interrupted
}

// Run lists what the state holds.
func (c *stateListCommand) Run(ctx context.Context, io streams) error {
	s, snap, err := c.look(ctx, io)
	if err != nil {
		return err
	}
	lines := listObjects(snap)
	if c.JSON {
		return errors.Join(writeJSON(io.out, lines), s.close())
	}
	if len(lines) == 0 {
		fmt.Fprintln(io.err, "The state holds no objects.")
	}
	table := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		name := l.Address
		if l.Deposed != "" {
			name += " (replaced earlier)"
		}
		note := string(l.Status)
		if l.Operation != "" {
			note = l.Operation + " not finished"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", name, note, l.ID)
	}
	return errors.Join(table.Flush(), s.close())
}

// listObjects lists objects, and operations on what is not an object yet.
func listObjects(snap *state.Snapshot) []objectLine {
	under := map[state.Key]*state.Operation{}
	for _, op := range snap.Operations {
		under[op.Key] = op
	}
	lines := []objectLine{}
	for key, o := range snap.Objects {
		line := objectLine{Address: key.Addr, Deposed: key.Deposed, Type: o.Type, Status: o.Status, ID: o.ID}
		if op := under[key]; op != nil {
			line.Operation = op.Action
			delete(under, key)
		}
		lines = append(lines, line)
	}
	for key, op := range under {
		lines = append(lines, objectLine{Address: key.Addr, Deposed: key.Deposed, Type: op.Type, Status: state.Partial, Operation: op.Action})
	}
	slices.SortFunc(lines, func(a, b objectLine) int {
		return cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.Deposed, b.Deposed))
	})
	return lines
}

type stateShowCommand struct {
	Address string `arg:"" help:"Address of the object: network.web, instance.app[0]."`
	stateFlags
}

// objectDetail is one object in JSON.
type objectDetail struct {
	objectLine
	Values        json.RawMessage         `json:"values"` // sensitive parts as "(sensitive)"
	Lookups       map[string]state.Lookup `json:"lookups,omitempty"`
	DependsOn     []string                `json:"depends_on,omitempty"`
	Cloud         string                  `json:"cloud,omitempty"`
	Plugin        string                  `json:"plugin"`
	PluginVersion string                  `json:"plugin_version"`
	Schema        int                     `json:"schema"`
	Updated       time.Time               `json:"updated,omitzero"`
}

// Run shows one object, without its secrets.
func (c *stateShowCommand) Run(ctx context.Context, io streams) (err error) {
	s, snap, err := c.look(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	o := snap.Objects[state.Key{Addr: c.Address}]
	if o == nil {
		var names []string
		for key := range maps.Keys(snap.Objects) {
			names = append(names, key.Addr)
		}
		return fmt.Errorf("the state holds no object %q.%s", c.Address, known(c.Address, names))
	}
	t := s.Host.Types()[o.Type]
	if t == nil {
		return fmt.Errorf("%s is of type %q, which no installed plugin serves", c.Address, o.Type)
	}
	v, err := plan.DecodeValues(t, o.Values, o.SensitivePaths)
	if err != nil {
		return fmt.Errorf("show %s: %w", c.Address, err)
	}
	if c.JSON {
		values, err := render.JSONValue(v)
		if err != nil {
			return fmt.Errorf("show %s: %w", c.Address, err)
		}
		return writeJSON(io.out, objectDetail{
			objectLine{o.Addr, o.Deposed, o.Type, o.Status, o.ID, ""}, values, o.Lookups, o.DependsOn, o.Cloud,
			o.Plugin, o.PluginVersion, o.SchemaVersion, o.UpdatedAt,
		})
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s  # %s, %s\n", o.Addr, o.Type, o.Status)
	fmt.Fprintln(&b, render.Value(v))
	_, err = b.WriteTo(io.out)
	return err
}

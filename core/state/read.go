package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Snapshot implements Session. It reads in a transaction of its own, so it
// sees one moment even while appends go on.
func (s *Store) Snapshot(ctx context.Context) (*Snapshot, error) {
	snap := &Snapshot{
		Stack: s.opts.Stack, Objects: map[Key]*Object{}, Operations: map[string]*Operation{},
		Bindings: map[string]Binding{}, Outputs: map[string]Output{},
	}
	if s.db == nil {
		return snap, nil
	}
	tx, err := s.db.BeginTx(ctx, s.engine.reading())
	if err != nil {
		return nil, s.engine.explain(err)
	}
	defer func() { _ = tx.Rollback() }() // it wrote nothing
	if err := tx.QueryRowContext(ctx, "SELECT lineage, serial, stack FROM meta").Scan(&snap.Lineage, &snap.Serial, &snap.Stack); err != nil {
		return nil, s.engine.explain(err)
	}
	for _, read := range []func(context.Context, *sql.Tx, *Snapshot) error{
		s.readObjects, s.readOperations, s.readBindings,
	} {
		if err := read(ctx, tx, snap); err != nil {
			return nil, s.engine.explain(err)
		}
	}
	if snap.Outputs, err = readOutputs(ctx, tx, s.seal); err != nil {
		return nil, s.engine.explain(err)
	}
	return snap, nil
}

func (s *Store) readObjects(ctx context.Context, tx *sql.Tx, snap *Snapshot) error {
	return each(ctx, tx, "SELECT "+columns+" FROM objects", func(rows *sql.Rows) error {
		row, err := scanRow(rows)
		if err != nil {
			return err
		}
		object, err := s.seal.objectOf(row)
		if err != nil {
			return err
		}
		snap.Objects[row.key] = object
		return nil
	})
}

// scanRow reads the columns of an object.
func scanRow(from interface{ Scan(...any) error }) (*objectRow, error) {
	var r objectRow
	err := from.Scan(&r.key.Addr, &r.key.Deposed, &r.typ, &r.status, &r.id, &r.cloud, &r.info, &r.data, &r.sealed, &r.private, &r.pending)
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// readOperations replays the journal: what began and did not end is under way.
func (s *Store) readOperations(ctx context.Context, tx *sql.Tx, snap *Snapshot) error {
	type entry struct {
		kind string
		body []byte
	}
	entries := map[string][]entry{}
	err := each(ctx, tx, "SELECT operation, kind, body FROM journal ORDER BY n", func(rows *sql.Rows) error {
		var operation string
		var e entry
		if err := rows.Scan(&operation, &e.kind, &e.body); err != nil {
			return err
		}
		if e.kind == kindEnd {
			delete(entries, operation)
			return nil
		}
		entries[operation] = append(entries[operation], e)
		return nil
	})
	if err != nil {
		return err
	}
	for id, list := range entries {
		for _, e := range list {
			text, err := s.seal.openNamed(e.body, "operation "+e.kind, id)
			if err != nil {
				return err
			}
			if err := replay(snap, id, e.kind, text); err != nil {
				return fmt.Errorf("operation %s: %w", id, err)
			}
		}
	}
	return nil
}

// replay applies one journal row to the snapshot.
func replay(snap *Snapshot, id, kind string, text []byte) error {
	if kind == kindBegin {
		var r operationRecord
		if err := json.Unmarshal(text, &r); err != nil {
			return err
		}
		snap.Operations[id] = r.operation(id)
		return nil
	}
	var r callRecord
	if err := json.Unmarshal(text, &r); err != nil {
		return err
	}
	op := snap.Operations[id]
	if op == nil {
		return fmt.Errorf("a call without a beginning")
	}
	call := calls([]callRecord{r})[0]
	if i := slices.IndexFunc(op.Calls, func(c Call) bool { return c.Key == call.Key }); i >= 0 {
		op.Calls[i] = call
		return nil
	}
	op.Calls = append(op.Calls, call)
	return nil
}

func (s *Store) readBindings(ctx context.Context, tx *sql.Tx, snap *Snapshot) error {
	return each(ctx, tx, "SELECT alias, body FROM bindings", func(rows *sql.Rows) error {
		var alias string
		var body []byte
		if err := rows.Scan(&alias, &body); err != nil {
			return err
		}
		var r bindingRecord
		if err := json.Unmarshal(body, &r); err != nil {
			return fmt.Errorf("binding of cloud %q: %w", alias, err)
		}
		snap.Bindings[alias] = r.binding(alias)
		return nil
	})
}

func readOutputs(ctx context.Context, q querier, seal *sealer) (map[string]Output, error) {
	outputs := map[string]Output{}
	err := each(ctx, q, "SELECT name, type, value, sensitive FROM outputs", func(rows *sql.Rows) error {
		var o Output
		if err := rows.Scan(&o.Name, &o.Type, &o.Value, &o.Sensitive); err != nil {
			return err
		}
		if o.Sensitive {
			var err error
			if o.Value, err = seal.openNamed(o.Value, "output", o.Name); err != nil {
				return err
			}
		}
		outputs[o.Name] = o
		return nil
	})
	return outputs, err
}

// Serial is one run that changed something.
type Serial struct {
	Serial  int64
	At      time.Time
	Holder  string // Options.Holder of that run
	Changed []Key  // in the order of the changes
}

// History returns the kept serials, newest first.
func (s *Store) History(ctx context.Context) ([]Serial, error) {
	if s.db == nil {
		return nil, nil
	}
	changed, seen := map[int64][]Key{}, map[int64]map[Key]bool{}
	err := each(ctx, s.db, "SELECT serial, addr, deposed FROM history ORDER BY n", func(rows *sql.Rows) error {
		var serial int64
		var key Key
		if err := rows.Scan(&serial, &key.Addr, &key.Deposed); err != nil {
			return err
		}
		if seen[serial] == nil {
			seen[serial] = map[Key]bool{}
		}
		if !seen[serial][key] {
			seen[serial][key] = true
			changed[serial] = append(changed[serial], key)
		}
		return nil
	})
	if err != nil {
		return nil, s.engine.explain(err)
	}
	var list []Serial
	err = each(ctx, s.db, "SELECT serial, at, holder FROM serials ORDER BY serial DESC", func(rows *sql.Rows) error {
		var one Serial
		var at string
		if err := rows.Scan(&one.Serial, &at, &one.Holder); err != nil {
			return err
		}
		var err error
		if one.At, err = time.Parse(time.RFC3339, at); err != nil {
			return err
		}
		one.Changed = changed[one.Serial]
		list = append(list, one)
		return nil
	})
	if err != nil {
		return nil, s.engine.explain(err)
	}
	return list, nil
}

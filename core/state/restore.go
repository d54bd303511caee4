package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// LaterError refuses a restore because objects made since are alive: the state
// would forget them.
type LaterError struct {
	Serial  int64
	Objects []string // "network.web (network 8a1f…)"
}

// Error names the objects and says what can be done.
func (e *LaterError) Error() string {
	return fmt.Sprintf("restore serial %d: these objects were made later and still exist: %s; delete them with apply, "+
		"or take them out of the state with: moldctl state rm ADDRESS", e.Serial, strings.Join(e.Objects, ", "))
}

// Restored is what a restore has changed.
type Restored struct {
	Changed []Key // rows that are as they were
	Back    []Key // among them, those the state held no more
}

// Restore makes the objects what they were after the run with the serial. It
// is a change like any other, with a serial of its own, so it can be taken
// back. Outputs and bindings stay: the next apply computes them.
func (s *Store) Restore(ctx context.Context, serial int64) (Restored, error) {
	var done Restored
	err := s.write(ctx, func(ctx context.Context, b *batch) error {
		var err error
		done, err = b.restore(ctx, serial)
		return err
	})
	return done, err
}

func (b *batch) restore(ctx context.Context, serial int64) (Restored, error) {
	if err := b.restorable(ctx, serial); err != nil {
		return Restored{}, err
	}
	past, err := b.pastRows(ctx, serial)
	if err != nil {
		return Restored{}, err
	}
	now, err := b.currentRows(ctx)
	if err != nil {
		return Restored{}, err
	}
	if later := laterObjects(now, past); len(later) > 0 {
		return Restored{}, &LaterError{serial, later}
	}
	var done Restored
	for _, key := range sortedKeys(past) {
		row := past[key]
		if row == nil && now[key] == nil || row != nil && now[key] != nil && row.equal(now[key]) {
			continue
		}
		done.Changed = append(done.Changed, key)
		if row != nil && now[key] == nil {
			done.Back = append(done.Back, key)
		}
		if err := b.set(ctx, key, row); err != nil {
			return Restored{}, err
		}
	}
	return done, nil
}

// restorable refuses a serial that is not in the past, or no more in the history.
func (b *batch) restorable(ctx context.Context, serial int64) error {
	if len(b.open) > 0 {
		return fmt.Errorf("restore serial %d: an interrupted run is not settled yet; run apply first", serial)
	}
	var oldest sql.NullInt64
	if err := b.row(ctx, "SELECT min(serial) FROM serials").Scan(&oldest); err != nil {
		return err
	}
	switch {
	case serial == b.serial:
		return fmt.Errorf("restore serial %d: the state is at this serial", serial)
	case serial > b.serial || serial < 0:
		return fmt.Errorf("restore serial %d: there is none; the state is at serial %d", serial, b.serial)
	case !oldest.Valid || serial < oldest.Int64-1:
		return fmt.Errorf("restore serial %d: the history reaches back to serial %d only", serial, max(oldest.Int64-1, 0))
	}
	return nil
}

// pastRows returns what every key that changed since was after the serial; nil
// for one that held nothing.
func (b *batch) pastRows(ctx context.Context, serial int64) (map[Key]*objectRow, error) {
	past := map[Key]*objectRow{}
	rows, err := b.conn.QueryContext(ctx, b.session.engine.bind("SELECT addr, deposed, type IS NOT NULL, coalesce(type, ''), coalesce(status, ''), "+
		"coalesce(id, ''), coalesce(cloud, ''), coalesce(info, ''), data, sealed, private, pending FROM history WHERE serial > ? ORDER BY n DESC"), serial)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r objectRow
		var existed bool
		var sealed sql.NullBool
		err := rows.Scan(&r.key.Addr, &r.key.Deposed, &existed, &r.typ, &r.status, &r.id, &r.cloud, &r.info, &r.data, &sealed, &r.private, &r.pending)
		if err != nil {
			return nil, err
		}
		r.sealed = sealed.Bool
		past[r.key] = nil // an earlier change replaces what a later one said
		if existed {
			past[r.key] = &r
		}
	}
	return past, errors.Join(rows.Err(), rows.Close())
}

func (b *batch) currentRows(ctx context.Context) (map[Key]*objectRow, error) {
	now := map[Key]*objectRow{}
	err := each(ctx, b.conn, "SELECT "+columns+" FROM objects", func(rows *sql.Rows) error {
		r, err := scanRow(rows)
		if err == nil {
			now[r.key] = r
		}
		return err
	})
	return now, err
}

// laterObjects lists what exists now and did not then, by the cloud's id: a
// row that was only moved is no later object.
func laterObjects(now, past map[Key]*objectRow) []string {
	type identity struct{ typ, id string }
	then := map[identity]bool{}
	for key, row := range now {
		if _, changed := past[key]; !changed {
			then[identity{row.typ, row.id}] = true
		}
	}
	for _, row := range past {
		if row != nil {
			then[identity{row.typ, row.id}] = true
		}
	}
	var later []string
	for _, key := range sortedKeys(now) {
		row := now[key]
		if _, changed := past[key]; changed && !then[identity{row.typ, row.id}] {
			later = append(later, fmt.Sprintf("%s (%s %s)", key.Addr, row.typ, row.id))
		}
	}
	return later
}

func sortedKeys[V any](m map[Key]V) []Key {
	keys := make([]Key, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, Key.Compare)
	return keys
}

// equal tells whether two rows hold the same; sealed fields differ whenever
// they were written.
func (r *objectRow) equal(o *objectRow) bool {
	same := func(a, b []byte) bool { return string(a) == string(b) && (a == nil) == (b == nil) }
	return r.typ == o.typ && r.status == o.status && r.id == o.id && r.cloud == o.cloud && r.sealed == o.sealed &&
		same(r.info, o.info) && same(r.data, o.data) && same(r.private, o.private) && same(r.pending, o.pending)
}

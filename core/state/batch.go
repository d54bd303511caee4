package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The kinds of journal rows.
const (
	kindBegin = "begin"
	kindCall  = "call"
	kindEnd   = "end"
)

// batch is one transaction of the writer.
type batch struct {
	*writer
	// final, if set, is why nothing can follow once this batch is kept.
	final error
}

func (b *batch) exec(ctx context.Context, query string, args ...any) error {
	_, err := b.conn.ExecContext(ctx, b.session.engine.bind(query), args...)
	return err
}

func (b *batch) insert(ctx context.Context, query string, args ...any) (int64, error) {
	return b.session.engine.insert(ctx, b.conn, b.session.engine.bind(query), args...)
}

func (b *batch) row(ctx context.Context, query string, args ...any) *sql.Row {
	return b.conn.QueryRowContext(ctx, b.session.engine.bind(query), args...)
}

// all carries out the changes of a group, in order.
func (b *batch) all(ctx context.Context, group []*request) error {
	for _, r := range group {
		for _, change := range r.changes {
			if err := change(ctx, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// journal appends a row about an operation.
func (b *batch) journal(ctx context.Context, operation, kind string, body []byte) error {
	_, open := b.open[operation]
	switch {
	case kind == kindBegin && open:
		return fmt.Errorf("operation %s has begun already", operation)
	case kind != kindBegin && !open:
		return fmt.Errorf("operation %s is not open", operation)
	}
	n, err := b.insert(ctx, "INSERT INTO journal (operation, kind, body) VALUES (?, ?, ?)", operation, kind, body)
	if err != nil {
		return err
	}
	b.note(operation, kind, n, len(operation)+len(kind)+len(body))
	return nil
}

// compact writes the journal anew with the operations under way only. Deleting
// all rows and inserting few writes fewer pages than deleting many.
func (b *batch) compact(ctx context.Context) error {
	type row struct {
		operation, kind string
		body            []byte
	}
	var keep []row
	for _, j := range b.open {
		for _, n := range j.numbers {
			var r row
			err := b.row(ctx, "SELECT operation, kind, body FROM journal WHERE n = ?", n).Scan(&r.operation, &r.kind, &r.body)
			if err != nil {
				return err
			}
			keep = append(keep, r)
		}
	}
	if err := b.exec(ctx, "DELETE FROM journal"); err != nil {
		return err
	}
	b.open, b.bytes = map[string]journal{}, 0
	for _, r := range keep {
		if err := b.journal(ctx, r.operation, r.kind, r.body); err != nil {
			return err
		}
	}
	return nil
}

// columns are those of objects and history that describe an object.
const columns = "addr, deposed, type, status, id, cloud, info, data, sealed, private, pending"

// set writes an object's row, or removes it if row is nil, and keeps in the
// history what was there before.
func (b *batch) set(ctx context.Context, key Key, row *objectRow) error {
	n, exists := b.rows[key]
	if row == nil && !exists {
		return nil
	}
	if err := b.remember(ctx, key); err != nil {
		return err
	}
	switch {
	case row == nil:
		err := b.exec(ctx, "DELETE FROM objects WHERE n = ?", n)
		delete(b.rows, key)
		return err
	case exists:
		err := b.exec(ctx, `UPDATE objects SET addr = ?, deposed = ?, type = ?, status = ?, id = ?, cloud = ?,
			info = ?, data = ?, sealed = ?, private = ?, pending = ? WHERE n = ?`, append(row.args(), n)...)
		return err
	}
	n, err := b.insert(ctx, "INSERT INTO objects ("+columns+") VALUES (?"+strings.Repeat(", ?", 10)+")", row.args()...)
	if err != nil {
		return err
	}
	b.rows[key] = n
	return nil
}

func (r *objectRow) args() []any {
	return []any{r.key.Addr, r.key.Deposed, r.typ, r.status, r.id, r.cloud, string(r.info), r.data, r.sealed, r.private, r.pending}
}

// move gives an object another key. Its sealed fields are bound to the key, so
// they are sealed anew.
func (b *batch) move(ctx context.Context, from, to Key) error {
	n, ok := b.rows[from]
	if !ok {
		return fmt.Errorf("move %s: there is no such object", from.Addr)
	}
	if _, taken := b.rows[to]; taken {
		return fmt.Errorf("move %s: there is an object %s already", from.Addr, to.Addr)
	}
	row, err := scanRow(b.row(ctx, "SELECT "+columns+" FROM objects WHERE n = ?", n))
	if err != nil {
		return err
	}
	object, err := b.session.seal.objectOf(row)
	if err != nil {
		return err
	}
	moved, err := b.session.seal.rowOf(to, object)
	if err != nil {
		return err
	}
	if err := b.set(ctx, from, nil); err != nil {
		return err
	}
	return b.set(ctx, to, moved)
}

// remember keeps what an object is before it changes, under the serial of this session.
func (b *batch) remember(ctx context.Context, key Key) error {
	if err := b.touch(ctx); err != nil {
		return err
	}
	if n, ok := b.rows[key]; ok {
		err := b.exec(ctx, "INSERT INTO history (serial, "+columns+") SELECT CAST(? AS BIGINT), "+columns+" FROM objects WHERE n = ?", b.serial, n)
		return err
	}
	err := b.exec(ctx, "INSERT INTO history (serial, addr, deposed) VALUES (?, ?, ?)", b.serial, key.Addr, key.Deposed)
	return err
}

// touch gives this session its serial, at its first change of what exists.
func (b *batch) touch(ctx context.Context) error {
	if b.touched {
		return nil
	}
	b.serial, b.touched = b.serial+1, true
	at := time.Now().UTC().Format(time.RFC3339)
	oldest := b.serial - int64(b.session.opts.Keep)
	for _, s := range []struct {
		query string
		args  []any
	}{
		{"UPDATE meta SET serial = ?", []any{b.serial}},
		{"INSERT INTO serials VALUES (?, ?, ?)", []any{b.serial, at, b.session.opts.Holder}},
		{"DELETE FROM history WHERE serial <= ?", []any{oldest}},
		{"DELETE FROM serials WHERE serial <= ?", []any{oldest}},
	} {
		if err := b.exec(ctx, s.query, s.args...); err != nil {
			return err
		}
	}
	return nil
}

// bind records a binding; an equal one changes nothing.
func (b *batch) bind(ctx context.Context, alias, body string) error {
	var old string
	err := b.row(ctx, "SELECT body FROM bindings WHERE alias = ?", alias).Scan(&old)
	if err == nil && old == body {
		return nil
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err := b.touch(ctx); err != nil {
		return err
	}
	return b.exec(ctx, "INSERT INTO bindings (alias, body) VALUES (?, ?) ON CONFLICT (alias) DO UPDATE SET body = excluded.body", alias, body)
}

// setOutputs replaces the outputs; equal ones change nothing, so that an apply
// without changes leaves the serial alone.
func (b *batch) setOutputs(ctx context.Context, outputs []Output) error {
	old, err := readOutputs(ctx, b.conn, b.session.seal)
	if err != nil {
		return err
	}
	return b.replaceOutputs(ctx, old, outputs, b.session.seal)
}

func (b *batch) replaceOutputs(ctx context.Context, old map[string]Output, outputs []Output, seal *sealer) error {
	if len(old) == len(outputs) && !slices.ContainsFunc(outputs, func(o Output) bool { return !sameOutput(old[o.Name], o) }) {
		return nil
	}
	if err := b.touch(ctx); err != nil {
		return err
	}
	if err := b.exec(ctx, "DELETE FROM outputs"); err != nil {
		return err
	}
	for _, o := range outputs {
		value := o.Value
		if o.Sensitive {
			var err error
			if value, err = seal.named(o.Value, "output", o.Name); err != nil {
				return err
			}
		}
		if err := b.exec(ctx, "INSERT INTO outputs VALUES (?, ?, ?, ?)", o.Name, o.Type, value, o.Sensitive); err != nil {
			return err
		}
	}
	return nil
}

func sameOutput(a, b Output) bool {
	return a.Name == b.Name && a.Sensitive == b.Sensitive && string(a.Type) == string(b.Type) && string(a.Value) == string(b.Value)
}

// noTransaction tells a rollback that found nothing to roll back.
func noTransaction(err error) bool {
	return strings.Contains(err.Error(), "no transaction is active")
}

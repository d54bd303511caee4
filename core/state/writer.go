package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	// maxGroup bounds how many appends share one transaction.
	maxGroup = 128
	// journalLimit is how many bytes of ended operations may lie in the
	// journal before its rows are written anew without them.
	journalLimit = 128 << 10
	// lingerTime is short beside a flush, which takes about half a millisecond.
	lingerTime = 200 * time.Microsecond
)

// request is one Append: its changes are kept all or none.
type request struct {
	changes []change
	done    chan error
}

// change is one entry, encoded and sealed, ready to be written.
type change func(context.Context, *batch) error

// writer owns the writing connection. Everything it knows is rebuilt from the
// file by load; a batch that fails is undone in memory by doing that again.
type writer struct {
	session *Store
	conn    *sql.Conn

	rows    map[Key]int64      // number of each object's row
	open    map[string]journal // operations under way
	serial  int64
	touched bool // this session has its serial already
	bytes   int  // in the journal, of ended operations too

	crowded bool // the last group held more than one append

	// broken says that the file could not be read back after a failure: what
	// is in memory may differ from it, so nothing more is written.
	broken error
}

// journal is what the journal holds of one operation.
type journal struct {
	numbers []int64
	bytes   int
}

// run serves appends until the session closes.
func (w *writer) run(ctx context.Context) {
	defer close(w.session.stopped)
	for {
		select {
		case r := <-w.session.requests:
			w.serve(ctx, w.gather(r))
		case answer := <-w.session.purges:
			answer <- w.session.engine.purge(ctx, w.conn)
		case <-w.session.stop:
			w.finish(ctx)
			return
		}
	}
}

// gather adds to the first append those that wait already and, if others came
// together before, those that come within a moment: who has just been answered
// is about to append again, and shares the next flush instead of the one after.
func (w *writer) gather(first *request) []*request {
	group := []*request{first}
	linger := time.NewTimer(lingerTime)
	defer linger.Stop()
	for len(group) < maxGroup {
		select {
		case r := <-w.session.requests:
			group = append(group, r)
			continue
		default:
		}
		if !w.crowded {
			break
		}
		select {
		case r := <-w.session.requests:
			group = append(group, r)
			continue
		case <-linger.C:
		}
		break
	}
	w.crowded = len(group) > 1
	return group
}

// serve writes a group in one transaction. If that fails each append is tried
// alone, so that one that cannot be carried out does not fail its neighbours.
func (w *writer) serve(ctx context.Context, group []*request) {
	err := w.write(ctx, group)
	if err == nil || len(group) == 1 {
		for _, r := range group {
			r.done <- err
		}
		return
	}
	for _, r := range group {
		r.done <- w.write(ctx, []*request{r})
	}
}

// write carries out a group in one transaction and flushes it. If the
// connection is lost meanwhile it finds out whether the group was kept, and
// writes it again if not.
func (w *writer) write(ctx context.Context, group []*request) error {
	for w.broken == nil {
		err := w.try(ctx, group)
		if err == nil {
			return nil
		}
		conn, kept, lost := w.session.engine.reconnect(ctx, w.session.db, w.conn, err)
		if conn != nil {
			w.conn = conn
		} else if lost == nil {
			return w.undo(ctx, err)
		}
		if lost == nil {
			lost = w.load(ctx)
		}
		if w.broken = lost; lost == nil && kept {
			return nil
		}
	}
	return w.broken
}

// try makes one attempt at a group.
func (w *writer) try(ctx context.Context, group []*request) error {
	ctx, cancel := w.session.engine.bounded(ctx)
	defer cancel()
	if err := w.session.engine.begin(ctx, w.conn); err != nil {
		return err
	}
	b := &batch{writer: w}
	err := b.all(ctx, group)
	if err == nil && w.bytes > journalLimit+w.live() {
		err = b.compact(ctx)
	}
	if err == nil {
		_, err = w.conn.ExecContext(ctx, "COMMIT")
	}
	if err == nil {
		w.broken = b.final
	}
	return err
}

// undo takes back a group that could not be carried out.
func (w *writer) undo(ctx context.Context, err error) error {
	// A failed statement may have ended the transaction by itself.
	if _, undo := w.conn.ExecContext(ctx, "ROLLBACK"); undo != nil && !noTransaction(undo) {
		err = errors.Join(err, undo)
	}
	w.broken = w.load(ctx)
	return errors.Join(err, w.broken)
}

// live counts the journal's bytes that belong to operations under way.
func (w *writer) live() int {
	n := 0
	for _, j := range w.open {
		n += j.bytes
	}
	return n
}

// finish leaves the journal without ended operations. What is open stays.
func (w *writer) finish(ctx context.Context) {
	if w.broken == nil && w.bytes > w.live() {
		if err := w.session.engine.begin(ctx, w.conn); err == nil {
			b := &batch{writer: w}
			end := "COMMIT"
			if err := b.compact(ctx); err != nil {
				end = "ROLLBACK"
			}
			// Ended operations that stay in the journal do no harm: a failure
			// here only leaves the file larger than it need be.
			_, err = w.conn.ExecContext(ctx, end)
			w.session.closeErr = err
		}
	}
	if err := w.conn.Close(); !errors.Is(err, sql.ErrConnDone) {
		w.session.closeErr = errors.Join(w.session.closeErr, err)
	}
}

// load reads what the writer must know of the file.
func (w *writer) load(ctx context.Context) error {
	w.rows, w.open, w.bytes = map[Key]int64{}, map[string]journal{}, 0
	err := each(ctx, w.conn, "SELECT n, addr, deposed FROM objects", func(rows *sql.Rows) error {
		var n int64
		var key Key
		if err := rows.Scan(&n, &key.Addr, &key.Deposed); err != nil {
			return err
		}
		if _, twice := w.rows[key]; twice {
			return fmt.Errorf("object %s is there twice", key.Addr)
		}
		w.rows[key] = n
		return nil
	})
	if err != nil {
		return err
	}
	err = each(ctx, w.conn, "SELECT n, operation, kind, length(operation)+length(kind)+coalesce(length(body),0) FROM journal ORDER BY n", func(rows *sql.Rows) error {
		var n int64
		var operation, kind string
		var size int
		if err := rows.Scan(&n, &operation, &kind, &size); err != nil {
			return err
		}
		w.note(operation, kind, n, size)
		return nil
	})
	if err != nil {
		return err
	}
	serial := w.serial
	if err := w.conn.QueryRowContext(ctx, "SELECT serial FROM meta").Scan(&w.serial); err != nil {
		return err
	}
	if w.touched && w.serial < serial {
		w.touched = false // the serial was taken in the transaction that failed
	}
	return nil
}

// note keeps count of a journal row.
func (w *writer) note(operation, kind string, n int64, size int) {
	w.bytes += size
	if kind == kindEnd {
		delete(w.open, operation)
		return
	}
	j := w.open[operation]
	j.numbers, j.bytes = append(j.numbers, n), j.bytes+size
	w.open[operation] = j
}

// each runs a query and calls visit for every row.
func each(ctx context.Context, q querier, query string, visit func(*sql.Rows) error, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := visit(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// querier is a connection or a transaction.
type querier interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}

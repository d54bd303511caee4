package state

import (
	"context"
	"database/sql"
	"fmt"
)

// LimitPages makes the database refuse to grow beyond its size now plus n
// pages, as a full disk does; n < 0 lifts the limit.
func (s *Store) LimitPages(ctx context.Context, n int) error {
	return s.inWriter(func(ctx context.Context, b *batch) error {
		var pages int
		if err := b.conn.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages); err != nil {
			return err
		}
		if n < 0 {
			pages, n = 1<<30, 0
		}
		_, err := b.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages+n))
		return err
	})
}

// Exec runs a statement in the writer, to make states that never occur.
func (s *Store) Exec(query string, args ...any) error {
	return s.inWriter(func(ctx context.Context, b *batch) error {
		_, err := b.conn.ExecContext(ctx, query, args...)
		return err
	})
}

func (s *Store) inWriter(c change) error {
	r := &request{changes: []change{c}, done: make(chan error, 1)}
	s.requests <- r
	return <-r.done
}

// SealedTexts returns what is sealed in objects, history, journal and outputs.
func (s *Store) SealedTexts(ctx context.Context) ([][]byte, error) {
	var list [][]byte
	err := each(ctx, s.db, `SELECT data FROM objects WHERE sealed = 1 UNION ALL SELECT private FROM objects UNION ALL SELECT pending FROM objects
		UNION ALL SELECT private FROM history WHERE private IS NOT NULL UNION ALL SELECT body FROM journal UNION ALL SELECT value FROM outputs WHERE sensitive = 1`,
		func(rows *sql.Rows) error {
			var text []byte
			err := rows.Scan(&text)
			list = append(list, text)
			return err
		})
	return list, err
}

// StopRenewing lets the lease run out, as if the process had been stopped.
func (s *Store) StopRenewing() {
	l := s.engine.(*postgres).lease
	close(l.stop)
	<-l.stopped
	l.stop = make(chan struct{}) // for release
}

// OnDisk makes a state lie on a file system that SQLite knows by that name.
func OnDisk(name string) func(*Options) { return func(o *Options) { o.vfs = name } }

package state

import (
	"context"
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

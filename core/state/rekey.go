package state

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
)

// errOpenAnew ends a store whose key or lineage was replaced: what waits to be
// written was sealed with the old one.
var errOpenAnew = errors.New("the state was sealed anew; open it again")

// KeyChange says with what a state is sealed from now on.
type KeyChange struct {
	Recipients []string // age public keys; none: the local key
	Keys       Keys     // the local key; nil: that of Options
}

// Rekey seals everything with a new data key, history included, and wraps that
// key as asked. After it the store can only be closed.
func (s *Store) Rekey(ctx context.Context, to KeyChange) error {
	if to.Keys == nil {
		to.Keys = s.opts.Keys
	}
	if err := s.engine.accepts(to.Recipients); err != nil {
		return fmt.Errorf("rekey state %s: %w", s.engine.name(), err)
	}
	next := s.meta
	next.recipients = to.Recipients
	err := s.write(ctx, func(ctx context.Context, b *batch) error {
		if err := b.reseal(ctx, next, to.Keys); err != nil {
			return err
		}
		b.final = errOpenAnew
		return nil
	})
	if err != nil {
		return err
	}
	// Rows that were overwritten may still lie in the file, under the old key.
	answer := make(chan error, 1)
	select {
	case s.purges <- answer:
		err = <-answer
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("the state has a new key, but what the old one sealed may still lie in it: %w", s.engine.explain(err))
	}
	return nil
}

// reseal gives the state a new data key.
func (b *batch) reseal(ctx context.Context, next meta, keys Keys) error {
	dataKey := make([]byte, keySize)
	if _, err := rand.Read(dataKey); err != nil {
		return err
	}
	if err := next.wrap(dataKey, keys); err != nil {
		return err
	}
	seal, err := newSealer(dataKey, next.lineage)
	if err != nil {
		return err
	}
	old := b.session.seal
	for _, table := range []string{"objects", "history"} {
		if err := b.resealObjects(ctx, table, old, seal); err != nil {
			return err
		}
	}
	if err := b.resealJournal(ctx, old, seal); err != nil {
		return err
	}
	if err := b.resealOutputs(ctx, old, seal); err != nil {
		return err
	}
	return b.exec(ctx, "UPDATE meta SET lineage = ?, key_id = ?, data_key = ?, recipients = ?",
		next.lineage, next.keyID, next.dataKey, joinRecipients(next.recipients))
}

// resealedRow is a row whose sealed fields were read and are to be replaced.
type resealedRow struct {
	n                      int64
	key                    Key
	data, private, pending []byte
	sealed                 bool
}

// again seals the row's fields with another key.
func (r *resealedRow) again(old, next *sealer) error {
	for _, f := range []struct {
		name string
		text *[]byte
		skip bool
	}{{"values", &r.data, !r.sealed}, {"private", &r.private, false}, {"pending", &r.pending, false}} {
		if f.skip {
			continue
		}
		plain, err := old.openObject(*f.text, r.key, f.name)
		if err != nil {
			return err
		}
		if *f.text, err = next.object(plain, r.key, f.name); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) resealObjects(ctx context.Context, table string, old, next *sealer) error {
	var list []*resealedRow
	err := each(ctx, b.conn, "SELECT n, addr, deposed, data, sealed, private, pending FROM "+table+" WHERE type IS NOT NULL", func(rows *sql.Rows) error {
		r := &resealedRow{}
		if err := rows.Scan(&r.n, &r.key.Addr, &r.key.Deposed, &r.data, &r.sealed, &r.private, &r.pending); err != nil {
			return err
		}
		list = append(list, r)
		return r.again(old, next)
	})
	if err != nil {
		return err
	}
	for _, r := range list {
		if err := b.exec(ctx, "UPDATE "+table+" SET data = ?, private = ?, pending = ? WHERE n = ?", r.data, r.private, r.pending, r.n); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) resealJournal(ctx context.Context, old, next *sealer) error {
	bodies := map[int64][]byte{}
	err := each(ctx, b.conn, "SELECT n, operation, kind, body FROM journal WHERE body IS NOT NULL", func(rows *sql.Rows) error {
		var n int64
		var operation, kind string
		var body []byte
		if err := rows.Scan(&n, &operation, &kind, &body); err != nil {
			return err
		}
		plain, err := old.openNamed(body, "operation "+kind, operation)
		if err != nil {
			return err
		}
		bodies[n], err = next.named(plain, "operation "+kind, operation)
		return err
	})
	if err != nil {
		return err
	}
	for n, body := range bodies {
		if err := b.exec(ctx, "UPDATE journal SET body = ? WHERE n = ?", body, n); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) resealOutputs(ctx context.Context, old, next *sealer) error {
	outputs, err := readOutputs(ctx, b.conn, old)
	if err != nil {
		return err
	}
	for _, o := range outputs {
		if !o.Sensitive {
			continue
		}
		value, err := next.named(o.Value, "output", o.Name)
		if err != nil {
			return err
		}
		if err := b.exec(ctx, "UPDATE outputs SET value = ? WHERE name = ?", value, o.Name); err != nil {
			return err
		}
	}
	return nil
}

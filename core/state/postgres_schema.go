package state

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// postgresSchema is the schema of a file in the words of PostgreSQL, with a
// row for the lease.
const postgresSchema = `
CREATE TABLE meta (
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  format     INTEGER NOT NULL,
  lineage    TEXT NOT NULL,
  stack      TEXT NOT NULL,
  serial     BIGINT NOT NULL,
  key_id     TEXT NOT NULL,
  data_key   BYTEA NOT NULL,
  recipients TEXT NOT NULL
);
CREATE TABLE lease (
  one      INTEGER PRIMARY KEY CHECK (one = 1),
  token    BIGINT NOT NULL,      -- of the last holder; each one's is greater
  batch    BIGINT NOT NULL,      -- number of the last batch that was kept
  holder   TEXT NOT NULL,        -- JSON
  expires  TIMESTAMPTZ NOT NULL  -- by the server's clock
);
CREATE TABLE objects (
  n       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  addr    TEXT NOT NULL,
  deposed TEXT NOT NULL,
  type    TEXT NOT NULL,
  status  TEXT NOT NULL,
  id      TEXT NOT NULL,
  cloud   TEXT NOT NULL,
  info    TEXT NOT NULL,
  data    BYTEA,
  sealed  BOOLEAN NOT NULL,
  private BYTEA,
  pending BYTEA,
  UNIQUE (addr, deposed)
);
CREATE TABLE journal (
  n         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  operation TEXT NOT NULL,
  kind      TEXT NOT NULL,
  body      BYTEA
);
CREATE TABLE serials (
  serial BIGINT PRIMARY KEY,
  at     TEXT NOT NULL,
  holder TEXT NOT NULL
);
CREATE TABLE history (
  n       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  serial  BIGINT NOT NULL,
  addr    TEXT NOT NULL,
  deposed TEXT NOT NULL,
  type    TEXT,
  status  TEXT,
  id      TEXT,
  cloud   TEXT,
  info    TEXT,
  data    BYTEA,
  sealed  BOOLEAN,
  private BYTEA,
  pending BYTEA
);
CREATE TABLE bindings (
  alias TEXT PRIMARY KEY,
  body  TEXT NOT NULL
);
CREATE TABLE outputs (
  name      TEXT PRIMARY KEY,
  type      BYTEA,
  value     BYTEA,
  sensitive BOOLEAN NOT NULL
);
INSERT INTO lease VALUES (1, 0, 0, '', '-infinity');`

// exists tells whether the state is there.
func (p *postgres) exists(ctx context.Context, q interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}) (bool, error) {
	var there bool
	err := q.QueryRowContext(ctx, "SELECT to_regclass($1) IS NOT NULL", pgx.Identifier{p.schema, "meta"}.Sanitize()).Scan(&there)
	return there, err
}

// create makes the state's schema in one transaction if there is none.
func (p *postgres) create(ctx context.Context, s *Store) error {
	there, err := p.exists(ctx, s.db)
	if there || err != nil {
		return err
	}
	if err := p.accepts(s.opts.Recipients); err != nil {
		return err
	}
	m, err := s.opts.newMeta()
	if err != nil {
		return err
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := p.createIn(ctx, tx, m); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func (p *postgres) createIn(ctx context.Context, tx *sql.Tx, m meta) error {
	// Two who make it at once: the second one waits here, and finds it made.
	sum := sha256.Sum256([]byte(p.schema))
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(binary.BigEndian.Uint64(sum[:8])>>1)); err != nil {
		return err
	}
	if there, err := p.exists(ctx, tx); there || err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{p.schema}.Sanitize()+";"+postgresSchema); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO meta (one, lineage, stack, serial, key_id, data_key, recipients, format) VALUES (1, $1, $2, $3, $4, $5, $6, $7)",
		append(m.args(), format)...)
	return err
}

// readMeta checks the format, reads the state's description and unwraps its
// data key.
func (p *postgres) readMeta(ctx context.Context, s *Store) error {
	var version int
	if err := s.db.QueryRowContext(ctx, "SELECT format FROM meta").Scan(&version); err != nil {
		return p.explain(err)
	}
	if version > format {
		return newerFormat(p.where, version)
	}
	if version < 2 {
		return fmt.Errorf("read state %s: format %d was never kept in a database", p.where, version)
	}
	return s.readMeta(s.db.QueryRowContext(ctx, selectMeta))
}

package state

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	// format is the version of the schema below, kept in user_version.
	format = 1
	// applicationID marks the file as ours in SQLite's header ("mold").
	applicationID = 0x6d6f6c64
	// pageSize is small because every flush writes whole pages, and a flush
	// touches a handful of them for a few hundred bytes of entries.
	pageSize = 512
	// walPages lets the log grow to about 2 MiB before its pages are copied
	// back; the journal's pages are rewritten many times until then.
	walPages = 4096
)

// schema: objects, journal and history are keyed by a growing number, so that
// an append touches the last page of a table instead of a random one. The
// holder of the lock keeps the map from key to number in memory.
const schema = `
CREATE TABLE meta (
  only      INTEGER PRIMARY KEY CHECK (only = 1),
  lineage   TEXT NOT NULL,
  stack     TEXT NOT NULL,
  serial    INTEGER NOT NULL,
  key_id    TEXT NOT NULL,  -- which local key wraps data_key
  data_key  BLOB NOT NULL
);
CREATE TABLE objects (
  n         INTEGER PRIMARY KEY,
  addr      TEXT NOT NULL,
  deposed   TEXT NOT NULL,
  type      TEXT NOT NULL,
  status    TEXT NOT NULL,
  id        TEXT NOT NULL,
  cloud     TEXT NOT NULL,
  info      TEXT NOT NULL,  -- JSON: provenance, dependencies, guards
  data      BLOB,           -- values: JSON, or sealed if sealed = 1
  sealed    INTEGER NOT NULL,
  private   BLOB,           -- sealed
  pending   BLOB            -- sealed
);
CREATE TABLE journal (      -- operations under way: begin, call …, end
  n         INTEGER PRIMARY KEY,
  operation TEXT NOT NULL,
  kind      TEXT NOT NULL,
  body      BLOB            -- sealed
);
CREATE TABLE serials (
  serial    INTEGER PRIMARY KEY,
  at        TEXT NOT NULL,
  holder    TEXT NOT NULL
);
CREATE TABLE history (      -- what an object was before a change; type is NULL if it did not exist
  n         INTEGER PRIMARY KEY,
  serial    INTEGER NOT NULL,
  addr      TEXT NOT NULL,
  deposed   TEXT NOT NULL,
  type      TEXT,
  status    TEXT,
  id        TEXT,
  cloud     TEXT,
  info      TEXT,
  data      BLOB,
  sealed    INTEGER,
  private   BLOB,
  pending   BLOB
);
CREATE TABLE bindings (
  alias     TEXT PRIMARY KEY,
  body      TEXT NOT NULL
);
CREATE TABLE outputs (
  name      TEXT PRIMARY KEY,
  type      BLOB,
  value     BLOB,           -- sealed if sensitive = 1
  sensitive INTEGER NOT NULL
);`

// meta is the row that describes the state itself.
type meta struct {
	lineage string
	stack   string
	serial  int64
	keyID   string
	dataKey []byte // wrapped
}

// prepareFile sets what must be set before the first table exists, and how
// this connection writes.
func prepareFile(ctx context.Context, conn *sql.Conn) error {
	for _, pragma := range []string{
		fmt.Sprintf("PRAGMA page_size = %d", pageSize),
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL",
		fmt.Sprintf("PRAGMA wal_autocheckpoint = %d", walPages),
	} {
		if _, err := conn.ExecContext(ctx, pragma); err != nil {
			return err
		}
	}
	return nil
}

// create makes the schema in one transaction if the file holds nothing yet.
func (s *SQLite) create(ctx context.Context, conn *sql.Conn) error {
	var tables int
	if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&tables); err != nil {
		return err
	}
	if tables > 0 {
		return nil
	}
	lineage, dataKey := rand.Text(), make([]byte, keySize)
	if _, err := rand.Read(dataKey); err != nil {
		return err
	}
	local, err := s.opts.Keys.Create()
	if err != nil {
		return err
	}
	wrapped, err := wrapKey(local, dataKey, lineage)
	if err != nil {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, schema+fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", applicationID, format))
	if err == nil {
		_, err = tx.ExecContext(ctx, "INSERT INTO meta VALUES (1, ?, ?, 0, ?, ?)", lineage, s.opts.Stack, local.id(), wrapped)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// readMeta checks that the file is a state of a format we understand, reads
// its description and unwraps its data key.
func (s *SQLite) readMeta(ctx context.Context) error {
	var application, version int64
	err := s.db.QueryRowContext(ctx, "SELECT (SELECT * FROM pragma_application_id), (SELECT * FROM pragma_user_version)").
		Scan(&application, &version)
	if err != nil {
		return s.explain(err)
	}
	switch {
	case application != applicationID:
		return fmt.Errorf("read state %s: the file is a database of another program", s.path)
	case version > format:
		return fmt.Errorf("read state %s: it has format %d and this moldctl understands formats up to %d; use the moldctl that wrote it, or a newer one",
			s.path, version, format)
	}
	m := &s.meta
	err = s.db.QueryRowContext(ctx, "SELECT lineage, stack, serial, key_id, data_key FROM meta").
		Scan(&m.lineage, &m.stack, &m.serial, &m.keyID, &m.dataKey)
	if err != nil {
		return s.explain(err)
	}
	local, err := s.opts.Keys.Load(m.keyID)
	if err != nil {
		return fmt.Errorf("read state %s: %w", s.path, err)
	}
	s.seal, err = newSealer(local, m.dataKey, m.lineage)
	if err != nil {
		return fmt.Errorf("read state %s: %w", s.path, err)
	}
	return nil
}

// explain says what a failure of the database means for the user.
func (s *SQLite) explain(err error) error {
	var failure *sqlite.Error
	if !errors.As(err, &failure) {
		return fmt.Errorf("state %s: %w", s.path, err)
	}
	switch failure.Code() & 0xff { // the low byte is the primary code
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("write state %s: the disk is full; nothing of this change was kept: %w", s.path, err)
	case sqlite3.SQLITE_READONLY:
		return fmt.Errorf("write state %s: the file may not be written: %w", s.path, err)
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("read state %s: the file is damaged; restore it from a backup: %w", s.path, err)
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("read state %s: the file is not a moldctl state: %w", s.path, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("state %s: another program uses the file: %w", s.path, err)
	}
	return fmt.Errorf("state %s: %w", s.path, err)
}

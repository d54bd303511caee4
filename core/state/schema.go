package state

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

const (
	// format is the version of the schema below, kept in user_version.
	format = 2
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
  key_id    TEXT NOT NULL,  -- which local key wraps data_key; "" for recipients
  data_key  BLOB NOT NULL,
  recipients TEXT NOT NULL DEFAULT '' -- JSON list of age public keys; since format 2
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
	lineage    string
	stack      string
	serial     int64
	keyID      string
	dataKey    []byte // wrapped
	recipients []string
}

// prepareFile sets what must be set before the first table exists, and how
// this connection writes.
func prepareFile(ctx context.Context, _ *Store, conn *sql.Conn) error {
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
func (f *sqliteFile) create(ctx context.Context, s *Store, conn *sql.Conn) error {
	var tables int
	if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&tables); err != nil {
		return err
	}
	if tables > 0 {
		return nil
	}
	m, err := s.opts.newMeta()
	if err != nil {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, schema+fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", applicationID, format))
	if err == nil {
		_, err = tx.ExecContext(ctx, insertMeta, m.args()...)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// upgrades are the statements that lead from each format to the next.
var upgrades = map[int]string{
	1: "ALTER TABLE meta ADD COLUMN recipients TEXT NOT NULL DEFAULT ''",
}

// upgrade brings a file of an older format to ours, in one transaction.
func (f *sqliteFile) upgrade(ctx context.Context, s *Store, conn *sql.Conn) error {
	version, err := f.version(ctx, s)
	if err != nil || version == format {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for ; version < format; version++ {
		if _, err := tx.ExecContext(ctx, upgrades[version]+fmt.Sprintf("; PRAGMA user_version = %d", version+1)); err != nil {
			return errors.Join(fmt.Errorf("upgrade from format %d: %w", version, err), tx.Rollback())
		}
	}
	return tx.Commit()
}

// version checks that the file is a state of a format we understand.
func (f *sqliteFile) version(ctx context.Context, s *Store) (int, error) {
	var application, version int
	err := s.db.QueryRowContext(ctx, "SELECT (SELECT * FROM pragma_application_id), (SELECT * FROM pragma_user_version)").
		Scan(&application, &version)
	switch {
	case err != nil:
		return 0, err
	case application != applicationID:
		return 0, fmt.Errorf("read state %s: the file is a database of another program", f.path)
	case version < 1 || version > format:
		return 0, newerFormat(f.path, version)
	}
	return version, nil
}

// newerFormat refuses what a later moldctl has written.
func newerFormat(name string, version int) error {
	return fmt.Errorf("read state %s: it has format %d and this moldctl understands formats up to %d; use the moldctl that wrote it, or a newer one",
		name, version, format)
}

// readMeta checks the format, reads the state's description and unwraps its
// data key. A reader takes an older format as it is.
func (f *sqliteFile) readMeta(ctx context.Context, s *Store) error {
	version, err := f.version(ctx, s)
	if err != nil {
		return f.explain(err)
	}
	query := selectMeta
	if version == 1 {
		query = "SELECT lineage, stack, serial, key_id, data_key, '' FROM meta"
	}
	return s.readMeta(s.db.QueryRowContext(ctx, query))
}

const (
	selectMeta = "SELECT lineage, stack, serial, key_id, data_key, recipients FROM meta"
	insertMeta = "INSERT INTO meta (only, lineage, stack, serial, key_id, data_key, recipients) VALUES (1, ?, ?, ?, ?, ?, ?)"
)

// args are the values of insertMeta.
func (m meta) args() []any {
	return []any{m.lineage, m.stack, m.serial, m.keyID, m.dataKey, joinRecipients(m.recipients)}
}

// newMeta describes a state that is made: its lineage and data key are random.
func (o *Options) newMeta() (meta, error) {
	m := meta{lineage: rand.Text(), stack: o.Stack, recipients: o.Recipients}
	dataKey := make([]byte, keySize)
	if _, err := rand.Read(dataKey); err != nil {
		return m, err
	}
	return m, m.wrap(dataKey, o.Keys)
}

// readMeta reads the state's description from its row and unwraps its data key.
func (s *Store) readMeta(row *sql.Row) error {
	m := &s.meta
	var recipients string
	if err := row.Scan(&m.lineage, &m.stack, &m.serial, &m.keyID, &m.dataKey, &recipients); err != nil {
		return s.engine.explain(err)
	}
	var err error
	if m.recipients, err = splitRecipients(recipients); err != nil {
		return fmt.Errorf("read state %s: %w", s.engine.name(), err)
	}
	dataKey, err := m.unwrap(s.opts)
	if err != nil {
		return fmt.Errorf("read state %s: %w", s.engine.name(), err)
	}
	if s.seal, err = newSealer(dataKey, m.lineage); err != nil {
		return fmt.Errorf("read state %s: %w", s.engine.name(), err)
	}
	return nil
}

func joinRecipients(list []string) string {
	if len(list) == 0 {
		return ""
	}
	text, err := json.Marshal(list)
	if err != nil {
		panic(err) // a list of strings always has a JSON form
	}
	return string(text)
}

func splitRecipients(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	var list []string
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("list of recipients: %w", err)
	}
	return list, nil
}

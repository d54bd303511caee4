package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteFile is the engine of a state in one SQLite file. The operating
// system's lock keeps others away, so a batch needs no further check.
type sqliteFile struct {
	path string
	lock *fileLock // nil when opened for reading
}

// OpenSQLite opens the state in the file at path and holds it exclusively
// until Close; a missing file is made. With Options.ReadOnly it takes no lock,
// so it works while another process applies, and a missing file reads as an
// empty state.
func OpenSQLite(ctx context.Context, path string, opts Options) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	if err := opts.complete(); err != nil {
		return nil, fmt.Errorf("open state %s: %w", path, err)
	}
	f := &sqliteFile{path: path}
	s := newStore(f, opts)
	if opts.ReadOnly {
		err = f.openReader(ctx, s)
	} else {
		err = f.openWriter(ctx, s)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// openReader opens an existing file without taking the lock.
func (f *sqliteFile) openReader(ctx context.Context, s *Store) error {
	close(s.stopped) // there is no writer to wait for
	if _, err := os.Stat(f.path); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("open state %s: %w", f.path, err)
	}
	if err := f.connect(ctx, s, "mode=ro"); err != nil {
		return err
	}
	var tables int
	if err := s.db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&tables); err != nil {
		return s.closeUnless(f.explain(err))
	}
	if tables == 0 { // its maker has not come further, or died
		err := s.db.Close()
		s.db = nil
		return err
	}
	return s.closeUnless(f.readMeta(ctx, s))
}

// openWriter takes the lock, makes the file if there is none and starts the writer.
func (f *sqliteFile) openWriter(ctx context.Context, s *Store) (err error) {
	dir := filepath.Dir(f.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("open state %s: %w", f.path, err)
	}
	if name, err := networkFileSystem(dir); err != nil {
		return fmt.Errorf("open state %s: %w", f.path, err)
	} else if name != "" {
		return fmt.Errorf("open state %s: it lies on a network file system (%s), where locks and flushes cannot be trusted; "+
			"keep the state on a local disk", f.path, name)
	}
	f.lock, err = acquire(ctx, f.path+lockSuffix, s.opts)
	if err != nil {
		return fmt.Errorf("lock state %s: %w", f.path, err)
	}
	// Made here and not by SQLite: the mode must never be wider, and the
	// write-ahead log takes its mode from this file.
	file, err := os.OpenFile(f.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return errors.Join(fmt.Errorf("open state %s: %w", f.path, err), f.lock.release())
	}
	if err := file.Close(); err != nil {
		return errors.Join(fmt.Errorf("open state %s: %w", f.path, err), f.lock.release())
	}
	if err := f.connect(ctx, s, "mode=rw"); err != nil {
		return errors.Join(err, f.lock.release())
	}
	if err := s.closeUnless(f.start(ctx, s)); err != nil {
		return errors.Join(err, f.lock.release())
	}
	return nil
}

// start makes, upgrades or checks the schema and starts the writer.
func (f *sqliteFile) start(ctx context.Context, s *Store) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("open state %s: %w", f.path, err)
	}
	for _, step := range []func(context.Context, *Store, *sql.Conn) error{prepareFile, f.create, f.upgrade} {
		if err := step(ctx, s, conn); err != nil {
			return errors.Join(f.explain(err), conn.Close())
		}
	}
	if err := f.readMeta(ctx, s); err != nil {
		return errors.Join(err, conn.Close())
	}
	if err := s.startWriter(ctx, conn); err != nil {
		return errors.Join(err, conn.Close())
	}
	return nil
}

func (f *sqliteFile) connect(ctx context.Context, s *Store, mode string) error {
	query := mode + "&_pragma=busy_timeout(10000)"
	if s.opts.vfs != "" {
		query += "&vfs=" + url.QueryEscape(s.opts.vfs)
	}
	dsn := url.URL{Scheme: "file", Path: f.path, RawQuery: query}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return fmt.Errorf("open state %s: %w", f.path, err)
	}
	if err := db.PingContext(ctx); err != nil {
		return errors.Join(f.explain(err), db.Close())
	}
	s.db = db
	return nil
}

func (f *sqliteFile) name() string             { return f.path }
func (f *sqliteFile) bind(query string) string { return query }
func (f *sqliteFile) reading() *sql.TxOptions  { return &sql.TxOptions{ReadOnly: true} }

// accepts: a file may be sealed with either.
func (f *sqliteFile) accepts(recipients []string) error {
	_, err := parseRecipients(recipients)
	return err
}

func (f *sqliteFile) insert(ctx context.Context, conn *sql.Conn, query string, args ...any) (int64, error) {
	done, err := conn.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return done.LastInsertId()
}

// bounded: a disk answers or fails.
func (f *sqliteFile) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return ctx, func() {}
}

func (f *sqliteFile) begin(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE")
	return err
}

// reconnect: a connection to a file is never lost.
func (f *sqliteFile) reconnect(context.Context, *sql.DB, *sql.Conn, error) (*sql.Conn, bool, error) {
	return nil, false, nil
}

// purge writes the file anew without free pages and empties the log.
func (f *sqliteFile) purge(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, "VACUUM"); err != nil {
		return err
	}
	var busy, pages, moved int
	if err := conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved); err != nil {
		return err
	}
	if busy != 0 {
		return errors.New("another program reads the file; repeat it when that has ended")
	}
	return nil
}

func (f *sqliteFile) release() error {
	if f.lock == nil {
		return nil
	}
	return f.lock.release()
}

// instead is what to do about a file that cannot be read any more.
const instead = "Keep it, and put a backup in its place; or move it and the files named like it away, and give back what moldctl state pull wrote: moldctl state push FILE. " +
	"Without either, import blocks take over what exists"

// explain says what a failure of the database means for the user.
func (f *sqliteFile) explain(err error) error {
	var failure *sqlite.Error
	if !errors.As(err, &failure) {
		return fmt.Errorf("state %s: %w", f.path, err)
	}
	switch failure.Code() & 0xff { // the low byte is the primary code
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("write state %s: the disk is full; nothing of this change was kept: %w", f.path, err)
	case sqlite3.SQLITE_READONLY:
		return fmt.Errorf("write state %s: the file may not be written: %w", f.path, err)
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("read state %s: the file is damaged (%w). %s", f.path, err, instead)
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("read state %s: the file is not a moldctl state (%w). %s", f.path, err, instead)
	case sqlite3.SQLITE_IOERR:
		return fmt.Errorf("state %s: the disk cannot be read or written; look at the system's log: %w", f.path, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("state %s: another program uses the file: %w", f.path, err)
	}
	return fmt.Errorf("state %s: %w", f.path, err)
}

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
	"sync"
	"time"

	_ "modernc.org/sqlite" // the "sqlite" driver of database/sql
)

// ErrReadOnly is returned by Append on a state that was opened for reading.
var ErrReadOnly = errors.New("the state was opened for reading only")

// ErrClosed is returned by Append after Close.
var ErrClosed = errors.New("the state is closed")

// DefaultKeep is how many serials of history are kept if Options.Keep is 0.
const DefaultKeep = 50

// Options says how to open a state.
type Options struct {
	Keys   Keys          // wraps the state's data key; nil = DefaultKeyFile
	Holder string        // what is being done, shown to whoever finds the state locked: "apply web"
	Wait   time.Duration // how long to wait for another holder; 0 = not at all
	// Waiting, if set, is called once when the lock is held by somebody else
	// and Wait leaves time to wait for it.
	Waiting  func(LockHolder)
	ReadOnly bool   // no lock is taken, nothing is created, Append is refused
	Stack    string // recorded when the state is made
	Keep     int    // serials of history to keep; 0 = DefaultKeep
}

// SQLite is a state in one SQLite file. A writer goroutine owns the writing
// connection, so that concurrent appends share one transaction and one flush.
type SQLite struct {
	path string
	opts Options
	db   *sql.DB // nil: opened for reading and the file does not exist
	seal *sealer
	lock *fileLock
	meta meta

	requests chan *request
	stop     chan struct{} // closed by Close: the writer finishes what is queued
	stopped  chan struct{} // closed by the writer when it has ended
	closing  sync.Once
	closeErr error
}

var _ Session = (*SQLite)(nil)

// OpenSQLite opens the state in the file at path and holds it exclusively
// until Close; a missing file is made. With Options.ReadOnly it takes no lock,
// so it works while another process applies, and a missing file reads as an
// empty state.
func OpenSQLite(ctx context.Context, path string, opts Options) (*SQLite, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	if opts.Keys == nil {
		if opts.Keys, err = DefaultKeyFile(); err != nil {
			return nil, fmt.Errorf("open state %s: %w", path, err)
		}
	}
	if opts.Keep <= 0 {
		opts.Keep = DefaultKeep
	}
	s := &SQLite{
		path: path, opts: opts,
		requests: make(chan *request), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	if opts.ReadOnly {
		err = s.openReader(ctx)
	} else {
		err = s.openWriter(ctx)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// openReader opens an existing file without taking the lock.
func (s *SQLite) openReader(ctx context.Context) error {
	close(s.stopped) // there is no writer to wait for
	if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("open state %s: %w", s.path, err)
	}
	if err := s.connect(ctx, "mode=ro"); err != nil {
		return err
	}
	var tables int
	if err := s.db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&tables); err != nil {
		return s.closeUnless(s.explain(err))
	}
	if tables == 0 { // its maker has not come further, or died
		err := s.db.Close()
		s.db = nil
		return err
	}
	return s.closeUnless(s.readMeta(ctx))
}

// openWriter takes the lock, makes the file if there is none and starts the writer.
func (s *SQLite) openWriter(ctx context.Context) (err error) {
	dir := filepath.Dir(s.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("open state %s: %w", s.path, err)
	}
	if name, err := networkFileSystem(dir); err != nil {
		return fmt.Errorf("open state %s: %w", s.path, err)
	} else if name != "" {
		return fmt.Errorf("open state %s: it lies on a network file system (%s), where locks and flushes cannot be trusted; "+
			"keep the state on a local disk", s.path, name)
	}
	s.lock, err = acquire(ctx, s.path+".lock", s.opts)
	if err != nil {
		return fmt.Errorf("lock state %s: %w", s.path, err)
	}
	// Made here and not by SQLite: the mode must never be wider, and the
	// write-ahead log takes its mode from this file.
	file, err := os.OpenFile(s.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return errors.Join(fmt.Errorf("open state %s: %w", s.path, err), s.lock.release())
	}
	if err := file.Close(); err != nil {
		return errors.Join(fmt.Errorf("open state %s: %w", s.path, err), s.lock.release())
	}
	if err := s.connect(ctx, "mode=rw"); err != nil {
		return errors.Join(err, s.lock.release())
	}
	if err := s.closeUnless(s.startWriter(ctx)); err != nil {
		return errors.Join(err, s.lock.release())
	}
	return nil
}

// startWriter makes or checks the schema and starts the writer goroutine.
func (s *SQLite) startWriter(ctx context.Context) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("open state %s: %w", s.path, err)
	}
	if err := prepareFile(ctx, conn); err != nil {
		return errors.Join(s.explain(err), conn.Close())
	}
	if err := s.create(ctx, conn); err != nil {
		return errors.Join(s.explain(err), conn.Close())
	}
	if err := s.readMeta(ctx); err != nil {
		return errors.Join(err, conn.Close())
	}
	w := &writer{session: s, conn: conn}
	if err := w.load(ctx); err != nil {
		return errors.Join(s.explain(err), conn.Close())
	}
	go w.run(context.WithoutCancel(ctx))
	return nil
}

func (s *SQLite) connect(ctx context.Context, mode string) error {
	dsn := url.URL{Scheme: "file", Path: s.path, RawQuery: mode + "&_pragma=busy_timeout(10000)"}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return fmt.Errorf("open state %s: %w", s.path, err)
	}
	if err := db.PingContext(ctx); err != nil {
		return errors.Join(s.explain(err), db.Close())
	}
	s.db = db
	return nil
}

// closeUnless closes the database if err says that opening failed.
func (s *SQLite) closeUnless(err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(err, s.db.Close())
}

// Append implements Session. Once the entries are queued it waits for the
// outcome even if ctx ends, because what it answers must be true.
func (s *SQLite) Append(ctx context.Context, entries ...Entry) error {
	if s.opts.ReadOnly {
		return fmt.Errorf("write state %s: %w", s.path, ErrReadOnly)
	}
	r := &request{done: make(chan error, 1)}
	for _, e := range entries {
		w, err := s.prepare(e)
		if err != nil {
			return fmt.Errorf("write state %s: %w", s.path, err)
		}
		r.changes = append(r.changes, w)
	}
	select {
	case s.requests <- r:
	case <-s.stop:
		return fmt.Errorf("write state %s: %w", s.path, ErrClosed)
	case <-ctx.Done():
		return fmt.Errorf("write state %s: %w", s.path, ctx.Err())
	}
	if err := <-r.done; err != nil {
		return s.explain(err)
	}
	return nil
}

// Path returns the absolute path of the state's file.
func (s *SQLite) Path() string { return s.path }

// Close finishes queued appends and releases the lock. Closing twice is no error.
func (s *SQLite) Close() error {
	s.closing.Do(func() {
		close(s.stop)
		<-s.stopped
		if s.db != nil {
			s.closeErr = s.db.Close()
		}
		if s.lock != nil {
			s.closeErr = errors.Join(s.closeErr, s.lock.release())
		}
		if s.closeErr != nil {
			s.closeErr = fmt.Errorf("close state %s: %w", s.path, s.closeErr)
		}
	})
	return s.closeErr
}

package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
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

	// Recipients are who may read the secrets of a state that is made: age
	// public keys. None: the local key, which PostgreSQL does not take.
	Recipients []string
	// IdentityFile holds the private keys that open a state sealed for
	// recipients; "" = DefaultIdentityFile.
	IdentityFile string

	// LeaseTime is how long a PostgreSQL lease lasts unless it is renewed;
	// 0 = DefaultLeaseTime.
	LeaseTime time.Duration
	// Renewed, if set, is called with the end of the lease, in this machine's
	// clock, when it is taken and each time it is renewed. The kernel's locks
	// on files have no end, and it is never called for them.
	Renewed func(until time.Time)

	vfs string // SQLite's view of the file system, "" = the usual one; for tests
}

// complete fills in what was left open.
func (o *Options) complete() error {
	if o.Keys == nil {
		keys, err := DefaultKeyFile()
		if err != nil {
			return err
		}
		o.Keys = keys
	}
	if o.Keep <= 0 {
		o.Keep = DefaultKeep
	}
	if o.LeaseTime <= 0 {
		o.LeaseTime = DefaultLeaseTime
	}
	return nil
}

// Store is an open state. A writer goroutine owns the writing connection, so
// that concurrent appends share one transaction and one flush. What it is
// stored in makes no difference to anything but an engine.
type Store struct {
	opts   Options
	engine engine
	db     *sql.DB // nil: opened for reading and the state does not exist
	seal   *sealer
	meta   meta

	requests chan *request
	purges   chan chan error
	stop     chan struct{} // closed by Close: the writer finishes what is queued
	stopped  chan struct{} // closed by the writer when it has ended
	closing  sync.Once
	closeErr error
}

var _ Session = (*Store)(nil)

// engine is what differs between the databases a state may lie in.
type engine interface {
	// name says where the state lies.
	name() string
	// bind writes a query's placeholders as the database wants them.
	bind(query string) string
	// insert adds a row to a table with a growing number and returns the number.
	insert(ctx context.Context, conn *sql.Conn, query string, args ...any) (int64, error)
	// reading are the options of a transaction that sees one moment.
	reading() *sql.TxOptions
	// bounded limits how long an attempt at a batch may take.
	bounded(ctx context.Context) (context.Context, context.CancelFunc)
	// begin opens the transaction of a batch, and refuses if this process may
	// not write any more.
	begin(ctx context.Context, conn *sql.Conn) error
	// reconnect is asked when a batch has failed. If the connection was lost it
	// returns another one and whether the batch was kept; nil if it was not
	// lost; an error if there is no way back.
	reconnect(ctx context.Context, db *sql.DB, old *sql.Conn, cause error) (conn *sql.Conn, kept bool, err error)
	// accepts tells whether a state here may be sealed for these recipients;
	// none means the local key.
	accepts(recipients []string) error
	// purge removes what is left of overwritten rows, as far as that can be done.
	purge(ctx context.Context, conn *sql.Conn) error
	// explain says what a failure of the database means for the user.
	explain(err error) error
	// release gives back the right to write.
	release() error
}

func newStore(e engine, opts Options) *Store {
	return &Store{
		engine: e, opts: opts, requests: make(chan *request), purges: make(chan chan error), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
}

// startWriter reads what the writer must know and starts its goroutine.
func (s *Store) startWriter(ctx context.Context, conn *sql.Conn) error {
	w := &writer{session: s, conn: conn}
	if err := w.load(ctx); err != nil {
		return s.engine.explain(err)
	}
	go w.run(context.WithoutCancel(ctx))
	return nil
}

// Append implements Session. Once the entries are queued it waits for the
// outcome even if ctx ends, because what it answers must be true.
func (s *Store) Append(ctx context.Context, entries ...Entry) error {
	if s.opts.ReadOnly {
		return fmt.Errorf("write state %s: %w", s.engine.name(), ErrReadOnly)
	}
	var changes []change
	for _, e := range entries {
		c, err := s.prepare(e)
		if err != nil {
			return fmt.Errorf("write state %s: %w", s.engine.name(), err)
		}
		changes = append(changes, c)
	}
	return s.write(ctx, changes...)
}

// write hands changes to the writer and waits for the outcome.
func (s *Store) write(ctx context.Context, changes ...change) error {
	if s.opts.ReadOnly {
		return fmt.Errorf("write state %s: %w", s.engine.name(), ErrReadOnly)
	}
	r := &request{changes: changes, done: make(chan error, 1)}
	select {
	case s.requests <- r:
	case <-s.stop:
		return fmt.Errorf("write state %s: %w", s.engine.name(), ErrClosed)
	case <-ctx.Done():
		return fmt.Errorf("write state %s: %w", s.engine.name(), ctx.Err())
	}
	if err := <-r.done; err != nil {
		return s.engine.explain(err)
	}
	return nil
}

// Name says where the state lies, for people: a file, or a database without
// its password.
func (s *Store) Name() string { return s.engine.name() }

// Recipients returns the public keys the state is sealed for; none if it is
// sealed with a local key.
func (s *Store) Recipients() []string { return s.meta.recipients }

// Close finishes queued appends and releases the lock. Closing twice is no error.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.stop)
		<-s.stopped
		err := s.engine.release()
		if s.db != nil {
			err = errors.Join(err, s.db.Close())
		}
		s.closeErr = errors.Join(s.closeErr, err)
		if s.closeErr != nil {
			s.closeErr = fmt.Errorf("close state %s: %w", s.engine.name(), s.closeErr)
		}
	})
	return s.closeErr
}

// closeUnless closes the database if err says that opening failed.
func (s *Store) closeUnless(err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(err, s.db.Close())
}

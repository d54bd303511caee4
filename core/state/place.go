package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Place is where a state lies: in a file, or in a PostgreSQL database under
// the names of an environment and a stack.
type Place struct {
	File string

	URL         string // postgres://…; "" = in the file
	Environment string
	Stack       string
}

// Open opens the state at the place.
func Open(ctx context.Context, p Place, opts Options) (*Store, error) {
	if p.URL != "" {
		return OpenPostgres(ctx, p, opts)
	}
	return OpenSQLite(ctx, p.File, opts)
}

// Lock is who holds a state now.
type Lock struct {
	LockHolder
	Until time.Time `json:"until,omitzero"` // end of the lease; a file's lock has none
}

// Lock returns who holds the state at the place, or nil.
func (p Place) Lock(ctx context.Context) (*Lock, error) {
	if p.URL != "" {
		return postgresLock(ctx, p)
	}
	return lockOfFile(p.File + lockSuffix)
}

// Break takes the right to write away from whoever holds the state, or
// returns nil if nobody does. A lock of the operating system cannot be taken
// away: it ends with its process.
func (p Place) Break(ctx context.Context) (*Lock, error) {
	if p.URL != "" {
		return breakPostgres(ctx, p)
	}
	lock, err := p.Lock(ctx)
	if lock == nil || err != nil {
		return lock, err
	}
	return lock, &UnbreakableError{*lock}
}

// UnbreakableError says that a lock ends with its process and not before.
type UnbreakableError struct{ Lock Lock }

// Error says what can be done instead.
func (e *UnbreakableError) Error() string {
	return fmt.Sprintf("the state is in use by %s; the operating system ends this lock when the process ends: let it finish, or interrupt it with: kill -INT %d",
		e.Lock.LockHolder, e.Lock.PID)
}

// lockOfFile looks at a lock file without leaving a trace.
func lockOfFile(path string) (lock *Lock, err error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look at lock: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	l := &fileLock{file: file}
	holder := l.holder()
	if holder.PID == 0 {
		return nil, nil // its holder has released it
	}
	free, err := tryLock(file)
	if err != nil {
		return nil, err
	}
	if free { // its holder has died
		return nil, unlock(file)
	}
	return &Lock{LockHolder: holder}, nil
}

// holderText is a holder as it is recorded.
func holderText(h LockHolder) ([]byte, error) { return json.Marshal(h) }

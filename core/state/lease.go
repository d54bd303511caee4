package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// DefaultLeaseTime is how long a lease lasts unless it is renewed. With the
// settling time after it a dead holder blocks nobody for more than 30 s.
const DefaultLeaseTime = 20 * time.Second

// errLeaseLost says that somebody else may write now.
var errLeaseLost = errors.New("this run no longer holds the state: its lease ran out or was taken away, so another run may have begun; " +
	"nothing of this change was kept. Run the command again: it takes up what was under way")

// LeaseLost tells whether a write failed because the lease is lost.
func LeaseLost(err error) bool { return errors.Is(err, errLeaseLost) }

// settle is how long after the end of a lease the next one may begin: what the
// last holder has sent to the cloud just before is done by then.
func settle(lease time.Duration) time.Duration { return lease / 2 }

// lease is the right to write, for a time that the database's clock measures.
// Each holder has a token greater than all before; a batch is kept only if its
// token is still the one in the database.
type lease struct {
	db      *sql.DB
	token   int64
	time    time.Duration
	renewed func(time.Time)

	until   atomic.Int64 // end in this machine's clock, Unix nanoseconds
	stop    chan struct{}
	stopped chan struct{}
}

// takeLease takes the lease, waiting up to opts.Wait for another holder, and
// renews it until release.
func takeLease(ctx context.Context, db *sql.DB, opts Options) (*lease, error) {
	l := &lease{db: db, time: opts.LeaseTime, renewed: opts.Renewed, stop: make(chan struct{}), stopped: make(chan struct{})}
	holder, err := holderText(newHolder(opts.Holder))
	if err != nil {
		return nil, err
	}
	limit, stop := context.WithTimeout(ctx, opts.Wait)
	defer stop()
	for told := false; ; {
		held, err := l.try(ctx, holder)
		if err != nil {
			return nil, err
		}
		if held == nil {
			go l.keep()
			return l, nil
		}
		if limit.Err() == nil && !told && opts.Waiting != nil {
			opts.Waiting(held.LockHolder)
			told = true
		}
		timer := time.NewTimer(lockPoll)
		select {
		case <-timer.C:
		case <-limit.Done():
			timer.Stop()
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			return nil, &LockedError{Holder: held.LockHolder, Waited: opts.Wait, Until: held.Until}
		}
	}
}

// try takes the lease if it is free, or says who holds it.
func (l *lease) try(ctx context.Context, holder []byte) (*Lock, error) {
	for {
		taken, err := l.take(ctx, holder)
		if taken || err != nil {
			return nil, err
		}
		if held, err := readLease(ctx, l.db, l.time); held != nil || err != nil {
			return held, err
		}
		// It became free in between.
	}
}

func (l *lease) take(ctx context.Context, holder []byte) (bool, error) {
	sent := time.Now()
	err := l.db.QueryRowContext(ctx, `UPDATE lease SET token = token + 1, holder = $1, expires = clock_timestamp() + $2 * interval '1 microsecond'
		WHERE expires + $3 * interval '1 microsecond' <= clock_timestamp() RETURNING token`,
		string(holder), l.time.Microseconds(), settle(l.time).Microseconds()).Scan(&l.token)
	if err == nil {
		l.extended(sent)
		return true, nil
	}
	var failure *pgconn.PgError
	busy := errors.As(err, &failure) && failure.Code == "55P03" // its holder is writing
	if busy || errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return false, err
}

// extended notes the new end: no later than the database's, because it counts
// from before the question was sent.
func (l *lease) extended(sent time.Time) {
	until := sent.Add(l.time)
	l.until.Store(until.UnixNano())
	if l.renewed != nil {
		l.renewed(until)
	}
}

// end is when the lease ends if it is not renewed.
func (l *lease) end() time.Time { return time.Unix(0, l.until.Load()) }

// keep renews the lease until release. One that has run out stays so: what
// plugins were allowed has ended with it.
func (l *lease) keep() {
	defer close(l.stopped)
	every := time.NewTicker(l.time / 4)
	defer every.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-every.C:
		}
		sent := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), l.time/4)
		done, err := l.db.ExecContext(ctx, `UPDATE lease SET expires = clock_timestamp() + $1 * interval '1 microsecond'
			WHERE token = $2 AND expires > clock_timestamp()`, l.time.Microseconds(), l.token)
		cancel()
		if err != nil {
			continue // the server does not answer; while the lease lasts it may come back
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return // lost: the next batch says so
		}
		l.extended(sent)
	}
}

// release ends the lease at once, so that nobody waits for it to run out.
func (l *lease) release() error {
	close(l.stop)
	<-l.stopped
	ctx, cancel := context.WithTimeout(context.Background(), l.time/4)
	defer cancel()
	if _, err := l.db.ExecContext(ctx, "UPDATE lease SET expires = '-infinity' WHERE token = $1", l.token); err != nil {
		return fmt.Errorf("release the lease, which ends by itself at %s: %w", l.end().Local().Format("15:04:05"), err)
	}
	return nil
}

// readLease says who holds the lease, or may still be acting on it; nil if
// nobody does.
func readLease(ctx context.Context, db *sql.DB, length time.Duration) (*Lock, error) {
	var holder string
	var held bool
	var left float64
	err := db.QueryRowContext(ctx, `SELECT holder, expires + $1 * interval '1 microsecond' > clock_timestamp(),
		extract(epoch FROM greatest(expires, '2000-01-01') - clock_timestamp())::float8 FROM lease`, settle(length).Microseconds()).Scan(&holder, &held, &left)
	if err != nil {
		return nil, err
	}
	lock := &Lock{Until: time.Now().Add(time.Duration(left * float64(time.Second))).Truncate(time.Second)}
	if !held {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(holder), &lock.LockHolder); err != nil {
		return nil, fmt.Errorf("holder of the lease: %w", err)
	}
	return lock, nil
}

// postgresLock looks at the lease of a state.
func postgresLock(ctx context.Context, place Place) (lock *Lock, err error) {
	err = withLease(ctx, place, func(db *sql.DB) error {
		lock, err = readLease(ctx, db, 0)
		return err
	})
	return lock, err
}

// breakPostgres takes the lease from its holder: no batch of it is kept from
// now on. The lease's end stays, because until then the cloud still takes what
// the holder has signed.
func breakPostgres(ctx context.Context, place Place) (lock *Lock, err error) {
	err = withLease(ctx, place, func(db *sql.DB) error {
		if lock, err = readLease(ctx, db, 0); lock == nil || err != nil {
			return err
		}
		_, err = db.ExecContext(ctx, "UPDATE lease SET token = token + 1 WHERE expires > clock_timestamp()")
		return err
	})
	return lock, err
}

// withLease lets do look at the lease of a state, if there is one.
func withLease(ctx context.Context, place Place, do func(*sql.DB) error) error {
	p, db, err := connectPostgres(ctx, place)
	if err != nil {
		return err
	}
	there, err := p.exists(ctx, db)
	if err == nil && there {
		err = do(db)
	}
	if err != nil {
		err = p.explain(err)
	}
	return errors.Join(err, db.Close())
}

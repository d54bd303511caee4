package state

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	// batchTime bounds one attempt at a batch, so that a network that swallows
	// everything does not hold a run for ever.
	batchTime = time.Minute
	// retryPause is how long to wait before a server that does not answer is
	// tried again.
	retryPause = 200 * time.Millisecond
	// connections: the writer, the lease, and two that read.
	connections = 4
)

// postgres is the engine of a state in a PostgreSQL database. Each state has a
// schema of its own, so the statements are those of a file, and one role can
// be given one state.
type postgres struct {
	place  Place
	schema string
	where  string // for messages
	lease  *lease // nil when opened for reading
	batch  int64  // number of the batch that was begun last
}

// OpenPostgres opens the state of an environment and a stack in a database,
// and holds it by a lease until Close; a state that is not there is made. With
// Options.ReadOnly it takes no lease.
func OpenPostgres(ctx context.Context, place Place, opts Options) (*Store, error) {
	p, db, err := connectPostgres(ctx, place)
	if err != nil {
		return nil, err
	}
	if err := opts.complete(); err != nil {
		return nil, errors.Join(fmt.Errorf("open state %s: %w", p.where, err), db.Close())
	}
	s := newStore(p, opts)
	s.db = db
	if opts.ReadOnly {
		err = p.openReader(ctx, s)
	} else {
		err = p.openWriter(ctx, s)
	}
	if err != nil {
		return nil, errors.Join(err, p.release(), db.Close())
	}
	return s, nil
}

// connectPostgres reads the URL and opens a pool whose connections see the
// state's schema.
func connectPostgres(ctx context.Context, place Place) (*postgres, *sql.DB, error) {
	config, err := pgx.ParseConfig(place.URL)
	if err != nil {
		// The cause would repeat the URL, which may hold a password.
		return nil, nil, errors.New("open state: the URL of the PostgreSQL database cannot be read; write postgres://USER@HOST:5432/DATABASE")
	}
	p := &postgres{place: place, schema: schemaName(place)}
	p.where = fmt.Sprintf("%s (%s) in %s", place.Stack, place.Environment, databaseName(config))
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	for name, value := range map[string]string{
		"search_path":        p.schema,
		"application_name":   "moldctl",
		"synchronous_commit": "on", // what is acknowledged must survive a crash of the server
		// A holder that was stopped in the middle of a batch must not keep the
		// lease's row locked.
		"idle_in_transaction_session_timeout": "10000",
		"lock_timeout":                        "5000",
	} {
		config.RuntimeParams[name] = value
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	if err := db.PingContext(ctx); err != nil {
		return nil, nil, errors.Join(p.explain(err), db.Close())
	}
	return p, db, nil
}

// schemaName names the schema of a state: readable as far as names may be long,
// unique by the hash.
func schemaName(p Place) string {
	sum := sha256.Sum256([]byte(p.Environment + "\x00" + p.Stack))
	readable := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(p.Environment+"_"+p.Stack))
	return "moldctl_" + readable[:min(len(readable), 34)] + "_" + hex.EncodeToString(sum[:8])
}

// databaseName says where a database is, without who asks.
func databaseName(c *pgx.ConnConfig) string {
	host := net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
	if strings.HasPrefix(c.Host, "/") {
		host = c.Host
	}
	return "postgres://" + host + "/" + c.Database
}

func (p *postgres) openReader(ctx context.Context, s *Store) error {
	close(s.stopped) // there is no writer to wait for
	exists, err := p.exists(ctx, s.db)
	if err != nil {
		return p.explain(err)
	}
	if exists {
		return p.readMeta(ctx, s)
	}
	err = s.db.Close()
	s.db = nil
	return err
}

// openWriter makes the schema if there is none, takes the lease and starts the
// writer.
func (p *postgres) openWriter(ctx context.Context, s *Store) error {
	if err := p.create(ctx, s); err != nil {
		return p.explain(err)
	}
	var err error
	if p.lease, err = takeLease(ctx, s.db, s.opts); err != nil {
		return fmt.Errorf("lock state %s: %w", p.where, err)
	}
	if err := p.readMeta(ctx, s); err != nil {
		return err
	}
	if err := s.db.QueryRowContext(ctx, "SELECT batch FROM lease").Scan(&p.batch); err != nil {
		return p.explain(err)
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return p.explain(err)
	}
	if err := s.startWriter(ctx, conn); err != nil {
		return errors.Join(err, conn.Close())
	}
	return nil
}

func (p *postgres) name() string { return p.where }

// bind numbers the placeholders. No statement of ours has a ? in a text.
func (p *postgres) bind(query string) string {
	var b strings.Builder
	n := 0
	for _, r := range query {
		if r != '?' {
			b.WriteRune(r)
			continue
		}
		n++
		b.WriteString("$" + strconv.Itoa(n))
	}
	return b.String()
}

func (p *postgres) insert(ctx context.Context, conn *sql.Conn, query string, args ...any) (n int64, err error) {
	err = conn.QueryRowContext(ctx, query+" RETURNING n", args...).Scan(&n)
	return n, err
}

func (p *postgres) reading() *sql.TxOptions {
	return &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
}

// bounded limits how long an attempt may take.
func (p *postgres) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, batchTime)
}

// begin opens a transaction that only the holder of the lease gets through.
// The row stays locked until its end, so nobody takes the lease meanwhile; the
// batch's number tells later whether it was kept.
func (p *postgres) begin(ctx context.Context, conn *sql.Conn) error {
	p.batch++ // before anything can fail: the number before it was kept
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	done, err := conn.ExecContext(ctx, "UPDATE lease SET batch = $1 WHERE token = $2 AND expires > clock_timestamp()", p.batch, p.lease.token)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return errors.Join(errLeaseLost, err)
	}
	return nil
}

// reconnect waits for the server as long as the lease lasts.
func (p *postgres) reconnect(ctx context.Context, db *sql.DB, old *sql.Conn, cause error) (*sql.Conn, bool, error) {
	ping, cancel := context.WithTimeout(ctx, p.lease.time)
	err := old.PingContext(ping)
	cancel()
	if err == nil {
		return nil, false, nil
	}
	_ = old.Close() // it is of no use any more
	for {
		conn, kept, err := p.again(ctx, db)
		switch {
		case err == nil:
			return conn, kept, nil
		case errors.Is(err, errLeaseLost):
			return nil, false, err
		case time.Now().After(p.lease.end()):
			return nil, false, fmt.Errorf("the server does not answer, and the lease has run out: %w", errors.Join(cause, err))
		}
		timer := time.NewTimer(retryPause)
		<-timer.C
	}
}

// again opens another connection and looks whether the last batch was kept.
// The row's lock waits for a server that is still busy with it.
func (p *postgres) again(ctx context.Context, db *sql.DB) (*sql.Conn, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, p.lease.time)
	defer cancel()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, false, err
	}
	var batch int64
	var held bool
	err = conn.QueryRowContext(ctx, "SELECT batch, expires > clock_timestamp() FROM lease WHERE token = $1 FOR UPDATE", p.lease.token).Scan(&batch, &held)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && !held && batch != p.batch:
		return nil, false, errors.Join(errLeaseLost, conn.Close())
	case err != nil:
		return nil, false, errors.Join(err, conn.Close())
	}
	return conn, batch == p.batch, nil
}

// accepts: a key in one user's folder is of no use to a team.
func (p *postgres) accepts(recipients []string) error {
	if len(recipients) == 0 {
		return errors.New("a state in PostgreSQL is sealed for recipients: name age public keys in encryption { recipients = [...] } " +
			"of the stack block, or in MOLD_STATE_RECIPIENTS; make a key pair with: moldctl state keygen")
	}
	_, err := parseRecipients(recipients)
	return err
}

// purge writes the tables anew. Backups and archived logs of the server keep
// what they have.
func (p *postgres) purge(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "VACUUM (FULL) objects, history, journal, outputs, meta")
	return err
}

func (p *postgres) release() error {
	if p.lease == nil {
		return nil
	}
	return p.lease.release()
}

// explain says what a failure of the database means for the user.
func (p *postgres) explain(err error) error {
	var failure *pgconn.PgError
	var connect *pgconn.ConnectError
	switch {
	case errors.Is(err, errLeaseLost):
		return fmt.Errorf("write state %s: %w", p.where, err)
	case errors.As(err, &failure) && failure.Code == "42501":
		return fmt.Errorf("state %s: the role may not do this: %w; it needs CREATE on the database for a new state, and to own its schema %s", p.where, err, p.schema)
	case errors.As(err, &failure) && strings.HasPrefix(failure.Code, "28"):
		return fmt.Errorf("state %s: the server refuses the login: %w; the password is taken from PGPASSWORD, ~/.pgpass or MOLD_STATE_URL", p.where, err)
	case errors.As(err, &failure) && failure.Code == "53100":
		return fmt.Errorf("write state %s: the disk of the server is full; nothing of this change was kept: %w", p.where, err)
	case errors.As(err, &connect):
		return fmt.Errorf("state %s: the server cannot be reached: %w", p.where, err)
	}
	return fmt.Errorf("state %s: %w", p.where, err)
}

// Package postgrestest runs a real PostgreSQL server for tests, from the
// binaries that are installed: on a socket in a temporary folder, without a
// password, reached by nobody else. Where there are no binaries, tests that ask
// for one are skipped, and say so.
//
// It is imported by tests only, and imports nothing of this project.
package postgrestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// startTime is how long a server may take until it answers, on a busy machine.
const startTime = 5 * time.Second

// Server is one server with its data.
type Server struct {
	bin  string
	dir  string // data and socket
	user *syscall.Credential

	cmd    *exec.Cmd
	output bytes.Buffer
	cause  error // why it did not answer last
}

// Start makes a database cluster and serves it until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	bin := binaries()
	if bin == "" {
		t.Skip("SKIPPED: PostgreSQL is not installed (Debian: apt-get install postgresql)")
	}
	s := &Server{bin: bin}
	if err := s.make(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop(t)
		if err := os.RemoveAll(s.dir); err != nil {
			t.Errorf("remove the database: %v", err)
		}
	})
	s.Run(t)
	return s
}

// binaries finds the folder of the newest server that is installed.
func binaries() string {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return ""
	}
	version := func(path string) int {
		n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		if err != nil {
			return 0
		}
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) }))
}

// make lays out the cluster. The folder's name is short: that of a socket is bounded.
func (s *Server) make() (err error) {
	if s.dir, err = os.MkdirTemp("", "pg"); err != nil {
		return err
	}
	if err := s.unprivileged(); err != nil {
		return errors.Join(err, os.RemoveAll(s.dir))
	}
	init := s.command("initdb", "-D", s.data(), "-U", "app", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := init.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("initdb: %w\n%s", err, out), os.RemoveAll(s.dir))
	}
	return nil
}

// unprivileged finds somebody to run as: the server refuses to be root.
func (s *Server) unprivileged() error {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
		if errUID != nil || errGID != nil {
			continue
		}
		s.user = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), NoSetGroups: true}
		return os.Chown(s.dir, int(uid), int(gid))
	}
	return errors.New("run PostgreSQL as root: there is no user postgres or nobody to run it as")
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + s.bin + ":/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = attributes()
	cmd.SysProcAttr.Credential = s.user
	return cmd
}

// URL is how the database is reached.
func (s *Server) URL() string {
	u := url.URL{Scheme: "postgres", User: url.User("app"), Path: "/postgres", RawQuery: url.Values{"host": {s.dir}, "sslmode": {"disable"}}.Encode()}
	return u.String()
}

// Run starts the server, again after Stop or Kill, and waits until it answers.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	s.output.Reset()
	s.cmd = s.command("postgres", "-D", s.data(), "-k", s.dir, "-c", "listen_addresses=", "-c", "max_connections=200", "-c", "shared_buffers=16MB")
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.NewTimer(startTime)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if s.answers() {
			return
		}
		select {
		case <-again.C:
		case <-deadline.C:
			s.Kill(t)
			t.Fatalf("PostgreSQL does not answer: %v\n%s", s.cause, s.output.String())
		}
	}
}

// answers asks the server whether it takes connections.
func (s *Server) answers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		s.cause = err
		return false
	}
	return conn.Close(ctx) == nil
}

// Stop ends the server as an administrator in a hurry does: connections are
// cut, what was committed is kept.
func (s *Server) Stop(t testing.TB) { s.end(t, syscall.SIGINT) }

// Kill ends the server as a crash does.
func (s *Server) Kill(t testing.TB) { s.end(t, syscall.SIGQUIT) }

func (s *Server) end(t testing.TB, how os.Signal) {
	t.Helper()
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Signal(how); err != nil {
		t.Errorf("end PostgreSQL: %v", err)
	}
	// After SIGQUIT it ends with an error, as it should.
	if err := s.cmd.Wait(); err != nil && how == syscall.SIGINT {
		t.Errorf("PostgreSQL ended badly: %v\n%s", err, s.output.String())
	}
	s.cmd = nil
}

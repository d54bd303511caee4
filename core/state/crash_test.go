package state_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/core/state"
)

// childVariable makes the test binary act as another process that uses a state.
const childVariable = "MOLDCTL_TEST_STATE_CHILD"

func TestMain(m *testing.M) {
	role, dir, ok := strings.Cut(os.Getenv(childVariable), ":")
	if !ok {
		os.Exit(m.Run())
	}
	err := map[string]func(context.Context, string) error{
		"append": childAppends, "hold": childHolds, "limit": childIsLimited, "count": childCounts, "share": childAppendsShared,
	}[role](context.Background(), dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child starts the test binary in a role.
func child(t *testing.T, role, dir string) (*exec.Cmd, io.WriteCloser, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+role+":"+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, in, bufio.NewScanner(out)
}

// childAppends carries out operations for ever and says which entry is
// acknowledged, only after it is.
func childAppends(ctx context.Context, dir string) error {
	s, err := state.OpenSQLite(ctx, statePath(dir), options(dir))
	if err != nil {
		return err
	}
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return err
	}
	var out sync.Mutex
	failed := make(chan error)
	for w := range 4 {
		go func() {
			for i := len(snap.Objects); ; i++ {
				addr := fmt.Sprintf("instance.a[%d]", i*4+w)
				op := fmt.Sprintf("op-%d-%s", os.Getpid(), addr)
				steps := map[string]state.Entry{
					"1 begin ":  state.Begin{Operation: state.Operation{ID: op, Key: state.Key{Addr: addr}, Action: "create", Object: whole(addr)}},
					"2 call ":   state.PutCall{Operation: op, Call: state.Call{Key: "deploy", State: state.CallOpen}},
					"3 commit ": state.Commit{Operation: op, Key: state.Key{Addr: addr}, Object: whole(addr)},
				}
				for _, name := range []string{"1 begin ", "2 call ", "3 commit "} {
					if err := s.Append(ctx, steps[name]); err != nil {
						failed <- err
						return
					}
					out.Lock()
					fmt.Println(name + op + " " + addr)
					out.Unlock()
				}
			}
		}()
	}
	return <-failed
}

// TestKillLeavesWhatWasAcknowledged kills a process in the middle of its
// appends, again and again on one state.
func TestKillLeavesWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	acknowledged := map[string]string{} // operation or object → what was said of it last
	rounds := 20
	if soak() {
		rounds = 1000
	}
	for round := range rounds {
		if round > 0 && round%20 == 0 { // a state that grows for ever only makes reading slow
			dir, acknowledged = t.TempDir(), map[string]string{}
		}
		cmd, _, lines := child(t, "append", dir)
		for range 20 + 7*(round%20) { // another moment each time
			if !lines.Scan() {
				t.Fatalf("round %d: the process ended by itself", round)
			}
			note(acknowledged, lines.Text())
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			note(acknowledged, lines.Text())
		}
		if err := cmd.Wait(); err == nil {
			t.Fatalf("round %d: the process was not killed", round)
		}
		check(t, round, dir, acknowledged)
	}
}

func note(acknowledged map[string]string, line string) {
	if f := strings.Fields(line); len(f) == 4 {
		acknowledged[f[2]] = f[1]
		if f[1] == "commit" {
			acknowledged[f[3]] = "exists"
		}
	}
}

// check reads the state after a kill. What was not acknowledged may be there
// or not; what was must be.
func check(t *testing.T, round int, dir string, acknowledged map[string]string) {
	t.Helper()
	// A reader may be the first to see what the killed process left.
	reader, err := state.OpenSQLite(t.Context(), statePath(dir), options(dir, readOnly))
	if err != nil {
		t.Fatalf("round %d: %v", round, err)
	}
	looked := snapshot(t, reader)
	s, err := state.OpenSQLite(t.Context(), statePath(dir), options(dir))
	if err != nil {
		t.Fatalf("round %d: %v", round, err)
	}
	snap := snapshot(t, s)
	if diff := cmp.Diff(looked, snap); diff != "" {
		t.Errorf("round %d: reader and writer differ (-reader +writer):\n%s", round, diff)
	}
	if err := reader.Close(); err != nil {
		t.Errorf("round %d: %v", round, err)
	}
	for name, said := range acknowledged {
		op := snap.Operations[name]
		switch said {
		case "exists":
			if snap.Objects[state.Key{Addr: name}] == nil {
				t.Errorf("round %d: object %s was acknowledged and is not there", round, name)
			}
		case "commit":
			if op != nil {
				t.Errorf("round %d: operation %s was ended and is open", round, name)
			}
		case "call":
			if op != nil && len(op.Calls) == 0 {
				t.Errorf("round %d: the call of %s is lost", round, name)
			}
			fallthrough
		case "begin":
			if op == nil && snap.Objects[state.Key{Addr: strings.SplitN(name, "-", 3)[2]}] == nil {
				t.Errorf("round %d: operation %s is neither open nor ended", round, name)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("round %d: %v", round, err)
	}
}

// childHolds holds a state until its standard input ends.
func childHolds(ctx context.Context, dir string) error {
	s, err := state.OpenSQLite(ctx, statePath(dir), options(dir, func(o *state.Options) { o.Holder = "apply shop" }))
	if err != nil {
		return err
	}
	fmt.Println("held")
	_, err = io.ReadAll(os.Stdin)
	return errors.Join(err, s.Close())
}

func TestALockedState(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason string
		end    func(cmd *exec.Cmd, stdin io.Closer) error
	}{
		"released": {"a holder that ends lets the next one in", func(_ *exec.Cmd, stdin io.Closer) error { return stdin.Close() }},
		"killed":   {"a dead holder blocks nobody", func(cmd *exec.Cmd, _ io.Closer) error { return cmd.Process.Kill() }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cmd, stdin, lines := child(t, "hold", dir)
			if !lines.Scan() {
				t.Fatal("the holder did not start")
			}
			var locked *state.LockedError
			_, err := state.OpenSQLite(t.Context(), statePath(dir), options(dir))
			if !errors.As(err, &locked) {
				t.Fatalf("OpenSQLite = %v, want a LockedError", err)
			}
			for _, want := range []string{`"apply shop"`, fmt.Sprintf("process %d on ", cmd.Process.Pid), "--lock-timeout"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if snap := snapshot(t, openState(t, dir, readOnly)); snap.Lineage == "" {
				t.Error("a reader does not see the state while it is held")
			}
			canceled, cancel := context.WithCancel(t.Context())
			_, err = state.OpenSQLite(canceled, statePath(dir), options(dir, func(o *state.Options) {
				o.Wait, o.Waiting = time.Hour, func(state.LockHolder) { cancel() }
			}))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("OpenSQLite = %v, want the cancellation", err)
			}
			s := openState(t, dir, func(o *state.Options) {
				o.Wait, o.Waiting = time.Minute, func(h state.LockHolder) {
					if h.PID != cmd.Process.Pid {
						t.Errorf("waiting for process %d, want %d", h.PID, cmd.Process.Pid)
					}
					if err := test.end(cmd, stdin); err != nil {
						t.Error(err)
					}
				}
			})
			if snap := snapshot(t, s); snap.Lineage == "" {
				t.Errorf("the state is not readable: %s", test.reason)
			}
			if err := cmd.Wait(); err != nil && name == "released" {
				t.Error(err)
			}
		})
	}
}

// childIsLimited writes until the system refuses to let a file grow, then goes
// on when it may again.
func childIsLimited(ctx context.Context, dir string) error {
	signal.Ignore(syscall.SIGXFSZ)
	s, err := state.OpenSQLite(ctx, statePath(dir), options(dir))
	if err != nil {
		return err
	}
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 100 << 10, Max: old.Max}); err != nil {
		return err
	}
	kept, refused := 0, error(nil)
	for ; refused == nil && kept < 1000; kept++ {
		addr := fmt.Sprintf("instance.a[%d]", kept)
		refused = s.Append(ctx, state.Put{Key: state.Key{Addr: addr}, Object: whole(addr)})
	}
	kept--
	if refused == nil {
		return errors.New("the limit was not reached")
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	if err := s.Append(ctx, state.Put{Key: state.Key{Addr: "later"}, Object: whole("later")}); err != nil {
		return err
	}
	fmt.Println(kept+1, strings.ReplaceAll(refused.Error(), "\n", "; "))
	return s.Close()
}

func TestAFailedWriteLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd, _, lines := child(t, "limit", dir)
	lines.Scan()
	count, said, _ := strings.Cut(lines.Text(), " ")
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said, "state.db") {
		t.Errorf("the error %q does not name the file", said)
	}
	if got := strconv.Itoa(len(snapshot(t, openState(t, dir)).Objects)); got != count {
		t.Errorf("%s objects, %s were acknowledged", got, count)
	}
}

package endtoend_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/cloudsim"
	"github.com/moldctl/moldctl/internal/postgrestest"
)

// leaseTime is short, and long beside what a busy machine takes to renew a
// lease: a run that loses its lease before it has come to the call that is held
// would end, and nothing be held.
const leaseTime = 10 * time.Second

// newTeam is a world whose state lies in a database.
func newTeam(t *testing.T, server *postgrestest.Server) *world {
	t.Helper()
	w := newWorld(t)
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(w.dir, "identity.txt")
	if err := os.WriteFile(file, []byte(key.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.shared = &shared{URL: server.URL(), Recipient: key.Recipient().String(), Lease: leaseTime}
	w.env = []string{state.IdentityVariable + "=" + file}
	return w
}

// running is a program that is under way.
type running struct {
	*world
	pid    int
	ended  chan error
	stdout *bytes.Buffer
	stderr *bytes.Buffer
}

// begin starts the program and does not wait for its end.
func (w *world) begin(action string) *running {
	w.t.Helper()
	cmd, stdout, stderr := w.command(action)
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	r := &running{world: w, pid: cmd.Process.Pid, ended: make(chan error, 1), stdout: stdout, stderr: stderr}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.ended <- cmd.Wait()
	}()
	w.t.Cleanup(func() {
		// A stopped process takes this signal, too.
		_ = syscall.Kill(-r.pid, syscall.SIGKILL)
		<-done
	})
	return r
}

// signal sends a signal to the program and its plugins.
func (r *running) signal(s syscall.Signal) {
	r.t.Helper()
	all, err := plugins(r.pid)
	if err != nil {
		r.t.Fatal(err)
	}
	all["the program"] = r.pid
	for name, pid := range all {
		if err := syscall.Kill(pid, s); err != nil {
			r.t.Fatalf("send %s to %s: %v", s, name, err)
		}
	}
}

// wait waits for the program's end.
func (r *running) wait(limit time.Duration) outcome {
	r.t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-r.ended:
		if err != nil {
			r.t.Fatalf("it ended with %v:\n%s", err, r.stderr.String())
		}
		return r.outcome("run", r.stdout, r.stderr)
	case <-timer.C:
		r.t.Fatalf("it did not end within %s", limit)
		return outcome{}
	}
}

// until waits for a condition.
func (w *world) until(what string, limit time.Duration, is func() bool) {
	w.t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !is() {
		select {
		case <-again.C:
		case <-timer.C:
			w.t.Fatalf("after %s still not: %s", limit, what)
		}
	}
}

// held waits until the cloud holds a call of the run. A run that ends instead
// says why.
func (r *running) held() {
	r.t.Helper()
	r.until("a call is held", time.Minute, func() bool {
		select {
		case err := <-r.ended:
			r.t.Fatalf("it ended before the call that is held: %v\n%s%s", err, r.stdout.String(), r.stderr.String())
		default:
		}
		all := r.cloud.Faults()
		return len(all) == 1 && all[0].Held == 1
	})
}

// TestStoppedHolder stops a run and its plugins in the middle of an apply, past
// the end of their lease: another run takes over and finishes. When the first
// one goes on it writes nothing, neither to the state nor to the cloud.
func TestStoppedHolder(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	creates, inventory := undisturbed(t, rules)
	for name, f := range map[string]cloudsim.Fault{
		"before a call": {Command: "createFirewallRule", Kind: "hold"},
		"after a call":  {Command: "createFirewallRule", Where: "after", Kind: "hold"},
		"before a look": {Command: "listPublicIpAddresses", Kind: "hold"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they wait for the ends of leases
			w := newTeam(t, server)
			w.shared.Environment = strings.ReplaceAll(name, " ", "-")
			w.write(rules)
			w.fault(f)
			first := w.begin("apply")
			first.held()
			first.signal(syscall.SIGSTOP)
			// What the cloud was asked before that may still be carried out.
			w.cloud.RemoveFault("")
			w.must("apply")
			w.onceBut([]string{onlyAnswer}, creates)
			before := w.calls()

			first.signal(syscall.SIGCONT)
			out := first.wait(2 * time.Minute)
			if !out.Failed || !strings.Contains(out.Said, "lease") {
				t.Errorf("the first run does not say that it lost its lease:\n%s", out.Said)
			}
			if after := w.cloud.Audit(); len(after) != before {
				for _, e := range after[before:] {
					t.Errorf("after its lease it sent %s: %d %s", e.Command, e.Status, e.ErrorText)
				}
			}
			w.settled(inventory)
		})
	}
}

// TestDatabaseStopped stops the database in the middle of an apply. The apply
// ends and says why, and nothing of what it made is lost.
func TestDatabaseStopped(t *testing.T) {
	t.Parallel()
	creates, inventory := undisturbed(t, rules)
	for name, f := range map[string]cloudsim.Fault{
		"before a call": {Command: "associateIpAddress", Kind: "hold"},
		"after a call":  {Command: "associateIpAddress", Where: "after", Kind: "hold"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := postgrestest.Start(t)
			w := newTeam(t, server)
			w.write(rules)
			w.fault(f)
			first := w.begin("apply")
			first.held()
			server.Stop(t)
			w.cloud.RemoveFault("")
			out := first.wait(2 * time.Minute)
			if !out.Failed || !strings.Contains(out.Said, "does not answer") {
				t.Errorf("the run does not say that the database is away:\n%s", out.Said)
			}
			server.Run(t)
			w.must("apply")
			w.onceBut([]string{onlyAnswer}, creates)
			w.settled(inventory)
		})
		t.Run("and started again, "+name, func(t *testing.T) {
			t.Parallel()
			server := postgrestest.Start(t)
			w := newTeam(t, server)
			w.shared.Lease = 20 * time.Second // it comes back within the lease
			w.write(rules)
			w.fault(f)
			first := w.begin("apply")
			first.held()
			server.Stop(t)
			w.cloud.RemoveFault("")
			server.Run(t)
			if out := first.wait(2 * time.Minute); out.Failed {
				t.Errorf("a server that was away for a moment ended the run:\n%s", out.Said)
			}
			w.onceBut([]string{onlyAnswer}, creates)
			w.settled(inventory)
		})
	}
}

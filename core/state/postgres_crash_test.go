package state_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/postgrestest"
)

// TestPostgresServerEndsInTheMiddle ends the server during appends, by order
// and by a crash, and starts it again: while the lease lasts a run goes on, and
// what was acknowledged is there.
func TestPostgresServerEndsInTheMiddle(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	for name, end := range map[string]func(testing.TB){"ordered": server.Stop, "crashed": server.Kill} {
		t.Run(name, func(t *testing.T) {
			m := newTeam(t, server, name)
			m.opts.LeaseTime = state.DefaultLeaseTime
			s := m.open(t)
			acknowledged := make([][]string, 4)
			half := make(chan struct{}, len(acknowledged))
			var group sync.WaitGroup
			for w := range acknowledged {
				group.Go(func() {
					for i := range 40 {
						if i == 20 {
							half <- struct{}{}
						}
						done, err := operations(t.Context(), s, w*40+i, 1)
						if err != nil {
							t.Errorf("worker %d: %v", w, err)
							return
						}
						acknowledged[w] = append(acknowledged[w], done...)
					}
				})
			}
			<-half
			end(t)
			server.Run(t)
			group.Wait()
			snap := snapshot(t, s)
			for _, addr := range slices.Concat(acknowledged...) {
				if snap.Objects[state.Key{Addr: addr}] == nil {
					t.Errorf("%s was acknowledged and is not there", addr)
				}
			}
			if len(snap.Objects) != 160 || len(snap.Operations) != 0 {
				t.Errorf("%d objects, %d operations; want 160, 0", len(snap.Objects), len(snap.Operations))
			}
		})
	}
}

func TestPostgresServerStaysAway(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	m := newTeam(t, server, "web")
	s, err := m.try(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, state.Put{Key: state.Key{Addr: "a"}, Object: whole("a")})
	server.Kill(t)
	err = s.Append(t.Context(), state.Put{Key: state.Key{Addr: "b"}, Object: whole("b")})
	if err == nil || !strings.Contains(err.Error(), "does not answer, and the lease has run out") {
		t.Errorf("Append = %v, want that the server is away", err)
	}
	if _, err := m.try(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("Open = %v, want that the server is away", err)
	}
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "release the lease, which ends by itself at") {
		t.Errorf("Close = %v, want that the lease ends by itself", err)
	}
	server.Run(t)
	if snap := snapshot(t, m.open(t, wait)); len(snap.Objects) != 1 {
		t.Errorf("%d objects, want the acknowledged one", len(snap.Objects))
	}
}

// childTeam is what a process is told that appends to a shared state.
type childTeam struct {
	Place      state.Place
	Recipients []string
	Identity   string
}

// childAppendsShared appends until it may not any more, and says why.
func childAppendsShared(ctx context.Context, text string) error {
	var c childTeam
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	s, err := state.Open(ctx, c.Place, state.Options{Recipients: c.Recipients, IdentityFile: c.Identity, Holder: "apply stopped", LeaseTime: leaseTime})
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		addr := fmt.Sprintf("instance.a[%d]", i)
		if err := s.Append(ctx, state.Put{Key: state.Key{Addr: addr}, Object: whole(addr)}); err != nil {
			fmt.Println("lost", state.LeaseLost(err))
			return s.Close()
		}
		fmt.Println("kept", addr)
	}
}

// TestPostgresStoppedHolder stops a process in the middle of its appends until
// another one has taken over, then lets it go on: it writes nothing.
func TestPostgresStoppedHolder(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	m := newTeam(t, server, "web")
	text, err := json.Marshal(childTeam{m.place, m.opts.Recipients, m.opts.IdentityFile})
	if err != nil {
		t.Fatal(err)
	}
	cmd, _, lines := child(t, "share", string(text))
	kept := ""
	for range 20 {
		if !lines.Scan() {
			t.Fatal("the process ended by itself")
		}
		kept = strings.TrimPrefix(lines.Text(), "kept ")
	}
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	next := m.open(t, wait)
	before := snapshot(t, next)
	if before.Objects[state.Key{Addr: kept}] == nil {
		t.Errorf("%s was acknowledged and is not there", kept)
	}
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	last := ""
	for lines.Scan() {
		if last = lines.Text(); strings.HasPrefix(last, "kept") && before.Objects[state.Key{Addr: strings.TrimPrefix(last, "kept ")}] == nil {
			t.Errorf("%q was acknowledged after the takeover", last)
		}
	}
	if last != "lost true" {
		t.Errorf("the stopped process ended with %q", last)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the stopped process: %v", err)
	}
	if now := snapshot(t, next); len(now.Objects) != len(before.Objects) {
		t.Errorf("%d objects became %d", len(before.Objects), len(now.Objects))
	}
}

package state_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/postgrestest"
)

// leaseTime is short, and long beside what a busy machine takes for a query.
const leaseTime = 2 * time.Second

// team is a place in a database and the keys of one who may open it.
type team struct {
	place state.Place
	opts  state.Options
}

func newTeam(t *testing.T, server *postgrestest.Server, stack string) team {
	t.Helper()
	file, public := identity(t, t.TempDir(), "me.txt")
	return team{
		state.Place{URL: server.URL(), Environment: "production", Stack: stack},
		state.Options{Recipients: []string{public}, IdentityFile: file, Holder: "apply " + stack, Stack: stack, LeaseTime: leaseTime},
	}
}

func (m team) try(ctx context.Context, change ...func(*state.Options)) (*state.Store, error) {
	o := m.opts
	for _, c := range change {
		c(&o)
	}
	return state.Open(ctx, m.place, o)
}

func (m team) open(t *testing.T, change ...func(*state.Options)) *state.Store {
	t.Helper()
	s, err := m.try(t.Context(), change...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func wait(o *state.Options) { o.Wait = time.Minute }

func TestPostgres(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	for name, test := range map[string]func(*testing.T, team){
		"everything comes back":     postgresKeeps,
		"an append is all or none":  postgresAllOrNone,
		"appends come together":     postgresConcurrent,
		"history, restore, push":    postgresHistory,
		"rekey":                     postgresRekey,
		"recipients are required":   postgresRecipients,
		"states are apart":          postgresApart,
		"a newer format is refused": postgresNewer,
		"a held state":              postgresHeld,
		"a dead holder":             postgresDead,
		"a lease that ran out":      postgresRanOut,
		"a broken lease":            postgresBroken,
	} {
		// Not parallel: the server is ended when the last one returns.
		t.Run(name, func(t *testing.T) { test(t, newTeam(t, server, strings.ReplaceAll(name, " ", "-"))) })
	}
}

func postgresKeeps(t *testing.T, m team) {
	if snap := snapshot(t, m.open(t, readOnly)); snap.Lineage != "" {
		t.Errorf("reading has made a state: %+v", snap)
	}
	s := m.open(t)
	want := fill(t, s)
	if len(want.Objects) != 1 || len(want.Operations) != 1 || len(want.Outputs) != 2 || want.Serial != 1 {
		t.Fatalf("%d objects, %d operations, %d outputs, serial %d", len(want.Objects), len(want.Operations), len(want.Outputs), want.Serial)
	}
	if diff := cmp.Diff(whole("instance.a"), want.Objects[state.Key{Addr: "instance.a"}]); diff != "" {
		t.Errorf("object (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, snapshot(t, m.open(t, readOnly))); diff != "" {
		t.Errorf("read while it is held (-want +got):\n%s", diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, snapshot(t, m.open(t))); diff != "" {
		t.Errorf("after reopening (-want +got):\n%s", diff)
	}
}

func postgresAllOrNone(t *testing.T, m team) {
	s := m.open(t)
	put(t, s, state.Put{Key: state.Key{Addr: "kept"}, Object: whole("kept")})
	before := snapshot(t, s)
	for _, bad := range []state.Entry{
		state.PutCall{Operation: "none"}, state.Move{From: state.Key{Addr: "none"}, To: state.Key{Addr: "x"}},
		state.Move{From: state.Key{Addr: "neighbour"}, To: state.Key{Addr: "kept"}},
	} {
		if err := s.Append(t.Context(), state.Put{Key: state.Key{Addr: "neighbour"}, Object: whole("neighbour")}, bad); err == nil {
			t.Errorf("%#v was accepted", bad)
		}
	}
	if diff := cmp.Diff(before, snapshot(t, s)); diff != "" {
		t.Errorf("a refused append left something behind (-before +after):\n%s", diff)
	}
	put(t, s, state.Move{From: state.Key{Addr: "kept"}, To: state.Key{Addr: "moved"}})
}

// operations carries out count operations of one worker.
func operations(ctx context.Context, s *state.Store, worker, count int) (acknowledged []string, err error) {
	for i := range count {
		key := state.Key{Addr: fmt.Sprintf("instance.a[%d]", worker*count+i)}
		op := key.Addr + "/op"
		for _, e := range []state.Entry{
			state.Begin{Operation: state.Operation{ID: op, Key: key, Action: "create"}},
			state.PutCall{Operation: op, Call: state.Call{Key: "create", State: state.CallDone, ID: "1"}},
			state.Commit{Operation: op, Key: key, Object: whole(key.Addr)},
		} {
			if err := s.Append(ctx, e); err != nil {
				return acknowledged, err
			}
		}
		acknowledged = append(acknowledged, key.Addr)
	}
	return acknowledged, nil
}

func postgresConcurrent(t *testing.T, m team) {
	s := m.open(t)
	var group sync.WaitGroup
	for w := range 8 {
		group.Go(func() {
			if _, err := operations(t.Context(), s, w, 10); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	snap := snapshot(t, s)
	if len(snap.Objects) != 80 || len(snap.Operations) != 0 || snap.Serial != 1 {
		t.Errorf("%d objects, %d operations, serial %d; want 80, 0, 1", len(snap.Objects), len(snap.Operations), snap.Serial)
	}
}

func postgresHistory(t *testing.T, m team) {
	a, b := state.Key{Addr: "network.a"}, state.Key{Addr: "network.b"}
	for _, e := range []state.Entry{state.Put{Key: a, Object: named(a.Addr, "1")}, state.Move{From: a, To: b}} {
		s := m.open(t)
		put(t, s, e)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := m.open(t)
	want := []state.Serial{{Serial: 2, Holder: m.opts.Holder, Changed: []state.Key{a, b}}, {Serial: 1, Holder: m.opts.Holder, Changed: []state.Key{a}}}
	history, err := s.History(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, history, cmpopts.IgnoreFields(state.Serial{}, "At")); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	text := pulled(t, s)
	if _, err := s.Restore(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if snap := snapshot(t, s); snap.Objects[a] == nil || snap.Objects[b] != nil || snap.Serial != 3 {
		t.Errorf("restored: %+v", snap)
	}
	if _, err := s.Push(t.Context(), parse(t, text), state.PushOptions{}); err == nil {
		t.Error("an older document was accepted")
	}
	if _, err := s.Push(t.Context(), parse(t, text), state.PushOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	if snap := snapshot(t, s); snap.Objects[b] == nil || snap.Objects[a] != nil {
		t.Errorf("pushed: %+v", snap)
	}
	// From a database into a file, as somebody does who leaves it.
	file := openState(t, t.TempDir(), func(o *state.Options) { o.IdentityFile = m.opts.IdentityFile })
	if _, err := file.Push(t.Context(), parse(t, text), state.PushOptions{}); err != nil {
		t.Errorf("push into a file: %v", err)
	}
}

func postgresRekey(t *testing.T, m team) {
	s := m.open(t)
	want := fill(t, s)
	file, public := identity(t, t.TempDir(), "other.txt")
	if err := s.Rekey(t.Context(), state.KeyChange{}); err == nil || !strings.Contains(err.Error(), "sealed for recipients") {
		t.Errorf("Rekey to a local key = %v, want a refusal", err)
	}
	if err := s.Rekey(t.Context(), state.KeyChange{Recipients: []string{public}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.try(t.Context(), readOnly); err == nil || !strings.Contains(err.Error(), "no private key in") {
		t.Errorf("opened with the old key: %v", err)
	}
	if diff := cmp.Diff(want, snapshot(t, m.open(t, func(o *state.Options) { o.IdentityFile = file }))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func postgresRecipients(t *testing.T, m team) {
	_, err := m.try(t.Context(), func(o *state.Options) { o.Recipients = nil })
	if err == nil || !strings.Contains(err.Error(), "MOLD_STATE_RECIPIENTS") || !strings.Contains(err.Error(), "moldctl state keygen") {
		t.Errorf("Open = %v, want what to do", err)
	}
	if snap := snapshot(t, m.open(t, readOnly)); snap.Lineage != "" {
		t.Error("a state was made")
	}
}

func postgresApart(t *testing.T, m team) {
	put(t, m.open(t), state.Put{Key: state.Key{Addr: "a"}, Object: whole("a")})
	other := m
	other.place.Environment = "staging"
	if snap := snapshot(t, other.open(t)); len(snap.Objects) != 0 {
		t.Errorf("the other environment holds %d objects", len(snap.Objects))
	}
}

func postgresNewer(t *testing.T, m team) {
	s := m.open(t)
	if err := s.Exec("UPDATE meta SET format = 99"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []func(*state.Options){readOnly, func(*state.Options) {}} {
		if _, err := m.try(t.Context(), mode); err == nil || !strings.Contains(err.Error(), "it has format 99") {
			t.Errorf("Open = %v, want a refusal", err)
		}
	}
}

func postgresHeld(t *testing.T, m team) {
	s := m.open(t)
	var locked *state.LockedError
	_, err := m.try(t.Context(), func(o *state.Options) { o.Holder = "apply elsewhere" })
	if !errors.As(err, &locked) || !strings.Contains(err.Error(), `"`+m.opts.Holder+`"`) || locked.Until.IsZero() {
		t.Fatalf("Open = %v, want who holds it and until when", err)
	}
	lock, err := m.place.Lock(t.Context())
	if err != nil || lock == nil || lock.Command != m.opts.Holder {
		t.Errorf("Lock = %v, %v", lock, err)
	}
	next := m.open(t, wait, func(o *state.Options) {
		o.Waiting = func(state.LockHolder) {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	put(t, next, state.Put{Key: state.Key{Addr: "b"}, Object: whole("b")})
	if err := next.Close(); err != nil {
		t.Fatal(err)
	}
	if lock, err := m.place.Lock(t.Context()); err != nil || lock != nil {
		t.Errorf("Lock of a released state = %v, %v", lock, err)
	}
}

// postgresDead: nobody releases the lease, and it runs out.
func postgresDead(t *testing.T, m team) {
	dead := m.open(t)
	dead.StopRenewing()
	began := time.Now()
	next := m.open(t, wait)
	if waited := time.Since(began); waited < leaseTime {
		t.Errorf("taken over after %s, before the lease of %s and its settling time", waited, leaseTime)
	}
	put(t, next, state.Put{Key: state.Key{Addr: "b"}, Object: whole("b")})
	err := dead.Append(t.Context(), state.Put{Key: state.Key{Addr: "late"}, Object: whole("late")})
	if !state.LeaseLost(err) {
		t.Errorf("Append of the old holder = %v, want that its lease is lost", err)
	}
	if snap := snapshot(t, next); snap.Objects[state.Key{Addr: "late"}] != nil || len(snap.Objects) != 1 {
		t.Error("the old holder has written")
	}
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	// Closing has not taken the new holder's lease away.
	put(t, next, state.Put{Key: state.Key{Addr: "c"}, Object: whole("c")})
}

// postgresRanOut: nobody has taken over, and still nothing is written.
func postgresRanOut(t *testing.T, m team) {
	var ends []time.Time
	var mu sync.Mutex
	s := m.open(t, func(o *state.Options) {
		o.Renewed = func(until time.Time) {
			mu.Lock()
			defer mu.Unlock()
			ends = append(ends, until)
		}
	})
	poll(t, "a renewal", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(ends) >= 3
	})
	put(t, s, state.Put{Key: state.Key{Addr: "a"}, Object: whole("a")})
	s.StopRenewing()
	poll(t, "the end of the lease", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return time.Now().After(ends[len(ends)-1].Add(time.Second))
	})
	if err := s.Append(t.Context(), state.Put{Key: state.Key{Addr: "late"}, Object: whole("late")}); !state.LeaseLost(err) {
		t.Errorf("Append = %v, want that the lease is lost", err)
	}
}

func postgresBroken(t *testing.T, m team) {
	s := m.open(t)
	lock, err := m.place.Break(t.Context())
	if err != nil || lock == nil || lock.Until.IsZero() {
		t.Fatalf("Break = %v, %v", lock, err)
	}
	if err := s.Append(t.Context(), state.Put{Key: state.Key{Addr: "late"}, Object: whole("late")}); !state.LeaseLost(err) {
		t.Errorf("Append = %v, want that the lease is lost", err)
	}
	if _, err := m.try(t.Context()); err == nil {
		t.Error("the next holder did not wait until the broken lease's calls are over")
	}
	put(t, m.open(t, wait), state.Put{Key: state.Key{Addr: "b"}, Object: whole("b")})
}

// poll waits for something that another process or a real clock does.
func poll(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !done() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

package state_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/moldctl/moldctl/core/state"
)

// openState opens a state of this test with a key file of its own.
func openState(t *testing.T, dir string, change ...func(*state.Options)) *state.Store {
	t.Helper()
	s, err := state.OpenSQLite(t.Context(), statePath(dir), options(dir, change...))
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

func statePath(dir string) string { return filepath.Join(dir, "work", "state.db") }

func options(dir string, change ...func(*state.Options)) state.Options {
	o := state.Options{Keys: state.KeyFile{Path: filepath.Join(dir, "config", "local.key")}, Holder: "apply web", Stack: "web"}
	for _, c := range change {
		c(&o)
	}
	return o
}

func readOnly(o *state.Options) { o.ReadOnly = true }

func put(t *testing.T, s *state.Store, entries ...state.Entry) {
	t.Helper()
	if err := s.Append(t.Context(), entries...); err != nil {
		t.Fatal(err)
	}
}

func snapshot(t *testing.T, s *state.Store) *state.Snapshot {
	t.Helper()
	snap, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

const secret = "hunter2-in-the-clear"

// whole is an object with every field set.
func whole(addr string) *state.Object {
	return &state.Object{
		Key: state.Key{Addr: addr}, Type: "instance", Status: state.OK, ID: "8a1f",
		Values:  []byte(`{"name":"web","password":"` + secret + `"}`),
		Private: []byte("\x00\xffprivate " + secret),
		Lookups: map[string]state.Lookup{"offering": {ID: "77", Name: "Medium Instance"}},
		DependsOn: []string{
			"network.web",
		},
		Cloud: "default", Plugin: "compute", PluginVersion: "1.0.0", SchemaVersion: 3,
		SensitivePaths: []string{"password"}, PreventDestroy: true, RetainOnDestroy: true, CreateBefore: true,
		Timeouts: map[string]string{"create": "10m"},
		Pending: []state.Call{{
			Key: "deploy", Command: "deployVirtualMachine", Identity: []byte(`{"kind":"marker","note":"` + secret + `"}`),
			ID: "8a1f", Job: "j1", State: state.CallDone, SentAt: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
			Private: []byte(secret), Candidates: []string{"a", "b"},
		}},
		PendingAction: "create", UpdatedAt: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC), CreatedOperation: "op1",
	}
}

func TestEverythingComesBackAfterReopening(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	op := state.Operation{
		ID: "op2", Key: state.Key{Addr: "image.web"}, Action: "create", Type: "image", Cloud: "default",
		Started: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC), Planned: []byte(`{"name":"` + secret + `"}`), Object: whole("image.web"),
	}
	s := openState(t, dir)
	put(t, s,
		state.Put{Key: state.Key{Addr: "instance.a"}, Object: whole("instance.a")},
		state.Put{Key: state.Key{Addr: "gone.a"}, Object: whole("gone.a")},
		state.Put{Key: state.Key{Addr: "gone.a"}},
		state.Begin{Operation: op},
		state.PutCall{Operation: "op2", Call: state.Call{Key: "deploy", State: state.CallOpen}},
		state.PutCall{Operation: "op2", Call: state.Call{Key: "stop", State: state.CallOpen}},
		state.PutCall{Operation: "op2", Call: state.Call{Key: "deploy", State: state.CallDone, ID: "9"}},
		state.Begin{Operation: state.Operation{ID: "op3", Key: state.Key{Addr: "instance.b"}, Action: "create"}},
		state.Commit{Operation: "op3", Key: state.Key{Addr: "instance.b"}, Object: whole("instance.b")},
		state.Move{From: state.Key{Addr: "instance.b"}, To: state.Key{Addr: "instance.b", Deposed: "1"}},
		state.Bind{Binding: state.Binding{Alias: "default", Endpoint: "cloud", ZoneID: "z", DomainID: "d", AccountID: "a", ProjectID: "p", Embedded: true}},
		state.SetOutputs{Outputs: []state.Output{
			{Name: "url", Value: []byte(`"http://x/"`), Type: []byte(`"string"`)},
			{Name: "password", Value: []byte(`"` + secret + `"`), Type: []byte(`"string"`), Sensitive: true},
		}},
	)
	op.Calls = []state.Call{{Key: "deploy", State: state.CallDone, ID: "9"}, {Key: "stop", State: state.CallOpen}}
	moved := whole("instance.b")
	moved.Deposed = "1"
	want := &state.Snapshot{
		Serial: 1, Stack: "web",
		Objects:    map[state.Key]*state.Object{{Addr: "instance.a"}: whole("instance.a"), {Addr: "instance.b", Deposed: "1"}: moved},
		Operations: map[string]*state.Operation{"op2": &op},
		Bindings:   map[string]state.Binding{"default": {Alias: "default", Endpoint: "cloud", ZoneID: "z", DomainID: "d", AccountID: "a", ProjectID: "p", Embedded: true}},
		Outputs: map[string]state.Output{
			"url":      {Name: "url", Value: []byte(`"http://x/"`), Type: []byte(`"string"`)},
			"password": {Name: "password", Value: []byte(`"` + secret + `"`), Type: []byte(`"string"`), Sensitive: true},
		},
	}
	compare := func(when string, got *state.Snapshot) {
		t.Helper()
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(state.Snapshot{}, "Lineage")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	compare("while open", snapshot(t, s))
	reader := openState(t, dir, readOnly)
	compare("read by another while open", snapshot(t, reader))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := openState(t, dir)
	compare("after reopening", snapshot(t, again))
	if a, b := snapshot(t, reader).Lineage, snapshot(t, again).Lineage; a == "" || a != b {
		t.Errorf("lineage %q became %q", a, b)
	}
}

func TestAppendIsAllOrNothing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason  string
		entries []state.Entry
		want    string
	}{
		"call of nothing":   {"a call needs its operation", []state.Entry{state.PutCall{Operation: "none"}}, "operation none is not open"},
		"commit of nothing": {"a commit needs its operation", []state.Entry{state.Commit{Operation: "none", Key: state.Key{Addr: "a"}}}, "operation none is not open"},
		"begun twice":       {"ids are unique for ever", []state.Entry{state.Begin{Operation: state.Operation{ID: "op"}}}, "operation op has begun already"},
		"no id":             {"an operation is found by its id", []state.Entry{state.Begin{}}, "without an id"},
		"no address":        {"an object is found by its address", []state.Entry{state.Put{}}, "without an address"},
		"move of nothing":   {"a move needs an object", []state.Entry{state.Move{From: state.Key{Addr: "x"}, To: state.Key{Addr: "y"}}}, "there is no such object"},
		"move onto another": {"a move never overwrites", []state.Entry{
			state.Put{Key: state.Key{Addr: "x"}, Object: whole("x")}, state.Move{From: state.Key{Addr: "x"}, To: state.Key{Addr: "kept"}},
		}, "there is an object kept already"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openState(t, t.TempDir())
			put(t, s, state.Put{Key: state.Key{Addr: "kept"}, Object: whole("kept")}, state.Begin{Operation: state.Operation{ID: "op"}})
			before := snapshot(t, s)
			entries := append([]state.Entry{state.Put{Key: state.Key{Addr: "neighbour"}, Object: whole("neighbour")}}, test.entries...)
			err := s.Append(t.Context(), entries...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Append = %v, want %q: %s", err, test.want, test.reason)
			}
			if diff := cmp.Diff(before, snapshot(t, s)); diff != "" {
				t.Errorf("a refused append left something behind (-before +after):\n%s", diff)
			}
			put(t, s, state.Put{Key: state.Key{Addr: "later"}, Object: whole("later")})
		})
	}
}

func TestConcurrentAppendsAllArrive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openState(t, dir)
	const workers, each = 10, 20
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := range each {
				key := state.Key{Addr: fmt.Sprintf("instance.a[%d]", w*each+i)}
				op := key.Addr + "/op"
				for _, e := range []state.Entry{
					state.Begin{Operation: state.Operation{ID: op, Key: key, Action: "create"}},
					state.PutCall{Operation: op, Call: state.Call{Key: "create", State: state.CallDone, ID: "1"}},
					state.Commit{Operation: op, Key: key, Object: whole(key.Addr)},
				} {
					if err := s.Append(t.Context(), e); err != nil {
						t.Error(err)
						return
					}
				}
				// One in ten is refused, and must not harm those it is grouped with.
				if err := s.Append(t.Context(), state.PutCall{Operation: "none"}); i%10 == 0 && err == nil {
					t.Error("a call of no operation was accepted")
				}
			}
		})
	}
	group.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	snap := snapshot(t, openState(t, dir, readOnly))
	if len(snap.Objects) != workers*each || len(snap.Operations) != 0 || snap.Serial != 1 {
		t.Errorf("%d objects, %d operations, serial %d; want %d, 0, 1", len(snap.Objects), len(snap.Operations), snap.Serial, workers*each)
	}
}

func TestSerialCountsRunsThatChangeSomething(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	output := state.SetOutputs{Outputs: []state.Output{{Name: "p", Value: []byte(`"x"`), Sensitive: true}}}
	bind := state.Bind{Binding: state.Binding{Alias: "default", ZoneID: "z"}}
	key := state.Key{Addr: "network.web"}
	runs := []struct {
		reason  string
		entries []state.Entry
		want    int64
	}{
		{"nothing was done", nil, 0},
		{"an intent alone changes nothing that exists", []state.Entry{state.Begin{Operation: state.Operation{ID: "a", Key: key}}}, 0},
		{"one run, one serial", []state.Entry{state.Commit{Operation: "a", Key: key, Object: whole(key.Addr)}, output, bind}, 1},
		{"equal outputs and bindings change nothing", []state.Entry{output, bind}, 1},
		{"removing what is not there changes nothing", []state.Entry{state.Put{Key: state.Key{Addr: "none"}}}, 1},
		{"a second change", []state.Entry{state.Put{Key: key}}, 2},
		{"a third", []state.Entry{state.Put{Key: key, Object: whole(key.Addr)}}, 3},
	}
	for _, run := range runs {
		s := openState(t, dir, func(o *state.Options) { o.Keep = 2 })
		put(t, s, run.entries...)
		if got := snapshot(t, s).Serial; got != run.want {
			t.Errorf("serial %d, want %d: %s", got, run.want, run.reason)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	history, err := openState(t, dir, readOnly).History(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []state.Serial{
		{Serial: 3, Holder: "apply web", Changed: []state.Key{key}},
		{Serial: 2, Holder: "apply web", Changed: []state.Key{key}},
	}
	if diff := cmp.Diff(want, history, cmpopts.IgnoreFields(state.Serial{}, "At")); diff != "" {
		t.Errorf("history, two serials kept (-want +got):\n%s", diff)
	}
}

func TestNoSecretIsReadableInTheFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openState(t, dir)
	key := state.Key{Addr: "instance.a"}
	begin := state.Begin{Operation: state.Operation{ID: "op", Key: key, Planned: []byte(`"` + secret + `"`), Object: whole(key.Addr)}}
	put(t, s, begin,
		state.PutCall{Operation: "op", Call: whole(key.Addr).Pending[0]},
		state.Commit{Operation: "op", Key: key, Object: whole(key.Addr)},
		state.Move{From: key, To: state.Key{Addr: "instance.b"}},
		state.SetOutputs{Outputs: []state.Output{{Name: "password", Value: []byte(`"` + secret + `"`), Sensitive: true}}})
	put(t, s, state.Begin{Operation: state.Operation{ID: "op2", Planned: []byte(`"` + secret + `"`)}})
	look := func() {
		t.Helper()
		found := 0
		err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
			if err != nil || info.IsDir() {
				return err
			}
			if mode := info.Mode().Perm(); mode != 0o600 {
				t.Errorf("%s has mode %04o", path, mode)
			}
			text, err := os.ReadFile(path)
			if bytes.Contains(text, []byte(secret)) || bytes.Contains(text, []byte("aHVudGVyMi")) {
				t.Errorf("%s holds the secret in the clear", path)
			}
			if bytes.Contains(text, []byte("instance.b")) {
				found++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if found == 0 {
			t.Error("no file names the object: the search looks in the wrong place")
		}
	}
	look() // with the write-ahead log
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	look() // folded into the database
	if info, err := os.Stat(filepath.Dir(statePath(dir))); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v, %v; want mode 0700", info.Mode(), err)
	}
}

func TestASealedTextOpensOnlyWhereItBelongs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openState(t, dir)
	for _, addr := range []string{"instance.a", "instance.b"} {
		put(t, s, state.Put{Key: state.Key{Addr: addr}, Object: whole(addr)})
	}
	err := s.Exec("UPDATE objects SET private = (SELECT private FROM objects WHERE addr = 'instance.a') WHERE addr = 'instance.b'")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Snapshot(t.Context())
	if err == nil || !strings.Contains(err.Error(), "private of instance.b: the encrypted text was changed, or belongs elsewhere") {
		t.Errorf("Snapshot = %v, want a refusal of the swapped text", err)
	}
}

func TestOpeningWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	otherKey := func(t *testing.T, dir string) {
		o := options(dir)
		other := state.KeyFile{Path: filepath.Join(dir, "other.key")}
		if _, err := other.Create(); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(other.Path, o.Keys.(state.KeyFile).Path); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]struct {
		spoil func(t *testing.T, dir string)
		want  string
	}{
		"newer format": {func(t *testing.T, dir string) {
			s := openState(t, dir)
			if err := errors.Join(s.Exec("PRAGMA user_version = 3"), s.Close()); err != nil {
				t.Fatal(err)
			}
		}, "it has format 3 and this moldctl understands formats up to 2"},
		"another program": {func(t *testing.T, dir string) {
			s := openState(t, dir)
			if err := errors.Join(s.Exec("PRAGMA application_id = 1"), s.Close()); err != nil {
				t.Fatal(err)
			}
		}, "database of another program"},
		"no database": {func(t *testing.T, dir string) {
			if err := os.WriteFile(statePath(dir), bytes.Repeat([]byte("text "), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not a moldctl state"},
		"key lost": {func(t *testing.T, dir string) {
			if err := os.Remove(options(dir).Keys.(state.KeyFile).Path); err != nil {
				t.Fatal(err)
			}
		}, "there is no key file"},
		"another key": {otherKey, "holds key"},
		"key readable by others": {func(t *testing.T, dir string) {
			if err := os.Chmod(options(dir).Keys.(state.KeyFile).Path, 0o644); err != nil {
				t.Fatal(err)
			}
		}, "others may read it (mode 0644); run: chmod 600"},
		"key cut off": {func(t *testing.T, dir string) {
			if err := os.WriteFile(options(dir).Keys.(state.KeyFile).Path, []byte("moldctl-key-1 AAAA\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "it is not a moldctl key"},
	}
	for name, test := range tests {
		for _, mode := range []string{"write", "read"} {
			t.Run(name+"/"+mode, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				if err := openState(t, dir).Close(); err != nil {
					t.Fatal(err)
				}
				test.spoil(t, dir)
				s, err := state.OpenSQLite(t.Context(), statePath(dir), options(dir, func(o *state.Options) { o.ReadOnly = mode == "read" }))
				if err == nil {
					t.Fatal(errors.Join(errors.New("opened"), s.Close()))
				}
				if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "state.db") {
					t.Errorf("error %q does not name the file and say %q", err, test.want)
				}
			})
		}
	}
}

func TestReadingWhatIsNotThereMakesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openState(t, dir, readOnly)
	if snap := snapshot(t, s); len(snap.Objects) != 0 || snap.Stack != "web" {
		t.Errorf("snapshot %+v, want an empty one of stack web", snap)
	}
	if err := s.Append(t.Context(), state.Put{Key: state.Key{Addr: "a"}}); !errors.Is(err, state.ErrReadOnly) {
		t.Errorf("Append = %v, want ErrReadOnly", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("reading made %v (%v)", left, err)
	}
}

func TestAFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openState(t, dir)
	if err := s.LimitPages(t.Context(), 20); err != nil {
		t.Fatal(err)
	}
	kept := 0
	var err error
	for ; err == nil && kept < 1000; kept++ {
		addr := fmt.Sprintf("instance.a[%d]", kept)
		err = s.Append(t.Context(), state.Put{Key: state.Key{Addr: addr}, Object: whole(addr)})
	}
	kept--
	if err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Fatalf("Append = %v, want a full disk", err)
	}
	if got := len(snapshot(t, s).Objects); got != kept {
		t.Errorf("%d objects, %d were acknowledged", got, kept)
	}
	if err := s.LimitPages(t.Context(), -1); err != nil {
		t.Fatal(err)
	}
	put(t, s, state.Put{Key: state.Key{Addr: "later"}, Object: whole("later")})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := len(snapshot(t, openState(t, dir)).Objects); got != kept+1 {
		t.Errorf("%d objects after reopening, want %d", got, kept+1)
	}
}

func TestAppendAfterCloseIsRefused(t *testing.T) {
	t.Parallel()
	s := openState(t, t.TempDir())
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if err := s.Append(context.Background(), state.Put{Key: state.Key{Addr: "a"}}); !errors.Is(err, state.ErrClosed) {
		t.Errorf("Append = %v, want ErrClosed", err)
	}
}

func TestTheJournalForgetsEndedOperationsOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openState(t, dir)
	put(t, s, state.Begin{Operation: state.Operation{ID: "long", Key: state.Key{Addr: "image.web"}, Action: "create"}},
		state.PutCall{Operation: "long", Call: state.Call{Key: "deploy", State: state.CallOpen}})
	for i := range 300 { // about 1 MiB of ended operations
		id := fmt.Sprint("op", i)
		put(t, s, state.Begin{Operation: state.Operation{ID: id, Planned: bytes.Repeat([]byte("x"), 3000)}},
			state.Commit{Operation: id, Key: state.Key{Addr: "instance.a"}, Object: whole("instance.a")})
	}
	put(t, s, state.PutCall{Operation: "long", Call: state.Call{Key: "deploy", State: state.CallDone, ID: "1"}})
	want := map[string]*state.Operation{"long": {
		ID: "long", Key: state.Key{Addr: "image.web"}, Action: "create",
		Calls: []state.Call{{Key: "deploy", State: state.CallDone, ID: "1"}},
	}}
	if diff := cmp.Diff(want, snapshot(t, s).Operations); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, snapshot(t, openState(t, dir)).Operations); diff != "" {
		t.Errorf("operations after reopening (-want +got):\n%s", diff)
	}
	if info, err := os.Stat(statePath(dir)); err != nil || info.Size() > 2<<20 {
		t.Errorf("the file has %d bytes (%v)", info.Size(), err)
	}
}

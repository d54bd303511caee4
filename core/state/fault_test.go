package state_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/faultydisk"
)

// soak turns on what takes long.
func soak() bool { return os.Getenv("MOLDCTL_SOAK") != "" }

// pair are two objects that are put together: both are there, or none.
func pair(i int) (a, b state.Key) {
	return state.Key{Addr: fmt.Sprintf("instance.a[%d]", i)}, state.Key{Addr: fmt.Sprintf("instance.b[%d]", i)}
}

const pairs = 6

func newDisk(t *testing.T) *faultydisk.Disk {
	t.Helper()
	d, err := faultydisk.New(false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// useState makes a state and changes it, on a disk that may fail. It returns
// which pairs were acknowledged, and what the failures said.
func useState(t *testing.T, dir string, disk *faultydisk.Disk) (kept map[int]bool, said []string) {
	t.Helper()
	kept = map[int]bool{}
	s, err := state.OpenSQLite(t.Context(), statePath(dir), options(dir, state.OnDisk(disk.Name())))
	if err != nil {
		return kept, append(said, err.Error())
	}
	for i := range pairs {
		a, b := pair(i)
		op := fmt.Sprint("op", i)
		err := s.Append(t.Context(), state.Begin{Operation: state.Operation{ID: op, Key: a}})
		if err == nil {
			err = s.Append(t.Context(), state.Commit{Operation: op, Key: a, Object: whole(a.Addr)}, state.Put{Key: b, Object: whole(b.Addr)})
		}
		if err != nil {
			said = append(said, err.Error())
			continue
		}
		kept[i] = true
	}
	if err := s.Close(); err != nil {
		said = append(said, err.Error())
	}
	return kept, said
}

// TestADiskThatFailsAtEveryWrite lets the disk fail from each write on, in each
// way: what was acknowledged is there afterwards, all or none of the rest is,
// the errors say what is the matter, and the state goes on when there is room.
func TestADiskThatFailsAtEveryWrite(t *testing.T) {
	t.Parallel()
	whole := newDisk(t)
	if kept, said := useState(t, t.TempDir(), whole); len(kept) != pairs || len(said) != 0 {
		t.Fatalf("on a disk that works: %v, %q", kept, said)
	}
	writes := whole.Repair()
	if writes < 40 {
		t.Fatalf("only %d writes were seen", writes)
	}
	step := 7
	if soak() {
		step = 1
	}
	for _, fault := range []faultydisk.Fault{faultydisk.Full, faultydisk.Broken, faultydisk.Short} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			disk := newDisk(t)
			for n := 1; n <= writes; n += step {
				failAt(t, disk, n, fault)
			}
		})
	}
}

func failAt(t *testing.T, disk *faultydisk.Disk, n int, fault faultydisk.Fault) {
	t.Helper()
	dir := t.TempDir()
	disk.Fail(n, fault)
	kept, said := useState(t, dir, disk)
	disk.Repair()
	for _, text := range said {
		if !strings.Contains(text, statePath(dir)) || !strings.Contains(text, "disk") {
			t.Errorf("write %d: the error does not say what is the matter: %s", n, text)
		}
	}
	s, err := state.OpenSQLite(t.Context(), statePath(dir), options(dir))
	if err != nil {
		t.Errorf("write %d: not readable afterwards: %v", n, err)
		return
	}
	snap := snapshot(t, s)
	for i := range pairs {
		a, b := pair(i)
		hasA, hasB := snap.Objects[a] != nil, snap.Objects[b] != nil
		if hasA != hasB {
			t.Errorf("write %d: half of pair %d is there", n, i)
		}
		if kept[i] && !hasA {
			t.Errorf("write %d: pair %d was acknowledged and is lost", n, i)
		}
	}
	put(t, s, state.Put{Key: state.Key{Addr: "later"}, Object: whole("later")})
	if err := s.Close(); err != nil {
		t.Errorf("write %d: %v", n, err)
	}
}

// TestADiskThatIsRepaired goes on in the same session.
func TestADiskThatIsRepaired(t *testing.T) {
	t.Parallel()
	for _, fault := range []faultydisk.Fault{faultydisk.Full, faultydisk.Broken, faultydisk.Short} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			disk := newDisk(t)
			s := openState(t, dir, state.OnDisk(disk.Name()))
			put(t, s, state.Put{Key: state.Key{Addr: "before"}, Object: whole("before")})
			disk.Fail(1, fault)
			if err := s.Append(t.Context(), state.Put{Key: state.Key{Addr: "during"}, Object: whole("during")}); err == nil {
				t.Error("a write that failed was acknowledged")
			}
			disk.Repair()
			put(t, s, state.Put{Key: state.Key{Addr: "after"}, Object: whole("after")})
			snap := snapshot(t, s)
			if len(snap.Objects) != 2 || snap.Objects[state.Key{Addr: "during"}] != nil {
				t.Errorf("%d objects, want before and after", len(snap.Objects))
			}
		})
	}
}

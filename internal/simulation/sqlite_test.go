package simulation

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/moldctl/moldctl/core/state"
)

// files are a state in SQLite beside the one in memory: what is written goes to
// both, and whoever reads finds the same in both, after each crash too.
type files struct {
	world   *world
	crashes int
	open    []*state.Store // of dead processes, too
}

// dir is where the state lies since the last crash.
func (f *files) dir() string { return filepath.Join(f.world.dir, fmt.Sprintf("state-%d", f.crashes)) }

func (f *files) path() string { return filepath.Join(f.dir(), "state.db") }

// take opens the state as a run of the program does.
func (f *files) take() (*state.Store, error) {
	s, err := state.OpenSQLite(context.Background(), f.path(), state.Options{
		Keys: state.KeyFile{Path: filepath.Join(f.world.dir, "key")}, Holder: "apply sim", Stack: "sim",
	})
	if err == nil {
		f.open = append(f.open, s)
	}
	return s, err
}

// crash is the end of the process that has the state: the next one finds the
// files as they are, and of what was about to be written perhaps a part.
func (f *files) crash() error {
	from := f.path()
	f.crashes++
	if err := os.MkdirAll(f.dir(), 0o700); err != nil {
		return err
	}
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(from + suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if suffix != "" {
			for range f.world.random.IntN(600) {
				text = append(text, byte(f.world.random.Uint32()))
			}
		}
		if err := os.WriteFile(f.path()+suffix, text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// close ends the stores of all processes, the dead ones' too.
func (f *files) close() error {
	var errs []error
	for _, s := range f.open {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// compare says how the state in the files differs from the one in memory.
func compare(inMemory, inFiles *state.Snapshot) string {
	return cmp.Diff(inMemory, inFiles, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }),
		cmpopts.IgnoreFields(state.Snapshot{}, "Lineage", "Serial"))
}

// TestSeedsOnSQLite plays lives whose state lies in real files, in the format
// and by the code of the program, with crashes that leave half a write.
func TestSeedsOnSQLite(t *testing.T) {
	defer uuid.SetRand(nil)
	last := uint64(12)
	if soak() {
		last = 400
	}
	for seed := uint64(1); seed <= last; seed++ {
		log, wrong := play(t, seed, func(w *world) {
			w.disk.leased = false
			w.files = &files{world: w}
		})
		if wrong != nil {
			t.Error(report(seed, log, wrong))
			return
		}
	}
}

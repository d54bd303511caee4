package simulation

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// seedVariable names one seed to play instead of all, with its event log, or a
// range of seeds: 4711, or 301-900.
const seedVariable = "MOLDCTL_SEED"

// TestMain lets memory grow: a life is short, and nothing of it is kept.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	os.Exit(m.Run())
}

// soak turns on what takes long.
func soak() bool { return os.Getenv("MOLDCTL_SOAK") != "" }

// play plays one seed and returns its event log and what is wrong.
func play(t *testing.T, seed uint64, plant func(*world)) (log []string, wrong error) {
	t.Helper()
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	uuid.SetRand(&seeded{random: rand.NewChaCha8(key)})
	dir := t.TempDir()
	synctest.Test(t, func(*testing.T) {
		w := newWorld(seed, dir, plant)
		wrong = w.live()
		w.end()
		log = w.schedule.log
	})
	return log, wrong
}

// report shows a seed that went wrong.
func report(seed uint64, log []string, wrong error) string {
	return fmt.Sprintf("seed %d: %v\nplay it again with %s=%d\n%s", seed, wrong, seedVariable, seed, strings.Join(log, "\n"))
}

// TestSeeds plays lives of stacks in which all kinds of things go wrong.
func TestSeeds(t *testing.T) {
	defer uuid.SetRand(nil)
	first, last := uint64(1), uint64(300)
	if soak() {
		last = 10000
	}
	if text := os.Getenv(seedVariable); text != "" {
		first, last = seedRange(t, text)
	}
	failures := 0
	for seed := first; seed <= last && failures < 3; seed++ {
		log, wrong := play(t, seed, nil)
		switch {
		case wrong != nil:
			failures++
			t.Error(report(seed, log, wrong))
		case first == last:
			t.Log(report(seed, log, nil))
		}
	}
}

// TestNamedSeeds plays lives that once went wrong, each longer than usual.
func TestNamedSeeds(t *testing.T) {
	defer uuid.SetRand(nil)
	for name, seed := range map[string]uint64{
		"rules that move to another block":               1419,
		"a listing that shows two things under way":      9435,
		"a rule on its way out that is wanted again":     3624,
		"killed after a failed job that left its object": 1753,
	} {
		t.Run(name, func(t *testing.T) {
			if log, wrong := play(t, seed, func(w *world) { w.rounds = soakRounds }); wrong != nil {
				t.Error(report(seed, log, wrong))
			}
		})
	}
}

func seedRange(t *testing.T, text string) (first, last uint64) {
	t.Helper()
	from, to, several := strings.Cut(text, "-")
	if !several {
		to = from
	}
	first, err := strconv.ParseUint(from, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if last, err = strconv.ParseUint(to, 10, 64); err != nil {
		t.Fatal(err)
	}
	return first, last
}

// TestTheSameSeedIsTheSameLife plays seeds twice and compares what happened.
func TestTheSameSeedIsTheSameLife(t *testing.T) {
	defer uuid.SetRand(nil)
	seeds := uint64(12)
	if soak() {
		seeds = 500
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		first, _ := play(t, seed, nil)
		second, _ := play(t, seed, nil)
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("seed %d happened differently the second time (-first +second):\n%s", seed, diff)
		}
	}
}

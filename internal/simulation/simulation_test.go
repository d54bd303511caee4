package simulation

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/uuid"
)

// SeedVariable names one seed to play instead of all, with its event log.
const seedVariable = "MOLDCTL_SEED"

// play plays one seed and returns its event log and what is wrong.
func play(t *testing.T, seed uint64, b bug) (log []string, wrong error) {
	t.Helper()
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	uuid.SetRand(&seeded{random: rand.NewChaCha8(key)})
	dir := t.TempDir()
	synctest.Test(t, func(*testing.T) {
		w := newWorld(seed, dir, b)
		wrong = w.live()
		w.schedule.clear()
		settleDown()
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
	if text := os.Getenv(seedVariable); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		log, wrong := play(t, seed, bug{})
		t.Log(report(seed, log, wrong))
		if wrong != nil {
			t.Fail()
		}
		return
	}
	seeds := uint64(300)
	if os.Getenv("MOLDCTL_SOAK") != "" {
		seeds = 10000
	}
	failures := 0
	for seed := uint64(1); seed <= seeds && failures < 12; seed++ {
		if log, wrong := play(t, seed, bug{}); wrong != nil {
			failures++
			t.Error(report(seed, log, wrong))
		}
	}
}

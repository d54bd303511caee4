package cloudsim

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestSystemClockScales(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clock := SystemClock(20)
		start := clock.Now()
		if err := sleep(t.Context(), clock, 40*time.Second); err != nil {
			t.Fatal(err)
		}
		if got := clock.Now().Sub(start); got != 40*time.Second {
			t.Errorf("the clock moved %v, want 40s", got)
		}
		ahead := clock.Now().Add(time.Hour)
		later := clock.(systemClock).notBefore(ahead)
		if !later.Now().Equal(ahead) {
			t.Errorf("started again at %v, want %v", later.Now(), ahead)
		}
		if same := clock.(systemClock).notBefore(start); !same.Now().Equal(clock.Now()) {
			t.Error("a past moment changed the clock")
		}
	})
}

func TestManualClock(t *testing.T) {
	t.Parallel()
	clock := NewManualClock(time.Unix(0, 0))
	late, _ := clock.After(2 * time.Second)
	early, _ := clock.After(time.Second)
	gone, stop := clock.After(time.Second)
	stop()
	stop()
	clock.Advance(1500 * time.Millisecond)
	if len(early) != 1 || len(late) != 0 || len(gone) != 0 || clock.Waiting() != 1 {
		t.Errorf("fired: early %d, late %d, stopped %d; waiting %d", len(early), len(late), len(gone), clock.Waiting())
	}
	if now, _ := clock.After(0); len(now) != 1 {
		t.Error("a timer that is due does not fire at once")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sleep(ctx, clock, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled sleep: got %v", err)
	}
}

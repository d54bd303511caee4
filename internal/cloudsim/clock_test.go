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
		clock.(*systemClock).notBefore(ahead)
		if got := clock.Now(); !got.Equal(ahead) {
			t.Errorf("started again at %v, want %v", got, ahead)
		}
		clock.(*systemClock).notBefore(start)
		if got := clock.Now(); !got.Equal(ahead) {
			t.Errorf("a past moment moved the clock to %v", got)
		}
	})
}

// TestSystemClockAdvances moves a running clock: what is due then happens at once, what is not keeps its time.
func TestSystemClockAdvances(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clock := SystemClock(1)
		start := clock.Now()
		soon, _ := clock.After(time.Minute)
		late, _ := clock.After(2 * time.Hour)
		gone, stop := clock.After(time.Minute)
		stop()
		clock.(steerable).Advance(time.Hour)
		synctest.Wait()
		if at := <-soon; at.Sub(start) != time.Hour {
			t.Errorf("it fired at %v, want an hour after %v", at, start)
		}
		if len(late) != 0 || len(gone) != 0 {
			t.Errorf("fired: late %d, stopped %d", len(late), len(gone))
		}
		time.Sleep(time.Hour) // of the bubble
		if at := <-late; at.Sub(start) != 2*time.Hour {
			t.Errorf("it fired at %v, want two hours after %v", at, start)
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

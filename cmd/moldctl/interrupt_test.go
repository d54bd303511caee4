package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestInterrupts sends signals and looks at what has ended after each: the
// dispatching of steps, what runs, the program.
func TestInterrupts(t *testing.T) {
	t.Parallel()
	type ended struct{ stop, cancelled, left bool }
	type moment struct {
		signal os.Signal     // nil: time passes
		wait   time.Duration // afterwards
		want   ended
	}
	tests := map[string]struct {
		applying bool
		moments  []moment
		says     []string
	}{
		"once, twice, thrice": {true, []moment{
			{os.Interrupt, 0, ended{stop: true}},
			{os.Interrupt, 0, ended{stop: true, cancelled: true}},
			{os.Interrupt, 0, ended{true, true, true}},
		}, []string{"nothing new is begun", "cancelling", "leaving"}},
		"an interrupt has no deadline": {true, []moment{
			{os.Interrupt, time.Hour, ended{stop: true}},
		}, []string{"nothing new is begun"}},
		"SIGTERM has one": {true, []moment{
			{syscall.SIGTERM, termGrace - time.Second, ended{stop: true}},
			{nil, 2 * time.Second, ended{stop: true, cancelled: true}},
			{nil, time.Hour, ended{stop: true, cancelled: true}},
		}, []string{"nothing new is begun", "cancelling, 10s after"}},
		"SIGTERM twice": {true, []moment{
			{syscall.SIGTERM, 0, ended{stop: true}},
			{syscall.SIGTERM, 0, ended{stop: true, cancelled: true}},
			{nil, time.Hour, ended{stop: true, cancelled: true}},
		}, []string{"nothing new is begun", "cancelling. Interrupt again"}},
		"SIGTERM after an interrupt cancels": {true, []moment{
			{os.Interrupt, 0, ended{stop: true}},
			{syscall.SIGTERM, 0, ended{stop: true, cancelled: true}},
		}, []string{"nothing new is begun", "cancelling"}},
		"before a plan is carried out": {false, []moment{
			{os.Interrupt, 0, ended{cancelled: true}},
			{os.Interrupt, 0, ended{cancelled: true, left: true}},
		}, []string{"cancelling", "leaving"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				left := false
				in := &interrupts{signals: make(chan os.Signal, 3), out: &out, done: make(chan struct{}), leave: func() { left = true }}
				in.ctx, in.cancel = context.WithCancel(t.Context())
				go in.listen()
				stop := context.Background()
				if tt.applying {
					stop = in.applying()
				}
				for i, m := range tt.moments {
					if m.signal != nil {
						in.signals <- m.signal
					}
					synctest.Wait()
					<-time.After(m.wait)
					synctest.Wait()
					if got := (ended{stop.Err() != nil, in.ctx.Err() != nil, left}); got != m.want {
						t.Errorf("after moment %d: %+v, want %+v", i+1, got, m.want)
					}
				}
				rest := out.String()
				for _, want := range tt.says {
					_, after, found := strings.Cut(rest, want)
					if !found {
						t.Errorf("it does not say %q in order:\n%s", want, out.String())
					}
					rest = after
				}
				close(in.done)
				in.cancel()
				synctest.Wait()
			})
		})
	}
}

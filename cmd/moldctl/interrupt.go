package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// termGrace is how long what runs may go on after SIGTERM before it is
// cancelled: whoever sends it, a service manager or a cluster, kills soon after.
const termGrace = 10 * time.Second

// interrupts turns signals into cancellation, in steps: while a plan is carried
// out the first one stops dispatching, the second cancels what runs, the third
// leaves at once. Before that the first one cancels. SIGTERM is a first one with
// a deadline: nobody may be there to send the second.
type interrupts struct {
	ctx     context.Context
	cancel  context.CancelFunc
	signals chan os.Signal
	out     io.Writer
	done    chan struct{}
	leave   func() // at the third

	mu   sync.Mutex
	stop context.CancelFunc // set while a plan is carried out
}

// catchInterrupts begins to listen; release ends it.
func catchInterrupts(ctx context.Context, out io.Writer) *interrupts {
	in := &interrupts{signals: make(chan os.Signal, 3), out: out, done: make(chan struct{}), leave: func() { os.Exit(exitInterrupted) }}
	in.ctx, in.cancel = context.WithCancel(ctx)
	signal.Notify(in.signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go in.listen()
	return in
}

func (in *interrupts) release() {
	signal.Stop(in.signals)
	close(in.done)
	in.cancel()
}

// applying returns the context whose end stops dispatching.
func (in *interrupts) applying() context.Context {
	ctx, stop := context.WithCancel(in.ctx)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.stop = stop
	return ctx
}

func (in *interrupts) listen() {
	var late <-chan time.Time
	for count := 1; ; count++ {
		select {
		case sent := <-in.signals:
			if sent == syscall.SIGTERM && late == nil {
				late = time.After(termGrace)
			}
		case <-late:
			late = nil
			if in.ctx.Err() != nil {
				continue // cancelled already
			}
			fmt.Fprintf(in.out, "Interrupted: cancelling, %s after it was asked to end.\n", termGrace)
			in.cancel()
			continue
		case <-in.done:
			return
		}
		in.mu.Lock()
		stop := in.stop
		in.mu.Unlock()
		switch {
		case stop != nil && count == 1:
			fmt.Fprintln(in.out, "Interrupted: nothing new is begun, what runs is finished. Interrupt again to cancel it; the next run takes it up.")
			stop()
		case in.ctx.Err() == nil:
			fmt.Fprintln(in.out, "Interrupted: cancelling. Interrupt again to leave at once.")
			in.cancel()
		default:
			fmt.Fprintln(in.out, "Interrupted: leaving. The next run takes up what was under way.")
			in.leave()
			return
		}
	}
}

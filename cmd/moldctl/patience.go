package main

import (
	"context"
	"os"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core"
	"github.com/moldctl/moldctl/core/plan"
)

// patience is how long a cloud may be asked in silence: most answer sooner, and
// a tool that says nothing looks stuck.
const patience = 3 * time.Second

// patiently says what is being done if it is not over after a while, and again
// from time to time. The caller writes nothing until it has called end.
func patiently(say func(since time.Duration)) (end func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	began := time.Now()
	go func() {
		defer close(stopped)
		timer := time.NewTimer(patience)
		defer timer.Stop()
		for {
			select {
			case <-timer.C:
				say(time.Since(began))
				timer.Reset(sayEvery)
			case <-stop:
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}

// large tells whether a stack takes its time to be read: 256 KiB are some
// thousand blocks.
func large(path string) bool {
	var size int64
	files, err := os.ReadDir(path)
	if err != nil { // one file
		info, err := os.Stat(path)
		return err == nil && info.Size() > 256<<10
	}
	for _, f := range files {
		if info, err := f.Info(); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
	}
	return size > 256<<10
}

// Plan plans, and says so when the cloud takes its time.
func (s *session) Plan(ctx context.Context, o core.PlanOptions) (*plan.Plan, hcl.Diagnostics) {
	end := patiently(func(since time.Duration) {
		s.note("Still planning after %s: asking %s what exists. Ctrl-C ends it; nothing was changed.", since.Round(time.Second), s.Cloud(""))
	})
	defer end()
	return s.Engine.Plan(ctx, o)
}

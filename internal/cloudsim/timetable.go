package cloudsim

import (
	"context"
	"sync"
	"time"
)

// timetable does what is due by the cloud's clock: snapshots of policies, and actions of schedules. What was missed while the
// cloud did not run is done once.
type timetable struct {
	cloud   *Cloud
	changed signal
	stop    context.CancelFunc
	wait    sync.WaitGroup
}

// idle is how long the timetable sleeps when nothing is due.
const idle = 24 * time.Hour

// Start implements service.
func (t *timetable) Start(ctx context.Context) error {
	ctx, t.stop = context.WithCancel(ctx)
	t.wait.Go(func() {
		for {
			changed := t.changed.wait()
			timer, stop := t.cloud.clock.After(t.pause())
			select {
			case <-timer:
			case <-changed:
			case <-ctx.Done():
			}
			stop()
			if ctx.Err() != nil {
				return
			}
			t.work(ctx)
		}
	})
	return nil
}

// Stop implements service.
func (t *timetable) Stop() {
	if t.stop == nil {
		return // the cloud did not get so far
	}
	t.stop()
	t.wait.Wait()
}

func (t *timetable) wake() { t.changed.wake() }

// pause is how long nothing is due.
func (t *timetable) pause() time.Duration {
	t.cloud.mu.Lock()
	defer t.cloud.mu.Unlock()
	now := t.cloud.clock.Now()
	least := idle
	for p := range t.cloud.store.SnapshotPolicies.All() {
		least = min(least, p.Next.Sub(now))
	}
	for s := range t.cloud.store.Schedules.All() {
		if s.Enabled && !s.Next.IsZero() {
			least = min(least, s.Next.Sub(now))
		}
	}
	return max(least, time.Millisecond)
}

// work begins all that is due, and carries it out each in its own time.
func (t *timetable) work(ctx context.Context) {
	var jobs []Job
	err := t.cloud.update(ctx, func(c *Call) error {
		jobs = nil
		now := c.Now()
		for p := range c.SnapshotPolicies.All() {
			if p.Next.After(now) {
				continue
			}
			p.Next = p.following(now)
			c.SnapshotPolicies.Put(p)
			if v, ok := c.Volumes.Get(p.VolumeID); !ok {
				c.SnapshotPolicies.Delete(p.ID)
			} else if copyable(v) {
				jobs = t.begin(jobs, p.ID, func() (Job, error) { return c.prepareSnapshot(p) })
			}
		}
		for s := range c.Schedules.All() {
			if !s.Enabled || s.Next.IsZero() || s.Next.After(now) {
				continue
			}
			s.Next = s.following(now)
			c.Schedules.Put(s)
			if vm, ok := c.VMs.Get(s.VMID); ok {
				jobs = t.begin(jobs, s.ID, func() (Job, error) { return c.prepareAction(s, vm) })
			}
		}
		return nil
	})
	if err != nil {
		if ctx.Err() == nil {
			t.cloud.opts.Log("do what is due: %v", err)
		}
		return
	}
	for _, j := range jobs {
		t.wait.Go(func() {
			if err := t.cloud.carryOut(ctx, j); err != nil && ctx.Err() == nil {
				t.cloud.opts.Log("do what is due: %v", err)
			}
		})
	}
}

func (t *timetable) begin(jobs []Job, id string, prepare func() (Job, error)) []Job {
	j, err := prepare()
	if err != nil {
		t.cloud.opts.Log("%s is due: %v", id, err)
		return jobs
	}
	return append(jobs, j)
}

// prepareAction begins what a schedule does with its machine.
func (c *Call) prepareAction(s VMSchedule, vm VM) (Job, error) {
	action := scheduleActions[s.Action]
	params := Params{"id": vm.ID}
	for k, v := range action.params {
		params[k] = v
	}
	return c.prepare(c.ownerOf(vm.Owner), action.command, params)
}

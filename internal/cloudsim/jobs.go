package cloudsim

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
)

// scheduler runs jobs: each in a goroutine of its own, those of one queue in the order of their calls.
type scheduler struct {
	cloud *Cloud
	ctx   context.Context
	stop  context.CancelFunc
	wg    sync.WaitGroup

	mu     sync.Mutex
	queues map[string][]*pendingJob
	parked map[string]chan struct{}
}

type pendingJob struct {
	id    string
	ready chan struct{} // closed when it is the job's turn
}

func newScheduler(ctx context.Context, c *Cloud) *scheduler {
	ctx, stop := context.WithCancel(ctx)
	return &scheduler{cloud: c, ctx: ctx, stop: stop, queues: make(map[string][]*pendingJob), parked: make(map[string]chan struct{})}
}

// resume starts the jobs that were pending when the cloud ended, in their old order.
func (s *scheduler) resume() {
	s.cloud.mu.Lock()
	pending := s.cloud.store.Jobs.Where(func(j Job) bool { return j.Status == JobPending })
	s.cloud.mu.Unlock()
	for _, j := range pending {
		s.submit(j)
	}
}

// submit starts a job whose row is committed. The channel is closed when the job has ended or waits for something; with
// zero latency the call's answer waits for that, so that simple jobs are done before their client asks.
func (s *scheduler) submit(j Job) <-chan struct{} {
	parked := make(chan struct{})
	p := &pendingJob{id: j.ID, ready: make(chan struct{})}
	s.mu.Lock()
	s.parked[j.ID] = parked
	if j.Queue == "" {
		close(p.ready)
	} else {
		s.queues[j.Queue] = append(s.queues[j.Queue], p)
		if len(s.queues[j.Queue]) == 1 {
			close(p.ready)
		}
	}
	s.mu.Unlock()
	s.wg.Go(func() { s.run(j, p) })
	return parked
}

// park lets go whoever waits in submit for this job.
func (s *scheduler) park(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.parked[id]; c != nil {
		close(c)
		delete(s.parked, id)
	}
}

func (s *scheduler) run(j Job, p *pendingJob) {
	defer s.park(j.ID)
	select {
	case <-p.ready:
	default:
		s.park(j.ID)
		select {
		case <-p.ready:
		case <-s.ctx.Done():
			return
		}
	}
	if j.Fault != nil && j.Fault.Hang {
		s.park(j.ID)
		<-s.ctx.Done()
		return
	}
	d, fixed := s.cloud.opts.Latencies[j.Command]
	if !fixed {
		d = s.cloud.opts.Latency.of(j.Command)
	}
	if j.Contended && s.cloud.opts.Latency == LatencyReal {
		d += addressLockWait
	}
	if d > 0 {
		s.park(j.ID)
		if sleep(s.ctx, s.cloud.clock, d) != nil {
			return
		}
	}
	s.cloud.runJob(s.ctx, j)
	s.next(j.Queue)
}

// next gives the queue's turn to the following job.
func (s *scheduler) next(queue string) {
	if queue == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := s.queues[queue][1:]
	if len(waiting) == 0 {
		delete(s.queues, queue)
		return
	}
	s.queues[queue] = waiting
	close(waiting[0].ready)
}

func (s *scheduler) close() {
	s.stop()
	s.wg.Wait()
}

// runJob runs a job's body and records how it ended. If the cloud stops meanwhile the job stays pending.
func (c *Cloud) runJob(ctx context.Context, j Job) {
	c.mu.Lock()
	j, ok := c.store.Jobs.Get(j.ID)
	if !ok { // the cloud was reset
		c.mu.Unlock()
		return
	}
	call := c.callOfJob(ctx, &j)
	result, err := c.jobBody(call)
	if ctx.Err() != nil {
		c.store.rollback()
		c.mu.Unlock()
		return
	}
	if err != nil {
		c.store.rollback()
	}
	if _, ok := c.store.Jobs.Get(j.ID); ok {
		c.finishJob(call, result, err)
	}
	after := call.takeReady(err)
	seq, commitErr := c.store.commit()
	c.mu.Unlock()
	c.settle(seq, commitErr)
	for _, f := range after {
		f()
	}
}

func (c *Cloud) jobBody(call *Call) (result Obj, err error) {
	defer c.rescue(call, &err)
	if f := call.Job.Fault; f != nil && f.Code != 0 {
		return nil, Fail(f.Code, csServer, "%s", f.Text)
	}
	if call.cmd.job == nil {
		return nil, errors.New("this command has no job body")
	}
	return call.cmd.job(call)
}

func (c *Cloud) callOfJob(ctx context.Context, j *Job) *Call {
	call := &Call{Params: j.Params, Tables: &c.store.Tables, Cloud: c, Ctx: ctx, Name: j.Command, EntityID: j.EntityID, Job: j,
		declared: c.table[j.Command], cmd: c.commands[j.Command]}
	call.Caller.User, _ = c.store.Users.Any(j.UserID)
	call.Caller.Account, _ = c.store.Accounts.Any(j.AccountID)
	if u, ok := c.store.Accounts.Any(call.Caller.User.AccountID); ok {
		call.Caller.Account = u
	}
	return call
}

func (c *Cloud) finishJob(call *Call, result Obj, err error) {
	j := *call.Job
	now := call.Now()
	j.Completed, j.Status, j.ResultCode = &now, JobSucceeded, 0
	level := "INFO"
	var body any = result
	if err != nil {
		api := asAPIError(err)
		level = "ERROR"
		j.Status, j.ResultCode = JobFailed, api.HTTP
		body = struct {
			Code int    `json:"errorcode"`
			Text string `json:"errortext,omitempty"`
		}{api.HTTP, api.Text}
	}
	encoded, encErr := encode(body)
	if encErr != nil {
		j.Status, j.ResultCode, encoded = JobFailed, 530, json.RawMessage(`{"errorcode":530,"errortext":"`+"the answer cannot be encoded"+`"}`)
	}
	j.Result = encoded
	c.store.Jobs.Put(j)
	if a, ok := c.store.Audit.Get(j.AuditID); ok {
		a.JobStatus = j.Status
		if err != nil {
			a.JobText = asAPIError(err).Text
		}
		c.store.Audit.Put(a)
	}
	call.event("Completed", level, j.EntityID)
}

package cloudsim

import (
	"context"
	"runtime/debug"
	"strings"
	"time"
)

// dispatch runs one verified call in a transaction and returns what goes into the envelope.
func (c *Cloud) dispatch(call *Call, fault *Fault) (any, error) {
	mutating := isMutating(call.Name)
	if mutating && c.opts.Guard != nil {
		if err := c.opts.Guard(call.Name, call.Params); err != nil {
			return nil, Fail(530, csServer, "%s", err.Error())
		}
	}
	if mutating && c.opts.Before != nil {
		c.opts.Before(call.Name, call.Params)
	}
	c.mu.Lock()
	body, job, err := c.transact(call, fault, mutating)
	var entry AuditEntry
	if err != nil {
		c.store.rollback()
	}
	if mutating {
		entry = c.audit(call, job, err, fault.loses())
	}
	after := call.takeReady(err)
	seq, commitErr := c.store.commit()
	c.mu.Unlock()
	if err := c.settle(seq, commitErr); err != nil {
		return nil, err
	}
	for _, f := range after {
		f()
	}
	if job != nil && err == nil {
		c.startJob(call.Ctx, *job)
	}
	if mutating {
		c.audited(entry)
	}
	return body, err
}

// transact runs the handler; for an asynchronous command it also makes the job. A handler that panics must not leave the lock
// taken: its call fails as one that hit an unexpected exception.
func (c *Cloud) transact(call *Call, fault *Fault, mutating bool) (body any, job *Job, err error) {
	defer c.rescue(call, &err)
	kinds := call.cmd.kinds
	if call.cmd.id != kindAny {
		kinds = map[string]kind{"id": call.cmd.id, "ids": call.cmd.id}
		for k, v := range call.cmd.kinds {
			kinds[k] = v
		}
	}
	if err := checkParams(&c.store.Tables, call.declared, kinds, call.Label(), call.Params); err != nil {
		return nil, nil, err
	}
	if call.cmd.run != nil {
		out, err := call.cmd.run(call)
		if err != nil {
			return nil, nil, err
		}
		if mutating {
			call.event("Completed", "INFO", call.tracked)
		}
		if list, ok := out.(List); ok {
			page, err := list.page(call.Params)
			return page, nil, err
		}
		return out, nil, nil
	}
	id, err := call.cmd.start(call)
	if err != nil {
		return nil, nil, err
	}
	j := c.newJob(call, id, fault)
	started := Obj{"jobid": j.ID}
	if call.cmd.creates {
		started["id"] = id
	}
	return started, &j, nil
}

func (c *Cloud) newJob(call *Call, entityID string, fault *Fault) Job {
	call.EntityID = entityID
	a := call.Caller.Account
	j := Job{Base: c.store.Jobs.NewBase(), Owner: Owner{AccountID: a.ID, DomainID: a.DomainID}, UserID: call.Caller.User.ID,
		Command: call.Name, Params: unsignedParams(call.Params), EntityID: entityID, Instance: call.declared.Instance, Fault: fault.ofJob()}
	if j.EntityID == "" {
		j.EntityID = call.Str("id")
	}
	if call.cmd.queue != nil {
		j.Queue = call.cmd.queue(call)
	}
	if call.cmd.address != nil {
		j.Address = call.cmd.address(call)
		_, j.Contended = c.store.Jobs.Find(func(o Job) bool {
			return o.Status == JobPending && o.Address == j.Address && j.Address != ""
		})
	}
	j.EventID = call.event("Scheduled", "INFO", j.EntityID)
	c.store.Jobs.Put(j)
	return j
}

// startJob hands the job to the scheduler and, with zero latency, waits a moment for it.
func (c *Cloud) startJob(ctx context.Context, j Job) {
	parked := c.jobs.submit(j)
	if c.opts.Latency != LatencyZero {
		return
	}
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-parked:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// rescue turns a panic into a failure of the call.
func (c *Cloud) rescue(call *Call, err *error) {
	if p := recover(); p != nil {
		c.opts.Log("%s panicked: %v\n%s", call.Name, p, debug.Stack())
		*err = Internal("%s failed unexpectedly: %v", call.Name, p)
	}
}

// settle waits until what was committed is on disk.
func (c *Cloud) settle(seq uint64, err error) error {
	if err == nil && c.store.wal != nil {
		err = c.store.wal.sync(seq)
	}
	if err != nil {
		c.opts.Log("the cloud cannot write its data: %v", err)
		return Internal("Unable to persist on DB, due to: %v", err)
	}
	return nil
}

// commit makes what a call has changed so far durable; the lock is held.
func (c *Cloud) commit(call *Call) error {
	seq, err := c.store.commit()
	call.commitAfter()
	return c.settle(seq, err)
}

// unsignedParams are the parameters without what only the front end needs.
func unsignedParams(p Params) Params {
	out := make(Params, len(p))
	for k, v := range p {
		switch k {
		case "apikey", "signature", "signatureversion", "expires", "response", "command", "sessionkey":
		default:
			out[k] = v
		}
	}
	return out
}

// isMutating tells calls that change something from those that only read.
func isMutating(command string) bool {
	for _, prefix := range []string{"list", "get", "query", "find", "login", "logout"} {
		if strings.HasPrefix(command, prefix) {
			return false
		}
	}
	return true
}

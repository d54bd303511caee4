package cloudsim

import (
	"context"
	"strings"
	"time"
)

// secretParams never appear in the audit log.
var secretParams = map[string]bool{
	"password": true, "privatekey": true, "secretkey": true, "usersecretkey": true, "ipsecpsk": true, "certificate": true,
	"userdata": true, "presharedkey": true,
}

const masked = "***"

// maskParams copies parameters without credentials. Names of maps are judged by their last part.
func maskParams(p Params) map[string]string {
	out := make(map[string]string, len(p))
	for k, v := range unsignedParams(p) {
		last := strings.ToLower(k[strings.LastIndexByte(k, '.')+1:])
		if secretParams[last] || strings.Contains(last, "password") || strings.Contains(last, "secret") {
			v = masked
		}
		out[k] = v
	}
	return out
}

// audit records a mutating call in the call's own transaction (or, after a refusal, in a new one).
func (c *Cloud) audit(call *Call, job *Job, err error, lost bool) AuditEntry {
	e := AuditEntry{Base: c.store.Audit.NewBase(), Account: call.Caller.Account.Name, Command: call.Name,
		Params: maskParams(call.Params), Status: 200, EntityID: call.tracked, Lost: lost}
	if err != nil {
		api := asAPIError(err)
		e.Status, e.ErrorText = api.HTTP, api.Text
	} else if job != nil {
		e.JobID, e.EntityID = job.ID, job.EntityID
		job.AuditID = e.ID
		c.store.Jobs.Put(*job)
	}
	c.store.Audit.Put(e)
	return e
}

// audited wakes whoever waits for the log to grow and calls the test hook.
func (c *Cloud) audited(e AuditEntry) {
	c.auditGrew.wake()
	if c.opts.After != nil {
		c.opts.After(e)
	}
}

// Audit returns the mutating calls of the cloud, oldest first.
func (c *Cloud) Audit() []AuditEntry { return c.auditSince(0) }

// auditSince returns the entries with a number greater than n.
func (c *Cloud) auditSince(n int64) []AuditEntry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.store.Audit.Where(func(e AuditEntry) bool { return e.N > n })
}

// waitAudit returns the entries after number n, waiting until there are some or ctx ends.
func (c *Cloud) waitAudit(ctx context.Context, n int64) []AuditEntry {
	for {
		grew := c.auditGrew.wait()
		if entries := c.auditSince(n); len(entries) > 0 {
			return entries
		}
		select {
		case <-grew:
		case <-ctx.Done():
			return nil
		case <-c.ctx.Done():
			return nil
		}
	}
}

// lastMoment is the latest time the logs speak of.
func lastMoment(s *store) time.Time {
	var last time.Time
	later := func(t time.Time) {
		if t.After(last) {
			last = t
		}
	}
	for e := range s.Audit.All() {
		later(e.Created)
	}
	for e := range s.Events.All() {
		later(e.Created)
	}
	for j := range s.Jobs.All() {
		later(j.Created)
		if j.Completed != nil {
			later(*j.Completed)
		}
	}
	return last
}

// trimLogs forgets the oldest audit entries, events and finished jobs beyond a fixed number; done when a cloud starts and now and then while it runs.
func trimLogs(s *store) {
	trim(s.Audit, 20000, func(AuditEntry) bool { return true })
	trim(s.Events, 5000, func(Event) bool { return true })
	trim(s.Jobs, 5000, func(j Job) bool { return j.Status != JobPending })
}

func trim[T row](t *Table[T], keep int, may func(T) bool) {
	old := t.Where(may)
	if len(old) <= keep {
		return
	}
	for _, r := range old[:len(old)-keep] {
		t.Delete(r.base().ID)
	}
}

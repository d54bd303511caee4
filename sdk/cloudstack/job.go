package cloudstack

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Pace of polling: soon at first, then less and less often, so that no job is noticed later than a part of the time it took.
const (
	firstPoll = 30 * time.Millisecond
	soonPoll  = 5 * time.Millisecond
	slowPoll  = 2 * time.Second
	latePart  = 20 // one in this many
)

// pace remembers how long the jobs of each command took, so that a job is not asked about while it cannot be over.
type pace struct {
	mu   sync.Mutex // guards seen
	seen map[string]time.Duration
}

func (p *pace) expect(command string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d, ok := p.seen[command]; ok {
		return min(max(d, soonPoll), 10*slowPoll)
	}
	return firstPoll
}

func (p *pace) learn(command string, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d, ok := p.seen[command]; ok && took > d {
		took = (7*d + took) / 8 // nearer to the quick ones: waiting for the slow ones costs little, being late costs the difference
	}
	p.seen[command] = took
}

// State of an asynchronous job.
type jobState int

const (
	jobPending jobState = iota
	jobDone
	jobFailed
)

// waitJob waits until the job is over and returns its result. When ctx ends it returns at once; the job goes on.
func (c *Client) waitJob(ctx context.Context, command, job string) (Object, error) {
	began := time.Now()
	for pause := c.pace.expect(command); ; pause = min(max(time.Since(began)/latePart, firstPoll), slowPoll) {
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
		state, result, err := c.queryJob(ctx, command, job)
		if err != nil {
			return nil, err
		}
		if state != jobPending {
			c.pace.learn(command, time.Since(began))
		}
		if state == jobDone {
			return result, nil
		}
		if state == jobFailed {
			return nil, result.jobError(c, command, job)
		}
	}
}

// queryJob asks once. The result of a failed job is its error.
func (c *Client) queryJob(ctx context.Context, command, job string) (jobState, Object, error) {
	answer, err := c.Read(ctx, "queryAsyncJobResult", Params{"jobid": job})
	if err != nil {
		return jobPending, nil, fmt.Errorf("wait for %s: %w", command, err)
	}
	result := answer.Map("jobresult")
	switch answer.Int("jobstatus") {
	case 0:
		return jobPending, nil, nil
	case 1:
		if result == nil {
			result = Object{}
		}
		if result.ID() == "" && answer.Str("jobinstanceid") != "" {
			result["jobinstanceid"] = answer.Str("jobinstanceid")
		}
		return jobDone, result, nil
	}
	if result == nil {
		result = Object{"errortext": answer.Str("jobresult")}
	}
	if result.Int("errorcode") == 0 {
		result["errorcode"] = answer.Str("jobresultcode")
	}
	return jobFailed, result, nil
}

func (o Object) jobError(c *Client, command, job string) *Error {
	return &Error{Command: command, HTTP: 200, Code: o.Int("errorcode"), CSCode: o.Int("cserrorcode"), Text: c.scrub(o.Str("errortext")), JobID: job}
}

package cloudstack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	sendAttempts = 6                // of a change that provably was not carried out
	lostAttempts = 3                // of a change whose answer was lost and that recovery found absent
	notYet       = 90 * time.Second // patience with a network whose router is starting
	writeGrace   = 5 * time.Second  // how long an interrupted change may still bring its answer
)

// Mutation is one change of the cloud.
type Mutation struct {
	Key     string // names the call within the operation; the same when the operation is resumed
	Command string
	Params  Params
	// Target is the id of the object that is changed or deleted; empty for a create.
	Target   string
	Identity Identity
	// Apart, of a serial identity, says that no two objects made from its listing at the same time can fit each other's match: only
	// those of an equal match wait for one another then.
	Apart bool
	// Result is the name of the object in the answer (virtualmachine); empty takes the only one.
	Result string
	// Serial holds the ids of what only one change at a time may touch: the public address of a rule. All plugins must name it alike.
	// Contenders inside the server sleep 5 s.
	Serial []string
	// Network, when set, is the network whose router carries the change out: while that starts, the cloud answers 530, and Call tries
	// again when it is up.
	Network string
}

// Call carries out one change and returns the object it made or changed (for a delete, what the cloud answers). The intent is durable
// before anything is sent; the id and the job are durable before the job is waited for.
//
// When ctx ends Call returns without stopping the job, and the next run finds it. When the answer is lost Call looks for the outcome,
// and sends again only what provably did not happen.
func (c *Client) Call(ctx context.Context, m Mutation) (Object, error) {
	if c.journal == nil {
		return nil, fmt.Errorf("%s: no journal to announce it to; this is a bug in moldctl or the plugin", m.Command)
	}
	if m.Key == "" || m.Command == "" || m.Identity.Kind == "" {
		return nil, fmt.Errorf("%s: key, command and identity are all needed; this is a bug in moldctl or the plugin", m.Command)
	}
	keys := slices.Clone(m.Serial)
	if m.Identity.Kind == Serial {
		key := m.Identity.List + " " + m.Identity.Params.String()
		if m.Apart {
			key += " " + Params(m.Identity.Match).String()
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	release, err := c.acquire(ctx, slices.Compact(keys))
	if err != nil {
		return nil, err
	}
	defer release()
	// What may be repeated is: between the two runs anything may have happened to the object.
	if m.Identity.Kind != Repeat {
		if s, ok := c.resumed.take(m.Key); ok {
			return c.finish(ctx, m, s)
		}
	}
	return c.insist(ctx, m)
}

// insist carries a change out, again when recovery shows that nothing was made.
func (c *Client) insist(ctx context.Context, m Mutation) (Object, error) {
	patience := time.Now().Add(notYet)
	for attempt := 0; ; attempt++ {
		out, call, err := c.once(ctx, m)
		if err == nil || ctx.Err() != nil {
			return out, err
		}
		if unanswered(err) {
			s, settleErr := Settle(ctx, c, call)
			switch {
			case settleErr != nil:
				return nil, errors.Join(err, settleErr)
			case s.Status == Adopted:
				return c.finish(ctx, m, s)
			case s.Status == Absent && attempt+1 < lostAttempts:
				continue
			}
			return nil, err
		}
		again, waitErr := c.routerStarting(ctx, m, call, err, attempt, patience)
		if waitErr != nil {
			return nil, errors.Join(err, waitErr)
		}
		if again {
			continue
		}
		if CodeOf(err) != 530 || call.Job != "" || m.Identity.Kind == Repeat {
			return out, err
		}
		s, settleErr := c.afterInternalError(ctx, call, attempt)
		switch {
		case settleErr != nil:
			return nil, errors.Join(err, settleErr)
		case s.Status == Adopted:
			return c.finish(ctx, m, s)
		case s.Status != Absent:
			return out, err
		case attempt+1 >= lostAttempts:
			// Left open it would keep calls of its kind from being sent, and nothing is left to find out.
			return nil, c.close(ctx, m, call, err)
		}
	}
}

// afterInternalError finds out what became of a change that the cloud answered with its own error, which does not tell. It has
// answered, so nothing of the change is still to come.
func (c *Client) afterInternalError(ctx context.Context, call OpenCall, attempt int) (Settled, error) {
	if err := sleep(ctx, backoff(attempt)); err != nil {
		return Settled{}, err
	}
	call.SentAt = time.Time{}
	return Settle(ctx, c, call)
}

// once announces the change, sends it, and waits for its job.
func (c *Client) once(ctx context.Context, m Mutation) (Object, OpenCall, error) {
	call := OpenCall{Key: m.Key, Command: m.Command, Identity: m.Identity}
	call.Identity.Target = m.Target
	if m.Identity.Kind == Serial {
		before, err := c.identified(ctx, Identity{Kind: Natural, List: m.Identity.List, Params: m.Identity.Params, Result: m.Identity.Result, Match: m.Identity.Match, By: m.Identity.By})
		if err != nil {
			return nil, call, fmt.Errorf("list what there is before %s: %w", m.Command, err)
		}
		call.Identity.Before = make([]string, 0, len(before))
		for _, o := range before {
			call.Identity.Before = append(call.Identity.Before, o.Name(m.Identity.By))
		}
	}
	call.SentAt = c.Now()
	intent := Intent{Key: m.Key, Command: m.Command, Identity: call.Identity, At: call.SentAt, Request: c.Request(m.Command, m.Params)}
	if err := c.journal.Intent(ctx, intent); err != nil {
		return nil, call, fmt.Errorf("%s: make the intent durable: %w", m.Command, err)
	}
	answer, err := c.send(ctx, m)
	if err != nil {
		return nil, call, c.refused(ctx, m, call, err)
	}
	call.Job = answer.Str("jobid")
	object := unwrap(answer, m.Result)
	call.ID = object.Name(m.Identity.By)
	if call.Job == "" {
		if err := answerError(m.Command, answer); err != nil {
			return nil, call, err
		}
		if object, err = c.shown(ctx, m, &call, object); err != nil {
			return nil, call, err
		}
		return object, call, c.checkpoint(ctx, Checkpoint{Key: m.Key, ID: call.ID, Done: true}, m)
	}
	if err := c.checkpoint(ctx, Checkpoint{Key: m.Key, ID: call.ID, Job: call.Job}, m); err != nil {
		return nil, call, err
	}
	object, err = c.await(ctx, m, &call)
	return object, call, err
}

// await waits for the job of a call and closes the call in the journal.
func (c *Client) await(ctx context.Context, m Mutation, call *OpenCall) (Object, error) {
	result, err := c.waitJob(ctx, m.Command, call.Job)
	if err == nil {
		err = answerError(m.Command, result)
	}
	var failed *Error
	if errors.As(err, &failed) && failed.JobID != "" {
		failed.ID = call.ID
		if cpErr := c.checkpoint(ctx, Checkpoint{Key: m.Key, ID: call.ID, Job: call.Job, Done: true, Failed: failed.Error()}, m); cpErr != nil {
			return nil, errors.Join(err, cpErr)
		}
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	object := unwrap(result, m.Result)
	if call.ID == "" {
		call.ID = object.Name(m.Identity.By)
	}
	if m.Identity.By == "" && object.ID() == "" && call.ID != "" {
		object["id"] = call.ID
	}
	if object, err = c.shown(ctx, m, call, object); err != nil {
		return nil, err
	}
	return object, c.checkpoint(ctx, Checkpoint{Key: m.Key, ID: call.ID, Job: call.Job, Done: true}, m)
}

// shown is the object that a call made: what the cloud answered, or, when that does not show what the object is known by, the one that
// the identity finds in the listing (a machine is answered for a card that it was given).
func (c *Client) shown(ctx context.Context, m Mutation, call *OpenCall, answered Object) (Object, error) {
	if m.Identity.By == "" || call.ID != "" || m.Identity.List == "" {
		return answered, nil
	}
	found, err := c.identified(ctx, call.Identity)
	if err != nil {
		return nil, fmt.Errorf("look for what %s made: %w", m.Command, err)
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%s succeeded, and %s lists %d objects that may be what it made", m.Command, m.Identity.List, len(found))
	}
	call.ID = found[0].Name(m.Identity.By)
	return found[0], nil
}

// send sends the change, again only while it provably was not carried out: no connection, or refused for load.
func (c *Client) send(ctx context.Context, m Mutation) (Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// An interrupt must not lose the answer to what was sent: the id and the job in it are what the next run needs.
	wctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(writeGrace, cancel)
		context.AfterFunc(wctx, func() { timer.Stop() })
	})
	defer stop()
	patience := time.Now().Add(restPatience)
	for attempt := 0; ; attempt++ {
		answer, err := c.do(wctx, m.Command, m.Params, true)
		if err == nil {
			return answer, nil
		}
		var t *transportError
		unsent := errors.As(err, &t) && !t.sent && readAgain(err)
		if !unsent && !busy(err) || attempt >= sendAttempts-1 || attempt > 0 && !c.answered.Load() {
			return nil, err
		}
		if sleepErr := sleep(ctx, backoff(attempt)); sleepErr != nil {
			return nil, errors.Join(err, sleepErr)
		}
		if told(err) && time.Now().Before(patience) {
			attempt-- // it was told when to come back, and comes back then
		}
	}
}

// refused closes a call the cloud refused outright. An internal error (530) proves nothing, so that call stays open until its outcome
// was looked for.
func (c *Client) refused(ctx context.Context, m Mutation, call OpenCall, err error) error {
	var e *Error
	var t *transportError
	definite := errors.As(err, &e) && e.Code != 530 || errors.As(err, &t) && !t.sent
	if !definite {
		return err
	}
	return c.close(ctx, m, call, err)
}

// close makes durable that nothing came of a call, and returns why.
func (c *Client) close(ctx context.Context, m Mutation, call OpenCall, err error) error {
	if cpErr := c.checkpoint(ctx, Checkpoint{Key: m.Key, ID: call.ID, Done: true, Failed: err.Error()}, m); cpErr != nil {
		return errors.Join(err, cpErr)
	}
	return err
}

func (c *Client) checkpoint(ctx context.Context, cp Checkpoint, m Mutation) error {
	if err := c.journal.Checkpoint(ctx, cp); err != nil {
		return fmt.Errorf("%s: make the checkpoint durable: %w", m.Command, err)
	}
	return nil
}

// finish brings a call that was found to have happened to its end: it waits for its job if that may still run, and reads the object.
func (c *Client) finish(ctx context.Context, m Mutation, s Settled) (Object, error) {
	call := OpenCall{Key: m.Key, Command: m.Command, ID: s.ID, Job: s.Job, Identity: m.Identity}
	if s.Job != "" {
		object, err := c.await(ctx, m, &call)
		if err == nil && object.Name(m.Identity.By) == s.ID && len(object) > 1 {
			return object, nil
		}
		var refused *Error
		if err != nil && (!errors.As(err, &refused) || refused.JobID != "") {
			return nil, err
		}
		// The cloud forgets jobs after a while: the object tells.
	}
	if err := c.checkpoint(ctx, Checkpoint{Key: m.Key, ID: s.ID, Done: true}, m); err != nil {
		return nil, err
	}
	if s.Object != nil && s.Job == "" {
		return s.Object, nil
	}
	if m.Identity.By == "" && Readable(m.Command) && s.ID != "" {
		return c.ReadByID(ctx, m.Command, s.ID)
	}
	return Object{"id": s.ID}, nil
}

// routerStarting says whether err is the cloud's 530 for a network whose router is not up yet, after waiting a little.
func (c *Client) routerStarting(ctx context.Context, m Mutation, call OpenCall, err error, attempt int, patience time.Time) (bool, error) {
	if m.Network == "" || CodeOf(err) != 530 || time.Now().After(patience) {
		return false, nil
	}
	network, readErr := c.ReadByID(ctx, "createNetwork", m.Network)
	if IsGone(readErr) {
		return false, nil
	}
	if readErr != nil {
		return false, readErr
	}
	// It may have come up in the moment between the refusal and this look: that is worth one more try.
	if network.Str("state") != "Implementing" && (attempt > 0 || network.Str("state") != "Implemented") {
		return false, nil
	}
	if call.ID != "" && m.Target == "" {
		if _, readErr = c.ReadByID(ctx, m.Command, call.ID); !IsGone(readErr) {
			return false, readErr
		}
	}
	return true, sleep(ctx, 2*time.Second)
}

// unwrap is the object inside an answer: {"network": {…}} or {"count": 1, "template": [{…}]}, or the answer itself.
func unwrap(answer Object, key string) Object {
	if key != "" {
		if inner := answer.Map(key); inner != nil {
			return inner
		}
		if items := answer.List(key); len(items) > 0 {
			return items[0]
		}
	}
	var only Object
	for k, v := range answer {
		switch v.(type) {
		case map[string]any:
			if only != nil {
				return answer
			}
			only = answer.Map(k)
		case []any:
			if items := answer.List(k); len(items) == 1 && answer["count"] != nil {
				return items[0]
			}
		}
	}
	if only != nil && answer.ID() == "" {
		return only
	}
	return answer
}

// answerError is the failure some commands report inside a good answer.
func answerError(command string, answer Object) error {
	if _, said := answer["success"]; said && !answer.Bool("success") {
		text := answer.Str("displaytext")
		if text == "" {
			text = "the cloud says that it did not succeed, without a reason"
		}
		return &Error{Command: command, HTTP: 200, Code: 530, Text: text}
	}
	return nil
}

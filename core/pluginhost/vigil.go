package pluginhost

import (
	"context"
	"fmt"
	"time"
)

const (
	// answerTime is how long a plugin may take for the next message of an answer
	// that changes nothing. Listings of slow clouds, asked again after refusals,
	// take minutes; what takes longer hangs.
	answerTime = 10 * time.Minute
	// applyTime is how long an operation may pass without a message. Some take
	// hours in the cloud; how long one may take in all is for the stack to say.
	applyTime = 3 * time.Hour
)

// silentError says that a plugin lives and does not answer.
type silentError struct {
	what  string
	limit time.Duration
}

// Error says what was asked and how long it was waited for.
func (e *silentError) Error() string {
	return fmt.Sprintf("it did not answer %s for %s and was ended", e.what, e.limit)
}

// vigil waits for the messages of one call: when none comes for too long the
// call is given up, and with it the process, for nobody knows what it still
// does.
type vigil struct {
	timer  *time.Timer
	limit  time.Duration
	cancel context.CancelCauseFunc
}

// vigil begins one; the call is made with the context it returns.
func (p *process) vigil(ctx context.Context, what string, limit time.Duration) (context.Context, *vigil) {
	if given := p.host.opts.AnswerTime; given > 0 {
		limit = given
	}
	ctx, cancel := context.WithCancelCause(ctx)
	v := &vigil{limit: limit, cancel: cancel}
	v.timer = time.AfterFunc(limit, func() { cancel(&silentError{what, limit}) })
	return ctx, v
}

// heard starts the time anew.
func (v *vigil) heard() { v.timer.Reset(v.limit) }

func (v *vigil) end() {
	v.timer.Stop()
	v.cancel(nil)
}

// inquire makes one call that has one answer.
func inquire[In, Out any](ctx context.Context, p *process, what string, limit time.Duration, in In, call func(context.Context, In) (Out, error)) (Out, error) {
	ctx, v := p.vigil(ctx, what, limit)
	defer v.end()
	out, err := call(ctx, in)
	if err != nil {
		var none Out
		return none, p.broken(ctx, err)
	}
	return out, nil
}

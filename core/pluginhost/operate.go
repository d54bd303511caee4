package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/moldctl/moldctl/sdk/wire"
)

// lastWord is how long the host waits for the stream to end after the result.
const lastWord = 2 * time.Second

// Journal makes what a plugin announces durable before it is acknowledged.
type Journal interface {
	Intent(ctx context.Context, call *wire.Call) error
	Checkpoint(ctx context.Context, call *wire.Call) error
	Progress(text string)
}

// Apply carries out one operation. Every intent and checkpoint goes through
// the journal before the plugin is told to go on; when the journal refuses,
// the plugin is cancelled and makes no further mutating call.
func (h *Host) Apply(ctx context.Context, start *wire.Start, j Journal) (*wire.Result, error) {
	p, err := h.serving(ctx, start.GetType(), start.GetCloud())
	if err != nil {
		return nil, err
	}
	if start, err = encoded(p, start, h.types[start.GetType()].ImpliedType(), startValues); err != nil {
		return nil, err
	}
	ctx, v := p.vigil(ctx, "Apply", applyTime)
	defer v.end()
	stream, err := p.rpc.Apply(ctx)
	if err != nil {
		return nil, p.broken(ctx, err)
	}
	if err := stream.Send(&wire.ApplyUp{Message: &wire.ApplyUp_Start{Start: start}}); err != nil {
		// A stream that broke says why to who receives.
		if _, said := stream.Recv(); said != nil && !errors.Is(said, io.EOF) {
			err = said
		}
		return nil, p.broken(ctx, err)
	}
	c := &conversation{host: h, cloud: start.GetCloud(), stream: stream, held: map[uint64][]string{}, calls: map[string]*wire.Call{}, cancel: v.cancel}
	defer c.end()
	var result *wire.Result
	for {
		msg, err := stream.Recv()
		if errors.Is(err, io.EOF) && result == nil {
			return nil, &BrokenError{Plugin: p.src.Name, Err: errors.New("it ended the operation without a result")}
		}
		var spoilt *SpoiltError
		switch {
		case result != nil && err != nil:
			return result, nil // it had said all
		case errors.As(context.Cause(ctx), &spoilt):
			return nil, spoilt
		case err != nil:
			return nil, p.broken(ctx, err)
		}
		v.heard()
		if result != nil {
			return nil, p.afterResult(ctx, msg, j)
		}
		if result = msg.GetResult(); result != nil {
			// The result is the last message. One that does not end the stream is
			// not waited for.
			v.timer.Reset(lastWord)
			continue
		}
		if c.permits(ctx, msg) {
			continue
		}
		seq, err := record(ctx, msg, j)
		if err != nil {
			return nil, err
		}
		c.note(msg)
		if seq == 0 {
			continue
		}
		if err := c.ack(seq); err != nil {
			return nil, p.broken(ctx, err)
		}
	}
}

// afterResult refuses a result that was not the last word: which of them is
// true is found out by settling. What the cloud has named is kept all the
// same.
func (p *process) afterResult(ctx context.Context, msg *wire.ApplyDown, j Journal) error {
	what := "a message"
	switch {
	case msg.GetResult() != nil:
		what = "another result"
	case msg.GetCheckpoint() != nil:
		what = "a checkpoint of " + msg.GetCheckpoint().GetCall().GetCommand()
	case msg.GetIntent() != nil:
		what = "an intent of " + msg.GetIntent().GetCall().GetCommand()
	}
	err := fmt.Errorf("it sent %s after the result, which must be the last message", what)
	if msg.GetCheckpoint() != nil {
		if _, recorded := record(ctx, msg, j); recorded != nil {
			err = errors.Join(err, recorded)
		}
	}
	return &BrokenError{Plugin: p.src.Name, Err: err}
}

// record journals one message and returns the number to acknowledge; 0 means
// that the message wants no answer.
func record(ctx context.Context, msg *wire.ApplyDown, j Journal) (uint64, error) {
	switch m := msg.GetMessage().(type) {
	case *wire.ApplyDown_Progress:
		j.Progress(m.Progress.GetText())
	case *wire.ApplyDown_Intent:
		if err := j.Intent(ctx, m.Intent.GetCall()); err != nil {
			return 0, fmt.Errorf("record the intent of %s: %w", m.Intent.GetCall().GetCommand(), err)
		}
		return m.Intent.GetSeq(), nil
	case *wire.ApplyDown_Checkpoint:
		if err := j.Checkpoint(ctx, m.Checkpoint.GetCall()); err != nil {
			return 0, fmt.Errorf("record what %s made: %w", m.Checkpoint.GetCall().GetCommand(), err)
		}
		return m.Checkpoint.GetSeq(), nil
	}
	return 0, nil
}

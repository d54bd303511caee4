package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/moldctl/moldctl/sdk/wire"
)

// BrokenError says that the plugin or the connection to it broke: what the
// call did is not known.
type BrokenError struct {
	Plugin string
	Err    error
}

// Error says which plugin broke and how.
func (e *BrokenError) Error() string { return fmt.Sprintf("plugin %s broke: %v", e.Plugin, e.Err) }

// Unwrap returns the cause.
func (e *BrokenError) Unwrap() error { return e.Err }

// broken wraps a gRPC error, unless the caller itself gave up.
func (p *process) broken(ctx context.Context, err error) error {
	if ctx.Err() != nil && status.Code(err) == codes.Canceled {
		return ctx.Err()
	}
	if status.Code(err) == codes.Unavailable {
		p.reap() // the next call starts it anew
		err = p.end(err)
	}
	return &BrokenError{Plugin: p.src.Name, Err: p.explain(err)}
}

// Check asks the plugin to judge a configuration.
func (h *Host) Check(ctx context.Context, in *wire.CheckRequest) (*wire.CheckReply, error) {
	p, err := h.serving(ctx, in.GetType(), in.GetCloud())
	if err != nil {
		return nil, err
	}
	reply, err := p.rpc.Check(ctx, in)
	if err != nil {
		return nil, p.broken(ctx, err)
	}
	return reply, nil
}

// Plan asks the plugin to refine a proposed plan.
func (h *Host) Plan(ctx context.Context, in *wire.PlanRequest) (*wire.PlanReply, error) {
	p, err := h.serving(ctx, in.GetType(), in.GetCloud())
	if err != nil {
		return nil, err
	}
	reply, err := p.rpc.Plan(ctx, in)
	if err != nil {
		return nil, p.broken(ctx, err)
	}
	return reply, nil
}

// Read refreshes objects; the answers come in any order, one per item.
func (h *Host) Read(ctx context.Context, in *wire.ReadRequest) ([]*wire.ReadReply, error) {
	p, err := h.serving(ctx, in.GetType(), in.GetCloud())
	if err != nil {
		return nil, err
	}
	stream, err := p.rpc.Read(ctx, in)
	if err != nil {
		return nil, p.broken(ctx, err)
	}
	return drain(ctx, p, stream.Recv)
}

// Find lists the objects of a type that answer a query.
func (h *Host) Find(ctx context.Context, in *wire.FindRequest) ([]*wire.FindReply_Found, []*wire.Diagnostic, error) {
	p, err := h.serving(ctx, in.GetType(), in.GetCloud())
	if err != nil {
		return nil, nil, err
	}
	stream, err := p.rpc.Find(ctx, in)
	if err != nil {
		return nil, nil, p.broken(ctx, err)
	}
	replies, err := drain(ctx, p, stream.Recv)
	if err != nil {
		return nil, nil, err
	}
	var found []*wire.FindReply_Found
	var diags []*wire.Diagnostic
	for _, r := range replies {
		found = append(found, r.GetFound()...)
		diags = append(diags, r.GetDiagnostics()...)
	}
	return found, diags, nil
}

// Settle asks what became of calls with an unknown outcome.
func (h *Host) Settle(ctx context.Context, in *wire.SettleRequest) (*wire.SettleReply, error) {
	p, err := h.serving(ctx, in.GetType(), in.GetCloud())
	if err != nil {
		return nil, err
	}
	reply, err := p.rpc.Settle(ctx, in)
	if err != nil {
		return nil, p.broken(ctx, err)
	}
	return reply, nil
}

func drain[T any](ctx context.Context, p *process, recv func() (T, error)) ([]T, error) {
	var out []T
	for {
		msg, err := recv()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, p.broken(ctx, err)
		}
		out = append(out, msg)
	}
}

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
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stream, err := p.rpc.Apply(ctx)
	if err != nil {
		return nil, p.broken(ctx, err)
	}
	if err := stream.Send(&wire.ApplyUp{Message: &wire.ApplyUp_Start{Start: start}}); err != nil {
		return nil, p.broken(ctx, err)
	}
	c := &conversation{host: h, cloud: start.GetCloud(), stream: stream, held: map[uint64][]string{}, calls: map[string]*wire.Call{}, cancel: cancel}
	defer c.end()
	for {
		msg, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil, &BrokenError{Plugin: p.src.Name, Err: errors.New("it ended the operation without a result")}
		}
		var spoilt *SpoiltError
		if errors.As(context.Cause(ctx), &spoilt) {
			return nil, spoilt
		}
		if err != nil {
			return nil, p.broken(ctx, err)
		}
		if result := msg.GetResult(); result != nil {
			return result, nil
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

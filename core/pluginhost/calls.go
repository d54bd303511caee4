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
	var silent *silentError
	if errors.As(context.Cause(ctx), &silent) {
		p.mu.Lock()
		p.silent = silent
		p.mu.Unlock()
		p.reap() // what it still does is done before the next call starts it anew
		return &BrokenError{Plugin: p.src.Name, Err: silent}
	}
	if ctx.Err() != nil && status.Code(err) == codes.Canceled {
		return ctx.Err()
	}
	switch status.Code(err) {
	case codes.Unavailable:
		p.reap() // the next call starts it anew
		err = p.end(err)
	case codes.ResourceExhausted:
		err = fmt.Errorf("%w; a message may hold %d MiB: files that large belong where the cloud fetches them from", err, wire.MaxMessage>>20)
	case codes.Unimplemented:
		err = fmt.Errorf("%w; it does not speak the whole of moldctl.plugin.v1", err)
	}
	return &BrokenError{Plugin: p.src.Name, Err: p.explain(err)}
}

// Check asks the plugin to judge a configuration.
func (h *Host) Check(ctx context.Context, in *wire.CheckRequest) (*wire.CheckReply, error) {
	p, err := h.serving(ctx, in.GetType(), in.GetCloud())
	if err != nil {
		return nil, err
	}
	if in, err = encoded(p, in, h.types[in.GetType()].ImpliedType(), checkValues); err != nil {
		return nil, err
	}
	return inquire(ctx, p, "Check", answerTime, in, func(ctx context.Context, in *wire.CheckRequest) (*wire.CheckReply, error) {
		return p.rpc.Check(ctx, in)
	})
}

// Plan asks the plugin to refine a proposed plan.
func (h *Host) Plan(ctx context.Context, in *wire.PlanRequest) (*wire.PlanReply, error) {
	p, err := h.serving(ctx, in.GetType(), in.GetCloud())
	if err != nil {
		return nil, err
	}
	if in, err = encoded(p, in, h.types[in.GetType()].ImpliedType(), planValues); err != nil {
		return nil, err
	}
	return inquire(ctx, p, "Plan", answerTime, in, func(ctx context.Context, in *wire.PlanRequest) (*wire.PlanReply, error) { return p.rpc.Plan(ctx, in) })
}

// Read refreshes objects; the answers come in any order, one per item.
func (h *Host) Read(ctx context.Context, in *wire.ReadRequest) ([]*wire.ReadReply, error) {
	p, err := h.serving(ctx, in.GetType(), in.GetCloud())
	if err != nil {
		return nil, err
	}
	if in, err = encoded(p, in, h.types[in.GetType()].ImpliedType(), readValues); err != nil {
		return nil, err
	}
	ctx, v := p.vigil(ctx, "Read", answerTime)
	defer v.end()
	stream, err := p.rpc.Read(ctx, in)
	if err != nil {
		return nil, p.broken(ctx, err)
	}
	replies, err := drain(ctx, p, v, stream.Recv)
	if err != nil {
		return nil, err
	}
	if err := answeredAll(in, replies); err != nil {
		return nil, &BrokenError{Plugin: p.src.Name, Err: err}
	}
	return replies, nil
}

// Find lists the objects of a type that answer a query.
func (h *Host) Find(ctx context.Context, in *wire.FindRequest) ([]*wire.FindReply_Found, []*wire.Diagnostic, error) {
	p, err := h.serving(ctx, in.GetType(), in.GetCloud())
	if err != nil {
		return nil, nil, err
	}
	ctx, v := p.vigil(ctx, "Find", answerTime)
	defer v.end()
	stream, err := p.rpc.Find(ctx, in)
	if err != nil {
		return nil, nil, p.broken(ctx, err)
	}
	replies, err := drain(ctx, p, v, stream.Recv)
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
	reply, err := inquire(ctx, p, "Settle", answerTime, in, func(ctx context.Context, in *wire.SettleRequest) (*wire.SettleReply, error) {
		return p.rpc.Settle(ctx, in)
	})
	if err != nil {
		return nil, err
	}
	if err := settledAll(in, reply); err != nil {
		return nil, &BrokenError{Plugin: p.src.Name, Err: err}
	}
	return reply, nil
}

func drain[T any](ctx context.Context, p *process, v *vigil, recv func() (T, error)) ([]T, error) {
	var out []T
	for {
		msg, err := recv()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, p.broken(ctx, err)
		}
		v.heard()
		out = append(out, msg)
	}
}

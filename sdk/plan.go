package sdk

import (
	"context"

	"github.com/zclconf/go-cty/cty"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

// Check lets code judge a configuration. A type without such code has nothing
// to add to its schema.
func (s *server) Check(ctx context.Context, in *wire.CheckRequest) (*wire.CheckReply, error) {
	t, err := s.typeOf(in.GetType())
	if err != nil {
		return nil, err
	}
	if !t.Check {
		return &wire.CheckReply{}, nil
	}
	config, r, err := s.planRequest(t, in.GetCloud(), in.GetConfig(), in.GetLookups())
	if err != nil {
		return nil, err
	}
	h := s.handlers[t.Name]
	var list []Problem
	err = s.guard(t.Name+".check", func() error {
		list, err = h.check(ctx, r, h.codec, config)
		return err
	})
	return &wire.CheckReply{Diagnostics: append(problems(list), diagnose("Cannot check "+t.Name, err)...)}, nil
}

// Plan lets code refine what the host proposes.
func (s *server) Plan(ctx context.Context, in *wire.PlanRequest) (*wire.PlanReply, error) {
	t, err := s.typeOf(in.GetType())
	if err != nil {
		return nil, err
	}
	if !t.Plan {
		return &wire.PlanReply{Planned: in.GetProposed()}, nil
	}
	proposed, r, err := s.planRequest(t, in.GetCloud(), in.GetProposed(), in.GetLookups())
	if err != nil {
		return nil, err
	}
	prior, err := wire.UnmarshalValue(in.GetPrior(), t.ImpliedType())
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "prior value of a %s: %v", t.Name, err)
	}
	r.Private = in.GetPrivate()
	h := s.handlers[t.Name]
	var refined Refined
	err = s.guard(t.Name+".plan", func() error {
		if refined, err = h.plan(ctx, r, h.codec, prior, proposed); err != nil {
			return err
		}
		proposed, err = wire.WithUnknown(proposed, refined.Unknown)
		return err
	})
	reply := &wire.PlanReply{Replace: refined.Replace, Diagnostics: append(problems(refined.Problems), diagnose("Cannot plan "+t.Name, err)...)}
	if err != nil {
		return reply, nil
	}
	if reply.Planned, err = wire.MarshalValue(proposed, t.ImpliedType()); err != nil {
		return nil, status.Errorf(codes.Internal, "planned value of a %s: %v", t.Name, err)
	}
	return reply, nil
}

func (s *server) planRequest(t *pluginspec.Type, alias string, value *wire.Value, found map[string][]byte) (cty.Value, *PlanRequest, error) {
	c, err := s.cloudOf(alias)
	if err != nil {
		return cty.NilVal, nil, err
	}
	v, err := wire.UnmarshalValue(value, t.ImpliedType())
	if err != nil {
		return cty.NilVal, nil, status.Errorf(codes.InvalidArgument, "value of a %s: %v", t.Name, err)
	}
	r := &PlanRequest{Type: t.Name, Cloud: c.client, Identity: c.known.Caller, unknown: unknownPaths(v), config: configuration{s.spec, c.config}}
	if r.Lookups, err = lookups(found); err != nil {
		return cty.NilVal, nil, status.Errorf(codes.InvalidArgument, "looked-up object of a %s: %v", t.Name, err)
	}
	return v, r, nil
}

// unknownPaths are the paths of everything that is not known yet, and of what
// holds it.
func unknownPaths(v cty.Value) map[string]bool {
	out := map[string]bool{}
	// The walk itself cannot fail: its callback returns no error.
	_ = cty.Walk(v, func(path cty.Path, inner cty.Value) (bool, error) {
		if !inner.IsWhollyKnown() {
			out[pluginspec.FormatPath(path)] = true
		}
		return true, nil
	})
	return out
}

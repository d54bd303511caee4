package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/zclconf/go-cty/cty"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/declarative"
	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

// readers is how many objects handler code reads at a time; the client bounds
// the requests.
const readers = 8

// pieces is how many found objects one message carries.
const pieces = 200

// Read refreshes objects of one type.
func (s *server) Read(in *wire.ReadRequest, stream wire.Plugin_ReadServer) error {
	t, err := s.typeOf(in.GetType())
	if err != nil {
		return err
	}
	c, err := s.cloudOf(in.GetCloud())
	if err != nil {
		return err
	}
	priors := make([]cty.Value, len(in.GetItems()))
	for i, item := range in.GetItems() {
		if priors[i], err = wire.UnmarshalValue(item.GetPrior(), t.ImpliedType()); err != nil {
			return status.Errorf(codes.InvalidArgument, "prior value of %s: %v", item.GetRef(), err)
		}
	}
	if t.Read != nil && t.Read.Handler {
		return s.readByCode(stream, t, c, in.GetItems(), priors)
	}
	return s.readDeclared(stream, t, c, in.GetItems(), priors)
}

func (s *server) readByCode(stream wire.Plugin_ReadServer, t *pluginspec.Type, c *cloud, items []*wire.ReadItem, priors []cty.Value) error {
	var wg sync.WaitGroup
	var mu sync.Mutex // guards the stream and failure
	var failure error
	room := make(chan struct{}, readers)
	for i, item := range items {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			reply := s.readOne(stream.Context(), t, c, item, priors[i])
			mu.Lock()
			defer mu.Unlock()
			failure = errors.Join(failure, stream.Send(reply))
		})
	}
	wg.Wait()
	return failure
}

func (s *server) readOne(ctx context.Context, t *pluginspec.Type, c *cloud, item *wire.ReadItem, prior cty.Value) *wire.ReadReply {
	h := s.handlers[t.Name]
	r := &Request{
		Type: t.Name, Address: item.GetRef(), Cloud: c.client, Identity: c.known.Caller, Private: item.GetPrivate(),
		Lookups: map[string]cloudstack.Object{}, Resume: map[string]cloudstack.Settled{}, Progress: func(string, ...any) {},
		config: configuration{s.spec, c.config},
	}
	for path, id := range item.GetLookupIds() {
		r.Lookups[path] = cloudstack.Object{"id": id}
	}
	reply := &wire.ReadReply{Ref: item.GetRef()}
	err := s.guard(t.Name+".read", func() error {
		value, err := h.read(ctx, r, h.codec, item.GetId(), prior)
		packed, packErr := wire.MarshalValue(value, t.ImpliedType())
		reply.Value = packed
		return errors.Join(err, packErr)
	})
	var tainted taintedError
	switch {
	case err == nil:
		reply.Private = r.private
	case errors.Is(err, ErrGone):
		reply.State, reply.Value = wire.ReadReply_GONE, nil
	case errors.As(err, &tainted):
		reply.State, reply.Private = wire.ReadReply_TAINTED, r.private
		if reply.Value == nil {
			reply.Value = item.GetPrior()
		}
	default:
		reply.Value, reply.Diagnostics = nil, diagnose("Cannot read "+t.Name, err)
	}
	return reply
}

func (s *server) readDeclared(stream wire.Plugin_ReadServer, t *pluginspec.Type, c *cloud, items []*wire.ReadItem, priors []cty.Value) error {
	req := declarative.ReadRequest{Type: t, Cloud: s.clientOf(c), Identity: c.known.Caller, Config: c.config}
	for i, item := range items {
		req.Items = append(req.Items, declarative.ReadItem{
			Ref: item.GetRef(), ID: item.GetId(), Prior: priors[i], Private: item.GetPrivate(), LookupIDs: item.GetLookupIds(),
		})
	}
	var results []declarative.ReadResult
	err := s.guard(t.Name+".read", func() error {
		if req.Cloud == nil {
			return s.unconfigured()
		}
		var err error
		results, err = s.runtime.Read(stream.Context(), req)
		return err
	})
	if err != nil {
		// What broke the listing broke every object in it.
		for _, item := range items {
			if err := stream.Send(&wire.ReadReply{Ref: item.GetRef(), Diagnostics: diagnose("Cannot read "+t.Name, err)}); err != nil {
				return err
			}
		}
		return nil
	}
	for _, r := range results {
		reply := &wire.ReadReply{Ref: r.Ref, Private: r.Private, Diagnostics: declared(r.Problems), State: map[declarative.ReadState]wire.ReadReply_State{
			declarative.Present: wire.ReadReply_OK, declarative.Absent: wire.ReadReply_GONE,
			declarative.NotVisible: wire.ReadReply_NOT_VISIBLE, declarative.Unusable: wire.ReadReply_TAINTED,
		}[r.State]}
		var err error
		if reply.Value, err = wire.MarshalValue(r.Value, t.ImpliedType()); err != nil {
			reply.Value, reply.Diagnostics = nil, append(reply.Diagnostics, diagnose("Cannot read "+t.Name, err)...)
		}
		if err := stream.Send(reply); err != nil {
			return err
		}
	}
	return nil
}

// Find lists objects of a type.
func (s *server) Find(in *wire.FindRequest, stream wire.Plugin_FindServer) error {
	t, err := s.typeOf(in.GetType())
	if err != nil {
		return err
	}
	c, err := s.cloudOf(in.GetCloud())
	if err != nil {
		return err
	}
	query := map[string]any{}
	if len(in.GetQuery()) > 0 {
		if err := unmarshalExact(in.GetQuery(), &query); err != nil {
			return status.Errorf(codes.InvalidArgument, "query: %v", err)
		}
	}
	var list []found
	err = s.guard(t.Name+".find", func() error {
		list, err = s.find(stream.Context(), t, c, query)
		return err
	})
	if err != nil {
		return stream.Send(&wire.FindReply{Diagnostics: diagnose("Cannot list "+t.Name, err)})
	}
	for len(list) > 0 {
		n := min(len(list), pieces)
		reply := &wire.FindReply{}
		for _, f := range list[:n] {
			w, err := f.wire(t)
			if err != nil {
				reply.Diagnostics = append(reply.Diagnostics, diagnose("Cannot list "+t.Name, err)...)
				continue
			}
			reply.Found = append(reply.Found, w)
		}
		if err := stream.Send(reply); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

func (s *server) find(ctx context.Context, t *pluginspec.Type, c *cloud, query map[string]any) ([]found, error) {
	if t.Find != nil && t.Find.Handler {
		h := s.handlers[t.Name]
		return h.find(ctx, &PlanRequest{Type: t.Name, Cloud: c.client, Identity: c.known.Caller, config: configuration{s.spec, c.config}}, h.codec, query)
	}
	client := s.clientOf(c)
	if client == nil {
		return nil, s.unconfigured()
	}
	list, err := s.runtime.Find(ctx, declarative.FindRequest{Type: t, Cloud: client, Identity: c.known.Caller, Config: c.config, Query: query})
	if err != nil {
		return nil, err
	}
	out := make([]found, 0, len(list))
	for _, f := range list {
		out = append(out, found{f.ID, f.Name, f.Display, f.Value, f.Object})
	}
	return out, nil
}

func (f found) wire(t *pluginspec.Type) (*wire.FindReply_Found, error) {
	out := &wire.FindReply_Found{Id: f.id, Name: f.name, Display: f.display}
	var err error
	if out.Value, err = wire.MarshalValue(f.value, t.ImpliedType()); err != nil {
		return nil, err
	}
	if f.object != nil {
		if out.Object, err = json.Marshal(f.object); err != nil {
			return nil, fmt.Errorf("encode the object %s: %w", f.id, err)
		}
	}
	return out, nil
}

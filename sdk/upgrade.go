package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/zclconf/go-cty/cty"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/moldctl/moldctl/sdk/wire"
)

// Upgrader brings what an earlier schema of a type stored up to date: for
// types whose plugin.yaml says `upgrade: true`. It has no cloud: what it cannot
// tell it leaves out, and the next refresh reads it.
type Upgrader[S any] interface {
	Upgrade(ctx context.Context, r *UpgradeRequest) (S, error)
}

// UpgradeRequest is one object as an earlier schema stored it.
type UpgradeRequest struct {
	Type    string
	Address string
	ID      string
	Schema  int // that stored it
	// Values is a JSON object: attributes and blocks as they were called and
	// typed then. Numbers are written in full.
	Values json.RawMessage
	// Private is what the last operation on the object left with SetPrivate.
	Private []byte

	private []byte
}

// Stored fills a struct or a map with the values, as encoding/json does. Of a
// map the numbers are json.Number.
func (r *UpgradeRequest) Stored(into any) error {
	if err := unmarshalExact(r.Values, into); err != nil {
		return fmt.Errorf("values stored by schema %d of %s: %w", r.Schema, r.Type, err)
	}
	return nil
}

// SetPrivate replaces what is kept beside the object.
func (r *UpgradeRequest) SetPrivate(data []byte) { r.private = data }

// handleUpgrades fills in the verb that changes what is stored.
func handleUpgrades[S any](h *Handler, impl any) {
	v, ok := impl.(Upgrader[S])
	if !ok {
		return
	}
	h.upgrade = func(ctx context.Context, r *UpgradeRequest, c *codec) (cty.Value, error) {
		out, err := v.Upgrade(ctx, r)
		if err != nil {
			return cty.NilVal, err
		}
		value := reflect.ValueOf(&out).Elem()
		if c.idOf(value) == "" {
			c.setID(value, r.ID)
		}
		return c.encode(value, cty.NilVal)
	}
}

// Upgrade brings stored objects up to date by code.
func (s *server) Upgrade(ctx context.Context, in *wire.UpgradeRequest) (*wire.UpgradeReply, error) {
	t, err := s.typeOf(in.GetType())
	if err != nil {
		return nil, err
	}
	h := s.handlers[t.Name]
	if h.upgrade == nil {
		return nil, status.Errorf(codes.InvalidArgument, "plugin %s has no code that upgrades a %s", s.spec.Name, t.Name)
	}
	reply := &wire.UpgradeReply{Objects: make([]*wire.Upgraded, 0, len(in.GetObjects()))}
	for _, stored := range in.GetObjects() {
		r := &UpgradeRequest{
			Type: t.Name, Address: stored.GetAddress(), ID: stored.GetId(), Schema: int(in.GetSchema()),
			Values: stored.GetValues(), Private: stored.GetPrivate(), private: stored.GetPrivate(),
		}
		var value cty.Value
		err := s.guard(t.Name+".upgrade", func() error {
			value, err = h.upgrade(ctx, r, h.codec)
			return err
		})
		one := &wire.Upgraded{Private: r.private, Diagnostics: diagnose("Cannot upgrade "+r.Address, err)}
		if err == nil {
			if one.Value, err = wire.MarshalValue(value, t.ImpliedType()); err != nil {
				return nil, status.Errorf(codes.Internal, "upgraded value of %s: %v", r.Address, err)
			}
		}
		reply.Objects = append(reply.Objects, one)
	}
	return reply, nil
}

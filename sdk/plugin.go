package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// Plugin is what a plugin process serves: its plugin.yaml, and code for the
// verbs that say `handler: true`.
type Plugin struct {
	Spec     []byte
	Handlers Handlers
	// Tree, if there is one, is what pluginspec.EncodeTree made of Spec: the
	// plugin starts faster with it.
	Tree []byte
	// Client, if set, changes how clouds are spoken to: for tests.
	Client func(*cloudstack.Settings)
}

// Handlers are the handlers by type.
type Handlers map[string]Handler

// Finder lists objects for a type whose plugin.yaml says `find: {handler:
// true}`. The query maps attributes to wanted values; empty lists all.
type Finder[S any] interface {
	Find(ctx context.Context, r *PlanRequest, query map[string]any) ([]Found[S], error)
}

// Found is one object that was listed.
type Found[S any] struct {
	ID      string
	Name    string
	Display string
	Value   S
	Object  cloudstack.Object
}

// Handler is code for one type, made by Handle. A nil member means that the
// code has no such verb.
type Handler struct {
	shape reflect.Type // the S of Handle

	create func(ctx context.Context, r *Request, c *codec, planned cty.Value) (cty.Value, error)
	read   func(ctx context.Context, r *Request, c *codec, id string, prior cty.Value) (cty.Value, error)
	update func(ctx context.Context, r *Request, c *codec, prior, planned cty.Value) (cty.Value, error)
	remove func(ctx context.Context, r *Request, c *codec, prior cty.Value) error
	prune  func(ctx context.Context, r *Request, c *codec, state cty.Value) (cty.Value, error)
	plan   func(ctx context.Context, r *PlanRequest, c *codec, prior, proposed cty.Value) (Refined, error)
	check  func(ctx context.Context, r *PlanRequest, c *codec, config cty.Value) ([]Problem, error)
	find   func(ctx context.Context, r *PlanRequest, c *codec, query map[string]any) ([]found, error)

	upgrade func(ctx context.Context, r *UpgradeRequest, c *codec) (cty.Value, error)
}

// found is a Found with its value encoded.
type found struct {
	id, name, display string
	value             cty.Value
	object            cloudstack.Object
}

// Handle makes a Handler of anything that implements Creator[S], Reader[S],
// Updater[S], Deleter[S], Pruner[S], Planner[S], Checker[S], Finder[S] or
// Upgrader[S], for one S: a plain struct whose fields are tagged with the attribute they hold,
// `mold:"name"`. What fits neither its plugin.yaml nor any of these is an
// error when the plugin starts.
func Handle[S any](impl any) Handler {
	h := Handler{shape: reflect.TypeFor[S]()}
	handleChanges[S](&h, impl)
	handleUpgrades[S](&h, impl)
	if v, ok := impl.(Reader[S]); ok {
		h.read = func(ctx context.Context, r *Request, c *codec, id string, prior cty.Value) (cty.Value, error) {
			in, err := decodeAs[S](c, prior)
			if err != nil {
				return cty.NilVal, err
			}
			c.setID(reflect.ValueOf(&in).Elem(), id)
			out, err := v.Read(ctx, r, in)
			return result(c, out, err, prior)
		}
	}
	if v, ok := impl.(Planner[S]); ok {
		h.plan = func(ctx context.Context, r *PlanRequest, c *codec, prior, proposed cty.Value) (Refined, error) {
			want, err := decodeAs[S](c, proposed)
			if err != nil {
				return Refined{}, err
			}
			if prior.IsNull() {
				return v.Plan(ctx, r, nil, want)
			}
			have, err := decodeAs[S](c, prior)
			if err != nil {
				return Refined{}, err
			}
			return v.Plan(ctx, r, &have, want)
		}
	}
	if v, ok := impl.(Checker[S]); ok {
		h.check = func(ctx context.Context, r *PlanRequest, c *codec, config cty.Value) ([]Problem, error) {
			in, err := decodeAs[S](c, config)
			if err != nil {
				return nil, err
			}
			return v.Check(ctx, r, in), nil
		}
	}
	if v, ok := impl.(Finder[S]); ok {
		h.find = func(ctx context.Context, r *PlanRequest, c *codec, query map[string]any) ([]found, error) {
			list, err := v.Find(ctx, r, query)
			if err != nil {
				return nil, err
			}
			return encodeFound(c, list)
		}
	}
	return h
}

// result encodes what a method returned. Beside an error it counts only if it
// names an object.
func result[S any](c *codec, out S, err error, baseline cty.Value) (cty.Value, error) {
	v := reflect.ValueOf(out)
	if err != nil && c.idOf(v) == "" {
		return cty.NilVal, err
	}
	value, encodeErr := c.encode(v, baseline)
	return value, errors.Join(err, encodeErr)
}

// handleChanges fills in the verbs that change the cloud.
func handleChanges[S any](h *Handler, impl any) {
	if v, ok := impl.(Creator[S]); ok {
		h.create = func(ctx context.Context, r *Request, c *codec, planned cty.Value) (cty.Value, error) {
			in, err := decodeAs[S](c, planned)
			if err != nil {
				return cty.NilVal, err
			}
			out, err := v.Create(ctx, r, in)
			return result(c, out, err, planned)
		}
	}
	if v, ok := impl.(Updater[S]); ok {
		h.update = func(ctx context.Context, r *Request, c *codec, prior, planned cty.Value) (cty.Value, error) {
			have, err := decodeAs[S](c, prior)
			if err != nil {
				return cty.NilVal, err
			}
			want, err := decodeAs[S](c, planned)
			if err != nil {
				return cty.NilVal, err
			}
			out, err := v.Update(ctx, r, have, want)
			return result(c, out, err, planned)
		}
	}
	if v, ok := impl.(Deleter[S]); ok {
		h.remove = func(ctx context.Context, r *Request, c *codec, prior cty.Value) error {
			in, err := decodeAs[S](c, prior)
			if err != nil {
				return err
			}
			return v.Delete(ctx, r, in)
		}
	}
	if v, ok := impl.(Pruner[S]); ok {
		h.prune = func(ctx context.Context, r *Request, c *codec, state cty.Value) (cty.Value, error) {
			in, err := decodeAs[S](c, state)
			if err != nil {
				return cty.NilVal, err
			}
			out, err := v.Prune(ctx, r, in)
			return result(c, out, err, state)
		}
	}
}

func decodeAs[S any](c *codec, v cty.Value) (S, error) {
	var out S
	err := c.decode(v, reflect.ValueOf(&out).Elem())
	return out, err
}

func encodeFound[S any](c *codec, list []Found[S]) ([]found, error) {
	out := make([]found, 0, len(list))
	for _, f := range list {
		value, err := c.encode(reflect.ValueOf(f.Value), cty.NilVal)
		if err != nil {
			return nil, err
		}
		out = append(out, found{f.ID, f.Name, f.Display, value, f.Object})
	}
	return out, nil
}

// fit checks a handler against its type: the struct, and the verbs that the
// plugin.yaml leaves to code.
func (h Handler) fit(t *pluginspec.Type) (*codec, error) {
	if h.shape == nil {
		return nil, fmt.Errorf("type %s: its handler is empty; make it with sdk.Handle", t.Name)
	}
	c, err := newCodec(t, h.shape)
	if err != nil {
		return nil, fmt.Errorf("type %s: %w", t.Name, err)
	}
	var errs []error
	for _, v := range h.verbs(t) {
		if v.declared && !v.served {
			errs = append(errs, fmt.Errorf("type %s: plugin.yaml says that code serves %q, but the handler has no method %s", t.Name, v.name, v.method))
		}
	}
	return c, errors.Join(errs...)
}

// verb is one verb of a type: left to code by plugin.yaml, served by code.
type verb struct {
	name, method     string
	declared, served bool
}

func (h Handler) verbs(t *pluginspec.Type) []verb {
	byCode := func(v *pluginspec.Verb) bool { return v != nil && v.Handler }
	return []verb{
		{"create", "Create", byCode(t.Create), h.create != nil},
		{"read", "Read", byCode(t.Read), h.read != nil},
		{"update", "Update", byCode(t.Update), h.update != nil},
		{"delete", "Delete", byCode(t.Delete), h.remove != nil},
		{"prune", "Prune", byCode(t.Prune), h.prune != nil},
		{"plan", "Plan", t.Plan, h.plan != nil},
		{"check", "Check", t.Check, h.check != nil},
		{"find", "Find", t.Find != nil && t.Find.Handler, h.find != nil},
		{"upgrade", "Upgrade", t.Upgrade, h.upgrade != nil},
	}
}

// decodeObject reads a looked-up object with its numbers kept exact.
func decodeObject(data []byte) (cloudstack.Object, error) {
	var o cloudstack.Object
	return o, unmarshalExact(data, &o)
}

func unmarshalExact(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return dec.Decode(into)
}

package declarative

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// joined puts to an object what the further calls of its type's read list for
// it: a list under the field that each names. Where the first is a listing of
// all objects, list may answer from one of all theirs.
func (rt *Runtime) joined(ctx context.Context, cloud *cloudstack.Client, t *pluginspec.Type, r roots, id string, object cloudstack.Object, list func(*pluginspec.Call) ([]cloudstack.Object, bool, error)) (cloudstack.Object, error) {
	calls := t.Joins()
	if len(calls) == 0 {
		return object, nil
	}
	out := maps.Clone(object)
	for _, call := range calls {
		items, all, err := list(call)
		if err == nil && !all {
			items, err = rt.listFor(ctx, cloud, t, call, r, id, out)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", call.Name(), err)
		}
		mine := []any{}
		for _, item := range items {
			if call.Join.Field == "" || item.Path(call.Join.Field) == out.Path(call.Join.Of) {
				mine = append(mine, map[string]any(item))
			}
		}
		out[call.Join.As] = mine
	}
	return out, nil
}

// listFor lists what a further call of a read has of one object.
func (rt *Runtime) listFor(ctx context.Context, cloud *cloudstack.Client, t *pluginspec.Type, call *pluginspec.Call, r roots, id string, object cloudstack.Object) ([]cloudstack.Object, error) {
	self := httpSelf(t, r["self"], id)
	r = r.with("self", self).with("response", objectValue(object))
	wanted, err := rt.templates.truth(call.When, r)
	if err != nil || !wanted {
		return nil, err
	}
	var params cloudstack.Params
	if rt.overHTTP() {
		params, err = rt.httpList(call, r)
	} else {
		params, err = rt.listParams(call, r)
	}
	if err != nil {
		return nil, err
	}
	items, err := cloud.List(ctx, commandOf(call, params), params, listResult(call))
	if isUnknownEntity(err) {
		return nil, nil
	}
	return items, err
}

// alone is a list function for one object by itself.
func alone(*pluginspec.Call) ([]cloudstack.Object, bool, error) { return nil, false, nil }

// joinListings are the objects of further calls, each listed once for all
// objects that are read together.
type joinListings struct {
	mu     sync.Mutex // guards listed
	listed map[*pluginspec.Call]*sharedListing
}

// list answers for all objects at once, where the command does without the
// parameters that name one.
func (r *reading) joinable(ctx context.Context) func(*pluginspec.Call) ([]cloudstack.Object, bool, error) {
	return func(call *pluginspec.Call) ([]cloudstack.Object, bool, error) {
		single := perObject(call)
		command, _ := r.table.Command(call.Command)
		required := func(name string) bool {
			p, _ := command.Param(name)
			return p.Required
		}
		if r.overHTTP() || len(r.Items) < 2 || call.Join.Field == "" || call.When != "" || slices.ContainsFunc(single, required) {
			return nil, false, nil
		}
		r.joins.mu.Lock()
		s := r.joins.listed[call]
		if s == nil {
			s = &sharedListing{}
			r.joins.listed[call] = s
		}
		r.joins.mu.Unlock()
		s.once.Do(func() {
			all := *call
			all.Params = maps.Clone(call.Params)
			for _, name := range single {
				delete(all.Params, name)
			}
			params, err := r.listParams(&all, r.roots)
			if err != nil {
				s.err = err
				return
			}
			s.objects, s.err = r.Cloud.List(ctx, call.Command, params, call.Result)
		})
		return s.objects, true, s.err
	}
}

// perObject are the parameters of a call that name one object.
func perObject(call *pluginspec.Call) []string {
	var out []string
	for name, source := range call.Params {
		if strings.Contains(source, "self.") || strings.Contains(source, "response.") {
			out = append(out, name)
		}
	}
	return out
}

// readWhole reads the operation's object with what is joined to it.
func (o *operation) readWhole(ctx context.Context) (cloudstack.Object, error) {
	object, err := o.readByID(ctx, o.id)
	if err != nil {
		return nil, err
	}
	return o.joined(ctx, o.Cloud, o.typ, o.roots, o.id, object, alone)
}

// joinFound puts to the one object that was found what is joined to it: a data
// source shows it, and a search among many has no use for it.
func (rt *Runtime) joinFound(ctx context.Context, req FindRequest, f Found, r roots) (Found, error) {
	object, err := rt.joined(ctx, req.Cloud, req.Type, r.with("self", cty.NullVal(cty.DynamicPseudoType)), f.ID, f.Object, alone)
	if err != nil {
		return f, err
	}
	name := f.Name
	f, err = rt.found(req, object, r)
	f.Name = name
	return f, err
}

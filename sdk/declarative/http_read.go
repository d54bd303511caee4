package declarative

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// httpOne reads one object: by its id, or out of the listing.
func (rt *Runtime) httpOne(ctx context.Context, cloud *cloudstack.Client, t *pluginspec.Type, r roots, id string) (cloudstack.Object, error) {
	call := t.Read.Calls[0]
	self := httpSelf(t, r["self"], id)
	params, err := rt.httpList(call, r.with("self", self))
	if err == nil {
		params, err = rt.with(params, t, call, self)
	}
	if err != nil {
		return nil, err
	}
	objects, err := cloud.List(ctx, commandOf(call, params), params, listResult(call))
	if err != nil {
		return nil, err
	}
	for _, object := range objects {
		name := nameOf(object, t.IDField())
		if name == "" && byID(call) && len(objects) == 1 {
			// What was asked for by its id need not repeat it.
			object["id"] = id
			return object, nil
		}
		if name == id {
			return object, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", commandOf(call, params), cloudstack.ErrGone)
}

// httpListing is one listing that serves several objects.
type httpListing struct {
	command string
	params  cloudstack.Params
	ids     map[string]bool
}

// httpBatch lists the objects to read, with one listing for each parent. Where
// that takes as many calls as reading them by id, nothing is listed.
func (r *reading) httpBatch(ctx context.Context) (map[string]cloudstack.Object, error) {
	found := map[string]cloudstack.Object{}
	call := r.lister(r.Type)
	single := byID(r.Type.Read.Calls[0])
	if call == nil || single && (!r.Type.Read.Batch || len(r.Items) < 2) {
		return found, nil
	}
	groups := map[string]*httpListing{}
	for _, item := range r.Items {
		self := httpSelf(r.Type, unmarked(item.Prior), item.ID)
		if call != r.Type.Read.Calls[0] {
			// A search lists everything when nothing is searched for, as far as
			// its path allows.
			self = inPath(r.Type, call, self)
		}
		params, err := r.httpList(call, r.roots.with("self", self))
		if err == nil {
			params, err = r.with(params, r.Type, call, self)
		}
		if err != nil {
			continue // by id then, which tells what is wrong
		}
		key := params.String()
		if groups[key] == nil {
			groups[key] = &httpListing{commandOf(call, params), params, map[string]bool{}}
		}
		groups[key].ids[item.ID] = true
	}
	if single && len(groups) >= len(r.Items) {
		return found, nil
	}
	for _, g := range groups {
		objects, err := r.Cloud.List(ctx, g.command, g.params, listResult(call))
		if cloudstack.IsGone(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, object := range objects {
			if id := nameOf(object, r.Type.IDField()); g.ids[id] {
				found[id] = object
			}
		}
	}
	return found, nil
}

// inPath keeps of an object only what the path of a call names.
func inPath(t *pluginspec.Type, call *pluginspec.Call, self cty.Value) cty.Value {
	attrs := map[string]cty.Value{}
	bare := &pluginspec.Call{Path: call.Path}
	for name, v := range self.AsValueMap() {
		if !bare.Mentions(name) {
			v = cty.NullVal(t.ImpliedType().AttributeType(name))
		}
		attrs[name] = v
	}
	return cty.ObjectVal(attrs)
}

// httpFind lists objects for a query. What the query names may stand in the
// call as self.
func (rt *Runtime) httpFind(ctx context.Context, req FindRequest) ([]cloudstack.Object, error) {
	call := req.Type.Find.Call
	attrs := map[string]cty.Value{}
	for name, ty := range req.Type.ImpliedType().AttributeTypes() {
		attrs[name] = cty.NullVal(ty)
	}
	for name, wanted := range req.Query {
		a := req.Type.Attr(name)
		if a == nil || wanted == nil || name == "id" {
			continue
		}
		v, err := fromAPI(wanted, a.Type)
		if err != nil {
			return nil, fmt.Errorf("query %s: %w", name, err)
		}
		attrs[name] = v
	}
	if id := plain(req.Query["id"]); id != "" && req.Type.Read != nil && len(req.Type.Read.Calls) > 0 {
		return rt.httpFindOne(ctx, req, cty.ObjectVal(attrs), id)
	}
	if err := insideOf(req, attrs); err != nil {
		return nil, err
	}
	self := cty.ObjectVal(attrs)
	params, err := rt.httpList(call, rt.ground(req.Identity, req.Config).with("self", self))
	if err == nil {
		params, err = rt.with(params, req.Type, call, self)
	}
	if err != nil {
		return nil, err
	}
	objects, err := req.Cloud.List(ctx, commandOf(call, params), params, listResult(call))
	if cloudstack.IsGone(err) {
		return nil, nil
	}
	return objects, err
}

// httpFindOne finds an object by its id.
func (rt *Runtime) httpFindOne(ctx context.Context, req FindRequest, self cty.Value, id string) ([]cloudstack.Object, error) {
	if of := ownersOf(req.Type, id); len(of) < len(owners(req.Type.IDField())) {
		return nil, nil // no object has such an id
	}
	object, err := rt.httpOne(ctx, req.Cloud, req.Type, rt.ground(req.Identity, req.Config).with("self", self), id)
	if cloudstack.IsGone(err) {
		return nil, nil
	}
	return []cloudstack.Object{object}, err
}

// insideOf fills in what the objects that are searched belong to, from a name
// such as ZONE/NAME.
func insideOf(req FindRequest, attrs map[string]cty.Value) error {
	within := &pluginspec.Call{Path: req.Type.Find.Call.Path}
	var missing []string
	for _, a := range req.Type.Attributes {
		if a.Name != "id" && within.Mentions(a.Name) && !known(attrs[a.Name]) {
			missing = append(missing, a.Name)
		}
	}
	name := plain(req.Query["name"])
	parts := strings.Split(name, "/")
	switch {
	case len(missing) == 0:
		return nil
	case len(parts) != len(missing)+1:
		return fmt.Errorf("a search for %s needs %s: say it, or search for %s/NAME", req.Type.Name, strings.Join(missing, ", "), strings.ToUpper(strings.Join(missing, "/")))
	}
	for i, owner := range missing {
		attrs[owner] = cty.StringVal(parts[i])
	}
	name = parts[len(missing)]
	if _, ok := attrs["name"]; ok {
		attrs["name"] = cty.StringVal(name)
	}
	req.Query["name"] = name
	return nil
}

// fullName is the name by which an object is found alone: with what it belongs
// to, where a search must say that.
func fullName(t *pluginspec.Type, f Found) string {
	of := path.Dir(f.ID)
	if f.Name == "" || t.Find.Call.Path == "" || len(owners(t.IDField())) == 0 || !slices.ContainsFunc(owners(t.IDField()), t.Find.Call.Mentions) {
		return f.Name
	}
	return of + "/" + f.Name
}

// unmarked is a value without marks; an object of nothing is null.
func unmarked(v cty.Value) cty.Value {
	if v == cty.NilVal {
		return cty.NullVal(cty.DynamicPseudoType)
	}
	v, _ = v.UnmarkDeep()
	return v
}

// ground are the names that every template may use.
func (rt *Runtime) ground(id cloudstack.CallerIdentity, config cty.Value) roots {
	return roots{"cloud": cloudValue(id)}.with("config", config)
}

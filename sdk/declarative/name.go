package declarative

import (
	"path"
	"strings"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// nameOf is what an object is known by: its id, or the fields that by joins.
func nameOf(object cloudstack.Object, by string) string { return object.Name(by) }

// named gives objects that are known by other fields those as their id.
func named(objects []cloudstack.Object, by string) []cloudstack.Object {
	if by == "" {
		return objects
	}
	for _, o := range objects {
		o["id"] = nameOf(o, by)
	}
	return objects
}

// idParam is the parameter that takes an object's own id.
func idParam(t *pluginspec.Type) string {
	by := t.IDField()
	if by == "" {
		return "id"
	}
	return path.Base(strings.ReplaceAll(by, ".", "/"))
}

// owners are the parameters that name what an object belongs to:
// virtualmachineid, when it is known by virtualmachineid/id.
func owners(by string) []string {
	parts := strings.Split(by, "/")
	out := parts[:len(parts)-1]
	for i, part := range out {
		out[i] = path.Base(strings.ReplaceAll(part, ".", "/"))
	}
	return out
}

// ownersOf are those parameters with their values, from an object's id.
func ownersOf(t *pluginspec.Type, id string) map[string]string {
	params := map[string]string{}
	values := strings.Split(id, "/")
	for i, name := range owners(t.IDField()) {
		if i < len(values)-1 {
			params[name] = values[i]
		}
	}
	return params
}

// idParams are all parameters that an id gives: the object's own, and those of
// what it belongs to. ok is false for an id of too few parts.
func idParams(t *pluginspec.Type, id string) (params map[string]string, ok bool) {
	params = ownersOf(t, id)
	params[idParam(t)] = id[strings.LastIndexByte(id, '/')+1:]
	return params, len(params) == 1+len(owners(t.IDField()))
}

// sentAs is what the attribute with a parameter is sent as.
func (o *operation) sentAs(param string) string {
	for _, a := range o.typ.Attributes {
		if paramName(a) != param {
			continue
		}
		if object, ok := o.Lookups[a.Name]; ok {
			return object.ID()
		}
		return textOf(valueOf(o.self, a.Name))
	}
	return ""
}

// owned are objects of one owner that are to be read.
type owned struct {
	owners  map[string]string
	missing map[string]bool
}

// byOwner groups the objects to read by what they belong to: each owner takes a
// listing of its own.
func (r *reading) byOwner() map[string]owned {
	groups := map[string]owned{}
	for _, item := range r.Items {
		of := path.Dir(item.ID)
		if _, ok := groups[of]; !ok {
			groups[of] = owned{ownersOf(r.Type, item.ID), map[string]bool{}}
		}
		groups[of].missing[item.ID] = true
	}
	return groups
}

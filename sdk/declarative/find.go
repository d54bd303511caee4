package declarative

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// Find lists the objects that fit a query. Objects are compared here as well,
// since the cloud takes some filters as part of a name and ignores others.
func (rt *Runtime) Find(ctx context.Context, req FindRequest) ([]Found, error) {
	if rt.tableErr != nil {
		return nil, rt.tableErr
	}
	if req.Type.Find == nil || req.Type.Find.Call == nil {
		return nil, fmt.Errorf("type %s cannot be looked up: the plugin declares no find call", req.Type.Name)
	}
	req.Query = maps.Clone(req.Query) // a name may be taken apart
	objects, err := rt.findObjects(ctx, req)
	if err != nil {
		return nil, err
	}
	r := rt.ground(req.Identity, req.Config)
	seen := map[string]bool{}
	var found []Found
	for _, object := range objects {
		id := nameOf(object, req.Type.IDField())
		if seen[id] && id != "" {
			continue // templates are listed once per zone
		}
		seen[id] = true
		gone, err := rt.ended(req.Type, object)
		if err != nil {
			return nil, err
		}
		if gone {
			continue
		}
		f, err := rt.found(req, object, r)
		if err != nil {
			return nil, err
		}
		if fits(req, f) {
			f.Name = fullName(req.Type, f)
			found = append(found, f)
		}
	}
	if len(found) == 1 && len(req.Type.Joins()) > 0 && len(req.Query) > 0 {
		if found[0], err = rt.joinFound(ctx, req, found[0], r); err != nil {
			return nil, fmt.Errorf("%s %s: %w", req.Type.Name, found[0].ID, err)
		}
	}
	return found, nil
}

// findObjects asks the cloud, with the filters it understands.
func (rt *Runtime) findObjects(ctx context.Context, req FindRequest) ([]cloudstack.Object, error) {
	if rt.overHTTP() {
		return rt.httpFind(ctx, req)
	}
	call := req.Type.Find.Call
	params, err := rt.listParams(call, roots{"cloud": cloudValue(req.Identity)})
	if err != nil {
		return nil, err
	}
	command, _ := rt.table.Command(call.Command)
	asked := maps.Clone(params)
	narrowed := false
	for attribute, wanted := range req.Query {
		if attribute == "id" && req.Type.IDField() != "" {
			parts, ok := idParams(req.Type, plain(wanted))
			if !ok {
				return nil, nil // no id of this type is of this form
			}
			for name, text := range parts {
				if _, takes := command.Param(name); takes {
					asked[name] = text
				}
			}
			continue
		}
		name := attribute
		if a := req.Type.Attr(attribute); a != nil {
			name = paramName(a)
		}
		text := plain(wanted)
		if _, ok := command.Param(name); ok && text != "" {
			asked[name] = text
			narrowed = narrowed || attribute == "name"
		}
	}
	objects, err := req.Cloud.List(ctx, call.Command, asked, call.Result)
	if isUnknownEntity(err) {
		return nil, nil
	}
	if err == nil && len(objects) == 0 && narrowed {
		// The name may be the one that is displayed.
		delete(asked, "name")
		objects, err = req.Cloud.List(ctx, call.Command, asked, call.Result)
	}
	return objects, err
}

func (rt *Runtime) found(req FindRequest, object cloudstack.Object, r roots) (Found, error) {
	f := Found{ID: nameOf(object, req.Type.IDField()), Object: object}
	f.Name = object.Path(orDefault(req.Type.Find.NameField, "name"))
	f.Display = object.Path(orDefault(req.Type.Find.DisplayField, "displaytext"))
	d := &decoder{templates: rt.templates, object: object, roots: r}
	attrs, err := d.attributes(req.Type.Attributes, cty.NilVal)
	if err != nil {
		return f, fmt.Errorf("%s %s: %w", req.Type.Name, f.ID, err)
	}
	if req.Type.Tags != "" {
		attrs["tags"] = readTags(object, cty.NilVal)
	}
	attrs["id"] = cty.StringVal(f.ID)
	f.Value = withBlocks(req.Type, attrs, cty.NilVal)
	return f, nil
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// fits compares a found object with the query: a name may be the displayed one,
// a looked-up attribute its id.
func fits(req FindRequest, f Found) bool {
	for attribute, wanted := range req.Query {
		text := plain(wanted)
		switch attribute {
		case "id":
			if f.ID != text {
				return false
			}
			continue
		case "name":
			if !slices.Contains([]string{f.ID, f.Name, f.Display}, text) {
				return false
			}
			continue
		}
		a := req.Type.Attr(attribute)
		if a == nil || wanted == nil {
			continue
		}
		if a.Lookup != "" && !looksUp(f.Object, a, text) {
			return false
		}
		if a.Lookup == "" && !sameAs(f.Value, a, wanted) {
			return false
		}
	}
	return true
}

// looksUp compares a looked-up attribute by id, or by the name that the cloud
// shows beside it (zoneid, zonename).
func looksUp(object cloudstack.Object, a *pluginspec.Attribute, text string) bool {
	field := orDefault(a.Field, paramName(a))
	if object.Str(field) == text {
		return true
	}
	if base, ok := cutID(field); ok {
		return object.Str(base+"name") == text || object.Str(base) == text
	}
	return object.Str(field) == ""
}

func cutID(field string) (string, bool) {
	if len(field) > 2 && field[len(field)-2:] == "id" {
		return field[:len(field)-2], true
	}
	return field, false
}

func sameAs(value cty.Value, a *pluginspec.Attribute, wanted any) bool {
	v := valueOf(value, a.Name)
	if !known(v) {
		return false
	}
	w, err := fromAPI(wanted, a.Type)
	if err != nil {
		return false
	}
	return w.RawEquals(v) || pluginspec.Equal(a, w, v)
}

package declarative

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// pageSize is how many objects one page of a batch read holds.
const pageSize = 500

// readsAtOnce bounds reads by id in flight for one request.
const readsAtOnce = 10

// reading is one ReadRequest under way.
type reading struct {
	*Runtime
	ReadRequest
	call     *pluginspec.Call
	roots    roots
	children *childListings
	joins    joinListings
}

// Read reads objects of one type: by listing pages as long as that is cheaper,
// else by id. An object absent from a listing is asked for by its id before
// anything is said of it.
func (rt *Runtime) Read(ctx context.Context, req ReadRequest) ([]ReadResult, error) {
	if rt.tableErr != nil {
		return nil, rt.tableErr
	}
	if req.Type.Read == nil || len(req.Type.Read.Calls) == 0 {
		return nil, fmt.Errorf("type %s: the plugin declares no read call", req.Type.Name)
	}
	r := &reading{Runtime: rt, ReadRequest: req, call: req.Type.Read.Calls[0], roots: rt.ground(req.Identity, req.Config)}
	r.joins.listed = map[*pluginspec.Call]*sharedListing{}
	list := r.list
	if rt.overHTTP() {
		list = r.httpBatch
	}
	found, err := list(ctx)
	if err != nil {
		return nil, err
	}
	r.children = newChildListings(r, len(req.Items))
	results := make([]ReadResult, len(req.Items))
	slots := make(chan struct{}, readsAtOnce)
	var wg sync.WaitGroup
	for i, item := range req.Items {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			results[i] = r.one(ctx, item, found[item.ID])
			results[i].Ref = item.Ref
		})
	}
	wg.Wait()
	return results, nil
}

// list returns the listed objects by id. It stops paging when what is missing
// takes fewer calls by id than the pages that are left.
func (r *reading) list(ctx context.Context) (map[string]cloudstack.Object, error) {
	found := map[string]cloudstack.Object{}
	if !r.Type.Read.Batch || len(r.Items) < 2 {
		return found, nil
	}
	params, err := r.listParams(withoutParent(r.call), r.roots)
	if err != nil {
		return nil, err
	}
	for _, group := range r.byOwner() {
		asked := maps.Clone(params)
		maps.Copy(asked, group.owners)
		if err := r.pages(ctx, asked, group.missing, found); err != nil && !isUnknownEntity(err) {
			return nil, err
		}
	}
	return found, nil
}

// pages lists until it has found what is missing, or its reading by id is
// cheaper than the pages that are left.
func (r *reading) pages(ctx context.Context, params cloudstack.Params, missing map[string]bool, found map[string]cloudstack.Object) error {
	outer, inner, _ := strings.Cut(r.call.Result, ".")
	by := r.Type.IDField()
	for page := 1; len(missing) > 0; page++ {
		asked := maps.Clone(params)
		asked["page"], asked["pagesize"] = strconv.Itoa(page), strconv.Itoa(pageSize)
		answer, err := r.Cloud.Read(ctx, r.call.Command, asked)
		if err != nil {
			return err
		}
		objects := answer.List(outer)
		for _, object := range cloudstack.Within(objects, inner) {
			if id := nameOf(object, by); missing[id] {
				found[id] = object
				delete(missing, id)
			}
		}
		left := (answer.Int("count")+pageSize-1)/pageSize - page
		if left <= 0 || len(objects) == 0 || len(missing) <= left {
			break
		}
	}
	return nil
}

// one judges one object.
func (r *reading) one(ctx context.Context, item ReadItem, object cloudstack.Object) ReadResult {
	p, err := parsePrivate(item.Private)
	if err != nil {
		return unread(item, err)
	}
	if object == nil {
		object, err = r.byID(ctx, item)
		if isUnknownEntity(err) || cloudstack.IsGone(err) {
			return r.absent(item, p)
		}
		if err != nil {
			return unread(item, err)
		}
	}
	gone, err := r.ended(r.Type, object)
	if err != nil {
		return unread(item, err)
	}
	if gone || p.Lease != "" && object.Str("allocated") != p.Lease {
		return ReadResult{State: Absent}
	}
	if object, err = r.joined(ctx, r.Cloud, r.Type, r.roots.with("self", unmarked(item.Prior)), item.ID, object, r.joinable(ctx)); err != nil {
		return unread(item, err)
	}
	if p.Owner == nil {
		p.Owner = ownerOf(r.Identity)
	}
	if p.Lease == "" && r.Type.Identity != nil && r.Type.Identity.Reserve {
		p.Lease = object.Str("allocated")
	}
	value, err := r.decode(ctx, item, object, &p)
	if err != nil {
		return unread(item, err)
	}
	result := ReadResult{State: Present, Value: value, Private: p.encode()}
	if r.unusable(object) {
		result.State = Unusable
	}
	return result
}

// absent decides what it means that the cloud shows no object of this id: it is
// gone only for the caller who owned it.
func (r *reading) absent(item ReadItem, p private) ReadResult {
	if p.Owner == nil || *p.Owner == *ownerOf(r.Identity) {
		return ReadResult{State: Absent}
	}
	return ReadResult{
		State: NotVisible, Value: item.Prior, Private: item.Private,
		Problems: []Problem{{
			Summary: "Object not visible",
			Detail: fmt.Sprintf("The cloud does not show %s %s to this account, but another account made it, so it may well exist. Use that account's keys, or remove the object from the state.",
				r.Type.Name, item.ID),
		}},
	}
}

func unread(item ReadItem, err error) ReadResult {
	return ReadResult{
		State: NotVisible, Value: item.Prior, Private: item.Private,
		Problems: []Problem{{Summary: "Cannot read the object", Detail: explain(err)}},
	}
}

// byID reads one object, or ErrGone.
func (r *reading) byID(ctx context.Context, item ReadItem) (cloudstack.Object, error) {
	return r.readOne(ctx, r.Cloud, r.Type, r.roots.with("self", unmarked(item.Prior)), item.ID)
}

// readOne asks for one object: by the parameter id, or by those in which the
// read call itself names self.id (listVMSnapshot takes vmsnapshotid).
func (rt *Runtime) readOne(ctx context.Context, cloud *cloudstack.Client, t *pluginspec.Type, r roots, id string) (cloudstack.Object, error) {
	if rt.overHTTP() {
		return rt.httpOne(ctx, cloud, t, r, id)
	}
	call := t.Read.Calls[0]
	params, err := rt.listParams(call, r.with("self", cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal(id)})))
	if err != nil {
		return nil, err
	}
	maps.Copy(params, ownersOf(t, id))
	name := idParam(t)
	if command, known := rt.table.Command(call.Command); len(parentFields(call)) == 0 {
		if _, takes := command.Param(name); takes || !known {
			params[name] = id[strings.LastIndexByte(id, '/')+1:]
		}
	}
	objects, err := cloud.List(ctx, call.Command, params, call.Result)
	if isUnknownEntity(err) {
		return nil, fmt.Errorf("%s %s: %w", call.Command, id, cloudstack.ErrGone)
	}
	if err != nil {
		return nil, err
	}
	for _, object := range objects {
		if nameOf(object, t.IDField()) == id {
			return object, nil
		}
	}
	return nil, fmt.Errorf("%s %s: %w", call.Command, id, cloudstack.ErrGone)
}

// readByID reads the operation's object.
func (o *operation) readByID(ctx context.Context, id string) (cloudstack.Object, error) {
	return o.readOne(ctx, o.Cloud, o.typ, o.roots, id)
}

// isUnknownEntity says that the cloud knows no entity of an id it was given.
// Code 431 alone does not: it also means "in use".
func isUnknownEntity(err error) bool {
	var refused *cloudstack.Error
	return cloudstack.IsGone(err) || errors.As(err, &refused) && refused.Code == 431 && strings.Contains(refused.Text, "entity does not exist")
}

// decode turns an object into a value of the type.
func (r *reading) decode(ctx context.Context, item ReadItem, object cloudstack.Object, p *private) (cty.Value, error) {
	prior := item.Prior
	if known(prior) {
		prior, _ = prior.UnmarkDeep()
	} else {
		prior = cty.NilVal
	}
	roots := r.roots
	if prior != cty.NilVal {
		roots = roots.with("self", prior).with("prior", prior)
	}
	d := &decoder{templates: r.templates, object: object, roots: roots}
	attrs, err := d.attributes(r.Type.Attributes, prior)
	if err != nil {
		return cty.NilVal, fmt.Errorf("%s %s: %w", r.Type.Name, item.ID, err)
	}
	attrs["id"] = cty.StringVal(item.ID)
	if r.Type.Tags != "" {
		attrs["tags"] = readTags(object, prior)
	}
	value, err := r.readAssigned(ctx, withBlocks(r.Type, attrs, prior), prior)
	if err != nil {
		return cty.NilVal, fmt.Errorf("%s %s: %w", r.Type.Name, item.ID, err)
	}
	for _, b := range r.Type.Blocks {
		if b.Child == nil {
			continue
		}
		items, err := r.children.read(ctx, b, value, prior, p)
		if err != nil {
			return cty.NilVal, fmt.Errorf("%s %s: %s: %w", r.Type.Name, item.ID, b.Name, err)
		}
		fields := value.AsValueMap()
		fields[b.Name] = blockValue(b, r.Type.ImpliedType().AttributeType(b.Name), items)
		value = cty.ObjectVal(fields)
	}
	return value, nil
}

// readTags are the object's tags that are ours; all of them on import.
func readTags(object cloudstack.Object, prior cty.Value) cty.Value {
	was := valueOf(prior, "tags")
	if was != cty.NilVal && was.IsNull() {
		return was
	}
	tags := map[string]cty.Value{}
	if was == cty.NilVal {
		for _, tag := range object.List("tags") {
			tags[tag.Str("key")] = cty.StringVal(tag.Str("value"))
		}
	} else {
		for key, v := range ownTags(object, tagsOf(prior)) {
			tags[key] = cty.StringVal(v)
		}
	}
	switch {
	case len(tags) > 0:
		return cty.MapVal(tags)
	case was == cty.NilVal:
		return cty.NullVal(cty.Map(cty.String))
	}
	return cty.MapValEmpty(cty.String)
}

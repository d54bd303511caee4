package declarative

import (
	"context"
	"maps"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// childListings reads the children of many parents. Where the listing shows
// which parent each belongs to, one listing serves all parents.
type childListings struct {
	r       *reading
	parents int
	blocks  map[string]*sharedListing
}

// sharedListing is the children of all parents, listed once.
type sharedListing struct {
	once    sync.Once
	objects []cloudstack.Object
	err     error
}

func newChildListings(r *reading, parents int) *childListings {
	c := &childListings{r: r, parents: parents, blocks: map[string]*sharedListing{}}
	for _, b := range r.Type.Blocks {
		if b.Child != nil {
			c.blocks[b.Name] = &sharedListing{}
		}
	}
	return c
}

// read returns the items of a block that are ours, and brings their keys in p
// in line. On import (no prior) every child is taken as ours.
func (c *childListings) read(ctx context.Context, b *pluginspec.Block, parent, prior cty.Value, p *private) ([]cty.Value, error) {
	ours := p.Children[b.Name]
	if prior != cty.NilVal && len(ours) == 0 {
		return nil, nil
	}
	listed, err := c.list(ctx, b, parent, ours)
	if err != nil {
		return nil, err
	}
	bases := map[string]cty.Value{}
	for _, item := range childItems(b, prior) {
		if id := ours[item.key]; id != "" {
			bases[id] = item.value
		}
	}
	mine := map[string]bool{}
	for _, id := range ours {
		mine[id] = true
	}
	keys := map[string]string{}
	var items []cty.Value
	for _, object := range listed {
		id := object.ID()
		if !mine[id] && prior != cty.NilVal {
			continue
		}
		base, ok := bases[id]
		if !ok {
			base = cty.NilVal
		}
		roots := c.r.roots.with("self", parent).with("parent", parent)
		d := &decoder{templates: c.r.templates, object: object, roots: roots}
		attrs, err := d.attributes(b.Attributes, base)
		if err != nil {
			return nil, err
		}
		item := cty.ObjectVal(attrs)
		keys[itemKey(b, item)] = id
		items = append(items, item)
	}
	if p.Children == nil {
		p.Children = map[string]map[string]string{}
	}
	p.Children[b.Name] = keys
	return items, nil
}

// list lists the children of one parent, from the shared listing if that shows
// all of ours.
func (c *childListings) list(ctx context.Context, b *pluginspec.Block, parent cty.Value, ours map[string]string) ([]cloudstack.Object, error) {
	roots := c.r.roots.with("self", parent).with("parent", parent)
	fields := parentFields(b.Child.List)
	if c.parents < 2 || len(ours) == 0 || !c.r.listsAll(b.Child, fields) {
		return c.r.listOf(ctx, c.r.Cloud, b, roots)
	}
	shared, err := c.shared(ctx, b)
	if err != nil {
		return nil, err
	}
	want := map[string]string{}
	for _, field := range fields {
		if want[field], _, err = c.r.templates.text(b.Child.List.Params[field], roots); err != nil {
			return nil, err
		}
	}
	var mine []cloudstack.Object
	seen := map[string]bool{}
	for _, object := range shared {
		fits := true
		for field, text := range want {
			fits = fits && object.Str(field) == text
		}
		if fits {
			mine = append(mine, object)
			seen[object.ID()] = true
		}
	}
	for _, id := range ours {
		if !seen[id] {
			// Absent from what this account lists by itself: ask the parent.
			return c.r.listOf(ctx, c.r.Cloud, b, roots)
		}
	}
	return mine, nil
}

// listsAll tells whether one listing may serve all parents: they are told apart
// by its fields, the command does without them, and no order is lost.
func (rt *Runtime) listsAll(child *pluginspec.Child, parent []string) bool {
	command, _ := rt.table.Command(child.List.Command)
	for _, field := range parent {
		if p, _ := command.Param(field); p.Required {
			return false
		}
	}
	return len(parent) > 0 && child.Order == nil
}

// parentFields are the parameters of a child listing that name the parent.
func parentFields(call *pluginspec.Call) []string {
	var fields []string
	for name, source := range call.Params {
		if strings.Contains(source, "self.") || strings.Contains(source, "parent.") {
			fields = append(fields, name)
		}
	}
	return fields
}

// withoutParent is a listing of the objects of all parents.
func withoutParent(call *pluginspec.Call) *pluginspec.Call {
	all := *call
	all.Params = maps.Clone(call.Params)
	for _, field := range parentFields(call) {
		delete(all.Params, field)
	}
	return &all
}

// shared lists the children of all parents, once.
func (c *childListings) shared(ctx context.Context, b *pluginspec.Block) ([]cloudstack.Object, error) {
	s := c.blocks[b.Name]
	s.once.Do(func() {
		call := withoutParent(b.Child.List)
		params, err := c.r.listParams(call, c.r.roots)
		if err != nil {
			s.err = err
			return
		}
		s.objects, s.err = c.r.Cloud.List(ctx, call.Command, params, call.Result)
		s.objects = named(s.objects, b.Child.ID)
	})
	return s.objects, s.err
}

package declarative

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/apitable"
	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// atOnce bounds the children of one object that change at the same time. What
// must not run together is kept apart by `serial`.
const atOnce = 8

// childItem is one item of a block whose items are objects of their own.
type childItem struct {
	key   string
	value cty.Value
}

// childItems lists the items of a block by key, which is made of the values of
// its key attributes.
func childItems(b *pluginspec.Block, parent cty.Value) []childItem {
	v := valueOf(parent, b.Name)
	if !known(v) {
		return nil
	}
	v, _ = v.UnmarkDeep()
	if b.Nesting == pluginspec.Single {
		return []childItem{{itemKey(b, v), v}}
	}
	var items []childItem
	for it := v.ElementIterator(); it.Next(); {
		if _, item := it.Element(); known(item) {
			items = append(items, childItem{itemKey(b, item), item})
		}
	}
	return items
}

// itemKey identifies an item among its siblings: tcp/443/10.0.0.0/8.
func itemKey(b *pluginspec.Block, item cty.Value) string {
	var parts []string
	for _, name := range b.Child.Key {
		text := ""
		if v := valueOf(item, name); v != cty.NilVal && v.IsWhollyKnown() {
			if t, given, err := paramText(v); err == nil && given {
				text = t
			}
		}
		parts = append(parts, text)
	}
	return strings.TrimRight(strings.Join(parts, "/"), "/")
}

// syncParts brings what the object is made of in line: associations, then
// children.
func (o *operation) syncParts(ctx context.Context) []Problem {
	problems := o.syncAssigned(ctx)
	if len(problems) > 0 && !known(o.Prior) {
		o.showAssigned(context.WithoutCancel(ctx))
	}
	return append(problems, o.syncAllChildren(ctx)...)
}

// syncAllChildren brings every block of children in line with self.
func (o *operation) syncAllChildren(ctx context.Context) []Problem {
	var problems []Problem
	for _, b := range o.typ.Blocks {
		if b.Child == nil {
			continue
		}
		problems = append(problems, o.syncChildren(ctx, b)...)
	}
	if len(problems) > 0 {
		o.dropChildren()
	}
	return problems
}

// syncChildren removes what is no longer wanted, then makes what is missing.
func (o *operation) syncChildren(ctx context.Context, b *pluginspec.Block) []Problem {
	want := map[string]cty.Value{}
	for _, item := range childItems(b, o.self) {
		if _, twice := want[item.key]; twice {
			return []Problem{{Attribute: b.Name, Summary: "The same " + b.Name + " stands twice", Detail: fmt.Sprintf("Two %s blocks say %s; remove one of them.", b.Name, item.key)}}
		}
		want[item.key] = item.value
	}
	prior := map[string]cty.Value{}
	for _, item := range childItems(b, o.Prior) {
		prior[item.key] = item.value
	}
	failed := o.adoptChildren(b, want)
	edited, err := o.editedChildren(b, want)
	if err != nil {
		return []Problem{o.problem("Cannot take up the "+b.Name+" blocks", b.Name, err)}
	}
	for key := range edited {
		prior[key] = want[key] // it has the same key, which is all that removing it may need
	}
	have := maps.Clone(o.private.Children[b.Name])
	var drop, update, add []string
	for key := range have {
		wanted, ok := want[key]
		was, read := prior[key]
		switch {
		case !ok:
			drop = append(drop, key)
		case edited[key] && updatable(b):
			update = append(update, key)
		case failed[key], edited[key]:
			drop, add = append(drop, key), append(add, key)
		case !read || was.RawEquals(wanted):
		case b.Child.Update != nil && !replaced(b, was, wanted):
			update = append(update, key)
		default:
			drop, add = append(drop, key), append(add, key)
		}
	}
	for key := range want {
		if _, ok := have[key]; !ok {
			add = append(add, key)
		}
	}
	problems := o.together(b, drop, func(key string) error { return o.dropChild(ctx, b, key, have[key], prior[key]) })
	problems = append(problems, o.dropForeign(ctx, b)...)
	problems = append(problems, o.together(b, update, func(key string) error {
		return o.childCall(ctx, b, b.Child.Update, "update", key, have[key], want[key])
	})...)
	problems = append(problems, o.together(b, add, func(key string) error { return o.addChild(ctx, b, key, want[key]) })...)
	if len(problems) > 0 {
		return problems
	}
	if err := o.orderChildren(ctx, b); err != nil {
		return []Problem{o.problem("Cannot bring the "+b.Name+" blocks into their order", b.Name, err)}
	}
	return nil
}

// replaced says whether two values of a child differ in an attribute whose
// change needs a new one.
func replaced(b *pluginspec.Block, was, wanted cty.Value) bool {
	return slices.ContainsFunc(b.Attributes, func(a *pluginspec.Attribute) bool {
		return a.Replace && !pluginspec.Equal(a, valueOf(was, a.Name), valueOf(wanted, a.Name))
	})
}

// adoptChildren takes children that an interrupted run made for ours, unless
// they are still wanted: those are taken up by their create call. Children
// that the cloud failed to finish, and named, are ours too, and of no use: they
// are returned, to be removed and made again.
func (o *operation) adoptChildren(b *pluginspec.Block, want map[string]cty.Value) (failed map[string]bool) {
	failed = map[string]bool{}
	for call, settled := range o.Resume {
		key, ok := strings.CutPrefix(call, b.Name+"[")
		if !ok || settled.ID == "" {
			continue
		}
		key = strings.TrimSuffix(key, "]")
		if settled.Status == cloudstack.Ambiguous && len(settled.Candidates) == 0 {
			o.private.setChild(b.Name, key, settled.ID)
			failed[key] = true
			delete(o.Resume, call)
			continue
		}
		if settled.Status != cloudstack.Adopted {
			continue
		}
		_, wanted := want[key]
		if _, have := o.private.Children[b.Name][key]; !have && !wanted {
			o.private.setChild(b.Name, key, settled.ID)
		}
	}
	return failed
}

// together runs one function per key, several at once, and collects what went
// wrong: one child that fails does not stop the others.
func (o *operation) together(b *pluginspec.Block, keys []string, do func(key string) error) []Problem {
	slices.Sort(keys)
	errs := make([]error, len(keys))
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i, key := range keys {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = do(key)
		})
	}
	wg.Wait()
	var problems []Problem
	for i, err := range errs {
		if err != nil {
			problems = append(problems, o.problem(fmt.Sprintf("Cannot bring %s %s in line", b.Name, keys[i]), b.Name, err))
		}
	}
	return problems
}

func (o *operation) childRoots(item cty.Value) roots {
	r := o.roots.with("parent", o.self)
	if known(item) {
		r = r.with("item", item)
	}
	return r
}

func (o *operation) addChild(ctx context.Context, b *pluginspec.Block, key string, item cty.Value) error {
	s := callSite{call: b.Child.Create, attrs: b.Attributes, value: item, roots: o.childRoots(item)}
	made, err := o.templates.truth(s.call.When, s.roots)
	if err != nil || !made {
		return err
	}
	params, err := o.params(s)
	if err != nil {
		return err
	}
	identity, err := o.childIdentity(b, params, s.roots)
	if err != nil {
		return err
	}
	s.apart = o.overHTTP() && o.toldApart(b)
	o.Progress("adding %s %s", b.Name, key)
	object, _, err := o.send(ctx, s, params, childKey(b, key), "", identity)
	if err != nil {
		return err
	}
	id := orDefault(nameOf(object, b.Child.ID), object.ID())
	if id == "" {
		return fmt.Errorf("%s: the cloud does not say what it made", s.call.Command)
	}
	o.guard.Lock()
	defer o.guard.Unlock()
	o.private.setChild(b.Name, key, id)
	return nil
}

// childKey names a child's create call in the journal.
func childKey(b *pluginspec.Block, key string) string { return b.Name + "[" + key + "]" }

// childIdentity finds a child again by what it was made from: the server
// refuses a second rule of the same kind on the same parent. Where a value
// cannot be compared (several networks may be listed in another order), the
// children listed before and after are compared instead.
func (o *operation) childIdentity(b *pluginspec.Block, params cloudstack.Params, r roots) (cloudstack.Identity, error) {
	list := b.Child.List
	if o.overHTTP() {
		return o.httpChildIdentity(b, r)
	}
	where, err := o.listParams(list, r)
	if err != nil {
		return cloudstack.Identity{}, err
	}
	id := cloudstack.Identity{Kind: cloudstack.Natural, List: list.Command, Params: where, Result: list.Result, Match: map[string]string{}, By: b.Child.ID}
	listed, _ := o.table.Command(list.Command)
	shown := listed.Shown(list.Result)
	fields, telling := keyFields(b)
	for name, text := range params {
		field := orDefault(fields[name], name)
		tells, own := telling[name]
		switch {
		case !own && shownBy(fields, params, name): // the parent's id, where the item's own field is called so
		case own && !tells: // the same item with another value, which the cloud may spell as it likes
		case !slices.ContainsFunc(shown, func(f apitable.Field) bool { return f.Name == field }):
			if tells {
				id.Kind = cloudstack.Serial
			}
		case strings.ContainsAny(text, ", "):
			id.Kind = cloudstack.Serial
		default:
			id.Match[field] = text
		}
	}
	if len(id.Match) == 0 {
		id.Kind = cloudstack.Serial
	}
	return id, nil
}

// shownBy says whether a field shows what was sent as a parameter of another
// name.
func shownBy(fields, params map[string]string, field string) bool {
	for name, shown := range fields {
		if _, sent := params[name]; sent && shown == field && name != field {
			return true
		}
	}
	return false
}

// keyFields says which fields show the parameters of a block's attributes, and
// which of them tell an item from its siblings.
func keyFields(b *pluginspec.Block) (fields map[string]string, telling map[string]bool) {
	fields, telling = map[string]string{}, map[string]bool{}
	for _, a := range b.Attributes {
		for _, name := range paramNames(a) {
			if a.Field != "" && a.Field != notReadable && !strings.Contains(a.Field, "${") {
				fields[name] = a.Field
			}
			telling[name] = slices.Contains(b.Child.Key, a.Name)
		}
	}
	return fields, telling
}

// childCall changes or removes one child.
func (o *operation) childCall(ctx context.Context, b *pluginspec.Block, call *pluginspec.Call, verb, key, id string, item cty.Value) error {
	s := callSite{call: call, attrs: b.Attributes, value: item, roots: o.childRoots(item), id: id, update: true}
	if verb == "delete" {
		s.only = func(string) bool { return false }
	}
	_, _, err := o.mutate(ctx, s, verb+":"+childKey(b, key), id, repeat)
	return err
}

// dropChild removes one child; one that is gone already is no error.
func (o *operation) dropChild(ctx context.Context, b *pluginspec.Block, key, id string, item cty.Value) error {
	o.Progress("removing %s %s", b.Name, key)
	if item == cty.NilVal {
		item = fromKey(b, key)
	}
	err := o.childCall(ctx, b, b.Child.Delete, "delete", key, id, item)
	if err != nil {
		left, listErr := o.listChildren(ctx, b)
		if listErr != nil || slices.ContainsFunc(left, func(c cloudstack.Object) bool { return c.ID() == id }) {
			return err
		}
	}
	o.guard.Lock()
	defer o.guard.Unlock()
	o.private.dropChild(b.Name, key)
	return nil
}

// dropForeign removes children that are not ours, where the type's user asked
// for that.
func (o *operation) dropForeign(ctx context.Context, b *pluginspec.Block) []Problem {
	exclusive := valueOf(o.self, b.Child.Exclusive)
	if b.Child.Exclusive == "" || !known(exclusive) || exclusive.Type() != cty.Bool || exclusive.False() {
		return nil
	}
	all, err := o.listChildren(ctx, b)
	if err != nil {
		return []Problem{o.problem("Cannot list the "+b.Name+" of "+o.typ.Name, b.Name, err)}
	}
	ours := slices.Collect(maps.Values(o.private.Children[b.Name]))
	foreign := map[string]cty.Value{}
	for _, c := range all {
		if slices.Contains(ours, c.ID()) {
			continue
		}
		r := o.childRoots(cty.NilVal)
		attrs, err := (&decoder{templates: o.templates, object: c, roots: r}).attributes(b.Attributes, cty.NilVal)
		if err != nil {
			return []Problem{o.problem("Cannot read the "+b.Name+" of "+o.typ.Name, b.Name, err)}
		}
		foreign[c.ID()] = cty.ObjectVal(attrs)
	}
	return o.together(b, slices.Collect(maps.Keys(foreign)), func(id string) error {
		o.Progress("removing %s %s, which is not in the stack", b.Name, itemKey(b, foreign[id]))
		return o.childCall(ctx, b, b.Child.Delete, "delete", id, id, foreign[id])
	})
}

// listChildren lists all children of the object, ours and others'. A parent
// that is gone has none.
func (o *operation) listChildren(ctx context.Context, b *pluginspec.Block) ([]cloudstack.Object, error) {
	return o.listOf(ctx, o.Cloud, b, o.childRoots(cty.NilVal))
}

func (rt *Runtime) listOf(ctx context.Context, cloud *cloudstack.Client, b *pluginspec.Block, r roots) ([]cloudstack.Object, error) {
	params, err := rt.childParams(b, r)
	if err != nil {
		return nil, err
	}
	items, err := cloud.List(ctx, commandOf(b.Child.List, params), params, listResult(b.Child.List))
	if isUnknownEntity(err) {
		return nil, nil
	}
	return named(items, b.Child.ID), err
}

// removeChildren removes what deleting the object left of its children.
func (o *operation) removeChildren(ctx context.Context) []Problem {
	var problems []Problem
	for _, b := range o.typ.Blocks {
		if b.Child == nil {
			continue
		}
		o.adoptChildren(b, nil)
		ours := maps.Clone(o.private.Children[b.Name])
		if len(ours) == 0 {
			continue
		}
		left, err := o.listChildren(ctx, b)
		if err != nil {
			problems = append(problems, o.problem("Cannot list the "+b.Name+" of "+o.typ.Name, b.Name, err))
			continue
		}
		items := map[string]cty.Value{}
		for _, item := range childItems(b, o.Prior) {
			items[item.key] = item.value
		}
		var keys []string
		for key, id := range ours {
			if slices.ContainsFunc(left, func(c cloudstack.Object) bool { return c.ID() == id }) {
				keys = append(keys, key)
			}
		}
		problems = append(problems, o.together(b, keys, func(key string) error {
			return o.dropChild(ctx, b, key, ours[key], items[key])
		})...)
	}
	return problems
}

// dropChildren takes out of self the items that do not exist, so that the next
// plan shows just those.
func (o *operation) dropChildren() {
	attrs := o.self.AsValueMap()
	for _, b := range o.typ.Blocks {
		if b.Child == nil {
			continue
		}
		var exist []cty.Value
		for _, source := range []cty.Value{o.self, o.Prior} {
			for _, item := range childItems(b, source) {
				_, ours := o.private.Children[b.Name][item.key]
				if ours && !slices.ContainsFunc(exist, func(v cty.Value) bool { return itemKey(b, v) == itemKey(b, item.value) }) {
					exist = append(exist, item.value)
				}
			}
		}
		attrs[b.Name] = blockValue(b, o.typ.ImpliedType().AttributeType(b.Name), exist)
	}
	o.self = cty.ObjectVal(attrs)
}

// blockValue assembles a block's items to the block's type.
func blockValue(b *pluginspec.Block, ty cty.Type, items []cty.Value) cty.Value {
	switch {
	case len(items) == 0:
		return emptyBlocks(ty)
	case b.Nesting == pluginspec.Single:
		return items[0]
	case ty.IsSetType():
		return cty.SetVal(items)
	case ty.IsTupleType():
		return cty.TupleVal(items)
	}
	return cty.ListVal(items)
}

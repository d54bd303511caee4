package declarative

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/apitable"
	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/httpapi"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// syncAssigned brings every attribute whose elements are associations in line
// with self. Only elements that the stack names, or named before, are touched,
// unless it says that the attribute is exclusive.
func (o *operation) syncAssigned(ctx context.Context) []Problem {
	var problems []Problem
	for _, a := range o.typ.Attributes {
		if a.Assign == nil {
			continue
		}
		want, had := wordsOf(valueOf(o.self, a.Name)), wordsOf(valueOf(o.Prior, a.Name))
		if err := o.assign(ctx, a, want, had); err != nil {
			problems = append(problems, o.problem("Cannot bring "+a.Name+" in line", a.Name, err))
		}
	}
	return problems
}

// assign adds what is wanted and is not there, then removes what the stack
// named before. It looks at what is there first: an interrupted run may have
// done some of it, and most APIs refuse an association that exists.
func (o *operation) assign(ctx context.Context, a *pluginspec.Attribute, want, had []string) error {
	exclusive := exclusiveIn(o.self, a.Assign)
	if slices.Equal(want, had) && !exclusive && len(o.Resume) == 0 || len(want) == 0 && len(had) == 0 && !exclusive {
		return nil
	}
	there, err := o.associated(ctx, o.Cloud, a, o.roots, func() (cloudstack.Object, error) { return o.readByID(ctx, o.id) })
	if err != nil {
		return err
	}
	if exclusive {
		had = there
	}
	var add, drop []string
	for _, id := range want {
		if !slices.Contains(there, id) {
			add = append(add, id)
		}
	}
	for _, id := range had {
		if !slices.Contains(want, id) && slices.Contains(there, id) {
			drop = append(drop, id)
		}
	}
	if err := o.inBatches(ctx, a, a.Assign.Add, "add", add); err != nil {
		return err
	}
	return o.inBatches(ctx, a, a.Assign.Remove, "remove", drop)
}

// inBatches sends one of the two calls for as many elements at once as it takes.
func (o *operation) inBatches(ctx context.Context, a *pluginspec.Attribute, call *pluginspec.Call, what string, ids []string) error {
	for batch := range slices.Chunk(ids, a.Assign.Batch) {
		o.Progress("%s %s: %s", map[string]string{"add": "adding", "remove": "removing"}[what], a.Name, strings.Join(batch, ", "))
		items := make([]cty.Value, len(batch))
		for i, id := range batch {
			items[i] = cty.StringVal(id)
		}
		s := callSite{call: call, roots: o.roots.with("item", cty.ListVal(items)), update: true}
		if wanted, err := o.templates.truth(call.When, s.roots); err != nil || !wanted {
			return err
		}
		params, err := o.params(s)
		if err != nil {
			return err
		}
		params[a.Assign.IDs] = strings.Join(batch, ",")
		identity := repeat
		if what == "add" {
			if identity, err = o.associationIdentity(a, batch[0]); err != nil {
				return err
			}
		}
		if _, _, err := o.send(ctx, s, params, assignKey(what, a, batch), o.id, identity); err != nil {
			return err
		}
		o.stale = true
	}
	return nil
}

// assignKey names a batch in the journal: the same elements have the same key.
func assignKey(what string, a *pluginspec.Attribute, batch []string) string {
	if len(batch) == 1 {
		return what + ":" + a.Name + "[" + batch[0] + "]"
	}
	sum := sha256.Sum256([]byte(strings.Join(batch, ",")))
	return fmt.Sprintf("%s:%s[%d of %s]", what, a.Name, len(batch), hex.EncodeToString(sum[:6]))
}

// associationIdentity finds out whether a batch was added by its first element,
// where the listing shows each element as an object.
func (o *operation) associationIdentity(a *pluginspec.Attribute, first string) (cloudstack.Identity, error) {
	list := a.Assign.List
	if list == nil {
		return repeat, nil
	}
	field := orDefault(a.Assign.Field, "id")
	command, _ := o.table.Command(list.Command)
	shown := command.Shown(list.Result)
	if slices.ContainsFunc(shown, func(f apitable.Field) bool { return f.Name == field && (f.Type == "list" || f.Type == "set") }) {
		return repeat, nil
	}
	where, err := o.listParams(list, o.roots)
	if err != nil {
		return repeat, err
	}
	return cloudstack.Identity{
		Kind: cloudstack.Natural, List: list.Command, Params: where, Result: list.Result, Match: map[string]string{field: first}, By: a.Assign.Field,
	}, nil
}

// exclusiveIn tells whether, by an object's values, elements that others
// associated go too.
func exclusiveIn(self cty.Value, a *pluginspec.Assign) bool {
	v := valueOf(self, a.Exclusive)
	return a.Exclusive != "" && known(v) && v.Type() == cty.Bool && v.True()
}

// associated lists the elements that are associated with an object: by their own
// listing, or as the object itself shows them.
func (rt *Runtime) associated(ctx context.Context, cloud *cloudstack.Client, a *pluginspec.Attribute, r roots, object func() (cloudstack.Object, error)) ([]string, error) {
	list := a.Assign.List
	if list == nil {
		o, err := object()
		if err != nil {
			return nil, err
		}
		v, err := (&decoder{templates: rt.templates, object: o, roots: r}).attribute(a, cty.NilVal)
		return wordsOf(v), err
	}
	params, err := rt.listParams(list, r)
	if err != nil {
		return nil, err
	}
	var items []cloudstack.Object
	command, _ := rt.table.Command(list.Command)
	if _, paged := command.Param("page"); paged {
		items, err = cloud.List(ctx, list.Command, params, list.Result)
	} else { // the answer is one object that holds a list
		var answer cloudstack.Object
		answer, err = cloud.Read(ctx, list.Command, params)
		items = append(answer.List(list.Result), answer.Map(list.Result))
	}
	if isUnknownEntity(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for _, item := range items {
		switch raw := httpapi.Dig(map[string]any(item), orDefault(a.Assign.Field, "id")).(type) {
		case []any:
			for _, one := range raw {
				out = append(out, plain(one))
			}
		default:
			out = append(out, plain(raw))
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// readAssigned puts into a value what is associated with the object: of what
// others associated only what the stack names too, all of it on import or where
// the attribute is exclusive.
func (r *reading) readAssigned(ctx context.Context, value, prior cty.Value) (cty.Value, error) {
	for _, a := range r.Type.Attributes {
		if a.Assign == nil {
			continue
		}
		was := valueOf(prior, a.Name)
		if was != cty.NilVal && was.IsNull() {
			continue // not managed
		}
		now := wordsOf(valueOf(value, a.Name)) // as the object shows them
		if a.Assign.List != nil {
			var err error
			if now, err = r.associated(ctx, r.Cloud, a, r.roots.with("self", value), nil); err != nil {
				return value, fmt.Errorf("%s: %w", a.Name, err)
			}
		}
		if was != cty.NilVal && !exclusiveIn(prior, a.Assign) {
			ours := wordsOf(was)
			now = slices.DeleteFunc(now, func(id string) bool { return !slices.Contains(ours, id) })
		}
		attrs := value.AsValueMap()
		attrs[a.Name] = setOf(now)
		value = cty.ObjectVal(attrs)
	}
	return value, nil
}

// removeAssigned ends the associations of an object that is nothing else.
func (o *operation) removeAssigned(ctx context.Context) error {
	for _, a := range o.typ.Attributes {
		if a.Assign == nil {
			continue
		}
		if err := o.assign(ctx, a, nil, wordsOf(valueOf(o.self, a.Name))); err != nil {
			return err
		}
	}
	return nil
}

// showAssigned leaves in self, and in what it is made of, the wanted elements
// that are there, after something went wrong.
func (o *operation) showAssigned(ctx context.Context) {
	attrs, plan := o.self.AsValueMap(), o.plan.AsValueMap()
	for _, a := range o.typ.Attributes {
		v := valueOf(o.self, a.Name)
		if a.Assign == nil || !known(v) {
			continue
		}
		there, err := o.associated(ctx, o.Cloud, a, o.roots, func() (cloudstack.Object, error) { return o.readByID(ctx, o.id) })
		if err != nil {
			there = nil // the next plan looks again
		}
		want := wordsOf(v)
		attrs[a.Name] = setOf(slices.DeleteFunc(there, func(id string) bool { return !slices.Contains(want, id) }))
		plan[a.Name] = attrs[a.Name]
	}
	o.self, o.plan = cty.ObjectVal(attrs), cty.ObjectVal(plan)
}

// wordsOf are the elements of a set of text, sorted.
func wordsOf(v cty.Value) []string {
	if !known(v) || !v.CanIterateElements() {
		return nil
	}
	v, _ = v.UnmarkDeep()
	var out []string
	for _, item := range v.AsValueSlice() {
		if text := textOf(item); text != "" {
			out = append(out, text)
		}
	}
	slices.Sort(out)
	return out
}

func setOf(words []string) cty.Value {
	if len(words) == 0 {
		return cty.SetValEmpty(cty.String)
	}
	items := make([]cty.Value, len(words))
	for i, word := range words {
		items[i] = cty.StringVal(word)
	}
	return cty.SetVal(items)
}

package declarative

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// Update brings the object from req.Prior to req.Planned: the update calls whose
// attributes changed, then tags, then children.
func (rt *Runtime) Update(ctx context.Context, req Request) Result {
	o, err := rt.begin(req, req.Planned)
	if err != nil {
		return Result{Status: OK, Value: req.Prior, Private: req.Private, Problems: []Problem{{Summary: "Cannot update " + req.Type.Name, Detail: explain(err)}}}
	}
	if o.private.Owner == nil {
		o.private.Owner = ownerOf(req.Identity)
	}
	var problems []Problem
	err = o.change(ctx)
	if o.overtaken(ctx, err) {
		err = o.change(ctx)
	}
	if err != nil {
		problems = append(problems, o.problem("Cannot update "+o.typ.Name, "", err))
	}
	if len(problems) == 0 {
		if err := o.syncTags(ctx, tagsOf(o.Prior), tagsOf(o.Planned)); err != nil {
			problems = append(problems, o.problem("Cannot change the tags of "+o.typ.Name, "tags", err))
		}
		problems = append(problems, o.syncParts(ctx)...)
	}
	if len(problems) > 0 {
		return o.halfway(ctx, problems)
	}
	if o.stale || !o.self.IsWhollyKnown() {
		if err := o.readBack(ctx); err != nil {
			return o.halfway(ctx, []Problem{o.problem("Cannot read the changed "+o.typ.Name, "", err)})
		}
	}
	if o.object == nil {
		o.object = cloudstack.Object{}
	}
	return o.result(nil)
}

// change sends the update calls that something asks for. A machine that was
// stopped for one of them runs again afterwards, whatever came of it.
func (o *operation) change(ctx context.Context) error {
	err := o.takeOver(ctx)
	if err == nil {
		err = o.sendChanges(ctx)
	}
	again := o.resumeHalted(ctx)
	if err != nil && ctx.Err() != nil {
		return err // the next run starts it
	}
	return errors.Join(err, again)
}

func (o *operation) sendChanges(ctx context.Context) error {
	if o.typ.Update == nil {
		return nil
	}
	changed := o.changed()
	for _, call := range o.typ.Update.Calls {
		concerned := func(name string) bool {
			return changed[name] && call.Concerns(name)
		}
		if !slices.ContainsFunc(o.typ.Attributes, func(a *pluginspec.Attribute) bool { return sendable(a) && concerned(a.Name) }) {
			continue
		}
		s := callSite{
			call: call, attrs: o.typ.Attributes, value: o.self, roots: o.roots, lookups: o.Lookups,
			only: concerned, update: true, id: o.ownID(), owners: ownersOf(o.typ, o.id),
		}
		if wanted, err := o.templates.truth(call.When, s.roots); err != nil || !wanted {
			if err != nil {
				return err
			}
			continue
		}
		if err := o.ready(ctx, call, s.roots); err != nil {
			return err
		}
		if _, _, err := o.mutate(ctx, s, "update:"+call.Key, o.id, repeat); err != nil {
			return err
		}
		o.stale = true
		if err := o.wait(ctx, call.Wait); err != nil {
			return err
		}
	}
	return nil
}

// overtaken tells whether the cloud refused the first change of an operation
// because the object is not any more as it was when the plan was made: a disk
// whose machine went, a job of an interrupted run that has ended since. The
// object as it is now becomes the prior one.
func (o *operation) overtaken(ctx context.Context, err error) bool {
	if cloudstack.CodeOf(err) == 0 || o.sent > 0 || o.id == "" || ctx.Err() != nil {
		return false
	}
	results, readErr := o.Runtime.Read(ctx, ReadRequest{
		Type: o.typ, Cloud: o.Cloud, Identity: o.Identity,
		Items: []ReadItem{{ID: o.id, Prior: o.spokenOf(), Private: o.private.encode()}},
	})
	if readErr != nil || len(results) != 1 || results[0].State != Present {
		return false
	}
	now := o.keepNames(results[0].Value)
	if now.RawEquals(o.Prior) {
		return false
	}
	o.Prior = now
	o.roots = o.roots.with("prior", now)
	return true
}

// spokenOf is the prior value with what only the plan speaks of: reading leaves
// out what nobody speaks of.
func (o *operation) spokenOf() cty.Value {
	if !known(o.Prior) || !known(o.Planned) {
		return o.Prior
	}
	attrs := o.Prior.AsValueMap()
	for _, a := range o.typ.Attributes {
		wanted := valueOf(o.Planned, a.Name)
		if a.Field == "-" || !attrs[a.Name].IsNull() || wanted == cty.NilVal {
			continue
		}
		if wanted, _ = wanted.UnmarkDeep(); wanted.IsWhollyKnown() {
			attrs[a.Name] = wanted
		}
	}
	return cty.ObjectVal(attrs)
}

// changed names the attributes whose planned value is not the prior one.
func (o *operation) changed() map[string]bool {
	changed := map[string]bool{}
	for _, a := range o.typ.Attributes {
		was, is := valueOf(o.Prior, a.Name), valueOf(o.Planned, a.Name)
		if was == cty.NilVal || is == cty.NilVal {
			changed[a.Name] = was != is
			continue
		}
		was, _ = was.UnmarkDeep()
		is, _ = is.UnmarkDeep()
		if !is.IsWhollyKnown() || was.RawEquals(is) {
			continue
		}
		// What was read is an id where the user wrote a name.
		if object, ok := o.Lookups[a.Name]; ok && a.Lookup != "" && textOf(was) == object.ID() {
			continue
		}
		changed[a.Name] = true
	}
	return changed
}

// halfway is the outcome of an update that failed: the object as it is now, so
// that the next plan shows just what is missing.
func (o *operation) halfway(ctx context.Context, problems []Problem) Result {
	r := Result{Status: Partial, Value: o.Prior, Private: o.private.encode(), Problems: problems}
	if o.sent == 0 && !o.attempted {
		r.Status = OK
		return r
	}
	results, err := o.Runtime.Read(context.WithoutCancel(ctx), ReadRequest{
		Type: o.typ, Cloud: o.Cloud, Identity: o.Identity,
		Items: []ReadItem{{ID: o.id, Prior: o.Prior, Private: r.Private}},
	})
	if err != nil || len(results) != 1 {
		return r
	}
	switch now := results[0]; now.State {
	case Present:
		r.Value, r.Private = o.keepNames(now.Value), now.Private
	case Unusable:
		r.Value, r.Private, r.Status = o.keepNames(now.Value), now.Private, Tainted
	case Absent:
		r.Status, r.Value = Gone, cty.NilVal
	}
	return r
}

// keepNames puts back what the user wrote where a looked-up id is the same.
func (o *operation) keepNames(now cty.Value) cty.Value {
	attrs := now.AsValueMap()
	for path, object := range o.Lookups {
		if strings.ContainsAny(path, ".[") {
			continue
		}
		if wanted := valueOf(o.Planned, path); wanted != cty.NilVal && textOf(attrs[path]) == object.ID() {
			attrs[path] = wanted
			continue
		}
		// Not the new one, so still what it was: its name is in the prior value.
		if was := valueOf(o.Prior, path); was != cty.NilVal {
			attrs[path] = was
		}
	}
	return cty.ObjectVal(attrs)
}

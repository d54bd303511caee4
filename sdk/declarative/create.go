package declarative

import (
	"context"
	"errors"
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// Create makes the object that req.Planned describes, with its tags and
// children. A call that an interrupted run is known to have made is taken up,
// not repeated.
func (rt *Runtime) Create(ctx context.Context, req Request) Result {
	// In a replacement the old object may still be known: nothing of it counts.
	req.Prior, req.Private = cty.NullVal(cty.DynamicPseudoType), nil
	o, err := rt.begin(req, req.Planned)
	if err != nil {
		return failed(Gone, "Cannot create "+req.Type.Name, err)
	}
	o.private.Owner = ownerOf(req.Identity)
	if err := o.make(ctx); err != nil {
		return o.notMade(ctx, err)
	}
	planned := o.self
	o.stale = o.stale || len(o.typ.Joins()) > 0
	var problems []Problem
	if err := o.syncTags(ctx, nil, tagsOf(planned)); err != nil {
		problems = append(problems, o.problem("Cannot tag "+o.typ.Name, "tags", err))
	}
	problems = append(problems, o.syncParts(ctx)...)
	if len(problems) == 0 && o.stale {
		if err := o.readBack(ctx); err != nil {
			problems = append(problems, o.problem("Cannot read the new "+o.typ.Name, "", err))
		}
	}
	o.noteLease()
	return o.result(problems)
}

// make sends the calls of the create verb.
func (o *operation) make(ctx context.Context) error {
	for _, call := range o.typ.Create.Calls {
		s := callSite{call: call, attrs: o.typ.Attributes, value: o.self, roots: o.roots, lookups: o.Lookups}
		first := o.object == nil
		object, made, err := o.makeOne(ctx, s, first)
		if err != nil {
			return err
		}
		if !made {
			continue
		}
		if err := o.learn(object); err != nil {
			return err
		}
		if o.id == "" {
			o.id = textOf(valueOf(o.self, "id")) // what is made has no id of its own
		}
		// An answer with little more than the id does not show the object.
		o.stale = o.stale || !first || len(o.object) <= 3
		if err := o.wait(ctx, call.Wait); err != nil {
			return err
		}
	}
	if len(o.typ.Create.Calls) == 0 {
		// A set of rules: the object is its children.
		o.object = cloudstack.Object{}
		if err := o.refreshSelf(false); err != nil {
			return err
		}
		o.id = textOf(valueOf(o.self, "id"))
	}
	return nil
}

// makeOne sends one call. The first that is sent makes the object, the others
// complete it.
func (o *operation) makeOne(ctx context.Context, s callSite, first bool) (cloudstack.Object, bool, error) {
	if !first {
		s.id, s.owners = o.ownID(), ownersOf(o.typ, o.id)
		return o.mutate(ctx, s, s.call.Key, o.id, repeat)
	}
	made, err := o.templates.truth(s.call.When, s.roots)
	if err != nil || !made {
		return nil, false, err
	}
	params, err := o.params(s)
	if err != nil {
		return nil, false, err
	}
	if o.typ.Identity != nil && o.typ.Identity.Reserve {
		object, err := o.reserve(ctx, s, params)
		return object, true, err
	}
	id, err := o.mark(params)
	if err != nil {
		return nil, false, err
	}
	return o.send(ctx, s, params, createKey, "", id)
}

// notMade says what a failed create left behind.
func (o *operation) notMade(ctx context.Context, err error) Result {
	problem := o.problem("Cannot create "+o.typ.Name, "", err)
	var refused *cloudstack.Error
	id := o.id
	if errors.As(err, &refused) && refused.ID != "" && id == "" {
		id = refused.ID
	}
	if id == "" {
		definite := refused != nil && (refused.Code != 530 || refused.JobID != "") || cloudstack.Unsent(err)
		if !o.attempted || definite {
			return Result{Status: Gone, Problems: []Problem{problem}}
		}
		// What became of the call is not known: the next run finds out.
		return Result{Status: Partial, Problems: []Problem{problem}}
	}
	o.id = id
	object, readErr := o.readByID(context.WithoutCancel(ctx), id)
	if cloudstack.IsGone(readErr) {
		return Result{Status: Gone, Problems: []Problem{problem}}
	}
	if readErr == nil {
		readErr = o.learn(object)
	}
	if readErr == nil {
		readErr = o.refreshSelf(true)
	}
	if readErr != nil {
		problems := []Problem{problem, o.problem("Cannot read what was left of "+o.typ.Name, "", readErr)}
		return Result{Status: Partial, Private: o.private.encode(), Problems: problems}
	}
	o.dropChildren()
	status := Partial
	if o.unusable(object) || refused != nil && refused.JobID != "" {
		status = Tainted
	}
	return Result{Status: status, Value: o.self, Private: o.private.encode(), Problems: []Problem{problem}}
}

// result is the outcome of a create or update that made the object: whatever is
// wrong leaves it partial.
func (o *operation) result(problems []Problem) Result {
	if err := o.refreshSelf(true); err != nil {
		problems = append(problems, o.problem("Cannot understand the answer of the cloud", "", err))
	}
	r := Result{Status: OK, Value: o.self, Private: o.private.encode(), Problems: problems}
	for _, p := range problems {
		if !p.Warning {
			r.Status = Partial
		}
	}
	if o.unusable(o.object) {
		r.Status = Tainted
	}
	if secret := o.lostSecret(); secret != "" {
		r.Status = Tainted
		r.Problems = append(r.Problems, Problem{
			Warning: true, Attribute: secret, Summary: "Secret lost",
			Detail: fmt.Sprintf("An interrupted run made this %s, and the cloud shows its %s only once. It is replaced by the next apply.", o.typ.Name, secret),
		})
	}
	return r
}

// lostSecret names a secret that only the answer to the create call held, when
// that answer was lost.
func (o *operation) lostSecret() string {
	settled, resumed := o.Resume[createKey]
	if !resumed || settled.Status != cloudstack.Adopted {
		return ""
	}
	command, _ := o.table.Command(settled.Command)
	for _, a := range o.typ.Attributes {
		_, answered := command.Field(paramName(a))
		answered = answered || o.overHTTP()
		if !answered || !a.Sensitive || !a.Computed || a.Volatile {
			continue
		}
		if is := valueOf(o.self, a.Name); is == cty.NilVal || is.IsNull() {
			return a.Name
		}
	}
	return ""
}

// readBack reads the object by its id.
func (o *operation) readBack(ctx context.Context) error {
	object, err := o.readWhole(ctx)
	if err != nil {
		return err
	}
	o.stale = false
	return o.learn(object)
}

// noteLease remembers what tells this holding of an id from a later one.
func (o *operation) noteLease() {
	if o.typ.Identity != nil && o.typ.Identity.Reserve && o.object != nil {
		o.private.Lease = o.object.Str("allocated")
	}
}

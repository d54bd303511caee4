package declarative

import (
	"context"
	"errors"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// Delete removes the object that req.Prior describes. What is gone already is
// no error.
func (rt *Runtime) Delete(ctx context.Context, req Request) Result {
	o, err := rt.begin(req, req.Prior)
	if err != nil {
		return Result{Status: OK, Value: req.Prior, Private: req.Private, Problems: []Problem{{Summary: "Cannot delete " + req.Type.Name, Detail: explain(err)}}}
	}
	if o.id == "" {
		return Result{Status: Gone}
	}
	if gone, err := o.givenBack(ctx); err != nil || gone {
		if err != nil {
			return o.kept(err)
		}
		return Result{Status: Gone}
	}
	for _, call := range o.typ.Delete.Calls {
		s := callSite{call: call, attrs: o.typ.Attributes, value: o.self, roots: o.roots, lookups: o.Lookups, id: o.id, only: func(string) bool { return false }}
		_, made, err := o.mutate(ctx, s, "delete:"+call.Key, o.id, repeat)
		if err != nil {
			if !o.goneAfter(ctx, err) {
				return o.kept(err)
			}
			break
		}
		if !made {
			o.Progress("%s is not called: the cloud removes this %s with what it belongs to", call.Command, o.typ.Name)
			continue
		}
		if err := o.wait(ctx, call.Wait); err != nil && !cloudstack.IsGone(err) {
			return o.kept(err)
		}
	}
	if problems := o.removeChildren(ctx); len(problems) > 0 {
		o.dropChildren()
		return Result{Status: Partial, Value: o.self, Private: o.private.encode(), Problems: problems}
	}
	return Result{Status: Gone}
}

// givenBack says that the id no longer means our object: the cloud uses ids of
// public addresses again.
func (o *operation) givenBack(ctx context.Context) (bool, error) {
	if o.private.Lease == "" {
		return false, nil
	}
	object, err := o.readByID(ctx, o.id)
	if cloudstack.IsGone(err) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return object.Str("allocated") != o.private.Lease, nil
}

// goneAfter says whether the object is gone although deleting it failed.
func (o *operation) goneAfter(ctx context.Context, cause error) bool {
	if ctx.Err() != nil || errors.Is(cause, context.Canceled) {
		return false
	}
	object, err := o.readByID(ctx, o.id)
	if err != nil {
		return cloudstack.IsGone(err)
	}
	gone, err := o.ended(o.typ, object)
	return gone && err == nil
}

// kept is the outcome of a delete that failed.
func (o *operation) kept(err error) Result {
	status := OK
	if o.sent > 0 {
		status = Partial
	}
	problem := o.problem("Cannot delete "+o.typ.Name, "", err)
	if cloudstack.CodeOf(err) == 530 && !o.Identity.MayExpunge {
		problem.Detail += "\nThis account may not expunge machines: one that was destroyed keeps what it uses, such as its network, until the cloud expunges it, after a day by default. Run the command again then."
	}
	return Result{Status: status, Value: o.self, Private: o.private.encode(), Problems: []Problem{problem}}
}

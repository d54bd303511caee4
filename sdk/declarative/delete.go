package declarative

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// Delete removes the object that req.Prior describes. What is gone already is
// no error.
func (rt *Runtime) Delete(ctx context.Context, req Request) Result {
	o, err := rt.begin(req, req.Prior)
	if err != nil {
		return Result{Status: OK, Value: req.Prior, Private: req.Private, Problems: []Problem{{Summary: "Cannot delete " + req.Type.Name, Detail: explain(err)}}}
	}
	if o.id == "" && o.typ.Create != nil && !o.typ.Create.Handler && len(o.typ.Create.Calls) == 0 {
		// A set of rules of which an interrupted run made some.
		o.id, err = o.derivedID()
		if err != nil {
			return o.kept(err)
		}
	}
	if o.id == "" {
		return Result{Status: Gone}
	}
	if err := o.takeOver(ctx); err != nil {
		return o.kept(err)
	}
	r := o.remove(ctx)
	if err := o.resumeHalted(ctx); err != nil {
		r.Problems = append(r.Problems, o.problem("Cannot start the machine again", "", err))
	}
	return r
}

// remove sends the delete calls, and removes what they leave.
func (o *operation) remove(ctx context.Context) Result {
	if gone, err := o.givenBack(ctx); err != nil || gone {
		if err != nil {
			return o.kept(err)
		}
		return Result{Status: Gone}
	}
	if outlives(o.typ) {
		// They go first: once the object is gone nobody would look for them.
		if problems := o.removeChildren(ctx); len(problems) > 0 {
			o.dropChildren()
			return Result{Status: Partial, Value: o.self, Private: o.private.encode(), Problems: problems}
		}
	}
	for i, call := range o.typ.Delete.Calls {
		s := callSite{call: call, attrs: o.typ.Attributes, value: o.self, roots: o.roots, lookups: o.Lookups, id: o.ownID(), owners: ownersOf(o.typ, o.id), only: func(string) bool { return false }}
		made, err := o.deleteCall(ctx, s)
		if preparing := i+1 < len(o.typ.Delete.Calls); preparing && o.overtaken(ctx, err) {
			s.roots = o.roots
			made, err = o.deleteCall(ctx, s)
		}
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
	if len(o.typ.Delete.Calls) == 0 {
		if err := o.removeAssigned(ctx); err != nil {
			return o.kept(err)
		}
	}
	if outlives(o.typ) {
		return Result{Status: Gone}
	}
	if problems := o.removeChildren(ctx); len(problems) > 0 {
		o.dropChildren()
		return Result{Status: Partial, Value: o.self, Private: o.private.encode(), Problems: problems}
	}
	return Result{Status: Gone}
}

// derivedID is the id of an object that has none of its own, by what it is made
// from.
func (o *operation) derivedID() (string, error) {
	id := o.typ.Attr("id")
	if id == nil {
		return "", nil
	}
	d := &decoder{templates: o.templates, object: cloudstack.Object{}, roots: o.roots.with("self", o.self)}
	v, err := d.attribute(id, cty.NilVal)
	if err != nil {
		return "", fmt.Errorf("id of %s: %w", o.Address, err)
	}
	return textOf(v), nil
}

// outlives tells whether children stay when their object is deleted: those that
// are listed by something else than the object's own id.
func outlives(t *pluginspec.Type) bool {
	for _, b := range t.Blocks {
		if b.Child == nil {
			continue
		}
		own := b.Child.List.Mentions("id")
		for _, source := range b.Child.List.Params {
			own = own || strings.Contains(source, "self.id")
		}
		if !own {
			return true
		}
	}
	return false
}

const (
	expungePatience = time.Minute // how long a delete waits for machines that are about to be expunged
	expungeLook     = 10 * time.Second
)

// deleteCall carries out one call of a delete, for a while again and again when
// only destroyed machines are in its way. It gives up before the operation's time
// is up, which would look like a cloud that does not answer.
func (o *operation) deleteCall(ctx context.Context, s callSite) (made bool, err error) {
	until := time.Now().Add(expungePatience)
	if limit, ok := ctx.Deadline(); ok && limit.Add(-expungeLook).Before(until) {
		until = limit.Add(-expungeLook)
	}
	for {
		_, made, err = o.mutate(ctx, s, "delete:"+s.call.Key, o.id, repeat)
		if err == nil {
			return made, nil
		}
		held, lookErr := o.heldByDestroyed(ctx, s.call, err)
		if lookErr != nil {
			return made, errors.Join(err, lookErr)
		}
		if !held {
			return made, err
		}
		if !time.Now().Before(until) {
			return made, &heldError{err}
		}
		o.Progress("waiting for the cloud to expunge destroyed machines, at most %s", time.Until(until).Round(time.Second))
		select {
		case <-ctx.Done():
			return made, errors.Join(err, ctx.Err())
		case <-time.After(expungeLook):
		}
	}
}

// heldError says that an object cannot go before the cloud has expunged
// machines: only time helps.
type heldError struct{ refused error }

// Error is what the cloud said.
func (e *heldError) Error() string { return e.refused.Error() }

// Unwrap returns what the cloud said.
func (e *heldError) Unwrap() error { return e.refused }

// heldByDestroyed says whether a network cannot go only because of machines that
// were destroyed and are not expunged yet. Who may not expunge may not see them
// either, so that no machine is left to see is all there is to go by.
func (o *operation) heldByDestroyed(ctx context.Context, call *pluginspec.Call, refused error) (bool, error) {
	if call.Command != "deleteNetwork" || o.Identity.MayExpunge || cloudstack.CodeOf(refused) != 530 {
		return false, nil
	}
	machines, err := o.Cloud.List(ctx, "listVirtualMachines", cloudstack.Params{"networkid": o.id, "listall": "true"}, "virtualmachine")
	if isUnknownEntity(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for machines in the network: %w", err)
	}
	return !slices.ContainsFunc(machines, func(m cloudstack.Object) bool {
		return m.Str("state") != "Destroyed" && m.Str("state") != "Expunging"
	}), nil
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
	var held *heldError
	if errors.As(err, &held) {
		return Result{Status: Partial, Value: o.self, Private: o.private.encode(), Problems: []Problem{{
			Warning: true, Summary: "Waiting for expunge",
			Detail: fmt.Sprintf("%s stays until the cloud expunges the machines that were destroyed in it: this account may not expunge them itself (setting expunge.delay, a day by default). ", o.Address) +
				"Run the command again then: it deletes what is left. The operator can let users expunge with allow.user.expunge.recover.vm.",
		}}}
	}
	problem := o.problem("Cannot delete "+o.typ.Name, "", err)
	if cloudstack.CodeOf(err) == 530 && !o.Identity.MayExpunge {
		problem.Detail += "\nThis account may not expunge machines: one that was destroyed keeps what it uses, such as its network, until the cloud expunges it (setting expunge.delay, a day by default). " +
			"Run the command again then: it deletes what is left. The operator can let users expunge with allow.user.expunge.recover.vm."
	}
	return Result{Status: status, Value: o.self, Private: o.private.encode(), Problems: []Problem{problem}}
}

package declarative

import (
	"context"
	"fmt"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// Act carries out one of the type's actions on the object that req.Prior
// describes, and reads what it is like afterwards. Arguments are as the user
// wrote them.
func (rt *Runtime) Act(ctx context.Context, req Request, name string, arguments map[string]string) Result {
	unchanged := func(err error) Result {
		return Result{Status: OK, Value: req.Prior, Private: req.Private, Problems: []Problem{{Summary: "Cannot " + name + " " + req.Type.Name, Detail: explain(err)}}}
	}
	action := req.Type.Actions[name]
	if action == nil {
		return unchanged(fmt.Errorf("the type %s has no action %q", req.Type.Name, name))
	}
	given, err := action.Parse(arguments)
	if err != nil {
		return unchanged(err)
	}
	o, err := rt.begin(req, req.Prior)
	if err != nil {
		return unchanged(err)
	}
	s := callSite{
		call: action.Call, attrs: action.Arguments, value: given, roots: o.roots.with("item", given), id: o.ownID(), owners: ownersOf(o.typ, o.id),
	}
	object, made, err := o.mutate(ctx, s, "act:"+name, o.id, cloudstack.Identity{Kind: cloudstack.Repeat})
	switch {
	case err != nil:
		return o.halfway(ctx, []Problem{o.problem("Cannot "+name+" "+o.typ.Name, "", err)})
	case !made:
		return unchanged(fmt.Errorf("the action %s does not apply to the %s as it is", name, o.typ.Name))
	}
	if id := object.ID(); id != "" && id != o.ownID() {
		o.Progress("%s made %s", action.Call.Name(), id)
	}
	if err := o.wait(ctx, action.Call.Wait); err != nil {
		return o.halfway(ctx, []Problem{o.problem("Cannot see the end of "+name, "", err)})
	}
	return o.afterwards(ctx)
}

// afterwards is the object as it is after an action.
func (o *operation) afterwards(ctx context.Context) Result {
	r := o.halfway(ctx, nil)
	if r.Status == Partial {
		r.Status = OK
	}
	return r
}

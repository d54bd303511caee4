package declarative

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// problem explains an error to the user.
func (o *operation) problem(summary, attribute string, err error) Problem {
	return Problem{Attribute: attribute, Summary: summary, Detail: explain(err)}
}

func failed(status Status, summary string, err error) Result {
	return Result{Status: status, Problems: []Problem{{Summary: summary, Detail: explain(err)}}}
}

// explain is an error with what can be done about it.
func explain(err error) string {
	text := err.Error()
	if errors.Is(err, context.Canceled) {
		return text + "\nThe run was interrupted; what was under way is recorded and taken up by the next run."
	}
	var refused *cloudstack.Error
	if !errors.As(err, &refused) {
		return text
	}
	if hint := hints[refused.Code]; hint != "" {
		text = fmt.Sprintf("%s\n%s", text, hint)
	}
	return text
}

// hints say what to do about the API's error codes.
var hints = map[int]string{
	432: "The role of this account may not use the command, or this version of the cloud does not have it.",
	531: "The account may not do this, or the object belongs to somebody else.",
	532: "A limit of the account is reached: remove something, or ask the operator for a higher limit.",
	533: "The cloud has not enough capacity or free addresses for this now.",
	535: "A limit of the account is reached: remove something, or ask the operator for a higher limit.",
	536: "Something else still uses the object.",
	537: "A rule that is there already covers these ports: look for it in the cloud, and remove or import it.",
}

// unusable says that an object is there but will never work: it has to be
// replaced.
func (rt *Runtime) unusable(object cloudstack.Object) bool {
	return !rt.overHTTP() && object.Str("state") == "Error"
}

// ended says that the cloud still shows an object that is gone: on its way out,
// or by what its type says of it.
func (rt *Runtime) ended(t *pluginspec.Type, object cloudstack.Object) (bool, error) {
	switch {
	case rt.overHTTP():
	case slices.Contains([]string{"Destroyed", "Destroy", "Expunging", "Expunged", "Releasing"}, object.Str("state")):
		return true, nil
	}
	if t.Read == nil || t.Read.Gone == "" {
		return false, nil
	}
	return rt.templates.truth(t.Read.Gone, roots{"response": objectValue(object)})
}

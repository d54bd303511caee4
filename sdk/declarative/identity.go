package declarative

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// repeat is the identity of calls that may be sent again.
var repeat = cloudstack.Identity{Kind: cloudstack.Repeat}

// mark puts the type's identity on its create call: it may add a parameter, and
// returns how the call's outcome is found.
func (o *operation) mark(params cloudstack.Params) (cloudstack.Identity, error) {
	id := cloudstack.Identity{Kind: cloudstack.None}
	spec := o.typ.Identity
	if spec == nil || o.typ.Read == nil || len(o.typ.Read.Calls) == 0 {
		return id, nil
	}
	list := o.typ.Read.Calls[0]
	id.List, id.Result = list.Command, list.Result
	var err error
	if id.Params, err = o.listParams(list, o.roots); err != nil {
		return id, err
	}
	switch {
	case spec.Marker != "":
		id.Kind = cloudstack.Marker
		params[spec.Marker] = o.Operation
		id.Match = map[string]string{markerPath(spec.Marker): o.Operation}
	case len(spec.Natural) > 0:
		id.Kind = cloudstack.Natural
		id.Match = map[string]string{}
		for field, source := range spec.Natural {
			text, given, err := o.templates.text(source, o.roots)
			if err != nil {
				return id, fmt.Errorf("identity: %w", err)
			}
			if given {
				id.Match[field] = text
			}
		}
	case spec.Serial:
		id.Kind = cloudstack.Serial
	}
	return id, nil
}

// markerPath is where an object shows the parameter that carried the marker:
// details[0].moldctl.op is listed as details.moldctl.op.
func markerPath(param string) string { return strings.Replace(param, "[0].", ".", 1) }

// listParams are the parameters of a listing.
func (rt *Runtime) listParams(call *pluginspec.Call, r roots) (cloudstack.Params, error) {
	params := cloudstack.Params{}
	for name, source := range call.Params {
		text, given, err := rt.templates.text(source, r)
		if err != nil {
			return nil, fmt.Errorf("%s: parameter %s: %w", call.Command, name, err)
		}
		if given && text != "" {
			params[name] = text
		}
	}
	return params, nil
}

// picks is how many free addresses are tried before giving up: others may take
// the same one at the same moment.
const picks = 8

// reserve makes an object that the cloud hands out from a stock (a public
// address): one is picked, journaled, and exactly that one asked for. A second
// call for it is refused by the cloud, so nothing can be taken twice.
func (o *operation) reserve(ctx context.Context, s callSite, params cloudstack.Params) (cloudstack.Object, error) {
	if settled, ok := o.Resume[createKey]; ok && settled.Status == cloudstack.Adopted {
		object, _, err := o.send(ctx, s, params, createKey, "", cloudstack.Identity{Kind: cloudstack.Reserve})
		return object, err
	}
	list := o.typ.Read.Calls[0]
	id := cloudstack.Identity{Kind: cloudstack.Reserve, List: list.Command, Result: list.Result}
	if wanted := params["ipaddress"]; wanted != "" {
		id.Match = map[string]string{"ipaddress": wanted}
		object, _, err := o.send(ctx, s, params, createKey, "", id)
		return object, err
	}
	for attempt := 0; ; attempt++ {
		address, release, err := o.pick(ctx, list)
		if err != nil {
			return nil, err
		}
		params["ipaddress"] = address
		id.Match = map[string]string{"ipaddress": address}
		object, _, err := o.send(ctx, s, params, createKey, "", id)
		release()
		var refused *cloudstack.Error
		taken := errors.As(err, &refused) && refused.Code == 533 && refused.ID == "" && refused.JobID == ""
		if !taken || attempt+1 == picks {
			return object, err
		}
	}
}

// pick chooses a free address that nobody in this process is about to take.
func (o *operation) pick(ctx context.Context, list *pluginspec.Call) (string, func(), error) {
	zone := o.Identity.ZoneID
	if object, ok := o.Lookups["zone"]; ok {
		zone = object.ID()
	}
	free, err := o.Cloud.List(ctx, list.Command, cloudstack.Params{
		"state": "Free", "allocatedonly": "false", "forvirtualnetwork": "true", "zoneid": zone,
	}, list.Result)
	if err != nil {
		return "", nil, fmt.Errorf("look for a free public address: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var usable []string
	for _, a := range free {
		address := a.Str("ipaddress")
		if a.Str("state") == "Free" && !a.Bool("forsystemvms") && !a.Bool("issystem") && !o.picked[address] {
			usable = append(usable, address)
		}
	}
	if len(usable) == 0 {
		return "", nil, errors.New("the zone has no free public address left: release one that is not needed, or ask the operator for more")
	}
	// By chance among all: two runs at the same moment rarely want the same one.
	address := usable[rand.IntN(len(usable))]
	o.picked[address] = true
	return address, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.picked, address)
	}, nil
}

package declarative

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

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
	if o.overHTTP() {
		return o.httpMark(params)
	}
	list := o.typ.Read.Calls[0]
	id.List, id.Result, id.By = list.Command, list.Result, o.typ.IDField()
	var err error
	if id.Params, err = o.listParams(withoutParent(list), o.roots); err != nil {
		return id, err
	}
	for _, part := range owners(id.By) {
		if text := o.sentAs(part); text != "" {
			id.Params[part] = text
		}
	}
	switch {
	case spec.Repeat:
		return repeat, nil
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
			if a := o.typ.NaturalAttr(field); a != nil {
				// The listing shows it as it is sent: an id where the stack says a name.
				field = orDefault(a.Field, paramName(a))
				if sent := params[paramName(a)]; sent != "" {
					text, given = sent, true
				}
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
	id := cloudstack.Identity{Kind: cloudstack.Reserve, List: list.Command, Result: list.Result, Unless: map[string]string{}}
	for param, field := range map[string]string{"networkid": "associatednetworkid", "vpcid": "vpcid"} {
		if want := params[param]; want != "" {
			id.Unless[field] = want
		}
	}
	if wanted := params["ipaddress"]; wanted != "" {
		id.Match = map[string]string{"ipaddress": wanted}
		object, _, err := o.send(ctx, s, params, createKey, "", id)
		return object, err
	}
	for attempt := 0; ; attempt++ {
		address, err := o.pick(ctx, list)
		if err != nil {
			return nil, err
		}
		params["ipaddress"] = address
		id.Match = map[string]string{"ipaddress": address}
		object, _, err := o.send(ctx, s, params, createKey, "", id)
		var refused *cloudstack.Error
		taken := errors.As(err, &refused) && refused.Code == 533 && refused.ID == "" && refused.JobID == ""
		if !taken || attempt+1 == picks {
			return object, err
		}
		o.stock.forget()
	}
}

// pick takes a free address out of the stock, by chance among all: two runs at
// the same moment rarely want the same one.
func (o *operation) pick(ctx context.Context, list *pluginspec.Call) (string, error) {
	zone := o.Identity.ZoneID
	if object, ok := o.Lookups["zone"]; ok {
		zone = object.ID()
	}
	return o.stock.take(o.Cloud.Endpoint()+" "+zone, func() ([]string, error) {
		free, err := o.Cloud.List(ctx, list.Command, cloudstack.Params{
			"state": "Free", "allocatedonly": "false", "forvirtualnetwork": "true", "zoneid": zone,
		}, list.Result)
		if err != nil {
			return nil, fmt.Errorf("look for a free public address: %w", err)
		}
		var usable []string
		for _, a := range free {
			if a.Str("state") == "Free" && !a.Bool("forsystemvms") && !a.Bool("issystem") {
				usable = append(usable, a.Str("ipaddress"))
			}
		}
		return usable, nil
	})
}

// stock is the free addresses of zones as they were last listed, without those
// that were handed out since: one listing serves many creates.
type stock struct {
	mu   sync.Mutex // guards free, and makes others wait for a listing under way
	free map[string][]string
}

func (s *stock) take(zone string, list func() ([]string, error)) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.free[zone]) == 0 {
		found, err := list()
		if err != nil {
			return "", err
		}
		if len(found) == 0 {
			return "", errors.New("the zone has no free public address left: release one that is not needed, or ask the operator for more")
		}
		s.free[zone] = found
	}
	free := s.free[zone]
	i := rand.IntN(len(free))
	address := free[i]
	s.free[zone] = slices.Delete(free, i, i+1)
	return address, nil
}

// forget empties the stock: others take from it too.
func (s *stock) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.free)
}

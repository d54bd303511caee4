package declarative

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// createKey is the key of the call that makes an object.
const createKey = "create"

// callSite is one call about to be made: whose attributes it sends and under
// which names.
type callSite struct {
	call    *pluginspec.Call
	attrs   []*pluginspec.Attribute
	value   cty.Value // holds attrs
	roots   roots
	lookups map[string]cloudstack.Object
	only    func(name string) bool // narrows the attributes sent; nil sends all
	update  bool                   // empty values are sent, so that something can be cleared
	id      string                 // sent as `id` when the command takes one
	owners  map[string]string      // what the object belongs to, sent where the command takes it
	apart   bool                   // siblings made at the same time cannot be taken for one another
}

// params builds the parameters of a call: by convention what the command takes,
// then what the call spells out.
func (rt *Runtime) params(s callSite) (cloudstack.Params, error) {
	if s.call.Command == "" {
		return nil, fmt.Errorf("%s %s: calls over HTTP are not carried out by this version", s.call.Method, s.call.Path)
	}
	params, err := rt.conventional(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.call.Command, err)
	}
	for name, source := range s.call.Params {
		text, given, err := rt.templates.text(source, s.roots)
		if err != nil {
			return nil, fmt.Errorf("%s: parameter %s: %w", s.call.Command, name, err)
		}
		if !given {
			delete(params, name)
			continue
		}
		params[name] = text
	}
	return params, nil
}

// conventional are the parameters that a command takes from attributes.
func (rt *Runtime) conventional(s callSite) (cloudstack.Params, error) {
	command, known := rt.table.Command(s.call.Command)
	takes := func(name string) bool {
		_, ok := command.Param(name)
		return ok || !known
	}
	params := cloudstack.Params{}
	for _, a := range s.attrs {
		if !sendable(a) || !takes(paramNames(a)[0]) || !s.sends(a.Name) {
			continue
		}
		v := valueOf(s.value, a.Name)
		if v == cty.NilVal {
			continue
		}
		if s.update && s.only != nil && v.IsNull() && clearable(a.Type) {
			params[paramName(a)] = ""
			continue
		}
		if object, ok := s.lookups[a.Name]; ok && present(v) {
			params[paramName(a)] = object.ID()
			continue
		}
		if err := encodeAttribute(params, a, v); err != nil {
			return nil, err
		}
	}
	if !s.update {
		maps.DeleteFunc(params, func(_, text string) bool { return text == "" })
	}
	if s.id != "" && takes("id") {
		params["id"] = s.id
	}
	for name, text := range s.owners {
		if params[name] == "" && known && takes(name) {
			params[name] = text
		}
	}
	return params, nil
}

// sends says whether the call wants an attribute.
func (s callSite) sends(name string) bool {
	return (s.call.Only == nil || slices.Contains(s.call.Only, name)) && (s.only == nil || s.only(name))
}

// present says that a value is neither null nor unknown, whatever its marks.
func present(v cty.Value) bool {
	v, _ = v.Unmark()
	return known(v)
}

// clearable says whether an empty parameter takes a value of the type away.
func clearable(ty cty.Type) bool {
	return ty == cty.String || ty.IsListType() || ty.IsSetType()
}

// sendable says whether an attribute may be a parameter at all.
func sendable(a *pluginspec.Attribute) bool {
	return a.Name != "id" && a.Name != "tags" && a.Assign == nil && (a.Required || a.Optional || a.Default != nil || !a.Computed)
}

// mutate makes one call, unless its condition says no. made is false then.
func (o *operation) mutate(ctx context.Context, s callSite, key, target string, id cloudstack.Identity) (object cloudstack.Object, made bool, err error) {
	if made, err = o.templates.truth(s.call.When, s.roots); err != nil || !made {
		return nil, false, err
	}
	params, err := o.params(s)
	if err != nil {
		return nil, false, err
	}
	return o.send(ctx, s, params, key, target, id)
}

func (o *operation) send(ctx context.Context, s callSite, params cloudstack.Params, key, target string, id cloudstack.Identity) (cloudstack.Object, bool, error) {
	if settled, ok := o.Resume[key]; ok && settled.Status == cloudstack.Ambiguous {
		return nil, false, ambiguous(key, settled)
	}
	if o.overHTTP() {
		params["token"] = o.token(key)
	}
	m := cloudstack.Mutation{
		Key: key, Command: commandOf(s.call, params), Params: params, Target: target, Identity: id, Result: changeResult(s.call),
		Network: o.network(params), Apart: s.apart,
	}
	if s.call.Serial != "" {
		serial, _, err := o.templates.text(s.call.Serial, s.roots)
		if err != nil {
			return nil, false, err
		}
		m.Serial = []string{serial}
	}
	if picked := id.Match["ipaddress"]; id.Kind == cloudstack.Reserve && picked != "" {
		// Two that want the same would each find it taken, and not by whom.
		m.Serial = append(m.Serial, "reserve "+picked)
	}
	o.guard.Lock()
	o.attempted = true
	o.guard.Unlock()
	object, err := o.Cloud.Call(ctx, m)
	if network := o.startingNetwork(ctx, s, m, err); network != "" {
		m.Network = network
		object, err = o.Cloud.Call(ctx, m)
	}
	if err != nil {
		return object, false, err
	}
	o.guard.Lock()
	o.sent++
	o.guard.Unlock()
	return object, true, nil
}

// wait polls the object until the call's condition holds; without one, until
// the object is gone.
func (o *operation) wait(ctx context.Context, w *pluginspec.Wait) error {
	if w == nil {
		return nil
	}
	every := w.Every
	if every <= 0 {
		every = time.Second
	}
	if w.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.Timeout)
		defer cancel()
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		object, err := o.readByID(ctx, o.id)
		if ctx.Err() != nil {
			return waitedInVain(ctx, w)
		}
		if err != nil {
			return err
		}
		done := false
		if w.Until != "" {
			done, err = o.templates.truth(w.Until, o.roots.with("response", objectValue(object)))
		}
		if err != nil {
			return err
		}
		if done {
			o.stale = false
			return o.learn(object)
		}
		select {
		case <-ctx.Done():
			return waitedInVain(ctx, w)
		case <-ticker.C:
		}
	}
}

func waitedInVain(ctx context.Context, w *pluginspec.Wait) error {
	return fmt.Errorf("wait until %s: %w", cmp.Or(strings.Trim(w.Until, "${}"), "it is gone"), ctx.Err())
}

// ambiguous says that an earlier call may have made one of several objects.
func ambiguous(key string, s cloudstack.Settled) error {
	if len(s.Candidates) == 0 {
		return fmt.Errorf("an earlier, interrupted run sent %s (%s) and its outcome cannot be told: look in the cloud for what it made, remove or import it, and try again", s.Command, key)
	}
	return fmt.Errorf("an earlier, interrupted run sent %s (%s) and %d objects may be what it made: %s; remove or import them and try again",
		s.Command, key, len(s.Candidates), strings.Join(s.Candidates, ", "))
}

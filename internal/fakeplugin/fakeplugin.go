// Package fakeplugin is a plugin and its cloud in memory, for tests of the
// engine: types come from a plugin.yaml text, objects live in a map, every
// mutating call is announced as a real plugin announces it, and a test can
// make any of them fail, or stop the world at it.
//
// Only tests import it.
package fakeplugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"sync"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

// ErrKilled is what a Hook returns to end the world at a call: nothing after
// it happens, as after a kill -9 of the host.
var ErrKilled = errors.New("killed")

// Moment says where in a mutating call a Hook is asked.
type Moment string

// The moments of a mutating call.
const (
	BeforeIntent Moment = "before intent"
	BeforeCall   Moment = "before call" // the intent is durable, the cloud not asked
	AfterCall    Moment = "after call"  // the cloud has acted, the host does not know
	AfterJob     Moment = "after job"   // the checkpoint is durable
)

// Object is one object of the fake cloud.
type Object struct {
	ID     string
	Type   string
	Marker string // operation that made it
	Values cty.Value
}

// Cloud is the fake: it implements what the engine asks of a plugin host.
type Cloud struct {
	plugin *pluginspec.Plugin

	// Hook may fail or stop a mutating call; nil lets all pass.
	Hook func(m Moment, address, call string) error

	// GoesOn, if set, returns what is closed when the interrupted calls of a
	// command are over.
	GoesOn func(command string) <-chan struct{}

	// Later, if set, says which deletes cannot end yet.
	Later func(address string) bool
	// Upgraded is the code that brings what an earlier schema stored up to date.
	Upgraded func(schema int, stored *wire.Stored) (cty.Value, error)
	// MayNotExpunge makes the caller one who may only destroy machines.
	MayNotExpunge bool

	mu      sync.Mutex
	serial  int
	objects map[string]*Object
	calls   []string
}

// New returns an empty cloud that serves the types of a plugin.yaml.
func New(spec string) (*Cloud, error) {
	p, diags := pluginspec.Parse("plugin.yaml", []byte(spec))
	if diags.HasErrors() {
		return nil, diags
	}
	return &Cloud{plugin: p, objects: map[string]*Object{}}, nil
}

// Objects returns what exists, by id.
func (c *Cloud) Objects() []Object {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Object
	for _, o := range c.objects {
		out = append(out, *o)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

// Calls returns the mutating calls carried out so far, "create a.b", in order.
func (c *Cloud) Calls() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.calls...)
}

// Change alters an object behind the engine's back; nil removes it.
func (c *Cloud) Change(id string, change func(map[string]cty.Value) map[string]cty.Value) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.objects[id]
	values := change(o.Values.AsValueMap())
	if values == nil {
		delete(c.objects, id)
		return
	}
	o.Values = cty.ObjectVal(values)
}

// Types returns the served types.
func (c *Cloud) Types() map[string]*pluginspec.Type { return c.plugin.Types }

// Steps returns the served pipeline steps.
func (c *Cloud) Steps() map[string]*pluginspec.Step { return c.plugin.Steps }

// Identity says who the caller is: always the same.
func (c *Cloud) Identity(context.Context, string) (*wire.CloudIdentity, []*wire.Diagnostic, error) {
	return &wire.CloudIdentity{Zone: "zone-1", ZoneId: "z1", AccountId: "a1", DomainId: "d1", Role: "DomainAdmin", MayExpunge: !c.MayNotExpunge}, nil, nil
}

// Read answers from memory.
func (c *Cloud) Read(_ context.Context, in *wire.ReadRequest) ([]*wire.ReadReply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ty := c.plugin.Types[in.GetType()].ImpliedType()
	var out []*wire.ReadReply
	for _, item := range in.GetItems() {
		o, ok := c.objects[item.GetId()]
		if !ok {
			out = append(out, &wire.ReadReply{Ref: item.GetRef(), State: wire.ReadReply_GONE})
			continue
		}
		prior, err := wire.UnmarshalValue(item.GetPrior(), ty)
		if err != nil {
			return nil, err
		}
		v, err := wire.MarshalValue(c.spoken(in.GetType(), prior, o.Values), ty)
		if err != nil {
			return nil, err
		}
		out = append(out, &wire.ReadReply{Ref: item.GetRef(), Value: v})
	}
	return out, nil
}

// spoken leaves out what the stack does not speak of, as plugins do.
func (c *Cloud) spoken(typ string, prior, now cty.Value) cty.Value {
	if prior.IsNull() {
		return now
	}
	values := now.AsValueMap()
	for _, a := range c.plugin.Types[typ].Attributes {
		if !a.Computed && prior.GetAttr(a.Name).IsNull() {
			values[a.Name] = cty.NullVal(a.Type)
		}
		if a.Field == "-" { // the cloud does not tell it
			values[a.Name] = prior.GetAttr(a.Name)
		}
	}
	return cty.ObjectVal(values)
}

// Find lists the objects of a type; a query names attribute values.
func (c *Cloud) Find(_ context.Context, in *wire.FindRequest) ([]*wire.FindReply_Found, []*wire.Diagnostic, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var query map[string]any
	if err := json.Unmarshal(in.GetQuery(), &query); err != nil {
		return nil, nil, err
	}
	t := c.plugin.Types[in.GetType()]
	var out []*wire.FindReply_Found
	for _, o := range c.objects {
		if o.Type != in.GetType() {
			continue
		}
		plain, err := ctyjson.Marshal(o.Values, o.Values.Type())
		if err != nil {
			return nil, nil, err
		}
		var fields map[string]any
		if err := json.Unmarshal(plain, &fields); err != nil {
			return nil, nil, err
		}
		if !agrees(fields, query) {
			continue
		}
		v, err := wire.MarshalValue(o.Values, t.ImpliedType())
		if err != nil {
			return nil, nil, err
		}
		name, _ := fields["name"].(string)
		out = append(out, &wire.FindReply_Found{Id: o.ID, Name: name, Value: v, Object: plain})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].GetId() < out[j].GetId() })
	return out, nil, nil
}

func agrees(fields, query map[string]any) bool {
	for k, v := range query {
		if fmt.Sprint(fields[k]) != fmt.Sprint(v) {
			return false
		}
	}
	return true
}

// Settle finds what open calls made by the operation that marks it, once they
// are over.
func (c *Cloud) Settle(ctx context.Context, in *wire.SettleRequest) (*wire.SettleReply, error) {
	for _, call := range in.GetCalls() {
		if call.GetState() != wire.Call_OPEN || c.GoesOn == nil {
			continue
		}
		select {
		case <-c.GoesOn(call.GetCommand()):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	out := &wire.SettleReply{}
	for _, call := range in.GetCalls() {
		if call.GetState() != wire.Call_OPEN {
			out.Calls = append(out.Calls, call)
			continue
		}
		call.State = wire.Call_ABSENT
		for _, o := range c.objects {
			if o.ID == call.GetId() || o.Marker == string(call.GetIdentity()) && call.GetCommand() == "create" {
				call.State, call.Id = wire.Call_DONE, o.ID
			}
		}
		out.Calls = append(out.Calls, call)
	}
	return out, nil
}

// Check finds nothing wrong.
func (c *Cloud) Check(context.Context, *wire.CheckRequest) (*wire.CheckReply, error) {
	return &wire.CheckReply{}, nil
}

// Plan refines nothing.
func (c *Cloud) Plan(context.Context, *wire.PlanRequest) (*wire.PlanReply, error) {
	return &wire.PlanReply{}, nil
}

// Apply carries out one operation as a real plugin would: intent, call,
// checkpoint, result.
func (c *Cloud) Apply(ctx context.Context, in *wire.Start, j pluginhost.Journal) (*wire.Result, error) {
	a := &application{cloud: c, in: in, journal: j}
	id := ""
	ty := c.plugin.Types[in.GetType()].ImpliedType()
	if in.GetPrior() != nil {
		prior, err := wire.UnmarshalValue(in.GetPrior(), ty)
		if err != nil {
			return nil, err
		}
		if known := prior.GetAttr("id"); !known.IsNull() {
			id = known.AsString()
		}
	}
	if id == "" {
		id = made(in)
	}
	switch in.GetOp() {
	case wire.Op_CREATE:
		return a.create(ctx, ty)
	case wire.Op_UPDATE:
		return a.update(ctx, ty, id)
	case wire.Op_DELETE:
		if c.Later != nil && c.Later(in.GetAddress()) {
			return &wire.Result{Status: wire.Result_PARTIAL, Diagnostics: []*wire.Diagnostic{{
				Severity: wire.Diagnostic_WARNING, Summary: "Waiting for expunge", Detail: "Machines are in its way.",
			}}}, nil
		}
		return a.remove(ctx, id)
	}
	return a.prune(ctx, ty, id)
}

// made is the id of the object that an interrupted run made, "" if it made none.
func made(in *wire.Start) string {
	for _, c := range in.GetResume() {
		if c.GetKey() == "create" && c.GetState() == wire.Call_DONE {
			return c.GetId()
		}
	}
	return ""
}

type application struct {
	cloud   *Cloud
	in      *wire.Start
	journal pluginhost.Journal
}

// call announces and carries out one mutating call.
func (a *application) call(ctx context.Context, command, id string, act func() string) (string, error) {
	if err := a.hook(BeforeIntent, command); err != nil {
		return "", err
	}
	call := &wire.Call{Key: command, Command: command, Id: id, Identity: []byte(a.in.GetOperation())}
	if err := a.journal.Intent(ctx, call); err != nil {
		return "", err
	}
	if err := a.hook(BeforeCall, command); err != nil {
		return "", err
	}
	a.cloud.mu.Lock()
	a.cloud.calls = append(a.cloud.calls, command+" "+a.in.GetAddress())
	id = act()
	a.cloud.mu.Unlock()
	if err := a.hook(AfterCall, command); err != nil {
		return "", err
	}
	call.Id, call.State = id, wire.Call_DONE
	if err := a.journal.Checkpoint(ctx, call); err != nil {
		return "", err
	}
	return id, a.hook(AfterJob, command)
}

func (a *application) hook(m Moment, command string) error {
	a.cloud.mu.Lock()
	hook := a.cloud.Hook
	a.cloud.mu.Unlock()
	if hook == nil {
		return nil
	}
	return hook(m, a.in.GetAddress(), command)
}

// setHook changes the hook while the cloud is at work.
func (c *Cloud) setHook(hook func(Moment, string, string) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Hook = hook
}

// refused turns an error that is not a kill into a result, as plugins do.
func refused(err error) (*wire.Result, error) {
	if errors.Is(err, ErrKilled) {
		return nil, err
	}
	return &wire.Result{Status: wire.Result_PARTIAL, Diagnostics: []*wire.Diagnostic{wire.Failure("", "Call refused", err.Error())}}, nil
}

func (a *application) create(ctx context.Context, ty cty.Type) (*wire.Result, error) {
	planned, err := wire.UnmarshalValue(a.in.GetPlanned(), ty)
	if err != nil {
		return nil, err
	}
	if id := made(a.in); id != "" {
		return a.answer(ty, id)
	}
	id, err := a.call(ctx, "create", "", func() string {
		a.cloud.serial++
		id := fmt.Sprintf("id-%d", a.cloud.serial)
		a.cloud.objects[id] = &Object{ID: id, Type: a.in.GetType(), Marker: a.in.GetOperation(), Values: decided(planned, id)}
		return id
	})
	if err != nil {
		return refused(err)
	}
	return a.answer(ty, id)
}

// decided fills in what the cloud decides.
func decided(planned cty.Value, id string) cty.Value {
	values := planned.AsValueMap()
	for name, v := range values {
		if !v.IsKnown() && v.Type() == cty.String {
			values[name] = cty.StringVal("decided")
		} else if !v.IsKnown() {
			values[name] = cty.NullVal(v.Type())
		}
	}
	values["id"] = cty.StringVal(id)
	return cty.ObjectVal(values)
}

func (a *application) update(ctx context.Context, ty cty.Type, id string) (*wire.Result, error) {
	planned, err := wire.UnmarshalValue(a.in.GetPlanned(), ty)
	if err != nil {
		return nil, err
	}
	if _, err := a.call(ctx, "update", id, func() string {
		a.cloud.objects[id].Values = decided(planned, id)
		return id
	}); err != nil {
		return refused(err)
	}
	return a.answer(ty, id)
}

func (a *application) remove(ctx context.Context, id string) (*wire.Result, error) {
	if _, err := a.call(ctx, "delete", id, func() string {
		delete(a.cloud.objects, id)
		return id
	}); err != nil {
		return refused(err)
	}
	return &wire.Result{Status: wire.Result_GONE}, nil
}

func (a *application) prune(ctx context.Context, ty cty.Type, id string) (*wire.Result, error) {
	if _, err := a.call(ctx, "prune", id, func() string { return id }); err != nil {
		return refused(err)
	}
	return a.answer(ty, id)
}

func (a *application) answer(ty cty.Type, id string) (*wire.Result, error) {
	a.cloud.mu.Lock()
	defer a.cloud.mu.Unlock()
	v, err := wire.MarshalValue(a.cloud.objects[id].Values, ty)
	if err != nil {
		return nil, err
	}
	return &wire.Result{Value: v}, nil
}

// Seed puts an object into the cloud that the engine did not make. Attributes
// not given are null.
func (c *Cloud) Seed(typ, id string, values map[string]cty.Value) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]cty.Value{}
	for name, ty := range c.plugin.Types[typ].ImpliedType().AttributeTypes() {
		all[name] = cty.NullVal(ty)
	}
	for name, v := range values {
		all[name] = v
	}
	all["id"] = cty.StringVal(id)
	c.objects[id] = &Object{ID: id, Type: typ, Values: cty.ObjectVal(all)}
}

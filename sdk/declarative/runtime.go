package declarative

import (
	"fmt"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/apitable"
	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// Runtime carries out the verbs of one plugin.yaml. It is safe for concurrent
// use.
type Runtime struct {
	plugin    *pluginspec.Plugin
	table     *apitable.Table
	tableErr  error
	templates *templates
	stock     *stock
}

// New returns a runtime for a parsed plugin.yaml.
func New(plugin *pluginspec.Plugin) *Runtime {
	table, err := apitable.Load()
	return &Runtime{plugin: plugin, table: table, tableErr: err, templates: &templates{}, stock: &stock{free: map[string][]string{}}}
}

// operation is one request under way.
type operation struct {
	*Runtime
	Request
	typ     *pluginspec.Type
	id      string
	private private
	roots   roots
	// plan is what was planned, and self the object as it is known so far: the
	// plan with what the cloud has said since.
	plan      cty.Value
	self      cty.Value
	object    cloudstack.Object
	attempted bool  // a mutating call was handed to the client
	stale     bool  // the answers do not show the object as it is now
	halted    *halt // the machine that is stopped for a change; nil: none

	guard sync.Mutex // guards private and sent while children are under way
	sent  int        // mutating calls that succeeded
}

// begin prepares an operation on the object that self describes.
func (rt *Runtime) begin(req Request, self cty.Value) (*operation, error) {
	if rt.tableErr != nil {
		return nil, rt.tableErr
	}
	if req.Progress == nil {
		req.Progress = func(string, ...any) {}
	}
	p, err := parsePrivate(req.Private)
	if err != nil {
		return nil, fmt.Errorf("private data of %s: %w", req.Address, err)
	}
	self, _ = self.UnmarkDeep()
	o := &operation{Runtime: rt, Request: req, typ: req.Type, private: p, plan: self, self: self}
	o.roots = roots{
		"cloud":     cloudValue(req.Identity),
		"lookup":    lookupValue(req.Lookups),
		"operation": cty.StringVal(req.Operation),
		"stack":     cty.StringVal(req.Stack),
	}.with("self", self).with("config", req.Config)
	if known(req.Prior) {
		o.Prior, _ = req.Prior.UnmarkDeep()
		o.roots = o.roots.with("prior", o.Prior)
		o.id = textOf(valueOf(o.Prior, "id"))
	}
	if o.id == "" {
		o.id = req.Resume[createKey].ID
	}
	return o, nil
}

// ownID is the object's id as the API's calls take it: without what it belongs
// to.
func (o *operation) ownID() string { return o.id[strings.LastIndexByte(o.id, '/')+1:] }

// learn takes what an answer says of the object.
func (o *operation) learn(object cloudstack.Object) error {
	if id := nameOf(object, o.typ.IDField()); id != "" {
		o.id = id
	}
	if o.object == nil {
		o.object = cloudstack.Object{}
	}
	for field, v := range object {
		o.object[field] = v
	}
	return o.refreshSelf(false)
}

// refreshSelf fills what is not known yet in self from the object. What the
// answers so far do not show stays unknown until the last of them is in.
func (o *operation) refreshSelf(last bool) error {
	v, err := o.promised(o.object, last)
	if err != nil {
		return err
	}
	o.self = v
	o.roots = o.roots.with("self", v).with("response", objectValue(o.object))
	return nil
}

// promised is the planned value with what was left open filled in from an
// object: an answer may refine a plan, never depart from it.
func (o *operation) promised(object cloudstack.Object, last bool) (cty.Value, error) {
	d := &decoder{templates: o.templates, object: object, roots: o.roots.with("self", o.self)}
	attrs := map[string]cty.Value{}
	for _, a := range o.typ.Attributes {
		was := valueOf(o.plan, a.Name)
		refreshed := a.Volatile && a.Computed && len(object) > 0
		if was != cty.NilVal && was.IsWhollyKnown() && !refreshed {
			attrs[a.Name] = was
			continue
		}
		v, err := d.attribute(a, was)
		if err != nil {
			return cty.NilVal, fmt.Errorf("read %s of %s: attribute %s: %w", o.typ.Name, o.Address, a.Name, err)
		}
		if v.IsNull() && !last && was != cty.NilVal {
			v = was
		}
		attrs[a.Name] = v
	}
	if o.id != "" {
		attrs["id"] = cty.StringVal(o.id)
	}
	return withBlocks(o.typ, attrs, o.self), nil
}

// withBlocks completes the attributes to a value of the type, with the blocks
// of base.
func withBlocks(t *pluginspec.Type, attrs map[string]cty.Value, base cty.Value) cty.Value {
	implied := t.ImpliedType()
	for _, b := range t.Blocks {
		if v := valueOf(base, b.Name); v != cty.NilVal {
			attrs[b.Name] = v
			continue
		}
		attrs[b.Name] = emptyBlocks(implied.AttributeType(b.Name))
	}
	return cty.ObjectVal(attrs)
}

// emptyBlocks is the value of a block that does not stand.
func emptyBlocks(ty cty.Type) cty.Value {
	switch {
	case ty.IsListType():
		return cty.ListValEmpty(ty.ElementType())
	case ty.IsSetType():
		return cty.SetValEmpty(ty.ElementType())
	case ty.IsMapType():
		return cty.MapValEmpty(ty.ElementType())
	case ty.IsTupleType():
		return cty.EmptyTupleVal
	}
	return cty.NullVal(ty)
}

// known tells a value that says something from an absent one.
func known(v cty.Value) bool { return v != cty.NilVal && !v.IsNull() && v.IsKnown() }

// textOf is a text value, "" when it is absent.
func textOf(v cty.Value) string {
	if !known(v) || v.Type() != cty.String {
		return ""
	}
	v, _ = v.Unmark()
	return v.AsString()
}

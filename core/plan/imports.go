package plan

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

// imports takes over, in memory, every object that an import block names and
// the state does not hold yet.
func (m *maker) imports(ctx context.Context) hcl.Diagnostics {
	var diags hcl.Diagnostics
	byID := map[kindID]string{}
	for _, row := range m.sorted() {
		byID[kindID{row.Cloud, row.Type, row.ID}] = row.Addr
	}
	for _, i := range m.in.Stack.Imports {
		if !m.part.has(i.To) {
			continue
		}
		if row := m.objects[state.Key{Addr: i.To.String()}]; row != nil {
			diags = append(diags, m.importedBefore(i, row)...)
			continue
		}
		r, t, more := m.importTarget(i)
		diags = append(diags, more...)
		if more.HasErrors() {
			continue
		}
		id, more := m.importID(ctx, i, r, t)
		diags = append(diags, more...)
		if more.HasErrors() {
			continue
		}
		key := kindID{r.Cloud, t.Name, id}
		if other, ok := byID[key]; ok {
			diags = append(diags, diag.Errorf(&i.Range, "Object is in the stack already",
				"The %s %s is %s already, so it cannot be %s as well. To rename it, write a moved block.", words(t.Name), id, other, i.To))
			continue
		}
		byID[key] = i.To.String()
		diags = append(diags, m.adopt(ctx, i, r, t, id)...)
	}
	return diags
}

// kindID names an object of a cloud.
type kindID struct{ cloud, typ, id string }

// importedBefore checks an import that was carried out: a block that names
// another object than it did is a mistake, not a wish.
func (m *maker) importedBefore(i *spec.Import, row *state.Object) hcl.Diagnostics {
	if i.ID == nil {
		return nil
	}
	id, diags := m.importText(i.ID, "id")
	if diags.HasErrors() || id == row.ID {
		return diags
	}
	return append(diags, diag.Errorf(i.ID.Range().Ptr(), "Address is taken",
		"%s is the %s %s already, so %s cannot be imported to it. Import it to another address, or remove the import block.", i.To, words(row.Type), row.ID, id))
}

// importTarget finds the block that an object is imported to.
func (m *maker) importTarget(i *spec.Import) (*spec.Resource, *pluginspec.Type, hcl.Diagnostics) {
	r := m.config.block(i.To.Resource)
	if r == nil {
		var names []string
		for _, other := range m.config.blocks() {
			names = append(names, other.Addr.String())
		}
		return nil, nil, hcl.Diagnostics{diag.Errorf(i.ToRange.Ptr(), "Nothing to import to",
			"The stack has no block %s.%s An object is imported to a block that describes it: write resource %q %q { ... }, or let `moldctl plan --generate-config FILE.hcl` write it.",
			i.To.Resource, diag.DidYouMean(i.To.Resource.String(), names), i.To.Resource.Type, i.To.Resource.Name)}
	}
	_, isInt := i.To.Key.Int()
	_, isText := i.To.Key.Text()
	want := ""
	switch {
	case r.Count != nil && !isInt:
		want = i.To.Resource.String() + "[0]"
	case r.ForEach != nil && !isText:
		want = i.To.Resource.String() + "[\"KEY\"]"
	case r.Count == nil && r.ForEach == nil && !i.To.Key.IsNone():
		want = i.To.Resource.String()
	}
	if want != "" {
		return nil, nil, hcl.Diagnostics{diag.Errorf(i.ToRange.Ptr(), "Nothing to import to", "There is no %s; write %s.", i.To, want)}
	}
	t := m.in.Host.Types()[r.Addr.Type]
	return r, t, nil
}

// importText evaluates the id or name of an import, which must be known.
func (m *maker) importText(expr hcl.Expression, what string) (string, hcl.Diagnostics) {
	v, diags := m.config.scope.Value(expr, cty.String)
	if diags.HasErrors() {
		return "", diags
	}
	v, _ = v.Unmark()
	if !v.IsKnown() || v.IsNull() || strings.TrimSpace(v.AsString()) == "" {
		return "", append(diags, diag.Errorf(expr.Range().Ptr(), "Invalid import", "The %s of the object to import must be a text that is known before anything is planned.", what))
	}
	return v.AsString(), diags
}

// importID finds out which object is meant.
func (m *maker) importID(ctx context.Context, i *spec.Import, r *spec.Resource, t *pluginspec.Type) (string, hcl.Diagnostics) {
	if i.ID != nil {
		return m.importText(i.ID, "id")
	}
	name, diags := m.importText(i.Name, "name")
	if diags.HasErrors() {
		return "", diags
	}
	subject := i.Name.Range().Ptr()
	if t.Find == nil {
		return "", append(diags, diag.Errorf(subject, "Names cannot be looked up", "Objects of the type %q cannot be found by name. Give the id.", t.Name))
	}
	found, more := findAll(ctx, m.in.Host, t, r.Cloud, map[string]any{"name": name}, subject)
	diags = append(diags, more...)
	if more.HasErrors() {
		return "", diags
	}
	matches := matching(found, name)
	switch len(matches) {
	case 1:
		return matches[0].GetId(), diags
	case 0:
		all, err := m.resolver.all(ctx, r.Cloud, t.Name)
		if err != nil {
			return "", append(diags, lookupFailed(t.Name, err, subject))
		}
		return "", append(diags, notFound(t.Name, name, all, subject))
	}
	return "", append(diags, ambiguous(t.Name, name, matches, subject))
}

// adopt reads the object and makes it a row as if it had been created here.
func (m *maker) adopt(ctx context.Context, i *spec.Import, r *spec.Resource, t *pluginspec.Type, id string) hcl.Diagnostics {
	subject := i.Range.Ptr()
	row := &state.Object{
		Key: state.Key{Addr: i.To.String()}, Type: t.Name, Status: state.OK, ID: id, Cloud: r.Cloud,
		Plugin: t.Plugin, SchemaVersion: t.Schema,
	}
	replies, err := m.read(ctx, &batch{typ: t.Name, cloud: r.Cloud, rows: []*state.Object{row}})
	if err == nil && len(replies) != 1 {
		err = fmt.Errorf("the plugin %q gave %d answers about one object", t.Plugin, len(replies))
	}
	if err != nil {
		return hcl.Diagnostics{diag.Errorf(subject, "Object cannot be read", "The %s %s cannot be imported to %s: %v. Nothing was changed.", words(t.Name), id, i.To, err)}
	}
	reply := replies[0]
	if reply.GetState() == wire.ReadReply_GONE || reply.GetState() == wire.ReadReply_NOT_VISIBLE {
		return hcl.Diagnostics{diag.Errorf(subject, "No such object to import",
			"The cloud has no %s with the id %q that you may see, so nothing can be imported to %s. Check the id, the zone, the account and the project.", words(t.Name), id, i.To)}
	}
	diags := diag.WithAddresses(Problems(reply.GetDiagnostics(), subject, nil), i.To.String())
	if diags.HasErrors() {
		return diags
	}
	drifted := len(m.drift)
	diags = append(diags, m.update(t, row, reply)...)
	m.drift = m.drift[:drifted] // everything differs from nothing
	if adopted := m.objects[row.Key]; adopted != nil {
		m.adopted[i.To] = i
		return diags
	}
	return append(diags, diag.Errorf(subject, "No such object to import", "The plugin %q said nothing about the %s %s. This is a bug in the plugin.", t.Plugin, words(t.Name), id))
}

// silence leaves out of an imported object what its block does not speak of,
// as reading an object of one's own does: that the cloud gave it an account or
// a description is no wish to take them away.
func (m *maker) silence(s *subjectOf, exists, desired cty.Value) (cty.Value, error) {
	shaped := silent(s.t.Attributes, s.t.Blocks, exists, desired)
	data, secret, err := EncodeValues(s.t, shaped)
	if err != nil {
		return exists, err
	}
	row := *s.row
	row.Values, row.SensitivePaths = data, secret
	s.row, s.prior = &row, shaped
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settled = append(m.settled, state.Put{Key: row.Key, Object: &row})
	return shaped, nil
}

func silent(attrs []*pluginspec.Attribute, blocks []*pluginspec.Block, exists, desired cty.Value) cty.Value {
	plain, marks := exists.Unmark()
	wanted, _ := desired.Unmark()
	if plain.IsNull() || !plain.IsKnown() || wanted.IsNull() || !wanted.IsKnown() {
		return exists
	}
	out := plain.AsValueMap()
	for _, a := range attrs {
		given, _ := wanted.GetAttr(a.Name).Unmark()
		switch {
		case given.IsNull() && !a.Computed:
			out[a.Name] = cty.NullVal(out[a.Name].Type())
		case a.Field == "-" && given.IsKnown():
			// The cloud does not tell it: the block is believed.
			out[a.Name] = wanted.GetAttr(a.Name)
		}
	}
	for _, b := range blocks {
		given, _ := wanted.GetAttr(b.Name).Unmark()
		switch {
		case empty(given) && given.Type().Equals(out[b.Name].Type()):
			out[b.Name] = given
		case b.Nesting == pluginspec.Single:
			out[b.Name] = silent(b.Attributes, b.Blocks, out[b.Name], given)
		}
	}
	return cty.ObjectVal(out).WithMarks(marks)
}

// strayImports finds imports to instances that the stack turned out not to
// have: they would be deleted at once.
func (m *maker) strayImports() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for inst, i := range m.adopted {
		if m.wanted[inst.String()] {
			continue
		}
		var have []string
		for _, s := range m.forward[inst.Resource] {
			have = append(have, s.Instance.String())
		}
		sort.Strings(have)
		detail := fmt.Sprintf("%s has no instance %s.", inst.Resource, inst)
		if len(have) > 0 {
			detail += " There are: " + diag.List(have) + "."
		}
		diags = append(diags, diag.Error(i.ToRange.Ptr(), "Nothing to import to", detail))
	}
	return diags
}

// importReferences resolves what the import blocks refer to: only what is
// known before anything is planned.
func (c *Config) importReferences() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, i := range c.Stack.Imports {
		for _, expr := range []hcl.Expression{i.ID, i.Name} {
			if expr == nil {
				continue
			}
			w := &walker{c: c}
			refs, more := c.names.Resolve(expr.Variables(), eval.Allowed{})
			deps, followed := w.follow(refs)
			diags = append(append(diags, more...), followed...)
			if len(deps) > 0 {
				diags = append(diags, diag.Errorf(expr.Range().Ptr(), "Invalid import",
					"What is imported must be known before anything is planned, so it cannot rest on %s. Use a variable, or write the id.", deps[0]))
			}
		}
	}
	return diags
}

package plan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec/addr"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

// upgradeAtOnce is how many objects a plugin is asked to upgrade in one message.
const upgradeAtOnce = 200

// upgradeRows brings rows of older schemas up to date, in memory; they are
// written with what else is settled.
func (m *maker) upgradeRows(ctx context.Context) hcl.Diagnostics {
	var diags hcl.Diagnostics
	var batches []upgradeBatch
	byCode := map[upgradeBatch][]*state.Object{}
	for _, row := range m.sorted() {
		t := m.in.Host.Types()[row.Type]
		switch {
		case t == nil || row.SchemaVersion == t.Schema:
			continue
		case row.SchemaVersion > t.Schema:
			diags = append(diags, diag.Errorf(nil, "Plugin is too old",
				"%s was written by a newer version of the plugin %q (schema %d; this one knows %d). Update moldctl.", row.Addr, row.Plugin, row.SchemaVersion, t.Schema))
			continue
		case t.Upgrade && len(row.Values) > 0:
			b := upgradeBatch{t, row.SchemaVersion}
			if byCode[b] == nil {
				batches = append(batches, b)
			}
			byCode[b] = append(byCode[b], row)
			continue
		}
		fresh, err := upgraded(t, row)
		if err != nil {
			diags = append(diags, m.notUpgraded(t, row, err))
			continue
		}
		m.put(row.Key, fresh)
	}
	for _, b := range batches {
		for part := range slices.Chunk(byCode[b], upgradeAtOnce) {
			diags = append(diags, m.upgradeByCode(ctx, b, part)...)
		}
	}
	return diags
}

// upgradeBatch is what code upgrades in one go: objects of one type that one
// schema stored.
type upgradeBatch struct {
	typ    *pluginspec.Type
	schema int
}

func (m *maker) notUpgraded(t *pluginspec.Type, row *state.Object, err error) *hcl.Diagnostic {
	return diag.Errorf(m.subject(row.Addr), "Stored object cannot be brought up to date",
		"%s was stored by schema %d of %q, and the plugin %q has schema %d now: %v. Use the plugin that stored it.", row.Addr, row.SchemaVersion, t.Name, t.Plugin, t.Schema, err)
}

// upgradeByCode has the plugin bring rows up to date.
func (m *maker) upgradeByCode(ctx context.Context, b upgradeBatch, rows []*state.Object) hcl.Diagnostics {
	in := &wire.UpgradeRequest{Type: b.typ.Name, Schema: int32(b.schema)} //nolint:gosec // versions are small
	for _, row := range rows {
		in.Objects = append(in.Objects, &wire.Stored{Address: row.Addr, Id: row.ID, Values: row.Values, Private: row.Private})
	}
	reply, err := m.in.Host.Upgrade(ctx, in)
	if err != nil {
		return hcl.Diagnostics{m.notUpgraded(b.typ, rows[0], err)}
	}
	var diags hcl.Diagnostics
	for i, row := range rows {
		one := reply.GetObjects()[i]
		if said := one.GetDiagnostics(); len(said) > 0 {
			more := diag.WithAddresses(Problems(said, m.subject(row.Addr), nil), row.Addr)
			if diags = append(diags, more...); more.HasErrors() {
				continue
			}
		}
		fresh, err := takeUpgraded(b.typ, row, one)
		if err != nil {
			diags = append(diags, m.notUpgraded(b.typ, row, err))
			continue
		}
		m.put(row.Key, fresh)
	}
	return diags
}

// takeUpgraded is a row with what code made of its values. What the stack made
// a secret stays one: nobody can tell what became of it, so all that a stack
// gives is one, until the plan says anew what is.
func takeUpgraded(t *pluginspec.Type, row *state.Object, one *wire.Upgraded) (*state.Object, error) {
	fresh := renamedRow(t, row)
	fresh.Private = one.GetPrivate()
	v, err := wire.UnmarshalValue(one.GetValue(), t.ImpliedType())
	if err != nil {
		return nil, err
	}
	if v.IsNull() || !v.IsWhollyKnown() {
		return nil, errors.New("its code answers without the values")
	}
	known := schemaSecrets(t)
	if slices.ContainsFunc(fresh.SensitivePaths, func(path string) bool { return !slices.Contains(known, path) }) {
		fresh.SensitivePaths = given(t)
	}
	fresh.Values, fresh.SensitivePaths, err = EncodeValues(t, MarkPaths(v, fresh.SensitivePaths))
	return fresh, err
}

// given are the attributes and blocks of a type that a stack may give.
func given(t *pluginspec.Type) []string {
	var out []string
	for _, a := range t.Attributes {
		if !a.Computed || a.Optional {
			out = append(out, a.Name)
		}
	}
	for _, b := range t.Blocks {
		out = append(out, b.Name)
	}
	return out
}

// upgraded is a row as the type's schema has it now: attributes under their
// new names, without those that went, converted where their type changed. The
// row may be of another type that this one accepts.
func upgraded(t *pluginspec.Type, row *state.Object) (*state.Object, error) {
	fresh := renamedRow(t, row)
	if len(row.Values) == 0 {
		return fresh, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(row.Values, &members); err != nil {
		return nil, err
	}
	types := t.ImpliedType().AttributeTypes()
	values := make(map[string]cty.Value, len(types))
	for name, want := range types {
		values[name] = cty.NullVal(want)
	}
	for name, text := range members {
		now := name
		if to, ok := t.Renamed[name]; ok {
			now = to
		}
		want, ok := types[now]
		if !ok {
			continue // the schema has it no longer
		}
		v, err := convertStored(text, want)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		values[now] = v
	}
	var err error
	fresh.Values, fresh.SensitivePaths, err = EncodeValues(t, MarkPaths(cty.ObjectVal(values), fresh.SensitivePaths))
	return fresh, err
}

// renamedRow is a row as one of the type's schema, but for its values: paths
// have the names that the attributes have now.
func renamedRow(t *pluginspec.Type, row *state.Object) *state.Object {
	fresh := *row
	fresh.Type, fresh.Plugin, fresh.SchemaVersion = t.Name, t.Plugin, t.Schema
	rename := func(path string) string {
		first, rest, deeper := strings.Cut(path, ".")
		first, index, indexed := strings.Cut(first, "[")
		if now, ok := t.Renamed[first]; ok {
			first = now
		}
		if indexed {
			first += "[" + index
		}
		if deeper {
			first += "." + rest
		}
		return first
	}
	fresh.Lookups = make(map[string]state.Lookup, len(row.Lookups))
	for path, l := range row.Lookups {
		fresh.Lookups[rename(path)] = l
	}
	fresh.SensitivePaths = nil
	for _, path := range row.SensitivePaths {
		fresh.SensitivePaths = append(fresh.SensitivePaths, rename(path))
	}
	return &fresh
}

// convertStored reads a stored value of a type that may have changed since.
func convertStored(text []byte, want cty.Type) (cty.Value, error) {
	v, err := decodeJSON(text, want)
	if err == nil {
		return v, nil
	}
	was, implied := ctyjson.ImpliedType(text)
	if implied != nil {
		return cty.NilVal, implied
	}
	if v, implied = ctyjson.Unmarshal(text, was); implied != nil {
		return cty.NilVal, err
	}
	if v, implied = convert.Convert(v, want); implied != nil {
		return cty.NilVal, implied
	}
	return v, nil
}

// accepted tells whether a moved block leads an object of one type to a block of
// another that takes it over.
func (m *maker) accepted(row *state.Object) bool {
	inst, err := addr.ParseInstance(row.Addr)
	if err != nil || m.in.Destroy || m.in.RefreshOnly {
		return false
	}
	end, _ := m.config.moves.follow(inst)
	t := m.in.Host.Types()[end.Resource.Type]
	return t != nil && slices.Contains(t.Accepts, row.Type)
}

package plan

import (
	"encoding/json"
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
)

// upgradeRows brings rows of older schemas up to date, in memory; they are
// written with what else is settled.
func (m *maker) upgradeRows() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, row := range m.sorted() {
		t := m.in.Host.Types()[row.Type]
		if t == nil || row.SchemaVersion >= t.Schema {
			continue
		}
		fresh, err := upgraded(t, row)
		if err != nil {
			diags = append(diags, diag.Errorf(m.subject(row.Addr), "Stored object cannot be brought up to date",
				"%s was stored by schema %d of %q, and the plugin %q has schema %d now: %v. Use the plugin that stored it.", row.Addr, row.SchemaVersion, t.Name, t.Plugin, t.Schema, err))
			continue
		}
		m.put(row.Key, fresh)
	}
	return diags
}

// upgraded is a row as the type's schema has it now: attributes under their
// new names, without those that went, converted where their type changed. The
// row may be of another type that this one accepts.
func upgraded(t *pluginspec.Type, row *state.Object) (*state.Object, error) {
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
	if len(row.Values) == 0 {
		return &fresh, nil
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
		now := rename(name)
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
	return &fresh, err
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

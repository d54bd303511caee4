package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// EncodeValues writes an object's values for the state and lists the paths
// that are sensitive, by mark or by schema. Values not known become null, and so
// do those that are only to be written: Prints keeps what is needed of them.
func EncodeValues(t *pluginspec.Type, v cty.Value) ([]byte, []string, error) {
	plain, _ := v.UnmarkDeep()
	plain = withoutWriteOnly(t, plain)
	known, err := cty.Transform(plain, func(_ cty.Path, v cty.Value) (cty.Value, error) {
		if !v.IsKnown() {
			return cty.NullVal(v.Type()), nil
		}
		return v, nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("encode %s: %w", t.Name, err)
	}
	data, err := ctyjson.Marshal(known, t.ImpliedType())
	if err != nil {
		return nil, nil, fmt.Errorf("encode %s: %w", t.Name, err)
	}
	return data, SensitivePaths(t, v), nil
}

// SensitivePaths lists, sorted, the paths of a value that are sensitive, by
// mark or by schema.
func SensitivePaths(t *pluginspec.Type, v cty.Value) []string {
	list := schemaSecrets(t)
	_, marks := v.UnmarkDeepWithPaths()
	for _, m := range marks {
		if _, secret := m.Marks[eval.Sensitive]; secret {
			list = append(list, pluginspec.FormatPath(m.Path))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// DecodeValues reads an object's values and marks what is sensitive.
func DecodeValues(t *pluginspec.Type, data []byte, sensitive []string) (cty.Value, error) {
	v, err := decodePlain(t, data)
	if err != nil {
		return cty.NilVal, err
	}
	return MarkPaths(v, append(schemaSecrets(t), sensitive...)), nil
}

// decodePlain reads an object's values without marks.
func decodePlain(t *pluginspec.Type, data []byte) (cty.Value, error) {
	ty := t.ImpliedType()
	if len(data) == 0 {
		return cty.NullVal(ty), nil
	}
	v, err := decodeJSON(data, ty)
	if err != nil {
		return cty.NilVal, fmt.Errorf("read the stored values of a %s: %w", t.Name, err)
	}
	return v, nil
}

// stored returns a row's values without marks. They are read once: a refresh
// needs them twice, and the walk again.
func (m *maker) stored(t *pluginspec.Type, row *state.Object) (cty.Value, error) {
	m.mu.Lock()
	v, ok := m.plain[row]
	m.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := decodePlain(t, row.Values)
	if err != nil {
		return cty.NilVal, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.plain == nil {
		m.plain = make(map[*state.Object]cty.Value, len(m.objects))
	}
	m.plain[row] = v
	return v, nil
}

// MarkPaths marks the values at the paths as sensitive.
func MarkPaths(v cty.Value, paths []string) cty.Value {
	if len(paths) == 0 || v.IsNull() || !v.IsKnown() {
		return v
	}
	secret := make(map[string]bool, len(paths))
	for _, p := range paths {
		secret[p] = true
	}
	out, err := cty.Transform(v, func(p cty.Path, v cty.Value) (cty.Value, error) {
		if len(p) > 0 && secret[pluginspec.FormatPath(p)] && !v.IsNull() {
			return v.Mark(eval.Sensitive), nil
		}
		return v, nil
	})
	if err != nil { // the callback returns none
		return v.Mark(eval.Sensitive)
	}
	return out
}

// schemaSecrets lists the paths of attributes declared sensitive at the top
// level or in single blocks. Items of other blocks have no fixed path: where
// one may hold a secret, all of the blocks are one.
func schemaSecrets(t *pluginspec.Type) []string {
	var out []string
	walkSingles(t.Attributes, t.Blocks, "", func(path string, a *pluginspec.Attribute) {
		if a.Sensitive || a.WriteOnly {
			out = append(out, path)
		}
	})
	return append(out, repeatedSecrets(t.Blocks, "")...)
}

func repeatedSecrets(blocks []*pluginspec.Block, prefix string) []string {
	var out []string
	for _, b := range blocks {
		switch {
		case b.Nesting == pluginspec.Single:
			out = append(out, repeatedSecrets(b.Blocks, prefix+b.Name+".")...)
		case holdsSecret(b):
			out = append(out, prefix+b.Name)
		}
	}
	return out
}

func holdsSecret(b *pluginspec.Block) bool {
	return slices.ContainsFunc(b.Attributes, func(a *pluginspec.Attribute) bool { return a.Sensitive || a.WriteOnly }) ||
		slices.ContainsFunc(b.Blocks, holdsSecret)
}

// walkSingles visits the attributes that stand at one fixed path: those of the
// type itself and of its single blocks.
func walkSingles(attrs []*pluginspec.Attribute, blocks []*pluginspec.Block, prefix string, visit func(string, *pluginspec.Attribute)) {
	for _, a := range attrs {
		visit(prefix+a.Name, a)
	}
	for _, b := range blocks {
		if b.Nesting == pluginspec.Single {
			walkSingles(b.Attributes, b.Blocks, prefix+b.Name+".", visit)
		}
	}
}

// at returns the value at a dotted path of attributes and single blocks; null
// or unknown on the way gives null or unknown.
func at(v cty.Value, path string) cty.Value {
	for name := range strings.SplitSeq(path, ".") {
		v, _ = v.Unmark()
		if !v.IsKnown() || v.IsNull() {
			return v
		}
		if !v.Type().IsObjectType() || !v.Type().HasAttribute(name) {
			return cty.NullVal(cty.DynamicPseudoType)
		}
		v = v.GetAttr(name)
	}
	return v
}

// with returns v with the value at a dotted path replaced.
func with(v cty.Value, path string, value cty.Value) cty.Value {
	plain, marks := v.Unmark()
	if !plain.IsKnown() || plain.IsNull() {
		return v
	}
	name, rest, deeper := strings.Cut(path, ".")
	attrs := plain.AsValueMap()
	if deeper {
		value = with(attrs[name], rest, value)
	}
	attrs[name] = value
	return cty.ObjectVal(attrs).WithMarks(marks)
}

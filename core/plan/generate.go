package plan

import (
	"context"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// Generate writes a resource block for every import whose block the stack does
// not have yet, from the object as the cloud describes it. Secrets are left
// out, with a comment in their place. It returns the addresses it wrote.
func Generate(ctx context.Context, in Input) (text []byte, wrote []string, diags hcl.Diagnostics) {
	m := &maker{
		in: in, config: NewConfig(in.Stack, in.Variables, in.Host.Types(), in.Host.Steps()), resolver: NewResolver(in.Host),
		objects: map[state.Key]*state.Object{}, adopted: map[addr.Instance]*spec.Import{},
	}
	file := hclwrite.NewEmptyFile()
	for _, i := range in.Stack.Imports {
		if m.config.block(i.To.Resource) != nil {
			continue
		}
		more := m.generate(ctx, i, file)
		if diags = append(diags, more...); !more.HasErrors() {
			wrote = append(wrote, i.To.String())
		}
	}
	if len(wrote) == 0 && !diags.HasErrors() {
		diags = append(diags, diag.Error(nil, "Nothing to write",
			"Every import block of the stack has a block to import to. Write an import block whose address has none."))
	}
	return hclwrite.Format(file.Bytes()), wrote, diags
}

// generate reads the object of one import and adds its block to the file.
func (m *maker) generate(ctx context.Context, i *spec.Import, file *hclwrite.File) hcl.Diagnostics {
	if !i.To.Key.IsNone() || i.To.Resource.Module != addr.Root {
		return hcl.Diagnostics{diag.Errorf(i.ToRange.Ptr(), "Nothing to import to",
			"A block can be written for a single object of the stack itself, and %s is none. Write its block by hand.", i.To)}
	}
	r := &spec.Resource{Addr: i.To.Resource, TypeRange: i.ToRange, Range: i.Range}
	if d := m.config.unknownType(r); d != nil {
		return hcl.Diagnostics{d}
	}
	t := m.in.Host.Types()[r.Addr.Type]
	id, diags := m.importID(ctx, i, r, t)
	if diags.HasErrors() {
		return diags
	}
	if more := m.adopt(ctx, i, r, t, id); more.HasErrors() {
		return append(diags, more...)
	}
	row := m.objects[state.Key{Addr: i.To.String()}]
	values, err := DecodeValues(t, row.Values, row.SensitivePaths)
	if err != nil {
		return append(diags, diag.FromError("Values of the object cannot be read", err)...)
	}
	if len(file.Body().Blocks()) > 0 {
		file.Body().AppendNewline()
	}
	block := file.Body().AppendNewBlock("resource", []string{r.Addr.Type, r.Addr.Name})
	m.describe(ctx, block.Body(), t.Attributes, t.Blocks, values)
	return diags
}

// describe writes what a block may say of an object: what is set, and not the
// cloud's own.
func (m *maker) describe(ctx context.Context, body *hclwrite.Body, attrs []*pluginspec.Attribute, blocks []*pluginspec.Block, v cty.Value) {
	for _, a := range attrs {
		value := child(v, a.Name, a.Type)
		plain, _ := value.UnmarkDeep()
		switch {
		case a.Computed && !a.Optional, a.Volatile, plain.IsNull(), !plain.IsWhollyKnown():
		case a.Sensitive || a.WriteOnly || value.ContainsMarked():
			body.AppendUnstructuredTokens(comment(fmt.Sprintf("# %s is a secret and is left out", a.Name)))
		case a.Default != nil && a.Default.Literal != cty.NilVal && same(a, a.Default.Literal, plain):
		default:
			body.SetAttributeValue(a.Name, m.named(ctx, a, plain))
		}
	}
	for _, b := range blocks {
		value, _ := child(v, b.Name, cty.DynamicPseudoType).Unmark()
		if value.IsNull() || !value.IsKnown() {
			continue
		}
		if b.Nesting == pluginspec.Single {
			m.describe(ctx, body.AppendNewBlock(b.Name, nil).Body(), b.Attributes, b.Blocks, value)
			continue
		}
		for it := value.ElementIterator(); it.Next(); {
			key, element := it.Element()
			var labels []string
			if b.Nesting == pluginspec.Map {
				labels = []string{key.AsString()}
			}
			m.describe(ctx, body.AppendNewBlock(b.Name, labels).Body(), b.Attributes, b.Blocks, element)
		}
	}
}

// named gives a looked-up object its name where that is unique: an id says
// nothing to a reader.
func (m *maker) named(ctx context.Context, a *pluginspec.Attribute, v cty.Value) cty.Value {
	if a.Lookup == "" || a.Type != cty.String {
		return v
	}
	found, diags := m.resolver.Resolve(ctx, "", a.Lookup, v.AsString(), nil)
	if diags.HasErrors() || found.Name == "" {
		return v
	}
	back, diags := m.resolver.Resolve(ctx, "", a.Lookup, found.Name, nil)
	if diags.HasErrors() || back.ID != found.ID {
		return v
	}
	return cty.StringVal(found.Name)
}

func comment(text string) hclwrite.Tokens {
	return hclwrite.Tokens{{Type: hclsyntax.TokenComment, Bytes: []byte(text + "\n")}}
}

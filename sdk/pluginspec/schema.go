package pluginspec

import (
	"fmt"
	"slices"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"
)

// ImpliedType is the type of values of t: an object of its attributes and
// blocks. A single block is an object, a list, set or map block a collection
// of objects; where an attribute is of type any, lists and maps of blocks are
// of dynamic type, since their items may differ.
func (t *Type) ImpliedType() cty.Type {
	if t.parsed != nil {
		return t.parsed.implied()
	}
	return impliedObject(t.Attributes, t.Blocks)
}

// schemas are what is made from the attributes and blocks of a parsed type:
// they are asked for with each object, so each is made once.
type schemas struct {
	implied func() cty.Type
	body    func() hcldec.Spec
	data    func() hcldec.Spec
}

// freeze keeps the schemas of a type that is complete.
func (t *Type) freeze() {
	bare := *t
	t.parsed = &schemas{sync.OnceValue(bare.ImpliedType), sync.OnceValue(bare.DecoderSpec), sync.OnceValue(bare.DataDecoderSpec)}
}

// ImpliedType is the type of values of the block as a whole.
func (b *Block) ImpliedType() cty.Type {
	item := b.impliedObject()
	switch b.Nesting {
	case List:
		if dynamic(item) {
			return cty.DynamicPseudoType
		}
		return cty.List(item)
	case Set:
		return cty.Set(item)
	case Map:
		if dynamic(item) {
			return cty.DynamicPseudoType
		}
		return cty.Map(item)
	}
	return item
}

func (b *Block) impliedObject() cty.Type { return impliedObject(b.Attributes, b.Blocks) }

// ImpliedType is the type of values of the step.
func (s *Step) ImpliedType() cty.Type { return impliedObject(s.Attributes, nil) }

// ConfigType is the type of the plugin's own configuration.
func (p *Plugin) ConfigType() cty.Type { return impliedObject(p.Config, nil) }

func impliedObject(attrs []*Attribute, blocks []*Block) cty.Type {
	types := make(map[string]cty.Type, len(attrs)+len(blocks))
	for _, a := range attrs {
		types[a.Name] = a.Type.WithoutOptionalAttributesDeep()
	}
	for _, b := range blocks {
		types[b.Name] = b.ImpliedType()
	}
	return cty.Object(types)
}

// DecoderSpec says what the body of a resource block may hold. Decoded values
// are of ImpliedType, with null for what was left out.
func (t *Type) DecoderSpec() hcldec.Spec {
	if t.parsed != nil {
		return t.parsed.body()
	}
	return objectSpec(t.Attributes, t.Blocks)
}

// DecoderSpec says what the body of a step may hold.
func (s *Step) DecoderSpec() hcldec.Spec { return objectSpec(s.Attributes, nil) }

// ConfigSpec says what the plugin's configuration block may hold.
func (p *Plugin) ConfigSpec() hcldec.Spec { return objectSpec(p.Config, nil) }

// DataDecoderSpec says what the body of a data block may hold: the attributes
// that find.by names, and id and name where the type has them. All of them are
// optional; the rest is filled in by the cloud. Decoded values are of
// ImpliedType.
func (t *Type) DataDecoderSpec() hcldec.Spec {
	if t.parsed != nil {
		return t.parsed.data()
	}
	inputs := t.DataInputs()
	spec := make(hcldec.ObjectSpec, len(t.Attributes)+len(t.Blocks))
	for _, a := range t.Attributes {
		as := *a
		as.Required, as.Optional, as.Computed = false, slices.Contains(inputs, a.Name), !slices.Contains(inputs, a.Name)
		spec[a.Name] = as.spec()
	}
	for _, b := range t.Blocks {
		spec[b.Name] = &hcldec.LiteralSpec{Value: b.empty()}
	}
	return spec
}

// DataInputs names the attributes a data block may give.
func (t *Type) DataInputs() []string {
	var inputs []string
	for _, a := range t.Attributes {
		if a.Name == "id" || a.Name == "name" || (t.Find != nil && slices.Contains(t.Find.By, a.Name)) {
			inputs = append(inputs, a.Name)
		}
	}
	return inputs
}

// IsResource tells whether objects of the type can be made.
func (t *Type) IsResource() bool { return t.Create != nil }

// IsData tells whether the type can be looked up.
func (t *Type) IsData() bool { return t.Find != nil }

// empty is the value of a block that does not stand.
func (b *Block) empty() cty.Value {
	typ := b.ImpliedType()
	switch {
	case b.Nesting == Single:
		return cty.NullVal(typ)
	case typ.IsListType():
		return cty.ListValEmpty(typ.ElementType())
	case typ.IsSetType():
		return cty.SetValEmpty(typ.ElementType())
	case typ.IsMapType():
		return cty.MapValEmpty(typ.ElementType())
	case b.Nesting == Map:
		return cty.EmptyObjectVal
	}
	return cty.EmptyTupleVal
}

func objectSpec(attrs []*Attribute, blocks []*Block) hcldec.ObjectSpec {
	spec := make(hcldec.ObjectSpec, len(attrs)+len(blocks))
	for _, a := range attrs {
		spec[a.Name] = a.spec()
	}
	for _, b := range blocks {
		spec[b.Name] = b.spec()
	}
	return spec
}

func (a *Attribute) spec() hcldec.Spec {
	// Required is left to the check below: both would say it twice.
	attr := &hcldec.AttrSpec{Name: a.Name, Type: a.Type}
	switch {
	case a.Required:
		return &hcldec.ValidateSpec{Wrapped: attr, Func: func(v cty.Value) hcl.Diagnostics {
			if !v.IsNull() {
				return nil
			}
			return hcl.Diagnostics{{
				Severity: hcl.DiagError,
				Summary:  "Missing required argument",
				Detail:   fmt.Sprintf("The argument %q is required, and may not be null. Give it a value.", a.Name),
			}}
		}}
	case a.Computed && !a.Optional:
		return &hcldec.ValidateSpec{Wrapped: attr, Func: func(v cty.Value) hcl.Diagnostics {
			if v.IsKnown() && v.IsNull() {
				return nil
			}
			return hcl.Diagnostics{{
				Severity: hcl.DiagError,
				Summary:  "Argument is read-only",
				Detail:   fmt.Sprintf("%q is filled in by the cloud and can be referred to, not set. Remove it.", a.Name),
			}}
		}}
	}
	return attr
}

func (b *Block) spec() hcldec.Spec {
	nested := objectSpec(b.Attributes, b.Blocks)
	loose := dynamic(b.impliedObject())
	switch b.Nesting {
	case List:
		if loose {
			return &hcldec.BlockTupleSpec{TypeName: b.Name, Nested: nested, MinItems: b.Min, MaxItems: b.Max}
		}
		return &hcldec.BlockListSpec{TypeName: b.Name, Nested: nested, MinItems: b.Min, MaxItems: b.Max}
	case Set:
		return &hcldec.BlockSetSpec{TypeName: b.Name, Nested: nested, MinItems: b.Min, MaxItems: b.Max}
	case Map:
		if loose {
			return b.counted(&hcldec.BlockObjectSpec{TypeName: b.Name, Nested: nested, LabelNames: []string{"name"}})
		}
		return b.counted(&hcldec.BlockMapSpec{TypeName: b.Name, Nested: nested, LabelNames: []string{"name"}})
	}
	return &hcldec.BlockSpec{TypeName: b.Name, Nested: nested, Required: b.Min > 0}
}

// counted holds labelled blocks to their number, which hcldec does for those
// without labels alone.
func (b *Block) counted(labelled hcldec.Spec) hcldec.Spec {
	if b.Min == 0 && b.Max == 0 {
		return labelled
	}
	return &hcldec.ValidateSpec{Wrapped: labelled, Func: func(v cty.Value) hcl.Diagnostics {
		if v.IsNull() || !v.IsKnown() {
			return nil
		}
		switch n := v.LengthInt(); {
		case n < b.Min:
			return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Insufficient " + b.Name + " blocks", Detail: fmt.Sprintf("At least %d %q blocks are required.", b.Min, b.Name)}}
		case b.Max > 0 && n > b.Max:
			return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Too many " + b.Name + " blocks", Detail: fmt.Sprintf("No more than %d %q blocks are allowed.", b.Max, b.Name)}}
		}
		return nil
	}}
}

// DataImpliedType is the type of values of a data block of t: the same as of a
// resource, with the rest filled in by the cloud.
func (t *Type) DataImpliedType() cty.Type { return t.ImpliedType() }

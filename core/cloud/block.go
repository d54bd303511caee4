package cloud

import (
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/moldctl/moldctl/core/diag"
)

// BlockSpec is the schema of a cloud block.
func BlockSpec() hcldec.Spec {
	object := hcldec.ObjectSpec{}
	for _, name := range Names() {
		object[name] = &hcldec.AttrSpec{Name: name, Type: typeOf(name)}
	}
	return object
}

func typeOf(setting string) cty.Type {
	switch setting {
	case MaxRequests:
		return cty.Number
	case Insecure:
		return cty.Bool
	}
	return cty.String
}

// DecodeBlock evaluates a cloud block of a stack in dir. The context must hold
// what hcldec.Variables(body, BlockSpec()) names.
func DecodeBlock(body hcl.Body, ctx *hcl.EvalContext, dir, home string) (Values, hcl.Diagnostics) {
	object, diags := hcldec.Decode(body, BlockSpec(), ctx)
	if diags.HasErrors() {
		return nil, diags
	}
	values := Values{}
	for _, name := range Names() {
		at := hcldec.SourceRange(body, &hcldec.AttrSpec{Name: name, Type: typeOf(name)})
		v, _ := object.GetAttr(name).UnmarkDeep() // keys come from env(), which marks them
		switch {
		case v.IsNull():
			continue
		case !v.IsKnown():
			diags = append(diags, diag.Errorf(&at, "Unknown cloud setting",
				"The value of %q is known only after apply, and the cloud must be known before. Use variables, locals or env().", name))
			continue
		}
		text, err := convert.Convert(v, cty.String)
		if err != nil {
			diags = append(diags, diag.Errorf(&at, "Incorrect value type", "The value of %q does not fit: %s.", name, err))
			continue
		}
		values[name] = text.AsString()
	}
	if path := values[CACert]; path != "" {
		values[CACert] = filepath.Clean(anchor(path, dir, home))
	}
	return values, diags
}

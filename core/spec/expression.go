package spec

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/moldctl/moldctl/core/spec/nesting"
)

// Expression reads one expression of the stack language. The file is there to
// show the diagnostics.
func Expression(name, text string) (hcl.Expression, *hcl.File, hcl.Diagnostics) {
	file := &hcl.File{Body: hcl.EmptyBody(), Bytes: []byte(text)}
	if d := checkText(name, file.Bytes); d != nil {
		file.Bytes = printable(file.Bytes)
		return nil, file, hcl.Diagnostics{d}
	}
	if d := nesting.Expression(file.Bytes, name); d != nil {
		return nil, file, hcl.Diagnostics{d}
	}
	expr, diags := hclsyntax.ParseExpression(file.Bytes, name, hcl.InitialPos)
	return expr, file, diags
}

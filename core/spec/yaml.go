package spec

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
)

func parseYAML(name string, src []byte) (*hcl.File, hcl.Diagnostics) {
	return &hcl.File{Body: hcl.EmptyBody(), Bytes: src}, hcl.Diagnostics{diag.Error(at(name, src, 0),
		"Unsupported syntax", "YAML stacks are not supported by this version of moldctl. Write the stack in HCL.")}
}

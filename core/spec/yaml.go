package spec

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/spec/yamlbody"
)

func parseYAML(name string, src []byte) (*hcl.File, hcl.Diagnostics) {
	return yamlbody.Parse(name, src)
}

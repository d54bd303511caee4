// Package identity is the bundled plugin for accounts, domains and projects.
//
// Everything it does is said in plugin.yaml: it has no code of its own. It
// serves account, domain and project.
// It must not import core, internal or other plugins.
package identity

import (
	_ "embed"

	"github.com/moldctl/moldctl/sdk"
)

//go:embed plugin.yaml
var spec []byte

//go:embed plugin.tree
var tree []byte

// Plugin is what the process of this plugin serves.
var Plugin = sdk.Plugin{Spec: spec, Tree: tree}

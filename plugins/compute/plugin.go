// Package compute is the bundled plugin for machines, SSH keys, affinity groups and disks.
//
// Everything it does is said in plugin.yaml: it has no code of its own. It
// serves instance, ssh_keypair, affinity_group and volume, and the lookups of templates, offerings and operating systems.
// It must not import core, internal or other plugins.
package compute

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

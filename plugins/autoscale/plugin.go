// Package autoscale is the plugin that keeps autoscale groups: the group with its machine profile, policies and conditions, and the
// replacement of members when what they are made of changes.
//
// It speaks to the cloud through sdk/cloudstack only, and imports nothing of the core or of other plugins.
package autoscale

import (
	_ "embed"

	"github.com/moldctl/moldctl/sdk"
)

//go:embed plugin.yaml
var spec []byte

//go:embed plugin.tree
var tree []byte

// Plugin is what the process of this plugin serves.
var Plugin = sdk.Plugin{Spec: spec, Tree: tree, Handlers: sdk.Handlers{"autoscale_group": sdk.Handle[Group](handler{})}}

// Package imagebuilder is the plugin that makes templates: it starts a machine, carries out a pipeline on it over SSH, stops it through the
// API and turns its disk into a template.
//
// It speaks to the cloud through sdk/cloudstack only, and imports nothing of the core or of other plugins.
package imagebuilder

import (
	_ "embed"

	"github.com/moldctl/moldctl/sdk"
)

//go:embed plugin.yaml
var spec []byte

//go:embed plugin.tree
var tree []byte

// Plugin is what the process of this plugin serves.
var Plugin = sdk.Plugin{Spec: spec, Tree: tree, Handlers: sdk.Handlers{"image": sdk.Handle[Image](handler{})}}

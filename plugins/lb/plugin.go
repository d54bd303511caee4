// Package lb is the plugin that keeps load balancer rules: the rule itself, who may reach it, its members and its stickiness.
//
// It speaks to the cloud through sdk/cloudstack only, and imports nothing of the core or of other plugins.
package lb

import (
	_ "embed"

	"github.com/moldctl/moldctl/sdk"
)

//go:embed plugin.yaml
var spec []byte

//go:embed plugin.tree
var tree []byte

// Plugin is what the process of this plugin serves.
var Plugin = sdk.Plugin{Spec: spec, Tree: tree, Handlers: sdk.Handlers{"load_balancer": sdk.Handle[LoadBalancer](handler{})}}

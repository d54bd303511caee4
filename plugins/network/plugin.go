// Package network is the bundled plugin for networks, public addresses, firewalls and port forwards.
//
// Everything it does is said in plugin.yaml: it has no code of its own. It
// serves network, public_ip, firewall and port_forward, and the lookups of zones and network offerings.
// It must not import core, internal or other plugins.
package network

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

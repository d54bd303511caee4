package main

import (
	"fmt"
	"os"

	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/plugins/autoscale"
	"github.com/moldctl/moldctl/plugins/compute"
	"github.com/moldctl/moldctl/plugins/identity"
	imagebuilder "github.com/moldctl/moldctl/plugins/image-builder"
	"github.com/moldctl/moldctl/plugins/lb"
	"github.com/moldctl/moldctl/plugins/network"
	"github.com/moldctl/moldctl/sdk"
)

// bundled is a plugin that lies in this program. It is served by a process of
// its own like any other, with no privilege.
type bundled struct {
	name   string
	plugin sdk.Plugin
}

// bundledPlugins is the one list of them.
func bundledPlugins() []bundled {
	return []bundled{
		{"autoscale", autoscale.Plugin},
		{"compute", compute.Plugin},
		{"identity", identity.Plugin},
		{"image-builder", imagebuilder.Plugin},
		{"lb", lb.Plugin},
		{"network", network.Plugin},
	}
}

// pluginSources tells the engine how to serve the bundled plugins: by this
// very program.
func pluginSources() ([]pluginhost.Source, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program to serve plugins with: %w", err)
	}
	var list []pluginhost.Source
	for _, b := range bundledPlugins() {
		list = append(list, pluginhost.Source{Name: b.name, Spec: b.plugin.Spec, Tree: b.plugin.Tree, Command: []string{self, "plugin", "serve", b.name}})
	}
	return list, nil
}

// serveCommand is the command line that serves a plugin without a program,
// given its folder.
func serveCommand() ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program to serve plugins with: %w", err)
	}
	return []string{self, "plugin", "serve"}, nil
}

package spec

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// Plugin is a plugin block: the configuration of a plugin under an alias. Its
// body is decoded by the caller, who knows the attributes.
type Plugin struct {
	Name  string
	Alias string // "" for the default one
	Body  hcl.Body
	Range hcl.Range
}

// plainPluginSchema finds the plugin blocks without an alias, whose second
// label is optional as that of a cloud is.
var plainPluginSchema = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "plugin", LabelNames: []string{"name"}}}}

// plainPlugins are the plugin blocks of a file without an alias.
func plainPlugins(body hcl.Body, labelled hcl.Blocks) hcl.Blocks {
	content, _, _ := body.PartialContent(plainPluginSchema) // what is wrong was said with the labelled ones
	return slices.DeleteFunc(content.Blocks, func(b *hcl.Block) bool {
		return len(b.Labels) != 1 || slices.ContainsFunc(labelled, func(l *hcl.Block) bool {
			return l.Type == "plugin" && l.LabelRanges[0] == b.LabelRanges[0]
		})
	})
}

// withoutOptional drops the complaints about labels that may be left out.
func withoutOptional(diags hcl.Diagnostics) hcl.Diagnostics {
	return slices.DeleteFunc(withoutMissingAlias(diags), func(d *hcl.Diagnostic) bool { return d.Summary == "Missing alias for plugin" })
}

func (d *decoder) plugin(b *hcl.Block) {
	p := &Plugin{Name: b.Labels[0], Body: b.Body, Range: b.DefRange}
	if len(b.Labels) > 1 {
		p.Alias = b.Labels[1]
		if !d.name("plugin", p.Alias, b.LabelRanges[1]) {
			return
		}
	}
	key := p.Name
	if p.Alias != "" {
		key += "." + p.Alias
	}
	if d.declare("plugin", key, b.DefRange) {
		d.stack.Plugins = append(d.stack.Plugins, p)
	}
}

// pluginAlias tells whether a plugin block has an alias: objects name it as
// they name a cloud.
func (s *Stack) pluginAlias(alias string) bool {
	return slices.ContainsFunc(s.Plugins, func(p *Plugin) bool { return p.Alias == alias })
}

// Configuration is the block that configures a plugin under an alias: that of
// the alias, or else the one without; nil when there is none.
func (s *Stack) Configuration(plugin, alias string) *Plugin {
	var found *Plugin
	for _, p := range s.Plugins {
		if p.Name == plugin && (p.Alias == alias || p.Alias == "" && found == nil) {
			found = p
			if p.Alias == alias {
				return p
			}
		}
	}
	return found
}

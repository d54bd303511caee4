package pluginhost

import (
	"context"
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/wire"
)

// configs are the configurations of one plugin by alias, "" for the one that
// serves every alias without its own.
type configs map[string]cty.Value

// SetConfig makes the configuration of a plugin known under an alias. It is
// handed over when the plugin is first asked something under that alias.
func (h *Host) SetConfig(plugin, alias string, v cty.Value) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.configs[plugin] == nil {
		h.configs[plugin] = configs{}
	}
	v, _ = v.UnmarkDeep()
	h.configs[plugin][alias] = v
}

// configurable tells whether a plugin has to be configured before it is asked
// anything.
func (h *Host) configurable(plugin string) bool {
	spec := h.specs[plugin]
	return len(spec.Config) > 0 || spec.CallsHTTP()
}

// config is the configuration of a plugin under an alias, ready to be sent.
func (h *Host) config(plugin, alias string) (*wire.Value, error) {
	spec, ok := h.specs[plugin]
	if !ok || !h.configurable(plugin) {
		return nil, nil
	}
	h.mu.Lock()
	v, ok := h.configs[plugin][alias]
	if !ok {
		v, ok = h.configs[plugin][""]
	}
	h.mu.Unlock()
	if !ok {
		for _, a := range spec.Config {
			if a.Required {
				return nil, fmt.Errorf("plugin %s is not configured: add a block plugin %q with %s to the stack", plugin, plugin, a.Name)
			}
		}
		v = cty.NullVal(spec.ConfigType())
	}
	w, err := wire.MarshalValue(v, spec.ConfigType())
	if err != nil {
		return nil, fmt.Errorf("configuration of plugin %s: %w", plugin, err)
	}
	return w, nil
}

// takesCloud tells whether a plugin is handed clouds.
func (h *Host) takesCloud(plugin string) bool { return h.specs[plugin] == nil || h.needsCloud(plugin) }

// handed is the cloud that a plugin is given under an alias: only its alias
// when it needs none, so that credentials reach nobody without need.
func (h *Host) handed(ctx context.Context, plugin, alias string) (*wire.Cloud, error) {
	if !h.takesCloud(plugin) {
		bare := &wire.Cloud{Alias: alias}
		if h.opts.Conclusive {
			bare.SettleMs = -1
		}
		return bare, nil
	}
	h.mu.Lock()
	cloud, ok := h.clouds[alias]
	later := h.later[alias]
	h.mu.Unlock()
	switch {
	case ok:
		return cloud, nil
	case later == nil:
		return nil, fmt.Errorf("no cloud has the alias %q", alias)
	}
	cloud, err := later(ctx)
	if err != nil {
		return nil, err
	}
	h.SetCloud(cloud)
	return cloud, nil
}

// SetCloudLater makes a cloud known that is not reached before a plugin needs
// it.
func (h *Host) SetCloudLater(alias string, reach func(context.Context) (*wire.Cloud, error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.later[alias] = reach
}

// redactConfig blots out the sensitive values of configurations. The host is
// locked.
func (h *Host) redactConfig(line string) string {
	for plugin, byAlias := range h.configs {
		for _, a := range h.specs[plugin].Config {
			if !a.Sensitive && !a.WriteOnly {
				continue
			}
			for _, v := range byAlias {
				if v.IsNull() || !v.Type().HasAttribute(a.Name) {
					continue
				}
				secret := v.GetAttr(a.Name)
				if secret.Type() == cty.String && secret.IsKnown() && !secret.IsNull() && len(secret.AsString()) >= 6 {
					line = strings.ReplaceAll(line, secret.AsString(), "(sensitive)")
				}
			}
		}
	}
	return line
}

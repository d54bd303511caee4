package sdk

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

// configuration is the plugin's own configuration under one alias.
type configuration struct {
	spec  *pluginspec.Plugin
	value cty.Value
}

// decode fills the struct that into points at.
func (c configuration) decode(into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("configuration of plugin %s: give a pointer to a struct", c.spec.Name)
	}
	codec, err := newCodec(&pluginspec.Type{Name: "config", Attributes: c.spec.Config}, v.Type().Elem())
	if err != nil {
		return fmt.Errorf("configuration of plugin %s: %w", c.spec.Name, err)
	}
	if c.value == cty.NilVal || c.value.IsNull() {
		return nil
	}
	return codec.decode(c.value, v.Elem())
}

// configured keeps a cloud and the plugin's configuration under its alias, with
// a client where the plugin talks to an API of its own.
func (s *server) configured(in *wire.Cloud, c *cloud, config cty.Value) []*wire.Diagnostic {
	c.config = config
	if s.spec.CallsHTTP() {
		api, err := s.runtime.Connect(config, time.Duration(in.GetSettleMs())*time.Millisecond)
		if err != nil {
			return []*wire.Diagnostic{wire.Failure("", "Plugin cannot be configured", sentence(err.Error()))}
		}
		c.api = api
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clouds[in.GetAlias()] = c
	return nil
}

// clientOf is what the calls of plugin.yaml go through; nil when nothing was
// configured.
func (s *server) clientOf(c *cloud) *cloudstack.Client {
	if s.spec.Transport == "http" {
		return c.api
	}
	return c.client
}

// unconfigured is why nothing can be called.
func (s *server) unconfigured() error {
	if s.spec.Transport == "http" {
		return fmt.Errorf("plugin %s was not configured: a stack does so with a block plugin %q", s.spec.Name, s.spec.Name)
	}
	return errors.New("no cloud was configured")
}

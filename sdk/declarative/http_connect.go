package declarative

import (
	"fmt"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/httpapi"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// Connect returns a client for the API of a plugin of transport http under one
// of its configurations. It sends nothing. settle, when it is not zero, is how
// long an unanswered change may still be carried out; negative: not at all.
func (rt *Runtime) Connect(config cty.Value, settle time.Duration) (*cloudstack.Client, error) {
	s, err := rt.httpSettings(config)
	if err != nil {
		return nil, fmt.Errorf("configuration of plugin %s: %w", rt.plugin.Name, err)
	}
	if settle != 0 {
		s.SettleTime = settle
	}
	client, err := httpapi.New(s)
	if err != nil {
		return nil, fmt.Errorf("configuration of plugin %s: %w", rt.plugin.Name, err)
	}
	return client, nil
}

// httpSettings evaluates the block http of the plugin.yaml.
func (rt *Runtime) httpSettings(config cty.Value) (httpapi.Settings, error) {
	h := rt.plugin.HTTP
	r := roots{}.with("config", config)
	s := httpapi.Settings{
		Message: h.Errors.Message, Gone: h.Errors.Gone, Conflict: h.Errors.Conflict, Retry: h.Errors.Retry,
		Idempotency: h.Idempotency, Timeout: h.Timeout, MaxRequests: h.MaxRequests, SettleTime: h.Settle,
		Headers: map[string]string{}, Query: map[string]string{}, Secrets: rt.secretsOf(config),
	}
	if s.SettleTime == 0 {
		s.SettleTime = 5 * time.Second
	}
	if h.Paging != nil {
		s.Paging = pagingOf(h.Paging)
	}
	var err error
	text := func(what, source string, into *string) {
		if source == "" || err != nil {
			return
		}
		var e error
		if *into, _, e = rt.templates.text(source, r); e != nil {
			err = fmt.Errorf("%s: %w", what, e)
		}
	}
	text("endpoint", h.Endpoint, &s.Endpoint)
	text("user", h.Auth.User, &s.User)
	text("password", h.Auth.Password, &s.Password)
	text("ca", h.CA, &s.CACert)
	var bearer, insecure string
	text("bearer", h.Auth.Bearer, &bearer)
	text("insecure", h.Insecure, &insecure)
	s.Insecure = insecure == "true"
	if bearer != "" {
		s.Headers["Authorization"] = "Bearer " + bearer
	}
	for _, part := range []struct {
		what string
		from map[string]string
		into map[string]string
	}{{"header", h.Headers, s.Headers}, {"header", h.Auth.Header, s.Headers}, {"query", h.Auth.Query, s.Query}} {
		for name, source := range part.from {
			var v string
			if text(part.what+" "+name, source, &v); v != "" {
				part.into[name] = v
			}
		}
	}
	return s, err
}

// secretsOf are the sensitive texts of a configuration.
func (rt *Runtime) secretsOf(config cty.Value) []string { return secretsIn(rt.plugin.Config, config) }

func pagingOf(p *pluginspec.Paging) httpapi.Paging {
	return httpapi.Paging{Style: string(p.Style), Param: p.Param, Size: p.Size, Limit: p.Limit, First: p.First, Next: p.Next}
}

package lb

import (
	"context"
	"strings"

	"github.com/moldctl/moldctl/sdk"
)

// Check refuses while planning what the virtual router refuses while applying, or accepts and breaks on.
func (handler) Check(_ context.Context, r *sdk.PlanRequest, config LoadBalancer) []sdk.Problem {
	provider := "VirtualRouter"
	for _, service := range r.Lookups["network"].List("service") {
		if service.Str("name") == "Lb" {
			for _, p := range service.List("provider") {
				provider = p.Str("name")
			}
		}
	}
	if !strings.Contains(provider, "VirtualRouter") {
		return nil
	}
	var problems []sdk.Problem
	if config.PublicPort == 8081 {
		problems = append(problems, sdk.Problem{Attribute: "public_port", Summary: "Port not usable",
			Detail: "The virtual router keeps port 8081 of every public address for its balancer's statistics. Choose another port."})
	}
	if config.Protocol == "udp" {
		problems = append(problems, sdk.Problem{Attribute: "protocol", Summary: "Protocol not supported",
			Detail: "The virtual router does not balance udp, although its list of protocols names it."})
	}
	if config.Stickiness != nil && config.Stickiness.Method == "AppCookie" {
		problems = append(problems, sdk.Problem{Attribute: "stickiness.method", Summary: "Stickiness method not supported",
			Detail: "The balancer of the virtual router has no AppCookie any more, and refuses all further changes with such a policy. Use LbCookie or SourceBased."})
	}
	return problems
}

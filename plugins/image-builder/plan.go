package imagebuilder

import (
	"context"
	"errors"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// whenBuilt are the attributes that a new version changes.
var whenBuilt = []string{"id", "version", "template_name", "fingerprint", "origins"}

// Plan says whether the change would build a new version, and warns when the machine could not install packages.
func (handler) Plan(ctx context.Context, r *sdk.PlanRequest, prior *Image, proposed Image) (sdk.Refined, error) {
	var out sdk.Refined
	steps, stepsErr := pipelineSteps(proposed.Pipeline)
	known := stepsErr == nil && !r.Unknown("pipeline") && !r.Unknown("source.template") && !r.Unknown("source.user_data") && !r.Unknown("source.root_disk_size") && !r.Unknown("details")
	if prior != nil {
		fingerprint, err := proposed.fingerprint(r.Lookups)
		switch {
		case !known || err != nil || fingerprint != prior.Fingerprint:
			out.Unknown = whenBuilt
		case proposed.Name != prior.Name:
			out.Unknown = []string{"template_name"}
		}
		if len(out.Unknown) < len(whenBuilt) {
			return out, nil
		}
	}
	problem, err := warnOfEgress(ctx, r, steps)
	if err != nil {
		return out, err
	}
	out.Problems = append(out.Problems, problem...)
	return out, nil
}

// warnOfEgress looks whether the network of a pipeline that installs packages lets anything out.
func warnOfEgress(ctx context.Context, r *sdk.PlanRequest, steps []step) ([]sdk.Problem, error) {
	network := r.Lookups["source.network"]
	installs := false
	for _, s := range steps {
		installs = installs || s.kind == "package"
	}
	if !installs || network.ID() == "" || network.Str("type") != "Isolated" || network.Str("vpcid") != "" {
		return nil, nil
	}
	offerings, err := r.Cloud.List(ctx, "listNetworkOfferings", cloudstack.Params{"id": network.Str("networkofferingid")}, "networkoffering")
	if err != nil || len(offerings) == 0 || offerings[0].Bool("egressdefaultpolicy") {
		return nil, ignoreRefusal(err)
	}
	rules, err := r.Cloud.List(ctx, "listEgressFirewallRules", cloudstack.Params{"networkid": network.ID(), "listall": "true"}, "firewallrule")
	if err != nil || len(rules) > 0 {
		return nil, ignoreRefusal(err)
	}
	return []sdk.Problem{{
		Warning: true, Attribute: "source.network", Summary: "The network lets nothing out",
		Detail: "The pipeline installs packages, but the network " + network.Str("name") +
			" denies what goes out and has no egress rule, so the downloads will fail. Give the network a block such as:\n\n  egress {\n    protocol = \"all\"\n  }",
	}}, nil
}

// ignoreRefusal drops what the cloud refuses to tell: a warning is not worth failing for.
func ignoreRefusal(err error) error {
	var refused *cloudstack.Error
	if errors.As(err, &refused) {
		return nil
	}
	return err
}

// Check refuses steps that cannot be carried out.
func (handler) Check(_ context.Context, _ *sdk.PlanRequest, config Image) []sdk.Problem {
	if config.Pipeline == cty.NilVal || config.Pipeline.IsNull() || !config.Pipeline.IsWhollyKnown() {
		return nil
	}
	steps, err := pipelineSteps(config.Pipeline)
	if err != nil {
		return []sdk.Problem{{Attribute: "pipeline", Summary: "Not a pipeline", Detail: err.Error() + "."}}
	}
	var problems []sdk.Problem
	for _, s := range steps {
		if say := s.wrong(); say != "" {
			problems = append(problems, sdk.Problem{Attribute: "pipeline", Summary: "Invalid pipeline step", Detail: "The step " + s.kind + " \"" + s.name + "\" " + say + "."})
		}
	}
	return problems
}

// wrong says what keeps a step from being carried out, empty when nothing does.
func (s step) wrong() string {
	switch s.kind {
	case "package":
		if len(s.list("names")) == 0 {
			return "names no package"
		}
	case "firewall":
		if len(s.list("services")) == 0 && len(s.list("ports")) == 0 {
			return "opens nothing: give services or ports"
		}
	case "file":
		if s.text("content") != "" && s.text("source") != "" {
			return "has both content and source: give one"
		}
	case "shell":
		if (s.text("script") == "") == (s.text("source") == "") {
			return "needs either script or source"
		}
	case "service", "http":
	default:
		return "is of a kind that is not known; there are file, firewall, http, package, service and shell"
	}
	return ""
}

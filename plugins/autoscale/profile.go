package autoscale

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"strings"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// makeProfile creates the profile that members are made from. Every group has its own: a shared one could be changed only with all its
// groups disabled.
func (w *work) makeProfile(ctx context.Context, plan Group) error {
	params, err := w.profileParams(plan)
	if err != nil {
		return err
	}
	params["zoneid"] = w.zone
	made, err := w.r.Cloud.Call(ctx, cloudstack.Mutation{
		Key: "profile " + params["templateid"] + " " + params["serviceofferingid"], Command: "createAutoScaleVmProfile", Result: "autoscalevmprofile", Params: params,
		Identity: cloudstack.Identity{
			Kind: cloudstack.Serial, List: "listAutoScaleVmProfiles", Result: "autoscalevmprofile",
			Params: cloudstack.Params{"templateid": params["templateid"], "serviceofferingid": params["serviceofferingid"], "listall": "true"},
		},
	})
	if err != nil {
		return fmt.Errorf("make the machine profile: %w", err)
	}
	w.kept.Profile = made.ID()
	return nil
}

func (w *work) profileParams(plan Group) (cloudstack.Params, error) {
	grace, err := seconds(plan.GracePeriod)
	if err != nil {
		return nil, fmt.Errorf("grace_period: %w", err)
	}
	params := cloudstack.Params{
		"templateid": w.lookedUp("template", plan.Template), "serviceofferingid": w.lookedUp("offering", plan.Offering),
	}
	params.Int("expungevmgraceperiod", grace).Pairs("otherdeployparams", "name", "value", plan.DeployParams)
	if plan.UserData != nil {
		params.UserData(*plan.UserData)
	}
	return params, nil
}

// profileChange is what has to be told the profile, empty when nothing, and whether machines made before differ from those made after.
func (w *work) profileChange(profile cloudstack.Object, prior, plan Group) (params cloudstack.Params, replaces bool, err error) {
	all, err := w.profileParams(plan)
	if err != nil {
		return nil, false, err
	}
	params = cloudstack.Params{}
	for _, name := range []string{"templateid", "serviceofferingid"} {
		if profile.Str(name) != all[name] {
			params[name], replaces = all[name], true
		}
	}
	if profile.Str("expungevmgraceperiod") != all["expungevmgraceperiod"] {
		params["expungevmgraceperiod"] = all["expungevmgraceperiod"]
	}
	if text(plan.UserData) != text(prior.UserData) {
		params["userdata"], replaces = base64.StdEncoding.EncodeToString([]byte(text(plan.UserData))), true
	}
	if !maps.Equal(plan.DeployParams, prior.DeployParams) {
		if len(plan.DeployParams) == 0 {
			return nil, false, fmt.Errorf("deploy_params: the cloud cannot take all of them away from a group; keep one, or replace the group")
		}
		params.Pairs("otherdeployparams", "name", "value", plan.DeployParams)
		replaces = true
	}
	return params, replaces, nil
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// readProfile reads the group's profile.
func (w *work) readProfile(ctx context.Context, id string) (cloudstack.Object, error) {
	profile, err := w.r.Cloud.ReadByID(ctx, "createAutoScaleVmProfile", id)
	if err != nil {
		return nil, fmt.Errorf("read the machine profile: %w", err)
	}
	return profile, nil
}

// userData is the profile's user data as the spec has it.
func userData(profile cloudstack.Object, prior *string) *string {
	encoded := profile.Str("userdata")
	if encoded == "" {
		if prior != nil && *prior == "" {
			return prior
		}
		return nil
	}
	plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return &encoded // not ours: shown as it is, so that the plan puts it right
	}
	out := string(plain)
	return &out
}

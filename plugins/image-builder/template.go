package imagebuilder

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// createTemplate turns the disk of the stopped machine into a template and waits until it can be used.
func (b *build) createTemplate(ctx context.Context, volume string) (cloudstack.Object, error) {
	marker := cloudstack.NewMarker()
	params := cloudstack.Params{
		"volumeid": volume, "name": b.plan.templateName(b.version), "displaytext": b.plan.Description, "ostypeid": b.osType(),
	}
	params.Bool("ispublic", b.plan.Public).Bool("isfeatured", b.plan.Featured).Bool("isdynamicallyscalable", b.plan.DynamicallyScalable).
		Bool("requireshvm", b.plan.RequiresHVM).Bool("passwordenabled", b.plan.PasswordEnabled).Map("details", b.plan.Details)
	// Not the name of the machine's own marker: the cloud copies a machine's details to the templates made of it.
	params["details[0].moldctl.image"] = marker
	params["details[0].moldctl.fingerprint"] = b.fingerprint
	made, err := b.r.Cloud.Call(ctx, cloudstack.Mutation{
		Key: b.key("template"), Command: "createTemplate", Params: params, Result: "template",
		Identity: cloudstack.Identity{
			Kind: cloudstack.Marker, List: "listTemplates", Params: cloudstack.Params{"templatefilter": "self", "listall": "true"}, Result: "template",
			Match: map[string]string{"details.moldctl.image": marker},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("make the template: %w", err)
	}
	return made, b.ready(ctx, made.ID())
}

// ready waits until the template can be deployed, and sets what the cloud did not take over when it was made.
func (b *build) ready(ctx context.Context, id string) error {
	var t cloudstack.Object
	err := cloudstack.Poll(ctx, 2*time.Second, func(ctx context.Context) (bool, error) {
		var err error
		t, err = b.r.Cloud.ReadByID(ctx, "createTemplate", id)
		return err == nil && t.Bool("isready"), err
	})
	if err != nil {
		return fmt.Errorf("wait for the template %s to be ready: %w", id, err)
	}
	params := cloudstack.Params{}
	for name, want := range map[string]bool{"isextractable": b.plan.Extractable, "ispublic": b.plan.Public, "isfeatured": b.plan.Featured} {
		if t.Bool(name) != want {
			params.Bool(name, want)
		}
	}
	if len(params) == 0 {
		return nil
	}
	return permissions(ctx, b.r, b.key("permissions"), id, params)
}

// osType is the wanted OS type, or that of the source template.
func (b *build) osType() string {
	if found := b.r.Lookups["os_type"]; found.ID() != "" {
		return found.ID()
	}
	if b.plan.OSType != nil && *b.plan.OSType != "" {
		return *b.plan.OSType
	}
	return b.r.Lookups["source.template"].Str("ostypeid")
}

// change sets what may be changed on an existing template. The answer of updateTemplate tells falsehoods, so it is not looked at.
func change(ctx context.Context, r *sdk.Request, prior, plan Image) error {
	params := cloudstack.Params{}
	if plan.TemplateName != prior.TemplateName {
		params["name"] = plan.TemplateName
	}
	if plan.Description != prior.Description {
		params["displaytext"] = plan.Description
	}
	if found := r.Lookups["os_type"]; found.ID() != "" && (prior.OSType == nil || *prior.OSType != *plan.OSType) {
		params["ostypeid"] = found.ID()
	}
	flag := func(params cloudstack.Params, name string, was, is bool) {
		if was != is {
			params[name] = strconv.FormatBool(is)
		}
	}
	flag(params, "isdynamicallyscalable", prior.DynamicallyScalable, plan.DynamicallyScalable)
	flag(params, "requireshvm", prior.RequiresHVM, plan.RequiresHVM)
	flag(params, "passwordenabled", prior.PasswordEnabled, plan.PasswordEnabled)
	if len(params) > 0 {
		params["id"] = plan.ID
		_, err := r.Cloud.Call(ctx, cloudstack.Mutation{
			Key: "update", Command: "updateTemplate", Params: params, Target: plan.ID, Identity: cloudstack.Identity{Kind: cloudstack.Repeat},
		})
		if err != nil {
			return fmt.Errorf("change the template %s: %w", plan.TemplateName, err)
		}
	}
	params = cloudstack.Params{}
	flag(params, "ispublic", prior.Public, plan.Public)
	flag(params, "isfeatured", prior.Featured, plan.Featured)
	flag(params, "isextractable", prior.Extractable, plan.Extractable)
	if len(params) == 0 {
		return nil
	}
	return permissions(ctx, r, "permissions", plan.ID, params)
}

func permissions(ctx context.Context, r *sdk.Request, key, id string, params cloudstack.Params) error {
	params["id"] = id
	_, err := r.Cloud.Call(ctx, cloudstack.Mutation{
		Key: key, Command: "updateTemplatePermissions", Params: params, Target: id, Identity: cloudstack.Identity{Kind: cloudstack.Repeat},
	})
	if err != nil {
		return fmt.Errorf("set who may use the template %s: %w", id, err)
	}
	return nil
}

// usersOf names what needs a template: autoscale groups by their profiles, and machines. The cloud itself would let a profile lose its
// template, and the group could never be changed or deleted again.
func usersOf(ctx context.Context, cloud *cloudstack.Client, template string) ([]string, error) {
	var users []string
	profiles, err := cloud.List(ctx, "listAutoScaleVmProfiles", cloudstack.Params{"templateid": template, "listall": "true"}, "autoscalevmprofile")
	switch {
	case cloudstack.CodeOf(err) == 431 || cloudstack.CodeOf(err) == 432:
		// The template is gone, or the cloud has no autoscaling.
	case err != nil:
		return nil, fmt.Errorf("see which autoscale groups use the template %s: %w", template, err)
	}
	for _, p := range profiles {
		if p.Str("templateid") == template {
			users = append(users, "the autoscale profile "+p.ID())
		}
	}
	machines, err := cloud.List(ctx, "listVirtualMachines", cloudstack.Params{"templateid": template, "listall": "true"}, "virtualmachine")
	if err != nil && cloudstack.CodeOf(err) != 431 {
		return nil, fmt.Errorf("see which machines use the template %s: %w", template, err)
	}
	for _, m := range machines {
		if state := m.Str("state"); m.Str("templateid") == template && state != "Destroyed" && state != "Expunging" {
			users = append(users, "the machine "+m.Str("name"))
		}
	}
	return users, nil
}

// removeVersion deletes a template and its origin machine. Forced, because machines that are destroyed but not expunged yet would hold it
// for a day; whoever really uses it was asked before.
func removeVersion(ctx context.Context, r *sdk.Request, image built) error {
	if image.Machine != "" {
		if err := destroy(ctx, r, "delete machine "+image.Machine, image.Machine); err != nil {
			return err
		}
	}
	err := r.Cloud.Delete(ctx, cloudstack.Mutation{
		Key: "delete template " + image.ID, Command: "deleteTemplate", Target: image.ID, Params: cloudstack.Params{"id": image.ID, "forced": "true"},
	})
	if err != nil {
		return fmt.Errorf("delete the template %s: %w", image.ID, err)
	}
	return nil
}

// destroy removes a machine, for good where the caller may do that.
func destroy(ctx context.Context, r *sdk.Request, key, id string) error {
	m, err := r.Cloud.ReadByID(ctx, "destroyVirtualMachine", id)
	if cloudstack.IsGone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	params := cloudstack.Params{"id": id}
	switch {
	case r.Identity.MayExpunge:
		params["expunge"] = "true"
	case m.Str("state") == "Destroyed" || m.Str("state") == "Expunging":
		return nil
	}
	err = r.Cloud.Delete(ctx, cloudstack.Mutation{Key: key, Command: "destroyVirtualMachine", Target: id, Params: params})
	if err == nil {
		return nil
	}
	// Without the right to expunge the machine stays listed as Destroyed; two destroys at once make the second fail.
	if now, readErr := r.Cloud.ReadByID(ctx, "destroyVirtualMachine", id); readErr == nil && (now.Str("state") == "Destroyed" || now.Str("state") == "Expunging") {
		return nil
	}
	return fmt.Errorf("destroy the machine %s: %w", id, err)
}

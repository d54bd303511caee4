package autoscale

import (
	"context"
	"errors"
	"fmt"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// Delete removes the group with its members, then its policies, its profile and its conditions: the cloud refuses any other order.
func (handler) Delete(ctx context.Context, r *sdk.Request, prior Group) error {
	w, err := open(r)
	if err != nil {
		return err
	}
	id := prior.ID
	if s := r.Resume["group"]; id == "" && s.Status == cloudstack.Adopted {
		id = s.ID
	}
	if w.kept.Profile == "" {
		w.kept.Profile = prior.ProfileID
	}
	if id != "" {
		r.Progress("deleting the group and its members")
		err := r.Cloud.Delete(ctx, cloudstack.Mutation{
			Key: "delete group", Command: "deleteAutoScaleVmGroup", Target: id, Params: cloudstack.Params{"id": id, "cleanup": "true"},
		})
		if err != nil {
			return fmt.Errorf("delete the group: %w%s", err, w.wedged(ctx))
		}
	}
	return errors.Join(w.discard(ctx), w.sweep(ctx), w.save())
}

// wedged explains the failure that a removed template causes.
func (w *work) wedged(ctx context.Context) string {
	if w.kept.Profile == "" {
		return ""
	}
	profile, err := w.readProfile(ctx, w.kept.Profile)
	if err != nil {
		return ""
	}
	if _, err := w.r.Cloud.ReadByID(ctx, "createTemplate", profile.Str("templateid")); cloudstack.IsGone(err) {
		return "\nIts template is gone, and the cloud cannot handle a group without. Disable the group (an error is no harm), give its profile an existing template with updateAutoScaleVmProfile, and try again."
	}
	return ""
}

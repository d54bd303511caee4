package imagebuilder

import (
	"context"
	"errors"
	"fmt"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// Create builds the first version.
func (handler) Create(ctx context.Context, r *sdk.Request, plan Image) (Image, error) {
	return rebuild(ctx, r, plan)
}

// Update builds a new version when what the image is made of has changed, and else changes the template in place.
func (handler) Update(ctx context.Context, r *sdk.Request, prior, plan Image) (Image, error) {
	fingerprint, err := plan.fingerprint(r.Lookups)
	if err != nil {
		return prior, err
	}
	if prior.ID == "" || fingerprint != prior.Fingerprint {
		made, err := rebuild(ctx, r, plan)
		if err != nil && made.ID == "" {
			return prior, err
		}
		return made, err
	}
	plan.ID, plan.Version, plan.Fingerprint, plan.Origins = prior.ID, prior.Version, prior.Fingerprint, prior.Origins
	plan.TemplateName = plan.templateName(plan.Version)
	k, err := open(r.Address, r.Private)
	if err != nil {
		return prior, err
	}
	var errs []error
	for _, l := range leftovers(r.Resume) {
		errs = append(errs, l.remove(ctx, r, k))
	}
	return plan, errors.Join(append(errs, change(ctx, r, prior, plan), k.save(r))...)
}

// rebuild makes a new version and remembers it beside the earlier ones, which go when everything that uses them has moved.
func rebuild(ctx context.Context, r *sdk.Request, plan Image) (Image, error) {
	k, err := open(r.Address, r.Private)
	if err != nil {
		return plan, err
	}
	fingerprint, err := plan.fingerprint(r.Lookups)
	if err != nil {
		return plan, err
	}
	b := &build{r: r, plan: plan, version: k.Built + 1, fingerprint: fingerprint, known: k}
	made, buildErr := b.run(ctx)
	if made.ID == "" {
		return plan, errors.Join(buildErr, k.save(r))
	}
	k.Built = made.Version
	k.Images = append(k.Images, made)
	plan.ID, plan.Version, plan.Fingerprint, plan.Origins = made.ID, made.Version, fingerprint, k.machines()
	plan.TemplateName = plan.templateName(made.Version)
	return plan, errors.Join(buildErr, k.save(r))
}

// Read brings the attributes up to date with the newest template.
func (handler) Read(ctx context.Context, r *sdk.Request, prior Image) (Image, error) {
	t, err := r.Cloud.ReadByID(ctx, "createTemplate", prior.ID)
	if cloudstack.IsGone(err) {
		return prior, sdk.ErrGone
	}
	if err != nil {
		return prior, err
	}
	k, err := open(r.Address, r.Private)
	if err != nil {
		return prior, err
	}
	now := prior
	now.TemplateName, now.Description = t.Str("name"), t.Str("displaytext")
	if now.TemplateName != prior.templateName(prior.Version) {
		// Renamed by hand: shown as the image's name, so that the plan puts it right.
		now.Name = now.TemplateName
	}
	if prior.OSType != nil {
		id := t.Str("ostypeid")
		now.OSType = &id
	}
	now.Public, now.Featured, now.Extractable = t.Bool("ispublic"), t.Bool("isfeatured"), t.Bool("isextractable")
	now.DynamicallyScalable, now.PasswordEnabled = t.Bool("isdynamicallyscalable"), t.Bool("passwordenabled")
	if _, told := t["requireshvm"]; told {
		now.RequiresHVM = t.Bool("requireshvm")
	}
	for i, image := range k.Images {
		if image.Machine == "" {
			continue
		}
		if _, err := r.Cloud.ReadByID(ctx, "deployVirtualMachine", image.Machine); cloudstack.IsGone(err) {
			k.Images[i].Machine = ""
		} else if err != nil {
			return prior, err
		}
	}
	now.Origins = k.machines()
	return now, k.save(r)
}

// Delete removes every version, its origin machine, and what an interrupted build left.
func (handler) Delete(ctx context.Context, r *sdk.Request, prior Image) error {
	k, err := open(r.Address, r.Private)
	if err != nil {
		return err
	}
	var errs []error
	for _, l := range leftovers(r.Resume) {
		errs = append(errs, l.remove(ctx, r, k))
	}
	if prior.ID != "" && !k.has(prior.ID) {
		k.Images = append(k.Images, built{ID: prior.ID, Version: prior.Version})
	}
	var rest []built
	for _, image := range k.Images {
		users, err := usersOf(ctx, r.Cloud, image.ID)
		if err == nil && len(users) > 0 {
			err = fmt.Errorf("delete the template %s: %s still uses it; delete that first", image.ID, users[0])
		}
		if err == nil {
			err = removeVersion(ctx, r, image)
		}
		if err != nil {
			errs, rest = append(errs, err), append(rest, image)
		}
	}
	k.Images = rest
	return errors.Join(append(errs, k.save(r))...)
}

// Prune removes the versions and origin machines beyond those that are kept, except those still in use.
func (handler) Prune(ctx context.Context, r *sdk.Request, state Image) (Image, error) {
	k, err := open(r.Address, r.Private)
	if err != nil {
		return state, err
	}
	keep := state.keep()
	var rest []built
	var errs []error
	for i, image := range k.Images {
		newer := len(k.Images) - 1 - i
		if newer >= keep.origins() && image.Machine != "" {
			if err := destroy(ctx, r, "prune machine "+image.Machine, image.Machine); err != nil {
				errs = append(errs, err)
			} else {
				image.Machine = ""
			}
		}
		if newer < keep.Images || image.ID == state.ID {
			rest = append(rest, image)
			continue
		}
		users, err := usersOf(ctx, r.Cloud, image.ID)
		if err == nil && len(users) > 0 {
			r.Progress("version %d stays for now: %s uses it", image.Version, users[0])
			rest = append(rest, image)
			continue
		}
		if err == nil {
			err = removeVersion(ctx, r, image)
		}
		if err != nil {
			errs, rest = append(errs, err), append(rest, image)
		}
	}
	k.Images = rest
	state.Origins = k.machines()
	return state, errors.Join(append(errs, k.save(r))...)
}

// machines are the origin machines that are kept, the oldest first.
func (k *kept) machines() []string {
	out := []string{}
	for _, image := range k.Images {
		if image.Machine != "" {
			out = append(out, image.Machine)
		}
	}
	return out
}

// has says whether a template or a machine belongs to a version that exists.
func (k *kept) has(id string) bool {
	for _, image := range k.Images {
		if image.ID == id || image.Machine == id {
			return true
		}
	}
	return false
}

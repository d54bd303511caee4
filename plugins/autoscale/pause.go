package autoscale

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

const (
	settleTime  = 10 * time.Minute // how long a scale action under way may take to end
	enableAgain = 2 * time.Minute  // to put the group back to work after a failure
)

// readGroup reads the group as it is now.
func (w *work) readGroup(ctx context.Context, id string) (cloudstack.Object, error) {
	return w.r.Cloud.ReadByID(ctx, "createAutoScaleVmGroup", id)
}

// pause disables the group and waits until nothing moves any more. Disabling does not stop a scale action under way: it is waited for
// beforehand, since otherwise a member could appear or go while the group is changed.
func (w *work) pause(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	err := cloudstack.Poll(ctx, 2*time.Second, func(ctx context.Context) (bool, error) {
		group, err := w.readGroup(ctx, id)
		return err == nil && group.Str("state") != "SCALING", err
	})
	if err != nil {
		return fmt.Errorf("wait for the group's scale action to end: %w", err)
	}
	if err := w.repeat(ctx, "pause", "disableAutoScaleVmGroup", id, cloudstack.Params{"id": id}); err != nil {
		return fmt.Errorf("disable the group: %w", err)
	}
	err = cloudstack.Poll(ctx, 2*time.Second, func(ctx context.Context) (bool, error) {
		group, err := w.readGroup(ctx, id)
		if err != nil || group.Str("state") != "DISABLED" {
			return false, err
		}
		members, err := w.members(ctx, id)
		return err == nil && !moving(members), err
	})
	if err != nil {
		return fmt.Errorf("wait for the group to be quiet: %w", err)
	}
	return nil
}

// resume enables the group.
func (w *work) resume(ctx context.Context, id string) error {
	if err := w.repeat(ctx, "resume", "enableAutoScaleVmGroup", id, cloudstack.Params{"id": id}); err != nil {
		return fmt.Errorf("enable the group: %w", err)
	}
	return nil
}

// bounds sets how many members the group may have. The cloud minds even being told what it knows, so this is for a paused group only.
func (w *work) bounds(ctx context.Context, id string, least, most int) error {
	err := w.repeat(ctx, "bounds", "updateAutoScaleVmGroup", id, cloudstack.Params{
		"id": id, "minmembers": strconv.Itoa(least), "maxmembers": strconv.Itoa(most),
	})
	if err != nil {
		return fmt.Errorf("set the bounds of the group to %d and %d: %w", least, most, err)
	}
	return nil
}

// setProfile changes what members are made of. The group is paused.
func (w *work) setProfile(ctx context.Context, id string, params cloudstack.Params) error {
	if len(params) == 0 {
		return nil
	}
	params["id"] = id
	if err := w.repeat(ctx, "profile", "updateAutoScaleVmProfile", id, params); err != nil {
		return fmt.Errorf("change the machine profile: %w", err)
	}
	return nil
}

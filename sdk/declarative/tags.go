package declarative

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// tagsOf are the tags a value wants.
func tagsOf(v cty.Value) map[string]string {
	tags, err := textMap(valueOf(v, "tags"))
	if err != nil {
		return nil // the schema admits text only
	}
	return tags
}

// syncTags brings the tags of the object from have to want. Only tags named in
// either are touched.
func (o *operation) syncTags(ctx context.Context, have, want map[string]string) error {
	if o.typ.Tags == "" || maps.Equal(have, want) {
		return nil
	}
	// What an interrupted run did may have changed them since they were read.
	if len(o.Resume) > 0 || len(have) > 0 {
		object, err := o.readByID(ctx, o.id)
		if err != nil {
			return err
		}
		have = ownTags(object, have, want)
	}
	drop, add := map[string]string{}, map[string]string{}
	for key, v := range have {
		if want[key] != v {
			drop[key] = v
		}
	}
	for key, v := range want {
		if now, ok := have[key]; !ok || now != v {
			add[key] = v
		}
	}
	if err := o.tagCall(ctx, "deleteTags", drop); err != nil {
		return err
	}
	return o.tagCall(ctx, "createTags", add)
}

func (o *operation) tagCall(ctx context.Context, command string, tags map[string]string) error {
	if len(tags) == 0 {
		return nil
	}
	params := cloudstack.Params{"resourceids": o.ownID(), "resourcetype": o.typ.Tags}
	params.Pairs("tags", "key", "value", tags)
	o.Progress("%s %v", map[string]string{"createTags": "setting tags", "deleteTags": "removing tags"}[command], slices.Sorted(maps.Keys(tags)))
	_, err := o.Cloud.Call(ctx, cloudstack.Mutation{Key: command, Command: command, Params: params, Target: o.id, Identity: repeat})
	if err != nil {
		return fmt.Errorf("tags of %s: %w", o.id, err)
	}
	o.sent++
	return nil
}

// ownTags are the tags of an object whose keys are among ours.
func ownTags(object cloudstack.Object, ours ...map[string]string) map[string]string {
	tags := map[string]string{}
	for _, tag := range object.List("tags") {
		key := tag.Str("key")
		for _, m := range ours {
			if _, ok := m[key]; ok {
				tags[key] = tag.Str("value")
			}
		}
	}
	return tags
}

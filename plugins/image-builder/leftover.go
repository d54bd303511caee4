package imagebuilder

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// leftover is what one interrupted build has made.
type leftover struct {
	tag                             string
	open, forward, address, machine string
	template                        string
	key                             bool
}

// leftovers sorts the calls of interrupted operations by build.
func leftovers(resume map[string]cloudstack.Settled) []*leftover {
	byTag := map[string]*leftover{}
	for key, s := range resume {
		words := strings.Fields(key)
		// A call that failed may have left an object all the same: a machine in state Error.
		if len(words) != 3 || words[0] != "build" || s.Status == cloudstack.Absent || s.Status == cloudstack.Gone || s.Status != cloudstack.Adopted && s.ID == "" {
			continue
		}
		l := byTag[words[1]]
		if l == nil {
			l = &leftover{tag: words[1]}
			byTag[words[1]] = l
		}
		switch words[2] {
		case "open":
			l.open = s.ID
		case "forward":
			l.forward = s.ID
		case "address":
			l.address = s.ID
		case "deploy":
			l.machine = s.ID
		case "template":
			if s.Status == cloudstack.Adopted {
				l.template = s.ID
			}
		case "key":
			l.key = true
		}
	}
	var out []*leftover
	for _, tag := range slices.Sorted(maps.Keys(byTag)) {
		out = append(out, byTag[tag])
	}
	return out
}

// remove deletes everything of a build that belongs to no version. What is gone already is no error.
func (l *leftover) remove(ctx context.Context, r *sdk.Request, k *kept) error {
	var errs []error
	for _, object := range []struct{ what, command, id string }{
		{"open", "deleteFirewallRule", l.open}, {"forward", "deletePortForwardingRule", l.forward},
	} {
		if object.id == "" {
			continue
		}
		key := "build " + l.tag + " undo " + object.what
		errs = append(errs, r.Cloud.Delete(ctx, cloudstack.Mutation{Key: key, Command: object.command, Target: object.id}))
	}
	if l.machine != "" && !k.has(l.machine) {
		errs = append(errs, destroy(ctx, r, "build "+l.tag+" undo machine", l.machine))
	}
	if l.address != "" {
		errs = append(errs, release(ctx, r, "build "+l.tag+" undo address", l.address))
	}
	if l.key {
		errs = append(errs, removeKey(ctx, r, "build "+l.tag+" undo key", keyName(l.tag)))
	}
	if l.template != "" && !k.has(l.template) {
		errs = append(errs, removeVersion(ctx, r, built{ID: l.template}))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove what an interrupted build left: %w", err)
	}
	return nil
}

// release gives back an address that a build allocated, unless it became the source NAT address, which cannot go alone.
func release(ctx context.Context, r *sdk.Request, key, id string) error {
	address, err := r.Cloud.ReadByID(ctx, "disassociateIpAddress", id)
	if cloudstack.IsGone(err) || err == nil && address.Bool("issourcenat") {
		return nil
	}
	if err != nil {
		return err
	}
	return r.Cloud.Delete(ctx, cloudstack.Mutation{Key: key, Command: "disassociateIpAddress", Target: id})
}

// keyName is the name of a build's key pair.
func keyName(tag string) string { return "moldctl-build-" + tag }

// removeKey deletes a key pair, which has a name and no id.
func removeKey(ctx context.Context, r *sdk.Request, key, name string) error {
	pairs, err := r.Cloud.List(ctx, "listSSHKeyPairs", cloudstack.Params{"name": name}, "sshkeypair")
	if err != nil {
		return fmt.Errorf("find the temporary key: %w", err)
	}
	if !slices.ContainsFunc(pairs, func(p cloudstack.Object) bool { return p.Str("name") == name }) {
		return nil
	}
	_, err = r.Cloud.Call(ctx, cloudstack.Mutation{
		Key: key, Command: "deleteSSHKeyPair", Params: cloudstack.Params{"name": name}, Target: name, Identity: cloudstack.Identity{Kind: cloudstack.Repeat},
	})
	if err != nil {
		return fmt.Errorf("delete the temporary key %s: %w", name, err)
	}
	return nil
}

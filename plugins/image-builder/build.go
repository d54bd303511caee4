package imagebuilder

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// cleanupTime bounds the removal of what a build needed.
const cleanupTime = 10 * time.Minute

// build makes one version of an image. All that is temporary carries its tag in the keys of its calls, so that whatever interrupts it, the
// next run knows what to remove.
type build struct {
	r       *sdk.Request
	plan    Image
	version int
	tag     string
	// fingerprint goes into the template, so that one left by an interruption is taken only for what it was built from.
	fingerprint string
	known       *kept

	network cloudstack.Object
	machine string
	undo    []func(context.Context) error // in the order made
}

// key names a call of this build.
func (b *build) key(what string) string { return "build " + b.tag + " " + what }

// run builds, or takes over a template that an interrupted build has made, and removes everything temporary either way.
func (b *build) run(ctx context.Context) (built, error) {
	if made, ok, err := b.takeOver(ctx); ok || err != nil {
		return made, err
	}
	b.tag = strings.ToLower(cloudstack.NewMarker()[:8])
	made, err := b.make(ctx)
	if ctx.Err() != nil {
		// Interrupted: the journal knows what is there, and the next run removes it.
		return made, err
	}
	keep := err == nil && b.plan.keepsMachine()
	if keep {
		made.Machine = b.machine
	} else if b.machine != "" {
		machine := b.machine
		b.undo = append(b.undo, func(ctx context.Context) error { return destroy(ctx, b.r, b.key("undo machine"), machine) })
	}
	return made, errors.Join(err, b.cleanUp(ctx))
}

// takeOver looks at what an interrupted build left. A finished template is taken if it was built from the same; a machine is not, since
// nobody knows how far its pipeline had come: it is removed and the build begins anew.
func (b *build) takeOver(ctx context.Context) (built, bool, error) {
	var made built
	var errs []error
	for _, l := range leftovers(b.r.Resume) {
		usable, err := b.usable(ctx, l)
		errs = append(errs, err)
		if usable && made.ID == "" {
			b.r.Progress("taking over the template %s of an interrupted build", l.template)
			b.tag = l.tag
			made = built{ID: l.template, Version: b.version}
			l.template = ""
			if b.plan.keepsMachine() && l.machine != "" {
				made.Machine, l.machine = l.machine, ""
			}
		}
		errs = append(errs, l.remove(ctx, b.r, b.known))
	}
	if err := errors.Join(errs...); err != nil || made.ID == "" {
		return built{}, false, err
	}
	if err := b.ready(ctx, made.ID); err != nil || made.Machine == "" {
		return made, true, err
	}
	b.machine = made.Machine
	return made, true, b.snapshot(ctx)
}

// usable says whether the template of an interrupted build is the one to be built now.
func (b *build) usable(ctx context.Context, l *leftover) (bool, error) {
	if l.template == "" || b.known.has(l.template) {
		return false, nil
	}
	t, err := b.r.Cloud.ReadByID(ctx, "createTemplate", l.template)
	if cloudstack.IsGone(err) {
		return false, nil
	}
	return err == nil && t.Path("details.moldctl.fingerprint") == b.fingerprint, err
}

// make goes through a build from the key to the template.
func (b *build) make(ctx context.Context) (built, error) {
	steps, err := pipelineSteps(b.plan.Pipeline)
	if err != nil {
		return built{}, err
	}
	if err := b.findNetwork(ctx); err != nil {
		return built{}, err
	}
	if len(steps) > 0 {
		err = b.overSSH(ctx, steps)
	} else {
		err = b.byUserData(ctx)
	}
	if err != nil {
		return built{}, err
	}
	b.r.Progress("stopping the machine")
	_, err = b.r.Cloud.Call(ctx, cloudstack.Mutation{
		Key: b.key("stop"), Command: "stopVirtualMachine", Params: cloudstack.Params{"id": b.machine}, Target: b.machine,
		Identity: cloudstack.Identity{Kind: cloudstack.Repeat},
	})
	if err != nil {
		return built{}, fmt.Errorf("stop the machine: %w", err)
	}
	volumes, err := b.r.Cloud.List(ctx, "listVolumes", cloudstack.Params{"virtualmachineid": b.machine, "type": "ROOT", "listall": "true"}, "volume")
	if err != nil {
		return built{}, fmt.Errorf("find the disk of the machine: %w", err)
	}
	if len(volumes) == 0 {
		return built{}, fmt.Errorf("find the disk of the machine: %s has no ROOT volume", b.machine)
	}
	b.r.Progress("making the template %s", b.plan.templateName(b.version))
	template, err := b.createTemplate(ctx, volumes[0].ID())
	if template.ID() == "" {
		return built{}, err
	}
	made := built{ID: template.ID(), Version: b.version}
	if err != nil {
		return made, err
	}
	return made, b.snapshot(ctx)
}

// overSSH starts the machine and carries out the pipeline on it.
func (b *build) overSSH(ctx context.Context, steps []step) error {
	pair, err := newKey(b.tag)
	if err != nil {
		return err
	}
	if err := b.registerKey(ctx, pair); err != nil {
		return err
	}
	if err := b.deploy(ctx, keyName(b.tag)); err != nil {
		return err
	}
	return b.provision(ctx, pair, steps)
}

// byUserData starts the machine and lets its user data do the rest. Nobody logs in, so there is no key whose traces would have to go.
// That user data is through shows only by the machine turning itself off: the cloud hears nothing else from a guest.
func (b *build) byUserData(ctx context.Context) error {
	var limit time.Duration
	if text := b.plan.Source.Wait; text != nil && *text != "" {
		var err error
		if limit, err = time.ParseDuration(*text); err != nil {
			return fmt.Errorf("source.wait: %w", err)
		}
	}
	if err := b.deploy(ctx, ""); err != nil || limit <= 0 {
		return err
	}
	b.r.Progress("waiting up to %s for the user data to turn the machine off", limit)
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := cloudstack.Poll(waiting, 5*time.Second, func(ctx context.Context) (bool, error) {
		m, err := b.r.Cloud.ReadByID(ctx, "deployVirtualMachine", b.machine)
		return err == nil && m.Str("state") == "Stopped", err
	})
	switch {
	case err == nil:
		return nil
	case ctx.Err() == nil && waiting.Err() != nil:
		b.r.Progress("the machine has not turned itself off after %s: the image holds what is installed by now", limit)
		return nil
	}
	return fmt.Errorf("wait for the machine to turn itself off: %w", err)
}

func (b *build) findNetwork(ctx context.Context) error {
	b.network = b.r.Lookups["source.network"]
	if b.network.ID() != "" && b.network.Str("zoneid") != "" {
		return nil
	}
	id := b.network.ID()
	if id == "" {
		id = b.plan.Source.Network
	}
	network, err := b.r.Cloud.ReadByID(ctx, "createNetwork", id)
	if cloudstack.IsGone(err) {
		return sdk.Problem{Attribute: "source.network", Summary: "No such network", Detail: "The cloud has no network " + id + " that this account may use."}
	}
	b.network = network
	return err
}

func (b *build) registerKey(ctx context.Context, pair *keyPair) error {
	name := keyName(b.tag)
	_, err := b.r.Cloud.Call(ctx, cloudstack.Mutation{
		Key: b.key("key"), Command: "registerSSHKeyPair", Result: "keypair",
		Params: cloudstack.Params{"name": name, "publickey": pair.public},
		Identity: cloudstack.Identity{
			Kind: cloudstack.Natural, List: "listSSHKeyPairs", Params: cloudstack.Params{"name": name}, Result: "sshkeypair", Match: map[string]string{"name": name},
		},
	})
	if err != nil {
		return fmt.Errorf("register the temporary key: %w", err)
	}
	b.undo = append(b.undo, func(ctx context.Context) error { return removeKey(ctx, b.r, b.key("undo key"), name) })
	return nil
}

// deploy starts the machine, with a key pair unless key is empty, and waits for it.
func (b *build) deploy(ctx context.Context, key string) error {
	marker := cloudstack.NewMarker()
	name := machineName(b.plan.Name, b.tag)
	params := cloudstack.Params{
		"name": name, "displayname": name, "zoneid": b.network.Str("zoneid"), "networkids": b.network.ID(),
		"serviceofferingid": b.lookedUp("source.offering", b.plan.Source.Offering), "templateid": b.lookedUp("source.template", b.plan.Source.Template),
		"details[0].moldctl.op": marker,
	}
	params.Set("keypairs", key)
	if b.plan.Source.RootDiskSize != nil {
		params.Int("rootdisksize", *b.plan.Source.RootDiskSize)
	}
	if b.plan.Source.UserData != nil {
		params.UserData(*b.plan.Source.UserData)
	}
	b.r.Progress("starting the machine %s", name)
	made, err := b.r.Cloud.Call(ctx, cloudstack.Mutation{
		Key: b.key("deploy"), Command: "deployVirtualMachine", Params: params, Result: "virtualmachine",
		// The first machine of a network takes the network's own address.
		Serial: []string{cloudstack.AddressPermit(b.network.ID()), "machines of network " + b.network.ID()},
		Identity: cloudstack.Identity{
			Kind: cloudstack.Marker, List: "listVirtualMachines", Params: cloudstack.Params{"networkid": b.network.ID(), "listall": "true"}, Result: "virtualmachine",
			Match: map[string]string{"details.moldctl.op": marker},
		},
	})
	var refused *cloudstack.Error
	if errors.As(err, &refused) {
		b.machine = refused.ID // a machine that could not be started is there, in state Error
	}
	if err != nil {
		return fmt.Errorf("start the machine: %w", err)
	}
	b.machine = made.ID()
	return nil
}

func (b *build) lookedUp(path, written string) string {
	if found := b.r.Lookups[path]; found.ID() != "" {
		return found.ID()
	}
	return written
}

// snapshot takes a VM snapshot of the origin machine when such are kept. It comes after the template: a disk with snapshots is bound.
func (b *build) snapshot(ctx context.Context) error {
	if b.plan.keep().SourceSnapshots == 0 {
		return nil
	}
	name := "v" + strconv.Itoa(b.version) + "-" + b.tag
	_, err := b.r.Cloud.Call(ctx, cloudstack.Mutation{
		Key: b.key("snapshot"), Command: "createVMSnapshot", Result: "vmsnapshot",
		Params: cloudstack.Params{"virtualmachineid": b.machine, "name": name, "description": b.plan.templateName(b.version), "snapshotmemory": "false"},
		Identity: cloudstack.Identity{
			Kind: cloudstack.Marker, List: "listVMSnapshot", Params: cloudstack.Params{"virtualmachineid": b.machine}, Result: "vmSnapshot",
			Match: map[string]string{"displayname": name},
		},
	})
	if err != nil {
		return fmt.Errorf("take a snapshot of the origin machine: %w", err)
	}
	return nil
}

// cleanUp removes what was temporary, last made first. It goes on past failures: what is left is in the journal.
func (b *build) cleanUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cleanupTime)
	defer cancel()
	var errs []error
	for i := len(b.undo) - 1; i >= 0; i-- {
		errs = append(errs, b.undo[i](ctx))
	}
	return errors.Join(errs...)
}

// machineName is a host name made of the image's: letters, digits and dashes, beginning with a letter, at most 63 characters.
func machineName(image, tag string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, image)
	clean = strings.Trim(clean, "-")
	if clean == "" || clean[0] >= '0' && clean[0] <= '9' {
		clean = "image-" + clean
	}
	suffix := "-build-" + tag
	clean = strings.Trim(clean[:min(len(clean), 63-len(suffix))], "-")
	return clean + suffix
}

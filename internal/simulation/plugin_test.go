package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// groundSpec is the plugin of what others stand on.
const groundSpec = `
plugin: ground
version: 1.0.0
protocol: 1
summary: Networks, addresses and rules.
transport: cloudstack
needs: [cloud]
types:
  net:
    summary: A network, found again by a marker.
    attributes:
      id:   {type: string, computed: true, doc: The id.}
      name: {type: string, required: true, doc: The name.}
      note: {type: string, param: displaytext, doc: Changes in place.}
      gate: {type: string, param: gateway, replace: true, doc: Needs another network.}
    blocks:
      egress:
        nesting: set
        doc: A rule of its own.
        attributes:
          protocol: {type: string, default: tcp, doc: The protocol.}
          ports:    {type: string, required: true, format: port_range, param: startport/endport, encode: port_range, doc: The ports.}
        children:
          key: [protocol, ports]
          list: {call: listEgressFirewallRules, params: {networkid: "${self.id}"}, result: firewallrule}
          create: {call: createEgressFirewallRule, params: {networkid: "${self.id}"}, result: firewallrule}
          delete: {call: deleteEgressFirewallRule}
    create: {call: createNetwork, result: network}
    read: {call: listNetworks, batch: true, result: network}
    update: [{call: updateNetwork, on: [name, note], result: network}]
    delete: {call: deleteNetwork}
    identity: {marker: externalid}
  addr:
    summary: A public address, picked and reserved.
    attributes:
      id:      {type: string, computed: true, doc: The id.}
      net:     {type: string, required: true, replace: true, param: networkid, field: associatednetworkid, doc: The network.}
      address: {type: string, computed: true, field: ipaddress, doc: The address.}
    create: {call: associateIpAddress, result: ipaddress}
    read: {call: listPublicIpAddresses, batch: true, result: publicipaddress}
    delete: {call: disassociateIpAddress}
    identity: {reserve: true}
  rules:
    summary: A set of rules on an address.
    attributes:
      id:   {type: string, computed: true, field: "${try(self.addr, response.id)}", doc: The id of the address.}
      addr: {type: string, required: true, replace: true, field: id, doc: The address.}
    blocks:
      rule:
        nesting: set
        doc: One rule.
        attributes:
          protocol: {type: string, default: tcp, doc: The protocol.}
          ports:    {type: string, required: true, format: port_range, param: startport/endport, encode: port_range, doc: The ports.}
        children:
          key: [protocol, ports]
          list: {call: listFirewallRules, params: {ipaddressid: "${self.addr}"}, result: firewallrule}
          create: {call: createFirewallRule, params: {ipaddressid: "${self.addr}"}, result: firewallrule}
          delete: {call: deleteFirewallRule}
    create: {calls: []}
    read: {call: listPublicIpAddresses, batch: true, result: publicipaddress}
    delete: {calls: []}
    identity: {natural: {id: "${self.addr}"}}
`

// houseSpec is the plugin of what stands on the ground.
const houseSpec = `
plugin: house
version: 1.0.0
protocol: 1
summary: Machines, disks, groups and images.
transport: cloudstack
needs: [cloud]
types:
  vm:
    summary: A machine, found again by a marker.
    attributes:
      id:    {type: string, computed: true, doc: The id.}
      label: {type: string, required: true, param: displayname, doc: Changes in place.}
      host:  {type: string, param: name, replace: true, doc: Needs another machine.}
      net:   {type: string, required: true, replace: true, param: networkids, field: "${try(response.nic[0].networkid, null)}", doc: The network.}
      image: {type: string, replace: true, param: templateid, doc: The image.}
    create: {call: deployVirtualMachine, result: virtualmachine}
    read: {call: listVirtualMachines, batch: true, result: virtualmachine}
    update: [{call: updateVirtualMachine, on: [label], result: virtualmachine}]
    delete: {call: destroyVirtualMachine, params: {expunge: "${cloud.may_expunge}"}}
    identity: {marker: "details[0].moldctl.op"}
  disk:
    summary: A disk, told apart by what was listed before.
    attributes:
      id:   {type: string, computed: true, doc: The id.}
      name: {type: string, required: true, doc: The name.}
      sort: {type: string, param: diskofferingid, replace: true, doc: Needs another disk.}
      vm:   {type: string, param: virtualmachineid, field: "${try(response.virtualmachineid, null)}", doc: The machine it is attached to.}
    create:
      - {call: createVolume, only: [name, sort], result: volume}
      - {key: attach, call: attachVolume, when: "${self.vm != null}", result: volume}
    read: {call: listVolumes, batch: true, result: volume}
    update:
      - {key: detach, call: detachVolume, on: [vm], only: [], when: "${prior.vm != null}", result: volume}
      - {key: attach, call: attachVolume, on: [vm], when: "${self.vm != null}", result: volume}
      - {call: updateVolume, on: [name], result: volume}
    delete:
      - {key: detach, call: detachVolume, when: "${try(prior.vm != null, false)}"}
      - {call: deleteVolume}
    identity: {serial: true}
  group:
    summary: A group, whose name the cloud keeps unique.
    attributes:
      id:   {type: string, computed: true, doc: The id.}
      name: {type: string, required: true, replace: true, doc: The name.}
      note: {type: string, param: description, replace: true, doc: Needs another group.}
    unique: [name]
    create: {call: createAffinityGroup, params: {type: host anti-affinity}, result: affinitygroup}
    read: {call: listAffinityGroups, batch: true, result: affinitygroup}
    delete: {call: deleteAffinityGroup}
    identity: {natural: [name]}
  image:
    summary: An image that is built anew, by code; old versions go later.
    attributes:
      id:   {type: string, computed: true, doc: The id of the newest version.}
      name: {type: string, required: true, replace: true, doc: The name.}
      size: {type: number, required: true, affects: [id], doc: What a new version is built for.}
    create: {handler: true}
    read: {handler: true}
    update: {handler: true}
    delete: {handler: true}
    prune: {handler: true}
    identity: {marker: "details[0].moldctl.op"}
`

// image is the value of an image.
type image struct {
	ID   string `mold:"id"`
	Name string `mold:"name"`
	Size int    `mold:"size"`
}

// builder makes images. Its versions are templates; private data lists them.
type builder struct{}

func (builder) Create(ctx context.Context, r *sdk.Request, plan image) (image, error) {
	return build(ctx, r, plan)
}

// Update builds a version if the size has changed or an interrupted run began
// with it.
func (builder) Update(ctx context.Context, r *sdk.Request, prior, plan image) (image, error) {
	if prior.Size == plan.Size && prior.ID != "" {
		plan.ID = prior.ID
		versions, err := known(r)
		r.SetPrivate(encodeVersions(versions))
		return plan, err
	}
	made, err := build(ctx, r, plan)
	if err != nil && made.ID == "" {
		return prior, err
	}
	return made, err
}

func (builder) Read(ctx context.Context, r *sdk.Request, prior image) (image, error) {
	object, err := r.Cloud.ReadByID(ctx, "createTemplate", prior.ID)
	if cloudstack.IsGone(err) {
		return prior, sdk.ErrGone
	}
	if err != nil {
		return prior, err
	}
	prior.Name = object.Str("name")
	_, err = fmt.Sscanf(object.Str("displaytext"), "size %d", &prior.Size)
	return prior, err
}

func (builder) Delete(ctx context.Context, r *sdk.Request, prior image) error {
	versions, err := known(r)
	if err != nil {
		return err
	}
	if prior.ID != "" && !contains(versions, prior.ID) {
		versions = append(versions, prior.ID)
	}
	return removeAll(ctx, r, versions, "")
}

func (builder) Prune(ctx context.Context, r *sdk.Request, state image) (image, error) {
	versions, err := known(r)
	if err != nil {
		return state, err
	}
	return state, removeAll(ctx, r, versions, state.ID)
}

// build makes one version.
func build(ctx context.Context, r *sdk.Request, plan image) (image, error) {
	versions, err := known(r)
	if err != nil {
		return plan, err
	}
	key := fmt.Sprintf("version %d", plan.Size)
	marker := r.Operation
	object, err := r.Cloud.Call(ctx, cloudstack.Mutation{
		Key: key, Command: "createTemplate", Result: "template",
		Params: cloudstack.Params{"name": plan.Name, "displaytext": fmt.Sprintf("size %d", plan.Size), "details[0].moldctl.op": marker},
		Identity: cloudstack.Identity{
			Kind: cloudstack.Marker, List: "listTemplates", Result: "template", Match: map[string]string{"details.moldctl.op": marker},
			Params: cloudstack.Params{"templatefilter": "self"},
		},
	})
	if err != nil {
		r.SetPrivate(encodeVersions(versions))
		return image{}, err
	}
	plan.ID = object.ID()
	if !contains(versions, plan.ID) {
		versions = append(versions, plan.ID)
	}
	r.SetPrivate(encodeVersions(versions))
	return plan, nil
}

// known are the versions of earlier runs, those of interrupted ones too.
func known(r *sdk.Request) ([]string, error) {
	var versions []string
	if len(r.Private) > 0 {
		if err := json.Unmarshal(r.Private, &versions); err != nil {
			return nil, err
		}
	}
	for key, s := range r.Resume {
		if strings.HasPrefix(key, "version ") && s.Status == cloudstack.Adopted && !contains(versions, s.ID) {
			versions = append(versions, s.ID)
		}
	}
	return versions, nil
}

func encodeVersions(versions []string) []byte {
	data, err := json.Marshal(versions)
	if err != nil {
		panic(err) // a list of texts
	}
	return data
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

// removeAll deletes all versions but one and remembers what is left.
func removeAll(ctx context.Context, r *sdk.Request, versions []string, but string) error {
	var errs []error
	var rest []string
	for _, id := range versions {
		if id == but {
			rest = append(rest, id)
			continue
		}
		if err := r.Cloud.Delete(ctx, cloudstack.Mutation{Key: "delete " + id, Command: "deleteTemplate", Target: id}); err != nil {
			errs, rest = append(errs, err), append(rest, id)
		}
	}
	r.SetPrivate(encodeVersions(rest))
	return errors.Join(errs...)
}
